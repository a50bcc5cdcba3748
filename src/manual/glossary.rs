//! What the words mean here.
//!
//! # Of the domain
//!
//! | word | Chinese | meaning |
//! | --- | --- | --- |
//! | access provider | 接入商 | the datacenter that connects a site to the Internet, and runs Zhamen |
//! | category | 类别 | one pack: what kind of content, under which clause, with which action |
//! | class | 政治类、低俗类、其他类 | what the ledger will count a category as ([`Class`](crate::engine::rules::Class)) |
//! | filing | ICP备案 | the record that lets a domain be served; of a domain *and* an access provider ([`Filing`](crate::domain::registry::Filing)) |
//! | filed elsewhere | 未接入 | filed, but with another access provider |
//! | interactive section | 交互栏目 | where visitors post; open or closed per site ([`Interactive`](crate::domain::registry::Interactive)) |
//! | letter of commitment | 信息安全承诺书 | the contract between datacenter and customer that Zhamen keeps |
//! | lock | 锁定 | a page that is refused until it is found clean ([`Lock`](crate::domain::standing::Lock)) |
//! | notice | 通报 | an authority's notification of harmful content (not recorded in this version) |
//! | origin | 源站 | the server behind Zhamen that answers for a site ([`Origin`](crate::domain::registry::Origin)) |
//! | registrable domain | 可备案域名 | the part of a name that was bought, and is filed ([`HostName::registrable`](crate::base::HostName::registrable)) |
//! | registry | 登记表 | all sites with origin, customer and filing ([`Registry`](crate::domain::registry::Registry)) |
//! | service | 虚拟主机、云主机、托管 | a product that a unit rents ([`ServiceKind`](crate::domain::registry::ServiceKind)) |
//! | site | 站点 | a row of the registry ([`Site`](crate::domain::registry::Site)) |
//! | standing | 状态 | what follows from what was found; so far: locked pages |
//! | strike | 违规记录 | what the ledger will count (not in this version) |
//! | unit | 单位 | the customer who signed the letter |
//!
//! # Of the gate
//!
//! | word | meaning |
//! | --- | --- |
//! | admission | the decision on one request ([`Policy::admit`](crate::domain::policy::Policy::admit)) |
//! | facts | what a head claims, checked ([`Facts`](crate::domain::message::Facts)) |
//! | generation | the number of a snapshot; grows with every swap |
//! | permit | the proof of an admission ([`Permit`](crate::domain::policy::Permit)) |
//! | reason | why a request was refused, one word ([`Reason`](crate::domain::policy::Reason)) |
//! | recheck | the reading of a locked page, whole, to see whether it is clean |
//! | refusal | an answer of our own in the place of the origin's ([`Refusal`](crate::domain::policy::Refusal)) |
//! | snapshot | everything in force ([`Snapshot`](crate::domain::snapshot::Snapshot)) |
//!
//! # Of the engine
//!
//! | word | meaning |
//! | --- | --- |
//! | coding | Content-Encoding: gzip, deflate, br, zstd ([`Coding`](crate::engine::coding::Coding)) |
//! | committed | a body whose head is on the wire ([`Committed`](crate::engine::body_filter::Committed)) |
//! | edge | where the markup ends a word (soft) or everything (hard) ([`Edge`](crate::engine::text::Edge)) |
//! | excerpt | the text around a finding |
//! | finding | one rule, one place; a machine's opinion ([`Finding`](crate::engine::rules::Finding)) |
//! | folding | what reads alike becomes alike ([`fold`](crate::engine::text::fold)) |
//! | gap | the noise between two tokens of a phrase |
//! | held | a body of which nothing has been sent ([`Held`](crate::engine::body_filter::Held)) |
//! | inspection | how much of a body was read, and why not all ([`Inspection`](crate::engine::body_filter::Inspection)) |
//! | judgement | everything that is said of one body ([`Judgement`](crate::engine::body_filter::Judgement)) |
//! | lane | one kind of place in a document ([`Lane`](crate::engine::rules::Lane)) |
//! | mask | to replace matched characters, length for length |
//! | noise | punctuation, symbols, emoji, white space |
//! | pack | a file of rules: one category ([`Pack`](crate::engine::rules::Pack)) |
//! | phrase | what a rule looks for ([`Phrase`](crate::engine::rules::Phrase)) |
//! | score, threshold, weight | the sum of what hit, what it takes to act, what one rule adds ([`CategoryScore`](crate::engine::rules::CategoryScore)) |
//! | shadow | a rule that is found and recorded, but does not act ([`Mode`](crate::engine::rules::Mode)) |
//! | tail | withheld bytes that may begin a match |
//! | tally | what was found so far in one body ([`Tally`](crate::engine::rules::Tally)) |
//! | token | an ideograph or a whole word ([`Token`](crate::engine::text::fold::Token)) |
//! | verdict | the strongest action that is due; none is "pass" |

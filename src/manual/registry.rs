//! The registry: where it comes from, how it is changed, what is checked.
//!
//! # Sources
//!
//! | source | what it is | what it replaces |
//! | --- | --- | --- |
//! | `file` | `[registry] file` (watched), and `zhamen registry import FILE` | all rows of files |
//! | `pull` | `[registry.pull] url`, asked for every so often | all rows of the pull |
//! | `api` | the admin API, row by row | that row |
//!
//! Rows live in the store ([`Sites`](crate::store::Sites)), each with its source and the time of its last
//! change. Where two sources say something of one host, the one that *changed* it last holds, and a
//! warning names the host. What a source removes falls back to what another one says.
//!
//! The watched file and imports are one source: what came last holds. The store remembers (by SHA-256)
//! which state of the file was applied. At start an unchanged file is not read again: the registry is that
//! of the store, with whatever imports have made of it. If the file is broken or gone at start, the
//! last good registry applies, with a warning; `registry_unavailable` is answered only where there never
//! was one.
//!
//! # Import
//!
//! ```text
//! zhamen registry import --dry-run export.xlsx     # what would change: added, changed, removed, refused
//! zhamen registry import export.xlsx
//! zhamen registry import units units.csv           # or services, commitments, persons
//! zhamen registry export -o sites.csv              # what holds, importable again
//! zhamen registry history www.example.com          # its filings, with dates
//! ```
//!
//! Files are CSV (UTF-8 with or without BOM, or GB18030) or .xlsx, of which the first sheet that is not
//! empty is read. Without a kind, the header decides. A bad row is refused at its line and column (in a
//! workbook: at its cell, `cell F4`), the others are applied; a file with more bad rows than good changes
//! nothing. An import, a pull, or a change of the watched file that would remove more than
//! `registry.remove_max` percent of the rows (and more than ten) is taken for an export that was cut off: it
//! needs `registry import --force`.
//!
//! | file | columns (and what spreadsheets may call them) |
//! | --- | --- |
//! | sites | `host` 域名, `origin` 源站, `unit` 单位, `service` 服务, `kind` 类型, `icp` 备案号, `filing` 备案状态, `filed_until` 备案有效期, `server_ip` 服务器IP, `interactive` 交互; how origins are reached ([`origins`](super::origins)): `origin_ca` 源站CA, `origin_name` 源站证书域名, `origin_verify` 验证源站证书, `proxy_protocol` PROXY协议, `origin_http` 源站HTTP; certificates ([`acme`](super::acme)): `acme` 自动证书 |
//! | units | `unit` 单位, `parent` 上级, `name` 名称, `identity` 证件号, `contact` 联系方式 |
//! | services | `service` 服务, `unit` 单位, `kind` 类型, `server_ips` 服务器IP (several: `;`) |
//! | commitments | `unit` 单位, `form` 承诺书 (`hosting`, `datacenter`), `signed` 签署日期, `until` 到期, `signatory` 签署人 |
//! | persons | `unit` 单位, `role` 角色 (`principal` 责任人, `reviewer` 审查员), `name` 姓名, `certificate` 证书, `expires` 证书到期, `contact` 联系方式 |
//!
//! The words in the cells may be Chinese, too: 虚拟主机, 云主机, 已备案, 未接入, 已注销, 先审后贴, ….
//! Days are read as `2027-06-30`, `2027/6/30`, `2027年6月30日`, or as Excel keeps them.
//!
//! Every import is one entry on the record, with its counts and the SHA-256 of the file; every filing that
//! changed is another. Units and services that a file of sites names come on the record by themselves,
//! so that a notice about a service is understood from then on.
//!
//! # Pull
//!
//! ```toml
//! [registry.pull]
//! url   = "https://crm.example.com/sites.csv"
//! every = "5m"
//! token = "${CRM_TOKEN}"
//! ```
//!
//! The answer is the whole registry, CSV or XLSX. `ETag` and `If-None-Match` save reading it when nothing
//! changed; no redirect is followed. An answer with another status, one that does not come within
//! `timeout`, is longer than `max`, has more bad rows than good, or would remove too much changes nothing:
//! the log says why, and `zhamen_reload_total{what="registry",result="error"}` counts it.
//!
//! # Filing drift
//!
//! `zhamen registry drift` lists filings that are not what they should be: `expired` (`filed_until` is
//! over; the site is refused as `filing_cancelled`), `elsewhere`, `cancelled`, and home pages whose bottom
//! does not show what is filed. `zhamen check` warns `registry.warn_before` before filings, commitments
//! and certificates end.
//!
//! Home pages are looked at as they pass ([`check_footer`](crate::domain::registry::check_footer)), once a
//! site and hour, where they were held whole: the number must stand in the visible text of the last
//! 1,500 characters (or the last third), and the page must link to beian.miit.gov.cn or one of its
//! predecessors. `zhamen_footer_checks_total{result}` counts `ok`, `missing`, `wrong` and `unlinked`; what
//! is not `ok` is a finding of class `filing` under `filing.footer-missing`, `filing.footer-wrong` or
//! `filing.footer-unlinked`. Nobody is blocked for it.
//!
//! # Unfiled hosts
//!
//! Requests refused as `unfiled` are counted by the address they came in at and by host, and written to
//! the store every two seconds: `zhamen registry unfiled`. Strangers choose the names: between two
//! writings 2,000 are told apart, the rest is `(others)`; the store keeps the 100,000 that were seen last.
//!
//! # In memory
//!
//! A million sites are one [`Registry`](crate::domain::registry::Registry) of about a hundred bytes a
//! site. What changes lies over it as a small table, so that a change costs milliseconds; when more
//! than a few thousand rows have changed, it is built anew beside the one in use.

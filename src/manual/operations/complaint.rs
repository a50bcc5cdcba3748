//! Reading a refusal: from the visitor's complaint to the line that decided.
//!
//! Every refusal shows a request number, on the page and in the field `Zhamen-Request`. Ask the visitor
//! for it; the address and the time will do, too.
//!
//! ```sh
//! number=$(curl -si -H 'Host: www.example.cn' http://127.0.0.1:8080/bad.html | tr -d '\r' | sed -n 's/^zhamen-request: //ip')
//! until grep "\"id\":\"$number\"" access.jsonl; do sleep 1; done
//! # → /bad.html
//! # → "status":451
//! ```
//!
//! On an installed edge the log is /var/log/zhamen/access.jsonl, and older lines are in its rotated files, which
//! are compressed from the second day on:
//!
//! ```text
//! zgrep -h '"id":"7f3c0e5a12b4d698"' /var/log/zhamen/access.jsonl*
//! ```
//!
//! Since when it is so: the first line of the page with that reason.
//!
//! ```sh
//! grep -h '"target":"/bad.html"' access.jsonl* | grep '"status":451' | head -1
//! # → "time"
//! ```
//!
//! ```text
//! zgrep -h '"target":"/bad.html"' $(ls -tr /var/log/zhamen/access.jsonl*) | grep '"host":"www.example.cn"' | grep '"status":451' | head -1
//! ```
//!
//! The line says `reason`, `detail`, `host`, `target`, the rules that hit and the generation that decided.
//! The next step, by reason:
//!
//! | reason | look at |
//! | --- | --- |
//! | `unfiled`, `filed_elsewhere`, `filing_cancelled` | `zhamen explain HOST`: which row covers the host, and what it says |
//! | `content_blocked` | `rules` in the line; `zhamen rules explain` on the page as the origin has it |
//! | `page_locked`, `directory_locked`, `site_locked` | `zhamen explain HOST/PATH`: since when, and why |
//! | `suspended`, `terminated`, `no_commitment` | `zhamen ledger show --unit UNIT`: since when, and by which strikes |
//! | `bad_host`, `malformed_request`, `ambiguous_framing` | `detail`; another proxy on the way is the usual cause |
//! | `misdirected` | the names in the certificate |
//! | `origin_unreachable`, `origin_timeout`, `origin_protocol` | `detail`; ask the origin directly with curl |
//! | `registry_unavailable` | the operational log, `/readyz` |
//!
//! For content: the page as the origin has it, and what each rule makes of it, score by score; or, where
//! the origin has changed it meanwhile, what was served when it was found:
//!
//! ```sh
//! curl -s http://127.0.0.1:8000/bad.html > complaint.html
//! zhamen rules explain complaint.html
//! # exit status 1: something was found
//! # → gambling
//! zhamen evidence verify
//! # → records
//! ```
//!
//! Was the rule wrong, change it ([`rule_update`](super::rule_update)). Was it right, the owner removes the
//! content; a locked page is read again after `locks.recheck` and unlocks itself when it is clean.

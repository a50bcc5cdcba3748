//! Moving from nginx, or from a home-grown keyword script.
//!
//! # From nginx
//!
//! Zhamen takes the ports; nginx, or whatever serves, moves behind it and becomes the origin.
//!
//! | nginx | Zhamen |
//! | --- | --- |
//! | `listen 80`, `listen 443 ssl` | `listen.http`, `listen.https` |
//! | `ssl_certificate`, `ssl_certificate_key` | a directory of them, `tls.certificates`; chosen by name |
//! | `server_name`, `proxy_pass` | a row of sites.csv: host and origin |
//! | buffers of the client's header | `limits.head`, `limits.headers` |
//! | `proxy_connect_timeout`, `proxy_read_timeout`, `keepalive_timeout` | `timeouts.connect`, `timeouts.origin_head` and `timeouts.origin_idle`, `timeouts.keep_alive` |
//! | `worker_processes`, `worker_connections` | `workers.threads`, `limits.connections` |
//! | `sub_filter` on words | a pack with `action = "mask"` |
//! | `access_log` | `log.access`: JSON lines |
//! | rewriting, caching, PHP | stays with nginx, behind |
//!
//! One host after the other: put Zhamen on another port or address, move the name of one small site,
//! look for a day, then the rest. nginx sees Zhamen's address as its client; `real_ip_header
//! X-Forwarded-For` with `set_real_ip_from` Zhamen's address gives it the visitor's again.
//!
//! # From a keyword script
//!
//! The word list becomes a pack. Its encoding is guessed; `word,30` gives a weight, `word+word` wants both:
//!
//! ```sh
//! printf '# 词表\n黄牛抢号\n代开发票+联系,60\n' | iconv -f UTF-8 -t GBK > words.txt
//! zhamen rules convert --from words --id ours --title '自有词表' --mode shadow --out draft/ours.toml words.txt
//! # → GBK
//! zhamen rules lint --rules draft
//! # exit status 1: it warns of rules without an example
//! # → 0 errors
//! ```
//!
//! Guessed wrong, it is said with `--encoding gbk`. With `--mode shadow` the rules are found and counted, and nothing
//! follows: begin with that. What is not taken over is listed, with the reason: phrases of a word or a character
//! so short that it is found everywhere, above all. A pack that is there is only written over with `--force`.
//!
//! Phrase lists of E2Guardian and DansGuardian keep their weights and combinations; the threshold is
//! the `naughtynesslimit` that they were tuned for. Name the files that hold the phrases,
//! `/etc/e2guardian/lists/phraselists/*/weighted*`: the weightedphraselist itself only includes them, and includes
//! are not followed.
//!
//! ```sh
//! printf '<百家乐><40>\n<免费>,<彩金><30>\n<反赌宣传><-60>\n' > weighted
//! zhamen rules convert --from e2guardian --id converted --threshold 100 --out draft/converted.toml weighted
//! # → weighted
//! zhamen rules diff rules draft --against pages
//! # exit status 1: something changes
//! # → bad.html
//! ```
//!
//! What the last command shows is what the old list would do beside the rules in force, page by page:
//! the way to see whether it is still wanted. Such lists come without examples and hit a lot: convert
//! them once more with `--mode shadow --force` before they are put into the rules directory, look for a week at what
//! they find (`rules` in the access log), and switch on what is worth it.

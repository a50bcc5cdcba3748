//! The incident drill: an hour, twice a year, with the people who would be called.
//!
//! The letters give 24 hours from noticing to reporting, and want emergency measures at once. In the
//! drill it is a page of our own:
//!
//! ```sh
//! zhamen incident open --title '演练：茶馆页面被篡改' --site www.example.cn --lock-page www.example.cn/bad.html --by 张三
//! # → to be reported by
//! incident=$(zhamen incident list --json | sed -n 's/.*"id":"\([^"]*\)".*/\1/p' | head -1)
//! zhamen incident show "$incident"
//! # → 张三
//! until curl -s http://127.0.0.1:9900/metrics | grep '^zhamen_incidents_open 1'; do sleep 1; done
//! # → zhamen_incidents_open 1
//! ```
//!
//! What is done is noted while it is done. `zhamen report incident` writes a draft as often as one likes;
//! `zhamen incident report` says that it was sent, once, and stops the clock. Closing lists what stays locked:
//!
//! ```sh
//! zhamen incident note "$incident" --by 李四 '已通知客户，页面已锁定'
//! zhamen incident report "$incident" --text '网监分局，电话' --output report.html --by 张三
//! ls -l report.html
//! # → report.html
//! zhamen incident close "$incident" --conclusion '演练结束' --by 张三
//! zhamen incident show "$incident"
//! # → 演练结束
//! ```
//!
//! What to look at afterwards: how long from the finding to the lock (the access log), from the lock to
//! the first note, to the report; whether the alert ([`runbook`](super::runbook), "An incident must be
//! reported") woke somebody; whether the report could be read by someone who was not there.
//! More: [`incidents`](crate::manual::incidents).

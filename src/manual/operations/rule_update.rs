//! A rule update by the security team: from the edit to live, with its test, and back.
//!
//! The rules directory is a checkout of the team's repository; what is merged is pulled to every edge.
//! Where there is no repository yet:
//!
//! ```sh
//! git init -q rules && git -C rules config user.name team && git -C rules config user.email team@example.cn
//! git -C rules add -A && git -C rules commit -qm 'as shipped' && git -C rules log --oneline
//! # → as shipped
//! ```
//!
//! # The edit
//!
//! On a branch, in another directory: nothing that is in force is touched. The rule begins in shadow,
//! with a text that it must hit and one that it must not:
//!
//! ```sh
//! git -C rules worktree add -q ../draft -b tickets
//! cat > draft/tickets.toml <<'END'
//! [pack]
//! id        = "tickets"
//! title     = "倒票"
//! clause    = "7.9"
//! class     = "other"
//! action    = "block"
//! threshold = 100
//!
//! [[rule]]
//! id     = "tickets.scalpers"
//! any    = ["黄牛代抢", "内部渠道出票"]
//! mode   = "shadow"
//! source = "通报 2026-114"
//! hit    = ["专业黄 牛 代 抢，先抢后付"]
//! pass   = ["黄牛是一种家畜，代代相传"]
//! END
//! ```
//!
//! # The test
//!
//! ```sh
//! zhamen rules lint --rules draft
//! # → 0 errors
//! zhamen rules test --rules draft
//! # → 0 failed
//! zhamen rules diff rules draft --against pages
//! # → 0 changed
//! echo '<meta charset=utf-8><p>黄牛代抢' > pages/tickets.html
//! zhamen rules explain --rules draft pages/tickets.html
//! # exit status 1: something was found
//! # → tickets.scalpers
//! ```
//!
//! # Live, in shadow, then on
//!
//! ```sh
//! git -C draft add -A && git -C draft commit -qm '倒票：通报 2026-114' && git -C rules merge -q tickets
//! sleep 3; curl -s http://127.0.0.1:9900/metrics | grep 'zhamen_reload_total.*rules'
//! # → result="success"
//! curl -so /dev/null -w '%{http_code}\n' -H 'Host: www.example.cn' http://127.0.0.1:8080/tickets.html
//! # → 200
//! visit() { curl -so /dev/null -H 'Host: www.example.cn' http://127.0.0.1:8080/tickets.html; }
//! until visit; curl -s http://127.0.0.1:9900/metrics | grep 'category="tickets"'; do sleep 1; done
//! # → mode="shadow"
//! ```
//!
//! After a day of looking at what it finds (`rules` in the access log; the panel "Findings of rules in
//! shadow"), it is switched on:
//!
//! ```sh
//! sed -i 's/^mode   = "shadow"/mode   = "on"/' rules/tickets.toml && git -C rules commit -qam '倒票：启用'
//! until curl -si -H 'Host: www.example.cn' http://127.0.0.1:8080/tickets.html | grep 'HTTP/1.1 451'; do sleep 1; done
//! # → 451
//! ```
//!
//! # Back
//!
//! A response that has begun ends under the rules that it began with. A page that a wrong rule has
//! locked is read again after `locks.recheck`, or at once when somebody unlocks it:
//!
//! ```sh
//! git -C rules revert --no-edit HEAD > /dev/null
//! sleep 3; zhamen ledger findings --json > found; grep -c tickets.scalpers found
//! # → 1
//! zhamen ledger review "$(grep -o '"id":"f-[0-9a-f]*"' found | head -1 | cut -d'"' -f4)" dismissed --why '规则撤回'
//! # → review
//! sleep 2; curl -so /dev/null -w '%{http_code}\n' -H 'Host: www.example.cn' http://127.0.0.1:8080/tickets.html
//! # → 200
//! ```
//!
//! A file that is broken is refused as a whole and complained of in the log with line and column; what
//! was in force stays ([`runbook`](super::runbook), "A reload fails"). But only while the process runs: unlike the
//! registry, rules have no last good copy, and with a broken pack the next start fails. Mend it the same day, and
//! lint before the merge: `zhamen rules lint` ends with status 2 where a pack would not be applied, with 1 where
//! it only warns.

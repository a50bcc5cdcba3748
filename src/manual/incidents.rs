//! Incidents: from the first sign to the report, and the letters that belong to it.
//!
//! Both letters promise the same: when something serious happens, take emergency measures at once, keep
//! the original records, report within 24 hours, notify in writing (second letter 9, first letter 8). An
//! incident is that promise with a clock.
//!
//! # A drill
//!
//! A notice came in (`n-114`), or somebody saw something. Open an incident; what is to be locked is locked
//! in the same step, all or nothing, and in force within a second:
//!
//! ```text
//! zhamen incident open --notice n-114 --lock-site bbs.example.cn
//! zhamen incident open --title "论坛被灌水" --unit u7 --site bbs.example.cn --lock-page bbs.example.cn/thread/9
//! zhamen incident open --kind security --title "后台被入侵" --unit u7 --suspend u7
//! ```
//!
//! The answer is its id and its deadline. From a notice or finding the unit and the host are taken over;
//! the clock of a notice began when it became known. From now on the evidence of the units and hosts
//! concerned is on hold: retention does not touch it until the incident is closed.
//!
//! ```text
//! zhamen incident list                              # the next deadline first
//! zhamen incident note i-20260315-3fa91c2b --step measure "关闭论坛发贴功能"
//! zhamen report notice --unit u7 --incident i-20260315-3fa91c2b -o notice.pdf
//! zhamen incident note i-20260315-3fa91c2b --step notified "书面通知已签收"
//! zhamen report incident i-20260315-3fa91c2b -o draft.pdf          # look at it first
//! zhamen incident report i-20260315-3fa91c2b --text "网监分局，书面送达" -o report.pdf
//! zhamen report rectification --unit u7 -o rectification.pdf       # for the unit to sign
//! zhamen incident close i-20260315-3fa91c2b --conclusion "已清除，整改报告已收"
//! ```
//!
//! `incident report` stops the clock, and puts the SHA-256 of the file that was sent on the record. Closing
//! ends the hold, and unlocks nothing: locks and suspensions are lifted by themselves, by somebody.
//!
//! # Clocks
//!
//! `[incident.clock]` has one for each kind: 24 hours for content and malware, four for attacks on network
//! security. The law's own numbers differ by sector and change; set yours. At 50, 75 and 100 per cent a
//! `reminder` is noted, once, whatever was restarted in between
//! ([`Incident::due_reminders`](crate::domain::incident::Incident::due_reminders)); whoever listens for
//! entries of the record hears of it. Two metrics for alarms:
//!
//! | metric | means |
//! | --- | --- |
//! | `zhamen_incidents_open` | incidents that are not closed |
//! | `zhamen_incident_deadline_timestamp_seconds` | the next deadline among those not reported; absent if there is none |
//!
//! # Incidents that open by themselves
//!
//! ```toml
//! [incident.rules.politics]
//! class    = "political"       # or category = "malware"
//! findings = 3                 # of one unit, each confirmed by a reviewer unless confirmed = false
//! within   = "24h"
//! lock     = "site"            # none | page | site | unit
//! ```
//!
//! Without `[incident.rules]` there is one: anything that the pack `malware` finds opens an incident and
//! locks the page. While an incident of the same kind is open for a unit, what is found there belongs to
//! that one and opens no other ([`Watch`](crate::domain::incident::Watch)).
//!
//! # Letters and reports
//!
//! | command | prints |
//! | --- | --- |
//! | `report rectification` | 整改报告: the second part of the second letter, filled in as far as the record goes |
//! | `report commitment` | 承诺书, both forms, with the thresholds by which the ledger counts |
//! | `report suspension` | 中止接入服务通知书: the strikes that did it, the limits, that nothing is returned |
//! | `report notice` | 书面通知: an incident, to a unit |
//! | `report incident` | 网络安全事件报告: an incident, to the authority, with timeline and hashes of the evidence |
//! | `report statistics` | a month in numbers, unit by unit |
//! | `report apportion` | a fine shared by number of sites (second letter, 11.3) |
//!
//! All are A4 with a line for signature and seal on every page, as the letter wants. `-o FILE.pdf` writes
//! PDF, anything else one HTML page to print from a browser. A PDF needs a font with Chinese characters:
//! install `fonts-noto-cjk` or `fonts-wqy-microhei`, or name a file in `report.font`. The same data, font
//! and time give the same bytes.
//!
//! The rectification report lists every site on the servers concerned, other units' as well where they
//! share a server: that is what the letter's table asks for. Look before you hand it out, or name one
//! server with `--ip`.
//!
//! A fine is shared to the cent: each share is rounded down, and the cents that are left go one each to the
//! largest remainders, among equal ones by the unit's id
//! ([`apportion`](crate::domain::apportion::apportion)).

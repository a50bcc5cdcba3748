//! A line for each request while the demonstration runs.

use std::io::{self, Write};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    cli::table::printable,
    domain::event::{Event, Exchange, Outcome},
    telemetry::Observer,
};

/// Writes the lines to standard output.
pub(super) fn observer() -> Observer {
    let zone = TimeZone::system();
    Box::new(move |event| {
        // Whoever closed standard output does not want to see it.
        let _ = writeln!(io::stdout().lock(), "{}", line(event, &zone));
    })
}

/// The line over the columns.
pub(super) const HEAD: &str =
    "TIME          STATUS  OUTCOME                 MS      BYTES  REQUEST, AND WHAT WAS FOUND";

fn line(event: &Event, zone: &TimeZone) -> String {
    let text = match event {
        Event::Exchange(exchange) => exchange_line(exchange, zone),
        Event::PageLocked { page, rules, at } => {
            format!(
                "{}          page locked                        {}{}  {}",
                time(at.0, zone),
                page.host,
                page.target,
                rules.join(" ")
            )
        }
        Event::PageUnlocked { page, at } => {
            format!("{}          page unlocked                      {}{}", time(at.0, zone), page.host, page.target)
        }
    };
    // Hosts and paths come from strangers.
    printable(&text)
}

fn exchange_line(exchange: &Exchange, zone: &TimeZone) -> String {
    let outcome = match exchange.outcome {
        Outcome::Aborted => "cut off",
        Outcome::ClientGone => "client gone",
        Outcome::Forwarded => "forwarded",
        Outcome::OriginBroke => "origin broke",
        Outcome::Proved => "proved",
        Outcome::Refused(reason) => reason.as_str(),
        Outcome::Tunnelled => "tunnelled",
    };
    let mut rules: Vec<&str> = exchange
        .judgement
        .iter()
        .flat_map(|judgement| judgement.findings_against())
        .map(|finding| &*finding.rule)
        .collect();
    rules.sort_unstable();
    rules.dedup();
    format!(
        "{}  {:<6}  {outcome:<18}  {:>6.1}  {:>9}  {} {}{}  {}",
        time(exchange.at.0, zone),
        exchange.status,
        exchange.total_micros as f64 / 1e3,
        exchange.response_bytes,
        exchange.method,
        exchange.host,
        exchange.target,
        rules.join(" "),
    )
    .trim_end()
    .to_owned()
}

fn time(millis: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    time.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::standing::PageKey;

    #[test]
    fn a_line_cannot_steer_the_terminal() {
        let page = PageKey { host: Arc::from("a.cn"), target: Arc::from("/\x1b[2J") };
        let event = Event::PageUnlocked { page, at: crate::base::Timestamp(1_773_540_000_123) };
        let line = line(&event, &TimeZone::UTC);
        assert!(line.starts_with("02:00:00.123 ") && line.ends_with("a.cn/\u{fffd}[2J"), "{line}");
    }
}

//! `zhamen rules explain`: why a page is judged as it is, score by score.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Exit, Packs, page, problems, scan, today};
use crate::{
    base::Problem,
    cli::table::printable,
    engine::{
        body_filter::{BodyHead, Judgement, scan_whole, trace_whole},
        rules::{Explainer, Mode, Obstacle, Pack, RuleExplanation, Sighting},
        text::Stream,
    },
};

/// Say why a page is judged as it is: every score, every rule that hit, every rule that nearly did.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  nothing was found\n  1  something was found\n  2  an error")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    packs: Packs,
    /// The Content-Type that the response would have.
    #[arg(long, value_name = "TYPE", default_value = "text/html")]
    content_type: String,
    /// The Content-Encoding that the response would have.
    #[arg(long, value_name = "CODING")]
    content_encoding: Option<String>,
    /// Print one JSON object a line for each page.
    #[arg(long)]
    json: bool,
    /// The pages; `-` is standard input.
    #[arg(value_name = "PAGE", required = true)]
    pages: Vec<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let prepared = args.packs.config().and_then(|config| Ok((args.packs.files(&config)?, config.scan)));
    let (files, policy) = match prepared {
        Ok(prepared) => prepared,
        Err(found) => return problems::give_up(&found),
    };
    let compiled = match files.compile(today()) {
        Ok(compiled) => compiled,
        Err(found) => return problems::give_up(&found),
    };
    let explainer = match Explainer::new(&compiled.packs, today()) {
        Ok(explainer) => explainer,
        Err(found) => return problems::give_up(&found),
    };
    let head = BodyHead {
        content_type: Some(args.content_type.as_bytes()),
        content_encoding: args.content_encoding.as_deref().map(str::as_bytes),
    };
    let mut exit = Exit::Ok;
    for page in &args.pages {
        let body = match page::read(page) {
            Ok(body) => body,
            Err(error) => {
                let problem = Problem::error(page, 0, 0, format!("cannot be read: {error}"));
                exit = exit.max(problems::give_up(&[problem])?);
                continue;
            }
        };
        let judgement = scan_whole(&compiled.rules, head, &policy, &body);
        let trace = trace_whole(explainer.rules(), head, &policy, &body);
        let explained = explainer.explain(&trace, &judgement.findings);
        if args.json {
            writeln!(out, "{}", to_json(page, &judgement, &explained))?;
        } else {
            write_for_people(page, &judgement, &explained, out)?;
        }
        exit = exit.max(scan::exit(&judgement));
    }
    Ok(exit)
}

fn write_for_people(
    page: &str,
    judgement: &Judgement,
    explained: &[(&Pack, Vec<RuleExplanation<'_>>)],
    out: &mut dyn Write,
) -> io::Result<()> {
    scan::write_head(page, judgement, out)?;
    if explained.is_empty() {
        writeln!(out, "  no phrase of any rule stands in it")?;
    }
    for (pack, rules) in explained {
        let (score, action) = score(judgement, pack);
        let compared = if score >= pack.threshold { "reaches" } else { "stays below" };
        writeln!(out, "\n{} ({}): {score} {compared} {}: {action}", pack.id, pack.title, pack.threshold)?;
        for explanation in rules.iter().filter(|it| it.finding.is_some()) {
            write_hit(explanation, out)?;
        }
        for explanation in rules.iter().filter(|it| it.finding.is_none()) {
            write_near_hit(explanation, out)?;
        }
    }
    writeln!(out)
}

fn write_hit(explanation: &RuleExplanation<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(finding) = &explanation.finding else { return Ok(()) };
    let weight = match finding.mode {
        Mode::On => format!("{:+}", finding.weight),
        Mode::Shadow | Mode::Off => format!("({:+}, {})", finding.weight, finding.mode.as_str()),
    };
    let by_sound = if finding.weight == explanation.rule.weight { "" } else { ", by its sound" };
    let (start, end, stream) = (finding.span.start, finding.span.end, finding.stream.as_str());
    let excerpt = printable(&finding.excerpt);
    writeln!(
        out,
        "  {weight:>6}  {}: {:?}{by_sound}, bytes {start}..{end}, {stream}: {excerpt}",
        finding.rule, finding.phrase
    )?;
    // Without `all` there is one part: what else was seen of it adds nothing.
    let others = explanation.seen.iter().filter(|seen| !explanation.rule.all.is_empty() && seen.span != finding.span);
    for seen in others {
        writeln!(out, "          with {}", shown(seen))?;
    }
    Ok(())
}

fn write_near_hit(explanation: &RuleExplanation<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "       -  {}: no hit", explanation.rule.id)?;
    for seen in &explanation.seen {
        writeln!(out, "          saw {}", shown(seen))?;
    }
    for obstacle in &explanation.obstacles {
        writeln!(out, "          but {}", printable(&says(obstacle, explanation)))?;
    }
    Ok(())
}

fn shown(seen: &Sighting) -> String {
    let Sighting { phrase, stream, span, excerpt, .. } = seen;
    printable(&format!("{phrase:?}, bytes {}..{}, {}: {excerpt}", span.start, span.end, stream.as_str()))
}

fn says(obstacle: &Obstacle, explanation: &RuleExplanation<'_>) -> String {
    let place = |it: &Sighting| format!("{:?} at bytes {}..{}", it.phrase, it.span.start, it.span.end);
    match obstacle {
        Obstacle::Cancelled(by) => match explanation.rule.near {
            Some(near) => format!("the exception {} is within {near} characters", place(by)),
            None => format!("the exception {} is on the page", place(by)),
        },
        Obstacle::Covered(it, by) => format!("{} is part of the exception {}", place(it), place(by)),
        Obstacle::Expired(day) => format!("the rule expired on {day}"),
        Obstacle::Missing(phrases) => {
            let listed: Vec<String> = phrases.iter().take(5).map(|phrase| format!("{phrase:?}")).collect();
            let more = if phrases.len() > 5 { format!(" or {} more", phrases.len() - 5) } else { String::new() };
            format!("there is no {}{more}", listed.join(", "))
        }
        Obstacle::NotConfirmed(window) => format!("the regex does not match in {window:?}"),
        Obstacle::Off => "the rule is off".to_owned(),
        Obstacle::OutsideLanes(it) => format!("the rule does not look at the {} lane", it.stream.lane()),
        Obstacle::TooFar(Some(characters)) => {
            let near = explanation.rule.near.unwrap_or(0);
            format!("the parts stand {characters} characters apart, and near is {near}")
        }
        Obstacle::TooFar(None) => "the parts are in different lanes".to_owned(),
        Obstacle::TooLate => "it was complete only after it had been decided".to_owned(),
        Obstacle::TooNoisy(it) => {
            format!("{} has {} characters of noise inside, and gap is {}", place(it), it.gap, explanation.rule.gap)
        }
    }
}

fn word(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Cancelled(_) => "cancelled",
        Obstacle::Covered(..) => "covered",
        Obstacle::Expired(_) => "expired",
        Obstacle::Missing(_) => "missing",
        Obstacle::NotConfirmed(_) => "not_confirmed",
        Obstacle::Off => "off",
        Obstacle::OutsideLanes(_) => "outside_lanes",
        Obstacle::TooFar(_) => "too_far",
        Obstacle::TooLate => "too_late",
        Obstacle::TooNoisy(_) => "too_noisy",
    }
}

fn score(judgement: &Judgement, pack: &Pack) -> (i32, &'static str) {
    let score = judgement.categories.iter().find(|score| score.category == pack.id);
    let action = score.and_then(|score| score.action);
    (score.map_or(0, |score| score.score), action.map_or("pass", |action| action.as_str()))
}

fn to_json(page: &str, judgement: &Judgement, explained: &[(&Pack, Vec<RuleExplanation<'_>>)]) -> Value {
    let seen = |it: &Sighting| {
        json!({
            "phrase": &*it.phrase, "start": it.span.start, "end": it.span.end, "lane": it.stream.lane().as_str(),
            "hidden": it.stream == Stream::Hidden, "excerpt": it.excerpt,
        })
    };
    let rule = |it: &RuleExplanation<'_>| {
        let obstacle = |obstacle: &Obstacle| {
            let by = match obstacle {
                Obstacle::Cancelled(by) | Obstacle::Covered(_, by) => Some(seen(by)),
                Obstacle::Expired(_)
                | Obstacle::Missing(_)
                | Obstacle::NotConfirmed(_)
                | Obstacle::Off
                | Obstacle::OutsideLanes(_)
                | Obstacle::TooFar(_)
                | Obstacle::TooLate
                | Obstacle::TooNoisy(_) => None,
            };
            json!({"reason": word(obstacle), "message": says(obstacle, it), "by": by})
        };
        json!({
            "rule": &*it.rule.id, "hit": it.finding.is_some(), "mode": it.rule.mode.as_str(),
            "weight": it.finding.as_ref().map_or(it.rule.weight, |finding| finding.weight),
            "near": it.rule.near,
            "phrase": it.finding.as_ref().map(|finding| &*finding.phrase),
            "start": it.finding.as_ref().map(|finding| finding.span.start),
            "end": it.finding.as_ref().map(|finding| finding.span.end),
            "lane": it.finding.as_ref().map(|finding| finding.stream.lane().as_str()),
            "excerpt": it.finding.as_ref().map(|finding| &finding.excerpt),
            "seen": it.seen.iter().map(seen).collect::<Vec<_>>(),
            "obstacles": it.obstacles.iter().map(obstacle).collect::<Vec<_>>(),
        })
    };
    let category = |(pack, rules): &(&Pack, Vec<RuleExplanation<'_>>)| {
        let (score, action) = score(judgement, pack);
        json!({
            "id": &*pack.id, "title": pack.title, "score": score, "threshold": pack.threshold, "action": action,
            "rules": rules.iter().map(rule).collect::<Vec<_>>(),
        })
    };
    json!({
        "file": page,
        "verdict": scan::verdict(judgement),
        "inspection": judgement.inspection.to_string(),
        "categories": explained.iter().map(category).collect::<Vec<_>>(),
    })
}

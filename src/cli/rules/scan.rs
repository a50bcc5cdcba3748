//! `zhamen rules scan`: files, read exactly as response bodies would be. Its JSON is a format of
//! shared/formats.md.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Exit, Packs, page, problems};
use crate::{
    base::Problem,
    cli::table::Table,
    engine::{
        body_filter::{BodyHead, Judgement, scan_whole},
        rules::CategoryScore,
    },
};

/// Scan files exactly as response bodies would be.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  nothing was found\n  1  something was found\n  2  an error: a file that is not there, \
                  packs that cannot be used\n\nA file that nobody inspects (an image, an unknown coding) passes, \
                  as such a response would: `inspection` says so and why."
)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    packs: Packs,
    /// The Content-Type that the response would have.
    #[arg(long, value_name = "TYPE", default_value = "text/html")]
    content_type: String,
    /// The Content-Encoding that the response would have.
    #[arg(long, value_name = "CODING")]
    content_encoding: Option<String>,
    /// Print one JSON object a line for each file.
    #[arg(long)]
    json: bool,
    /// The files; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    verdict: &'static str,
    inspection: String,
    charset: &'static str,
    decoded_bytes: u64,
    categories: Map<String, Value>,
    findings: Vec<FindingFields<'a>>,
}

#[derive(Serialize)]
struct FindingFields<'a> {
    rule: &'a str,
    category: &'a str,
    phrase: &'a str,
    start: u64,
    end: u64,
    lane: &'static str,
    mode: &'static str,
    excerpt: &'a str,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let prepared = args.packs.config().and_then(|config| Ok((args.packs.compiled(&config)?, config.scan)));
    let (compiled, policy) = match prepared {
        Ok(prepared) => prepared,
        Err(found) => return problems::give_up(&found),
    };
    let head = BodyHead {
        content_type: Some(args.content_type.as_bytes()),
        content_encoding: args.content_encoding.as_deref().map(str::as_bytes),
    };
    let mut exit = Exit::Ok;
    for file in &args.files {
        let body = match page::read(file) {
            Ok(body) => body,
            Err(error) => {
                let problem = Problem::error(file, 0, 0, format!("cannot be read: {error}"));
                exit = exit.max(problems::give_up(&[problem])?);
                continue;
            }
        };
        let judgement = scan_whole(&compiled.rules, head, &policy, &body);
        if args.json {
            let line = serde_json::to_string(&line(file, &judgement)).map_err(io::Error::other)?;
            writeln!(out, "{line}")?;
        } else {
            write_for_people(file, &judgement, out)?;
        }
        exit = exit.max(self::exit(&judgement));
    }
    Ok(exit)
}

fn line<'a>(file: &'a str, judgement: &'a Judgement) -> Line<'a> {
    let categories = scores_against(judgement).map(|it| {
        let action = it.action.map_or("pass", |action| action.as_str());
        (it.category.to_string(), json!({"score": it.score, "action": action}))
    });
    let findings = judgement.findings_against().map(|finding| FindingFields {
        rule: &finding.rule,
        category: &finding.category,
        phrase: &finding.phrase,
        start: finding.span.start,
        end: finding.span.end,
        lane: finding.stream.lane().as_str(),
        mode: finding.mode.as_str(),
        excerpt: &finding.excerpt,
    });
    Line {
        file,
        verdict: verdict(judgement),
        inspection: judgement.inspection.to_string(),
        charset: judgement.charset,
        decoded_bytes: judgement.decoded_bytes,
        categories: categories.collect(),
        findings: findings.collect(),
    }
}

/// What a scan says by its exit status: whether something was found. A body that nobody reads, or only
/// in part, is judged like that as a response, too; so it is no error.
pub(super) fn exit(judgement: &Judgement) -> Exit {
    if judgement.findings_against().next().is_some() { Exit::No } else { Exit::Ok }
}

/// The line about the whole page.
pub(super) fn write_head(file: &str, judgement: &Judgement, out: &mut dyn Write) -> io::Result<()> {
    let charset = if judgement.charset.is_empty() { "no charset" } else { judgement.charset };
    let (verdict, inspection) = (verdict(judgement), judgement.inspection);
    writeln!(out, "{file}: {verdict} ({inspection}, {charset}, {} bytes decoded)", judgement.decoded_bytes)
}

fn write_for_people(file: &str, judgement: &Judgement, out: &mut dyn Write) -> io::Result<()> {
    write_head(file, judgement, out)?;
    if judgement.findings_against().next().is_none() {
        return Ok(());
    }
    let mut table = Table::new(["rule", "weight", "phrase", "bytes", "lane", "excerpt"]);
    for finding in judgement.findings_against() {
        table.row([
            finding.rule.to_string(),
            finding.weight.to_string(),
            finding.phrase.to_string(),
            format!("{}..{}", finding.span.start, finding.span.end),
            finding.stream.lane().to_string(),
            finding.excerpt.clone(),
        ]);
    }
    table.write(out)?;
    for score in scores_against(judgement) {
        let action = score.action.map_or("pass", |action| action.as_str());
        writeln!(out, "{}: score {}, {action}", score.category, score.score)?;
    }
    writeln!(out)
}

/// The scores of the categories that have a finding.
fn scores_against(judgement: &Judgement) -> impl Iterator<Item = &CategoryScore> {
    let has_finding = |id: &str| judgement.findings_against().any(|finding| &*finding.category == id);
    judgement.categories.iter().filter(move |score| has_finding(&score.category))
}

pub(super) fn verdict(judgement: &Judgement) -> &'static str {
    judgement.verdict.map_or("pass", |action| action.as_str())
}

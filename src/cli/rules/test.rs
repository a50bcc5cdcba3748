//! `zhamen rules test`: every `hit` and `pass` example of the packs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Exit, Packs, problems};
use crate::{
    base::Problem,
    cli::table::Table,
    engine::rules::{ExampleKind, ExampleOutcome},
};

/// Run the hit and pass examples of every rule.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status:\n  0  every example behaves\n  1  an example fails\n  2  the packs cannot be used"
)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    packs: Packs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let prepared = args.packs.config().and_then(|config| Ok((args.packs.compiled(&config)?, config.scan)));
    let (compiled, policy) = match prepared {
        Ok(prepared) => prepared,
        Err(found) => return problems::give_up(&found),
    };
    let outcomes = compiled.run_examples(&policy);
    let failed: Vec<(&ExampleOutcome, Problem)> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.problem()?))).collect();
    if args.json {
        let object = json!({
            "packs": compiled.packs.len(),
            "rules": compiled.rules.rules(),
            "examples": outcomes.len(),
            "failed": failed.len(),
            "failures": failed.iter().map(|(outcome, problem)| to_json(outcome, problem)).collect::<Vec<_>>(),
        });
        writeln!(out, "{object}")?;
    } else {
        if !failed.is_empty() {
            let mut table = Table::new(["place", "rule", "must", "but", "example"]);
            for (outcome, problem) in &failed {
                table.row([
                    format!("{}:{}", outcome.example.path, outcome.example.line),
                    outcome.rule.to_string(),
                    kind(outcome.kind).to_owned(),
                    problem.message.clone(),
                    outcome.example.text.clone(),
                ]);
            }
            table.write(out)?;
        }
        writeln!(
            out,
            "{} packs, {} rules, {} examples, {} failed",
            compiled.packs.len(),
            compiled.rules.rules(),
            outcomes.len(),
            failed.len()
        )?;
    }
    Ok(if failed.is_empty() { Exit::Ok } else { Exit::No })
}

fn to_json(outcome: &ExampleOutcome, problem: &Problem) -> Value {
    json!({
        "rule": &*outcome.rule,
        "category": &*outcome.category,
        "kind": kind(outcome.kind),
        "text": outcome.example.text,
        "problem": problems::to_json(problem),
    })
}

fn kind(kind: ExampleKind) -> &'static str {
    match kind {
        ExampleKind::Hit => "hit",
        ExampleKind::Pass => "pass",
    }
}

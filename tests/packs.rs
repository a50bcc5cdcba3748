//! The shipped rule packs: their examples hold, and pages about a subject are no hits.

use std::{fs, path::Path, sync::Arc};

use zhamen::{
    base::{Date, Problem},
    engine::{
        body_filter::{BodyHead, Inspection, Judgement, ScanPolicy, scan_whole},
        rules::{Lists, Pack, PackSource, RuleSet, parse, run_examples},
    },
};

const TODAY: Date = Date { year: 2026, month: 11, day: 21 };

struct NoLists;

impl Lists for NoLists {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("the shipped packs name no list, yet here is {name}"))
    }
}

fn shipped() -> (Vec<Pack>, Arc<RuleSet>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut sources = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            sources.push(PackSource { path: path.display().to_string(), text: fs::read_to_string(&path).unwrap() });
        }
    }
    let parsed = parse(&sources, &NoLists);
    assert_eq!(parsed.problems, Vec::<Problem>::new());
    let rules = RuleSet::compile(&parsed.packs, TODAY).unwrap();
    (parsed.packs, Arc::new(rules))
}

fn judge(rules: &Arc<RuleSet>, content_type: &str, body: &[u8]) -> Judgement {
    let head = BodyHead { content_type: Some(content_type.as_bytes()), content_encoding: None };
    scan_whole(rules, head, &ScanPolicy::default(), body)
}

fn suite(name: &str) -> Option<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
    }
    path.exists().then_some(path)
}

#[test]
fn every_example_of_every_rule_holds() {
    let (packs, rules) = shipped();
    let outcomes = run_examples(&packs, &|text| judge(&rules, "text/html; charset=utf-8", text.as_bytes()));
    let problems = outcomes.iter().filter_map(|outcome| outcome.problem());
    let problems: Vec<String> = problems.map(|problem| problem.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
    println!("{} examples, {} rules, {} phrases", outcomes.len(), rules.rules(), rules.phrases());
    assert!(outcomes.len() > 300);
}

#[test]
fn the_packs_for_clauses_about_political_speech_are_empty() {
    let (packs, _) = shipped();
    let political: Vec<_> = packs.iter().filter(|pack| pack.id.starts_with("clause-7-")).collect();
    assert_eq!(political.len(), 5);
    assert!(political.iter().all(|pack| pack.rules.is_empty()));
}

#[test]
fn titles_and_sentences_about_a_subject_are_no_hits() {
    let (_, rules) = shipped();
    let Some(folder) = suite("benign") else { return };
    let mut pages = 0;
    for name in ["news-titles-zh.txt", "encyclopedia-zh.txt"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        // Each line is a page, and so is every fifty of them: weights add up over a page.
        for page in lines.chunks(1).chain(lines.chunks(50)) {
            let page = page.join("\n");
            let judgement = judge(&rules, "text/plain; charset=utf-8", page.as_bytes());
            assert_eq!(judgement.verdict, None, "{page}: {:?}", judgement.findings);
            pages += 1;
        }
    }
    println!("{pages} pages, no hit");
}

#[test]
fn real_pages_are_no_hits() {
    let (_, rules) = shipped();
    let mut pages = 0;
    for folder in ["pages/zh", "pages/other"].into_iter().filter_map(suite) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let body = fs::read(&path).unwrap();
            let judgement = judge(&rules, "text/html", &body);
            assert_eq!(judgement.verdict, None, "{}: {:?}", path.display(), judgement.findings);
            assert_eq!(judgement.inspection, Inspection::Inspected, "{}", path.display());
            pages += 1;
        }
    }
    println!("{pages} pages, no hit");
}

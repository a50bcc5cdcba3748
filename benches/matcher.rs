//! Zhamen's engine beside the best matchers there are, side by side in one run.
//!
//! `cargo bench --bench matcher --no-default-features --features hyperscan -- --record` (the feature needs
//! Debian's `libhyperscan-dev`). Zhamen does everything that it does in the proxy: charset, markup,
//! all folding, matching, tally. The others match, each given raw phrases and raw bytes.
//!
//! Single core: the process pins itself with `taskset` (`--core N`; `--core none`: not). Rounds are
//! interleaved: each round measures every engine on every text; a ratio is taken within a round, and
//! the median of the rounds is shown. Time is the thread's processor time. No engine is measured on a
//! text in which it misses a planted phrase.
//!
//! | option | default |
//! | --- | --- |
//! | `--rounds N` | 5 |
//! | `--phrases N,N` | 100,1000,10000,100000 |
//! | `--texts NAME,NAME` | all of `support/texts.rs` |
//! | `--engines NAME,NAME` | all of `support/matchers.rs` |
//! | `--bytes N` of each generated text | 4194304 |
//! | `--milliseconds N` an engine, text and round | 60 |
//! | `--record` | writes `benches/record/matcher-DATE.md`, `.tsv` and `matcher.svg` |
//! | `--no-build-cost` | time, memory and size of the largest set are not measured |
//!
//! Without `--bench` (as `cargo test --bench matcher` runs it) it only smokes.

mod support;

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use support::{
    build_cost::{self, BuildCost},
    chart,
    clock::seconds_a_call,
    heap,
    matchers::{self, Matcher},
    record::{Conditions, Results, Row},
    texts::{self, Charset, Text, Writer},
};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// Phrases planted for each engine, text and size before anything is measured.
const PLANTED: usize = 24;

struct Options {
    rounds: usize,
    phrases: Vec<usize>,
    texts: Vec<String>,
    engines: Vec<String>,
    bytes: usize,
    at_least: Duration,
    core: Option<String>,
    record: bool,
    build_cost: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if build_cost::is_child(&arguments) {
        return build_cost::child(&arguments);
    }
    let options = Options::read(&arguments);
    if let Some(core) = &options.core {
        pin(core);
    }
    let before = Conditions::now();
    let writer = Writer::new();
    let texts: Vec<Text> = options.texts.iter().filter_map(|name| writer.text(name, options.bytes)).collect();
    for name in options.texts.iter().filter(|name| texts.iter().all(|text| text.name != **name)) {
        println!("{name}: not there, skipped");
    }
    let charsets: BTreeSet<Charset> = texts.iter().map(|text| text.charset).collect();
    let mut results = Results::default();
    for &count in &options.phrases {
        let phrases = writer.dictionary.phrases(count);
        for &charset in &charsets {
            let build =
                |name: &String| Matcher::build(name, &phrases, charset, |phrase| writer.encode(charset, phrase));
            let matchers: Vec<Matcher> = options.engines.iter().filter_map(build).collect();
            let texts: Vec<&Text> = texts.iter().filter(|text| text.charset == charset).collect();
            measure(&options, &writer, &phrases, &matchers, &texts, &mut results);
        }
    }
    if options.build_cost {
        let count = options.phrases.iter().copied().max().unwrap_or(0);
        results.builds = build_costs(&writer.dictionary.phrases(count), &options.engines);
    }
    let command = format!(
        "cargo bench --bench matcher --no-default-features --features hyperscan -- {}",
        without_bench(&arguments)
    );
    let report = results.markdown(&command, &before, &Conditions::now());
    println!("\n{report}");
    if options.record {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/record");
        let write = |name: &str, content: &str| {
            std::fs::write(folder.join(name), content).unwrap_or_else(|error| panic!("{name}: {error}"));
            println!("written: benches/record/{name}");
        };
        std::fs::create_dir_all(&folder).expect("the record's folder");
        write(&format!("matcher-{}.md", before.date), &report);
        write(&format!("matcher-{}.tsv", before.date), &results.tsv());
        write("matcher.svg", &chart::ratios(&results, &before.date));
    }
}

/// Measures each matcher on each text, rounds interleaved.
fn measure(
    options: &Options,
    writer: &Writer,
    phrases: &[String],
    matchers: &[Matcher],
    texts: &[&Text],
    results: &mut Results,
) {
    for text in texts {
        let mut rows = Vec::new();
        for matcher in matchers {
            if !text.bodies.iter().all(|body| text.charset != Charset::Utf8 || std::str::from_utf8(body).is_ok())
                && matcher.name == "daachorse-char"
            {
                continue;
            }
            match missed(matcher, text.name, phrases, writer) {
                0 => rows.push((matcher, Vec::new())),
                missed => results.left_out.push(format!(
                    "{} in {} with {} phrases: misses {missed} of {PLANTED} planted ones, not measured",
                    matcher.name,
                    text.name,
                    phrases.len()
                )),
            }
        }
        for _ in 0..options.rounds {
            for (matcher, gigabytes) in &mut rows {
                let seconds = seconds_a_call(options.at_least, || {
                    std::hint::black_box(matcher.hits(std::hint::black_box(text)));
                });
                gigabytes.push(text.bytes() as f64 / seconds / 1e9);
            }
        }
        let before = results.rows.len();
        for (matcher, gigabytes) in rows {
            let hits = matcher.hits(text);
            results.rows.push(Row { phrases: phrases.len(), text: text.name, engine: matcher.name, gigabytes, hits });
        }
        let shown: Vec<String> = results.rows[before..].iter().map(|row| row.short()).collect();
        println!("{} phrases, {}: {}", phrases.len(), text.name, shown.join(", "));
    }
}

/// How many of a few planted phrases a matcher does not find.
fn missed(matcher: &Matcher, text: &str, phrases: &[String], writer: &Writer) -> usize {
    let step = (phrases.len() / PLANTED).max(1);
    // The last phrase is a Latin one, the others mostly Chinese.
    let planted = phrases.iter().rev().step_by(step).take(PLANTED).enumerate();
    let is_missed = |seed: u64, phrase: &str| {
        // Where the text alone is hit already, by chance, another one is taken.
        let mut seeds = (0..100).map(|turn| seed + turn * 1000);
        let clean = |seed: &u64| writer.sample(text, None, *seed).is_some_and(|sample| matcher.hits(&sample) == 0);
        let sample = seeds.find(clean).and_then(|seed| writer.sample(text, Some(phrase), seed));
        sample.is_some_and(|sample| matcher.hits(&sample) == 0)
    };
    planted.filter(|(number, phrase)| is_missed(*number as u64 + 1, phrase)).count()
}

fn build_costs(phrases: &[String], engines: &[String]) -> Vec<BuildCost> {
    let list = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(list.path(), phrases.join("\n")).expect("the list");
    engines.iter().filter_map(|name| build_cost::measure(name, list.path())).collect()
}

impl Options {
    fn read(arguments: &[String]) -> Self {
        let smoke = !arguments.iter().any(|argument| argument == "--bench");
        let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
        let number = |name: &str, normal: usize| value(name).map_or(normal, |text| parse(text));
        let list = |name: &str, all: Vec<String>| match value(name) {
            Some(names) => names.split(',').map(str::to_owned).collect(),
            None => all,
        };
        let counts = if smoke { "100,1000" } else { "100,1000,10000,100000" };
        let options = Self {
            rounds: number("--rounds", if smoke { 1 } else { 5 }),
            phrases: value("--phrases").map_or(counts, |text| text).split(',').map(parse).collect(),
            texts: list(
                "--texts",
                texts::names().filter(|name| !smoke || !name.starts_with("pages")).map(str::to_owned).collect(),
            ),
            engines: list("--engines", matchers::NAMES.map(str::to_owned).to_vec()),
            bytes: number("--bytes", if smoke { 16 << 10 } else { 4 << 20 }),
            at_least: Duration::from_millis(number("--milliseconds", if smoke { 0 } else { 60 }) as u64),
            core: match value("--core").map(String::as_str) {
                Some("none") => None,
                Some(core) => Some(core.to_owned()),
                None => (!smoke).then(last_core),
            },
            record: arguments.iter().any(|argument| argument == "--record"),
            build_cost: !smoke && !arguments.iter().any(|argument| argument == "--no-build-cost"),
        };
        for name in &options.texts {
            assert!(texts::names().any(|known| known == name), "no text is called {name}");
        }
        for name in &options.engines {
            assert!(matchers::NAMES.iter().any(|known| known == name), "no engine is called {name}");
        }
        options
    }
}

fn parse(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

fn without_bench(arguments: &[String]) -> String {
    let kept: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench").collect();
    if kept.is_empty() { String::new() } else { format!(" -- {}", kept.join(" ")) }
}

fn last_core() -> String {
    (std::thread::available_parallelism().map_or(1, usize::from) - 1).to_string()
}

fn pin(core: &str) {
    let pinned = Command::new("taskset").args(["-pc", core, &std::process::id().to_string()]).output();
    if !pinned.is_ok_and(|output| output.status.success()) {
        println!("taskset cannot pin this process to core {core}: not pinned");
    }
}

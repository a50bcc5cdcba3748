//! What a run of the matcher bench found, as tables for people and for programs.

use std::{fmt::Write as _, process::Command};

use super::{
    build_cost::BuildCost,
    clock::median,
    matchers::{NAMES, REFERENCE},
};

/// One engine on one text with one number of phrases.
pub struct Row {
    pub phrases: usize,
    pub text: &'static str,
    pub engine: &'static str,
    /// Received bytes a nanosecond, a value a round.
    pub gigabytes: Vec<f64>,
    /// What it found in the text, as it counts.
    pub hits: u64,
}

impl Row {
    pub fn short(&self) -> String {
        format!("{} {:.3}", self.engine, median(&self.gigabytes))
    }
}

/// All of a run.
#[derive(Default)]
pub struct Results {
    pub rows: Vec<Row>,
    pub builds: Vec<BuildCost>,
    /// What was not measured, and why.
    pub left_out: Vec<String>,
}

/// The machine and the moment.
pub struct Conditions {
    pub date: String,
    /// Processes that wanted a core, averaged over a minute.
    pub load: String,
}

impl Conditions {
    pub fn now() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self { date: said("date", &["-u", "+%F"]), load: load.split(' ').next().unwrap_or("?").to_owned() }
    }
}

/// Processor, memory, kernel, compiler.
pub fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("?", |field| field.1).trim().to_owned()
    };
    let memory: f64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    format!(
        "{} × {}, {:.0} GiB, Linux {}, {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        field("/proc/cpuinfo", "model name"),
        memory / f64::from(1 << 20),
        said("uname", &["-r"]),
        said("rustc", &["-V"]),
    )
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| "?".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The least ratio to Hyperscan that the project holds itself to.
pub fn target(text: &str, phrases: usize) -> Option<f64> {
    match text {
        "zh.html" | "zh.txt" => [(1_000, 0.7), (10_000, 1.2), (100_000, 1.5)]
            .into_iter()
            .find_map(|(count, ratio)| (count == phrases).then_some(ratio)),
        "en.html" | "js" => Some(0.6),
        "zh.gbk" | "zh.big5" | "zh.utf16" => Some(0.5),
        _ => None,
    }
}

impl Results {
    /// The numbers of phrases, in order.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts: Vec<usize> = self.rows.iter().map(|row| row.phrases).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// The texts, in the order in which they were measured.
    pub fn texts(&self) -> Vec<&'static str> {
        let mut texts = Vec::new();
        for row in &self.rows {
            if !texts.contains(&row.text) {
                texts.push(row.text);
            }
        }
        texts
    }

    fn row(&self, phrases: usize, text: &str, engine: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.phrases == phrases && row.text == text && row.engine == engine)
    }

    /// An engine's speed by the reference's, each pair taken in one round; the median.
    pub fn ratio(&self, phrases: usize, text: &str, engine: &str) -> Option<f64> {
        let (one, other) = (self.row(phrases, text, engine)?, self.row(phrases, text, REFERENCE)?);
        let pairs: Vec<f64> = one.gigabytes.iter().zip(&other.gigabytes).map(|(one, other)| one / other).collect();
        Some(median(&pairs))
    }

    /// For programs: a line a row, fields parted by tabs, the first line names them.
    pub fn tsv(&self) -> String {
        let mut out =
            String::from("phrases\ttext\tengine\tgb_s_median\tgb_s_min\tgb_s_max\tratio_to_hyperscan\thits\n");
        for row in &self.rows {
            let (low, high) = row
                .gigabytes
                .iter()
                .fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
            let ratio =
                self.ratio(row.phrases, row.text, row.engine).map_or(String::new(), |ratio| format!("{ratio:.3}"));
            let speed = median(&row.gigabytes);
            let _ = writeln!(
                out,
                "{}\t{}\t{}\t{speed:.4}\t{low:.4}\t{high:.4}\t{ratio}\t{}",
                row.phrases, row.text, row.engine, row.hits
            );
        }
        out
    }

    /// For people.
    pub fn markdown(&self, command: &str, before: &Conditions, after: &Conditions) -> String {
        let mut out = format!(
            "# Zhamen's engine beside other matchers, {}\n\n- Machine: {}\n- Command: `{command}`\n\
             - Load of the machine before and after: {} and {}\n\n\
             GB/s of received bytes on one core, medians of interleaved rounds. Zhamen: charset, markup, all folding, \
             matching, tally; rules look at text, attributes and scripts (`default-lanes`: text and attributes). The \
             others match raw phrases in raw bytes. ÷: Zhamen by Hyperscan, streaming, in the same round.\n",
            before.date,
            machine(),
            before.load,
            after.load
        );
        for phrases in self.counts() {
            let _ = writeln!(out, "\n## {phrases} phrases\n");
            let engines: Vec<&str> =
                NAMES.into_iter().filter(|name| self.rows.iter().any(|row| row.engine == *name)).collect();
            let _ = writeln!(out, "| text | {} | ÷ | target |", engines.join(" | "));
            let _ = writeln!(out, "|{}", " --- |".repeat(engines.len() + 3));
            for text in self.texts() {
                let cells: Vec<String> = engines
                    .iter()
                    .map(|engine| {
                        self.row(phrases, text, engine)
                            .map_or("–".into(), |row| format!("{:.3}", median(&row.gigabytes)))
                    })
                    .collect();
                let ratio = self.ratio(phrases, text, "zhamen");
                let target = target(text, phrases);
                let _ = writeln!(
                    out,
                    "| {text} | {} | {} | {} |",
                    cells.join(" | "),
                    ratio.map_or("–".into(), |ratio| format!("**{ratio:.2}**")),
                    match (ratio, target) {
                        (_, None) => String::new(),
                        (None, Some(target)) => format!("≥ {target}"),
                        (Some(ratio), Some(target)) =>
                            format!("≥ {target}: {}", verdict(ratio >= target, 1.0 - ratio / target)),
                    },
                );
            }
        }
        self.growth(&mut out);
        self.costs(&mut out);
        if !self.left_out.is_empty() {
            let _ = writeln!(out, "\n## Not measured\n\n- {}", self.left_out.join("\n- "));
        }
        out
    }

    /// What 100 times the phrases cost.
    fn growth(&self, out: &mut String) {
        let growth = |text: &&'static str| {
            let (few, many) = (self.row(1_000, text, "zhamen")?, self.row(100_000, text, "zhamen")?);
            let pairs: Vec<f64> = few.gigabytes.iter().zip(&many.gigabytes).map(|(few, many)| few / many).collect();
            Some((*text, median(&pairs)))
        };
        let grown: Vec<(&str, f64)> = self.texts().iter().filter_map(growth).collect();
        if grown.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\n## 100,000 phrases by 1,000: time of Zhamen\n\n| text | times | at most 3 |\n| --- | --- | --- |"
        );
        for (text, times) in grown {
            let _ = writeln!(out, "| {text} | {times:.2} | {} |", verdict(times <= 3.0, times / 3.0 - 1.0));
        }
    }

    fn costs(&self, out: &mut String) {
        let Some(first) = self.builds.first() else { return };
        let _ = writeln!(
            out,
            "\n## Building {} phrases\n\nEach in a process of its own. Zhamen: from the list's text to the set. Targets for \
             100,000: under 2 s, 100 MB at the peak, 40 MB afterwards.\n\n\
             | engine | s | of these on the processor | resident memory at the peak, MB | heap at the peak, MB | size, MB | |\n\
             | --- | --- | --- | --- | --- | --- | --- |",
            first.phrases
        );
        for cost in &self.builds {
            let megabytes = |bytes: usize| bytes as f64 / 1e6;
            let (peak, size) = (megabytes(cost.peak_resident), megabytes(cost.size));
            let met = cost.seconds < 2.0 && peak < 100.0 && size < 40.0;
            let by = (cost.seconds / 2.0).max(peak / 100.0).max(size / 40.0);
            let _ = writeln!(
                out,
                "| {} | {:.2} | {:.2} | {peak:.1} | {} | {size:.1} | {} |",
                cost.engine,
                cost.seconds,
                cost.busy_seconds,
                if cost.peak_heap == 0 { "–".into() } else { format!("{:.1}", megabytes(cost.peak_heap)) },
                if cost.engine == "zhamen" && cost.phrases >= 100_000 { verdict(met, by - 1.0) } else { String::new() },
            );
        }
    }
}

/// "met", or by what share of the target it is missed.
pub fn verdict(met: bool, missed: f64) -> String {
    if met { "met".into() } else { format!("short by {:.0} %", missed * 100.0) }
}

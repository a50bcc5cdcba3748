//! The parts of the engine, each alone, on a Chinese page of 16 KiB: where does the time go?
//!
//! `cargo bench --bench engine`. For the whole beside other matchers see `benches/matcher.rs`.

mod support;

use std::{fmt::Write as _, hint::black_box};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use encoding_rs::UTF_8;
use support::{
    Random, gzip,
    judge::{Judge, LANES_DEFAULT, compile, inflate, rule_set},
    texts::Writer,
};
use zhamen::engine::text::{Block, Edge, Media, Reader, Sink, Stream};

const PAGE_BYTES: usize = 16 << 10;
const HTML: &str = "text/html; charset=utf-8";

/// Counts what the reader hands over, so that none of it can be left out.
#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn wants(&self, _: Stream) -> bool {
        true
    }

    fn run(&mut self, _: Stream, _: &Block<'_>, from: usize, to: usize) {
        self.0 += (to - from) as u64;
    }

    fn character(&mut self, _: Stream, c: char, _: zhamen::base::ByteSpan, _: u64) {
        self.0 += u64::from(c);
    }

    fn edge(&mut self, _: Stream, _: Edge, _: u64) {
        self.0 += 1;
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1))
        .configure_from_args();
    let writer = Writer::new();
    parts(&mut criterion, &writer);
    phrases(&mut criterion, &writer);
    compiling(&mut criterion, &writer);
    criterion.final_summary();
}

fn parts(criterion: &mut Criterion, writer: &Writer) {
    let page = Bytes::from(writer.page(PAGE_BYTES));
    let zipped = gzip(&page);
    let rules = rule_set(&writer.dictionary.phrases(10_000), LANES_DEFAULT);
    let mut group = criterion.benchmark_group("parts, 16 KiB");
    group.throughput(Throughput::Bytes(PAGE_BYTES as u64));
    group.bench_function("inflate", |bencher| bencher.iter(|| inflate(&zipped)));
    for (name, media) in [("read html", Media::Html), ("read plain text", Media::Plain), ("read json", Media::Json)] {
        let body = match media {
            Media::Json => writer.text("json", PAGE_BYTES).map(|text| text.bodies[0].clone()).unwrap_or_default(),
            Media::Plain => writer.text("zh.txt", PAGE_BYTES).map(|text| text.bodies[0].clone()).unwrap_or_default(),
            _ => page.clone(),
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (mut reader, mut sink) = (Reader::new(media, Some(UTF_8), false), Count::default());
                reader.feed(black_box(&body), &mut sink);
                reader.finish(&mut sink);
                sink.0
            });
        });
    }
    let text = writer.text("zh.txt", PAGE_BYTES).map(|text| text.bodies[0].clone()).unwrap_or_default();
    let mut judge = Judge::new(rules.clone(), 0);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("fold and match plain text", |bencher| {
        bencher.iter(|| black_box(judge.judge("text/plain; charset=utf-8", None, &text)));
    });
    group.throughput(Throughput::Bytes(PAGE_BYTES as u64));
    let mut judge = Judge::new(many_rules(writer), 0);
    assert!(judge.judge(HTML, None, &page).findings.len() > 50, "the tally has something to do");
    group.bench_function("all, with hundreds of rules hit (tally)", |bencher| {
        bencher.iter(|| black_box(judge.judge(HTML, None, &page)));
    });
    let mut judge = Judge::new(rules.clone(), 0);
    group.bench_function("all, gzip, cold", |bencher| {
        bencher.iter(|| black_box(judge.judge(HTML, Some("gzip"), &zipped)));
    });
    let mut judge = Judge::new(rules, 16);
    judge.judge(HTML, Some("gzip"), &zipped);
    group.bench_function("all, gzip, judged before (cache key)", |bencher| {
        bencher.iter(|| {
            let judgement = judge.judge(HTML, Some("gzip"), &zipped);
            assert!(judgement.cached, "it is known");
            judgement
        });
    });
    group.finish();
}

fn phrases(criterion: &mut Criterion, writer: &Writer) {
    let page = Bytes::from(writer.page(PAGE_BYTES));
    let mut group = criterion.benchmark_group("all, 16 KiB zh.html");
    group.throughput(Throughput::Bytes(PAGE_BYTES as u64));
    for count in [1_000, 10_000, 100_000] {
        let mut judge = Judge::new(rule_set(&writer.dictionary.phrases(count), LANES_DEFAULT), 0);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| black_box(judge.judge(HTML, None, &page)));
        });
    }
    group.finish();
}

fn compiling(criterion: &mut Criterion, writer: &Writer) {
    let mut group = criterion.benchmark_group("compile a list");
    group.sample_size(10);
    for count in [1_000, 100_000] {
        let phrases = writer.dictionary.phrases(count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| rule_set(&phrases, LANES_DEFAULT));
        });
    }
    group.finish();
}

/// A rule for each of the words that a text most often has.
fn many_rules(writer: &Writer) -> std::sync::Arc<zhamen::engine::rules::RuleSet> {
    let mut random = Random(3);
    let mut words: Vec<&str> = (0..2000).map(|_| writer.dictionary.word(&mut random)).collect();
    words.retain(|word| word.chars().count() > 1);
    words.sort_unstable();
    words.dedup();
    let mut pack = String::from(
        "[pack]\nid='bench'\ntitle='B'\nclause='7.7'\nclass='other'\naction='observe'\nthreshold=100000\n",
    );
    for (number, word) in words.iter().enumerate() {
        let _ = write!(pack, "[[rule]]\nid='bench.r{number}'\nany=['{word}']\nweight=1\n");
    }
    compile(pack, "")
}

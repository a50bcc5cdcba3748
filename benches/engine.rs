//! The engine on pages without a hit, beside matchers that get raw phrases and raw bytes.
//!
//! `cargo bench --bench engine`; each line is the throughput in received bytes. The engine does
//! everything (charset, markup, folding, matching, tally); the peers only match.

mod support;

use std::{hint::black_box, sync::Arc};

use criterion::{BenchmarkId, Criterion, Throughput};
use support::{chinese_page, phrases};
use zhamen::{
    base::Date,
    engine::{
        body_filter::{BodyHead, ScanPolicy, scan_whole},
        rules::{Lists, PackSource, RuleSet, parse},
    },
};

struct OneList(String);

impl Lists for OneList {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

fn rule_set(phrases: &[String]) -> Arc<RuleSet> {
    let text = "[pack]\nid='bench'\ntitle='B'\nclause='7.7'\nclass='other'\naction='observe'\nthreshold=100\n\
                [[rule]]\nid='bench.list'\nany_file='lists/bench.txt'\n";
    let parsed = parse(&[PackSource { path: "bench.toml".into(), text: text.into() }], &OneList(phrases.join("\n")));
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    Arc::new(
        RuleSet::compile(&parsed.packs, Date { year: 2026, month: 11, day: 21 }).expect("the bench's rules compile"),
    )
}

fn scan(criterion: &mut Criterion) {
    let page = chinese_page(16 << 10);
    let mut group = criterion.benchmark_group("scan 16 KiB zh.html");
    group.throughput(Throughput::Bytes(page.len() as u64));
    for count in [1_000, 10_000, 100_000] {
        let phrases = phrases(count);
        let rules = rule_set(&phrases);
        let head = BodyHead { content_type: Some(b"text/html; charset=utf-8"), content_encoding: None };
        let policy = ScanPolicy::default();
        group.bench_function(BenchmarkId::new("zhamen", count), |bencher| {
            bencher.iter(|| black_box(scan_whole(&rules, head, &policy, page.as_bytes())));
        });
        let peer = aho_corasick::AhoCorasick::builder()
            .kind(Some(aho_corasick::AhoCorasickKind::ContiguousNFA))
            .build(&phrases)
            .expect("aho-corasick builds");
        group.bench_function(BenchmarkId::new("aho-corasick contiguous NFA", count), |bencher| {
            bencher.iter(|| black_box(peer.find_overlapping_iter(&page).count()));
        });
        let mut unique = phrases.clone();
        unique.sort_unstable();
        unique.dedup();
        let peer = daachorse::CharwiseDoubleArrayAhoCorasick::<u32>::new(&unique).expect("daachorse builds");
        group.bench_function(BenchmarkId::new("daachorse charwise", count), |bencher| {
            bencher.iter(|| black_box(peer.find_overlapping_iter(&page).count()));
        });
    }
    group.finish();
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for count in [1_000, 100_000] {
        let phrases = phrases(count);
        group.bench_function(BenchmarkId::new("rules", count), |bencher| bencher.iter(|| rule_set(&phrases)));
    }
    group.finish();
}

criterion::criterion_group!(benches, scan, compile);
criterion::criterion_main!(benches);

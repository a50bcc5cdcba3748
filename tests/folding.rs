//! The folding against texts that the project did not write: OpenCC's cases, and news and encyclopedia.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use zhamen::engine::text::fold::{Folded, Folding, Reading, Token};

fn show(tokens: &[&Token]) -> String {
    let token = |token: &&Token| match token {
        Token::Ideograph(c) => c.to_string(),
        Token::Word(word) => format!("[{word}]"),
    };
    tokens.iter().map(token).collect()
}

fn is_found(folding: &Folding, phrase: &str, text: &str) -> bool {
    let (phrase, text) = (folding.phrase(phrase), folding.phrase(text));
    phrase == text || folding.variants(&phrase).contains(&text)
}

fn suite(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites").join(name);
    let text = fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: {} is not there", path.display());
    }
    text
}

/// The string behind `"key":` in a line of JSON that holds nothing else.
fn json_string<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let value = line.trim().strip_prefix(&format!("\"{key}\":"))?.trim().trim_end_matches(',');
    value.strip_prefix('"')?.strip_suffix('"')
}

/// OpenCC converts words in their context with its dictionaries of phrases; the folding has to agree
/// character by character, or to find the one text for the other by a variant.
#[test]
fn opencc_agrees_on_traditional_and_simplified() {
    let Some(cases) = suite("opencc/testcases.json") else { return };
    let folding = Folding::new(Reading::Looks);
    let (mut agree, mut by_variant, mut differ) = (0, 0, BTreeMap::new());
    let mut input = "";
    for line in cases.lines() {
        if let Some(text) = json_string(line, "input") {
            input = text;
        }
        for direction in ["t2s", "tw2s", "hk2s", "s2t", "s2tw", "s2hk", "t2tw", "t2hk", "tw2t", "hk2t"] {
            let Some(output) = json_string(line, direction) else { continue };
            let texts = |text: &str| -> Vec<String> {
                let separate = |c: char| c.is_whitespace() || "，。、；：！？「」『』（）《》".contains(c);
                text.split(separate).filter(|text| !text.is_empty()).map(str::to_owned).collect()
            };
            let (inputs, outputs) = (texts(input), texts(output));
            assert_eq!(inputs.len(), outputs.len(), "{input} {output}");
            for (one, other) in inputs.iter().zip(&outputs) {
                let folded = [folding.phrase(one), folding.phrase(other)];
                if folded[0] == folded[1] {
                    agree += 1;
                } else if is_found(&folding, one, other) || is_found(&folding, other, one) {
                    by_variant += 1;
                } else {
                    for (one, other) in folded[0].iter().zip(&folded[1]).filter(|(one, other)| one != other) {
                        differ.insert(show(&[one, other]), input.to_owned());
                    }
                }
            }
        }
    }
    println!("{agree} texts agree, {by_variant} by a variant; the others differ in {differ:?}");
    // What only OpenCC's phrases tell: places (迳 is also a variant of 径), clay and 幺 as a numeral,
    // surnames, a list in which both 乾 and 干 stand, and rare characters beyond the basic plane.
    let known = "么幺 乾干 圞𪢮 坏坯 径迳 樠𣗊 殢𣨼 沈沉 象像 钟锺 鲇鲶 𫫇恶";
    let reversed = |pair: &str| pair.chars().rev().collect::<String>();
    let is_known = |pair: &str| known.split(' ').any(|known| known == pair || known == reversed(pair));
    let surprising: Vec<_> = differ.keys().filter(|pair| !is_known(pair)).collect();
    assert_eq!(surprising, Vec::<&String>::new());
    assert!(agree > 1600 && by_variant > 100, "{agree} {by_variant}");
}

/// Characters of normal simplified text that the folding changes otherwise than from traditional.
#[test]
fn normal_text_is_changed_rarely() {
    let folding = Folding::new(Reading::Looks);
    let table = include_str!("../src/engine/text/fold/t2s.txt");
    let traditional: BTreeSet<char> = table.lines().flat_map(|line| line.chars().skip(1)).collect();
    let (mut ideographs, mut changed) = (0_u32, BTreeMap::<char, u32>::new());
    for name in ["benign/news-titles-zh.txt", "benign/encyclopedia-zh.txt"] {
        let Some(text) = suite(name) else { return };
        for c in text.chars().filter(|c| matches!(c, '\u{3400}'..='\u{9FFF}')) {
            ideographs += 1;
            if !folding.fold(c).eq([Folded::Ideograph(c)]) && !traditional.contains(&c) {
                *changed.entry(c).or_default() += 1;
            }
        }
    }
    println!("of {ideographs} ideographs: {changed:?}");
    assert!(changed.values().sum::<u32>() * 10_000 < ideographs, "{changed:?}");
}

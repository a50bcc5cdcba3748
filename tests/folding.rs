//! The folding against texts that the project did not write (OpenCC's cases, news, encyclopedia), and
//! in the engine as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use zhamen::{
    base::Date,
    engine::{
        body_filter::{BodyHead, ScanPolicy, scan_whole},
        rules::{Finding, Lists, PackSource, RuleSet, parse},
        text::fold::{Folded, Folding, Reading, Token},
    },
};

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

struct NoLists;

impl Lists for NoLists {
    fn read(&self, name: &str) -> Result<String, String> {
        Err(format!("no list {name}"))
    }
}

/// What a rule with one phrase finds in a page with `text`, as it stands there.
fn found(phrase: &str, fields: &str, text: &str) -> Vec<String> {
    let pack = format!(
        "[pack]\nid = \"p\"\ntitle = \"T\"\nclause = \"7.7\"\nclass = \"vulgar\"\naction = \"block\"\nthreshold = 10\n\n\
         [[rule]]\nid = \"p.r\"\nany = [\"{phrase}\"]\nweight = 100\n{fields}\n"
    );
    let parsed = parse(&[PackSource { path: "p.toml".into(), text: pack }], &NoLists);
    assert_eq!(parsed.problems, []);
    let rules = RuleSet::compile(&parsed.packs, Date { year: 2026, month: 11, day: 21 }).unwrap();
    let head = BodyHead { content_type: Some(b"text/html; charset=utf-8"), content_encoding: None };
    let page = format!("<p>前面的话：{text}，后面的话。</p>");
    let judgement = scan_whole(&Arc::new(rules), head, &ScanPolicy::default(), page.as_bytes());
    let written = |finding: &Finding| {
        let span = finding.span;
        page[span.start as usize..span.end as usize].to_owned()
    };
    judgement.findings.iter().map(written).collect()
}

#[test]
fn every_disguise_is_seen_through_and_found_in_its_place() {
    let disguises = [
        ("赌博", "賭博 贝者十尃 貝者博 赌十尃 賭愽 赌\u{200b}博 赌\u{336}博 赌博"),
        ("六合彩", "6合彩 ⑥合彩 陸合彩 6️⃣合彩 ㈥合彩 〦合彩 ❻合彩 ６合彩 ६合彩 六合采彡 6合棌"),
        ("海洛因", "氵每洛因 ⺡每洛因 氵每氵各因"),
        ("百家乐", "百家樂 佰家乐 百傢樂"),
        ("二八杠", "28杠 贰捌杠 ②⑧杠"),
        ("我是女生", "莪湜籹泩 我昰女泩"),
        ("casino", "сasinо ＣＡＳＩＮＯ 🅲🅰🆂🅸🅽🅾 ⒞⒜⒮⒤⒩⒪ 🇨🇦🇸🇮🇳🇴 ᴄᴀꜱɪɴᴏ c\u{300}asino 𝓬𝓪𝓼𝓲𝓷𝓸 c-a-s-i-n-o c.a.s.i.n.o"),
        ("第3名", "第三名 第③名 第叁名"),
        ("干燥", "乾燥"),
        ("借口", "藉口"),
    ];
    for (phrase, texts) in disguises {
        for text in texts.split(' ').filter(|text| !text.is_empty()) {
            let found = found(phrase, "", text);
            assert!(found.iter().any(|found| text.contains(found.as_str())), "{phrase} in {text}: {found:?}");
        }
    }
    for (phrase, fields, texts) in [
        ("赌博", "sounds = true", "dubo du-bo 堵搏 dǔbó 睹bo Du'Bo"),
        ("casino", "leet = true", "c@s1n0 ca$ino CA5!NO"),
    ] {
        for text in texts.split(' ') {
            assert!(!found(phrase, fields, text).is_empty(), "{phrase} in {text}");
            assert!(found(phrase, "", text).is_empty(), "{phrase} in {text}, though nobody asked");
        }
    }
}

#[test]
fn false_friends_are_not_found() {
    let friends = [
        ("六四", "6.4 6-4 登陆四川 64 2016年4月"),
        ("六合", "大陆合作"),
        ("乾坤", "干坤"),
        ("赌博", "目睹博士 堵塞"),
        ("好色", "女子色"),
        ("三八", "3.8 38"),
        ("人口", "入口"),
        ("casino", "casinos сasinоs casino1 casin0"),
        ("着作", "著作"),
        ("嫖", "嘌呤"),
        ("了望", "瞭望"),
    ];
    for (phrase, texts) in friends {
        for text in texts.split(' ') {
            assert_eq!(found(phrase, "", text), Vec::<String>::new(), "{phrase} in {text}");
        }
    }
}

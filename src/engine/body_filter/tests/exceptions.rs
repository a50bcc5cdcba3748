//! Exceptions: the longest wins, the others cancel; and what is hidden excuses nothing.

use super::*;

const EXCEPTIONS: &str = r#"
[pack]
id = "a"
title = "A"
clause = "7.7"
class = "vulgar"
action = "block"
threshold = 100

[[rule]]
id = "a.cover"
any = ["黄片", "口交", "casino"]
none = ["三黄片", "路口交通", "黄片纪念馆", "casino royale"]

[[rule]]
id = "a.cover-near"
any = ["毛片"]
none = ["羊毛片", "毛片机", "警方"]
near = 4

[[rule]]
id = "a.cover-pair"
any = ["彩金"]
all = ["注册"]
none = ["派彩金", "注册会计师"]
near = 6

[[rule]]
id = "a.page"
any = ["下注"]
none = ["记者"]

[[rule]]
id = "a.context"
any = ["法院"]
weight = -100
"#;

static SET: LazyLock<Arc<RuleSet>> = LazyLock::new(|| rules(EXCEPTIONS));
static MASKING_SET: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
    let packs = EXCEPTIONS.replace("\"block\"", "\"mask\"");
    rules(&packs)
});

fn rules_found(text: &str) -> Vec<String> {
    let outcome = drive(&SET, html("utf-8"), &policy(1 << 16), text.as_bytes(), &[]);
    let mut rules: Vec<String> = outcome.judgement.findings.iter().map(|it| it.rule[2..].to_owned()).collect();
    rules.sort();
    rules
}

#[test]
fn the_longest_exception_wins() {
    let cases: [(&str, &[&str]); 24] = [
        ("黄片", &["cover"]),
        ("三黄片", &[]),
        ("三黄片和黄片", &["cover"]),
        ("黄片和三黄片", &["cover"]),
        ("路口交通", &[]),
        ("路口交易", &["cover"]),
        ("路 口、交<b>通</b>", &[]),
        ("路口交……，，通", &["cover"]),
        ("黄片纪念馆", &[]),
        ("黄片纪念品", &["cover"]),
        ("<p>三黄片</p><p title='黄片'>", &["cover"]),
        ("<p title='三黄片'>黄片</p>", &["cover"]),
        ("Casino Royale", &[]),
        ("casino royal", &["cover"]),
        ("毛片", &["cover-near"]),
        ("毛片羊毛片警方警方", &[]),
        ("羊毛片，毛片机", &[]),
        ("羊毛片一二三毛片", &["cover-near"]),
        ("毛片一二三四警方", &[]),
        ("毛片一二三四五警方", &["cover-near"]),
        ("毛片警方，，，警方", &[]),
        ("注册送派彩金", &[]),
        ("注册会计师，注册送彩金", &["cover-pair"]),
        ("注册会计师送彩金", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(rules_found(text), expected, "{text}");
    }
}

#[test]
fn what_is_covered_is_not_masked() {
    let text = "<p>三黄片，黄片，路口交通，口交，黄片纪念馆黄片纪</p>";
    for (hold, cuts) in [(1 << 16, vec![]), (0, vec![]), (40, (0..100).collect::<Vec<_>>())] {
        let outcome = drive(&MASKING_SET, html("utf-8"), &policy(hold), text.as_bytes(), &cuts);
        let sent = String::from_utf8(outcome.sent).unwrap();
        assert_eq!(sent, "<p>三黄片，＊＊，路口交通，＊＊，黄片纪念馆＊＊纪</p>", "hold {hold}");
    }
}

#[test]
fn a_mask_that_waits_across_slices_is_still_exact() {
    let packs = r#"
[pack]
id = "m"
title = "M"
clause = "7.9"
class = "other"
action = "mask"
threshold = 100
[[rule]]
id = "m.a"
any = ["彩金"]
none = ["警方"]
near = 2000
[[rule]]
id = "m.b"
any = ["客服"]
regex = "[0-9]{5}"
"#;
    let set = rules(packs);
    let filler = "字".repeat(1900);
    let text = format!("{filler}彩金{filler}客服 12345{filler}");
    let expected = text.replace("彩金", "＊＊").replace("客服", "＊＊");
    for hold in [1 << 20, 6000, 0] {
        let outcome = drive(&set, html("utf-8"), &policy(hold), text.as_bytes(), &[]);
        let sent = String::from_utf8(outcome.sent).unwrap();
        assert!(hold == 0 || sent == expected, "hold {hold}");
        assert_eq!(sent.len(), text.len());
    }
}

/// Phrases in a text of single characters, each with at most three commas in a row inside: where
/// they begin and end.
fn occurrences(text: &[char], phrase: &str) -> Vec<(usize, usize)> {
    let phrase: Vec<char> = phrase.chars().collect();
    let at = |from: usize| {
        let mut at = from;
        for (index, wanted) in phrase.iter().enumerate() {
            let noise = text[at..].iter().take_while(|c| **c == '，').count();
            if (index == 0 && noise > 0) || noise > 3 {
                return None;
            }
            at += noise;
            (text.get(at)? == wanted).then(|| at += 1)?;
        }
        Some((from, at))
    };
    (0..text.len()).filter_map(at).collect()
}

/// The same by the simplest means: rules of one part on a page that is held whole.
fn naive(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let all = |phrases: &[&str]| phrases.iter().flat_map(|it| occurrences(&text, it)).collect::<Vec<_>>();
    let uncovered = |own: &[&str], covers: &[&str]| {
        let covers = all(covers);
        let mut own = all(own);
        own.retain(|it| !covers.iter().any(|cover| cover.0 <= it.0 && it.1 <= cover.1));
        own
    };
    let mut found = Vec::new();
    if !uncovered(&["黄片", "口交"], &["三黄片", "路口交通", "黄片纪念馆"]).is_empty() {
        found.push("cover".to_owned());
    }
    let police = all(&["警方"]);
    let is_far = |it: &(usize, usize)| {
        police.iter().all(|exception| it.0.max(exception.0).saturating_sub(it.1.min(exception.1)) > 4)
    };
    if uncovered(&["毛片"], &["羊毛片", "毛片机"]).iter().any(is_far) {
        found.push("cover-near".to_owned());
    }
    found
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[三黄片路口交通羊毛机警方纪念馆]{1,2}",
        2 => proptest::sample::select(vec!["黄片", "三黄片", "路口交", "通", "毛片", "羊毛片", "毛片机", "警方", "纪念馆"])
            .prop_map(str::to_owned),
        1 => "，{1,4}",
    ];
    // A run of equal characters counts as one of them: the definition above is for texts without runs.
    let without_runs = |pieces: Vec<String>| {
        let mut text = String::new();
        let mut last = None;
        for c in pieces.concat().chars() {
            if c == '，' || last != Some(c) {
                text.push(c);
            }
            last = if c == '，' { last } else { Some(c) };
        }
        text
    };
    proptest::collection::vec(piece, 0..16).prop_map(without_runs)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exceptions_are_those_of_the_definition(text in pieces()) {
        prop_assert_eq!(rules_found(&text), naive(&text), "{}", text);
    }

    #[test]
    fn exceptions_do_not_depend_on_chunks(
        text in pieces(),
        hold in prop_oneof![Just(1_usize << 20), 0..120_usize],
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
        mask in any::<bool>(),
    ) {
        let set = if mask { Arc::clone(&MASKING_SET) } else { Arc::clone(&SET) };
        let text = text.replace("三羊", "<p title='三羊").replace("机", "'>&#x673a;").replace("方", "<b>方</b>下注法院");
        let whole = drive(&set, html("utf-8"), &policy(hold), text.as_bytes(), &[]);
        prop_assert_eq!(&whole, &drive(&set, html("utf-8"), &policy(hold), text.as_bytes(), &cuts));
        let every: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&whole, &drive(&set, html("utf-8"), &policy(hold), text.as_bytes(), &every));
    }
}

//! Examples of each trick, false friends, and what holds for every character.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::TestRunner};

use super::{Coded, Folded, Folding, Reading, Token, WordPart};

fn show(tokens: Vec<Token>) -> String {
    let token = |token| match token {
        Token::Ideograph(c) => c.to_string(),
        Token::Word(word) => format!("[{word}]"),
    };
    tokens.into_iter().map(token).collect()
}

fn shown(folding: &Folding, text: &str) -> String {
    show(folding.phrase(text))
}

/// The phrase and its variants.
fn forms(folding: &Folding, phrase: &str) -> Vec<Vec<Token>> {
    let tokens = folding.phrase(phrase);
    let mut forms = folding.variants(&tokens);
    assert!(forms.len() <= Folding::VARIANTS_MAX && !forms.contains(&tokens), "{phrase}");
    forms.push(tokens);
    forms
}

fn is_found(folding: &Folding, phrase: &str, text: &str) -> bool {
    forms(folding, phrase).contains(&folding.phrase(text))
}

fn all_fold_to(expected: &str, texts: &[&str]) {
    let folding = Folding::new(Reading::Looks);
    for text in texts {
        assert_eq!(shown(&folding, text), expected, "{text}");
    }
}

#[test]
fn what_reads_alike_folds_alike() {
    let folding = Folding::new(Reading::Looks);
    let same = [
        ("百家樂", "百家乐"),
        ("百 家，乐", "百家乐"),
        ("⼀⾊", "一色"),
        ("㈠", "一"),
        ("ＣＡＳＩＮＯ Online", "[casino][online]"),
        ("c\u{301}afé", "[cafe]"),
        ("𝓐①", "[a1]"),
        ("加QQ群", "加[qq]群"),
        ("が", "が"),
        ("한국", "한국"),
        ("！？ …", ""),
        ("6合彩", "[6]合彩"),
        ("½", "[12]"),
        ("㈱", "株"),
        ("km²", "[km2]"),
    ];
    for (text, expected) in same {
        assert_eq!(shown(&folding, text), expected, "{text}");
    }
}

#[test]
fn what_is_not_shown_is_free() {
    let hidden = "\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202e}\u{2066}\u{2069}\u{2060}\u{2064}\u{feff}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{180e}\u{fe0f}\u{e0100}\u{e0041}\u{640}\u{1}\u{7f}\u{fff9}";
    let folding = Folding::new(Reading::Looks);
    for c in hidden.chars() {
        assert_eq!(folding.fold(c).collect::<Vec<_>>(), [Folded::Free], "U+{:04X}", c as u32);
    }
    all_fold_to("赌博", &["赌\u{200b}\u{feff}博", "赌\u{fe00}\u{ad}博\u{e0020}", "赌\u{2800}博", "赌\u{3000}博"]);
    all_fold_to("[casino]", &["c\u{300}\u{336}\u{489}a\u{33f}s\u{20dd}ino", "ca\u{202e}\u{202c}sino", "ca\u{34f}sino"]);
}

#[test]
fn letters_in_any_style_are_letters() {
    let styles = [
        "𝐜𝐚𝐬𝐢𝐧𝐨",
        "𝒸𝒶𝓈𝒾𝓃ℴ",
        "𝓒𝓐𝓢𝓘𝓝𝓞",
        "𝔠𝔞𝔰𝔦𝔫𝔬",
        "𝕔𝕒𝕤𝕚𝕟𝕠",
        "𝖈𝖆𝖘𝖎𝖓𝖔",
        "𝙘𝙖𝙨𝙞𝙣𝙤",
        "𝚌𝚊𝚜𝚒𝚗𝚘",
        "ⓒⓐⓢⓘⓝⓞ",
        "ⒸⒶⓈⒾⓃⓄ",
        "🅒🅐🅢🅘🅝🅞",
        "🄲🄰🅂🄸🄽🄾",
        "🅲🅰🆂🅸🅽🅾",
        "🅲🅰️🆂🅸🅽🅾️",
        "🇨🇦🇸🇮🇳🇴",
        "🇨\u{200b}🇦🇸🇮🇳🇴",
        "⒞⒜⒮⒤⒩⒪",
        "ｃａｓｉｎｏ",
        "ᴄᴀꜱɪɴᴏ",
        "ᶜᵃˢⁱⁿᵒ",
        "ĉâšïñõ",
        "çąşįņǫ",
        "CASİNO",
        "casıno",
    ];
    all_fold_to("[casino]", &styles);
    all_fold_to("[abcdefghijklmnopqrstuvwxyz]", &["ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ", "🅰🅱🅲🅳🅴🅵🅶🅷🅸🅹🅺🅻🅼🅽🅾🅿🆀🆁🆂🆃🆄🆅🆆🆇🆈🆉"]);
    all_fold_to("[strasse]", &["Straße", "STRASSE", "STRAẞE", "ſtraſse"]);
    all_fold_to("[aeoe]", &["æœ", "ÆŒ", "aeoe"]);
}

#[test]
fn letters_of_other_scripts_are_what_they_look_like() {
    all_fold_to("[casino]", &["сasino", "саѕіпо", "ϲаѕɩռο", "СΑЅІΝΟ", "ᏟᎪᏚᎥɴᎾ", "ꓚꓮꓢꓲꓠꓳ", "ⅽаѕіոо", "cɑsıηо"]);
    all_fold_to("[viagra]", &["νіаɡrа", "ѵiagra", "ⅴıаցrа"]);
    all_fold_to("[poker]", &["рокеr", "РОКЕR", "ρоκеᴦ", "ᑭοκer"]);
    // What looks like no letter stays what it is, in either case.
    for (one, other) in [("ждф", "ЖДФ"), ("λσθς", "ΛΣΘΣ"), ("привет", "ПРИВЕТ"), ("ծօ", "ԾՕ")]
    {
        let folding = Folding::new(Reading::Looks);
        assert_eq!(folding.phrase(one), folding.phrase(other), "{one}");
    }
}

#[test]
fn digits_in_any_style_are_digits() {
    let sixes = [
        "6",
        "６",
        "⑥",
        "⓺",
        "❻",
        "➅",
        "➏",
        "⑹",
        "⒍",
        "🄇",
        "⁶",
        "₆",
        "𝟔",
        "𝟞",
        "𝟨",
        "𝟲",
        "𝟼",
        "٦",
        "۶",
        "६",
        "৬",
        "๖",
        "6\u{fe0f}\u{20e3}",
    ];
    all_fold_to("[6]合彩", &sixes.map(|six| format!("{six}合彩")).each_ref().map(String::as_str));
    all_fold_to("[0]", &["0", "⓪", "⓿", "🄋", "🄌", "٠", "𝟘"]);
    all_fold_to("[18]", &["18", "⑱", "⒅", "⓲", "⒙", "１８", "①⑧", "1️⃣8️⃣"]);
    all_fold_to("一二三", &["㊀㊁㊂", "㈠㈡㈢", "〡〢〣", "壹贰叁", "壹貳叄", "弌弍弎", "⼀⼆三"]);
    all_fold_to("六七八九十", &["六柒捌玖十", "〦〧〨〩〸"]);
}

#[test]
fn numerals_are_found_in_every_style() {
    let folding = Folding::new(Reading::Looks);
    let found = [
        ("六合彩", "6合彩 ⑥合彩 陸合彩 陆合彩 6️⃣合彩 ㈥合彩 ㊅合彩 〦合彩 ６合彩"),
        ("6合彩", "六合彩 陆合彩 ⑥合彩"),
        ("陸合彩", "六合彩"),
        ("二八杠", "28杠 ②⑧杠 贰捌杠 2八杠 二8杠"),
        ("18禁", "十八禁 一八禁 ⑱禁"),
        ("十八禁", "18禁 拾捌禁"),
        ("三P", "3p 三p"),
        ("3p", "三P"),
        ("三级片", "3级片 叁级片 ③級爿"),
        ("零元购", "0元购 〇元购"),
        ("365体育", "三六五体育"),
        ("二十四味", "24味"),
    ];
    for (phrase, texts) in found {
        for text in texts.split(' ') {
            assert!(is_found(&folding, phrase, text), "{phrase} in {text}: {:?}", forms(&folding, phrase));
        }
    }
}

#[test]
fn numbers_are_not_what_is_nothing_but_numerals() {
    let folding = Folding::new(Reading::Looks);
    for (phrase, text) in [
        ("六四", "6.4"),
        ("六四", "64"),
        ("三八", "3-8"),
        ("八九六四", "1989"),
        ("六四", "登陆四川"),
        ("六合", "大陆合作"),
    ] {
        let text = folding.phrase(text);
        for form in forms(&folding, phrase) {
            assert!(!text.windows(form.len()).any(|part| part == form), "{phrase}: {form:?}");
        }
    }
    assert!(is_found(&folding, "六四", "陆肆"));
}

#[test]
fn ideographs_in_another_form_are_the_same() {
    let folding = Folding::new(Reading::Looks);
    let same = [
        ("裏裡里", "里里里"),
        ("群羣", "群群"),
        ("峰峯", "峰峰"),
        ("讐雠", "仇雠"),
        ("売春", "卖春"),
        ("桜駅", "樱驿"),
        ("⼈⽇⺡⻝", "人日水食"),
        ("讠訁釒钅氵", "言言金金水"),
        ("莪湜籹泩", "我是女生"),
        ("伱菿", "你到"),
        ("侽烸仩芐", "男每上下"),
        ("路囗", "路口"),
        ("銭鎗", "钱枪"),
        ("愽彩", "博彩"),
        ("佰家樂", "百家乐"),
        ("\u{f914}", "乐"),
    ];
    for (text, expected) in same {
        assert_eq!(shown(&folding, text), expected, "{text}");
    }
}

#[test]
fn false_friends_keep_apart() {
    let folding = Folding::new(Reading::Looks);
    let apart = "乾坤 干坤,著作 着作,か が,目睹 目赌,大陆 大六,队伍 队五,收拾 收十,放肆 放四,嘌呤 票呤,子曰 子日,芸 艺,瞭望 了望,狼藉 狼借,覆盖 复盖,日 曰,己 已,末 未,ロ 口,エ 工,ニ 二,夕 タ,八 ハ,人 入,土 士,戊 戌,刺 剌,沈阳 沉阳";
    for pair in apart.split(',') {
        let (one, other) = pair.split_once(' ').unwrap();
        assert!(!is_found(&folding, one, other) && !is_found(&folding, other, one), "{pair}");
    }
}

#[test]
fn ambiguous_characters_are_the_same_where_they_are() {
    let folding = Folding::new(Reading::Looks);
    for pair in [
        "干燥 乾燥",
        "藉口 借口",
        "了解 瞭解",
        "回覆 回复",
        "看着 看著",
        "沉迷 沈迷",
        "特征 特徵",
        "伙伴 夥伴",
        "干净 乾淨",
        "饼干 餅乾",
    ] {
        let (one, other) = pair.split_once(' ').unwrap();
        assert!(is_found(&folding, one, other) && is_found(&folding, other, one), "{pair}");
    }
}

#[test]
fn a_character_written_as_two_is_found() {
    let folding = Folding::new(Reading::Looks);
    let found = [
        ("赌博", "贝者十尃 贝者博 赌十尃 貝者博"),
        ("海洛因", "氵每洛因 氵每氵各因 水每洛因 ⺡每洛因"),
        ("枪支", "木仓支"),
        ("裸聊", "衤果聊"),
        ("代办证件", "亻弋办证件 代办讠正件 代办言正件"),
        ("诈骗", "讠乍马扁 言乍馬扁"),
        ("赌场", "贝者场"),
        ("银行卡", "钅艮行卡 金艮行卡 釒艮行卡"),
    ];
    for (phrase, texts) in found {
        for text in texts.split(' ') {
            assert!(is_found(&folding, phrase, text), "{phrase} in {text}: {:?}", forms(&folding, phrase));
        }
    }
    assert_eq!(folding.variants(&folding.phrase("好色")), Vec::<Vec<Token>>::new(), "女子色 is another text");
    assert!(is_found(&folding, "한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"), "letters of Hangul");
}

#[test]
fn a_word_written_letter_by_letter_is_found() {
    let folding = Folding::new(Reading::Looks);
    for text in ["c a s i n o", "c.a.s.i.n.o", "C-A-S-I-N-O", "🇨 🇦 🇸 🇮 🇳 🇴", "с а ѕ і n о"] {
        assert!(is_found(&folding, "casino", text), "{text}");
    }
    assert!(is_found(&folding, "online casino", "o n l i n e  c a s i n o"));
    assert!(!is_found(&folding, "abc", "a b c") && !is_found(&folding, "2024", "2 0 2 4"));
}

#[test]
fn what_sounds_alike_is_one_syllable() {
    let folding = Folding::new(Reading::Sounds);
    let same = ["赌博", "堵搏", "睹薄", "dubo", "du bo", "Dubo", "DUBO", "dǔbó", "du'bo", "堵bo", "ｄｕｂｏ", "𝖉𝖚𝖇𝖔"];
    for text in same {
        assert_eq!(folding.phrase(text), folding.phrase("赌博"), "{text}");
    }
    for (phrase, text) in [
        ("六合彩", "6合采"),
        ("反感", "fangan"),
        ("西安", "xi'an"),
        ("西安", "xian"),
        ("先", "xian"),
        ("女", "nv"),
        ("绿", "lv"),
    ] {
        assert!(is_found(&folding, phrase, text), "{phrase} {text}");
    }
    for word in ["casino", "strip", "xyz", "vip", "id", "qq", "wifi1"] {
        assert_eq!(folding.word(word), None, "{word}");
        assert_eq!(shown(&folding, word), format!("[{word}]"));
    }
    assert_ne!(folding.phrase("赌"), folding.phrase("博"));
    assert_eq!(Folding::new(Reading::Looks).word("dubo"), None);
}

#[test]
fn signs_and_digits_are_letters_in_leetspeak() {
    let folding = Folding::new(Reading::Leet);
    for text in ["ca$ino", "c@s1n0", "CA5IN0", "c4s!no", "ca5lno", "са$іnо", "c@5|no", "cａ＄ｉｎｏ"] {
        assert_eq!(folding.phrase(text), folding.phrase("casino"), "{text}");
    }
    assert_eq!(shown(&folding, "百家樂"), "百家乐");
    assert_ne!(Folding::new(Reading::Looks).phrase("ca$ino"), Folding::new(Reading::Looks).phrase("casino"));
}

#[test]
fn folding_twice_changes_nothing() {
    for reading in [Reading::Looks, Reading::Leet] {
        let folding = Folding::new(reading);
        for c in '\0'..='\u{3FFFF}' {
            for once in folding.fold(c) {
                let (Folded::Letter(inner) | Folded::Ideograph(inner)) = once else { continue };
                assert_eq!(folding.fold(inner).collect::<Vec<_>>(), [once], "U+{:04X} {reading:?}", c as u32);
            }
        }
    }
}

#[test]
fn every_character_of_a_class_folds_to_the_same() {
    let folding = Folding::new(Reading::Looks);
    let mut characters = 0;
    for table in
        [include_str!("variants.txt"), include_str!("mars.txt"), include_str!("letters.txt"), include_str!("t2s.txt")]
    {
        for line in super::forms::lines(table) {
            let mut class = line.chars().filter(|c| !c.is_whitespace());
            let first = class.next().unwrap();
            for c in class {
                characters += 1;
                assert_eq!(folding.phrase(&c.to_string()), folding.phrase(&first.to_string()), "{c} {first}");
            }
        }
    }
    println!("{characters} characters fold to another by the data files");
    assert!(characters > 5000, "{characters}");
}

#[test]
fn the_data_files_are_in_order() {
    let syllables: Vec<_> =
        super::forms::lines(include_str!("pinyin.txt")).map(|line| line.split(' ').next()).collect();
    assert!(syllables.is_sorted() && syllables.len() == 408);
    let mut seen = BTreeMap::new();
    for table in
        [include_str!("variants.txt"), include_str!("mars.txt"), include_str!("t2s.txt"), include_str!("letters.txt")]
    {
        for line in super::forms::lines(table) {
            for c in line.chars().skip(1).filter(|c| !c.is_whitespace()) {
                assert_eq!(seen.insert(c, line), None, "{c} has two classes");
            }
        }
    }
}

fn for_all<S: Strategy>(strategy: S, holds: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    TestRunner::default().run(&strategy, holds).unwrap();
}

#[test]
fn the_coded_table_says_what_the_folding_says() {
    let code = |c: char| if (c as u32).is_multiple_of(3) { 0 } else { c as u32 };
    for reading in [Reading::Looks, Reading::Sounds, Reading::Leet] {
        let folding = Folding::new(reading);
        let coded = folding.with_codes(code);
        for_all(
            prop_oneof![any::<char>(), "[赌博一6①𠀀🅰ßか\u{200b} a-z]".prop_map(|c| c.chars().next().unwrap_or('a'))],
            |c| {
                let one = |folded: Folded| match folded {
                    Folded::Free => Coded::Free,
                    Folded::Space => Coded::Space,
                    Folded::Noise => Coded::Noise,
                    Folded::Letter(c) => Coded::Letter(c),
                    Folded::Ideograph(c) => Coded::Ideograph(code(c)),
                };
                let expected: Vec<Coded> = folding.fold(c).map(one).collect();
                let got = match coded.fold(c) {
                    Coded::Several(index) => coded.several(index).to_vec(),
                    coded => vec![coded],
                };
                prop_assert_eq!(got, expected, "U+{:04X}", c as u32);
                Ok(())
            },
        );
    }
}

#[test]
fn a_word_is_split_whole() {
    let folding = Folding::new(Reading::Sounds);
    let coded = folding.with_codes(|c| c as u32);
    for_all("[a-z]{1,12}|(zhuang|xi|an|du|bo|e|fan|gan){1,9}|[0-9]{1,2}", |word| {
        let mut parts = vec![WordPart { code: 7, letters: 7 }];
        let split = coded.word(&word, &mut parts);
        prop_assert_eq!(split, folding.word(&word).is_some());
        let tokens = folding.word(&word).unwrap_or_default();
        prop_assert_eq!(parts.iter().map(|part| part.letters).sum::<usize>(), if split { word.len() } else { 0 });
        let code = |token: &Token| match token {
            Token::Ideograph(c) => *c as u32,
            Token::Word(_) => 0,
        };
        prop_assert!(parts.iter().map(|part| part.code).eq(tokens.iter().map(code)));
        Ok(())
    });
}

#[test]
fn what_is_not_shown_changes_no_phrase() {
    let folding = Folding::new(Reading::Looks);
    let strategy = ("[赌博百家乐六a-c ]{1,12}", any::<prop::sample::Index>(), "[\u{200b}\u{fe0f}\u{34f}\u{ad}\u{301}]");
    for_all(strategy, |(phrase, at, free)| {
        let mut characters: Vec<char> = phrase.chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..at, free.chars());
        let torn: String = characters.into_iter().collect();
        prop_assert_eq!(folding.phrase(&torn), folding.phrase(&phrase));
        Ok(())
    });
}

#[test]
fn variants_are_few_and_fold_to_themselves() {
    let folding = Folding::new(Reading::Looks);
    for_all("[赌博海六四十干着陆乾6a한 ]{1,10}|[0-9一二十]{1,6}彩", |phrase| {
        let tokens = folding.phrase(&phrase);
        let variants = folding.variants(&tokens);
        prop_assert!(variants.len() <= Folding::VARIANTS_MAX);
        for (at, variant) in variants.iter().enumerate() {
            prop_assert!(*variant != tokens && !variants[..at].contains(variant));
            let written: Vec<String> = variant
                .iter()
                .map(|token| match token {
                    Token::Ideograph(c) => c.to_string(),
                    Token::Word(word) => format!(" {word} "),
                })
                .collect();
            prop_assert_eq!(&folding.phrase(&written.concat()), variant);
        }
        Ok(())
    });
}

//! The tokenizer against html5lib's cases: character data, attribute values, comments.

use std::{fs, path::Path};

use serde_json::Value;

use super::super::{
    name::Name,
    tokenizer::{Content, Part, ScriptEscape, State, Tag, Tokenizer, Tokens},
};
use crate::{base::ByteSpan, engine::text::block::Block};

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq)]
struct Extract {
    text: String,
    values: Vec<String>,
    comments: Vec<String>,
}

#[derive(Default)]
struct Recorder {
    all: Extract,
    value: String,
    comment: String,
}

impl Tokens for Recorder {
    fn run(&mut self, part: Part, block: &Block<'_>, from: usize, to: usize) {
        block.text[from..to].chars().for_each(|c| self.character(part, c, ByteSpan { start: 0, end: 0 }, 0));
    }

    fn character(&mut self, part: Part, c: char, _: ByteSpan, _: u64) {
        match part {
            Part::Text | Part::Cdata => self.all.text.push(c),
            Part::Value => self.value.push(c),
            Part::Comment => self.comment.push(c),
            Part::Name => panic!("names were not asked for"),
        }
    }

    fn attribute(&mut self, _: &Name) {}

    fn end_value(&mut self, _: u64) {
        self.all.values.push(std::mem::take(&mut self.value));
    }

    fn tag(&mut self, _: &Tag, _: u64) -> Content {
        // What a tag does to the tokenizer is the tree builder's, and not in these cases.
        Content::Normal
    }

    fn end_comment(&mut self, _: u64) {
        self.all.comments.push(std::mem::take(&mut self.comment));
    }

    fn knows_cdata(&self) -> bool {
        false
    }
}

/// How the input is fed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Feeding {
    Whole,
    Blocks(usize),
    Characters,
}

fn tokenize(state: &str, last_start_tag: &str, input: &str, feeding: Feeding) -> Extract {
    let mut tokenizer = Tokenizer::new(false, false);
    let mut name = Name::default();
    last_start_tag.bytes().for_each(|byte| name.push(byte));
    tokenizer.raw_name = name.key();
    match state {
        "Data state" => {}
        "PLAINTEXT state" => tokenizer.content = Content::Plaintext,
        "RCDATA state" => tokenizer.content = Content::Rcdata,
        "RAWTEXT state" => tokenizer.content = Content::Raw,
        "Script data state" => tokenizer.content = Content::Script(ScriptEscape::None),
        "CDATA section state" => tokenizer.state = State::Cdata,
        other => panic!("unknown state {other}"),
    }
    let mut recorder = Recorder::default();
    match feeding {
        Feeding::Characters => {
            for (at, c) in input.char_indices() {
                let span = ByteSpan { start: at as u64, end: (at + c.len_utf8()) as u64 };
                tokenizer.character(c, span, span.end, &mut recorder);
            }
        }
        Feeding::Whole | Feeding::Blocks(_) => {
            let size = if let Feeding::Blocks(size) = feeding { size } else { input.len().max(1) };
            let mut from = 0;
            while from < input.len() {
                let to = input.ceil_char_boundary((from + size).min(input.len()));
                let block = Block::new(&input[from..to], from as u64, None);
                tokenizer.feed(&block, 0, to - from, &mut recorder);
                from = to;
            }
        }
    }
    tokenizer.finish(input.len() as u64, &mut recorder);
    recorder.all
}

/// What the case says there is.
fn expected(output: &Value, twice: bool) -> Extract {
    let mut all = Extract::default();
    let string = |value: &Value| {
        let text = value.as_str().unwrap();
        if twice { unescaped(text) } else { text.to_owned() }
    };
    for token in output.as_array().unwrap() {
        match token[0].as_str().unwrap() {
            "Character" => all.text.push_str(&string(&token[1])),
            "Comment" => all.comments.push(string(&token[1])),
            "StartTag" => all.values.extend(token[2].as_object().unwrap().values().map(string)),
            "EndTag" | "DOCTYPE" => {}
            other => panic!("unknown token {other}"),
        }
    }
    all
}

fn unescaped(text: &str) -> String {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(digits) = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4)) {
            units.push(u16::from_str_radix(digits, 16).unwrap());
            rest = &rest[6..];
        } else {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            rest = &rest[c.len_utf8()..];
        }
    }
    String::from_utf16_lossy(&units)
}

/// The same for a reader: what differs here differs on purpose.
fn comparable(mut all: Extract) -> Extract {
    // NUL and its replacement are both a character that no phrase has, and shown as nothing or as a
    // question mark: the engine passes on what stands there.
    let alike = |text: &mut String| *text = text.replace('\0', "\u{FFFD}");
    alike(&mut all.text);
    all.values.iter_mut().chain(&mut all.comments).for_each(alike);
    // An empty value is no text; JSON objects have no order.
    all.values.retain(|value| !value.is_empty());
    all.values.sort_unstable();
    all
}

/// "Coercing an HTML DOM into an infoset", as the cases of xmlViolation.test want it.
fn coerced(mut all: Extract) -> Extract {
    all.text = all.text.replace('\u{FFFF}', "\u{FFFD}").replace('\u{C}', " ");
    all.comments.iter_mut().for_each(|comment| *comment = comment.replace("--", "- -"));
    all
}

#[test]
fn the_tokenizer_agrees_with_html5lib() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/suites/html5lib/tokenizer");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("{} is not here: skipped", folder.display());
        return;
    };
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    let (mut run, mut differ) = (0, Vec::new());
    for path in files {
        let suite: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let violations = suite.get("xmlViolationTests");
        for case in suite.get("tests").or(violations).unwrap().as_array().unwrap() {
            let twice = case["doubleEscaped"].as_bool().unwrap_or(false);
            let input = case["input"].as_str().unwrap();
            // "Preprocessing the input stream" is left to whoever runs the cases.
            let input = if twice { unescaped(input) } else { input.to_owned() };
            let input = input.replace("\r\n", "\n").replace('\r', "\n");
            let want = comparable(expected(&case["output"], twice));
            let codes: Vec<_> = case["errors"].as_array().into_iter().flatten().map(|error| &error["code"]).collect();
            // Values are passed on before it is known that there was one of the same name, or that the
            // tag never ends. A browser drops those.
            let may_have_more = codes.iter().any(|code| *code == "duplicate-attribute" || *code == "eof-in-tag");
            let states: Vec<_> = case["initialStates"].as_array().into_iter().flatten().collect();
            let data = Value::from("Data state");
            for state in if states.is_empty() { vec![&data] } else { states } {
                let tag = case["lastStartTag"].as_str().unwrap_or("");
                for feeding in [Feeding::Whole, Feeding::Blocks(1), Feeding::Blocks(3), Feeding::Characters] {
                    run += usize::from(feeding == Feeding::Whole);
                    let mut got = tokenize(state.as_str().unwrap(), tag, &input, feeding);
                    if violations.is_some() {
                        got = coerced(got);
                    }
                    let mut got = comparable(got);
                    if may_have_more && want.values.iter().all(|value| got.values.contains(value)) {
                        got.values.clone_from(&want.values);
                    }
                    if got != want {
                        let file = path.file_name().unwrap().display();
                        differ.push(format!("{file} {state} {feeding:?} {input:?}:\n  {got:?}\n  {want:?}"));
                    }
                }
            }
        }
    }
    println!("{run} cases run, {} readings differ", differ.len());
    assert!(run > 6_000, "the suite is incomplete: {run} cases");
    assert!(differ.is_empty(), "{} readings differ:\n{}", differ.len(), differ[..differ.len().min(20)].join("\n"));
}

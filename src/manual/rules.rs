//! How rules are written, what they match, and what follows.
//!
//! # A pack
//!
//! A file `rules/NAME.toml` is a pack: a category with a threshold and an action, and its rules. The
//! keys are those of [`Pack`](crate::engine::rules::Pack) and [`Rule`](crate::engine::rules::Rule);
//! unknown keys are errors that name the nearest known one.
//!
//! ```toml
//! [pack]
//! id        = "gambling"
//! title     = "赌博"
//! clause    = "7.7"
//! class     = "vulgar"       # political | vulgar | other | filing
//! action    = "block"        # observe | mask | block
//! threshold = 100
//!
//! [[rule]]
//! id     = "gambling.bonus"
//! any    = ["注册", "开户"]   # one of these,
//! all    = ["送彩金"]         # and each of these,
//! near   = 20                # with at most 20 characters between them,
//! none   = ["警方", "骗局"]   # and none of these as near
//! weight = 60
//! hit    = ["注册即送彩金"]
//! pass   = ["警方提醒：注册送彩金都是骗局"]
//! ```
//!
//! # How a phrase is matched
//!
//! Text and phrases are folded by the same table ([`fold`](crate::engine::text::fold)) and become
//! tokens. A token is one **ideograph** (Han, kana, Hangul, Thai and other scripts that do not part
//! their words) or one whole **word** (letters and digits of every other script). A phrase is found
//! where its tokens stand in the text, one after the other.
//!
//! - **Words match whole.** `bet` is not found in `alphabet`, `casino` not in `casinos`. A word ends at
//!   noise, at white space, at an ideograph, and at the tags of blocks (`<p>`, `<td>`, `<br>` …), not
//!   at inline ones: `on<b>line</b>` is one word. Letters of several scripts are one word.
//! - **Noise** is punctuation, symbols and emoji. Between two tokens of a phrase up to `gap` characters
//!   of noise are allowed (3 if the rule says nothing, at most 16). A run of white space counts as one
//!   character, whatever its length. Between two words one character of noise is free: it is what
//!   makes them two.
//! - **A letter is not noise.** `百a家乐` is not 百家乐.
//! - **Markup** between characters counts for nothing in the text lane. The tags of blocks end words,
//!   but CJK phrases go on: `<td>百</td><td>家</td><td>乐</td>` is found.
//! - **Free characters** (zero-width, bidi controls, soft hyphens, combining marks) are as if they were
//!   not there.
//!
//! A phrase that folds to nothing is an error; one that is so short that it would be found everywhere is
//! a warning of `zhamen rules lint`.
//!
//! # Lanes
//!
//! A browser does not show everything in one place, and a phrase does not go on from one place into
//! another. [`Lane`](crate::engine::rules::Lane)s:
//!
//! | lane | holds |
//! | --- | --- |
//! | `text` | what is shown, with the titles of pages, and all of plain text and event streams |
//! | `attribute` | attribute values; nothing goes on from one to the next |
//! | `script` | scripts, style sheets, JSON strings; `\u` and other escapes resolved |
//! | `comment` | comments |
//!
//! A rule looks at `text` and `attribute` unless its `lanes` say otherwise. JSON is read in the script
//! lane, string by string; but because its strings become the text of some page, rules for the text
//! lane see them too.
//!
//! # How a rule hits
//!
//! - `any` (together with `any_file`) is one part, of which one phrase is enough; each phrase of `all`
//!   is a part of its own. The rule is complete when every part stands in the body.
//! - `near` bounds the distance: from the end of the part that ends first to the beginning of the part
//!   that begins last, in characters of one lane (a white-space run is one, free characters and markup
//!   are none). Without `near` the parts may stand anywhere, in different lanes too.
//! - `none` takes a hit away. With `near`: if one of its phrases stands so near to the parts, in the
//!   same lane. Without: if one stands anywhere on the page.
//! - `regex` must match as well. It sees the lane's text as a reader would, before folding and without
//!   markup, each white-space run as one space: the parts and up to 64 characters on both sides (or
//!   `near`, if that is less). It is linear in time; look-around and back-references do not exist.
//! - A rule hits once a body, however often its phrases stand there.
//! - After `expires` (the last day, local time) a rule is not in force.
//!
//! # What follows
//!
//! The score of a category is the sum of the weights of the distinct rules that hit. A negative weight
//! takes away: this is how a page *about* a subject stays below the threshold. When the score reaches
//! the threshold, the category's action is due; of several categories the strongest action counts
//! ([`Action`](crate::engine::rules::Action)).
//!
//! - `observe`: recorded, nothing else.
//! - `mask`: the characters of the matched phrases are replaced, in the charset and the length in
//!   bytes that they had (`＊` where it fits, otherwise `*`), and no other byte changes. A compressed
//!   body goes out decompressed if masking may be called for.
//! - `block`: 451 while nothing has been sent; after that the connection is cut before the match, and
//!   the page is locked.
//!
//! A rule's `mode` is `on`, `off`, or `shadow`: found and recorded, but without effect on the score.
//!
//! # When it is decided
//!
//! While a body is held, all that is held is read before anything is judged: an exception or a negative
//! weight at the end of a held page counts like one at its beginning. After commitment bytes are
//! leaving, so a verdict acts at once: an exception for the whole page counts if it stood before the
//! hit, one with `near` is waited for, and a negative weight that comes later comes too late. A page of
//! up to `scan.hold` bytes is therefore judged more fairly than a longer one.
//!
//! # Word lists
//!
//! `any_file = "lists/NAME.txt"` adds a list to `any`: one phrase a line, `#` begins a comment.
//! 100,000 phrases are a normal size.
//!
//! # How to test
//!
//! ```text
//! zhamen rules lint                          # errors, and what is probably not meant
//! zhamen rules test                          # every hit and pass example
//! zhamen rules scan page.html                # a file, as a response body would be read
//! zhamen rules scan --json --content-type 'text/html; charset=gbk' -   # standard input
//! ```
//!
//! `hit` examples must be found by their rule; `pass` examples must not be, and the category must not
//! act on them either. The shipped packs are tested besides against real pages that must pass
//! (`tests/packs.rs`).

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
//! - **The longest exception wins.** An exception that contains one of the rule's own phrases takes away
//!   just the occurrences that lie inside one of its own: with `any = ["黄片", "口交"]` and
//!   `none = ["三黄片", "路口交通"]` a page about 三黄片 is no hit, and one about 三黄片 and 黄片 is. `near`
//!   has no part in that, nor have the exceptions of other rules. What is covered is not masked either. A
//!   phrase that the text may still complete to such an exception waits for it.
//! - `regex` must match as well. It sees the lane's text as a reader would, before folding and without
//!   markup, each white-space run as one space: the parts and up to 64 characters on both sides (or
//!   `near`, if that is less). If it does not match, it sees the same text once more, folded and without
//!   noise and white space: `[0-9]{5}` matches in `１２-３ 4⑤`. It is linear in time; look-around and
//!   back-references do not exist.
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
//! # What is noisy
//!
//! Two readings are for rules that ask for them, because they find much that is not meant:
//!
//! - `sounds = true`: phrases are found by their sound as well, written as homophones or in pinyin. If
//!   the rule is complete only so, it adds `sounds_weight` in place of its weight (half of the weight, if
//!   the rule says nothing): give it so little that a sound does not act alone. A hit by the phrase
//!   itself takes the place of one by sound, whichever comes first. Exceptions are heard as well.
//! - `leet = true`: digits and signs that stand for Latin letters count as these (`c4s1n0`), at the full
//!   weight.
//!
//! # What is hidden
//!
//! Text that the page's own styles hide is scanned, and excuses nothing that is shown: every body is
//! judged in two views, as it is shown and together with what is hidden, and of each category the
//! higher score counts. So neither an exception nor a negative weight in hidden text lowers what
//! the visible page has scored by itself.
//!
//! # Shadow and off
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
//! zhamen rules explain page.html             # why, score by score, and what nearly hit
//! zhamen rules diff OLD NEW --against pages  # what other packs would change, by rule and by page
//! zhamen rules scan --json --content-type 'text/html; charset=gbk' -   # standard input
//! ```
//!
//! `hit` examples must be found by their rule; `pass` examples must not be, and the category must not
//! act on them either. The shipped packs are tested besides against real pages that must pass
//! (`tests/packs.rs`).
//!
//! `rules explain` names for each rule of which a part was seen what stood in its way: a part that is
//! missing, parts too far from one another, the exception that cancelled or covered, a regular expression
//! that did not match, noise wider than the gap, a lane that the rule does not look at, a rule that is
//! off or expired ([`Obstacle`](crate::engine::rules::Obstacle)).
//!
//! `rules lint` names, each at its place and with what to do: phrases that fold to nothing, are shorter
//! than two ideographs without a partner, are among the most common words and fire alone (by a list of
//! frequent Chinese and English words that Zhamen ships), or that another phrase makes superfluous; rules
//! that hit another rule's `pass` example with a weight that fires; regular expressions that are not
//! linear or match the empty string; exceptions that take everything or nothing; gaps that join the words
//! of different sentences.
//!
//! `rules scan` ends with status 0 also where a file was not inspected: such a response would pass in
//! the same way, and `inspection` says why. A file that cannot be read at all is an error (2).

//! Where a line may end in Chinese text with Latin words and addresses in it.
//!
//! Between Chinese characters anywhere, except before a closing sign and behind an opening one; between
//! Latin words at spaces. What is longer than a line by itself (an address) is broken behind a sign that
//! separates its parts, or else anywhere.

use super::face::Glyphs;

/// Signs that do not begin a line.
const NO_BEGIN: &str = "，。、；：！？）》」』】〕〉”’％…—～·‰℃〗｝］,.;:!?)]}>%’";
/// Signs that do not end a line.
const NO_END: &str = "（《「『【〔〈“‘〖｛［([{<￥$#";
/// Signs in an address behind which it may be broken.
const PARTS: &str = "/?&=-_.,;:+%#@~";

/// The lines of a text, each at most `width` wide at a font size of 1; the first one `indent` less.
/// An empty text is one empty line.
pub(super) fn lines(text: &str, width: f32, indent: f32, glyphs: &Glyphs<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let indent = if lines.is_empty() { indent } else { 0.0 };
        break_paragraph(paragraph, width, indent, &|c| glyphs.glyph(c).advance, &mut lines);
    }
    lines
}

fn break_paragraph(text: &str, width: f32, indent: f32, advance: &dyn Fn(char) -> f32, lines: &mut Vec<String>) {
    let characters: Vec<char> = text.trim_end().chars().collect();
    let advances: Vec<f32> = characters.iter().map(|&c| advance(c)).collect();
    let mut start = 0;
    let mut room = width - indent;
    loop {
        let mut used = 0.0;
        let fits = advances[start..].iter().take_while(|&&advance| {
            used += advance;
            // A hundredth: sums of fractions are not exact.
            used <= room + 0.01
        });
        let mut end = start + fits.count();
        if end < characters.len() {
            end = end.max(start + 1);
            end = last_break(&characters, &advances, start, end, width);
        }
        let line: String = characters[start..end].iter().collect();
        lines.push(line.trim_end_matches(' ').to_owned());
        // A space at the end of a line is none at the beginning of the next.
        start = end + characters[end..].iter().take_while(|&&c| c == ' ').count();
        if start >= characters.len() {
            return;
        }
        room = width;
    }
}

/// Where a line that begins at `start` ends, if what fits ends at `full`.
fn last_break(characters: &[char], advances: &[f32], start: usize, full: usize, width: f32) -> usize {
    let behind = |at: usize| characters.get(at) == Some(&' ') || may_break(characters[at - 1], characters[at]);
    let hard = (start + 1..=full).rev().find(|&at| behind(at));
    if let Some(at) = hard {
        let word = (at + 1..characters.len()).find(|&end| behind(end)).unwrap_or(characters.len());
        if advances[at..word].iter().sum::<f32>() <= width {
            return at;
        }
    }
    // A word that no line can hold.
    let least = hard.unwrap_or(start).max(start) + 1;
    let part = (least..=full).rev().find(|&at| PARTS.contains(characters[at - 1]) && !PARTS.contains(characters[at]));
    part.filter(|&at| at > start + (full - start) / 2).unwrap_or(full)
}

fn may_break(before: char, after: char) -> bool {
    if NO_BEGIN.contains(after) || NO_END.contains(before) || before == '\u{a0}' {
        return false;
    }
    before == ' ' || is_wide(before) || is_wide(after)
}

/// Whether a character is a word by itself.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{303f}' | '\u{3040}'..='\u{30ff}' | '\u{3100}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
        || "—…“”‘’·".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn advance(c: char) -> f32 {
        if is_wide(c) { 1.0 } else { 0.5 }
    }

    fn broken(text: &str, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        break_paragraph(text, width, 0.0, &advance, &mut lines);
        lines
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_sticks_out(text in "[一-十，。（）《》a-d/.? ]{0,80}", width in 2_u8..20) {
            let lines = broken(&text, f32::from(width));
            let bare = |text: &str| text.replace(' ', "");
            prop_assert_eq!(bare(&lines.concat()), bare(&text));
            for line in &lines {
                prop_assert!(line.chars().map(advance).sum::<f32>() <= f32::from(width) + 0.01, "{:?}", lines);
            }
        }
    }

    #[test]
    fn no_line_begins_with_a_closing_sign_or_ends_with_an_opening_one() {
        assert_eq!(broken("一二三四，五六", 4.0), ["一二三", "四，五六"]);
        assert_eq!(broken("一二三（四五）", 4.0), ["一二三", "（四五）"]);
        assert_eq!(broken("见《办法》第十条", 4.0), ["见《办", "法》第十", "条"]);
    }

    #[test]
    fn words_stay_whole_and_long_addresses_break_at_their_parts() {
        assert_eq!(broken("the word is here", 4.0), ["the word", "is here"]);
        assert_eq!(
            broken("地址 http://example.cn/first/second/third", 10.0),
            ["地址 http://example.", "cn/first/second/", "third"]
        );
        assert_eq!(broken("aaaaaaaaaaaaaaaaaaaaaaa", 5.0), ["aaaaaaaaaa", "aaaaaaaaaa", "aaa"]);
    }
}

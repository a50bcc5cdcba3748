//! Bidirectional controls (Unicode Standard Annex #9): text in the order in which it is displayed.
//!
//! Behind U+202E (right-to-left override) everything is displayed from right to left, up to the
//! control that ends it: `\u{202E}乐家百` shows 百家乐. [`Bidi`] stands before a [`Sink`] and hands such
//! stretches on in the order that a reader sees, each character with its own place. Everything else
//! passes at no cost; embeddings and isolates matter within an override only, since without one they
//! do not turn around ideographs or Latin letters.

use super::block::{Block, Edge, Sink};
use crate::{base::ByteSpan, engine::text::Stream};

/// Characters that are turned around together, at most: about a line.
const STRETCH_MAX: usize = 256;

/// Controls within one another, at most; deeper ones are displayed as their parents are.
const DEPTH_MAX: usize = 16;

const OVERRIDE: char = '\u{202E}';

/// Overrides of each stream.
#[derive(Debug, Default)]
pub(super) struct Bidi {
    stretches: [Option<Box<Stretch>>; Stream::ALL.len()],
}

/// A stretch that is displayed from right to left.
#[derive(Debug, Default)]
struct Stretch {
    held: Vec<(char, ByteSpan)>,
    /// What is open, from outside in.
    open: Vec<Open>,
}

/// A control that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    isolate: bool,
    /// From right to left, whatever it says.
    reversed: bool,
    /// Index in what is held at which it begins.
    from: usize,
}

impl Bidi {
    /// Offset of the first character that is held back.
    pub(super) fn open_from(&self) -> Option<u64> {
        let held = self.stretches.iter().flatten().flat_map(|stretch| &stretch.held);
        held.map(|item| item.1.start).min()
    }

    /// Before a sink. `watch`: runs may hold an override.
    pub(super) fn before<'b, S: Sink>(&'b mut self, sink: &'b mut S, watch: bool) -> Displayed<'b, S> {
        Displayed { bidi: self, watch, sink }
    }

    /// Whether a block holds an override.
    pub(super) fn concerns(block: &Block<'_>) -> bool {
        block.bidi && memchr::memmem::find(block.text.as_bytes(), "\u{202E}".as_bytes()).is_some()
    }
}

/// A sink that takes text in the order of writing, and gives it to another in the order of display.
pub(super) struct Displayed<'b, S> {
    bidi: &'b mut Bidi,
    watch: bool,
    sink: &'b mut S,
}

impl<S: Sink> Displayed<'_, S> {
    /// A run that may hold an override, or stands behind one.
    #[cold]
    fn watched_run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            if self.bidi.stretches[stream as usize].is_none() {
                let text = &block.text.as_bytes()[at..to];
                let stop = at + memchr::memmem::find(text, "\u{202E}".as_bytes()).unwrap_or(text.len());
                if stop > at {
                    self.sink.run(stream, block, at, stop);
                    at = stop;
                    continue;
                }
            }
            let Some(c) = block.text[at..].chars().next() else { break };
            let span = block.span(at, at + c.len_utf8());
            self.character(stream, c, span, span.end);
            at += c.len_utf8();
        }
    }

    /// A paragraph ends, or a cell, and with it all that is open.
    #[cold]
    fn end(&mut self, stream: Stream, seen: u64) {
        self.flush(stream, seen);
        self.bidi.stretches[stream as usize] = None;
    }

    /// Lets go of what is held of a stream; the controls stay in force.
    #[inline]
    fn flush(&mut self, stream: Stream, seen: u64) {
        if let Some(stretch) = &mut self.bidi.stretches[stream as usize] {
            stretch.flush(stream, seen, self.sink);
        }
    }
}

impl<S: Sink> Sink for Displayed<'_, S> {
    fn wants(&self, stream: Stream) -> bool {
        self.sink.wants(stream)
    }

    #[inline(always)]
    fn run(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize) {
        if self.watch || self.bidi.stretches[stream as usize].is_some() {
            return self.watched_run(stream, block, from, to);
        }
        self.sink.run(stream, block, from, to);
    }

    #[inline(always)]
    fn alone(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        if !self.watch && self.bidi.stretches[stream as usize].is_none() {
            return self.sink.alone(stream, block, from, to, seen);
        }
        if from < to {
            self.watched_run(stream, block, from, to);
        }
        self.edge(stream, Edge::Hard, seen);
    }

    #[inline]
    fn run_later(&mut self, stream: Stream, block: &Block<'_>, from: usize, to: usize, seen: u64) {
        if !self.watch && self.bidi.stretches[stream as usize].is_none() {
            return self.sink.run_later(stream, block, from, to, seen);
        }
        for (at, c) in block.text[from..to].char_indices() {
            self.character(stream, c, block.span(from + at, from + at + c.len_utf8()), seen);
        }
    }

    #[inline]
    fn character(&mut self, stream: Stream, c: char, span: ByteSpan, seen: u64) {
        let stretch = &mut self.bidi.stretches[stream as usize];
        if stretch.is_none() && c != OVERRIDE {
            return self.sink.character(stream, c, span, seen);
        }
        let ends = stretch.get_or_insert_default().push(c, span);
        if ends {
            self.flush(stream, seen);
            self.bidi.stretches[stream as usize] = None;
        } else if self.bidi.stretches[stream as usize].as_ref().is_some_and(|stretch| stretch.held.len() >= STRETCH_MAX)
        {
            self.flush(stream, seen);
        }
    }

    #[inline(always)]
    fn edge(&mut self, stream: Stream, edge: Edge, seen: u64) {
        if self.bidi.stretches[stream as usize].is_some() {
            self.end(stream, seen);
        }
        self.sink.edge(stream, edge, seen);
    }
}

impl Stretch {
    /// Takes a character; whether nothing is open any more.
    fn push(&mut self, c: char, span: ByteSpan) -> bool {
        let begin = match c {
            OVERRIDE => Some((false, true)),
            // Embeddings and left-to-right overrides are displayed from left to right.
            '\u{202A}' | '\u{202B}' | '\u{202D}' => Some((false, false)),
            '\u{2066}'..='\u{2068}' => Some((true, false)),
            _ => None,
        };
        match begin {
            Some((isolate, reversed)) if self.open.len() < DEPTH_MAX => {
                self.open.push(Open { isolate, reversed, from: self.held.len() });
            }
            Some(_) => {}
            None if c == '\u{202C}' && self.open.last().is_some_and(|open| !open.isolate) => self.close(),
            None if c == '\u{2069}' && self.open.iter().any(|open| open.isolate) => {
                // What was opened within ends as well.
                while self.open.last().is_some_and(|open| !open.isolate) {
                    self.close();
                }
                self.close();
            }
            None => {}
        }
        self.held.push((c, span));
        self.open.is_empty()
    }

    /// What was opened last ends: it is turned around if it runs against what it stands in.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let parent = self.open.last().is_some_and(|parent| parent.reversed);
        if open.reversed != parent
            && let Some(held) = self.held.get_mut(open.from..)
        {
            held.reverse();
        }
    }

    fn flush(&mut self, stream: Stream, seen: u64, sink: &mut impl Sink) {
        let open = self.open.clone();
        while !self.open.is_empty() {
            self.close();
        }
        for (c, span) in self.held.drain(..) {
            sink.character(stream, c, span, seen);
        }
        self.open = open;
        for open in &mut self.open {
            open.from = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Stream, tests::read};

    fn displayed(text: &str) -> String {
        displayed_as("text/plain; charset=utf-8", text)
    }

    fn displayed_as(media: &str, text: &str) -> String {
        let text = read(media, text.as_bytes(), &[]).text(Stream::Text);
        text.chars().filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '|')).collect()
    }

    #[test]
    fn text_is_read_as_it_is_displayed() {
        for (text, shown) in [
            ("来\u{202E}乐家百\u{202C}玩", "来百家乐玩"),
            ("百\u{202E}乐家\u{202C}玩", "百家乐玩"),
            ("\u{202E}乐家百", "百家乐"),
            ("\u{202E}乐\u{202D}ab\u{202C}家百\u{202C}", "百家ab乐"),
            ("\u{202E}乐\u{2066}ab\u{2069}家百\u{202C}", "百家ab乐"),
            ("\u{202E}乐\u{2067}\u{202E}ab\u{2069}家百\u{202C}玩", "百家ba乐玩"),
            ("\u{202D}百家乐\u{202C}", "百家乐"),
            ("\u{202E}乐\u{202E}家\u{202C}百\u{202C}", "百家乐"),
        ] {
            assert_eq!(displayed(text), shown, "{text:?}");
        }
    }

    #[test]
    fn markup_turns_text_round_as_controls_do() {
        for (page, shown) in [
            ("来<bdo dir=rtl>乐家百</bdo>玩", "来百家乐玩"),
            ("来<BDO DIR=' RTL '>乐<b>家</b>百</bdo>玩", "来百家乐玩"),
            ("<bdo>乐家百</bdo><bdo dir=ltr>乐家百</bdo><b dir=rtl>乐家百</b>", "乐家百乐家百乐家百"),
            ("<i style='direction:rtl;unicode-bidi:bidi-override'>乐家百</i>玩", "百家乐玩"),
            ("<i dir=rtl style='unicode-bidi:isolate-override'>乐家百</i>玩", "百家乐玩"),
            ("<bdo style='direction:rtl'>乐家百</bdo>玩", "百家乐玩"),
            ("<style>.r{unicode-bidi:bidi-override}.r{direction:rtl}</style><i class=r>乐家百</i>玩", "百家乐玩"),
            ("<i style='direction:rtl'>百家乐</i>", "百家乐"),
            ("<bdo dir=rtl>乐家<i style='display:none'>雨</i>百</bdo>玩", "百家乐玩"),
            ("<bdo dir=rtl>乐家百<br>玩来", "百家乐/来玩"),
            ("<div><bdo dir=rtl>乐家百</div>百家乐", "百家乐/百家乐"),
        ] {
            let read = displayed_as("text/html; charset=utf-8", page).replace('/', "");
            assert_eq!(read, shown.replace('/', ""), "{page}");
        }
    }

    #[test]
    fn every_character_keeps_its_place() {
        let text = "<p>来&#8238;乐家百&#8236;玩";
        let whole = read("text/html; charset=utf-8", text.as_bytes(), &[]);
        assert!(whole.text(Stream::Text).contains("百家乐"));
        for (c, span) in whole.characters(Stream::Text).filter(|item| item.0.is_alphabetic()) {
            assert_eq!(&text[span.start as usize..span.end as usize], c.to_string());
        }
        let cuts: Vec<usize> = (0..text.len()).collect();
        assert_eq!(whole, read("text/html; charset=utf-8", text.as_bytes(), &cuts));
    }

    #[test]
    fn an_override_without_an_end_holds_no_more_than_a_line() {
        let text = format!("\u{202E}{}", "一".repeat(1000));
        let whole = read("text/plain; charset=utf-8", text.as_bytes(), &[100, 900, 2000]);
        assert_eq!(whole.text(Stream::Text).chars().filter(|&c| c == '一').count(), 1000);
    }
}

//! HTML and XML: which characters belong to which stream, as a browser would show them.
//!
//! [`tokenizer`] is the standard's tokenizer (HTML, section 13.2.5), and knows nothing of what it
//! finds; [`page`] says what it means: of the tree builder what switches the tokenizer, and what
//! decides whether text is shown ([`open_elements`], [`look`], [`style_sheet`]). Scripting is on.

mod attributes;
mod char_ref;
mod dtd;
mod elements;
mod look;
mod markup;
mod name;
mod open_elements;
mod page;
mod raw;
mod selector;
mod structural;
mod style_sheet;
mod tags;
mod tokenizer;
mod url_text;

#[cfg(test)]
mod tests;

use page::{Page, PageTokens};
use tokenizer::Tokenizer;

use super::{
    Stream,
    block::{Block, Edge, Sink},
};
use crate::base::ByteSpan;

/// Reads a document.
#[derive(Debug)]
pub(super) struct Html {
    tokenizer: Tokenizer,
    page: Page,
}

impl Html {
    /// A reader at the beginning of a document.
    pub(super) fn new(xml: bool) -> Self {
        Self { tokenizer: Tokenizer::new(xml, false), page: Page::new(xml) }
    }

    /// A reader of HTML within a string of another language. What a browser would show of it goes to
    /// `shown`; attributes, comments, and what is hidden, to their own streams. Documents within it
    /// are not taken apart any further.
    pub(super) fn nested(shown: Stream) -> Self {
        Self { tokenizer: Tokenizer::new(false, true), page: Page::nested(shown) }
    }

    /// Offset of characters that have been read but not given to the sink.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.tokenizer.open_from().into_iter().chain(self.page.open_from()).min()
    }

    /// Takes the next characters.
    pub(super) fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        self.feed_between(block, 0, block.text.len(), sink);
    }

    /// Takes the characters of a block between two indices.
    pub(super) fn feed_between(&mut self, block: &Block<'_>, from: usize, to: usize, sink: &mut impl Sink) {
        self.tokenizer.feed(block, from, to, &mut PageTokens { page: &mut self.page, sink });
    }

    /// Takes one character that is written in another way; the body has been read up to `seen`.
    pub(super) fn character(&mut self, c: char, span: ByteSpan, seen: u64, sink: &mut impl Sink) {
        self.tokenizer.character(c, span, seen, &mut PageTokens { page: &mut self.page, sink });
    }

    /// The string ends: what is pending is settled, and the next begins afresh. Edges around strings
    /// are the caller's.
    pub(super) fn settle(&mut self, seen: u64, sink: &mut impl Sink) {
        self.tokenizer.finish(seen, &mut PageTokens { page: &mut self.page, sink });
        self.page.finish(seen, sink);
        self.tokenizer.restart();
        self.page.restart();
    }

    /// Where the shown text of the next string goes.
    fn show_in(&mut self, shown: Stream) {
        self.page.show_in(shown);
    }

    /// The document ends.
    pub(super) fn finish(&mut self, at: u64, sink: &mut impl Sink) {
        self.settle(at, sink);
        for stream in Stream::ALL {
            sink.edge(stream, Edge::Hard, at);
        }
    }
}

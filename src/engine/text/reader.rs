//! One body, from decoded bytes to lanes.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8};

use super::{
    bidi::Bidi,
    block::{Block, Edge, Sink},
    css::CssText,
    decode::CharsetDecoder,
    event_stream::EventStream,
    html::Html,
    js::Js,
    json::Json,
    markdown::Markdown,
    media::Media,
    multipart::Multipart,
    plain::{Form, Plain},
    sniff::{self, Sniffed},
};
use crate::engine::text::Stream;

/// Reads one body: finds its charset, decodes it, and gives its characters to a [`Sink`].
pub struct Reader {
    media: Media,
    declared: Option<&'static Encoding>,
    /// Bytes that wait for the charset to be known.
    head: Vec<u8>,
    decoder: Option<CharsetDecoder>,
    document: Document,
    bidi: Bidi,
    /// A body that consists of documents; none of what follows the charset is this reader's then.
    parts: Option<Box<Multipart>>,
    bytes: u64,
    unreadable: Option<Unreadable>,
    /// Nothing says that the body is text: it is not if it looks binary.
    doubtful: bool,
    /// Nothing has told the charset, and all bytes so far were ASCII: they are read, and the guess
    /// waits for the first that is not.
    ascii_so_far: bool,
}

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has no useful Content-Type and looks binary.
    Binary,
    /// Its charset is one that no browser decodes.
    Charset,
}

enum Document {
    Css(Box<CssText>),
    EventStream(EventStream),
    Form(Box<Form>),
    Html(Box<Html>),
    Js(Box<Js>),
    Json(Box<Json>),
    Markdown(Box<Markdown>),
    Plain(Plain),
}

impl Reader {
    /// A reader at the beginning of a body. `media` is not [`Media::Opaque`]; `doubtful` says that it
    /// may be coded in an unknown way.
    pub fn new(media: Media, declared: Option<&'static Encoding>, doubtful: bool) -> Self {
        let document = match media {
            Media::Html | Media::Unknown | Media::Opaque => Document::Html(Box::new(Html::new(false))),
            Media::Xml => Document::Html(Box::new(Html::new(true))),
            Media::Json => Document::Json(Box::new(Json::new(Stream::Script))),
            Media::Script => Document::Js(Box::new(Js::new())),
            Media::Css => Document::Css(Box::new(CssText::sheet())),
            Media::Markdown => Document::Markdown(Box::new(Markdown::new())),
            Media::Form => Document::Form(Box::new(Form::new())),
            Media::Plain | Media::Multipart(_) => Document::Plain(Plain),
            Media::EventStream => Document::EventStream(EventStream::new()),
        };
        let parts = match media {
            Media::Multipart(boundary) => Some(Box::new(Multipart::new(&boundary))),
            _ => None,
        };
        Self {
            media,
            declared,
            head: Vec::new(),
            decoder: None,
            document,
            bidi: Bidi::default(),
            parts,
            bytes: 0,
            unreadable: None,
            doubtful: doubtful || media == Media::Unknown,
            ascii_so_far: false,
        }
    }

    /// The charset's name, once it is known; empty before.
    pub fn charset(&self) -> &'static str {
        self.encoding().map_or("", Encoding::name)
    }

    /// Why the body is not read, if it is not.
    pub fn unreadable(&self) -> Option<Unreadable> {
        self.unreadable
    }

    /// The charset, once it is known.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        match &self.parts {
            Some(parts) => parts.encoding(),
            None => self.decoder.as_ref().map(CharsetDecoder::encoding),
        }
    }

    /// Offset of the first byte that has not been given to the sink as a character.
    pub fn open_from(&self) -> Option<u64> {
        if let Some(parts) = &self.parts {
            return parts.open_from();
        }
        let Some(decoder) = &self.decoder else {
            return (!self.head.is_empty()).then_some(self.bytes - self.head.len() as u64);
        };
        let document = match &self.document {
            Document::Css(css) => css.open_from(),
            Document::EventStream(events) => events.open_from(),
            Document::Form(form) => form.open_from(),
            Document::Markdown(markdown) => markdown.open_from(),
            Document::Html(html) => html.open_from(),
            Document::Js(js) => js.open_from(),
            Document::Json(json) => json.open_from(),
            Document::Plain(_) => None,
        };
        document.into_iter().chain(decoder.open_from()).chain(self.bidi.open_from()).min()
    }

    /// Takes the next bytes of the body, Content-Encoding undone.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        self.take(bytes, false, sink);
    }

    /// The body has ended.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        self.take(&[], true, sink);
        if self.unreadable.is_some() {
            return;
        }
        if let Some(parts) = &mut self.parts {
            return parts.finish(sink);
        }
        let sink = &mut self.bidi.before(sink, false);
        match &mut self.document {
            Document::Css(css) => {
                css.finish(self.bytes, sink);
                sink.edge(Stream::Script, Edge::Hard, self.bytes);
            }
            Document::EventStream(events) => events.finish(self.bytes, sink),
            Document::Form(form) => form.finish(self.bytes, sink),
            Document::Markdown(markdown) => markdown.finish(self.bytes, sink),
            Document::Html(html) => html.finish(self.bytes, sink),
            Document::Js(js) => js.finish(self.bytes, sink),
            Document::Json(json) => json.finish(self.bytes, sink),
            Document::Plain(plain) => plain.finish(self.bytes, sink),
        }
    }

    fn take(&mut self, bytes: &[u8], ended: bool, sink: &mut impl Sink) {
        self.bytes += bytes.len() as u64;
        if let Some(parts) = &mut self.parts {
            return parts.feed(bytes, sink);
        }
        if self.unreadable.is_none() {
            self.read(bytes, ended, sink);
        }
    }

    /// Reads the last bytes of those that have come.
    fn read(&mut self, mut bytes: &[u8], ended: bool, sink: &mut impl Sink) {
        if self.ascii_so_far {
            let ascii = Encoding::ascii_valid_up_to(bytes);
            self.decode(&bytes[..ascii], ended && ascii == bytes.len(), sink);
            if ascii == bytes.len() {
                return;
            }
            // Here the guess begins; what is decoded stays decoded.
            self.ascii_so_far = false;
            self.decoder = None;
            bytes = &bytes[ascii..];
        }
        if self.decoder.is_some() {
            return self.decode(bytes, ended, sink);
        }
        self.head.extend_from_slice(bytes);
        let start = self.bytes - self.head.len() as u64;
        if self.doubtful && start == 0 && self.head.len() < sniff::BINARY_BYTES && !ended {
            return;
        }
        let sniffed = sniff::charset(&self.head, start, ended, self.media, self.declared);
        let encoding = match sniffed {
            Sniffed::Charset(encoding) => encoding,
            Sniffed::Ascii => UTF_8,
            Sniffed::Wait => return,
        };
        self.unreadable = match self.doubtful && start == 0 {
            true if sniff::looks_binary(&self.head) => Some(Unreadable::Binary),
            _ if encoding == REPLACEMENT => Some(Unreadable::Charset),
            _ => None,
        };
        let head = std::mem::take(&mut self.head);
        self.decoder = Some(CharsetDecoder::new(encoding, start));
        self.ascii_so_far = sniffed == Sniffed::Ascii;
        if self.unreadable.is_some() {
            return;
        }
        match sniffed {
            // More may have come than was looked at, and not all of that need be ASCII.
            Sniffed::Ascii => self.read(&head, ended, sink),
            Sniffed::Charset(_) | Sniffed::Wait => self.decode(&head, ended, sink),
        }
    }

    fn decode(&mut self, bytes: &[u8], ended: bool, sink: &mut impl Sink) {
        let (document, bidi) = (&mut self.document, &mut self.bidi);
        if let Some(decoder) = &mut self.decoder {
            decoder.decode(bytes, ended, |block| {
                let watch = Bidi::concerns(&block);
                document.feed(&block, &mut bidi.before(sink, watch));
            });
        }
    }
}

impl Document {
    fn feed(&mut self, block: &Block<'_>, sink: &mut impl Sink) {
        match self {
            Self::Css(css) => css.feed_between(block, 0, block.text.len(), sink),
            Self::EventStream(events) => events.feed(block, sink),
            Self::Form(form) => form.feed(block, sink),
            Self::Markdown(markdown) => markdown.feed(block, sink),
            Self::Html(html) => html.feed(block, sink),
            Self::Js(js) => js.run(block, 0, block.text.len(), sink),
            Self::Json(json) => json.feed_between(block, 0, block.text.len(), sink),
            Self::Plain(plain) => plain.feed(block, sink),
        }
    }
}

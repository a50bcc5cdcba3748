//! Stretches of a script that are nothing but themselves, in one piece each: most of any script.

use super::{
    super::{
        block::{Block, Sink},
        scan::find_any,
        unescape,
    },
    Js, State, chain, code,
};
use crate::engine::text::Stream;

/// Where a `/` in code leads.
enum Slash {
    /// It was a division, or what it began is over: code goes on from here.
    Code(usize),
    /// Within a regular expression, up to what has to be looked at closely.
    Regex { class: bool, next: usize },
    /// To be looked at closely.
    Unclear,
}

impl Js {
    /// Takes what changes nothing, in one piece; where it ends.
    pub(super) fn plain(
        &mut self,
        block: &Block<'_>,
        from: usize,
        at: usize,
        to: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let bytes = &block.text.as_bytes()[..to];
        let rest = &bytes[at..];
        match self.state {
            State::Code => self.plain_code(block, from, at, to, sink),
            State::LineComment => {
                let stop = at + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                sink.run(Stream::Script, block, at, stop);
                stop
            }
            State::BlockComment { .. } => {
                // The star that may end it goes character by character.
                let stop = at + memchr::memchr2(b'*', b'/', rest).unwrap_or(rest.len());
                if stop > at {
                    self.state = State::BlockComment { star: false };
                    sink.run(Stream::Script, block, at, stop);
                }
                stop
            }
            State::Regex { .. } => {
                let stop = at + find_any(rest, [b'/', b'[', b']', b'\\', b'\n', b'\r']);
                if stop > at {
                    sink.run(Stream::Script, block, at, stop);
                }
                stop
            }
            State::String { quote } if !self.array => self.plain_string(quote, block, at, to, sink),
            _ => at,
        }
    }

    /// Takes code, and with it the strings, comments and regular expressions that are nothing but
    /// themselves, up to what has to be looked at closely.
    fn plain_code(&mut self, block: &Block<'_>, from: usize, at: usize, to: usize, sink: &mut impl Sink) -> usize {
        let bytes = &block.text.as_bytes()[..to];
        // What has not been handed on, and where the search goes on.
        let (mut begun, mut at) = (at, at);
        loop {
            let stop = from + code::find_sign(&bytes[from..], at - from, !self.templates.is_empty());
            match bytes.get(stop) {
                Some(&quote @ (b'"' | b'\'' | b'`')) => {
                    self.open_string(quote, &bytes[from..stop]);
                    let inside = stop + 1;
                    if !self.array
                        && let Some((end, next)) = self.lone_string(quote, bytes, inside)
                    {
                        sink.run(Stream::Script, block, begun, end);
                        sink.run_later(Stream::Script, block, end, next, block.offset(next + 1));
                        self.state = State::Code;
                        (begun, at) = (next, next);
                        continue;
                    }
                    sink.run(Stream::Script, block, begun, inside);
                    // Strings of an array that nothing joins, as most: no need to hold anything.
                    if self.array
                        && let Some(next) = chain::nothing_joins_array(bytes, inside, quote)
                    {
                        sink.run_later(Stream::Script, block, inside, next, block.offset(next + 1));
                        self.array = false;
                        self.state = State::Code;
                        (begun, at) = (next, next);
                        continue;
                    }
                    return inside;
                }
                Some(b'/') => match self.behind_slash(bytes, from, stop) {
                    Slash::Code(next) => at = next,
                    Slash::Regex { class, next } => {
                        self.state = State::Regex { class };
                        at = next;
                        break;
                    }
                    Slash::Unclear => {
                        at = stop;
                        break;
                    }
                },
                Some(_) | None => {
                    at = stop;
                    break;
                }
            }
        }
        if at > begun {
            sink.run(Stream::Script, block, begun, at);
        }
        at
    }

    /// Where a string ends that is nothing but itself, and where the code behind it says that nothing
    /// joins it.
    #[inline]
    fn lone_string(&self, quote: u8, bytes: &[u8], inside: usize) -> Option<(usize, usize)> {
        if quote == b'`' || !self.text.is_plain() {
            return None;
        }
        let end = inside + find_any(&bytes[inside..], [quote, b'\\', b'\n', b'\r', b'%', b'<', b'&']);
        if bytes.get(end) != Some(&quote) {
            return None;
        }
        let next = chain::nothing_joins(bytes, end + 1, self.templates.last() == Some(&0))?;
        Some((end, next))
    }

    /// What a `/` in code begins, as far as it is here whole.
    fn behind_slash(&self, bytes: &[u8], from: usize, slash: usize) -> Slash {
        let behind = slash + 2;
        match bytes.get(slash + 1) {
            None => Slash::Unclear,
            Some(b'/') => match memchr::memchr2(b'\n', b'\r', &bytes[behind..]) {
                Some(end) => Slash::Code(behind + end),
                None => Slash::Unclear,
            },
            Some(b'*') => match memchr::memmem::find(&bytes[behind..], b"*/") {
                Some(end) => Slash::Code(behind + end + 2),
                None => Slash::Unclear,
            },
            Some(_) if !self.tail.then(&bytes[from..slash]).allows_regex() => Slash::Code(slash + 1),
            Some(_) => {
                let (mut at, mut class) = (slash + 1, false);
                loop {
                    at += find_any(&bytes[at..], [b'/', b'[', b']', b'\\', b'\n', b'\r']);
                    match bytes.get(at) {
                        None | Some(b'\\') => return Slash::Regex { class, next: at },
                        Some(b'/') if !class => return Slash::Code(at + 1),
                        Some(b'\n' | b'\r') => return Slash::Code(at),
                        Some(b'[') => class = true,
                        Some(b']') => class = false,
                        Some(_) => {}
                    }
                    at += 1;
                }
            }
        }
    }

    fn plain_string(&mut self, quote: u8, block: &Block<'_>, at: usize, to: usize, sink: &mut impl Sink) -> usize {
        let bytes = &block.text.as_bytes()[..to];
        let rest = &bytes[at..];
        let mut is_plain = self.text.is_plain();
        let mut stop = at;
        if is_plain {
            stop += if quote == b'`' {
                find_any(rest, [b'`', b'\\', b'$', b'%', b'<', b'&'])
            } else {
                find_any(rest, [quote, b'\\', b'\n', b'\r', b'%', b'<', b'&'])
            };
            is_plain = !matches!(bytes.get(stop), Some(b'%' | b'<' | b'&'));
        }
        if !is_plain {
            let rest = &bytes[stop..];
            stop += if quote == b'`' {
                find_any(rest, [b'`', b'\\', b'$'])
            } else {
                find_any(rest, [quote, b'\\', b'\n', b'\r'])
            };
        }
        if stop > at {
            if is_plain {
                sink.run(Stream::Script, block, at, stop);
            } else {
                self.text.run(block, at, stop, sink);
            }
        }
        if bytes.get(stop) == Some(&b'\\') {
            if let Some((c, length)) = unescape::simple(&bytes[stop..]) {
                let span = block.span(stop, stop + length);
                self.text.character(c, span, span.end, sink);
                stop += length;
            }
            return stop;
        }
        // A string that nothing joins to, as most: no need to hold anything.
        if bytes.get(stop) == Some(&quote)
            && let Some(next) = chain::nothing_joins(bytes, stop + 1, self.templates.last() == Some(&0))
        {
            let seen = block.offset(next + 1);
            self.text.end(seen, sink);
            sink.run_later(Stream::Script, block, stop, next, seen);
            self.state = State::Code;
            stop = next;
        }
        stop
    }
}

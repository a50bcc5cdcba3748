//! One end of a connection: reads heads and bodies strictly, byte by byte as they were sent.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use super::PATIENCE;

/// A connection with what was read of it and not yet used.
pub struct Wire {
    pub stream: TcpStream,
    pub buffer: Vec<u8>,
}

/// Field lines: names and values, in order.
pub type Fields = Vec<(String, String)>;

/// The first line and the field lines of a message.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub first_line: String,
    pub fields: Fields,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where its framing says; for a body up to the close: with an orderly close.
    Whole,
    /// Too early: the connection was closed or reset.
    Cut,
}

/// A response with its body.
#[derive(Clone, Debug)]
pub struct Response {
    pub head: Head,
    pub body: Vec<u8>,
    pub end: End,
    pub trailers: Fields,
    /// Heads of the interim responses before it.
    pub interim: Vec<Head>,
}

impl Head {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let first_line = lines.next().unwrap_or_default().to_owned();
        let fields = lines
            .filter(|line| !line.is_empty())
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field line: {line:?}"));
                (name.to_owned(), value.trim().to_owned())
            })
            .collect();
        Self { first_line, fields }
    }

    /// The value of the first field line of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn count(&self, name: &str) -> usize {
        self.fields.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count()
    }

    fn is_chunked(&self) -> bool {
        self.field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn length(&self) -> Option<usize> {
        self.field("content-length").map(|value| value.parse().unwrap())
    }

    pub fn status(&self) -> u16 {
        let status = self.first_line.split(' ').nth(1).and_then(|word| word.parse().ok());
        status.unwrap_or_else(|| panic!("no status line: {:?}", self.first_line))
    }
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// The word of `Zhamen-Reason`; empty if the origin answered.
    pub fn reason(&self) -> &str {
        self.field("zhamen-reason").unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Reads more; 0 at the end.
    pub fn fill(&mut self) -> io::Result<usize> {
        let mut room = vec![0; 64 << 10];
        let count = self.stream.read(&mut room)?;
        self.buffer.extend_from_slice(&room[..count]);
        Ok(count)
    }

    /// Reads up to and with `mark`; `None` if the connection ends before.
    pub fn read_until(&mut self, mark: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut looked = 0;
        loop {
            let from = looked;
            if let Some(at) = self.buffer[from..].windows(mark.len()).position(|window| window == mark) {
                let rest = self.buffer.split_off(from + at + mark.len());
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            looked = self.buffer.len().saturating_sub(mark.len() - 1);
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    pub fn read_head(&mut self) -> io::Result<Option<Head>> {
        Ok(self.read_until(b"\r\n\r\n")?.map(|bytes| Head::parse(&bytes)))
    }

    /// Reads so many bytes; fewer if the connection ends before.
    pub fn read_exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length && self.fill()? > 0 {}
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads to the end of the connection. An error (a reset) is an end, too, and told.
    pub fn read_to_end(&mut self) -> (Vec<u8>, End) {
        loop {
            match self.fill() {
                Ok(0) => return (std::mem::take(&mut self.buffer), End::Whole),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => panic!("neither bytes nor an end within {PATIENCE:?}"),
                Err(_) => return (std::mem::take(&mut self.buffer), End::Cut),
            }
        }
    }

    /// Reads one chunk: its data, empty for the last; `None` if the connection ends within.
    pub fn read_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(line) = self.read_until(b"\r\n")? else { return Ok(None) };
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        let length = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("no chunk size: {line:?}"));
        if length == 0 {
            return Ok(Some(Vec::new()));
        }
        let data = self.read_exactly(length + 2)?;
        if data.len() < length + 2 {
            // What came of a chunk that was cut off is kept for who wants to look at it.
            self.buffer = data;
            return Ok(None);
        }
        assert!(data.ends_with(b"\r\n"), "a chunk does not end where it should");
        Ok(Some(data[..length].to_vec()))
    }

    /// Reads chunks to the last, and the trailers; without trailers the body was cut off.
    pub fn read_chunked(&mut self) -> (Vec<u8>, Option<Fields>) {
        let mut body = Vec::new();
        loop {
            match self.read_chunk() {
                Ok(Some(data)) if data.is_empty() => break,
                Ok(Some(data)) => body.extend(data),
                Ok(None) => {
                    body.append(&mut self.buffer);
                    return (body, None);
                }
                Err(error) if is_timeout(&error) => panic!("a chunk did not come within {PATIENCE:?}"),
                Err(_) => {
                    body.append(&mut self.buffer);
                    return (body, None);
                }
            }
        }
        let mut trailers = Vec::new();
        loop {
            let Ok(Some(line)) = self.read_until(b"\r\n") else { return (body, None) };
            if line == b"\r\n" {
                return (body, Some(trailers));
            }
            trailers.extend(Head::parse(&[b"\r\n", &line[..]].concat()).fields);
        }
    }

    /// Reads a whole response, interim ones before it included.
    pub fn read_response(&mut self, method: &str) -> io::Result<Response> {
        let mut interim = Vec::new();
        let head = loop {
            let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended without a response");
            let head = self.read_head()?.ok_or_else(ended)?;
            if (100..200).contains(&head.status()) && head.status() != 101 {
                interim.push(head);
            } else {
                break head;
            }
        };
        let mut response = Response { head, body: Vec::new(), end: End::Whole, trailers: Vec::new(), interim };
        self.read_body(method, &mut response)?;
        Ok(response)
    }

    fn read_body(&mut self, method: &str, response: &mut Response) -> io::Result<()> {
        let head = &response.head;
        if method == "HEAD" || matches!(head.status(), 101 | 204 | 304) {
            return Ok(());
        }
        if head.is_chunked() {
            assert_eq!(head.field("content-length"), None, "chunked, and a length");
            let (body, trailers) = self.read_chunked();
            response.end = if trailers.is_some() { End::Whole } else { End::Cut };
            response.body = body;
            response.trailers = trailers.unwrap_or_default();
        } else if let Some(length) = head.length() {
            while self.buffer.len() < length {
                match self.fill() {
                    Ok(count) if count > 0 => {}
                    Err(error) if is_timeout(&error) => return Err(error),
                    Ok(_) | Err(_) => break,
                }
            }
            let rest = self.buffer.split_off(length.min(self.buffer.len()));
            response.body = std::mem::replace(&mut self.buffer, rest);
            response.end = if response.body.len() == length { End::Whole } else { End::Cut };
        } else {
            (response.body, response.end) = self.read_to_end();
        }
        Ok(())
    }

    /// Reads the body of a request with this head.
    pub fn read_request_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.is_chunked() {
            let (body, trailers) = self.read_chunked();
            return match trailers {
                Some(_) => Ok(body),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let length = head.length().unwrap_or(0);
        let body = self.read_exactly(length)?;
        if body.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(body) }
    }

    /// Whether the other side has closed or reset the connection; waits for it.
    pub fn is_closed(&mut self) -> bool {
        match self.fill() {
            Ok(count) => count == 0,
            Err(error) => !is_timeout(&error),
        }
    }
}

pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

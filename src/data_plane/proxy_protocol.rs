//! The PROXY protocol, versions 1 and 2: a header in front of a connection that says whose it is
//! (the specification is HAProxy's `proxy-protocol.txt`). Read from networks that the operator names, and
//! written towards origins that want it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::{io::AsyncReadExt, net::TcpStream};

/// What begins a header of version 2.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// What begins a header of version 1.
const PREFIX: &[u8] = b"PROXY ";
/// Bytes of a header of version 1, line end included.
const V1_BYTES_MAX: usize = 107;
/// Bytes of a header of version 2 before its addresses.
const V2_FIXED_BYTES: usize = 16;
/// Bytes of a header of version 2 that are put up with.
const V2_BYTES_MAX: usize = 4096;
/// Bytes looked at in one go.
const PEEK_BYTES: usize = 536;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// A client's.
    Client {
        /// Where it comes from.
        source: SocketAddr,
        /// Where it wanted to go.
        destination: SocketAddr,
    },
    /// The proxy's own, or nobody knows whose.
    Local,
}

/// What is wrong with a header. Closed; alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// An address is none, or of another family than was said.
    Address,
    /// A command or version that is not known.
    Command,
    /// Something that is no TCP connection.
    Family,
    /// It does not end where it should.
    Length,
    /// The connection begins with something else.
    Missing,
}

impl Fault {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "an address in the PROXY protocol header is none",
            Self::Command => "the PROXY protocol header has an unknown command or version",
            Self::Family => "the PROXY protocol header is about something else than TCP",
            Self::Length => "the PROXY protocol header does not end where it should",
            Self::Missing => "the connection does not begin with a PROXY protocol header",
        }
    }
}

/// Reads the header at the beginning of a connection, and no byte more.
pub(super) async fn receive(tcp: &mut TcpStream) -> io::Result<Announced> {
    let mut header = Vec::new();
    loop {
        let mut room = [0; PEEK_BYTES];
        let here = tcp.peek(&mut room).await?;
        if here == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let before = header.len();
        header.extend_from_slice(&room[..here]);
        let parsed = parse(&header).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.as_str()))?;
        // As long as it is not whole, all that was seen belongs to it.
        let bytes = parsed.map_or(here, |(_, bytes)| bytes - before);
        tcp.read_exact(&mut room[..bytes]).await?;
        if let Some((announced, _)) = parsed {
            return Ok(announced);
        }
    }
}

/// The header at the beginning of these bytes, and its length; `None` if it is not whole yet.
fn parse(bytes: &[u8]) -> Result<Option<(Announced, usize)>, Fault> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(byte, with)| byte == with);
    match () {
        () if begins(&SIGNATURE) => parse_v2(bytes),
        () if begins(PREFIX) => parse_v1(bytes),
        () => Err(Fault::Missing),
    }
}

fn parse_v1(bytes: &[u8]) -> Result<Option<(Announced, usize)>, Fault> {
    let Some(end) = bytes.iter().take(V1_BYTES_MAX).position(|&byte| byte == b'\n') else {
        return if bytes.len() < V1_BYTES_MAX { Ok(None) } else { Err(Fault::Length) };
    };
    let line = bytes.get(PREFIX.len()..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Fault::Length)?;
    let line = std::str::from_utf8(line).map_err(|_| Fault::Address)?;
    let mut words = line.split(' ');
    let is_ipv4 = match words.next() {
        Some("TCP4") => true,
        Some("TCP6") => false,
        // What follows is to be ignored.
        Some("UNKNOWN") => return Ok(Some((Announced::Local, end + 1))),
        Some(_) | None => return Err(Fault::Family),
    };
    let mut address = || {
        let address: IpAddr = words.next()?.parse().ok()?;
        (address.is_ipv4() == is_ipv4).then_some(address)
    };
    let (source, destination) = address().zip(address()).ok_or(Fault::Address)?;
    let mut port = || {
        let digits = words.next()?;
        let port: u16 = digits.parse().ok()?;
        // Neither a sign nor zeros in front.
        (port.to_string() == digits).then_some(port)
    };
    let (source_port, destination_port) = port().zip(port()).ok_or(Fault::Address)?;
    if words.next().is_some() {
        return Err(Fault::Length);
    }
    let source = SocketAddr::new(source, source_port);
    let destination = SocketAddr::new(destination, destination_port);
    Ok(Some((Announced::Client { source, destination }, end + 1)))
}

fn parse_v2(bytes: &[u8]) -> Result<Option<(Announced, usize)>, Fault> {
    let Some(&[command, family, high, low]) = bytes.get(SIGNATURE.len()..V2_FIXED_BYTES) else { return Ok(None) };
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Fault::Command),
    };
    let end = V2_FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if end > V2_BYTES_MAX {
        return Err(Fault::Length);
    }
    let address_bytes = match family {
        _ if is_local => 0,
        0x00 => 0,
        0x11 => 12,
        0x21 => 36,
        _ => return Err(Fault::Family),
    };
    let Some(body) = bytes.get(V2_FIXED_BYTES..end) else { return Ok(None) };
    let (addresses, rest) = body.split_at_checked(address_bytes).ok_or(Fault::Length)?;
    if address_bytes == 0 {
        return Ok(Some((Announced::Local, end)));
    }
    check_fields(rest)?;
    let announced = match addresses {
        &[a, b, c, d, e, f, g, h, from_high, from_low, to_high, to_low] => Announced::Client {
            source: SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([from_high, from_low])),
            destination: SocketAddr::new(Ipv4Addr::new(e, f, g, h).into(), u16::from_be_bytes([to_high, to_low])),
        },
        _ => {
            let address = |at: usize| {
                let octets: [u8; 16] = addresses.get(at..at + 16)?.try_into().ok()?;
                Some(IpAddr::V6(Ipv6Addr::from(octets)))
            };
            let port = |at: usize| Some(u16::from_be_bytes(addresses.get(at..at + 2)?.try_into().ok()?));
            let socket = |address: Option<IpAddr>, port: Option<u16>| address.zip(port).map(SocketAddr::from);
            let (source, destination) =
                socket(address(0), port(32)).zip(socket(address(16), port(34))).ok_or(Fault::Address)?;
            Announced::Client { source, destination }
        }
    };
    Ok(Some((announced, end)))
}

/// The fields behind the addresses must fill their room exactly; what they say is not used.
fn check_fields(mut rest: &[u8]) -> Result<(), Fault> {
    while let [_, high, low, behind @ ..] = rest {
        rest = behind.get(usize::from(u16::from_be_bytes([*high, *low]))..).ok_or(Fault::Length)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(Fault::Length) }
}

/// Appends a header of version 2 for a client's connection. Addresses of two families are both written
/// as IPv6.
pub(super) fn put_v2(out: &mut Vec<u8>, source: SocketAddr, destination: SocketAddr) {
    out.extend_from_slice(&SIGNATURE);
    out.push(0x21);
    match (source.ip().to_canonical(), destination.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend_from_slice(&[0x11, 0, 12]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        (from, to) => {
            let wide = |address: IpAddr| match address {
                IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                IpAddr::V6(address) => address.octets(),
            };
            out.extend_from_slice(&[0x21, 0, 36]);
            out.extend_from_slice(&wide(from));
            out.extend_from_slice(&wide(to));
        }
    }
    out.extend_from_slice(&source.port().to_be_bytes());
    out.extend_from_slice(&destination.port().to_be_bytes());
}

/// Appends a header of version 2 for a connection of our own.
pub(super) fn put_local(out: &mut Vec<u8>) {
    out.extend_from_slice(&SIGNATURE);
    out.extend_from_slice(&[0x20, 0, 0, 0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::{Announced, Fault, IpAddr, SocketAddr, V1_BYTES_MAX, parse, put_local, put_v2, receive};

    fn client(source: &str, destination: &str) -> Announced {
        Announced::Client { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
    }

    fn v1(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
        let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let (from, to) = (source.ip(), destination.ip());
        format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port()).into_bytes()
    }

    fn v2(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
        let mut out = Vec::new();
        put_v2(&mut out, source, destination);
        out
    }

    fn any_pair() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
        let v4 = any::<(u32, u32)>().prop_map(|(a, b)| (IpAddr::from(a.to_be_bytes()), IpAddr::from(b.to_be_bytes())));
        // A bit that no address has that is IPv4 in truth.
        let v6 = any::<(u128, u128)>().prop_map(|(a, b)| {
            let address = |bits: u128| IpAddr::from((bits | 1 << 127).to_be_bytes());
            (address(a), address(b))
        });
        (prop_oneof![v4, v6], any::<(u16, u16)>())
            .prop_map(|((from, to), ports)| (SocketAddr::new(from, ports.0), SocketAddr::new(to, ports.1)))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whatever_follows((source, destination) in any_pair(), rest: Vec<u8>) {
            for header in [v1(source, destination), v2(source, destination)] {
                for end in 0..header.len() {
                    prop_assert_eq!(parse(&header[..end]), Ok(None), "not whole yet");
                }
                let whole = [&header[..], &rest[..]].concat();
                prop_assert_eq!(parse(&whole), Ok(Some((Announced::Client { source, destination }, header.len()))));
            }
        }

        #[test]
        fn nothing_panics_and_nothing_is_read_without_end(start in 0_usize..3, bytes: Vec<u8>, length: u16) {
            let mut whole = [&b""[..], b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11"][start].to_vec();
            if start == 2 {
                whole.extend_from_slice(&length.to_be_bytes());
            }
            whole.extend_from_slice(&bytes);
            if let Ok(Some((_, end))) = parse(&whole) {
                prop_assert!(end <= whole.len());
            }
            whole.resize(4200, b'1');
            prop_assert_ne!(parse(&whole), Ok(None), "more than a header may have");
        }
    }

    #[test]
    fn headers_as_others_write_them() {
        assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Ok(Some((Announced::Local, 15))));
        assert_eq!(parse(b"PROXY UNKNOWN ff:: 1 2\r\nGET"), Ok(Some((Announced::Local, 24))));
        let mut local = Vec::new();
        put_local(&mut local);
        assert_eq!(parse(&local), Ok(Some((Announced::Local, 16))));
        let mut with_fields = v2("192.0.2.1:7".parse().unwrap(), "192.0.2.2:80".parse().unwrap());
        with_fields[15] += 6;
        with_fields.extend_from_slice(b"\x04\x00\x03abc");
        assert_eq!(parse(&with_fields), Ok(Some((client("192.0.2.1:7", "192.0.2.2:80"), 34))));
        with_fields[30] = 9;
        assert_eq!(parse(&with_fields), Err(Fault::Length), "a field longer than its room");
        let mixed = v2("192.0.2.1:7".parse().unwrap(), "[2001:db8::1]:80".parse().unwrap());
        assert_eq!(parse(&mixed), Ok(Some((client("[::ffff:192.0.2.1]:7", "[2001:db8::1]:80"), 52))));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for (bad, fault) in [
            (&b"GET / HTTP/1.1\r\n"[..], Fault::Missing),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", Fault::Length),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", Fault::Length),
            (b"PROXY TCP4 192.0.2.1 ::1 1 2\r\n", Fault::Address),
            (b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", Fault::Address),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", Fault::Address),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", Fault::Address),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", Fault::Address),
            (b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", Fault::Address),
            (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", Fault::Family),
            (b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c", Fault::Command),
            (b"\r\n\r\n\0\r\nQUIT\n\x22\x11\0\x0c", Fault::Command),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c", Fault::Family),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x02ab", Fault::Length),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", Fault::Length),
        ] {
            assert_eq!(parse(bad), Err(fault), "{}", bad.escape_ascii());
        }
        assert_eq!(parse(&[&b"PROXY TCP4 "[..], &[b'1'; V1_BYTES_MAX]].concat()), Err(Fault::Length));
    }

    #[tokio::test]
    async fn no_byte_behind_the_header_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pair = ("192.0.2.1:7".parse().unwrap(), "192.0.2.2:80".parse().unwrap());
        for header in [v1(pair.0, pair.1), v2(pair.0, pair.1)] {
            for cut in [0, 1, 5, 13, 17, header.len()] {
                let mut theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                theirs.set_nodelay(true).unwrap();
                let (mut ours, _) = listener.accept().await.unwrap();
                theirs.write_all(&header[..cut]).await.unwrap();
                let rest = [&header[cut..], b"GET /"].concat();
                let (announced, ()) = tokio::join!(receive(&mut ours), async {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    theirs.write_all(&rest).await.unwrap();
                });
                assert_eq!(announced.unwrap(), Announced::Client { source: pair.0, destination: pair.1 });
                let mut behind = [0; 5];
                ours.read_exact(&mut behind).await.unwrap();
                assert_eq!(&behind, b"GET /");
            }
        }
    }
}

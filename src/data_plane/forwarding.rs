//! What an origin is told of the client: `X-Forwarded-For`, `-Proto` and `-Host`, `X-Real-IP`,
//! `Forwarded` (RFC 7239). Written afresh; what came with a request is believed only if it came from a
//! proxy that the operator trusts.

use std::{
    io::Write,
    net::{IpAddr, SocketAddr},
};

use super::{
    head_writer::HeadWriter,
    http1::Fields,
    request::{Context, decimal},
};
use crate::base::Network;

/// Bytes of an IPv6 address as text, at most.
const ADDRESS_BYTES_MAX: usize = 39;

/// Whether an address is one of a proxy that is trusted.
pub(super) fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    !trusted.is_empty() && trusted.iter().any(|network| network.contains(address))
}

/// The client that a request is from: its peer, or whom trusted proxies name. Of those that they name,
/// the last one that is none of theirs.
pub(super) fn client_of(fields: &Fields, peer: IpAddr, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let mut named: Vec<Option<IpAddr>> = fields.list("x-forwarded-for").map(address).collect();
    if named.is_empty() {
        named = fields.list("forwarded").map(forwarded_for).collect();
    }
    let mut client = peer;
    for named in named.into_iter().rev() {
        // What cannot be read hides who stands before it.
        let Some(address) = named else { break };
        client = address;
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

/// Writes the fields.
pub(super) fn put(out: &mut HeadWriter, fields: &Fields, context: &Context<'_>) {
    let Context { is_trusted, facts, .. } = *context;
    let (authority, scheme) = (facts.authority.as_bytes(), if context.tls { "https" } else { "http" });
    let said = |name| if is_trusted { fields.all(name).last().filter(|value| !value.is_empty()) } else { None };
    let is_scheme = |word: &&[u8]| word.eq_ignore_ascii_case(b"http") || word.eq_ignore_ascii_case(b"https");
    let (mut peer_room, mut client_room) = ([0; ADDRESS_BYTES_MAX], [0; ADDRESS_BYTES_MAX]);
    let peer = written(context.peer, &mut peer_room);

    put_before(out, b"X-Forwarded-For", is_trusted.then(|| fields.list("x-forwarded-for")).into_iter().flatten());
    out.piece(peer);
    out.end_line();
    out.line(b"X-Forwarded-Proto", said("x-forwarded-proto").filter(is_scheme).unwrap_or(scheme.as_bytes()));
    out.line(b"X-Forwarded-Host", said("x-forwarded-host").unwrap_or(authority));
    match context.client == context.peer {
        true => out.line(b"X-Real-IP", peer),
        false => out.line(b"X-Real-IP", written(context.client, &mut client_room)),
    }
    put_before(out, b"Forwarded", is_trusted.then(|| fields.all("forwarded")).into_iter().flatten());
    let (open, close): (&[u8], &[u8]) = if peer.contains(&b':') { (b"\"[", b"]\"") } else { (b"", b"") };
    for piece in [b"for=", open, peer, close, b";host=\""] {
        out.piece(piece);
    }
    out.piece(authority);
    for piece in ["\";proto=", scheme] {
        out.piece(piece.as_bytes());
    }
    out.end_line();
}

/// An address as text, an IPv4 address within IPv6 as IPv4. Written for every request, so without the machinery
/// of formatting where that is easy.
fn written(address: IpAddr, room: &mut [u8; ADDRESS_BYTES_MAX]) -> &[u8] {
    let mut left = &mut room[..];
    match address.to_canonical() {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                let mut digits = [0; 20];
                let dot: &[u8] = if place == 0 { b"" } else { b"." };
                // Fifteen bytes at most, and there is room for them.
                let _ = left.write_all(dot).and_then(|()| left.write_all(decimal(octet.into(), &mut digits)));
            }
        }
        IpAddr::V6(address) => {
            let _ = write!(left, "{address}");
        }
    }
    let free = left.len();
    &room[..ADDRESS_BYTES_MAX - free]
}

/// Begins a list with the members that stand before ours.
fn put_before<'f>(out: &mut HeadWriter, name: &'static [u8], members: impl Iterator<Item = &'f [u8]>) {
    out.begin_line(name);
    for member in members.filter(|member| !member.is_empty()) {
        out.piece(member);
        out.piece(b", ");
    }
}

/// An address as proxies write it: alone, or with a port.
fn address(member: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(member).ok()?.trim().trim_matches('"');
    let alone = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = alone.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

/// The address of a member of `Forwarded`.
fn forwarded_for(member: &[u8]) -> Option<IpAddr> {
    let pairs = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let mut values = pairs.filter_map(|pair| {
        let (name, value) = pair.split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    });
    address(values.next()?)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{ADDRESS_BYTES_MAX, Fields, client_of, written};
    use crate::base::Network;

    fn client(fields: &str, peer: &str) -> String {
        let trusted: Vec<Network> = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).into();
        let block = Bytes::from(format!("{fields}\r\n"));
        client_of(&Fields::parse(block, 16).unwrap(), peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn the_client_is_whom_trusted_proxies_name() {
        for (fields, peer, named) in [
            ("X-Forwarded-For: 192.0.2.1\r\n", "198.51.100.1", "198.51.100.1"),
            ("", "10.0.0.1", "10.0.0.1"),
            ("X-Forwarded-For: 192.0.2.1\r\n", "10.0.0.1", "192.0.2.1"),
            ("X-Forwarded-For: 192.0.2.1\r\n", "::ffff:10.0.0.1", "192.0.2.1"),
            // What the client itself put in front is not believed.
            ("X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.2\r\n", "10.0.0.1", "192.0.2.1"),
            ("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.1\r\n", "10.0.0.1", "192.0.2.1"),
            ("X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.1", "10.0.0.3"),
            ("X-Forwarded-For: 192.0.2.1:4711\r\n", "10.0.0.1", "192.0.2.1"),
            ("X-Forwarded-For: 192.0.2.1, unknown\r\n", "10.0.0.1", "10.0.0.1"),
            ("Forwarded: for=203.0.113.9, proto=http;For=\"[2001:db9::1]:80\"\r\n", "10.0.0.1", "2001:db9::1"),
            ("Forwarded: for=_hidden\r\n", "2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(client(fields, peer), named, "{fields}");
        }
    }

    proptest! {
        #[test]
        fn addresses_are_written_as_they_are_read(octets: [u8; 16], is_short: bool) {
            let v6 = std::net::Ipv6Addr::from(octets);
            let v4 = std::net::Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]);
            let address: std::net::IpAddr = if is_short { v4.into() } else { v6.into() };
            let mut room = [0; ADDRESS_BYTES_MAX];
            let text = std::str::from_utf8(written(address, &mut room)).unwrap();
            prop_assert_eq!(text, address.to_canonical().to_string());
        }

        #[test]
        fn whatever_they_write_nothing_panics(value in "[ -~]{0,40}") {
            client(&format!("X-Forwarded-For: {value}\r\n"), "10.0.0.1");
            client(&format!("Forwarded: {value}\r\n"), "10.0.0.1");
        }
    }
}

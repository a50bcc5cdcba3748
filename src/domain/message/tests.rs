//! What passes, what is refused, and as what.

use proptest::prelude::*;

use super::{ConnectionFacts, Facts, Framing, RawHead, StreamFacts, Version, is_hop_by_hop, normalise};
use crate::{base::HostName, domain::policy::Reason};

type Headers = [(&'static str, &'static str)];

fn read_as(version: Version, method: &str, target: &[u8], headers: &[(&str, &str)]) -> Result<Facts, Reason> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let head = RawHead { method: method.as_bytes(), target, version, headers: &headers };
    normalise(head, ConnectionFacts::default()).map_err(|(reason, _)| reason)
}

fn read(target: &str, headers: &Headers) -> Result<Facts, Reason> {
    read_as(Version::Http11, "GET", target.as_bytes(), headers)
}

/// A good request with these fields more.
fn with(headers: &Headers) -> Result<Facts, Reason> {
    read("/", &[&[("Host", "a.com")], headers].concat())
}

fn any_version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::Http10), Just(Version::Http11), Just(Version::H2)]
}

fn any_header() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "Host",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "Upgrade",
            "Expect",
            "Accept",
            "Content_Length",
            "X-A",
        ])
        .prop_map(|name| name.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    let value = prop_oneof![
        prop::sample::select(vec![
            "a.com",
            "b.com:80",
            "[::1]:8",
            "0",
            "12",
            "chunked",
            "close, X-A",
            "keep-alive",
            "upgrade",
            "websocket",
            "100-continue",
            "text/html;q=0.5, application/json",
            "",
        ])
        .prop_map(|value| value.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    (name, value)
}

fn any_target() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec!["/", "*", "http://a.com/x", "HTTPS://b.com:80?q", "/a?b=\"c\""])
            .prop_map(|target| target.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..16),
    ]
}

proptest! {
    #[test]
    fn nothing_panics_and_what_passes_is_valid(
        method in prop_oneof![Just(b"GET".to_vec()), Just(b"OPTIONS".to_vec()), prop::collection::vec(any::<u8>(), 0..6)],
        target in any_target(),
        version in any_version(),
        headers in prop::collection::vec(any_header(), 0..5),
    ) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        let head = RawHead { method: &method, target: &target, version, headers: &headers };
        if let Ok(facts) = normalise(head, ConnectionFacts::default()) {
            prop_assert!(facts.target.starts_with('/') || (facts.target == "*" && method == b"OPTIONS"));
            prop_assert!(facts.target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
            let (host, _) = HostName::parse_authority(&facts.authority).unwrap();
            prop_assert_eq!(&host, &facts.host);
            prop_assert!(facts.connection_listed.iter().all(|name| !is_hop_by_hop(name.as_bytes())));
            let count = |name: &[u8]| headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count();
            prop_assert!(count(b"content-length") + count(b"transfer-encoding") <= 1);
            prop_assert!(count(b"host") == 1 || version == Version::H2);
        }
    }

    #[test]
    fn the_case_of_names_does_not_matter(
        target in any_target(),
        version in any_version(),
        headers in prop::collection::vec(any_header(), 0..5),
        upper in prop::collection::vec(any::<bool>(), 5),
    ) {
        let recased: Vec<_> = headers
            .iter()
            .zip(&upper)
            .map(|((name, value), &upper)| {
                (if upper { name.to_ascii_uppercase() } else { name.to_ascii_lowercase() }, value.clone())
            })
            .collect();
        let facts = |headers: &[(Vec<u8>, Vec<u8>)]| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
            normalise(RawHead { method: b"POST", target: &target, version, headers: &headers }, ConnectionFacts::default())
        };
        prop_assert_eq!(facts(&headers), facts(&recased));
    }
}

#[test]
fn a_plain_request_is_taken_as_it_is() {
    let facts = read("/a/../b?c=[d]|e", &[("Host", "WWW.a.com.:8080"), ("Accept", "*/*")]).unwrap();
    assert_eq!(facts.host.as_str(), "www.a.com");
    assert_eq!(facts.authority, "www.a.com:8080");
    assert_eq!(facts.target, "/a/../b?c=[d]|e");
    assert_eq!(facts.framing, Framing::None);
    assert!(facts.keep_alive && !facts.state_changing && !facts.wants_json && !facts.expects_continue);
    assert!(facts.upgrade.is_none() && facts.connection_listed.is_empty());
    assert_eq!(read("/", &[("host", "[::1]:80")]).unwrap().authority, "[::1]:80");
    assert_eq!(read("/", &[("host", "例子.中国")]).unwrap().authority, "xn--fsqu00a.xn--fiqs8s");
}

#[test]
fn methods_are_tokens_and_change_state_unless_known_not_to() {
    let method =
        |method| read_as(Version::Http11, method, b"/", &[("Host", "a.com")]).map(|facts| facts.state_changing);
    for safe in ["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"] {
        assert_eq!(method(safe), Ok(false), "{safe}");
    }
    for changing in ["POST", "PUT", "DELETE", "PATCH", "get", "X"] {
        assert_eq!(method(changing), Ok(true), "{changing}");
    }
    for bad in ["", "CONNECT", "GE T", "GET\0", "G@T", "取"] {
        assert_eq!(method(bad), Err(Reason::MalformedRequest), "{bad}");
    }
}

#[test]
fn targets_have_one_meaning() {
    let target = |bytes: &[u8]| read_as(Version::Http11, "GET", bytes, &[("Host", "a.com")]).map(|facts| facts.target);
    assert_eq!(target(b"/\xc4\xe3?\xba\xc3\"<>`").as_deref(), Ok("/%C4%E3?%BA%C3%22%3C%3E%60"));
    assert_eq!(target(b"http://a.com").as_deref(), Ok("/"));
    assert_eq!(target(b"HTTP://A.com:80?q").as_deref(), Ok("/?q"));
    assert_eq!(target(b"https://a.com:443/x?y").as_deref(), Ok("/x?y"));
    for bad in
        [&b""[..], b"*", b"a.com:80", b"x", b"/a b", b"/\0", b"/\x7f", b"/a#b", b"ftp://a.com/", b"http:/a.com/", b"?q"]
    {
        assert_eq!(target(bad), Err(Reason::MalformedRequest), "{:?}", String::from_utf8_lossy(bad));
    }
    let options =
        |bytes: &[u8]| read_as(Version::Http11, "OPTIONS", bytes, &[("Host", "a.com")]).map(|facts| facts.target);
    assert_eq!(options(b"*").as_deref(), Ok("*"));
    assert_eq!(options(b"http://a.com").as_deref(), Ok("*"));
    assert_eq!(options(b"/").as_deref(), Ok("/"));
}

#[test]
fn there_is_exactly_one_host() {
    for headers in [
        &[][..],
        &[("Host", "")],
        &[("Host", "a.com"), ("host", "a.com")],
        &[("Host", "a.com, b.com")],
        &[("Host", "a.com/")],
        &[("Host", "u@a.com")],
        &[("Host", "a.com:x")],
        &[("Host", "2130706433")],
    ] {
        assert_eq!(read("/", headers), Err(Reason::BadHost), "{headers:?}");
        assert_eq!(read_as(Version::Http10, "GET", b"/", headers), Err(Reason::BadHost), "{headers:?}");
    }
    for target in ["http://b.com/", "http://a.com:81/", "https://a.com/", "http://u@a.com/", "http:///"] {
        assert_eq!(read(target, &[("Host", "a.com:80")]), Err(Reason::BadHost), "{target}");
    }
    assert_eq!(read("http://a.com/", &[]), Err(Reason::BadHost), "HTTP/1.1 wants the field in any case");
    assert!(read("http://A.com./", &[("Host", "a.com:80")]).is_ok());
}

#[test]
fn http2_may_leave_host_to_its_authority() {
    let facts = read_as(Version::H2, "GET", b"https://A.com:8443/x", &[]).unwrap();
    assert_eq!((facts.authority.as_str(), facts.target.as_str()), ("a.com:8443", "/x"));
    assert!(read_as(Version::H2, "GET", b"https://a.com/", &[("host", "a.com")]).is_ok());
    assert_eq!(read_as(Version::H2, "GET", b"https://a.com/", &[("host", "b.com")]), Err(Reason::BadHost));
    assert_eq!(read_as(Version::H2, "GET", b"/", &[]), Err(Reason::BadHost));
    let te = [("transfer-encoding", "chunked")];
    assert_eq!(read_as(Version::H2, "GET", b"https://a.com/", &te), Err(Reason::AmbiguousFraming));
    let connection = [("connection", "close")];
    assert_eq!(read_as(Version::H2, "GET", b"https://a.com/", &connection), Err(Reason::MalformedRequest));
}

#[test]
fn framing_has_one_reading() {
    let framing = |headers: &Headers| with(headers).map(|facts| facts.framing);
    assert_eq!(framing(&[]), Ok(Framing::None));
    assert_eq!(framing(&[("content-length", "0")]), Ok(Framing::Length(0)));
    assert_eq!(framing(&[("Content-Length", " 18446744073709551615 ")]), Ok(Framing::Length(u64::MAX)));
    assert_eq!(framing(&[("Transfer-Encoding", "Chunked")]), Ok(Framing::Chunked));
    for headers in [
        &[("Content-Length", "5"), ("Content-Length", "5")][..],
        &[("Content-Length", "5, 5")],
        &[("Content-Length", "+5")],
        &[("Content-Length", "-0")],
        &[("Content-Length", "0x5")],
        &[("Content-Length", "")],
        &[("Content-Length", "18446744073709551616")],
        &[("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        &[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        &[("Transfer-Encoding", "chunked, chunked")],
        &[("Transfer-Encoding", "gzip, chunked")],
        &[("Transfer-Encoding", "identity")],
        &[("Transfer-Encoding", "\"chunked\"")],
        &[("Transfer-Encoding", "")],
        &[("Transfer-Encoding", "xchunked")],
    ] {
        assert_eq!(framing(headers), Err(Reason::AmbiguousFraming), "{headers:?}");
    }
    let old = read_as(Version::Http10, "POST", b"/", &[("Host", "a.com"), ("Transfer-Encoding", "chunked")]);
    assert_eq!(old, Err(Reason::AmbiguousFraming));
}

#[test]
fn fields_have_one_name_and_one_line() {
    for (name, value) in [
        ("", ""),
        ("a b", ""),
        ("Content-Length ", "5"),
        ("a:b", ""),
        ("X-A", "a\0b"),
        ("X-A", "a\rb"),
        ("X-A", "a\nb"),
        ("Content_Length", "5"),
        ("content.length", "5"),
        ("Transfer_Encoding", "chunked"),
        ("X_Forwarded_For", "1.1.1.1"),
        ("x-forwarded_proto", "https"),
        ("X_Real.IP", "1.1.1.1"),
    ] {
        let headers = [("Host", "a.com"), (name, value)];
        assert_eq!(
            read_as(Version::Http11, "GET", b"/", &headers),
            Err(Reason::MalformedRequest),
            "{name:?}: {value:?}"
        );
    }
    assert!(with(&[("my_field", "a\tb"), ("x.y", "é"), ("Content_Type", "x"), ("X-Forwarded-For", "1.1.1.1")]).is_ok());
}

#[test]
fn the_wrong_certificate_is_misdirected() {
    let covers = |host: &HostName| host.as_str() == "a.com";
    let connection = ConnectionFacts { tls: true, certificate_covers: Some(&covers), ..ConnectionFacts::default() };
    let ask = |host: &'static str| {
        let headers = [(&b"host"[..], host.as_bytes())];
        let head = RawHead { method: b"GET", target: b"/", version: Version::Http11, headers: &headers };
        normalise(head, connection).map_err(|(reason, _)| reason).map(|facts| facts.host.to_string())
    };
    assert_eq!(ask("A.com."), Ok("a.com".into()));
    assert_eq!(ask("b.com"), Err(Reason::Misdirected));
}

#[test]
fn connections_are_kept_by_version() {
    let kept = |version, options: &[(&str, &str)]| {
        read_as(version, "GET", b"/", &[&[("Host", "a.com")], options].concat()).unwrap().keep_alive
    };
    assert!(kept(Version::Http11, &[]));
    assert!(!kept(Version::Http11, &[("Connection", "foo"), ("Connection", "Close")]));
    assert!(!kept(Version::Http10, &[]));
    assert!(kept(Version::Http10, &[("Connection", "Keep-Alive")]));
    assert!(!kept(Version::Http10, &[("Connection", "keep-alive, close")]));
}

#[test]
fn connection_removes_what_it_may() {
    let facts = with(&[("Connection", "X-A, keep-alive,, TE"), ("Connection", "x-b")]).unwrap();
    assert_eq!(facts.connection_listed, ["x-a", "x-b"]);
    for option in ["Host", "content-length", "X-Forwarded-For", "Forwarded", "a b", "\"close\""] {
        let headers = [("Host", "a.com"), ("Connection", option)];
        assert_eq!(read_as(Version::Http11, "GET", b"/", &headers), Err(Reason::MalformedRequest), "{option}");
    }
}

#[test]
fn upgrades_are_whole_or_ignored() {
    let upgrade = |headers: &Headers| with(headers).unwrap().upgrade;
    let asked = ("Connection", "keep-alive, Upgrade");
    assert_eq!(upgrade(&[asked, ("Upgrade", "websocket")]).as_deref(), Some("websocket"));
    assert_eq!(upgrade(&[asked, ("Upgrade", "WebSocket"), ("Content-Length", "0")]).as_deref(), Some("WebSocket"));
    assert_eq!(upgrade(&[("Upgrade", "websocket")]), None);
    assert_eq!(upgrade(&[asked]), None);
    assert_eq!(upgrade(&[asked, ("Upgrade", "websocket"), ("Upgrade", "x")]), None);
    assert_eq!(upgrade(&[asked, ("Upgrade", "websocket"), ("Content-Length", "5")]), None);
    for past_the_gate in ["h2c", "websocket, H2C", "HTTP/2.0", "TLS/1.2"] {
        let headers = [("Host", "a.com"), asked, ("Upgrade", past_the_gate)];
        assert_eq!(read_as(Version::Http11, "GET", b"/", &headers).unwrap().upgrade, None, "{past_the_gate}");
    }
    let old = read_as(Version::Http10, "GET", b"/", &[("Host", "a.com"), asked, ("Upgrade", "websocket")]);
    assert_eq!(old.unwrap().upgrade, None);
}

#[test]
fn only_a_client_with_a_body_waits_for_100() {
    let expects = |headers: &Headers| with(headers).unwrap().expects_continue;
    assert!(expects(&[("Expect", "100-Continue"), ("Content-Length", "5")]));
    assert!(!expects(&[("Expect", "100-continue")]));
    assert!(!expects(&[("Expect", "something"), ("Content-Length", "5")]));
    let headers = [("Host", "a.com"), ("Expect", "100-continue"), ("Content-Length", "5")];
    assert!(!read_as(Version::Http10, "POST", b"/", &headers).unwrap().expects_continue);
}

#[test]
fn programs_get_json_and_people_html() {
    for (headers, expected) in [
        (&[("Accept", "application/json")][..], true),
        (&[("Accept", "application/json, text/plain, */*")], true),
        (&[("Accept", "application/problem+json")], true),
        (&[("Accept", "text/html;q=0.5, application/json;q=0.9")], true),
        (&[("Accept", "text/html, application/json;q=0.9")], false),
        (&[("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")], false),
        (&[("Accept", "application/json;q=0")], false),
        (&[("Accept", "application/json;q=x, text/html")], false),
        (&[("Accept", "*/*")], false),
        (&[], false),
        (&[("X-Requested-With", "XMLHttpRequest"), ("Accept", "text/html")], true),
        (&[("Sec-Fetch-Dest", "empty"), ("Accept", "*/*")], true),
        (&[("Sec-Fetch-Dest", "empty")], true),
        (&[("Sec-Fetch-Dest", "empty"), ("Accept", "text/html, */*;q=0.1")], false),
        (&[("Sec-Fetch-Dest", "empty"), ("Accept", "image/png")], false),
        (&[("Sec-Fetch-Dest", "document"), ("Accept", "*/*")], false),
    ] {
        assert_eq!(with(headers).unwrap().wants_json, expected, "{headers:?}");
    }
}

#[test]
fn a_stream_says_whether_there_is_a_body_and_whether_a_tunnel_is_meant() {
    let stream = |method: &str, ends, protocol: Option<&str>| {
        let head =
            RawHead { method: method.as_bytes(), target: b"https://a.com/x", version: Version::H2, headers: &[] };
        let stream = StreamFacts { ends, protocol: protocol.map(str::as_bytes) };
        normalise(head, ConnectionFacts { stream, ..ConnectionFacts::default() }).map_err(|(reason, _)| reason)
    };
    assert_eq!(stream("POST", false, None).unwrap().framing, Framing::Chunked);
    assert_eq!(stream("POST", true, None).unwrap().framing, Framing::None);
    let tunnel = stream("CONNECT", false, Some("websocket")).unwrap();
    assert_eq!(
        (tunnel.framing, tunnel.upgrade.as_deref(), tunnel.state_changing),
        (Framing::None, Some("websocket"), false)
    );
    for (method, protocol) in [("CONNECT", None), ("CONNECT", Some("connect-udp")), ("GET", Some("websocket"))] {
        assert_eq!(stream(method, false, protocol), Err(Reason::MalformedRequest), "{method} {protocol:?}");
    }
}

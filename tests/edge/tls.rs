//! Handshakes of TLS, in each of their forms: they end, what is asked for is answered, and what they leave
//! behind resumes them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, StreamOwned, SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    pki_types::ServerName,
    version::{TLS12, TLS13},
};

use crate::{
    harness::{Origin, PATIENCE, Setup, Zhamen, http2::Authority},
    http2::run_tls,
};

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn config(
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    groups: &[&'static dyn SupportedKxGroup],
) -> Arc<ClientConfig> {
    let provider = CryptoProvider { kx_groups: groups.to_vec(), ..aws_lc_rs::default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version]).unwrap();
    Arc::new(config.with_root_certificates(authority.roots()).with_no_client_auth())
}

fn shake_hands(address: SocketAddr, config: &Arc<ClientConfig>) -> Tls {
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = ServerName::try_from("a.cn").unwrap();
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), tcp);
    tls.conn.complete_io(&mut tls.sock).unwrap();
    tls
}

fn get(tls: &mut Tls) -> String {
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a.cn\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    tls.read_to_string(&mut answer).unwrap();
    answer
}

fn run() -> (Zhamen, SocketAddr, Authority, Origin) {
    let (origin, authority) = (Origin::page("fine"), Authority::of(&["a.cn"]));
    let (zhamen, https) = run_tls(Setup::new().site("a.cn", origin.address()), &authority);
    (zhamen, https, authority, origin)
}

#[test]
fn whatever_form_a_handshake_has_the_next_one_resumes_it() {
    use aws_lc_rs::kx_group::{MLKEM1024, SECP256R1, X25519, X25519MLKEM768};
    let (_zhamen, https, authority, _origin) = run();
    let again = HandshakeKind::FullWithHelloRetryRequest;
    for (version, groups, kind) in [
        (&TLS13, &[X25519, SECP256R1][..], HandshakeKind::Full),
        (&TLS13, &[X25519MLKEM768], HandshakeKind::Full),
        // What the client guessed is not spoken here.
        (&TLS13, &[MLKEM1024, SECP256R1], again),
        (&TLS12, &[X25519], HandshakeKind::Full),
    ] {
        let config = config(&authority, version, groups);
        let mut first = shake_hands(https, &config);
        assert_eq!(first.conn.handshake_kind(), Some(kind));
        assert!(get(&mut first).ends_with("fine"));
        let mut second = shake_hands(https, &config);
        assert_eq!(second.conn.handshake_kind(), Some(HandshakeKind::Resumed), "{kind:?}");
        assert!(get(&mut second).ends_with("fine"));
    }
}

#[test]
fn tickets_come_though_nothing_is_asked_for() {
    let (_zhamen, https, authority, _origin) = run();
    let config = config(&authority, &TLS13, &aws_lc_rs::default_provider().kx_groups);
    let mut tls = shake_hands(https, &config);
    assert_eq!(tls.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    while tls.conn.tls13_tickets_received() == 0 {
        assert!(tls.conn.read_tls(&mut tls.sock).unwrap() > 0, "no ticket, and the end");
        tls.conn.process_new_packets().unwrap();
    }
    assert!(get(&mut tls).ends_with("fine"));
    assert_eq!(shake_hands(https, &config).conn.handshake_kind(), Some(HandshakeKind::Resumed));
}

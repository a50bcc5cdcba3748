//! New connections to origins.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use rustls::pki_types::ServerName;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, TlsStream};

use super::{
    Addresses,
    origins::{Origins, State},
    spoken::Offer,
    trust::Trust,
};
use crate::{
    config::Edge,
    data_plane::{proxy_protocol, socket::Stream, tls::Below},
    domain::registry::ProxyProtocol,
};

/// The next address is tried beside one that has not answered for so long (RFC 8305 section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Connects, within `timeouts.connect`: for a client, or for ourselves; with TLS `offer` is what
/// may be spoken. The error says what failed.
pub(super) async fn connect(
    origins: &Origins,
    state: &State,
    client: Option<Addresses>,
    edge: &Edge,
    offer: Offer,
) -> Result<Stream, String> {
    match timeout(edge.timeouts.connect, open(origins, state, client, edge, offer)).await {
        Ok(opened) => opened,
        Err(_) => Err("the connection was not made in time".to_owned()),
    }
}

async fn open(
    origins: &Origins,
    state: &State,
    client: Option<Addresses>,
    edge: &Edge,
    offer: Offer,
) -> Result<Stream, String> {
    let (origin, options) = (&state.origin, &state.options);
    let tcp = match origin.host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect(SocketAddr::new(address, origin.port)).await,
        Err(_) => {
            let found = origins.names.look_up(&origin.host, &edge.upstream.resolver).await?;
            dial(&interleaved(&found), origin.port).await
        }
    };
    let mut tcp = tcp.map_err(|error| error.to_string())?;
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    match options.proxy_protocol {
        ProxyProtocol::Off => {}
        ProxyProtocol::V2 => tcp.write_all(&announcement(client)).await.map_err(|error| error.to_string())?,
    }
    if !origin.protocol.is_tls() {
        return Ok(Stream::Plain(tcp));
    }
    let ca = match options.ca.as_str() {
        "" => edge.upstream.ca.clone(),
        file => Some(edge.upstream.directory.join(file)),
    };
    let config = origins.tls.get(&Trust { ca, verify: options.verify, offer }).await?;
    let name = if options.name.is_empty() { &origin.host } else { &options.name };
    let server_name = ServerName::try_from(name.clone()).map_err(|error| format!("TLS with {name:?}: {error}"))?;
    let tls = TlsConnector::from(config).connect(server_name, Below::client(tcp)).await;
    let tls = tls.map_err(|error| format!("TLS with {name}: {error}"))?;
    Ok(Stream::Tls(Box::new(TlsStream::from(tls))))
}

/// What an origin is told of the connection before anything else.
fn announcement(client: Option<Addresses>) -> Vec<u8> {
    let mut header = Vec::new();
    match client {
        None => proxy_protocol::put_local(&mut header),
        Some(Addresses { client, server }) => {
            let nowhere =
                if client.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
            proxy_protocol::put_v2(&mut header, client, server.unwrap_or(SocketAddr::new(nowhere, 0)));
        }
    }
    header
}

/// Connects to the first address that answers; the next one is tried when one fails, or is slow.
async fn dial(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut next = 0;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut pending = FuturesUnordered::new();
    loop {
        if let Some(&address) = addresses.get(next) {
            pending.push(TcpStream::connect(SocketAddr::new(address, port)));
            next += 1;
        }
        if pending.is_empty() {
            return Err(last);
        }
        tokio::select! {
            biased;
            Some(connected) = pending.next() => match connected {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            },
            () = sleep(NEXT_ADDRESS_AFTER), if next < addresses.len() => {}
        }
    }
}

/// Addresses of both families by turns, in the order in which they came (RFC 8305 section 4).
fn interleaved(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let is_of_first = |address: &&IpAddr| Some(address.is_ipv4()) == addresses.first().map(IpAddr::is_ipv4);
    let mut first = addresses.iter().filter(is_of_first);
    let mut second = addresses.iter().filter(|address| !is_of_first(address));
    let mut all = Vec::with_capacity(addresses.len());
    while all.len() < addresses.len() {
        all.extend(first.next().into_iter().chain(second.next()));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::net::TcpListener;

    use super::{dial, interleaved};

    #[test]
    fn families_take_turns() {
        let addresses = ["::1", "::2", "::3", "192.0.2.1"].map(|text| text.parse::<IpAddr>().unwrap());
        let order: Vec<_> = interleaved(&addresses).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["::1", "192.0.2.1", "::2", "::3"]);
        assert!(interleaved(&[]).is_empty());
    }

    #[tokio::test]
    async fn an_address_that_refuses_or_is_silent_is_not_the_last_word() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // Nobody listens on the second; nothing is heard of the first (RFC 5737).
        let addresses = ["192.0.2.1", "127.0.0.2", "127.0.0.1"].map(|text| text.parse().unwrap());
        assert_eq!(dial(&addresses, port).await.unwrap().peer_addr().unwrap().to_string(), format!("127.0.0.1:{port}"));
        assert!(dial(&addresses[1..2], port).await.is_err() && dial(&[], port).await.is_err());
    }
}

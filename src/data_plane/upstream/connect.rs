//! New connections to origins.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::{TlsConnector, TlsStream};

use crate::{
    data_plane::{socket::Stream, tls::provider},
    domain::registry::Origin,
};

/// TLS towards origins: the public roots, HTTP/1.1.
pub(in crate::data_plane) fn client_config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Connects, one address after the other.
pub(super) async fn connect(origin: &Origin, tls: &Arc<ClientConfig>) -> io::Result<Stream> {
    let tcp = match origin.host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect(SocketAddr::new(address, origin.port)).await?,
        Err(_) => {
            let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            let mut connected = None;
            for address in lookup_host((origin.host.as_str(), origin.port)).await? {
                match TcpStream::connect(address).await {
                    Ok(tcp) => {
                        connected = Some(tcp);
                        break;
                    }
                    Err(error) => last = error,
                }
            }
            connected.ok_or(last)?
        }
    };
    tcp.set_nodelay(true)?;
    if !origin.tls {
        return Ok(Stream::Plain(tcp));
    }
    let name = ServerName::try_from(origin.host.clone()).map_err(io::Error::other)?;
    let tls = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await?;
    Ok(Stream::Tls(Box::new(TlsStream::from(tls))))
}

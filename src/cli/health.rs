//! `zhamen health`: asks the running Zhamen whether it is well, for containers, which have no curl.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};

use super::{Exit, problems::give_up};
use crate::{
    base::Problem,
    config::{Admin, AdminTls},
    control_plane::files::read_config,
};

/// An answer of this length says all that is wanted.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Ask the running Zhamen whether it is well: on the admin listener that the configuration names.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status:\n  0  it is\n  1  it is not, or does not answer\n  2  an error: the \
                        configuration cannot be read, or has no admin listener")]
pub(super) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "zhamen.toml")]
    config: PathBuf,
    /// Ask whether it is ready to serve: it has a registry, and does not drain.
    #[arg(long)]
    ready: bool,
    /// Wait so long for the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> io::Result<Exit> {
    let (parsed, _) = read_config(&args.config);
    let Some(config) = parsed.config else { return give_up(&parsed.problems) };
    let Some(admin) = config.admin else {
        let problem = Problem::error(&args.config.display().to_string(), 0, 0, "there is no admin listener to ask");
        return give_up(&[problem.help("set admin.listen")]);
    };
    let target = if args.ready { "/readyz" } else { "/healthz" };
    match ask(&admin, target, Duration::from_secs(args.timeout)) {
        Ok(answer) => {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
            let status = head.split(' ').nth(1).unwrap_or_default();
            writeln!(out, "{target}: {status} {}", body.trim())?;
            Ok(if status == "200" { Exit::Ok } else { Exit::No })
        }
        Err(error) => {
            writeln!(out, "{target}: no answer from {}: {error}", reachable(admin.listen))?;
            Ok(Exit::No)
        }
    }
}

/// The answer to a request, as text.
fn ask(admin: &Admin, target: &str, timeout: Duration) -> io::Result<String> {
    let address = reachable(admin.listen);
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    match &admin.tls {
        None => exchange(stream, &request),
        Some(tls) => {
            let name = ServerName::from(address.ip());
            let connection = ClientConnection::new(Arc::new(client(tls)?), name).map_err(io::Error::other)?;
            exchange(StreamOwned::new(connection, stream), &request)
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer) {
        // An end of TLS without close_notify is no less an end of the answer.
        Err(error) if answer.is_empty() || error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        Ok(_) | Err(_) => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where an address that is listened on is reached from this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen,
    }
}

/// Speaks to nobody but the holder of the very certificate that the configuration names, and shows that
/// one itself where clients must show one.
fn client(tls: &AdminTls) -> io::Result<ClientConfig> {
    let unreadable =
        |path: &PathBuf, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(&tls.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| unreadable(&tls.key, &error))?;
    let expected = chain.first().cloned().ok_or_else(|| unreadable(&tls.certificate, &"no certificate"))?;
    let provider = Arc::new(default_provider());
    let verifier = Arc::new(OneCertificate { expected, provider: Arc::clone(&provider) });
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, key)
        .map_err(io::Error::other)
}

/// Takes one certificate and no other: who we ask is on this machine, and its certificate is in our hands.
#[derive(Debug)]
struct OneCertificate {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.expected {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General("somebody else's certificate".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

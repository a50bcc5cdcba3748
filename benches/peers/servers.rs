//! The proxies: nginx, HAProxy and Zhamen, each with a plain and a TLS listener before one origin.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use nix::sys::resource::{Resource, getrlimit};
use rcgen::{CertificateParams, KeyPair};

use crate::support::{Child, free_port, nginx, wait_for, zhamen_config};

/// The one hosted site.
pub const HOST: &str = "bench.example.com";
const HAPROXY: &str = "/usr/sbin/haproxy";

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Nginx,
    HaProxy,
    Zhamen,
}

/// One that runs.
pub struct Server {
    pub kind: Peer,
    pub http: u16,
    pub https: u16,
    /// Whether its TLS listener speaks HTTP/2.
    pub http2: bool,
    child: Child,
}

/// A certificate for [`HOST`], P-256, that signs itself.
pub struct Identity {
    pub certificate: Vec<u8>,
    folder: PathBuf,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::HaProxy => "HAProxy",
            Self::Zhamen => "zhamen",
        }
    }
}

impl Server {
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Identity {
    pub fn new(folder: &Path) -> Self {
        let folder = folder.join("certs");
        std::fs::create_dir_all(&folder).expect("the certificates' folder");
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let (chain, key) = (certificate.pem(), key.serialize_pem());
        for (name, text) in [("bench.crt", chain.clone()), ("bench.key", key.clone())] {
            std::fs::write(folder.join(name), text).expect("a file");
        }
        // HAProxy wants both in one, where Zhamen does not see it twice.
        std::fs::write(folder.with_extension("pem"), chain + &key).expect("a file");
        Self { certificate: certificate.der().to_vec(), folder }
    }
}

/// Installs what is missing, as far as this user may.
pub fn install() {
    let missing: Vec<&str> = [("/usr/sbin/nginx", "nginx-light"), (HAPROXY, "haproxy")]
        .into_iter()
        .filter_map(|(program, package)| (!Path::new(program).exists()).then_some(package))
        .collect();
    if !missing.is_empty() {
        let options = ["install", "-y", "-q", "--no-install-recommends"];
        let status = Command::new("apt-get").args(options).args(&missing).status();
        if !status.is_ok_and(|status| status.success()) {
            println!("not installed, and left out: {}", missing.join(", "));
        }
    }
}

/// Starts every proxy that is installed.
pub fn start(folder: &Path, origin: u16, identity: &Identity) -> Vec<Server> {
    let mut servers = vec![start_nginx(folder, origin, identity)];
    if Path::new(HAPROXY).exists() {
        servers.push(start_haproxy(folder, origin, identity));
    }
    servers.push(start_zhamen(folder, origin, identity));
    for server in &servers {
        wait_for(server.http);
        wait_for(server.https);
    }
    servers
}

fn start_nginx(folder: &Path, origin: u16, identity: &Identity) -> Server {
    let (http, https) = (free_port(), free_port());
    let certificates = identity.folder.display();
    let tls = format!(
        "listen 127.0.0.1:{https} ssl http2; ssl_certificate {certificates}/bench.crt; \
         ssl_certificate_key {certificates}/bench.key; ssl_protocols TLSv1.2 TLSv1.3; http2_max_requests 100000000;"
    );
    Server { kind: Peer::Nginx, http, https, http2: true, child: nginx::proxy_with(folder, http, origin, &tls) }
}

/// Connections that HAProxy may have: it wants two descriptors for each, and does not start without them.
pub fn connections_max() -> usize {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    (hard as usize).saturating_sub(200).min(60_000) / 2
}

fn start_haproxy(folder: &Path, origin: u16, identity: &Identity) -> Server {
    let (http, https) = (free_port(), free_port());
    let pem = identity.folder.with_extension("pem");
    let config = format!(
        "global\n  nbthread 1\n  maxconn {}\n  tune.ssl.default-dh-param 2048\ndefaults\n  mode http\n  \
         timeout connect 5s\n  timeout client 300s\n  timeout server 60s\n  http-reuse always\n  option http-keep-alive\n\
         frontend f\n  bind 127.0.0.1:{http}\n  bind 127.0.0.1:{https} ssl crt {} alpn h2,http/1.1\n  default_backend b\n\
         backend b\n  server o 127.0.0.1:{origin} pool-max-conn 256\n",
        connections_max(),
        pem.display()
    );
    let path = folder.join("haproxy.cfg");
    std::fs::write(&path, config).expect("HAProxy's configuration");
    let child = Child::start(HAPROXY, &["-db", "-f", &path.display().to_string()]);
    Server { kind: Peer::HaProxy, http, https, http2: true, child }
}

fn start_zhamen(folder: &Path, origin: u16, identity: &Identity) -> Server {
    let (http, https) = (free_port(), free_port());
    let extra = format!(
        "[scan]\nenabled = false\n[tls]\ncertificates = \"{}\"\n[timeouts]\nkeep_alive = \"300s\"\n",
        identity.folder.display()
    );
    let config = zhamen_config(folder, "zhamen", http, origin, HOST, &["占位".to_owned()], &extra);
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let listens = format!("[listen]\nhttps = [\"127.0.0.1:{https}\"]\n");
    std::fs::write(&config, text.replacen("[listen]\n", &listens, 1)).expect("the configuration");
    let child = Child::start(env!("CARGO_BIN_EXE_zhamen"), &["run", "--config", &config.display().to_string()]);
    Server { kind: Peer::Zhamen, http, https, http2: true, child }
}

//! The sockets to listen on, before anything else runs: those of the process that ran before, those of
//! systemd, and for every other address new ones. Where systemd names a socket `http`, `https` or `admin`
//! (`FileDescriptorName=`), it stands in the place of what the configuration says; otherwise the address
//! says what it is for.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
    thread::available_parallelism,
};

use listenfd::ListenFd;

use super::failed;
use crate::{base::Problem, config::Config, data_plane::Bound};

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The admin API.
    Admin,
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// Sockets that somebody else has bound.
#[derive(Debug)]
pub(super) struct Inherited {
    /// What they are for; `None`: their address says it.
    pub(super) purpose: Option<Use>,
    /// The address as it was configured.
    pub(super) wanted: SocketAddr,
    /// Whoever passed them named them for their purpose: they stand in the place of what is configured.
    pub(super) named: bool,
    pub(super) sockets: Vec<TcpListener>,
}

/// All sockets that the configuration asks for.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) http: Vec<Bound>,
    pub(super) https: Vec<Bound>,
    pub(super) admin: Option<Bound>,
    /// Threads that will serve them.
    pub(super) workers: usize,
}

impl Use {
    const ALL: [Self; 3] = [Self::Admin, Self::Http, Self::Https];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The key that names its addresses.
    const fn key(self) -> &'static str {
        match self {
            Self::Admin => "[admin] listen",
            Self::Http => "[listen] http",
            Self::Https => "[listen] https",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

impl Sockets {
    /// Binds everything anew.
    pub(super) fn bind(config: &Config) -> Result<Self, Vec<Problem>> {
        Self::with(config, Vec::new())
    }

    /// Takes of what was inherited what the configuration asks for, and binds the rest.
    pub(super) fn with(config: &Config, mut inherited: Vec<Inherited>) -> Result<Self, Vec<Problem>> {
        let workers = match config.edge.workers {
            0 => available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let http = all(&mut inherited, Use::Http, &config.edge.http, workers)?;
        let https = all(&mut inherited, Use::Https, &config.edge.https, workers)?;
        let admin = match &config.admin {
            Some(admin) => all(&mut inherited, Use::Admin, &[admin.listen], 1)?.into_iter().next(),
            None => None,
        };
        for Inherited { wanted, .. } in inherited {
            tracing::warn!(address = %wanted, "a socket was handed over that [listen] does not name; it is closed");
        }
        Ok(Self { http, https, admin, workers })
    }
}

/// The sockets of all addresses of one use.
fn all(
    inherited: &mut Vec<Inherited>,
    purpose: Use,
    configured: &[SocketAddr],
    workers: usize,
) -> Result<Vec<Bound>, Vec<Problem>> {
    let is_named = |it: &mut Inherited| it.named && it.purpose == Some(purpose);
    let named: Vec<Inherited> = inherited.extract_if(.., is_named).collect();
    if !named.is_empty() {
        let adopt = |it: Inherited| Ok(Bound { named: true, ..Bound::adopt(it.wanted, it.sockets)? });
        return named.into_iter().map(adopt).collect::<io::Result<_>>().map_err(failed(purpose.as_str()));
    }
    let bind = |wanted: &SocketAddr| match take(inherited, purpose, *wanted) {
        Some(sockets) => Bound::adopt(*wanted, sockets),
        None => Bound::bind(*wanted, workers),
    };
    configured.iter().map(bind).collect::<io::Result<_>>().map_err(failed(purpose.key()))
}

/// The sockets for an address: by the address as it was configured, or as it is bound.
fn take(inherited: &mut Vec<Inherited>, purpose: Use, wanted: SocketAddr) -> Option<Vec<TcpListener>> {
    let fits = |it: &Inherited| {
        let bound = it.sockets.first().and_then(|socket| socket.local_addr().ok());
        it.purpose.is_none_or(|other| other == purpose) && (it.wanted == wanted || bound == Some(wanted))
    };
    let at = inherited.iter().position(fits)?;
    Some(inherited.swap_remove(at).sockets)
}

/// The sockets that systemd has passed (LISTEN_FDS), and what it named them for (LISTEN_FDNAMES).
pub(super) fn of_systemd() -> Result<Vec<Inherited>, Vec<Problem>> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let purposes: Vec<Option<Use>> = names.split(':').map(Use::from_word).collect();
    let mut passed = ListenFd::from_env();
    let mut inherited: Vec<Inherited> = Vec::new();
    for index in 0..passed.len() {
        let socket = passed.take_tcp_listener(index).map_err(failed("a socket that systemd passed"))?;
        let Some(socket) = socket else { continue };
        let wanted = socket.local_addr().map_err(failed("a socket that systemd passed"))?;
        let purpose = purposes.get(index).copied().flatten();
        match inherited.iter_mut().find(|it| it.wanted == wanted) {
            Some(same) => same.sockets.push(socket),
            None => inherited.push(Inherited { purpose, wanted, named: purpose.is_some(), sockets: vec![socket] }),
        }
    }
    Ok(inherited)
}

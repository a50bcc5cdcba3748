//! The sockets to listen on, before anything else runs: those of the process that ran before, those of
//! systemd, and for every other address new ones.

use std::{
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
        let mut bind = |purpose, wanted: &SocketAddr, count| {
            let bound = match take(&mut inherited, purpose, *wanted) {
                Some(sockets) => Bound::adopt(*wanted, sockets),
                None => Bound::bind(*wanted, count),
            };
            bound.map_err(failed(purpose.as_str()))
        };
        let http = config.edge.http.iter().map(|wanted| bind(Use::Http, wanted, workers)).collect::<Result<_, _>>()?;
        let https =
            config.edge.https.iter().map(|wanted| bind(Use::Https, wanted, workers)).collect::<Result<_, _>>()?;
        let admin = config.admin.as_ref().map(|admin| bind(Use::Admin, &admin.listen, 1)).transpose()?;
        for Inherited { wanted, .. } in inherited {
            tracing::warn!(address = %wanted, "a socket was handed over that [listen] does not name; it is closed");
        }
        Ok(Self { http, https, admin, workers })
    }
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

/// The sockets that systemd has passed (LISTEN_FDS).
pub(super) fn of_systemd() -> Result<Vec<Inherited>, Vec<Problem>> {
    let mut passed = ListenFd::from_env();
    let mut inherited: Vec<Inherited> = Vec::new();
    for index in 0..passed.len() {
        let socket = passed.take_tcp_listener(index).map_err(failed("a socket that systemd passed"))?;
        let Some(socket) = socket else { continue };
        let wanted = socket.local_addr().map_err(failed("a socket that systemd passed"))?;
        match inherited.iter_mut().find(|it| it.wanted == wanted) {
            Some(same) => same.sockets.push(socket),
            None => inherited.push(Inherited { purpose: None, wanted, sockets: vec![socket] }),
        }
    }
    Ok(inherited)
}

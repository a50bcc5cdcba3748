//! From one process to the next without a connection lost: the listening sockets themselves go over a Unix
//! socket (SCM_RIGHTS), and with them whoever waits to be accepted.
//!
//! ```text
//! new → old   connects; both look who the other is
//! old → new   a line of JSON: version, process, addresses; then the sockets
//! new → old   "serving": it accepts connections
//! old → new   "yours": the old one has stopped what only one process may do, and drains
//! ```
//!
//! Until "serving" the old process goes on as if nothing were, whatever becomes of the new one.

use std::{
    fs,
    io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg, sockopt::socket_peercred,
    },
    process::geteuid,
};
use serde::{Deserialize, Serialize};

use super::sockets::{Inherited, Use};

/// The version of the protocol.
const VERSION: u32 = 1;
/// For everything but the wait for the new process to serve.
const TIME: Duration = Duration::from_secs(10);
/// Descriptors in one message.
const DESCRIPTORS: usize = 32;
/// Descriptors in all.
const DESCRIPTORS_MAX: usize = 65_536;
/// Bytes of the first line.
const LINE_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Deserialize, Serialize)]
struct Offer {
    version: u32,
    process: u32,
    listeners: Vec<Offered>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Offered {
    purpose: String,
    wanted: SocketAddr,
    named: bool,
    sockets: usize,
}

/// The way back to the process that ran before.
#[derive(Debug)]
pub(super) struct Predecessor {
    stream: UnixStream,
    /// Its number.
    pub(super) process: u32,
}

/// The socket at which the next process asks.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

/// A process that serves in our place once it is told that it may.
#[derive(Debug)]
pub(super) struct Successor {
    stream: UnixStream,
    /// Its number.
    pub(super) process: u32,
}

/// Asks the process behind a socket for what it listens on; `None`: there is no such process.
pub(super) fn ask(path: &Path) -> io::Result<Option<(Predecessor, Vec<Inherited>)>> {
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let owner = fs::metadata(path).map(|file| std::os::unix::fs::MetadataExt::uid(&file))?;
    check_peer(&stream, Some(owner))?;
    stream.set_read_timeout(Some(TIME))?;
    stream.set_write_timeout(Some(TIME))?;
    // Without a buffer: what follows the line must not be read with it, or its descriptors are lost.
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        (&stream).read_exact(&mut byte)?;
        line.push(byte[0]);
        if line.len() as u64 > LINE_BYTES_MAX {
            return Err(io::Error::other("the other process says too much"));
        }
    }
    let offer: Offer = serde_json::from_slice(&line)?;
    let count: usize = offer.listeners.iter().map(|offered| offered.sockets).sum();
    if offer.version != VERSION || count > DESCRIPTORS_MAX {
        return Err(io::Error::other("the other process speaks another version; stop it and start this one"));
    }
    let mut received = receive(&stream, count)?.into_iter();
    let inherited = offer.listeners.into_iter().map(|offered| Inherited {
        purpose: Use::from_word(&offered.purpose),
        wanted: offered.wanted,
        named: offered.named,
        sockets: received.by_ref().take(offered.sockets).map(TcpListener::from).collect(),
    });
    let inherited = inherited.collect();
    Ok(Some((Predecessor { stream, process: offer.process }, inherited)))
}

impl Predecessor {
    /// Says that this process serves, and waits until the other has let go of what only one may do.
    pub(super) fn serving(&self) -> io::Result<()> {
        (&self.stream).write_all(b"serving\n")?;
        let mut answer = String::new();
        BufReader::new((&self.stream).take(64)).read_line(&mut answer)?;
        if answer == "yours\n" { Ok(()) } else { Err(io::Error::other("the process before did not let go")) }
    }
}

impl Door {
    /// Opens the door, for this user alone, in the place of whatever was there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let aside = path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&aside);
        let listener = UnixListener::bind(&aside)?;
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o600))?;
        fs::rename(&aside, path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Takes the socket away; not where another process has put its own there.
    pub(super) fn remove(self) {
        // What cannot be removed is replaced by the next process.
        let _ = fs::remove_file(&self.path);
    }
}

/// Offers the sockets to whoever connected, and waits until it serves them.
pub(super) fn offer(stream: UnixStream, listeners: &[Inherited]) -> io::Result<Successor> {
    check_peer(&stream, None)?;
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(TIME))?;
    let offered = |it: &Inherited| Offered {
        purpose: it.purpose.map_or("", Use::as_str).to_owned(),
        wanted: it.wanted,
        named: it.named,
        sockets: it.sockets.len(),
    };
    let listed = listeners.iter().map(offered).collect();
    let offer = Offer { version: VERSION, process: std::process::id(), listeners: listed };
    let mut line = serde_json::to_vec(&offer)?;
    line.push(b'\n');
    (&stream).write_all(&line)?;
    let sockets: Vec<BorrowedFd<'_>> = listeners.iter().flat_map(|it| it.sockets.iter().map(AsFd::as_fd)).collect();
    send(&stream, &sockets)?;
    // It may have a large registry to read; if it gives up, this ends with it.
    let mut answer = String::new();
    BufReader::new((&stream).take(64)).read_line(&mut answer)?;
    if answer != "serving\n" {
        return Err(io::Error::other("the new process gave up"));
    }
    let process = socket_peercred(&stream)?.pid.as_raw_nonzero().get().unsigned_abs();
    Ok(Successor { stream, process })
}

impl Successor {
    /// Says that this process has let go.
    pub(super) fn yours(&self) -> io::Result<()> {
        (&self.stream).write_all(b"yours\n")
    }
}

/// Only the same user, the superuser, or the owner of the socket is talked to.
fn check_peer(stream: &UnixStream, owner: Option<u32>) -> io::Result<()> {
    let user = socket_peercred(stream)?.uid;
    if user == geteuid() || user.is_root() || (geteuid().is_root() && owner == Some(user.as_raw())) {
        return Ok(());
    }
    let message = format!("the process at the other end belongs to another user ({})", user.as_raw());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

fn send(stream: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    for chunk in descriptors.chunks(DESCRIPTORS) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(chunk)) {
            return Err(io::Error::other("too many sockets for one message"));
        }
        sendmsg(stream, &[IoSlice::new(b"+")], &mut control, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}

fn receive(stream: &UnixStream, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut descriptors = Vec::new();
    while descriptors.len() < count {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let received = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let before = descriptors.len();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                descriptors.extend(sockets);
            }
        }
        if received.bytes == 0 || descriptors.len() == before {
            return Err(io::Error::other("the other process broke off"));
        }
    }
    Ok(descriptors)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        os::unix::net::UnixStream,
        thread,
    };

    use super::{Door, Inherited, Use, ask, offer};

    #[test]
    fn sockets_go_over_with_those_who_wait_at_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("door");
        assert!(ask(&path).unwrap().is_none(), "nobody there");
        let door = Door::open(&path).unwrap();
        door.listener.set_nonblocking(false).unwrap();
        let sockets: Vec<TcpListener> = (0..70).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<_> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
        let waiting = TcpStream::connect(addresses[69]).unwrap();
        let old = thread::spawn(move || {
            let (stream, _): (UnixStream, _) = door.listener.accept().unwrap();
            let wanted = "127.0.0.1:0".parse().unwrap();
            let listeners = [Inherited { purpose: Some(Use::Http), wanted, named: false, sockets }];
            offer(stream, &listeners).unwrap().yours().unwrap();
        });
        let (predecessor, inherited) = ask(&path).unwrap().unwrap();
        predecessor.serving().unwrap();
        old.join().unwrap();
        let [all] = &inherited[..] else { panic!("{inherited:?}") };
        assert_eq!(all.sockets.iter().map(|socket| socket.local_addr().unwrap()).collect::<Vec<_>>(), addresses);
        let (_, peer) = all.sockets[69].accept().unwrap();
        assert_eq!(peer, waiting.local_addr().unwrap());
    }

    #[test]
    fn a_new_process_that_gives_up_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("door");
        let door = Door::open(&path).unwrap();
        door.listener.set_nonblocking(false).unwrap();
        let new = thread::spawn(move || drop(ask(&path).unwrap()));
        let (stream, _) = door.listener.accept().unwrap();
        assert!(offer(stream, &[]).is_err());
        new.join().unwrap();
    }
}

//! What TLS writes to: the connection, and what waits to be written with what follows. In TLS 1.3 a server has
//! nothing more to say in a handshake, once its own part is said, but tickets, and nobody waits for those: they
//! leave with the first bytes of an answer, where they would have cost a packet.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A record of the record layer that is encrypted, in TLS 1.3: its first byte.
const ENCRYPTED: u8 = 23;
/// Bytes of a record's header.
const HEADER_BYTES: usize = 5;
/// Slices handed to the kernel in one write.
const SLICES: usize = 16;

/// The connection below TLS.
pub(in crate::data_plane) struct Below {
    tcp: TcpStream,
    /// Written with what follows, or by whoever has waited long enough.
    waiting: Vec<u8>,
    stage: Stage,
}

/// How far the handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// What is written is waited for.
    Shaking,
    /// What is written waits.
    Said,
    /// It is over.
    Over,
}

impl Below {
    /// Of a server's handshake.
    pub(in crate::data_plane) fn server(tcp: TcpStream) -> Self {
        Self { tcp, waiting: Vec::new(), stage: Stage::Shaking }
    }

    /// Nothing ever waits.
    pub(in crate::data_plane) fn client(tcp: TcpStream) -> Self {
        Self { tcp, waiting: Vec::new(), stage: Stage::Over }
    }

    /// The connection itself.
    pub(in crate::data_plane) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether something waits.
    pub(in crate::data_plane) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The handshake is over.
    pub(super) fn shook_hands(&mut self) {
        self.stage = Stage::Over;
    }

    /// Writes what waits.
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let count = ready!(Pin::new(&mut self.tcp).poll_write(context, &self.waiting))?;
            self.wrote(count)?;
        }
        Poll::Ready(Ok(()))
    }

    /// How much of the caller's own was among these bytes.
    fn wrote(&mut self, count: usize) -> io::Result<usize> {
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let of_waiting = count.min(self.waiting.len());
        self.waiting.drain(..of_waiting);
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
        Ok(count - of_waiting)
    }
}

/// Whether one of these records is encrypted. They begin where a record begins.
fn has_encrypted(slices: &[IoSlice<'_>]) -> bool {
    // Where the next record begins.
    let mut at = 0;
    for slice in slices {
        while let Some(record) = slice.get(at..).filter(|record| !record.is_empty()) {
            match record.get(..HEADER_BYTES) {
                Some(&[ENCRYPTED, ..]) => return true,
                Some(&[_, _, _, high, low]) => at += HEADER_BYTES + usize::from(u16::from_be_bytes([high, low])),
                Some(_) | None => return false,
            }
        }
        at -= slice.len();
    }
    false
}

impl AsyncRead for Below {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_read(context, into)
    }
}

impl AsyncWrite for Below {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.stage == Stage::Said {
            slices.iter().for_each(|slice| this.waiting.extend_from_slice(slice));
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        loop {
            if this.waiting.is_empty() {
                let count = ready!(Pin::new(&mut this.tcp).poll_write_vectored(context, slices))?;
                if this.stage == Stage::Shaking {
                    let is_whole = count == slices.iter().map(|slice| slice.len()).sum::<usize>();
                    this.stage = match (is_whole, has_encrypted(slices)) {
                        (true, true) => Stage::Said,
                        (true, false) => Stage::Shaking,
                        // The next write begins in the middle of a record.
                        (false, _) => Stage::Over,
                    };
                }
                return Poll::Ready(Ok(count));
            }
            let mut all = [IoSlice::new(&[]); SLICES];
            all[0] = IoSlice::new(&this.waiting);
            let used = slices.len().min(SLICES - 1);
            all[1..=used].copy_from_slice(&slices[..used]);
            let count = ready!(Pin::new(&mut this.tcp).poll_write_vectored(context, &all[..=used]))?;
            let of_these = this.wrote(count)?;
            if of_these > 0 {
                return Poll::Ready(Ok(of_these));
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.stage {
            Stage::Said => Poll::Ready(Ok(())),
            Stage::Over | Stage::Shaking => this.poll_waiting(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_waiting(context))?;
        Pin::new(&mut this.tcp).poll_shutdown(context)
    }
}

impl Drop for Below {
    /// What waits may be the alert of a handshake that failed.
    fn drop(&mut self) {
        if self.has_waiting() {
            let _ = self.tcp.try_write(&self.waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::has_encrypted;

    #[test]
    fn the_first_encrypted_record_is_found_wherever_it_stands() {
        let record = |kind: u8, length: u8| [&[kind, 3, 3, 0, length][..], &vec![23; length.into()]].concat();
        let (hello, change, encrypted) = (record(22, 40), record(20, 1), record(23, 9));
        let flight = [&hello[..], &change, &encrypted].concat();
        assert!(has_encrypted(&[IoSlice::new(&flight)]));
        assert!(has_encrypted(&[&hello, &change, &encrypted].map(|record| IoSlice::new(record))));
        assert!(!has_encrypted(&[&hello, &change, &hello].map(|record| IoSlice::new(record))));
        assert!(!has_encrypted(&[IoSlice::new(&flight[..46])]) && !has_encrypted(&[]));
        for cut in 1..hello.len() {
            assert!(has_encrypted(&[IoSlice::new(&flight[..cut]), IoSlice::new(&flight[cut..])]) || cut < 5, "{cut}");
        }
    }
}

//! TLS over one TCP connection.
//!
//! The socket is read in large pieces, which are decrypted and handed on at once: rustls by itself
//! asks for 4 KiB a time, and the system calls would cost more than the ciphers.

use std::io::{self, BufRead as _, IoSlice, Write as _};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::Connection;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

/// Bytes that one system call reads at the most.
const RECEIVED_BYTES_MAX: usize = 64 * 1024;

/// A TLS connection over a TCP connection, of either end.
pub struct TlsStream {
    tcp: TcpStream,
    connection: Connection,
    /// Received and not decrypted, because the reader's buffer was full.
    received: Vec<u8>,
    plaintext: Plaintext,
    peer: Peer,
}

/// Whether decrypted bytes wait for the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plaintext {
    None,
    Waiting,
}

/// Whether the peer may still send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Open,
    /// It said so, or its socket ended. What Kafka frames are cut short is seen by their length.
    Ended,
}

impl TlsStream {
    /// Does the handshake.
    ///
    /// # Errors
    /// The socket's, and as `InvalidData` rustls' own: then the peer was sent its alert.
    pub async fn open(tcp: TcpStream, connection: Connection) -> io::Result<Self> {
        let mut stream = Self {
            tcp,
            connection,
            received: Vec::new(),
            plaintext: Plaintext::None,
            peer: Peer::Open,
        };
        std::future::poll_fn(|context| stream.poll_handshake(context)).await?;
        Ok(stream)
    }

    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// What was agreed in the handshake.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether a read finds something whatever the socket says.
    #[must_use]
    pub fn holds_plaintext(&self) -> bool {
        self.plaintext == Plaintext::Waiting || !self.received.is_empty()
    }

    #[must_use]
    pub fn holds_unsent(&self) -> bool {
        self.connection.wants_write()
    }

    pub fn say_goodbye(&mut self) {
        self.connection.send_close_notify();
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_send(context))?;
            if !self.connection.is_handshaking() {
                return Poll::Ready(self.note_plaintext());
            }
            let mut space = [MaybeUninit::uninit(); RECEIVED_BYTES_MAX];
            let mut piece = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.tcp).poll_read(context, &mut piece))?;
            let mut bytes = piece.filled();
            if bytes.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            while !bytes.is_empty() && self.connection.is_handshaking() {
                self.decrypt(&mut bytes)?;
            }
            self.received.extend_from_slice(bytes);
        }
    }

    /// A client's first bytes may have come with the end of its handshake.
    fn note_plaintext(&mut self) -> io::Result<()> {
        self.plaintext = match self.connection.reader().fill_buf() {
            Ok([]) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Plaintext::Waiting,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Plaintext::None,
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Reads what has arrived into `out`. Nothing read is the end.
    pub(in crate::io) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let kept = std::mem::take(&mut self.received);
        self.take(&kept, out)?;
        while out.filled().len() == before && out.remaining() > 0 && self.peer == Peer::Open {
            let mut space = [MaybeUninit::uninit(); RECEIVED_BYTES_MAX];
            let mut piece = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.tcp).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                self.peer = Peer::Ended;
            }
            self.take(piece.filled(), out)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Decrypts `bytes` into `out`; keeps those for which there is no room.
    fn take(&mut self, mut bytes: &[u8], out: &mut ReadBuf<'_>) -> io::Result<()> {
        loop {
            self.read_plaintext(out)?;
            let full = self.plaintext == Plaintext::Waiting;
            if bytes.is_empty() || full || self.peer == Peer::Ended {
                break;
            }
            self.decrypt(&mut bytes)?;
        }
        self.received.extend_from_slice(bytes);
        // Answers of the protocol's own: a key update, or the alert of an error above.
        self.send_now()
    }

    fn read_plaintext(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        while out.remaining() > 0 {
            let mut reader = self.connection.reader();
            match reader.fill_buf() {
                Ok([]) => {
                    self.plaintext = Plaintext::None;
                    self.peer = Peer::Ended;
                    return Ok(());
                }
                Ok(decrypted) => {
                    let bytes = decrypted.len().min(out.remaining());
                    out.put_slice(decrypted.get(..bytes).unwrap_or_default());
                    reader.consume(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.plaintext = Plaintext::None;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.plaintext = Plaintext::Waiting;
        Ok(())
    }

    /// Gives rustls its next piece of `bytes`.
    fn decrypt(&mut self, bytes: &mut &[u8]) -> io::Result<()> {
        self.connection.read_tls(bytes)?;
        match self.connection.process_new_packets() {
            // Behind its goodbye a peer is not listened to any more, by rustls neither.
            Ok(state) if state.peer_has_closed() && self.connection.is_handshaking() => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                // The alert that says what is wrong; whether it arrives changes nothing.
                let _ = self.send_now();
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    }

    pub(in crate::io) fn try_write_vectored(
        &mut self,
        slices: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        self.send_now()?;
        // Bounded by rustls: what is encrypted and not sent has a limit of its own.
        let taken = self.connection.writer().write_vectored(slices)?;
        if taken == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.send_now()?;
        Ok(taken)
    }

    pub(in crate::io) fn send_now(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Now(&self.tcp)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(in crate::io) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(context))?;
        let taken = self.connection.writer().write(bytes)?;
        self.send_now()?;
        Poll::Ready(Ok(taken))
    }

    /// Sends everything that is encrypted.
    pub(in crate::io) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.send_now()?;
            if !self.connection.wants_write() {
                return Poll::Ready(Ok(()));
            }
            ready!(self.tcp.poll_write_ready(context))?;
        }
    }
}

/// A socket that is written without waiting.
struct Now<'s>(&'s TcpStream);

impl io::Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

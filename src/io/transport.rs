//! One side's bytes: TCP as it is, or TLS over it. Whoever reads and writes knows no difference.
//!
//! Plain TCP passes straight through, with tokio's own reads and vectored writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tls::TlsStream;

/// A connection to a client or to a broker.
pub enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Transport {
    /// Waits until a read is likely to find something. Cancel-safe.
    ///
    /// # Errors
    /// The socket's.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.readable().await,
            Self::Tls(tls) if tls.holds_plaintext() => Ok(()),
            Self::Tls(tls) => tls.tcp().readable().await,
        }
    }

    /// Waits for the peer's first byte, and leaves it to be read. Cancel-safe.
    ///
    /// # Errors
    /// The socket's; `UnexpectedEof` where the peer ends instead.
    pub async fn heard_from(&self) -> io::Result<()> {
        if let Self::Tls(tls) = self
            && tls.holds_plaintext()
        {
            return Ok(());
        }
        match self.tcp().peek(&mut [0]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Waits until the socket is likely to take something. Cancel-safe.
    ///
    /// # Errors
    /// The socket's.
    pub async fn writable(&self) -> io::Result<()> {
        self.tcp().writable().await
    }

    /// Writes as much of `slices` as is taken without waiting.
    ///
    /// # Errors
    /// The socket's; `WouldBlock` where nothing is taken now.
    pub fn try_write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write_vectored(slices),
            Self::Tls(tls) => tls.try_write_vectored(slices),
        }
    }

    /// Whether bytes that were taken have not reached the socket.
    #[must_use]
    pub fn holds_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.holds_unsent(),
        }
    }

    /// Hands the socket what it takes of that, without waiting.
    ///
    /// # Errors
    /// The socket's.
    pub fn send_now(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.send_now(),
        }
    }

    /// Says that no more bytes will come, where the protocol has a word for it (`close_notify`).
    pub fn say_goodbye(&mut self) {
        if let Self::Tls(tls) = self {
            tls.say_goodbye();
        }
    }

    /// The socket.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.tcp(),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, out),
            Self::Tls(tls) => tls.poll_read(context, out),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => tls.poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => tls.poll_send(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => {
                tls.say_goodbye();
                tls.poll_send(context)
            }
        }
    }
}

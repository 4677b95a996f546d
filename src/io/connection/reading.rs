//! Reading from sockets: a client's first byte, and then as much as is likely to be there.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

use super::Gateway;
use crate::enforce::CloseReason;
use crate::io::clock;
use crate::io::transport::Transport;

/// Bytes that one read asks for at the least, once a connection is busy.
pub(super) const READ_BYTES_BUSY: usize = 256 * 1024;
const READ_BYTES_QUIET: usize = 8 * 1024;

/// How much one side of a connection is likely to have when it has something.
pub(super) struct Appetite {
    bytes: usize,
}

impl Default for Appetite {
    fn default() -> Self {
        Self { bytes: READ_BYTES_QUIET }
    }
}

impl Appetite {
    /// Reads once, without waiting: what the frame at hand still lacks of its `announced` bytes, or
    /// what a busy connection is likely to have. `Ok(0)`: nothing was there.
    ///
    /// # Errors
    /// The end of the side, in whatever form.
    pub async fn read(
        &mut self,
        stream: &mut Transport,
        buffer: &mut BytesMut,
        announced: Option<usize>,
    ) -> io::Result<usize> {
        let lacking = announced.map_or(0, |bytes| bytes.saturating_sub(buffer.len()));
        buffer.reserve(lacking.max(self.bytes));
        // Tokio's own read knows that one which does not fill the buffer has emptied the socket,
        // and saves the read that would find nothing. It is asked once and never waited for.
        let mut reading = pin!(stream.read_buf(buffer));
        match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Ok(bytes)) => {
                self.bytes =
                    if bytes >= self.bytes { READ_BYTES_BUSY } else { READ_BYTES_QUIET.max(bytes) };
                Ok(bytes)
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(0),
        }
    }
}

/// Waits until the client has something to say.
pub(super) async fn first_bytes(
    gateway: &Gateway,
    client: &Transport,
    accepted_at_ms: i64,
    drain: &mut watch::Receiver<bool>,
) -> Result<(), CloseReason> {
    let login_ms = u64::try_from(gateway.session_limits.login_ms_max).unwrap_or(0);
    let gone_ms = clock::now_ms().saturating_sub(accepted_at_ms);
    let left_ms = login_ms.saturating_sub(u64::try_from(gone_ms).unwrap_or(0));
    tokio::select! {
        // Not `readable`, which a fresh socket may be without a byte to read.
        heard = client.heard_from() => heard.map_err(|_| CloseReason::ClientClosed),
        () = tokio::time::sleep(Duration::from_millis(left_ms)) => {
            Err(CloseReason::LoginTime(login_ms))
        }
        _ = drain.wait_for(|draining| *draining) => Err(CloseReason::Drained),
    }
}

//! Reading from sockets: a client's first byte, and then as much as is likely to be there.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Gateway;
use crate::enforce::CloseReason;

/// Bytes that one read asks for at the least, once a connection is busy.
const READ_BYTES_BUSY: usize = 256 * 1024;
pub(super) const READ_BYTES_QUIET: usize = 8 * 1024;

/// Waits until the client has something to say.
pub(super) async fn first_bytes(
    gateway: &Gateway,
    client: &TcpStream,
    drain: &mut watch::Receiver<bool>,
) -> Result<(), CloseReason> {
    let login_ms = u64::try_from(gateway.session_limits.login_ms_max).unwrap_or(0);
    let mut byte = [0];
    tokio::select! {
        // Not `readable`, which a fresh socket may be without a byte to read.
        peeked = client.peek(&mut byte) => match peeked {
            Ok(0) | Err(_) => Err(CloseReason::ClientClosed),
            Ok(_) => Ok(()),
        },
        () = tokio::time::sleep(Duration::from_millis(login_ms)) => {
            Err(CloseReason::LoginTime(login_ms))
        }
        _ = drain.wait_for(|draining| *draining) => Err(CloseReason::Drained),
    }
}

/// Reads once, as much as the frame at hand still lacks or a busy connection is likely to have.
/// `Ok(0)`: nothing was there. An error is the end of the side, in whatever form.
pub(super) fn read(
    stream: &TcpStream,
    ready: std::io::Result<()>,
    buffer: &mut bytes::BytesMut,
    announced: Option<usize>,
    read_bytes: &mut usize,
) -> std::io::Result<usize> {
    ready?;
    let lacking = announced.map_or(0, |bytes| bytes.saturating_sub(buffer.len()));
    buffer.reserve(lacking.max(*read_bytes));
    match stream.try_read_buf(buffer) {
        Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
        Ok(bytes) => {
            *read_bytes =
                if bytes >= *read_bytes { READ_BYTES_BUSY } else { READ_BYTES_QUIET.max(bytes) };
            Ok(bytes)
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error),
    }
}

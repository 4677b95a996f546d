//! Length-prefixed frames, cut from a stream of bytes under a limit that is checked before any
//! body.
//!
//! Source: the Kafka protocol guide ("Protocol Primitives"): an `int32` length, then that many
//! bytes.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Bytes of the length prefix.
pub const LENGTH_BYTES: usize = 4;

/// A header is never shorter than a response's correlation id.
const FRAME_BYTES_MIN: usize = 4;

/// A buffer that has held a larger frame is not kept for the next one.
const KEPT_BYTES_MAX: usize = 512 * 1024;

/// Why a stream cannot be read as Kafka frames. Every one of them ends the connection.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum FrameFault {
    #[error("the peer speaks TLS to a plaintext listener")]
    Tls,
    #[error("the peer speaks HTTP to a Kafka listener")]
    Http,
    #[error("the peer sends a PROXY header, and its address is in no network of `proxy_protocol`")]
    ProxyHeader,
    #[error("a frame announces {length} bytes, which is no frame")]
    Malformed { length: i32 },
    #[error("a frame announces {length} bytes, the limit here is {limit_bytes}")]
    TooLarge { length: usize, limit_bytes: usize },
}

/// Collects one side's bytes and gives out whole frames, without their length prefix.
#[derive(Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
    any_frame_seen: bool,
}

impl FrameDecoder {
    /// The buffer that the next read appends to.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Gives the buffer's memory back, if nothing is in it. Without this the next read uses it
    /// again, once the frames in it have left.
    pub fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Bytes collected and not yet given out.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The whole length, prefix included, of the frame whose prefix has arrived.
    ///
    /// # Errors
    /// [`FrameFault`] where the prefix names no frame that may come here.
    pub fn announced_bytes(&self, limit_bytes: usize) -> Result<Option<usize>, FrameFault> {
        let Some(prefix) = self.buffer.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*prefix);
        if !self.any_frame_seen {
            sniff(*prefix)?;
        }
        match usize::try_from(length) {
            Ok(length) if length < FRAME_BYTES_MIN => {
                Err(FrameFault::Malformed { length: i32::try_from(length).unwrap_or(0) })
            }
            Ok(length) if length > limit_bytes => Err(FrameFault::TooLarge { length, limit_bytes }),
            Ok(length) => Ok(Some(length.saturating_add(LENGTH_BYTES))),
            Err(_) => Err(FrameFault::Malformed { length }),
        }
    }

    /// The first two bytes behind the length prefix: in a request, its API key.
    #[must_use]
    pub fn peek_after_length(&self) -> Option<[u8; 2]> {
        self.buffer.get(LENGTH_BYTES..).and_then(|rest| rest.first_chunk()).copied()
    }

    /// The next whole frame, without its length prefix. No byte is copied.
    ///
    /// # Errors
    /// As [`Self::announced_bytes`].
    pub fn next_frame(&mut self, limit_bytes: usize) -> Result<Option<Bytes>, FrameFault> {
        let Some(bytes) = self.announced_bytes(limit_bytes)? else { return Ok(None) };
        if self.buffer.len() < bytes {
            return Ok(None);
        }
        self.any_frame_seen = true;
        let mut frame = self.buffer.split_to(bytes);
        frame.advance(LENGTH_BYTES);
        if bytes > KEPT_BYTES_MAX {
            self.rest();
        }
        Ok(Some(frame.freeze()))
    }
}

/// TLS records begin 0x15 or 0x16 0x03; HTTP requests with a method in capitals.
fn sniff(prefix: [u8; LENGTH_BYTES]) -> Result<(), FrameFault> {
    match &prefix {
        [0x15 | 0x16, 0x03, ..] => Err(FrameFault::Tls),
        b"GET " | b"POST" | b"PUT " | b"HEAD" | b"OPTI" | b"DELE" | b"PATC" | b"CONN" | b"PRI "
        | b"TRAC" | b"HTTP" => Err(FrameFault::Http),
        // Version 2 of the PROXY protocol; version 1 begins with the word.
        b"\r\n\r\n" | b"PROX" => Err(FrameFault::ProxyHeader),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(bytes: &[u8]) -> FrameDecoder {
        let mut decoder = FrameDecoder::default();
        decoder.buffer().extend_from_slice(bytes);
        decoder
    }

    #[test]
    fn frames_come_out_whole_and_in_order() {
        let mut decoder = decoder(&[0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 5, 5]);
        assert_eq!(decoder.next_frame(100).unwrap().unwrap().as_ref(), [1, 2, 3, 4]);
        assert_eq!(decoder.next_frame(100), Ok(None));
        decoder.buffer().extend_from_slice(&[6, 7, 8, 9]);
        assert_eq!(decoder.next_frame(100).unwrap().unwrap().as_ref(), [5, 6, 7, 8, 9]);
        assert_eq!(decoder.buffered_bytes(), 0);
    }

    #[test]
    fn the_next_read_uses_the_buffer_again_once_its_frames_have_left() {
        let mut decoder = FrameDecoder::default();
        let mut read = |bytes: usize| {
            decoder.buffer().reserve(1024 * 1024);
            let start = decoder.buffer().as_ptr();
            let length = u32::try_from(bytes).unwrap();
            decoder.buffer().extend_from_slice(&length.to_be_bytes());
            decoder.buffer().resize(bytes + LENGTH_BYTES, 0);
            decoder.next_frame(2 * KEPT_BYTES_MAX).unwrap().unwrap();
            (start, decoder.buffer().capacity())
        };
        assert_eq!(read(100).0, read(100).0);
        assert_eq!(read(KEPT_BYTES_MAX + 1).1, 0, "a large one is not kept");
        assert!(read(100).1 > 0);
        decoder.rest();
        assert_eq!(decoder.buffer().capacity(), 0);
    }

    #[test]
    fn t16_a_length_over_the_limit_is_refused_before_its_body() {
        let fault = decoder(&[0x7f, 0xff, 0xff, 0xff]).next_frame(65_536).unwrap_err();
        assert_eq!(fault, FrameFault::TooLarge { length: 2_147_483_647, limit_bytes: 65_536 });
        assert_eq!(
            decoder(&[0xff, 0xff, 0xff, 0xff]).next_frame(100),
            Err(FrameFault::Malformed { length: -1 })
        );
        assert_eq!(decoder(&[0; 4]).next_frame(100), Err(FrameFault::Malformed { length: 0 }));
    }

    #[test]
    fn other_protocols_are_named() {
        assert_eq!(decoder(&[0x16, 3, 1, 2, 0]).next_frame(100), Err(FrameFault::Tls));
        assert_eq!(decoder(b"GET / HTTP/1.1").next_frame(100), Err(FrameFault::Http));
        assert_eq!(decoder(b"PROXY TCP4 1.2").next_frame(100), Err(FrameFault::ProxyHeader));
        let header = decoder(b"\r\n\r\n\0\r\nQUIT\n").next_frame(100);
        assert_eq!(header, Err(FrameFault::ProxyHeader));
    }
}

//! Request and response headers, read at fixed offsets and never decoded by the protocol crate.
//!
//! Source: `RequestHeader.json`, `ResponseHeader.json` of Kafka's message definitions. A request of
//! a flexible version has header v2 (tagged fields), else v1; `ControlledShutdown` v0 alone has v0.
//! A response of a flexible version has header v1, but for `ApiVersions`, which always has v0
//! (KIP-511).

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use super::{ApiKey, shape};

/// Why the first bytes of a frame are no header of a known API.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum HeaderFault {
    #[error("the frame ends inside its header")]
    Truncated,
    #[error("a client id of length {0}")]
    ClientIdLength(i16),
    #[error("the client id is not UTF-8")]
    ClientIdNotUtf8,
    #[error("the header's tagged fields are malformed: {0}")]
    Tags(shape::ShapeError),
}

/// What every request begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    pub key: ApiKey,
    pub version: i16,
    pub correlation_id: i32,
    /// `None` where the client sent null.
    pub client_id: Option<Bytes>,
    /// Where the body starts in the frame.
    pub body_at: usize,
    /// Whether the header carried tagged fields (none is defined; they are spliced out).
    pub has_tags: bool,
}

impl RequestHeader {
    /// Key, version and correlation id of any frame that is long enough, whatever it holds.
    #[must_use]
    pub fn peek(frame: &[u8]) -> Option<(ApiKey, i16, i32)> {
        let bytes = frame.first_chunk::<8>()?;
        let [k0, k1, v0, v1, c0, c1, c2, c3] = *bytes;
        Some((
            ApiKey(i16::from_be_bytes([k0, k1])),
            i16::from_be_bytes([v0, v1]),
            i32::from_be_bytes([c0, c1, c2, c3]),
        ))
    }

    /// Reads the header of `frame`.
    ///
    /// # Errors
    /// [`HeaderFault`] where the bytes are no header of the version that key and version imply.
    pub fn parse(frame: &Bytes) -> Result<Self, HeaderFault> {
        let (key, version, correlation_id) = Self::peek(frame).ok_or(HeaderFault::Truncated)?;
        let mut at = 8_usize;
        let length = frame.get(at..).and_then(|rest| rest.first_chunk::<2>());
        let length = i16::from_be_bytes(*length.ok_or(HeaderFault::Truncated)?);
        at += 2;
        let client_id = match usize::try_from(length) {
            Err(_) if length == -1 => None,
            Err(_) => return Err(HeaderFault::ClientIdLength(length)),
            Ok(length) => {
                let end = at.saturating_add(length);
                let bytes = frame.get(at..end).ok_or(HeaderFault::Truncated)?;
                std::str::from_utf8(bytes).map_err(|_| HeaderFault::ClientIdNotUtf8)?;
                let client_id = frame.slice(at..end);
                at = end;
                Some(client_id)
            }
        };
        let mut has_tags = false;
        if shape::request_header_is_flexible(key.0, version) {
            let tags = tags(frame, at)?;
            has_tags = tags.unknown_tags > 0;
            at = at.saturating_add(tags.bytes);
        }
        Ok(Self { key, version, correlation_id, client_id, body_at: at, has_tags })
    }

    /// The client id as text, empty where the client sent none.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    /// Writes this header anew, without tagged fields, for `version` of its API.
    pub fn put(&self, version: i16, out: &mut BytesMut) {
        out.put_i16(self.key.0);
        out.put_i16(version);
        out.put_i32(self.correlation_id);
        match &self.client_id {
            None => out.put_i16(-1),
            Some(client_id) => {
                out.put_i16(i16::try_from(client_id.len()).unwrap_or(i16::MAX));
                out.put_slice(client_id);
            }
        }
        if shape::request_header_is_flexible(self.key.0, version) {
            out.put_u8(0);
        }
    }
}

/// What every response begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHeader {
    pub correlation_id: i32,
    pub body_at: usize,
}

impl ResponseHeader {
    /// Reads the header of a response to a request of `key` and `version`.
    ///
    /// # Errors
    /// [`HeaderFault`] where the frame is too short or its tagged fields are malformed.
    pub fn parse(frame: &[u8], key: ApiKey, version: i16) -> Result<Self, HeaderFault> {
        let bytes = frame.first_chunk::<4>().ok_or(HeaderFault::Truncated)?;
        let mut body_at = 4_usize;
        if shape::response_header_is_flexible(key.0, version) {
            body_at = body_at.saturating_add(tags(frame, body_at)?.bytes);
        }
        Ok(Self { correlation_id: i32::from_be_bytes(*bytes), body_at })
    }

    /// Writes a response header, without tagged fields.
    pub fn put(correlation_id: i32, key: ApiKey, version: i16, out: &mut BytesMut) {
        out.put_i32(correlation_id);
        if shape::response_header_is_flexible(key.0, version) {
            out.put_u8(0);
        }
    }
}

/// Tags that a header may carry; none is defined.
const HEADER_TAGS: shape::Limits = shape::Limits { elements_max: 64 };

fn tags(frame: &[u8], at: usize) -> Result<shape::HeaderTags, HeaderFault> {
    shape::header_tags(frame.get(at..).unwrap_or_default(), &HEADER_TAGS).map_err(HeaderFault::Tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_written_back() {
        let header = RequestHeader {
            key: ApiKey::METADATA,
            version: 12,
            correlation_id: -7,
            client_id: Some(Bytes::from_static(b"app")),
            body_at: 14,
            has_tags: false,
        };
        let mut out = BytesMut::new();
        header.put(12, &mut out);
        assert_eq!(RequestHeader::parse(&out.freeze()), Ok(header));
    }

    #[test]
    fn short_headers_are_named() {
        assert_eq!(RequestHeader::parse(&Bytes::from_static(&[0; 7])), Err(HeaderFault::Truncated));
        let cut = Bytes::from_static(&[0, 3, 0, 1, 0, 0, 0, 1, 0, 9, b'a']);
        assert_eq!(RequestHeader::parse(&cut), Err(HeaderFault::Truncated));
    }

    #[test]
    fn api_versions_answers_carry_no_tags() {
        let mut out = BytesMut::new();
        ResponseHeader::put(5, ApiKey::API_VERSIONS, 3, &mut out);
        assert_eq!(out.as_ref(), [0, 0, 0, 5]);
        let parsed = ResponseHeader::parse(&out, ApiKey::API_VERSIONS, 3).unwrap();
        assert_eq!(parsed.body_at, 4);
    }
}

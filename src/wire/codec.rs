//! The protocol crate behind the shape check: decode what was proved, encode what we made.

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use thiserror::Error;

use super::{ApiKey, ResponseHeader, TopicId};

/// Why a body was not decoded or encoded.
#[derive(Debug, Error)]
pub enum CodecFault {
    #[error("the protocol crate refused the body of {api:?} v{version}: {reason}")]
    Crate { api: ApiKey, version: i16, reason: String },
}

/// Decodes a body whose shape was checked already by the session.
///
/// # Errors
/// [`CodecFault::Crate`] where the crate disagrees with the shape check, or leaves bytes unread.
pub fn decode<M: Decodable>(api: ApiKey, version: i16, body: &Bytes) -> Result<M, CodecFault> {
    let mut rest = body.clone();
    let message = M::decode(&mut rest, version).map_err(|error| CodecFault::Crate {
        api,
        version,
        reason: error.to_string(),
    })?;
    if rest.is_empty() {
        Ok(message)
    } else {
        let reason = format!("{} bytes left unread", rest.len());
        Err(CodecFault::Crate { api, version, reason })
    }
}

/// Encodes a message's body.
///
/// # Errors
/// [`CodecFault::Crate`] where a field that is set does not exist at `version`.
pub fn encode<M: Encodable>(api: ApiKey, version: i16, message: &M) -> Result<Bytes, CodecFault> {
    let mut out = BytesMut::new();
    message.encode(&mut out, version).map_err(|error| CodecFault::Crate {
        api,
        version,
        reason: error.to_string(),
    })?;
    Ok(out.freeze())
}

/// A response frame without its length prefix: header, then body.
#[must_use]
pub fn response_head(correlation_id: i32, api: ApiKey, version: i16) -> Bytes {
    let mut out = BytesMut::with_capacity(8);
    ResponseHeader::put(correlation_id, api, version, &mut out);
    out.freeze()
}

/// A topic id as the protocol crate wants it.
#[must_use]
pub fn uuid(id: TopicId) -> uuid::Uuid {
    uuid::Uuid::from_bytes(id.0)
}

/// Text as the protocol crate wants it.
#[must_use]
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

//! Host and port of a broker in any response: rewritten in one place.

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Encodable, StrBytes};

use super::addresses::Address;
use super::facts::{Facts, Notice};
use super::splice::length_prefix;
use crate::wire::ApiKey;
use crate::wire::codec::{self, CodecFault};

/// Puts the address that clients are told of `node_id` into `host` and `port`. False where there is
/// none: the caller leaves the broker out.
#[must_use]
pub fn rewrite(facts: &mut Facts<'_>, node_id: i32, host: &mut StrBytes, port: &mut i32) -> bool {
    match facts.cluster.addresses.of(node_id) {
        Address::AsAdvertised => true,
        Address::At { host: ours, port: our_port } => {
            *host = codec::text(ours);
            *port = i32::from(our_port);
            true
        }
        Address::Unmapped => {
            facts.effects.notices.push(Notice::UnmappedNode { node_id });
            false
        }
    }
}

/// Keeps those of `endpoints` that clients can reach, with their addresses rewritten.
pub fn rewrite_all<E>(
    facts: &mut Facts<'_>,
    endpoints: &mut Vec<E>,
    parts: impl Fn(&mut E) -> (i32, &mut StrBytes, &mut i32),
) {
    endpoints.retain_mut(|endpoint| {
        let (node_id, host, port) = parts(endpoint);
        rewrite(facts, node_id, host, port)
    });
}

/// The contents of a `NodeEndpoints` tagged field (KIP-951): a compact array.
///
/// # Errors
/// [`CodecFault`] where an endpoint does not fit the version.
pub fn encode_tagged<E: Encodable>(
    (api, version): (ApiKey, i16),
    endpoints: &[E],
) -> Result<Bytes, CodecFault> {
    let mut out = BytesMut::from(length_prefix(true, endpoints.len()).as_ref());
    for endpoint in endpoints {
        out.extend_from_slice(&codec::encode(api, version, endpoint)?);
    }
    Ok(out.freeze())
}

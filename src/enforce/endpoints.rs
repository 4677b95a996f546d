//! Host and port of a broker in any response: rewritten in one place.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::NodeEndpoint;
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::addresses::Address;
use super::facts::{Facts, Notice};
use super::outcome::CloseReason;
use super::splice::length_prefix;
use crate::wire::ApiKey;
use crate::wire::codec;

/// The version of Fetch whose endpoints all others are like.
const ENDPOINT_VERSION: i16 = 16;

/// Puts the address that clients are told of `node_id` into `host` and `port`. False where there is
/// none: the caller leaves the broker out.
#[must_use]
pub fn rewrite(facts: &mut Facts<'_>, node_id: i32, host: &mut StrBytes, port: &mut i32) -> bool {
    match facts.cluster.addresses.of(node_id) {
        Address::AsAdvertised => true,
        Address::At { host: ours, port: our_port } => {
            *host = codec::text(&ours);
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

/// A `NodeEndpoints` array (KIP-951) with addresses that clients can reach: one shape in every
/// message that has it.
///
/// # Errors
/// [`CloseReason::Codec`] where an endpoint cannot be decoded or encoded.
pub(super) fn rewrite_array(facts: &mut Facts<'_>, array: &Bytes) -> Result<Bytes, CloseReason> {
    let mut rest = array.clone();
    let mut nodes: Vec<NodeEndpoint> = Vec::new();
    for _ in 0..compact_count(&mut rest) {
        let node = NodeEndpoint::decode(&mut rest, ENDPOINT_VERSION)
            .map_err(|error| CloseReason::Codec(error.to_string()))?;
        nodes.push(node);
    }
    rewrite_all(facts, &mut nodes, |node| (node.node_id.0, &mut node.host, &mut node.port));
    let mut out = BytesMut::from(length_prefix(true, nodes.len()).as_ref());
    for node in &nodes {
        out.extend_from_slice(&codec::encode(ApiKey::FETCH, ENDPOINT_VERSION, node)?);
    }
    Ok(out.freeze())
}

/// The count of a compact array whose shape was proved; it is taken off `bytes`.
fn compact_count(bytes: &mut Bytes) -> usize {
    let mut value = 0_usize;
    let mut shift = 0_u32;
    while !bytes.is_empty() {
        let byte = bytes.split_to(1).first().copied().unwrap_or(0);
        value |= usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift = shift.saturating_add(7);
        if byte & 0x80 == 0 {
            break;
        }
    }
    value.saturating_sub(1)
}

//! The judge of a Fetch response: every topic in it by the plan of the reader.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{NodeEndpoint, PartitionData};
use kafka_protocol::protocol::Decodable;

use super::partition::{Fate, Judgement, judge_partition};
use super::walk::{self, Endpoints, Found, FoundTopic};
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::Facts;
use crate::enforce::outcome::{CloseReason, Judge, Response, ResponseOutcome};
use crate::enforce::splice::{Edits, length_prefix};
use crate::enforce::{Judged, endpoints, settled, spans};
use crate::wire::shape::api;
use crate::wire::{ErrorCode, codec};

/// The judge of a Fetch response.
pub(super) struct Fetched {
    pub version: i16,
    pub client_id: Arc<str>,
    pub evidence: Evidence,
}

impl Judge for Fetched {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.answer(facts, response))
    }
}

impl Fetched {
    fn answer(&mut self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let body = response.body();
        let found = walk::found(self.version, &body, &facts.cluster.limits.shape())
            .map_err(|fault| CloseReason::ResponseShape { api: response.key, fault })?;
        let topics = found.topics.iter().map(|topic| &topic.named);
        if let Some(needs) = spans::unnamed(facts, topics) {
            return Ok(ResponseOutcome::Wait(needs));
        }
        self.evidence.judged_under(facts);
        if found.top_level_error == ErrorCode::NONE.0 {
            facts.connection.fetch_sessions.remember(found.session_id);
        }
        let mut edits = Edits::default();
        for topic in &found.topics {
            self.judge_topic(facts, response, topic, &mut edits)?;
        }
        self.rewrite_endpoints(facts, response, &found, &mut edits)?;
        Ok(ResponseOutcome::Forward(edits.apply(&response.frame)))
    }

    fn judge_topic(
        &self,
        facts: &mut Facts<'_>,
        response: &Response,
        topic: &FoundTopic,
        edits: &mut Edits,
    ) -> Result<(), CloseReason> {
        let body = response.body();
        let flexible = api(response.key.0).is_some_and(|api| api.is_flexible(self.version));
        let name = topic.named.resolve(facts, &body);
        let base = response.body_at;
        for partition in &topic.partitions {
            let records = body.slice(partition.records.clone());
            let mut judgement = Judgement {
                evidence: &self.evidence,
                client_id: &self.client_id,
                topic_id: topic.named.id,
                partition,
            };
            match judge_partition(facts, &mut judgement, &name, &records) {
                Fate::Unchanged => {}
                Fate::Records(slices) => {
                    let length = slices.iter().map(Bytes::len).sum();
                    let range = partition.prefix_start + base..partition.records.end + base;
                    let prefix = length_prefix(flexible, length);
                    edits.replace(range, std::iter::once(prefix).chain(slices));
                }
                Fate::Refused(code) => {
                    let entry = refused_partition(partition.index, code);
                    let bytes = codec::encode(response.key, self.version, &entry)?;
                    let range = partition.element.start + base..partition.element.end + base;
                    edits.replace(range, [bytes]);
                }
            }
        }
        Ok(())
    }

    /// Puts Lockgate's addresses into the tagged field that names new leaders (KIP-951).
    fn rewrite_endpoints(
        &self,
        facts: &mut Facts<'_>,
        response: &Response,
        found: &Found,
        edits: &mut Edits,
    ) -> Result<(), CloseReason> {
        let Some(Endpoints { size, value }) = &found.endpoints else { return Ok(()) };
        let mut rest = response.body().slice(value.clone());
        let count = endpoint_count(&mut rest);
        let mut nodes: Vec<NodeEndpoint> = Vec::new();
        for _ in 0..count {
            let node = NodeEndpoint::decode(&mut rest, self.version)
                .map_err(|error| CloseReason::Codec(error.to_string()))?;
            nodes.push(node);
        }
        endpoints::rewrite_all(facts, &mut nodes, |node| {
            (node.node_id.0, &mut node.host, &mut node.port)
        });
        let rewritten = endpoints::encode_tagged((response.key, self.version), &nodes)?;
        let base = response.body_at;
        edits.replace(size.start + base..value.end + base, [tag_size(rewritten.len()), rewritten]);
        Ok(())
    }
}

/// A tagged field's size: an unsigned varint of the bytes that follow.
fn tag_size(length: usize) -> Bytes {
    // A compact length is one more than what it counts.
    length_prefix(true, length.saturating_sub(1))
}

/// The count of a compact array whose shape was proved; it is taken off `bytes`.
fn endpoint_count(bytes: &mut Bytes) -> usize {
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

/// A partition as Kafka answers it with an error (`FetchResponse.partitionResponse`).
pub(super) fn refused_partition(index: i32, code: ErrorCode) -> PartitionData {
    let mut entry = PartitionData::default();
    entry.partition_index = index;
    entry.error_code = code.0;
    entry.high_watermark = -1;
    entry.records = Some(BytesMut::new().freeze());
    entry
}

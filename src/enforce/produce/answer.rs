//! The broker's answer to a Produce: refusals put back, addresses rewritten, rows completed.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::ProduceResponse;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::partition::{Fate, Part};
use super::walk::{Topic, Walked};
use crate::audit::{Completion, Ticket};
use crate::enforce::facts::Facts;
use crate::enforce::outcome::{CloseReason, Judge, Request, Response, ResponseOutcome};
use crate::enforce::records::Refusal;
use crate::enforce::{Judged, endpoints, settled};
use crate::wire::codec;
use crate::wire::{ErrorCode, TopicId};

/// First version whose answer has record errors and an error message (KIP-467).
const RECORD_ERRORS_VERSION: i16 = 8;

/// A partition as the request named it, and what is to be said of it.
struct Asked {
    topic: TopicKey,
    index: i32,
    refused: Option<PartitionProduceResponse>,
    ticket: Option<Ticket>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum TopicKey {
    Name(StrBytes),
    Id(TopicId),
}

/// The judge of a Produce response.
pub(super) struct Produced {
    version: i16,
    asked: Vec<Asked>,
}

impl Produced {
    pub fn new(request: &Request, walked: &Walked, parts: Vec<Part>) -> Self {
        let version = request.header.version;
        let body = request.body();
        let mut parts = parts.into_iter();
        let mut asked = Vec::new();
        for topic in &walked.topics {
            let key = topic_key(topic, &body);
            for (partition, part) in topic.partitions.iter().zip(parts.by_ref()) {
                let refused = match &part.fate {
                    Fate::Refused(refusal) => Some(entry(version, partition.index, refusal)),
                    Fate::Unchanged | Fate::Changed(_) => None,
                };
                let (topic, index) = (key.clone(), partition.index);
                asked.push(Asked { topic, index, refused, ticket: part.ticket });
            }
        }
        Self { version, asked }
    }

    fn complete(&mut self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let mut message: ProduceResponse =
            codec::decode(response.key, self.version, &response.body())?;
        let outcomes: HashMap<(TopicKey, i32), (i16, i64)> = message
            .responses
            .iter()
            .flat_map(|topic| {
                let key = answered_key(topic);
                topic.partition_responses.iter().map(move |partition| {
                    ((key.clone(), partition.index), (partition.error_code, partition.base_offset))
                })
            })
            .collect();
        for asked in &mut self.asked {
            let Some(ticket) = asked.ticket.take() else { continue };
            let outcome = outcomes.get(&(asked.topic.clone(), asked.index));
            let completion = outcome.map_or(Completion::Unanswered, |outcome| completion(*outcome));
            facts.effects.evidence.completed.push((ticket, completion));
        }
        let any_refused = self.asked.iter().any(|asked| asked.refused.is_some());
        if !any_refused && message.node_endpoints.is_empty() {
            return Ok(ResponseOutcome::unchanged(response));
        }
        endpoints::rewrite_all(facts, &mut message.node_endpoints, |endpoint| {
            (endpoint.node_id.0, &mut endpoint.host, &mut endpoint.port)
        });
        self.merge(&mut message);
        let body = codec::encode(response.key, self.version, &message)?;
        Ok(ResponseOutcome::Forward(response.with_body(body)))
    }

    /// Puts refused partitions where the request had them.
    fn merge(&mut self, message: &mut ProduceResponse) {
        let mut answered: HashMap<(TopicKey, i32), PartitionProduceResponse> = HashMap::new();
        for topic in std::mem::take(&mut message.responses) {
            let key = answered_key(&topic);
            for partition in topic.partition_responses {
                answered.insert((key.clone(), partition.index), partition);
            }
        }
        for asked in &mut self.asked {
            let from_broker = answered.remove(&(asked.topic.clone(), asked.index));
            let Some(partition) = asked.refused.take().or(from_broker) else { continue };
            place(&mut message.responses, &asked.topic, partition);
        }
    }
}

impl Judge for Produced {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.complete(facts, response))
    }

    fn unanswered(&mut self) -> Vec<Ticket> {
        self.asked.iter_mut().filter_map(|asked| asked.ticket.take()).collect()
    }
}

/// The answer where nothing of the request may go on.
///
/// # Errors
/// [`CloseReason::Codec`] where an entry does not fit the version.
pub(super) fn refused_whole(
    request: &Request,
    walked: &Walked,
    parts: &[Part],
) -> Result<Bytes, CloseReason> {
    let version = request.header.version;
    let body = request.body();
    let mut message = ProduceResponse::default();
    let mut parts = parts.iter();
    for topic in &walked.topics {
        let key = topic_key(topic, &body);
        for (partition, part) in topic.partitions.iter().zip(parts.by_ref()) {
            if let Fate::Refused(refusal) = &part.fate {
                let entry = entry(version, partition.index, refusal);
                place(&mut message.responses, &key, entry);
            }
        }
    }
    Ok(codec::encode(request.header.key, version, &message)?)
}

fn topic_key(topic: &Topic, body: &Bytes) -> TopicKey {
    match (&topic.named.name, topic.named.id) {
        (Some(range), _) => {
            let name = body.slice(range.clone());
            TopicKey::Name(StrBytes::from_utf8(name).unwrap_or_default())
        }
        (None, id) => TopicKey::Id(id.unwrap_or(TopicId::ZERO)),
    }
}

fn answered_key(topic: &TopicProduceResponse) -> TopicKey {
    let id = TopicId(*topic.topic_id.as_bytes());
    if id.is_zero() { TopicKey::Name(topic.name.0.clone()) } else { TopicKey::Id(id) }
}

fn place(
    topics: &mut Vec<TopicProduceResponse>,
    key: &TopicKey,
    partition: PartitionProduceResponse,
) {
    if let Some(last) = topics.last_mut()
        && answered_key(last) == *key
    {
        last.partition_responses.push(partition);
        return;
    }
    let mut topic = TopicProduceResponse::default();
    match key {
        TopicKey::Name(name) => topic.name = TopicName(name.clone()),
        TopicKey::Id(id) => topic.topic_id = codec::uuid(*id),
    }
    topic.partition_responses.push(partition);
    topics.push(topic);
}

fn entry(version: i16, index: i32, refusal: &Refusal) -> PartitionProduceResponse {
    let mut entry = PartitionProduceResponse::default();
    entry.index = index;
    entry.error_code = refusal.code.0;
    entry.base_offset = -1;
    entry.log_append_time_ms = -1;
    if version >= 5 {
        entry.log_start_offset = -1;
    }
    if version >= RECORD_ERRORS_VERSION {
        entry.error_message = Some(codec::text(&refusal.message));
        if refusal.code == ErrorCode::INVALID_RECORD {
            entry.record_errors = refusal.records.iter().map(record_error).collect();
        }
    }
    entry
}

fn record_error((index, message): &(i32, String)) -> BatchIndexAndErrorMessage {
    BatchIndexAndErrorMessage::default()
        .with_batch_index(*index)
        .with_batch_index_error_message(Some(codec::text(message)))
}

fn completion((error_code, base_offset): (i16, i64)) -> Completion {
    let written = error_code == ErrorCode::NONE.0 && base_offset >= 0;
    let first_offset = written.then_some(base_offset);
    Completion::Answered { error_code, first_offset, topic_id: None }
}

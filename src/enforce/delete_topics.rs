//! DeleteTopics (key 20): each topic judged by itself, whether it is called by name or by id.
//!
//! An id says nothing to whoever may not see the topic: its refusal has no name. An id that nobody
//! can name goes no further. Source: KIP-516, `ControllerApis.deleteTopics`.

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName as Name};
use smallvec::smallvec;

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::facts::TopicName;
use super::outcome::Need;
use crate::policy::{Operation, Resource};
use crate::wire::{ErrorCode, TopicId, codec};

/// Kafka's own text for the error of an unknown id.
const UNKNOWN_ID: &str = "This server does not host this topic ID.";

pub struct DeleteTopics;

/// What the answer is completed with: the refused, with their places in the request.
pub struct Asked {
    order: Vec<DeleteTopicState>,
    refused: Vec<DeletableTopicResult>,
}

impl Exchange for DeleteTopics {
    type Request = DeleteTopicsRequest;
    type Response = DeleteTopicsResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DeleteTopicsRequest,
    ) -> Course<Asked, DeleteTopicsResponse> {
        let unnamed: Vec<TopicId> = message
            .topics
            .iter()
            .map(id_of)
            .filter(|id| matches!(access.facts.topic_name(*id), TopicName::Ask))
            .collect();
        if !unnamed.is_empty() {
            return Course::Wait(smallvec![Need::TopicNames(unnamed)]);
        }
        let by_name = message.topic_names.iter().map(|name| by_name(name.clone()));
        let order: Vec<DeleteTopicState> = by_name.chain(message.topics.iter().cloned()).collect();
        let mut refused = Vec::new();
        message.topic_names.retain(|name| keep(access, &by_name_ref(name), &mut refused));
        message.topics.retain(|topic| keep(access, topic, &mut refused));
        let asked = Asked { order, refused };
        let nothing_left = message.topics.is_empty() && message.topic_names.is_empty();
        match (asked.refused.is_empty(), nothing_left) {
            (true, _) => Course::Watch(asked),
            (false, false) => Course::Amend(asked),
            (false, true) => {
                let mut answer = DeleteTopicsResponse::default();
                answer.responses = asked.refused;
                Course::Answer(answer)
            }
        }
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut DeleteTopicsResponse,
    ) -> Touch {
        for result in &message.responses {
            let id = TopicId(*result.topic_id.as_bytes());
            let known = access.facts.cluster.topics.name(id);
            let told = result.name.as_ref().map(|name| name.as_str());
            if let Some(name) = told.or(known.as_deref()) {
                access.settle_topic(name, result.error_code, id);
            }
        }
        if asked.refused.is_empty() {
            return Touch::Unchanged;
        }
        message.responses.extend(asked.refused.iter().cloned());
        message.responses.sort_by_key(|result| place(&asked.order, result));
        Touch::Changed
    }
}

fn id_of(topic: &DeleteTopicState) -> TopicId {
    TopicId(*topic.topic_id.as_bytes())
}

fn by_name(name: Name) -> DeleteTopicState {
    let mut topic = DeleteTopicState::default();
    topic.name = Some(name);
    topic
}

fn by_name_ref(name: &Name) -> DeleteTopicState {
    by_name(name.clone())
}

/// Where the request asked for what a result tells of.
fn place(order: &[DeleteTopicState], result: &DeletableTopicResult) -> Option<usize> {
    order.iter().position(|topic| {
        let same_id = topic.topic_id == result.topic_id && !result.topic_id.is_nil();
        same_id || (topic.name.is_some() && topic.name == result.name)
    })
}

/// Judges one topic; reserves its row where the broker is asked to delete it.
fn keep(
    access: &mut Access<'_, '_>,
    topic: &DeleteTopicState,
    refused: &mut Vec<DeletableTopicResult>,
) -> bool {
    let id = id_of(topic);
    let mut result = DeletableTopicResult::default();
    result.topic_id = topic.topic_id;
    result.name.clone_from(&topic.name);
    let named = match access.facts.topic_name(id) {
        TopicName::Known(name) => Some(Name(codec::text(&name))),
        TopicName::Ask | TopicName::Nobody if !id.is_zero() => {
            result.error_code = ErrorCode::UNKNOWN_TOPIC_ID.0;
            result.error_message = Some(codec::text(UNKNOWN_ID));
            refused.push(result);
            return false;
        }
        TopicName::Ask | TopicName::Nobody => None,
    };
    // A request that has both is refused by the broker; until it is, both are judged.
    for name in [topic.name.clone(), named.clone()].into_iter().flatten() {
        let Err(refusal) = access.check(Operation::Delete, Resource::Topic(&name)) else {
            continue;
        };
        if topic.name.is_none() && access.may(Operation::Describe, Resource::Topic(&name)) {
            result.name = Some(name);
        }
        result.error_code = refusal.code.0;
        result.error_message = Some(refusal.message);
        refused.push(result);
        return false;
    }
    if let Some(name) = topic.name.clone().or(named) {
        access.reserve(&name, &Resource::Topic(&name), None);
    }
    true
}

//! CreateTopics (key 19): each topic of a request judged by itself (permits, naming rules).
//!
//! What is refused is taken out of the request; its error is put back into the broker's answer, in
//! the order of the request. The settings of a created topic are told to those only who may read
//! them (KIP-525). Source: `CreateTopicsRequest.json`, KIP-4, `ControllerApis.createTopics`.

use std::collections::HashSet;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use super::refused::InOrder;
use crate::policy::{Operation, Resource, Wanted};
use crate::wire::{ApiKey, ErrorCode, TopicId};

/// The first version whose answer tells the new topic's settings.
const SETTINGS_VERSION: i16 = 5;
/// What a number is in a response that does not tell it, and in a request that leaves it open.
const UNSAID: i32 = -1;

pub struct CreateTopics;

impl Exchange for CreateTopics {
    type Request = CreateTopicsRequest;
    type Response = CreateTopicsResponse;
    type Kept = InOrder<CreatableTopicResult>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut CreateTopicsRequest,
    ) -> Course<Self::Kept, CreateTopicsResponse> {
        let order: Vec<TopicName> = message.topics.iter().map(|t| t.name.clone()).collect();
        let mut refused: Vec<CreatableTopicResult> = Vec::new();
        let mut names: HashSet<TopicName> = HashSet::new();
        for topic in &message.topics {
            if let Err(refusal) = check(access, topic)
                && names.insert(topic.name.clone())
            {
                refused.push(refusal_of(&topic.name, refusal));
            }
        }
        message.topics.retain(|topic| !names.contains(&topic.name));
        for topic in &message.topics {
            access.reserve(&topic.name, &Resource::Topic(&topic.name), None);
        }
        InOrder::new(order, refused).course(message.topics.is_empty(), |refused| {
            CreateTopicsResponse::default().with_topics(refused)
        })
    }

    fn response(
        access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut CreateTopicsResponse,
    ) -> Touch {
        let mut touch = Touch::Unchanged;
        for result in &mut message.topics {
            let id = TopicId(*result.topic_id.as_bytes());
            access.settle_topic(&result.name, result.error_code, id);
            if result.error_code != ErrorCode::NONE.0 {
                continue;
            }
            access.facts.cluster.topics.learn(id, &result.name);
            let topic = Resource::Topic(&result.name);
            if access.version() >= SETTINGS_VERSION
                && !access.may_as(ApiKey::DESCRIBE_CONFIGS, Operation::DescribeConfigs, topic)
            {
                result.topic_config_error_code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
                result.num_partitions = UNSAID;
                result.replication_factor = -1;
                result.configs = Some(Vec::new());
                touch = Touch::Changed;
            }
        }
        match refused.put_back(&mut message.topics, |result| &result.name) {
            Touch::Unchanged => touch,
            changed @ (Touch::Changed | Touch::Wait(_)) => changed,
        }
    }
}

fn check(access: &mut Access<'_, '_>, topic: &CreatableTopic) -> Result<(), Refusal> {
    let configs: Vec<(&str, Option<&str>)> =
        topic.configs.iter().map(|config| (&*config.name, config.value.as_deref())).collect();
    let said = |number: i32| (number != UNSAID).then_some(number);
    let (partitions, replication_factor) = match topic.assignments.first() {
        Some(first) => (
            i32::try_from(topic.assignments.len()).ok(),
            i32::try_from(first.broker_ids.len()).ok(),
        ),
        None => (said(topic.num_partitions), said(i32::from(topic.replication_factor))),
    };
    let wanted = Wanted { partitions, replication_factor, configs: &configs };
    access.check_wanted(Operation::Create, Resource::Topic(&topic.name), wanted)
}

fn refusal_of(name: &TopicName, refusal: Refusal) -> CreatableTopicResult {
    let mut result = CreatableTopicResult::default();
    result.name = name.clone();
    result.error_code = refusal.code.0;
    result.error_message = Some(refusal.message);
    result
}

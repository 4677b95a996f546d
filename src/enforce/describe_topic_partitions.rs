//! DescribeTopicPartitions (key 75): topics page by page, those that may be seen.
//!
//! A request for all topics goes up with the names of those that the subject may see, so that a
//! page never ends at a topic that it may not: the cursor of the answer would name it. Source:
//! KIP-966, `DescribeTopicPartitionsRequestHandler`.

use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::describe_topic_partitions_response as response;
use kafka_protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};
use smallvec::smallvec;

use response::DescribeTopicPartitionsResponseTopic;

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::operations;
use super::outcome::Need;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct DescribeTopicPartitions;

/// What the answer is completed with.
pub struct Asked {
    /// Topics without one are left out: the client did not name any.
    all: bool,
    refused: Vec<DescribeTopicPartitionsResponseTopic>,
}

impl Exchange for DescribeTopicPartitions {
    type Request = DescribeTopicPartitionsRequest;
    type Response = DescribeTopicPartitionsResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Quiet;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DescribeTopicPartitionsRequest,
    ) -> Course<Asked, DescribeTopicPartitionsResponse> {
        let all = message.topics.is_empty();
        if all {
            let Some(names) = access.facts.answers.all_topics.clone() else {
                return Course::Wait(smallvec![Need::AllTopics]);
            };
            let named = |name| TopicRequest::default().with_name(TopicName(name));
            message.topics = names.into_iter().map(named).collect();
        }
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let resource = Resource::Topic(&topic.name);
            if all {
                return access.may(Operation::Describe, resource);
            }
            let Err(refusal) = access.check(Operation::Describe, resource) else { return true };
            refused.push(refused_topic(&topic.name, refusal.code));
            false
        });
        let amended = all || !refused.is_empty();
        if amended {
            move_cursor(message, &mut refused);
        }
        if message.topics.is_empty() {
            // An empty list would ask for all.
            let mut answer = DescribeTopicPartitionsResponse::default();
            answer.topics = refused;
            return Course::Answer(answer);
        }
        let asked = Asked { all, refused };
        if amended { Course::Amend(asked) } else { Course::Watch(asked) }
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut DescribeTopicPartitionsResponse,
    ) -> Touch {
        if asked.all {
            // It was there when its name was asked.
            let gone = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0;
            message.topics.retain(|topic| topic.error_code != gone);
        }
        for topic in &mut message.topics {
            let Some(name) = topic.name.clone() else { continue };
            operations::narrow_topic(access, &mut topic.topic_authorized_operations, &name);
        }
        message.topics.extend(asked.refused.iter().cloned());
        Touch::Changed
    }
}

/// A broker wants the cursor's topic among those that are named, and tells of none before it.
fn move_cursor(
    message: &mut DescribeTopicPartitionsRequest,
    refused: &mut Vec<DescribeTopicPartitionsResponseTopic>,
) {
    let Some(cursor) = message.cursor.clone() else { return };
    let from = &cursor.topic_name;
    refused.retain(|topic| topic.name.as_ref().is_some_and(|name| name >= from));
    message.topics.retain(|topic| topic.name >= *from);
    if message.topics.iter().all(|topic| topic.name != *from) {
        message.cursor = None;
    }
}

fn refused_topic(name: &TopicName, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    let mut topic = DescribeTopicPartitionsResponseTopic::default();
    topic.name = Some(name.clone());
    topic.error_code = code.0;
    topic
}

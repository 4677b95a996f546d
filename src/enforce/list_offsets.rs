//! ListOffsets (key 2) and OffsetForLeaderEpoch (key 23): where the logs of topics begin, end and
//! change leaders.
//!
//! Kafka asks for `Describe` on each topic and puts its refusals behind the broker's answers.

use kafka_protocol::messages::list_offsets_request::ListOffsetsTopic;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderTopic;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};

use super::Evident;
use super::access::Access;
use super::beyond::Beyond;
use super::exchange::{Course, Exchange, Touch};
use super::refused;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct ListOffsets;

impl Exchange for ListOffsets {
    type Request = ListOffsetsRequest;
    type Response = ListOffsetsResponse;
    type Kept = Vec<ListOffsetsTopicResponse>;

    const EVIDENT: Evident = Evident::Quiet;
    // v11 gives one more timestamp a meaning (KIP-1023).
    const BEYOND: Beyond = Beyond::Alike(10);
    const LIGHT: bool = true;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut ListOffsetsRequest,
    ) -> Course<Self::Kept, ListOffsetsResponse> {
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Describe, Resource::Topic(&topic.name));
            let Err(refusal) = checked else { return true };
            refused.push(unlisted(topic, refusal.code));
            false
        });
        refused::course(refused, message.topics.is_empty(), |topics| {
            ListOffsetsResponse::default().with_topics(topics)
        })
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut ListOffsetsResponse,
    ) -> Touch {
        message.topics.extend(refused.iter().cloned());
        Touch::Changed
    }
}

fn unlisted(topic: &ListOffsetsTopic, code: ErrorCode) -> ListOffsetsTopicResponse {
    let partition = |index| {
        ListOffsetsPartitionResponse::default().with_partition_index(index).with_error_code(code.0)
    };
    let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
    ListOffsetsTopicResponse::default()
        .with_name(topic.name.clone())
        .with_partitions(indexes.map(partition).collect())
}

pub struct OffsetForLeaderEpoch;

impl Exchange for OffsetForLeaderEpoch {
    type Request = OffsetForLeaderEpochRequest;
    type Response = OffsetForLeaderEpochResponse;
    type Kept = Vec<OffsetForLeaderTopicResult>;

    const EVIDENT: Evident = Evident::Quiet;
    const LIGHT: bool = true;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut OffsetForLeaderEpochRequest,
    ) -> Course<Self::Kept, OffsetForLeaderEpochResponse> {
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Describe, Resource::Topic(&topic.topic));
            let Err(refusal) = checked else { return true };
            refused.push(endless(topic, refusal.code));
            false
        });
        refused::course(refused, message.topics.is_empty(), |topics| {
            OffsetForLeaderEpochResponse::default().with_topics(topics)
        })
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut OffsetForLeaderEpochResponse,
    ) -> Touch {
        message.topics.extend(refused.iter().cloned());
        Touch::Changed
    }
}

fn endless(topic: &OffsetForLeaderTopic, code: ErrorCode) -> OffsetForLeaderTopicResult {
    let partition = |index| EpochEndOffset::default().with_partition(index).with_error_code(code.0);
    let indexes = topic.partitions.iter().map(|partition| partition.partition);
    OffsetForLeaderTopicResult::default()
        .with_topic(topic.topic.clone())
        .with_partitions(indexes.map(partition).collect())
}

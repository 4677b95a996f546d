//! AlterShareGroupOffsets (key 91) and DeleteShareGroupOffsets (key 92): where a share group goes
//! on reading (KIP-932).
//!
//! Kafka asks for `Read` on the group to alter and for `Delete` to delete, which answers the whole
//! request, then for `Read` on each topic. What is left is asked of the broker even if it is
//! nothing, for an error of the group comes before those of topics.

use kafka_protocol::messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequestTopic;
use kafka_protocol::messages::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponsePartition, AlterShareGroupOffsetsResponseTopic,
};
use kafka_protocol::messages::delete_share_group_offsets_response as deleted;
use kafka_protocol::messages::{
    AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse, DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
};

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct AlterShareGroupOffsets;

impl Exchange for AlterShareGroupOffsets {
    type Request = AlterShareGroupOffsetsRequest;
    type Response = AlterShareGroupOffsetsResponse;
    type Kept = Vec<AlterShareGroupOffsetsResponseTopic>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut AlterShareGroupOffsetsRequest,
    ) -> Course<Self::Kept, AlterShareGroupOffsetsResponse> {
        let group = Resource::ConsumerGroup(&message.group_id);
        if let Err(refusal) = access.check(Operation::Read, group) {
            let answer = AlterShareGroupOffsetsResponse::default()
                .with_error_code(refusal.code.0)
                .with_error_message(Some(refusal.message));
            return Course::Answer(answer);
        }
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Read, Resource::Topic(&topic.topic_name));
            let Err(refusal) = checked else { return true };
            refused.push(unaltered(topic, &refusal));
            false
        });
        if refused.is_empty() { Course::Pass } else { Course::Amend(refused) }
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut AlterShareGroupOffsetsResponse,
    ) -> Touch {
        if message.error_code != ErrorCode::NONE.0 {
            return Touch::Unchanged;
        }
        message.responses.splice(..0, refused.iter().cloned());
        Touch::Changed
    }
}

fn unaltered(
    topic: &AlterShareGroupOffsetsRequestTopic,
    refusal: &Refusal,
) -> AlterShareGroupOffsetsResponseTopic {
    let partition = |index| {
        AlterShareGroupOffsetsResponsePartition::default()
            .with_partition_index(index)
            .with_error_code(refusal.code.0)
            .with_error_message(Some(refusal.message.clone()))
    };
    let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
    AlterShareGroupOffsetsResponseTopic::default()
        .with_topic_name(topic.topic_name.clone())
        .with_partitions(indexes.map(partition).collect())
}

pub struct DeleteShareGroupOffsets;

impl Exchange for DeleteShareGroupOffsets {
    type Request = DeleteShareGroupOffsetsRequest;
    type Response = DeleteShareGroupOffsetsResponse;
    type Kept = Vec<deleted::DeleteShareGroupOffsetsResponseTopic>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DeleteShareGroupOffsetsRequest,
    ) -> Course<Self::Kept, DeleteShareGroupOffsetsResponse> {
        let group = Resource::ConsumerGroup(&message.group_id);
        if let Err(refusal) = access.check(Operation::Delete, group) {
            let answer = DeleteShareGroupOffsetsResponse::default()
                .with_error_code(refusal.code.0)
                .with_error_message(Some(refusal.message));
            return Course::Answer(answer);
        }
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Read, Resource::Topic(&topic.topic_name));
            let Err(refusal) = checked else { return true };
            let result = deleted::DeleteShareGroupOffsetsResponseTopic::default()
                .with_topic_name(topic.topic_name.clone())
                .with_error_code(refusal.code.0)
                .with_error_message(Some(refusal.message));
            refused.push(result);
            false
        });
        if refused.is_empty() { Course::Pass } else { Course::Amend(refused) }
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut DeleteShareGroupOffsetsResponse,
    ) -> Touch {
        if message.error_code != ErrorCode::NONE.0 {
            return Touch::Unchanged;
        }
        message.responses.splice(..0, refused.iter().cloned());
        Touch::Changed
    }
}

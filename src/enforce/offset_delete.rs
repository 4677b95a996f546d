//! OffsetDelete (key 47): a group forgets where it has stopped in some topics.
//!
//! Kafka asks for `Delete` on the group, then for `Read` on each topic. What is left is asked of
//! the broker even if it is nothing, for an error of the group comes before those of topics
//! (`OffsetDeleteResponse.Builder.merge`).

use kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct OffsetDelete;

impl Exchange for OffsetDelete {
    type Request = OffsetDeleteRequest;
    type Response = OffsetDeleteResponse;
    type Kept = Vec<OffsetDeleteResponseTopic>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut OffsetDeleteRequest,
    ) -> Course<Self::Kept, OffsetDeleteResponse> {
        let group = Resource::ConsumerGroup(&message.group_id);
        if let Err(refusal) = access.check(Operation::Delete, group) {
            let answer = OffsetDeleteResponse::default().with_error_code(refusal.code.0);
            return Course::Answer(answer);
        }
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Read, Resource::Topic(&topic.name));
            let Err(refusal) = checked else { return true };
            refused.push(result(topic, refusal.code));
            false
        });
        if refused.is_empty() { Course::Pass } else { Course::Amend(refused) }
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut OffsetDeleteResponse,
    ) -> Touch {
        if message.error_code != ErrorCode::NONE.0 {
            return Touch::Unchanged;
        }
        message.topics.splice(..0, refused.iter().cloned());
        Touch::Changed
    }
}

fn result(topic: &OffsetDeleteRequestTopic, code: ErrorCode) -> OffsetDeleteResponseTopic {
    let partition = |index| {
        OffsetDeleteResponsePartition::default().with_partition_index(index).with_error_code(code.0)
    };
    let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
    OffsetDeleteResponseTopic::default()
        .with_name(topic.name.clone())
        .with_partitions(indexes.map(partition).collect())
}

//! DeleteRecords (key 21): each topic whose first records are to go judged by itself.
//!
//! Source: KIP-107; Kafka asks for `Delete` on each topic (`handleDeleteRecordsRequest`).

use kafka_protocol::messages::delete_records_request::DeleteRecordsTopic;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::reservations::first_error;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

/// What Kafka tells of a partition whose records were not looked at.
const NO_LOW_WATERMARK: i64 = -1;

pub struct DeleteRecords;

/// What the answer is completed with.
pub struct Asked {
    order: Vec<TopicName>,
    refused: Vec<DeleteRecordsTopicResult>,
}

impl Exchange for DeleteRecords {
    type Request = DeleteRecordsRequest;
    type Response = DeleteRecordsResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DeleteRecordsRequest,
    ) -> Course<Asked, DeleteRecordsResponse> {
        let order = message.topics.iter().map(|topic| topic.name.clone()).collect();
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let resource = Resource::Topic(&topic.name);
            match access.check(Operation::Delete, resource) {
                Ok(()) => {
                    access.reserve(&topic.name, &resource, None);
                    true
                }
                Err(refusal) => {
                    refused.push(refused_topic(topic, refusal.code));
                    false
                }
            }
        });
        let asked = Asked { order, refused };
        match (asked.refused.is_empty(), message.topics.is_empty()) {
            (true, _) => Course::Watch(asked),
            (false, false) => Course::Amend(asked),
            (false, true) => {
                let mut answer = DeleteRecordsResponse::default();
                answer.topics = asked.refused;
                Course::Answer(answer)
            }
        }
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut DeleteRecordsResponse,
    ) -> Touch {
        for topic in &message.topics {
            let code = first_error(topic.partitions.iter().map(|result| result.error_code));
            access.settle(&topic.name, code);
        }
        if asked.refused.is_empty() {
            return Touch::Unchanged;
        }
        let place = |name: &TopicName| asked.order.iter().position(|asked| asked == name);
        message.topics.extend(asked.refused.iter().cloned());
        message.topics.sort_by_key(|topic| place(&topic.name));
        Touch::Changed
    }
}

fn refused_topic(topic: &DeleteRecordsTopic, code: ErrorCode) -> DeleteRecordsTopicResult {
    let mut result = DeleteRecordsTopicResult::default();
    result.name = topic.name.clone();
    result.partitions = topic
        .partitions
        .iter()
        .map(|partition| {
            let mut refused = DeleteRecordsPartitionResult::default();
            refused.partition_index = partition.partition_index;
            refused.low_watermark = NO_LOW_WATERMARK;
            refused.error_code = code.0;
            refused
        })
        .collect();
    result
}

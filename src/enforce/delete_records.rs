//! DeleteRecords (key 21): each topic whose first records are to go judged by itself.
//!
//! Source: KIP-107; Kafka asks for `Delete` on each topic (`handleDeleteRecordsRequest`).

use kafka_protocol::messages::delete_records_request::DeleteRecordsTopic;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::refused::InOrder;
use super::reservations::first_error;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

/// What Kafka tells of a partition whose records were not looked at.
const NO_LOW_WATERMARK: i64 = -1;

pub struct DeleteRecords;

impl Exchange for DeleteRecords {
    type Request = DeleteRecordsRequest;
    type Response = DeleteRecordsResponse;
    type Kept = InOrder<DeleteRecordsTopicResult>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DeleteRecordsRequest,
    ) -> Course<Self::Kept, DeleteRecordsResponse> {
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
        InOrder::new(order, refused).course(message.topics.is_empty(), |refused| {
            DeleteRecordsResponse::default().with_topics(refused)
        })
    }

    fn response(
        access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut DeleteRecordsResponse,
    ) -> Touch {
        for topic in &message.topics {
            let code = first_error(topic.partitions.iter().map(|result| result.error_code));
            access.settle(&topic.name, code);
        }
        refused.put_back(&mut message.topics, |result| &result.name)
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

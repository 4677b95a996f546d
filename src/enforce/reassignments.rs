//! AlterPartitionReassignments (key 45) and ListPartitionReassignments (key 46).
//!
//! Kafka asks for `Alter` or `Describe` on the cluster alone. Beyond that, a topic that may not be
//! altered is refused by itself, and one that may not be seen is not listed. Source: KIP-455.

use kafka_protocol::messages::alter_partition_reassignments_request::ReassignableTopic;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::list_partition_reassignments_request as list_request;
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use list_request::ListPartitionReassignmentsTopics;

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use super::refused::InOrder;
use super::reservations::first_error;
use crate::policy::{Operation, Resource};

pub struct AlterPartitionReassignments;

impl Exchange for AlterPartitionReassignments {
    type Request = AlterPartitionReassignmentsRequest;
    type Response = AlterPartitionReassignmentsResponse;
    type Kept = InOrder<ReassignableTopicResponse>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut AlterPartitionReassignmentsRequest,
    ) -> Course<Self::Kept, AlterPartitionReassignmentsResponse> {
        let mut answer = AlterPartitionReassignmentsResponse::default();
        if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
            let topics = message.topics.iter();
            answer.responses = topics.map(|topic| refused_topic(topic, &refusal)).collect();
            answer.error_code = refusal.code.0;
            answer.error_message = Some(refusal.message);
            return Course::Answer(answer);
        }
        let order = message.topics.iter().map(|topic| topic.name.clone()).collect();
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let resource = Resource::Topic(&topic.name);
            match access.check(Operation::Alter, resource) {
                Ok(()) => {
                    access.reserve(&topic.name, &resource, None);
                    true
                }
                Err(refusal) => {
                    refused.push(refused_topic(topic, &refusal));
                    false
                }
            }
        });
        InOrder::new(order, refused)
            .course(message.topics.is_empty(), |refused| answer.with_responses(refused))
    }

    fn response(
        access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut AlterPartitionReassignmentsResponse,
    ) -> Touch {
        for topic in &message.responses {
            let parts = topic.partitions.iter().map(|result| result.error_code);
            access.settle(&topic.name, first_error([message.error_code].into_iter().chain(parts)));
        }
        access.settle_all(message.error_code);
        refused.put_back(&mut message.responses, |result| &result.name)
    }
}

fn refused_topic(topic: &ReassignableTopic, refusal: &Refusal) -> ReassignableTopicResponse {
    let mut result = ReassignableTopicResponse::default();
    result.name = topic.name.clone();
    result.partitions = topic
        .partitions
        .iter()
        .map(|partition| {
            let mut refused = ReassignablePartitionResponse::default();
            refused.partition_index = partition.partition_index;
            refused.error_code = refusal.code.0;
            refused.error_message = Some(refusal.message.clone());
            refused
        })
        .collect();
    result
}

pub struct ListPartitionReassignments;

impl Exchange for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    type Response = ListPartitionReassignmentsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut ListPartitionReassignmentsRequest,
    ) -> Course<(), ListPartitionReassignmentsResponse> {
        let Err(refusal) = access.check(Operation::Describe, Resource::Cluster) else {
            return Course::Watch(());
        };
        let mut answer = ListPartitionReassignmentsResponse::default();
        answer.error_code = refusal.code.0;
        answer.error_message = Some(refusal.message);
        answer.topics = message.topics.iter().flatten().map(unlisted).collect();
        Course::Answer(answer)
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut ListPartitionReassignmentsResponse,
    ) -> Touch {
        let before = message.topics.len();
        message
            .topics
            .retain(|topic| access.may(Operation::Describe, Resource::Topic(&topic.name)));
        if message.topics.len() == before { Touch::Unchanged } else { Touch::Changed }
    }
}

/// What Kafka answers for a topic that was asked for, where the whole request is refused.
fn unlisted(topic: &ListPartitionReassignmentsTopics) -> OngoingTopicReassignment {
    let mut result = OngoingTopicReassignment::default();
    result.name = topic.name.clone();
    result.partitions = topic
        .partition_indexes
        .iter()
        .map(|index| {
            let mut partition = OngoingPartitionReassignment::default();
            partition.partition_index = *index;
            partition
        })
        .collect();
    result
}

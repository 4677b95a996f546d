//! ElectLeaders (key 43): another replica becomes the leader of partitions.
//!
//! Kafka asks for `Alter` on the cluster alone; beyond that each topic that is named is judged.
//! Source: KIP-183, KIP-460.

use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use super::refused::InOrder;
use super::reservations::first_error;
use crate::policy::{Operation, Resource};

/// What the row of a request for all partitions is called by; no topic has this name.
const ALL: &str = "all partitions";

/// The first version whose answer has an error of its own.
const WHOLE_ERROR_VERSION: i16 = 1;

pub struct ElectLeaders;

/// What the answer is completed with.
pub struct Asked {
    /// Topics that may not be seen are left out: the client did not name any.
    all: bool,
    refused: InOrder<ReplicaElectionResult>,
}

impl Exchange for ElectLeaders {
    type Request = ElectLeadersRequest;
    type Response = ElectLeadersResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut ElectLeadersRequest,
    ) -> Course<Asked, ElectLeadersResponse> {
        if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
            return refused_whole(access.version(), message, &refusal);
        }
        let Some(topics) = &mut message.topic_partitions else {
            access.reserve(&StrBytes::from_static_str(ALL), &Resource::Cluster, Some(ALL));
            return Course::Watch(Asked {
                all: true,
                refused: InOrder::new(Vec::new(), Vec::new()),
            });
        };
        let order = topics.iter().map(|topic| topic.topic.clone()).collect();
        let mut refused = Vec::new();
        topics.retain(|topic| {
            let resource = Resource::Topic(&topic.topic);
            match access.check(Operation::Alter, resource) {
                Ok(()) => {
                    access.reserve(&topic.topic, &resource, None);
                    true
                }
                Err(refusal) => {
                    refused.push(refused_topic(topic, &refusal));
                    false
                }
            }
        });
        let nothing_left = topics.is_empty();
        InOrder::new(order, refused)
            .course(nothing_left, |refused| {
                ElectLeadersResponse::default().with_replica_election_results(refused)
            })
            .keeping(|refused| Asked { all: false, refused })
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut ElectLeadersResponse,
    ) -> Touch {
        for topic in &message.replica_election_results {
            let parts = topic.partition_result.iter().map(|result| result.error_code);
            access.settle(&topic.topic, first_error([message.error_code].into_iter().chain(parts)));
        }
        access.settle_all(message.error_code);
        if asked.all {
            let told = message.replica_election_results.len();
            message
                .replica_election_results
                .retain(|topic| access.may(Operation::Describe, Resource::Topic(&topic.topic)));
            let same = message.replica_election_results.len() == told;
            return if same { Touch::Unchanged } else { Touch::Changed };
        }
        asked.refused.put_back(&mut message.replica_election_results, |topic| &topic.topic)
    }
}

fn refused_whole(
    version: i16,
    message: &ElectLeadersRequest,
    refusal: &Refusal,
) -> Course<Asked, ElectLeadersResponse> {
    let mut answer = ElectLeadersResponse::default();
    if version >= WHOLE_ERROR_VERSION {
        answer.error_code = refusal.code.0;
    }
    let topics = message.topic_partitions.iter().flatten();
    answer.replica_election_results = topics.map(|topic| refused_topic(topic, refusal)).collect();
    Course::Answer(answer)
}

fn refused_topic(topic: &TopicPartitions, refusal: &Refusal) -> ReplicaElectionResult {
    let mut result = ReplicaElectionResult::default();
    result.topic = topic.topic.clone();
    result.partition_result = topic
        .partitions
        .iter()
        .map(|index| {
            let mut refused = PartitionResult::default();
            refused.partition_id = *index;
            refused.error_code = refusal.code.0;
            refused.error_message = Some(refusal.message.clone());
            refused
        })
        .collect();
    result
}

//! AlterReplicaLogDirs (key 34) and DescribeLogDirs (key 35): where a broker keeps partitions.
//!
//! Kafka asks for `Alter` or `Describe` on the cluster alone. Beyond that, a topic that may not be
//! altered stays where it is, and one that may not be seen is not told of. Source: KIP-113.

use kafka_protocol::messages::alter_replica_log_dirs_request::AlterReplicaLogDirTopic;
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, DescribeLogDirsRequest,
    DescribeLogDirsResponse,
};

use super::Evident;
use super::access::Access;
use super::beyond::Beyond;
use super::exchange::{Course, Exchange, Touch};
use super::reservations::first_error;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct AlterReplicaLogDirs;

impl Exchange for AlterReplicaLogDirs {
    type Request = AlterReplicaLogDirsRequest;
    type Response = AlterReplicaLogDirsResponse;
    /// The refused.
    type Kept = Vec<AlterReplicaLogDirTopicResult>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut AlterReplicaLogDirsRequest,
    ) -> Course<Self::Kept, AlterReplicaLogDirsResponse> {
        let mut refused = Vec::new();
        if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
            let topics = message.dirs.iter().flat_map(|dir| &dir.topics);
            refused.extend(topics.map(|topic| refused_topic(topic, refusal.code)));
            return Course::Answer(answered(refused));
        }
        for dir in &mut message.dirs {
            dir.topics.retain(|topic| {
                let resource = Resource::Topic(&topic.name);
                match access.check(Operation::Alter, resource) {
                    Ok(()) => {
                        access.reserve(&topic.name, &resource, Some(&format!("to {}", dir.path)));
                        true
                    }
                    Err(refusal) => {
                        refused.push(refused_topic(topic, refusal.code));
                        false
                    }
                }
            });
        }
        if refused.is_empty() {
            return Course::Watch(refused);
        }
        message.dirs.retain(|dir| !dir.topics.is_empty());
        if message.dirs.is_empty() {
            return Course::Answer(answered(refused));
        }
        Course::Amend(refused)
    }

    fn response(
        access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut AlterReplicaLogDirsResponse,
    ) -> Touch {
        for topic in &message.results {
            let code = first_error(topic.partitions.iter().map(|result| result.error_code));
            access.settle(&topic.topic_name, code);
        }
        if refused.is_empty() {
            return Touch::Unchanged;
        }
        message.results.extend(refused.iter().cloned());
        Touch::Changed
    }
}

fn answered(results: Vec<AlterReplicaLogDirTopicResult>) -> AlterReplicaLogDirsResponse {
    let mut answer = AlterReplicaLogDirsResponse::default();
    answer.results = results;
    answer
}

fn refused_topic(
    topic: &AlterReplicaLogDirTopic,
    code: ErrorCode,
) -> AlterReplicaLogDirTopicResult {
    let mut result = AlterReplicaLogDirTopicResult::default();
    result.topic_name = topic.name.clone();
    result.partitions = topic
        .partitions
        .iter()
        .map(|index| {
            let mut refused = AlterReplicaLogDirPartitionResult::default();
            refused.partition_index = *index;
            refused.error_code = code.0;
            refused
        })
        .collect();
    result
}

pub struct DescribeLogDirs;

impl Exchange for DescribeLogDirs {
    type Request = DescribeLogDirsRequest;
    type Response = DescribeLogDirsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;
    const BEYOND: Beyond = Beyond::Cordoned(4);

    fn request(
        access: &mut Access<'_, '_>,
        _message: &mut DescribeLogDirsRequest,
    ) -> Course<(), DescribeLogDirsResponse> {
        let Err(refusal) = access.check(Operation::Describe, Resource::Cluster) else {
            return Course::Watch(());
        };
        // Before v3 there is no room for the error, and Kafka answers an empty list too.
        let mut answer = DescribeLogDirsResponse::default();
        answer.error_code = refusal.code.0;
        Course::Answer(answer)
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut DescribeLogDirsResponse,
    ) -> Touch {
        let mut touch = Touch::Unchanged;
        for dir in &mut message.results {
            let before = dir.topics.len();
            dir.topics
                .retain(|topic| access.may(Operation::Describe, Resource::Topic(&topic.name)));
            if dir.topics.len() != before {
                touch = Touch::Changed;
            }
        }
        touch
    }
}

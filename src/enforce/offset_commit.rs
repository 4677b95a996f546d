//! OffsetCommit (key 8) and TxnOffsetCommit (key 28): where a group goes on reading.
//!
//! Kafka asks for `Read` on the group (and first for `Write` on the transactional id), which
//! answers every partition, then for `Read` on each topic, which answers the partitions of that
//! topic; its own errors come before the broker's. From v10 on OffsetCommit names topics by id.

use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestTopic;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestTopic;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};

use super::Evident;
use super::access::{Access, Refusal};
use super::beyond::Beyond;
use super::exchange::{Course, Exchange, Touch};
use super::naming::{check_named, unnamed};
use super::refused;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct OffsetCommit;

impl Exchange for OffsetCommit {
    type Request = OffsetCommitRequest;
    type Response = OffsetCommitResponse;
    type Kept = Vec<OffsetCommitResponseTopic>;

    const EVIDENT: Evident = Evident::Row;
    const BEYOND: Beyond = Beyond::Ids(9);
    const LIGHT: bool = true;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut OffsetCommitRequest,
    ) -> Course<Self::Kept, OffsetCommitResponse> {
        let group = Resource::ConsumerGroup(&message.group_id);
        if let Err(refusal) = access.check(Operation::Read, group) {
            let topics = message.topics.iter().map(|topic| committed(topic, refusal.code));
            let answer = OffsetCommitResponse::default();
            return Course::Answer(answer.with_topics(topics.collect()));
        }
        let ids = Self::BEYOND.names_ids(access.version());
        let names = message.topics.iter().map(|topic| &**topic.name);
        if let Some(needs) = unnamed(access, ids, names) {
            return Course::Wait(needs);
        }
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let Err(refusal) = check_named(access, ids, &topic.name, Operation::Read) else {
                return true;
            };
            refused.push(committed(topic, refusal.code));
            false
        });
        refused::course(refused, message.topics.is_empty(), |topics| {
            OffsetCommitResponse::default().with_topics(topics)
        })
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut OffsetCommitResponse,
    ) -> Touch {
        message.topics.splice(..0, refused.iter().cloned());
        Touch::Changed
    }
}

fn committed(topic: &OffsetCommitRequestTopic, code: ErrorCode) -> OffsetCommitResponseTopic {
    let partition = |index| {
        OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code.0)
    };
    let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
    OffsetCommitResponseTopic::default()
        .with_name(topic.name.clone())
        .with_partitions(indexes.map(partition).collect())
}

pub struct TxnOffsetCommit;

impl Exchange for TxnOffsetCommit {
    type Request = TxnOffsetCommitRequest;
    type Response = TxnOffsetCommitResponse;
    type Kept = Vec<TxnOffsetCommitResponseTopic>;

    const EVIDENT: Evident = Evident::Row;
    const LIGHT: bool = true;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut TxnOffsetCommitRequest,
    ) -> Course<Self::Kept, TxnOffsetCommitResponse> {
        if let Err(refusal) = check_transaction(access, message) {
            let topics = message.topics.iter().map(|topic| joined(topic, refusal.code));
            let answer = TxnOffsetCommitResponse::default();
            return Course::Answer(answer.with_topics(topics.collect()));
        }
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Read, Resource::Topic(&topic.name));
            let Err(refusal) = checked else { return true };
            refused.push(joined(topic, refusal.code));
            false
        });
        refused::course(refused, message.topics.is_empty(), |topics| {
            TxnOffsetCommitResponse::default().with_topics(topics)
        })
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut TxnOffsetCommitResponse,
    ) -> Touch {
        message.topics.splice(..0, refused.iter().cloned());
        Touch::Changed
    }
}

fn check_transaction(
    access: &mut Access<'_, '_>,
    message: &TxnOffsetCommitRequest,
) -> Result<(), Refusal> {
    access.check(Operation::Write, Resource::TransactionalId(&message.transactional_id))?;
    access.check(Operation::Read, Resource::ConsumerGroup(&message.group_id))
}

fn joined(topic: &TxnOffsetCommitRequestTopic, code: ErrorCode) -> TxnOffsetCommitResponseTopic {
    let partition = |index| {
        TxnOffsetCommitResponsePartition::default()
            .with_partition_index(index)
            .with_error_code(code.0)
    };
    let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
    TxnOffsetCommitResponseTopic::default()
        .with_name(topic.name.clone())
        .with_partitions(indexes.map(partition).collect())
}

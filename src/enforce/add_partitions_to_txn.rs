//! AddPartitionsToTxn (key 24) up to v3: all partitions join a transaction, or none does.
//!
//! Kafka asks for `Write` on the transactional id, which answers every partition, then for `Write`
//! on each topic. One refusal keeps all from joining: the others are `OPERATION_NOT_ATTEMPTED`.
//! From v4 on the request is a broker's (KIP-890), and is not offered.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

pub struct AddPartitionsToTxn;

impl Exchange for AddPartitionsToTxn {
    type Request = AddPartitionsToTxnRequest;
    type Response = AddPartitionsToTxnResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;
    const LIGHT: bool = true;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut AddPartitionsToTxnRequest,
    ) -> Course<(), AddPartitionsToTxnResponse> {
        let id = Resource::TransactionalId(&message.v3_and_below_transactional_id);
        let topics = &message.v3_and_below_topics;
        let codes: Vec<Option<ErrorCode>> = match access.check(Operation::Write, id) {
            Err(refusal) => vec![Some(refusal.code); topics.len()],
            Ok(()) => topics
                .iter()
                .map(|topic| access.check(Operation::Write, Resource::Topic(&topic.name)))
                .map(|checked| checked.err().map(|refusal| refusal.code))
                .collect(),
        };
        if codes.iter().all(Option::is_none) {
            return Course::Pass;
        }
        let results = topics
            .iter()
            .zip(codes)
            .map(|(topic, code)| result(topic, code.unwrap_or(ErrorCode::OPERATION_NOT_ATTEMPTED)));
        let mut answer = AddPartitionsToTxnResponse::default();
        answer.results_by_topic_v3_and_below = results.collect();
        Course::Answer(answer)
    }

    fn response(_: &mut Access<'_, '_>, (): &mut (), _: &mut AddPartitionsToTxnResponse) -> Touch {
        Touch::Unchanged
    }
}

fn result(topic: &AddPartitionsToTxnTopic, code: ErrorCode) -> AddPartitionsToTxnTopicResult {
    let partition = |index: &i32| {
        AddPartitionsToTxnPartitionResult::default()
            .with_partition_index(*index)
            .with_partition_error_code(code.0)
    };
    AddPartitionsToTxnTopicResult::default()
        .with_name(topic.name.clone())
        .with_results_by_partition(topic.partitions.iter().map(partition).collect())
}

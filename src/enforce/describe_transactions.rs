//! DescribeTransactions (key 65) and DescribeProducers (key 61): who writes what, for
//! administrators.
//!
//! Kafka asks for `Describe` on each transactional id and leaves out the topics of a transaction
//! that may not be described; for the producers of a topic it asks for `Read` on it.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest,
    DescribeTransactionsResponse, TransactionalId,
};

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use super::refused;
use crate::policy::{Operation, Resource};

pub struct DescribeTransactions;

impl Exchange for DescribeTransactions {
    type Request = DescribeTransactionsRequest;
    type Response = DescribeTransactionsResponse;
    /// The ids in the order of the request, those that were refused with their answer.
    type Kept = Vec<(TransactionalId, Option<TransactionState>)>;

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DescribeTransactionsRequest,
    ) -> Course<Self::Kept, DescribeTransactionsResponse> {
        let mut asked: Self::Kept = Vec::new();
        message.transactional_ids.retain(|id| {
            let checked = access.check(Operation::Describe, Resource::TransactionalId(id));
            let refused = checked.err().map(|refusal| {
                TransactionState::default()
                    .with_transactional_id(id.clone())
                    .with_error_code(refusal.code.0)
            });
            let stays = refused.is_none();
            asked.push((id.clone(), refused));
            stays
        });
        if message.transactional_ids.len() == asked.len() {
            return Course::Watch(asked);
        }
        if message.transactional_ids.is_empty() {
            let mut answer = DescribeTransactionsResponse::default();
            answer.transaction_states = asked.into_iter().filter_map(|(_, state)| state).collect();
            return Course::Answer(answer);
        }
        Course::Amend(asked)
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Self::Kept,
        message: &mut DescribeTransactionsResponse,
    ) -> Touch {
        let mut touch = Touch::Unchanged;
        for state in &mut message.transaction_states {
            let told = state.topics.len();
            state
                .topics
                .retain(|data| access.may(Operation::Describe, Resource::Topic(&data.topic)));
            if state.topics.len() < told {
                touch = Touch::Changed;
            }
        }
        if asked.iter().all(|(_, refused)| refused.is_none()) {
            return touch;
        }
        let mut answered = std::mem::take(&mut message.transaction_states);
        for (id, refused) in asked.iter() {
            let place = answered.iter().position(|state| state.transactional_id == *id);
            let state = refused.clone().or_else(|| place.map(|place| answered.remove(place)));
            message.transaction_states.extend(state);
        }
        Touch::Changed
    }
}

pub struct DescribeProducers;

impl Exchange for DescribeProducers {
    type Request = DescribeProducersRequest;
    type Response = DescribeProducersResponse;
    type Kept = Vec<TopicResponse>;

    const EVIDENT: Evident = Evident::Row;
    const LIGHT: bool = true;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DescribeProducersRequest,
    ) -> Course<Self::Kept, DescribeProducersResponse> {
        let mut refused = Vec::new();
        message.topics.retain(|topic| {
            let checked = access.check(Operation::Read, Resource::Topic(&topic.name));
            let Err(refusal) = checked else { return true };
            refused.push(untold(topic, &refusal));
            false
        });
        refused::course(refused, message.topics.is_empty(), |topics| {
            DescribeProducersResponse::default().with_topics(topics)
        })
    }

    fn response(
        _access: &mut Access<'_, '_>,
        refused: &mut Self::Kept,
        message: &mut DescribeProducersResponse,
    ) -> Touch {
        message.topics.extend(refused.iter().cloned());
        Touch::Changed
    }
}

fn untold(topic: &TopicRequest, refusal: &Refusal) -> TopicResponse {
    let partition = |index: &i32| {
        PartitionResponse::default()
            .with_partition_index(*index)
            .with_error_code(refusal.code.0)
            .with_error_message(Some(refusal.message.clone()))
    };
    TopicResponse::default()
        .with_name(topic.name.clone())
        .with_partitions(topic.partition_indexes.iter().map(partition).collect())
}

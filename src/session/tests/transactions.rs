//! Transactional ids that may not be used, and topics that may not join a transaction.

use kafka_protocol::messages as m;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::protocol::StrBytes;

use super::access::{RULES, passed, refused, topic, versions};
use super::frames::{self, request, response};
use super::talk::Talk;
use crate::enforce::CloseReason;
use crate::wire::ApiKey;

fn id(name: &str) -> m::TransactionalId {
    StrBytes::from_string(name.to_owned()).into()
}

fn group(name: &str) -> m::GroupId {
    StrBytes::from_string(name.to_owned()).into()
}

#[test]
fn t41_a_transaction_needs_its_id() {
    for version in versions(ApiKey::INIT_PRODUCER_ID) {
        let ask = |name: Option<&str>| {
            m::InitProducerIdRequest::default().with_transactional_id(name.map(id))
        };
        let answer: m::InitProducerIdResponse =
            refused(ApiKey::INIT_PRODUCER_ID, version, &ask(Some("closed")));
        assert_eq!((answer.error_code, answer.producer_id.0, answer.producer_epoch), (53, -1, -1));
        passed(ApiKey::INIT_PRODUCER_ID, version, &ask(Some("open")));
        passed(ApiKey::INIT_PRODUCER_ID, version, &ask(None));
    }
    for version in versions(ApiKey::END_TXN) {
        let ask = |name| m::EndTxnRequest::default().with_transactional_id(id(name));
        let answer: m::EndTxnResponse = refused(ApiKey::END_TXN, version, &ask("closed"));
        assert_eq!(answer.error_code, 53);
        passed(ApiKey::END_TXN, version, &ask("open"));
    }
    for version in versions(ApiKey::ADD_OFFSETS_TO_TXN) {
        let ask = |name, members| {
            m::AddOffsetsToTxnRequest::default()
                .with_transactional_id(id(name))
                .with_group_id(group(members))
        };
        for (name, members, code) in
            [("closed", "open", 53), ("open", "closed", 30), ("closed", "closed", 53)]
        {
            let answer: m::AddOffsetsToTxnResponse =
                refused(ApiKey::ADD_OFFSETS_TO_TXN, version, &ask(name, members));
            assert_eq!(answer.error_code, code);
        }
        passed(ApiKey::ADD_OFFSETS_TO_TXN, version, &ask("open", "open"));
    }
}

fn join(name: &str, topics: &[&str]) -> m::AddPartitionsToTxnRequest {
    let topics = topics.iter().map(|name| {
        AddPartitionsToTxnTopic::default().with_name(topic(name)).with_partitions(vec![5])
    });
    m::AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id(name))
        .with_v3_and_below_topics(topics.collect())
}

fn joined(answer: &m::AddPartitionsToTxnResponse) -> Vec<(&str, i32, i16)> {
    let topics = answer.results_by_topic_v3_and_below.iter();
    topics
        .flat_map(|topic| {
            let partitions = topic.results_by_partition.iter();
            partitions.map(|p| (&**topic.name, p.partition_index, p.partition_error_code))
        })
        .collect()
}

#[test]
fn t41_one_topic_that_may_not_be_written_keeps_all_from_the_transaction() {
    let key = ApiKey::ADD_PARTITIONS_TO_TXN;
    for version in versions(key) {
        let answer = refused(key, version, &join("open", &["a", "closed"]));
        assert_eq!(joined(&answer), [("a", 5, 55), ("closed", 5, 29)]);
        let answer = refused(key, version, &join("closed", &["a", "closed"]));
        assert_eq!(joined(&answer), [("a", 5, 53), ("closed", 5, 53)]);
        passed(key, version, &join("open", &["a", "b"]));
    }
    // Newer versions are for brokers among themselves.
    for version in 4..=5 {
        let mut talk = Talk::begun("");
        talk.client(&request(key, version, 1, &m::AddPartitionsToTxnRequest::default()));
        assert_eq!(talk.refused(), CloseReason::Version { api: key, version });
    }
}

#[test]
fn t41_offsets_in_a_transaction_need_its_id_the_group_and_the_topics() {
    let key = ApiKey::TXN_OFFSET_COMMIT;
    let ask = |name, members, topics: &[&str]| {
        let partition = TxnOffsetCommitRequestPartition::default().with_partition_index(2);
        let topics = topics.iter().map(|name| {
            TxnOffsetCommitRequestTopic::default()
                .with_name(topic(name))
                .with_partitions(vec![partition.clone()])
        });
        m::TxnOffsetCommitRequest::default()
            .with_transactional_id(id(name))
            .with_group_id(group(members))
            .with_topics(topics.collect())
    };
    let codes = |answer: &m::TxnOffsetCommitResponse| -> Vec<(String, i16)> {
        let topics = answer.topics.iter();
        topics.map(|topic| (topic.name.to_string(), topic.partitions[0].error_code)).collect()
    };
    let row = |name: &str, code| (name.to_owned(), code);
    for version in versions(key) {
        let answer = refused(key, version, &ask("closed", "open", &["a", "b"]));
        assert_eq!(codes(&answer), [row("a", 53), row("b", 53)]);
        let answer = refused(key, version, &ask("open", "closed", &["a"]));
        assert_eq!(codes(&answer), [row("a", 30)]);
        let answer = refused(key, version, &ask("open", "open", &["closed"]));
        assert_eq!(codes(&answer), [row("closed", 29)]);
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask("open", "open", &["a", "closed"])));
        let sent: m::TxnOffsetCommitRequest = frames::decoded_request(&talk.to_broker()[0]);
        assert_eq!(sent, ask("open", "open", &["a"]));
        let mut from_broker = answer.clone();
        from_broker.topics[0].name = topic("a");
        from_broker.topics[0].partitions[0].error_code = 0;
        talk.broker(&response(key, version, 1, &from_broker));
        let answer = talk.answer(key, version);
        assert_eq!(codes(&answer), [row("closed", 29), row("a", 0)]);
        passed(key, version, &ask("open", "open", &["a", "b"]));
    }
}

#[test]
fn t41_transactions_are_shown_to_whoever_may_describe_them() {
    let key = ApiKey::DESCRIBE_TRANSACTIONS;
    let ask = m::DescribeTransactionsRequest::default()
        .with_transactional_ids(["a", "closed", "b"].map(id).to_vec());
    let mut talk = Talk::begun(RULES);
    talk.client(&request(key, 0, 1, &ask));
    let sent: m::DescribeTransactionsRequest = frames::decoded_request(&talk.to_broker()[0]);
    assert_eq!(sent.transactional_ids, ["a", "b"].map(id));
    let state = |name: &str, topics: &[&str]| {
        let topic = |name: &&str| TopicData::default().with_topic(topic(name));
        TransactionState::default()
            .with_transactional_id(id(name))
            .with_topics(topics.iter().map(topic).collect())
    };
    let answer = m::DescribeTransactionsResponse::default()
        .with_transaction_states(vec![state("a", &["x", "closed"]), state("b", &[])]);
    talk.broker(&response(key, 0, 1, &answer));
    let answer: m::DescribeTransactionsResponse = talk.answer(key, 0);
    let expected = [state("a", &["x"]), state("closed", &[]).with_error_code(53), state("b", &[])];
    assert_eq!(answer.transaction_states, expected);
    let ask = m::DescribeTransactionsRequest::default().with_transactional_ids(vec![id("closed")]);
    let answer: m::DescribeTransactionsResponse = refused(key, 0, &ask);
    assert_eq!(answer.transaction_states[0].error_code, 53);
    for version in versions(ApiKey::LIST_TRANSACTIONS) {
        let key = ApiKey::LIST_TRANSACTIONS;
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &m::ListTransactionsRequest::default()));
        let state = |name: &str| {
            m::list_transactions_response::TransactionState::default()
                .with_transactional_id(id(name))
        };
        let answer = m::ListTransactionsResponse::default()
            .with_transaction_states(["a", "closed", "b"].map(state).to_vec());
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::ListTransactionsResponse = talk.answer(key, version);
        assert_eq!(answer.transaction_states, ["a", "b"].map(state));
    }
}

#[test]
fn t41_producers_of_a_topic_are_shown_to_its_readers() {
    let key = ApiKey::DESCRIBE_PRODUCERS;
    let ask = |names: &[&str]| {
        let topic = |name: &&str| {
            m::describe_producers_request::TopicRequest::default()
                .with_name(topic(name))
                .with_partition_indexes(vec![1, 2])
        };
        m::DescribeProducersRequest::default().with_topics(names.iter().map(topic).collect())
    };
    passed(key, 0, &ask(&["a"]));
    let answer: m::DescribeProducersResponse = refused(key, 0, &ask(&["closed"]));
    let codes: Vec<(i32, i16)> =
        answer.topics[0].partitions.iter().map(|p| (p.partition_index, p.error_code)).collect();
    assert_eq!(codes, [(1, 29), (2, 29)]);
}

#[test]
fn t41_where_a_log_ends_is_told_topic_by_topic() {
    let key = ApiKey::LIST_OFFSETS;
    for version in 1..=10 {
        let ask = |names: &[&str]| {
            let topic = |name: &&str| {
                m::list_offsets_request::ListOffsetsTopic::default()
                    .with_name(topic(name))
                    .with_partitions(vec![
                        m::list_offsets_request::ListOffsetsPartition::default()
                            .with_partition_index(6),
                    ])
            };
            m::ListOffsetsRequest::default().with_topics(names.iter().map(topic).collect())
        };
        passed(key, version, &ask(&["a", "b"]));
        let answer: m::ListOffsetsResponse = refused(key, version, &ask(&["closed"]));
        let partition = &answer.topics[0].partitions[0];
        assert_eq!((partition.partition_index, partition.error_code), (6, 29));
        assert_eq!((partition.timestamp, partition.offset, partition.leader_epoch), (-1, -1, -1));
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask(&["closed", "a"])));
        let sent: m::ListOffsetsRequest = frames::decoded_request(&talk.to_broker()[0]);
        assert_eq!(sent, ask(&["a"]));
        let mut from_broker = answer.clone();
        from_broker.topics[0].name = topic("a");
        talk.broker(&response(key, version, 1, &from_broker));
        let answer: m::ListOffsetsResponse = talk.answer(key, version);
        let names: Vec<&str> = answer.topics.iter().map(|topic| &**topic.name).collect();
        assert_eq!(names, ["a", "closed"]);
        // v11 is written as v10 is, and the protocol crate does not know it.
        if version == 10 {
            let body = crate::wire::codec::encode(key, 10, &ask(&["closed"])).unwrap();
            let mut talk = Talk::begun(RULES);
            talk.client(&frames::raw_request(key.0, 11, 1, &body));
            assert_eq!((talk.to_broker().len(), talk.answered()), (0, vec![1]));
        }
    }
    let key = ApiKey::OFFSET_FOR_LEADER_EPOCH;
    for version in versions(key) {
        let ask = |name| {
            m::OffsetForLeaderEpochRequest::default().with_topics(vec![
                m::offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
                    .with_topic(topic(name))
                    .with_partitions(vec![
                        m::offset_for_leader_epoch_request::OffsetForLeaderPartition::default(),
                    ]),
            ])
        };
        passed(key, version, &ask("a"));
        let answer: m::OffsetForLeaderEpochResponse = refused(key, version, &ask("closed"));
        let partition = &answer.topics[0].partitions[0];
        assert_eq!(
            (partition.error_code, partition.leader_epoch, partition.end_offset),
            (29, -1, -1)
        );
    }
}

//! librdkafka and kafka-python.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::testcontainers::Python;
use crate::{GATEWAY, LIMIT, topics};

fn config() -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", GATEWAY.bootstrap());
    settings
}

fn consumer(protocol: &str, group: &str) -> BaseConsumer {
    let mut settings = config();
    settings.set("group.id", group).set("group.protocol", protocol);
    settings.set("enable.auto.commit", "false");
    settings.create().unwrap()
}

/// The first error of a consumer that joins this group.
fn first_error(protocol: &str, group: &str, topic: &str) -> RDKafkaErrorCode {
    let consumer = consumer(protocol, group);
    consumer.subscribe(&[topic]).unwrap();
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(100)) {
            return error.rdkafka_error_code().unwrap();
        }
    }
    panic!("{protocol} {group} {topic}: no error")
}

#[test]
fn t41_librdkafka_is_told_of_groups_and_topics() {
    let [open, closed] = topics("rdkafka");
    for protocol in ["classic", "consumer"] {
        let error = first_error(protocol, &closed, &open);
        assert_eq!(error, RDKafkaErrorCode::GroupAuthorizationFailed, "{protocol}");
        let error = first_error(protocol, &format!("{open}-{protocol}"), &closed);
        assert_eq!(error, RDKafkaErrorCode::TopicAuthorizationFailed, "{protocol}");
    }
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&open, 0, Offset::Offset(0)).unwrap();
    let by_hand = consumer("classic", &format!("{closed}-by-hand"));
    // It never learns the coordinator of a group that it may not describe.
    let error = by_hand.commit(&offsets, CommitMode::Sync).unwrap_err();
    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::WaitingForCoordinator));
    consumer("classic", &format!("{open}-by-hand")).commit(&offsets, CommitMode::Sync).unwrap();
}

#[test]
fn t42_librdkafka_is_told_of_a_transactional_id() {
    let producer = |id: &str| {
        let mut settings = config();
        let producer: BaseProducer = settings.set("transactional.id", id).create().unwrap();
        producer.init_transactions(LIMIT)
    };
    producer("open-rdkafka").unwrap();
    let Err(KafkaError::Transaction(error)) = producer("closed-rdkafka") else {
        panic!("the id is not to be had")
    };
    assert_eq!(error.code(), RDKafkaErrorCode::TransactionalIdAuthorizationFailed);
}

const KAFKA_PYTHON: &str = r#"
import sys
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata
from kafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
address, opened, closed = sys.argv[1:]

def told(group, topic):
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=group)
    consumer.subscribe([topic])
    for _ in range(600):
        consumer.poll(100)
        if consumer.assignment():
            return "joined"

def commit(group, topic):
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=group)
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(0, "", -1)})
    return "committed"

for attempt, group, topic in [
    (told, opened, opened), (told, closed, opened),
    (commit, opened + "-by-hand", opened), (commit, closed, opened),
    (commit, opened + "-by-hand", closed),
]:
    try:
        print(attempt(group, topic))
    except Exception as error:
        print(type(error).__name__)
"#;

#[test]
fn t41_kafka_python_is_told_of_groups_and_topics() {
    let [open, closed] = topics("python");
    let python = Python::environment().limit(LIMIT);
    let address = GATEWAY.bootstrap();
    let done = python.evaluate(KAFKA_PYTHON, &[&address, &open, &closed]);
    let expected = [
        "joined",
        "GroupAuthorizationFailedError",
        "committed",
        "GroupAuthorizationFailedError",
        "TopicAuthorizationFailedError",
    ];
    assert_eq!(done.lines(), expected, "{}", done.explain());
}

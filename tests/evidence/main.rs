//! Evidence, from a real broker to what an auditor reads: every kind of row with its columns, the
//! files that foreign readers open, a log that takes no rows, and the end of the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{CreateTopicsRequest, FetchRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod drain;
mod rows;
mod unwritable;

use testcontainers::wire::batch;
use testcontainers::{Gateway, Kafka, KafkaSettings, Lockgate, Wire};

/// One broker for all tests; each has topics and a gateway of its own.
static KAFKA: LazyLock<Kafka> = LazyLock::new(|| Kafka::start(&KafkaSettings::one_node()));

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn creation(names: &[&str]) -> CreateTopicsRequest {
    let topics = names.iter().map(|name| {
        let topic = CreatableTopic::default().with_name(topic_name(name));
        topic.with_num_partitions(2).with_replication_factor(1)
    });
    CreateTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(30_000)
}

/// Creates a topic of two partitions on the broker itself.
fn create_topic(name: &str) {
    let answer = Wire::connect(&KAFKA.direct_bootstrap()).ask(7, &creation(&[name]));
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0), "{answer:?}");
    KAFKA.leaders(name);
}

/// A Produce of one batch for each partition.
fn produce(topic: &str, batches: &[(i32, &[&str])]) -> ProduceRequest {
    let partitions = batches.iter().map(|(index, values)| {
        let data = PartitionProduceData::default().with_index(*index);
        data.with_records(Some(batch(values)))
    });
    let topic = TopicProduceData::default()
        .with_name(topic_name(topic))
        .with_partition_data(partitions.collect());
    ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic])
}

/// A Fetch of one partition from its start, in no session.
fn fetch(topic: &str, partition: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(0)
        .with_current_leader_epoch(-1)
        .with_log_start_offset(-1)
        .with_partition_max_bytes(1 << 20);
    let topic =
        FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

/// A connection to the broker's port of a gateway.
fn connect(gateway: &Gateway) -> Wire {
    Wire::connect(&gateway.broker(1))
}

/// The rows that `lockgate audit show` gives out, oldest first.
fn rows(lockgate: &Lockgate, filters: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["audit", "show", "--dir", "audit", "--format", "json"];
    arguments.extend(filters);
    lockgate.command(&arguments).expect_success().json_lines()
}

/// The numbers of all rows begin with 1 and have no gap.
fn assert_gapless(rows: &[Value]) {
    let seqs: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=rows.len() as u64).collect::<Vec<_>>());
}

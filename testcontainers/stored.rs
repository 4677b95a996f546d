//! What is in a partition, read from its start to its end.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_mins(1);

/// A record as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub offset: i64,
    pub key: Option<String>,
    pub value: Option<String>,
}

/// Every record of one partition that a reader of committed records sees, in order.
pub fn stored(bootstrap: &str, topic: &str, partition: i32) -> Vec<StoredRecord> {
    stored_with(bootstrap, topic, partition, &[])
}

/// The same, by a client with these properties of librdkafka.
pub fn stored_with(
    bootstrap: &str,
    topic: &str,
    partition: i32,
    properties: &[(&str, &str)],
) -> Vec<StoredRecord> {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "stored")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed");
    for (name, value) in properties {
        settings.set(*name, *value);
    }
    let consumer: BaseConsumer = settings.create().expect("a consumer");
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
    consumer.assign(&places).expect("an assignment");
    let deadline = Instant::now() + PATIENCE;
    let mut records = Vec::new();
    while Instant::now() < deadline {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(StoredRecord {
                offset: message.offset(),
                key: message.key().map(text),
                value: message.payload().map(text),
            }),
            Some(Err(KafkaError::PartitionEOF(_))) => return records,
            // librdkafka reports what it tries again by itself.
            Some(Err(_)) | None => {}
        }
    }
    panic!("{topic}-{partition} did not end within {PATIENCE:?}; {} records came", records.len());
}

/// Their values, in order; a tombstone is an empty text.
pub fn values(records: &[StoredRecord]) -> Vec<&str> {
    records.iter().map(|record| record.value.as_deref().unwrap_or_default()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! Records that a reader does not get, and records that are not there any more: every client's
//! position still moves on to the end, also behind a batch of which nothing is left.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::Value;

use crate::testcontainers::{ClientProperties, Gateway, JavaTools, Python, stored, values};
use crate::{KAFKA, masking_gateway, payments};

const LIMIT: Duration = Duration::from_secs(60);
/// No JSON: `on_undecodable: drop` leaves it out.
const UNDECODABLE: &str = "no document at all";

/// Creates a topic at the broker and puts these batches into it.
fn fill(topic: &str, settings: &[&str], codec: &str, batches: &[Vec<(&str, &str)>]) {
    let tools = JavaTools::new(KAFKA.jars(), &KAFKA.direct_bootstrap(), ClientProperties::plain());
    tools.create_topic(topic, 1, 1, settings).expect_success();
    KAFKA.leaders(topic);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", KAFKA.direct_bootstrap())
        .set("compression.type", codec)
        // All that is sent before a flush is one batch.
        .set("linger.ms", "10000")
        .create()
        .unwrap();
    for batch in batches {
        for (key, value) in batch {
            producer.send(BaseRecord::to(topic).key(*key).payload(*value)).unwrap();
        }
        producer.flush(LIMIT).unwrap();
    }
}

fn java_to_the_end(gateway: &Gateway, topic: &str, isolation: &str) -> Vec<Value> {
    let properties = ClientProperties::plain().set("isolation.level", isolation);
    let tools = JavaTools::new(KAFKA.jars(), &gateway.bootstrap(), properties);
    tools.java_program("ReadToEnd.java", &[topic]).expect_success().json_lines()
}

#[test]
fn readers_pass_a_batch_of_which_every_record_is_left_out() {
    let gateway = masking_gateway();
    let [good, ..] = &payments()[..] else { panic!("payments") };
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("payments.holes-{codec}.captured");
        let bad = vec![("k", UNDECODABLE); 10];
        let batches =
            [bad.clone(), vec![("k", good)], bad.clone(), bad.clone(), vec![("k", good)], bad];
        fill(&topic, &[], codec, &batches);
        // It waits for the end of the partition, which comes only when the position reaches it.
        let records = stored(&gateway.bootstrap(), &topic, 0);
        let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
        assert_eq!(offsets, [10, 31], "{codec}: {records:?}");
        assert!(values(&records).iter().all(|value| value.contains("************")), "{records:?}");
    }
}

#[test]
fn java_passes_it_too() {
    let gateway = masking_gateway();
    let [good, ..] = &payments()[..] else { panic!("payments") };
    for codec in ["none", "zstd"] {
        let topic = format!("payments.java-holes-{codec}.captured");
        let bad = vec![("k", UNDECODABLE); 10];
        let batches = [bad.clone(), vec![("k", good)], bad.clone(), bad];
        fill(&topic, &[], codec, &batches);
        for isolation in ["read_uncommitted", "read_committed"] {
            let lines = java_to_the_end(&gateway, &topic, isolation);
            assert_eq!(lines.len(), 2, "{codec}, {isolation}: {lines:?}");
            assert_eq!(lines[0]["offset"], 10);
            assert_eq!((&lines[1]["position"], &lines[1]["end"]), (&31.into(), &31.into()));
        }
    }
}

#[test]
fn kafka_python_and_confluent_kafka_pass_it_too() {
    let gateway = masking_gateway();
    let [good, ..] = &payments()[..] else { panic!("payments") };
    let topic = "payments.python-holes.captured";
    let bad = vec![("k", UNDECODABLE); 10];
    fill(topic, &[], "lz4", &[bad.clone(), bad, vec![("k", good)]]);
    for client in ["confluent", "kafka-python"] {
        let bootstrap = gateway.bootstrap();
        let arguments = [
            ["--bootstrap", &bootstrap],
            ["--topic", topic],
            ["--client", client],
            ["--count", "1"],
        ];
        let arguments = [&["consume"], arguments.as_flattened()].concat();
        let read = Python::environment().run("produce_consume.py", &arguments).expect_success();
        let records = read.json_lines();
        assert_eq!(records[0]["offset"], 20, "{client}: {records:?}");
    }
}

#[test]
fn a_compacted_partition_is_read_with_its_holes() {
    let gateway = masking_gateway();
    let topic = "payments.compacted.captured";
    let all = payments();
    let [first, second, third] = &all[..] else { panic!("payments") };
    let settings = [
        "cleanup.policy=compact",
        "segment.ms=100",
        "max.compaction.lag.ms=100",
        "min.cleanable.dirty.ratio=0.01",
    ];
    // The first two batches lose some or all of their records to the third.
    let batches = [
        vec![("a", &**first), ("b", first), ("c", first)],
        vec![("a", second), ("b", second)],
        vec![("a", third), ("b", third)],
    ];
    fill(topic, &settings, "zstd", &batches);
    let compacted = || {
        // Only a segment that a later record has closed is compacted.
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", KAFKA.direct_bootstrap())
            .create()
            .unwrap();
        producer.send(BaseRecord::to(topic).key("d").payload(third.as_str())).unwrap();
        producer.flush(LIMIT).unwrap();
        let kept = stored(&KAFKA.direct_bootstrap(), topic, 0);
        let offsets: Vec<i64> = kept.iter().map(|record| record.offset).take(3).collect();
        if offsets == [2, 5, 6] { Ok(kept) } else { Err(format!("{offsets:?}")) }
    };
    crate::testcontainers::process::until("a compaction", LIMIT, compacted);
    let direct = stored(&KAFKA.direct_bootstrap(), topic, 0);
    let through = stored(&gateway.bootstrap(), topic, 0);
    let keys = |records: &[crate::testcontainers::StoredRecord]| -> Vec<(i64, Option<String>)> {
        records.iter().map(|record| (record.offset, record.key.clone())).collect()
    };
    assert_eq!(keys(&through), keys(&direct));
    assert!(values(&through).iter().all(|value| value.contains("************")), "{through:?}");
    let lines = java_to_the_end(&gateway, topic, "read_committed");
    let (end, records) = lines.split_last().unwrap();
    assert_eq!(records.len(), direct.len());
    assert_eq!(end["position"], end["end"]);
}

//! Five codecs, three kinds of producer, four client libraries: what a reader sees is the same for
//! all of them, as produced without a rule and masked with one.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::testcontainers::stored::stored_with;
use crate::testcontainers::{ClientProperties, Gateway, JavaTools, Python, Scratch, stored};
use crate::{KAFKA, assert_clear, assert_masked, clear_gateway, masking_gateway, payments};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn python_clients_without_a_rule() {
    python(&clear_gateway(), "payments.python-clear.captured", assert_clear);
}

#[test]
fn python_clients_with_a_mask() {
    python(&masking_gateway(), "payments.python-masked.captured", assert_masked);
}

/// confluent-kafka and kafka-python produce in thirty ways and read back in three.
fn python(gateway: &Gateway, topic: &str, check: fn(&BTreeSet<String>)) {
    let scratch = Scratch::new("records");
    let lines = (0..).zip(payments()).map(|(index, value)| {
        let key = format!("key-{index}");
        let record = serde_json::json!({"key": key, "value": value, "headers": [["h", "v"]]});
        record.to_string() + "\n"
    });
    let records = scratch.write("records.jsonl", &lines.collect::<String>());
    create(gateway, topic);
    let arguments = [
        ["--bootstrap", &gateway.bootstrap()],
        ["--topic", topic],
        ["--records", &records.to_string_lossy()],
    ];
    let mut all = vec!["matrix"];
    all.extend(arguments.as_flattened());
    let finished = Python::environment().run("produce_consume.py", &all).expect_success();
    let lines = finished.json_lines();
    let (produced, consumed): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line["step"] == "produce");
    assert_eq!(produced.len(), 2 * CODECS.len() * 3);
    for line in &produced {
        assert_eq!(line["delivered"], payments().len(), "{line}");
    }
    assert_eq!(consumed.len(), 3, "both protocols of librdkafka, the classic one of kafka-python");
    for line in consumed {
        assert_eq!(line["consumed"], 30 * payments().len(), "{line}");
        let values = line["values"].as_array().unwrap().iter();
        check(&values.map(|value| value.as_str().unwrap().to_owned()).collect());
    }
    assert_stored_clear(topic, 30);
}

#[test]
fn java_clients_without_a_rule() {
    java(&clear_gateway(), "payments.java-clear.captured", assert_clear);
}

#[test]
fn java_clients_with_a_mask() {
    java(&masking_gateway(), "payments.java-masked.captured", assert_masked);
}

fn java(gateway: &Gateway, topic: &str, check: fn(&BTreeSet<String>)) {
    create(gateway, topic);
    let tools = JavaTools::new(KAFKA.jars(), &gateway.bootstrap(), ClientProperties::plain());
    let mut arguments = vec![topic.to_owned()];
    arguments.extend(payments());
    let produced = tools.java_program("ProduceMatrix.java", &arguments).expect_success();
    assert_eq!(produced.json_lines().len(), CODECS.len() * 3);
    let count = 15 * payments().len();
    for (protocol, isolation) in [
        ("classic", "read_committed"),
        ("consumer", "read_committed"),
        ("consumer", "read_uncommitted"),
    ] {
        let group = format!("{topic}-{protocol}-{isolation}");
        let arguments = [topic, &count.to_string(), protocol, isolation, &group];
        let read = tools.java_program("Consume.java", &arguments).expect_success();
        let records = read.json_lines();
        assert_eq!(records.len(), count, "{protocol}, {isolation}");
        let values = records.iter().map(|record| record["value"].as_str().unwrap().to_owned());
        check(&values.collect());
    }
    assert_stored_clear(topic, 15);
}

#[test]
fn rust_clients_without_a_rule() {
    rust(&clear_gateway(), "payments.rust-clear.captured", assert_clear);
}

#[test]
fn rust_clients_with_a_mask() {
    rust(&masking_gateway(), "payments.rust-masked.captured", assert_masked);
}

fn rust(gateway: &Gateway, topic: &str, check: fn(&BTreeSet<String>)) {
    create(gateway, topic);
    for codec in CODECS {
        for mode in ["plain", "idempotent", "transactional"] {
            produce(gateway, topic, codec, mode);
        }
    }
    for isolation in ["read_committed", "read_uncommitted"] {
        let properties = [("isolation.level", isolation)];
        let records = stored_with(&gateway.bootstrap(), topic, 0, &properties);
        assert_eq!(records.len(), 15 * payments().len(), "{isolation}");
        check(&records.into_iter().filter_map(|record| record.value).collect());
    }
    assert_stored_clear(topic, 15);
}

fn produce(gateway: &Gateway, topic: &str, codec: &str, mode: &str) {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", gateway.bootstrap())
        .set("compression.type", codec)
        .set("linger.ms", "50")
        .set("enable.idempotence", if mode == "plain" { "false" } else { "true" });
    let transactional = mode == "transactional";
    if transactional {
        settings.set("transactional.id", format!("{topic}-{codec}"));
    }
    let producer: BaseProducer = settings.create().unwrap();
    if transactional {
        producer.init_transactions(LIMIT).unwrap();
        producer.begin_transaction().unwrap();
    }
    for value in payments() {
        producer.send(BaseRecord::<(), str>::to(topic).payload(&value)).unwrap();
    }
    if transactional {
        producer.commit_transaction(LIMIT).unwrap();
    } else {
        producer.flush(LIMIT).unwrap();
    }
}

/// Creates it through the gateway, with one partition.
fn create(gateway: &Gateway, topic: &str) {
    let tools = JavaTools::new(KAFKA.jars(), &gateway.bootstrap(), ClientProperties::plain());
    tools.create_topic(topic, 1, 1, &[]).expect_success();
    KAFKA.leaders(topic);
}

/// Masks are for readers: what lies in the broker is what was produced.
fn assert_stored_clear(topic: &str, times: usize) {
    let records = stored(&KAFKA.direct_bootstrap(), topic, 0);
    assert_eq!(records.len(), times * payments().len());
    assert_clear(&records.into_iter().filter_map(|record| record.value).collect());
}

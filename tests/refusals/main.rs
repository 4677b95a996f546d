//! What is refused, as real clients see it: a produce refused partition by partition, producers
//! that go on afterwards, transactions, `acks=0`, and topics that may not be created.
//!
//! The rules are those of `policies/`: a payment without an amount of 0 or more, a card number in a
//! support ticket, a topic with a name that is not `domain.entity.event`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod frames;
mod idempotence;
mod partitions;
mod topics;
mod transactions;

use testcontainers::{
    ClientProperties, Gateway, GatewaySettings, JavaTools, Kafka, KafkaSettings, Python, Scratch,
};

/// One broker for all tests; each has topics and a gateway of its own. Topics of two partitions,
/// created by whoever asks for them, as brokers out of the box do it.
static KAFKA: LazyLock<Kafka> = LazyLock::new(|| {
    Kafka::start(
        &KafkaSettings::one_node()
            .property("num.partitions", 2)
            .property("auto.create.topics.enable", true),
    )
});

/// A gateway with the shipped policies.
fn gateway(groups: &[&str]) -> Gateway {
    GatewaySettings::before(&KAFKA).shipped_policies().groups(groups).start()
}

/// Java clients of a gateway.
fn java(bootstrap: &str, properties: ClientProperties) -> JavaTools {
    JavaTools::new(KAFKA.jars(), bootstrap, properties)
}

/// Creates a topic at the broker itself.
fn create_topic(topic: &str, partitions: i32, settings: &[(&str, &str)]) {
    use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
    use rdkafka::client::DefaultClientContext;

    let admin: AdminClient<DefaultClientContext> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", KAFKA.direct_bootstrap())
        .create()
        .unwrap();
    let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for (name, value) in settings {
        wanted = wanted.set(name, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let created = runtime.block_on(admin.create_topics([&wanted], &AdminOptions::new())).unwrap();
    assert!(created[0].is_ok(), "{created:?}");
    KAFKA.leaders(topic);
}

/// Runs `produce` of the Python script over these values, all of partition 0.
fn produce_with_librdkafka(
    bootstrap: &str,
    topic: &str,
    values: &[String],
    arguments: &[&str],
) -> Vec<serde_json::Value> {
    let scratch = Scratch::new("records");
    let lines = values
        .iter()
        .map(|value| serde_json::json!({"value": value, "partition": 0}).to_string() + "\n");
    let records = scratch.write("records.jsonl", &lines.collect::<String>());
    let records = records.to_string_lossy();
    let mut all = vec!["produce", "--bootstrap", bootstrap, "--topic", topic];
    all.extend(["--records", &*records]);
    all.extend(arguments);
    let produced = Python::environment().run("produce_consume.py", &all).expect_success();
    produced.json_lines()
}

/// A payment that the policy lets through, and one that it refuses.
fn payment(id: &str) -> String {
    format!(r#"{{"id":"{id}","amount":12.5}}"#)
}

fn refused_payment(id: &str) -> String {
    format!(r#"{{"id":"{id}","amount":-1}}"#)
}

/// The rule that refuses it.
const PAYMENT_RULE: &str = "payment-needs-an-amount";

//! Groups, transactional ids and topics that may not be used, as Kafka's own clients, librdkafka
//! and kafka-python are told of them: what Kafka's own authorizer would have told them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;
use std::time::Duration;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;
// The messages of the session's own tests.
#[path = "../../src/session/tests/streams_messages.rs"]
#[allow(dead_code, reason = "these tests use their part of it")]
mod streams_messages;

mod java;
mod others;
mod streams;

use testcontainers::{ClientProperties, Gateway, GatewaySettings, JavaTools, Kafka, KafkaSettings};

const LIMIT: Duration = Duration::from_mins(3);

/// Nobody may use what is called `closed-…`.
const POLICY: &str = r#"apiVersion: policy/v1
kind: Policy
metadata: {name: access}
spec:
  rules:
    - id: no-group
      match: {direction: consume, consumer_groups: ["closed-*"]}
      action: {deny: {}}
    - id: no-read
      match: {direction: consume, topics: ["closed-*"]}
      action: {deny: {}}
    - id: no-write
      match: {direction: produce, topics: ["closed-*"]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
    - id: no-transaction
      match: {direction: produce, transactional_ids: ["closed-*"]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
  permits:
    - id: streams
      principals: {users: [tester]}
      apis: [CreateTopics]
      topics: ["open-*"]
"#;

static KAFKA: LazyLock<Kafka> = LazyLock::new(|| Kafka::start(&KafkaSettings::one_node()));

/// One gateway for all tests; each has topics and groups of its own.
static GATEWAY: LazyLock<Gateway> =
    LazyLock::new(|| GatewaySettings::before(&KAFKA).policy("access.yaml", POLICY).start());

/// Kafka's tools beside Lockgate.
fn direct() -> JavaTools {
    JavaTools::new(KAFKA.jars(), &KAFKA.bootstrap(), ClientProperties::plain()).limit(LIMIT)
}

/// Kafka's tools through it.
fn through() -> JavaTools {
    JavaTools::new(KAFKA.jars(), &GATEWAY.bootstrap(), ClientProperties::plain()).limit(LIMIT)
}

/// `open-NAME` and `closed-NAME`: topics with one partition.
fn topics(name: &str) -> [String; 2] {
    ["open", "closed"].map(|state| {
        let topic = format!("{state}-{name}");
        direct().create_topic(&topic, 1, 1, &[]).expect_success();
        KAFKA.leaders(&topic);
        topic
    })
}

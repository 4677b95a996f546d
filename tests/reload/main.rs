//! A change of the policies takes effect on connections that are open, without reconnecting; one
//! that does not load leaves the last good set in force, and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::File;
use std::sync::LazyLock;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

use testcontainers::process::{text_of, until};
use testcontainers::{ClientProperties, Gateway, GatewaySettings, JavaTools, Kafka, KafkaSettings};
use testcontainers::{Scratch, stored};

const LIMIT: Duration = Duration::from_mins(1);

static KAFKA: LazyLock<Kafka> = LazyLock::new(|| Kafka::start(&KafkaSettings::one_node()));

const CLEAR: &str = r#"{"id":1,"pan":"4111111111111111"}"#;
const MASKED: &str = r#"{"id":1,"pan":"[card]"}"#;

/// A policy with this rule.
fn policy(rule: &str) -> String {
    format!(
        "apiVersion: policy/v1\nkind: Policy\n\
         metadata: {{name: changing, version: 1.0.0, owner: tests@acme.example}}\n\
         spec:\n  rules:\n{rule}"
    )
}

/// Touches no topic of these tests.
fn idle() -> String {
    mask_of("another.topic")
}

fn mask_of(topic: &str) -> String {
    policy(&format!(
        "    - id: card\n      match: {{direction: consume, topics: [{topic}]}}\n      \
         select: [{{path: $.pan}}]\n      action: {{mask: {{with: redact, label: \"[card]\"}}}}\n"
    ))
}

fn denial_of(direction: &str, topic: &str) -> String {
    policy(&format!(
        "    - id: closed\n      match: {{direction: {direction}, topics: [{topic}]}}\n      \
         action: {{deny: {{}}}}\n"
    ))
}

/// A gateway with one policy file that changes nothing yet.
fn gateway() -> Gateway {
    GatewaySettings::before(&KAFKA).policy("changing.yaml", idle()).start()
}

/// Replaces the policy and waits until it is in force.
fn change(gateway: &Gateway, text: &str) {
    let before = gateway.status()["policy"]["revision"].clone();
    gateway.lockgate().write("policies/changing.yaml", text);
    until("another policy revision", LIMIT, || {
        let now = gateway.status()["policy"]["revision"].clone();
        if now == before { Err(now.to_string()) } else { Ok(()) }
    });
}

/// A topic with one partition, made at the broker.
fn create(topic: &str) {
    let tools = JavaTools::new(KAFKA.jars(), &KAFKA.direct_bootstrap(), ClientProperties::plain());
    tools.create_topic(topic, 1, 1, &[]).expect_success();
    KAFKA.leaders(topic);
}

fn producer(bootstrap: &str) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .create()
        .unwrap()
}

/// Produces one record to the broker itself.
fn produce(topic: &str) {
    let producer = producer(&KAFKA.direct_bootstrap());
    producer.send(BaseRecord::<(), str>::to(topic).payload(CLEAR)).unwrap();
    producer.flush(LIMIT).unwrap();
}

fn accepted(gateway: &Gateway) -> f64 {
    gateway.metric("lockgate_connections_accepted_total")
}

#[test]
fn a_java_consumer_in_the_middle_of_its_session() {
    let topic = "shop.reload.java";
    create(topic);
    let gateway = gateway();
    let tools = JavaTools::new(KAFKA.jars(), &gateway.bootstrap(), ClientProperties::plain());
    let arguments = [topic, "6", "consumer", "read_committed", "reload-java"];
    let scratch = Scratch::new("consumer");
    let (output, errors) = (scratch.path().join("out"), scratch.path().join("err"));
    let mut consumer = tools
        .program("Consume.java", &arguments)
        .spawn(File::create(&output).unwrap(), File::create(&errors).unwrap());
    let read = |count: usize| -> Vec<String> {
        produce(topic);
        produce(topic);
        until("records at the consumer", LIMIT, || {
            let text = text_of(&output);
            if text.lines().filter(|line| line.ends_with('}')).count() < count {
                return Err(format!("{text}\n{}", text_of(&errors)));
            }
            let lines = text.lines().map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["value"].as_str().unwrap().to_owned()
            });
            Ok(lines.collect())
        })
    };
    assert_eq!(read(2), [CLEAR; 2]);
    let connections = accepted(&gateway);
    change(&gateway, &mask_of(topic));
    assert_eq!(read(4)[2..], [MASKED; 2]);
    change(&gateway, &idle());
    assert_eq!(read(6)[4..], [CLEAR; 2]);
    assert!(consumer.wait(LIMIT).is_some_and(|status| status.success()), "{}", text_of(&errors));
    assert!((accepted(&gateway) - connections).abs() < 0.5, "the consumer has reconnected");
}

#[test]
fn a_librdkafka_consumer_in_the_middle_of_its_session() {
    let topic = "shop.reload.librdkafka";
    create(topic);
    let gateway = gateway();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", gateway.bootstrap())
        .set("group.id", "reload-librdkafka")
        .create()
        .unwrap();
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&places).unwrap();
    let next = || {
        until("a record or a refusal", LIMIT, || match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                Ok(String::from_utf8(message.payload().unwrap().to_vec()).unwrap())
            }
            Some(Err(KafkaError::MessageConsumption(code))) => Ok(format!("{code:?}")),
            other => Err(format!("{other:?}")),
        })
    };
    produce(topic);
    assert_eq!(next(), CLEAR);
    let connections = accepted(&gateway);
    change(&gateway, &mask_of(topic));
    produce(topic);
    assert_eq!(next(), MASKED);
    change(&gateway, &denial_of("consume", topic));
    produce(topic);
    assert_eq!(next(), format!("{:?}", RDKafkaErrorCode::TopicAuthorizationFailed));
    change(&gateway, &idle());
    // What was denied meanwhile was not lost: the position stayed where it was.
    assert_eq!(next(), CLEAR);
    produce(topic);
    assert_eq!(next(), CLEAR);
    assert!((accepted(&gateway) - connections).abs() < 0.5, "the consumer has reconnected");
}

#[test]
fn a_producer_that_is_refused_while_a_rule_is_in_force() {
    let topic = "shop.reload.producer";
    create(topic);
    let gateway = gateway();
    let producer: BaseProducer<Answers> = ClientConfig::new()
        .set("bootstrap.servers", gateway.bootstrap())
        .set("enable.idempotence", "true")
        .create_with_context(Answers::default())
        .unwrap();
    let send = || {
        producer.send(BaseRecord::<(), str>::to(topic).payload(CLEAR)).unwrap();
        producer.flush(LIMIT).unwrap();
        producer.context().0.lock().unwrap().pop().unwrap()
    };
    assert_eq!(send(), Ok(()));
    let connections = accepted(&gateway);
    change(&gateway, &denial_of("produce", topic));
    assert_eq!(send(), Err(RDKafkaErrorCode::PolicyViolation));
    change(&gateway, &idle());
    assert_eq!(send(), Ok(()));
    assert!((accepted(&gateway) - connections).abs() < 0.5, "the producer has reconnected");
    assert_eq!(stored(&KAFKA.direct_bootstrap(), topic, 0).len(), 2);
}

/// What became of each record.
#[derive(Default)]
struct Answers(std::sync::Mutex<Vec<Result<(), RDKafkaErrorCode>>>);

impl rdkafka::client::ClientContext for Answers {}

impl rdkafka::producer::ProducerContext for Answers {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &rdkafka::message::DeliveryResult<'_>, (): ()) {
        let answer = result.as_ref().map(|_message| ()).map_err(|(error, _message)| {
            error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)
        });
        self.0.lock().unwrap().push(answer);
    }
}

#[test]
fn a_change_that_does_not_load_keeps_the_last_good_set_and_says_so_everywhere() {
    let topic = "shop.reload.bad";
    create(topic);
    produce(topic);
    let gateway = gateway();
    change(&gateway, &mask_of(topic));
    let good = gateway.status()["policy"]["revision"].clone();
    let value = || stored(&gateway.bootstrap(), topic, 0)[0].value.clone();
    assert_eq!(value().as_deref(), Some(MASKED));
    for (bad, problem) in [
        (mask_of(topic).replace("select:", "selct:"), "selct"),
        (mask_of(topic).replace("with: redact", "with: shuffle"), "shuffle"),
        ("spec: [".to_owned(), "changing.yaml"),
        (String::new(), "changing.yaml"),
    ] {
        let failures = gateway.metric("lockgate_policy_loads_total");
        gateway.lockgate().write("policies/changing.yaml", &bad);
        until("a load that fails, and /status that says so", LIMIT, || {
            let error = gateway.status()["policy"]["last_error"]["message"].clone();
            let is_counted = gateway.metric("lockgate_policy_loads_total") > failures;
            match error.as_str() {
                Some(text) if is_counted && text.contains(problem) => Ok(()),
                _ => Err(error.to_string()),
            }
        });
        let status = gateway.status();
        let message = status["policy"]["last_error"]["message"].as_str().unwrap();
        // File, line and column; an empty file has none.
        let place = if bad.is_empty() { "changing.yaml" } else { "changing.yaml:" };
        assert!(message.contains(place), "{message}");
        assert_eq!(status["policy"]["revision"], good);
        assert!((gateway.metric("lockgate_policy_load_failed") - 1.0).abs() < 0.5);
        gateway.lockgate().wait_for_line("a bad change of policies is not in force", LIMIT);
        assert!(gateway.lockgate().stderr().contains(problem), "{}", gateway.lockgate().stderr());
        assert_eq!(value().as_deref(), Some(MASKED), "the last good set is in force");
    }
    change(&gateway, &idle());
    assert!(gateway.status()["policy"]["last_error"].is_null());
    assert!(gateway.metric("lockgate_policy_load_failed") < 0.5);
    assert_eq!(value().as_deref(), Some(CLEAR));
}

/// The very same set again, after a bad one: nothing is replaced, and nothing is wrong any more.
#[test]
fn the_last_good_files_put_back_end_the_failure() {
    let gateway = gateway();
    gateway.lockgate().write("policies/changing.yaml", "spec: [");
    let failed = || gateway.metric("lockgate_policy_load_failed");
    until("a load that fails", LIMIT, || if failed() > 0.5 { Ok(()) } else { Err(String::new()) });
    gateway.lockgate().write("policies/changing.yaml", &idle());
    until("the end of the failure", LIMIT, || {
        let status = gateway.status();
        let is_over = failed() < 0.5 && status["policy"]["last_error"].is_null();
        if is_over { Ok(()) } else { Err(status.to_string()) }
    });
}

//! An idempotent producer goes on after a refusal: sequences and epochs are the client's affair,
//! and nothing is lost, repeated or out of order.

use serde_json::Value;

use crate::testcontainers::{ClientProperties, stored, values};
use crate::{
    KAFKA, create_topic, gateway, java, payment, produce_with_librdkafka, refused_payment,
};

const RECORDS: usize = 60;

/// Payments of which the first is refused, and after it every seventh.
fn payments() -> Vec<String> {
    let one = |number: usize| match number % 7 {
        0 => refused_payment(&number.to_string()),
        _ => payment(&number.to_string()),
    };
    (0..RECORDS).map(one).collect()
}

fn allowed() -> Vec<String> {
    payments().into_iter().filter(|value| !value.contains("-1")).collect()
}

fn assert_all_and_only_the_allowed_are_stored(topic: &str) {
    let kept = stored(&KAFKA.direct_bootstrap(), topic, 0);
    assert_eq!(values(&kept), allowed());
}

fn produce_with_java(topic: &str, mode: &str, properties: ClientProperties) -> Vec<Value> {
    create_topic(topic, 1, &[]);
    let gateway = gateway(&[]);
    let mut arguments = vec![topic.to_owned(), mode.to_owned()];
    arguments.extend(payments().iter().map(|value| format!("0:{value}")));
    let tools = java(&gateway.bootstrap(), properties);
    let answers = tools.java_program("RefusedProducer.java", &arguments).expect_success();
    answers.json_lines()
}

/// Each refused record has its error, each other one an offset.
fn assert_answers(answers: &[Value]) {
    assert_eq!(answers.len(), RECORDS);
    for (number, answer) in answers.iter().enumerate() {
        if number % 7 == 0 {
            assert!(answer["error"].is_string(), "{number}: {answer}");
        } else {
            assert!(answer["offset"].is_i64(), "{number}: {answer}");
        }
    }
}

#[test]
fn java_one_after_the_other_the_first_refused() {
    let topic = "payments.java-each.captured";
    let answers = produce_with_java(topic, "each", ClientProperties::plain());
    assert_answers(&answers);
    assert_all_and_only_the_allowed_are_stored(topic);
}

#[test]
fn java_with_five_batches_on_their_way() {
    let topic = "payments.java-pipelined.captured";
    // A batch of one byte holds one record, so refused batches have others behind them.
    let properties = ClientProperties::plain()
        .set("linger.ms", 0)
        .set("batch.size", 1)
        .set("max.in.flight.requests.per.connection", 5);
    let answers = produce_with_java(topic, "together", properties);
    assert_answers(&answers);
    assert_all_and_only_the_allowed_are_stored(topic);
}

fn produce_by_librdkafka(topic: &str, properties: &[&str]) -> Vec<Value> {
    create_topic(topic, 1, &[]);
    let gateway = gateway(&[]);
    let mut arguments = vec!["--mode", "idempotent"];
    arguments.extend(properties.iter().flat_map(|property| ["--property", *property]));
    produce_with_librdkafka(&gateway.bootstrap(), topic, &payments(), &arguments)
}

#[test]
fn librdkafka_one_after_the_other_the_first_refused() {
    let topic = "payments.librdkafka-each.captured";
    let answers =
        produce_by_librdkafka(topic, &["batch.num.messages=1", "max.in.flight=1", "linger.ms=0"]);
    assert_answers(&answers);
    assert_all_and_only_the_allowed_are_stored(topic);
}

#[test]
fn librdkafka_with_five_batches_on_their_way() {
    let topic = "payments.librdkafka-pipelined.captured";
    let answers =
        produce_by_librdkafka(topic, &["batch.num.messages=1", "max.in.flight=5", "linger.ms=0"]);
    assert_answers(&answers);
    assert_all_and_only_the_allowed_are_stored(topic);
}

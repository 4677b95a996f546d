//! Real clients through one gateway and one broker: Kafka's Java tools and clients, librdkafka from
//! Python and from Rust, kafka-python; every codec and kind of producer, both group protocols; with
//! a mask on what is read, and without.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::sync::LazyLock;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod groups;
mod holes;
mod matrix;
mod tools;

use testcontainers::{Gateway, GatewaySettings, Kafka, KafkaSettings};

/// One broker for all tests; each has topics of its own.
static KAFKA: LazyLock<Kafka> = LazyLock::new(|| {
    let settings = KafkaSettings::one_node()
        .property("log.cleaner.backoff.ms", 200)
        .property("log.initial.task.delay.ms", 200);
    Kafka::start(&settings)
});

/// A gateway whose policies touch no record.
fn clear_gateway() -> Gateway {
    GatewaySettings::before(&KAFKA).groups(&["platform"]).start()
}

/// A gateway with the shipped policies, whose clients may see no card and no customer.
fn masking_gateway() -> Gateway {
    GatewaySettings::before(&KAFKA).shipped_policies().groups(&["platform"]).start()
}

const PEOPLE: [&str; 3] = ["jane", "jörg", "\\u006aohn"];

/// Payments as they are produced; numbers and escapes are to come through as they are written.
fn payments() -> Vec<String> {
    let one = |(number, name): (usize, &&str)| {
        let card = format!(r#"{{"pan":"411111111111111{number}","cvv":"12{number}"}}"#);
        let phone = format!("+49 151 00{number}");
        let customer = format!(r#"{{"email":"{name}@example.com","phone":"{phone}"}}"#);
        format!(r#"{{{},"card":{card},"customer":{customer}}}"#, head(number))
    };
    PEOPLE.iter().enumerate().map(one).collect()
}

/// What no rule selects.
fn head(number: usize) -> String {
    format!(r#""id":"p-{number}", "amount":12500.10,"big":12345678901234567890.000"#)
}

/// Checks that the values that a reader saw are `payments()`, each masked as the policy says, and
/// nothing else of them changed.
fn assert_masked(seen: &BTreeSet<String>) {
    assert_eq!(seen.len(), PEOPLE.len(), "{seen:?}");
    for number in 0..PEOPLE.len() {
        let card = format!(r#"{{"pan":"************111{number}"}}"#);
        let start = format!(r#"{{{},"card":{card},"customer":{{"email":"tok_"#, head(number));
        let found = seen.iter().find(|value| value.starts_with(&start));
        let value = found.unwrap_or_else(|| panic!("no masked p-{number} in {seen:?}"));
        let document: serde_json::Value = serde_json::from_str(value).unwrap();
        let phone = document["customer"]["phone"].as_str().unwrap();
        assert!(phone.starts_with("tok_") && !phone.contains("151"), "{value}");
        assert!(!value.contains("example.com"), "{value}");
    }
}

/// Checks that they are `payments()`, byte for byte.
fn assert_clear(seen: &BTreeSet<String>) {
    assert_eq!(*seen, payments().into_iter().collect());
}

//! A refusal inside a transaction is what a broker's own refusal is: the transaction cannot be
//! committed, it can be aborted, and the producer goes on. Each client is compared with itself
//! against the broker, where a compacted topic refuses a record without a key with the same code.

use serde_json::Value;

use crate::testcontainers::{ClientProperties, Python, stored, values};
use crate::{KAFKA, create_topic, gateway, java, payment, refused_payment};

/// Where the broker refuses, and where a rule does.
fn topics(client: &str) -> [String; 2] {
    let direct = format!("compacted.{client}");
    let ruled = format!("payments.{client}.captured");
    create_topic(&direct, 1, &[("cleanup.policy", "compact")]);
    create_topic(&ruled, 1, &[]);
    [direct, ruled]
}

/// What happened at each step: its name, and its failure. Why a commit fails depends on how quickly
/// the Java client has learnt that its transaction is lost, so that only counts as a failure.
fn outcomes(lines: &[Value]) -> Vec<(&str, Option<&str>)> {
    let outcomes = lines.iter().map(|line| {
        let step = line["step"].as_str().unwrap_or_default();
        let failure =
            line["error"].as_str().map(|kind| if step == "commit" { "fails" } else { kind });
        (step, failure)
    });
    outcomes.collect()
}

#[test]
fn java_aborts_and_goes_on_as_it_does_after_the_brokers_own_refusal() {
    let [direct_topic, ruled_topic] = topics("java-transactions");
    let gateway = gateway(&[]);
    let (good, bad) = (payment("good"), refused_payment("bad"));
    let run = |bootstrap: &str, topic: &str| {
        let arguments = [topic, &format!("transactions-{topic}"), &good, &bad];
        let tools = java(bootstrap, ClientProperties::plain());
        let finished = tools.java_program("TransactionalRefusal.java", &arguments);
        finished.expect_success().json_lines()
    };
    let direct = run(&KAFKA.direct_bootstrap(), &direct_topic);
    let through = run(&gateway.bootstrap(), &ruled_topic);
    assert_eq!(outcomes(&through), outcomes(&direct), "{through:?}\n{direct:?}");
    let failed: Vec<&str> = through
        .iter()
        .filter(|line| line["error"].is_string())
        .filter_map(|line| line["step"].as_str())
        .collect();
    assert_eq!(failed, ["send", "commit"], "{through:?}");
    for topic in [direct_topic, ruled_topic] {
        let kept = stored(&KAFKA.direct_bootstrap(), &topic, 0);
        assert_eq!(values(&kept), [&*good], "only the second transaction of {topic}");
    }
}

#[test]
fn librdkafka_does_what_it_does_after_the_brokers_own_refusal() {
    let [direct_topic, ruled_topic] = topics("librdkafka-transactions");
    let gateway = gateway(&[]);
    let (good, bad) = (payment("good"), refused_payment("bad"));
    let run = |bootstrap: &str, topic: &str| {
        let arguments = [bootstrap, topic, &good, &bad];
        let finished = Python::environment().run("transactional_refusal.py", &arguments);
        finished.expect_success().json_lines()
    };
    let direct = run(&KAFKA.direct_bootstrap(), &direct_topic);
    let through = run(&gateway.bootstrap(), &ruled_topic);
    assert_eq!(outcomes(&through), outcomes(&direct), "{through:?}\n{direct:?}");
    assert!(through.last().unwrap()["error"].is_null(), "the last commit holds: {through:?}");
    let kept = |topic: &str| stored(&KAFKA.direct_bootstrap(), topic, 0).len();
    assert_eq!(kept(&ruled_topic), kept(&direct_topic));
    assert!(kept(&ruled_topic) > 0);
}

//! T36: a producer goes on after a refusal.

use std::time::Duration;

use crate::stage::stage;
use crate::testcontainers::Python;

const IDEMPOTENT: &str = r#"
import sys
from confluent_kafka import Producer
address, topic = sys.argv[1:]
producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 0})
outcomes = []
for value in ['{"bad":true}', '{"bad":false}', '{"bad":true}', '{"bad":false}', '{"bad":false}']:
    producer.produce(topic, value, on_delivery=lambda e, m: outcomes.append(e.code() if e else 0))
    assert producer.flush(60) == 0
print(outcomes)
"#;

const TRANSACTIONAL: &str = r#"
import sys
from confluent_kafka import Producer, KafkaException
address, topic = sys.argv[1:]
producer = Producer({"bootstrap.servers": address, "transactional.id": topic, "linger.ms": 0})
producer.init_transactions(60)
done = 0
for round in range(6):
    producer.begin_transaction()
    try:
        producer.produce(topic, '{"bad":true}' if round == 1 else '{"bad":false}')
        producer.flush(60)
        producer.commit_transaction(60)
        done += 1
    except KafkaException as error:
        assert not error.args[0].fatal(), error
        producer.abort_transaction(60)
print(done)
"#;

fn run(script: &str, topic: &str) -> String {
    let stage = stage();
    stage.topic(topic, 1);
    let python = Python::environment().limit(Duration::from_mins(3));
    let done = python.evaluate(script, &[stage.address().as_str(), topic]);
    assert!(done.succeeded(), "{}", done.explain());
    done.stdout.trim().to_owned()
}

#[test]
fn t36_an_idempotent_producer_goes_on_after_a_refused_batch() {
    assert_eq!(run(IDEMPOTENT, "checked.t36i"), "[87, 0, 87, 0, 0]");
}

#[test]
fn t36_a_transactional_producer_aborts_and_goes_on() {
    let done: i32 = run(TRANSACTIONAL, "checked.t36t").parse().unwrap();
    // librdkafka loses the transaction after the refused one as it does with the broker's refusals.
    assert!((4..=5).contains(&done), "{done} transactions of 5 good ones");
}

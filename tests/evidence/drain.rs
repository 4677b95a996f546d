//! SIGTERM: every request that was taken gets its answer, and the evidence is stored.

use std::time::Duration;

use kafka_protocol::messages::ProduceRequest;

use crate::testcontainers::process::until;
use crate::testcontainers::{GatewaySettings, Kafka, KafkaSettings, Signal, Wire};
use crate::{assert_gapless, creation, produce, rows};

pub const LIMIT: Duration = Duration::from_mins(1);

const REQUESTS: usize = 8;

#[test]
fn a_drain_waits_for_answers_and_stores_the_rows() {
    // A broker of its own: it is stopped for a while.
    let kafka = Kafka::start(&KafkaSettings::one_node());
    Wire::connect(&kafka.direct_bootstrap()).ask(7, &creation(&["drained"]));
    kafka.leaders("drained");
    let gateway = GatewaySettings::before(&kafka).start();
    let mut client = Wire::connect(&gateway.broker(1));
    client.ask(9, &produce("drained", &[(0, &["{}"])]));
    kafka.node(1).suspend();
    for _ in 0..REQUESTS {
        client.send(9, &produce("drained", &[(0, &["{}"]), (1, &["{}"])]));
    }
    // A row is there before its request leaves.
    let lockgate = gateway.lockgate();
    until("the rows of requests that nobody answers", LIMIT, || {
        let rows = rows(lockgate, &["--topic", "drained"]);
        let open = rows.iter().filter(|row| row["error_code"].is_null());
        match open.filter(|row| row["message"] == "no answer of the broker is on record").count() {
            count if count == 2 * REQUESTS => Ok(()),
            count => Err(format!("{count} rows")),
        }
    });
    lockgate.signal(Signal::Terminate);
    lockgate.wait_for_line("draining", LIMIT);
    kafka.node(1).resume();
    for request in 0..REQUESTS {
        let answer = client.answer::<ProduceRequest>(9);
        let codes = answer.responses[0].partition_responses.iter().map(|one| one.error_code);
        assert_eq!(codes.collect::<Vec<_>>(), [0, 0], "request {request}");
    }
    assert_eq!(client.until_closed(), 0);
    until("the end of the process", LIMIT, || match lockgate.is_running() {
        true => Err(lockgate.stderr()),
        false => Ok(()),
    });
    assert!(lockgate.stderr().contains("stopped"), "{}", lockgate.stderr());
    let all = rows(lockgate, &[]);
    assert_gapless(&all);
    let produced: Vec<_> = all.iter().filter(|row| row["topic"] == "drained").collect();
    assert_eq!(produced.len(), 2 * REQUESTS + 1);
    assert!(produced.iter().all(|row| row["error_code"] == 0), "{produced:#?}");
    assert_eq!(all.last().unwrap()["message"], "shutting down");
    // An auditor's copy has no log; all rows are in the files.
    std::fs::remove_dir_all(lockgate.directory().join("audit/wal")).unwrap();
    assert_eq!(rows(lockgate, &[]).len(), all.len());
}

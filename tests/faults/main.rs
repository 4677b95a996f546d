//! Faults under load: Lockgate killed, Lockgate stopped for ten seconds, a broker killed, both; and
//! a transactional copier through a Lockgate that dies every five seconds.
//!
//! Kept: no record missing, none twice, none at another offset than was acknowledged, none
//! unmasked; what is copied under `read_committed` equals what was there. One quick round is in the
//! default tests. The long run, ten rounds of each:
//!
//! ```sh
//! LOCKGATE_FAULT_RUNS=10 cargo test --release --test faults -- \
//!     --include-ignored --test-threads 1 --nocapture
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a fault lasts by the real clock")]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use kafka_protocol::messages::MetadataRequest;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod copier;
mod validator;

use testcontainers::process::until;
use testcontainers::{
    ClientProperties, Gateway, GatewaySettings, JavaTools, Kafka, KafkaSettings, Signal, Wire,
};
use validator::{LIMIT, POLICY, Report, validate};

/// Acknowledged records between two faults.
const RECORDS: usize = 600;
/// How long a stopped Lockgate stands still.
const STANDSTILL: Duration = Duration::from_secs(10);

/// The cluster of all tests; they kill brokers, so they take turns.
static KAFKA: LazyLock<Mutex<Kafka>> =
    LazyLock::new(|| Mutex::new(Kafka::start(&KafkaSettings::three_nodes())));

fn kafka() -> MutexGuard<'static, Kafka> {
    KAFKA.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runs() -> usize {
    let written = std::env::var("LOCKGATE_FAULT_RUNS").ok();
    written.map_or(1, |runs| runs.parse().expect("LOCKGATE_FAULT_RUNS is a number"))
}

fn gateway(kafka: &Kafka) -> Gateway {
    GatewaySettings::before(kafka)
        .policy("faults.yaml", POLICY)
        .policy("keys/test.key", "0123456789abcdef0123456789abcdef")
        .start()
}

fn create_topic(kafka: &Kafka, topic: &str, partitions: u32) {
    let tools = JavaTools::new(kafka.jars(), &kafka.direct_bootstrap(), ClientProperties::plain());
    tools.create_topic(topic, partitions, 3, &[]).expect_success();
    kafka.leaders(topic);
}

/// Waits until every replica of every partition is in sync.
fn wait_until_in_sync(kafka: &Kafka) {
    until("replicas in sync", LIMIT, || {
        let request = MetadataRequest::default().with_topics(None);
        let answer = Wire::connect(&kafka.node(1).direct_address()).ask(12, &request);
        let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        match partitions.find(|one| one.isr_nodes.len() < one.replica_nodes.len()) {
            None => Ok(()),
            Some(one) => Err(format!("{one:?}")),
        }
    });
}

/// So many rounds, each on a topic and with a gateway of its own.
fn rounds(name: &str, fault: impl Fn(&Kafka, &Gateway, &str, &Report)) {
    let kafka = kafka();
    for run in 0..runs() {
        let topic = format!("faults.{name}.{run}");
        create_topic(&kafka, &topic, validator::PARTITIONS.unsigned_abs());
        let gateway = gateway(&kafka);
        let totals = validate(&gateway.bootstrap(), &topic, |report| {
            fault(&kafka, &gateway, &topic, report);
        });
        assert!(!gateway.lockgate().stderr().contains("panicked"));
        println!(
            "{name}, run {}: {} acknowledged, {} read, none missing, none twice, none elsewhere",
            run + 1,
            totals.acknowledged,
            totals.read
        );
    }
}

#[test]
fn lockgate_is_killed_again_and_again() {
    rounds("killed", |_, gateway, _, report| {
        for _ in 0..3 {
            gateway.lockgate().kill();
            gateway.lockgate().start_again();
            report.progress(RECORDS);
        }
    });
}

#[test]
#[ignore = "part of the long run"]
fn lockgate_stands_still_for_ten_seconds() {
    rounds("stopped", |_, gateway, _, report| {
        gateway.lockgate().signal(Signal::Suspend);
        sleep(STANDSTILL);
        gateway.lockgate().signal(Signal::Resume);
        report.progress(RECORDS);
    });
}

#[test]
#[ignore = "part of the long run"]
fn a_broker_is_killed() {
    rounds("broker", |kafka, _, topic, report| {
        let victim = kafka.leaders(topic)[0];
        kafka.node(victim).kill();
        report.progress(RECORDS);
        kafka.node(victim).start_again();
        wait_until_in_sync(kafka);
        report.progress(RECORDS);
    });
}

#[test]
#[ignore = "part of the long run"]
fn a_broker_and_lockgate_are_killed() {
    rounds("both", |kafka, gateway, topic, report| {
        let victim = kafka.leaders(topic)[1];
        kafka.node(victim).kill();
        gateway.lockgate().kill();
        gateway.lockgate().start_again();
        report.progress(RECORDS);
        kafka.node(victim).start_again();
        gateway.lockgate().start_again();
        wait_until_in_sync(kafka);
        report.progress(RECORDS);
    });
}

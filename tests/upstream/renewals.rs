//! The broker ends every login's session after two seconds: under a running producer and a reader
//! that polls, Lockgate renews it in band, and no connection ends.

use std::time::{Duration, Instant};

use rdkafka::producer::Producer as _;

use crate::testcontainers::{stored, values};
use crate::world::{PATIENCE, SESSION_MS_MAX, Through, World, polled, produce, world};

/// Long enough for several renewals on each connection.
const RUN: Duration = Duration::from_millis(SESSION_MS_MAX * 5);
const CHUNK: usize = 50;

#[test]
fn plain_is_renewed() {
    let world = world();
    let _whole = world.shared();
    renewed(world, "renewed-plain", "{plain: {username: alice, password: alice-secret}}");
}

#[test]
fn scram_is_renewed() {
    let world = world();
    let _whole = world.shared();
    let auth = "{scram: {username: carol, password: carol-secret, mechanism: SCRAM-SHA-256}}";
    renewed(world, "renewed-scram", auth);
}

#[test]
fn a_token_is_renewed() {
    let world = world();
    let _whole = world.shared();
    renewed(world, "renewed-token", &world.bearer("s3cret"));
}

fn renewed(world: &World, topic: &str, auth: &str) {
    let sasl = world.kafka.node(1).sasl_address();
    let through = Through::start(&format!("bootstrap: \"{sasl}\", auth: {auth}"));
    // The first answers create the topic, and every connection that is needed.
    through.carries(topic, CHUNK);
    let producer = through.producer(&[("linger.ms", "5")]);
    produce(&producer, topic, CHUNK..2 * CHUNK);
    producer.flush(PATIENCE).unwrap();
    let before = Seen::of(&through);
    let reader = through.reader(topic);
    let (began, mut sent, mut read) = (Instant::now(), 2 * CHUNK, Vec::new());
    while began.elapsed() < RUN {
        produce(&producer, topic, sent..sent + CHUNK);
        producer.poll(Duration::from_millis(20));
        read.extend(polled(&reader));
        sent += CHUNK;
    }
    producer.flush(PATIENCE).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while read.len() < sent && Instant::now() < deadline {
        read.extend(polled(&reader));
    }
    let after = Seen::of(&through);
    let expected: Vec<String> = (0..sent).map(|number| number.to_string()).collect();
    assert!(read == expected, "{} of {sent} are read", read.len());
    let at_broker = stored(&world.kafka.direct_bootstrap(), topic, 0);
    assert!(values(&at_broker) == expected, "{} of {sent} are stored", at_broker.len());
    // The producer's connections stay; the reader has opened its own.
    assert!(after.logins - before.logins >= 3.0 + (after.connections - before.connections));
    assert!(after.connections - before.connections <= 4.0, "{before:?} {after:?}");
    assert_eq!(after.broker_closed, 0.0, "{after:?}");
    assert_eq!(through.refusals().len(), 0);
}

#[derive(Debug)]
struct Seen {
    logins: f64,
    connections: f64,
    broker_closed: f64,
}

impl Seen {
    fn of(through: &Through) -> Self {
        Self {
            logins: through.metric("lockgate_upstream_logins_total"),
            connections: through.metric("lockgate_upstream_connections_total"),
            broker_closed: through
                .labelled("lockgate_connections_closed_total{reason=\"upstream\"}"),
        }
    }
}

#[test]
fn a_broker_comes_back_and_the_login_with_it() {
    let world = world();
    let _alone = world.alone();
    let sasl = world.kafka.node(1).sasl_address();
    let auth = "{scram: {username: carol, password: carol-secret}}";
    let through = Through::start(&format!("bootstrap: \"{sasl}\", auth: {auth}"));
    through.carries("restarted", CHUNK);
    let producer = through.producer(&[]);
    produce(&producer, "restarted", CHUNK..2 * CHUNK);
    producer.flush(PATIENCE).unwrap();
    world.kafka.node(1).kill();
    produce(&producer, "restarted", 2 * CHUNK..3 * CHUNK);
    world.kafka.node(1).start_again();
    producer.flush(PATIENCE).unwrap();
    let expected: Vec<String> = (0..3 * CHUNK).map(|number| number.to_string()).collect();
    assert_eq!(through.read("restarted", 3 * CHUNK), expected);
    let at_broker = stored(&world.kafka.direct_bootstrap(), "restarted", 0);
    assert_eq!(values(&at_broker), expected);
}

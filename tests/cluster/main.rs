//! Three brokers behind one gateway with a port for each: every client works, no client ever learns
//! a broker's own address, leaders move, brokers die and return, and so does Lockgate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod addresses;
mod failures;
mod followers;
mod sidecar;

use testcontainers::{ClientProperties, Gateway, GatewaySettings, JavaTools, Kafka, KafkaSettings};

/// The host name that the brokers advertise, and Lockgate does not.
const BROKER_HOST: &str = "localhost";

/// The cluster of all tests; some of them kill brokers, so they take turns.
static KAFKA: LazyLock<Mutex<Kafka>> = LazyLock::new(|| {
    let settings = KafkaSettings::three_nodes().advertised_host(BROKER_HOST);
    Mutex::new(Kafka::start(&settings))
});

fn kafka() -> MutexGuard<'static, Kafka> {
    KAFKA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A gateway that records what it sends to its clients.
fn tapped(kafka: &Kafka) -> Gateway {
    GatewaySettings::before(kafka).groups(&["platform"]).tapped().start()
}

fn java(kafka: &Kafka, bootstrap: &str) -> JavaTools {
    JavaTools::new(kafka.jars(), bootstrap, ClientProperties::plain())
}

/// Creates a topic of three partitions, each on all brokers.
fn create(kafka: &Kafka, topic: &str) {
    java(kafka, &kafka.direct_bootstrap()).create_topic(topic, 3, 3, &[]).expect_success();
    kafka.leaders(topic);
}

/// Checks that clients got much, and no address of a broker in it.
fn assert_no_broker_address(kafka: &Kafka, gateway: &Gateway) {
    let tap = gateway.tap();
    assert!(tap.bytes() > 1_000, "the relay saw {} bytes", tap.bytes());
    let ours = gateway.broker(1);
    let (host, port) = ours.split_once(':').unwrap();
    let as_number = |port: &str| i32::from(port.parse::<u16>().unwrap()).to_be_bytes();
    let encoded = [host.as_bytes(), &as_number(port)].concat();
    assert!(tap.count(&encoded) > 0, "the search finds Lockgate's own address");
    assert_eq!(tap.count(BROKER_HOST.as_bytes()), 0, "a broker's host name");
    for node in kafka.nodes() {
        for address in [node.address(), node.direct_address()] {
            let (host, port) = address.split_once(':').unwrap();
            let encoded = [host.as_bytes(), &as_number(port)].concat();
            assert_eq!(tap.count(&encoded), 0, "{address} as host and port");
            assert_eq!(tap.count(address.as_bytes()), 0, "{address} as text");
            assert_eq!(tap.count(format!(":{port}").as_bytes()), 0, "{address}: its port");
        }
    }
}

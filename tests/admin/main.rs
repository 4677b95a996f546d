//! Those who keep a cluster, through Lockgate: Kafka's own command-line tools and librdkafka's
//! `AdminClient`, with permits and without, and every change on the wire. One broker with access
//! lists of its own, whose address no client ever learns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;
use std::time::Duration;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

mod keepers;
mod librdkafka;
mod visitors;
mod wire;

use testcontainers::kafka::Authorizer;
use testcontainers::{ClientProperties, Gateway, GatewaySettings, JavaTools, Kafka, KafkaSettings};

/// The host name that the broker advertises, and Lockgate does not.
const BROKER_HOST: &str = "localhost";
const TOOLS: &str = "org.apache.kafka.tools";

/// One broker for all tests; each has topics of its own.
static KAFKA: LazyLock<Kafka> = LazyLock::new(|| {
    let settings = KafkaSettings::one_node()
        .advertised_host(BROKER_HOST)
        .authorizer(Authorizer::OpenByDefault);
    Kafka::start(&settings)
});

/// Who may do everything but with what is secret.
static KEEPERS: LazyLock<Gateway> = LazyLock::new(|| {
    let permits = format!(
        "{SECRET}  permits:\n    - id: keepers\n      principals: {{users: [tester]}}\n      \
         apis: [{}]\n",
        PERMITTED.join(", ")
    );
    GatewaySettings::before(&KAFKA).tapped().policy("keepers.yaml", permits).start()
});

/// Who has no permit at all.
static VISITORS: LazyLock<Gateway> = LazyLock::new(|| {
    GatewaySettings::before(&KAFKA).tapped().policy("visitors.yaml", SECRET).start()
});

/// Nobody may read or write `secret.*`, so nobody but those who administer it sees it.
const SECRET: &str = "apiVersion: policy/v1
kind: Policy
metadata: {name: secret}
spec:
  rules:
    - id: closed-to-readers
      match: {direction: consume, topics: [\"secret.**\"]}
      action: {deny: {}}
    - id: closed-to-writers
      match: {direction: produce, topics: [\"secret.**\"]}
      action: {deny: {}}
";

/// Every API that a permit can name.
const PERMITTED: [&str; 24] = lockgate::policy::PERMITTED_APIS;

fn java(bootstrap: &str) -> JavaTools {
    JavaTools::new(KAFKA.jars(), bootstrap, ClientProperties::plain()).limit(Duration::from_mins(3))
}

/// A topic that was made at the broker.
fn made(topic: &str) {
    java(&KAFKA.direct_bootstrap()).create_topic(topic, 1, 1, &[]).expect_success();
    KAFKA.leaders(topic);
}

/// Checks that clients got much, and no address of the broker in it.
fn assert_no_broker_address(gateway: &Gateway) {
    let tap = gateway.tap();
    assert!(tap.bytes() > 1_000, "the relay saw {} bytes", tap.bytes());
    let as_number = |port: &str| i32::from(port.parse::<u16>().unwrap()).to_be_bytes();
    let ours = gateway.broker(1);
    let (host, port) = ours.split_once(':').unwrap();
    let encoded = [host.as_bytes(), &as_number(port)].concat();
    assert!(tap.count(&encoded) > 0, "the search finds Lockgate's own address");
    assert_eq!(tap.count(BROKER_HOST.as_bytes()), 0, "the broker's host name");
    for node in KAFKA.nodes() {
        for address in [node.address(), node.direct_address()] {
            let (host, port) = address.split_once(':').unwrap();
            let encoded = [host.as_bytes(), &as_number(port)].concat();
            assert_eq!(tap.count(&encoded), 0, "{address} as host and port");
            assert_eq!(tap.count(address.as_bytes()), 0, "{address} as text");
            assert_eq!(tap.count(format!(":{port}").as_bytes()), 0, "{address}: its port");
        }
    }
}

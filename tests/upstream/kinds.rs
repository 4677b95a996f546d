//! Every credential, over TCP and over TLS: a real client writes and reads through it.

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::testcontainers::RawClient;
use crate::world::{Through, world};

/// What Kafka says where topics may not be created (TOPIC_AUTHORIZATION_FAILED).
const NOT_AUTHORIZED: i16 = 29;

#[test]
fn plain_and_scram_log_in() {
    let world = world();
    let _whole = world.shared();
    let sasl = world.kafka.node(1).sasl_address();
    for (name, auth) in [
        ("plain", "{plain: {username: alice, password: alice-secret}}".to_owned()),
        (
            "scram-256",
            "{scram: {username: carol, password: carol-secret, mechanism: SCRAM-SHA-256}}".into(),
        ),
        ("scram-512", "{scram: {username: carol, password: carol-secret}}".to_owned()),
        ("bearer", world.bearer("s3cret")),
    ] {
        let through = Through::start(&format!("bootstrap: \"{sasl}\", auth: {auth}"));
        through.carries(&format!("tcp-{name}"), 100);
    }
}

#[test]
fn every_kind_goes_over_tls() {
    let world = world();
    let _whole = world.shared();
    let node = world.kafka.node(1);
    let tls = world.tls("ca.pem", "");
    for (name, address, rest) in [
        ("no-login", node.ssl_address(), tls.clone()),
        ("mtls", node.mtls_address(), world.mtls()),
        (
            "plain",
            node.sasl_ssl_address(),
            format!("{tls}, auth: {{plain: {{username: bob, password: bob-secret}}}}"),
        ),
        (
            "scram-512",
            node.sasl_ssl_address(),
            format!("{tls}, auth: {{scram: {{username: carol, password: carol-secret}}}}"),
        ),
        ("bearer", node.sasl_ssl_address(), format!("{tls}, auth: {}", world.bearer("s3cret"))),
    ] {
        let through = Through::start(&format!("bootstrap: \"{address}\", {rest}"));
        through.carries(&format!("tls-{name}"), 100);
    }
}

/// The broker sees one user, who may do everything there.
#[test]
fn t27_a_shared_credential_lets_nobody_change_the_cluster_without_a_permit() {
    let world = world();
    let _whole = world.shared();
    let sasl = world.kafka.node(1).sasl_address();
    let auth = "auth: {plain: {username: alice, password: alice-secret}}";
    let upstream = format!("bootstrap: \"{sasl}\", {auth}");
    for (group, expected) in [("readers", NOT_AUTHORIZED), ("platform", 0)] {
        let through = Through::for_group(group, &upstream);
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("t27")))
            .with_num_partitions(1)
            .with_replication_factor(1);
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        let answer = RawClient::connect(&through.bootstrap()).call(5, &request).unwrap();
        assert_eq!(answer.topics[0].error_code, expected, "{group}: {answer:?}");
    }
}

//! Every credential, over TCP and over TLS: a real client writes and reads through it.

use crate::world::{Through, world};

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

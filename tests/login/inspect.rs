//! `identity.mode: inspect` before a broker that asks who is there: it decides, and Lockgate knows
//! whose records it masks.

use kafka_protocol::messages::MetadataRequest;
use lockgate::auth::scram::ScramHash;
use serde_json::json;

use crate::clients::BY_PASSWORD;
use crate::testcontainers::{ClientProperties, JavaTools, Python, RawClient};
use crate::world::{BROKER_SESSION_MS, CLEAR, MASKED, World, bearer_identity, broker};
use crate::world::{create_topic, logins};

fn world() -> World {
    let identity =
        format!("mode: inspect\n  {}\n  groups: {{file: groups.yaml}}", bearer_identity());
    World::before(&broker().kafka.sasl_bootstrap(), &identity, "")
}

/// A user of the broker for each mechanism.
fn user(mechanism: &str) -> (&'static str, &'static str) {
    if mechanism == "PLAIN" { ("alice", "alice-secret") } else { ("carol", "carol-secret") }
}

#[test]
fn the_broker_decides_by_every_mechanism() {
    let world = world();
    let served = |client: &mut RawClient| {
        let answer = client.call(12, &MetadataRequest::default()).unwrap();
        assert_eq!(answer.brokers.len(), 1);
    };
    let mut alice = RawClient::connect(&world.address);
    let answer = alice.plain("alice", "alice-secret").unwrap();
    assert_eq!(answer.error_code, 0, "{answer:?}");
    assert!((1..=BROKER_SESSION_MS).contains(&answer.session_lifetime_ms), "{answer:?}");
    served(&mut alice);
    for hash in ScramHash::ALL {
        let mut carol = RawClient::connect(&world.address);
        let answer = carol.scram(hash, "carol", "carol-secret").unwrap();
        assert_eq!(answer.error_code, 0, "{answer:?}");
        served(&mut carol);
    }
    let token = broker().issuer.token("jane", &["humans"], 600);
    served(&mut RawClient::logged_in(&world.address, &token));
    // Whom the broker refuses is nobody; its own words reach the client.
    let mut wrong = RawClient::connect(&world.address);
    assert_eq!(wrong.plain("alice", "no").unwrap().error_code, 58);
    wrong.expect_closed();
    let mut wrong = RawClient::connect(&world.address);
    assert_eq!(wrong.scram(ScramHash::Sha256, "carol", "no").unwrap().error_code, 58);
    wrong.expect_closed();
    // A token that Lockgate cannot verify does not reach the broker.
    let mut wrong = RawClient::connect(&world.address);
    assert_eq!(wrong.log_in("no.good.token").unwrap().error_code, 58);
    wrong.expect_closed();
    let rows = world.rows();
    let all = logins(&rows);
    let good: Vec<_> =
        all.iter().filter(|row| row.2 == "allow").map(|row| (row.0, row.1)).collect();
    assert_eq!(
        good,
        [
            (Some("alice"), Some("PLAIN")),
            (Some("carol"), Some("SCRAM-SHA-256")),
            (Some("carol"), Some("SCRAM-SHA-512")),
            (Some("jane"), Some("OAUTHBEARER")),
        ]
    );
    assert_eq!(all.len(), 7, "{rows:#?}");
    world.expect_discreet(&["alice-secret", "carol-secret", &token]);
}

#[test]
fn t24_nothing_passes_before_the_broker_has_agreed() {
    let world = world();
    for steps in 0..3 {
        let mut client = RawClient::connect(&world.address);
        if steps > 0 {
            assert_eq!(client.handshake("SCRAM-SHA-256").unwrap().error_code, 0);
        }
        if steps > 1 {
            let first = b"n,,n=carol,r=abcdefghijklmnop";
            assert_eq!(client.authenticate(first).unwrap().error_code, 0);
        }
        client.call(12, &MetadataRequest::default()).unwrap_err();
    }
    for mechanism in ["GSSAPI", "SCRAM-SHA-1", "plain"] {
        let mut client = RawClient::connect(&world.address);
        assert_eq!(client.handshake(mechanism).unwrap().error_code, 33);
        client.expect_closed();
    }
}

#[test]
fn clients_see_what_their_groups_may_and_go_on_over_the_brokers_sessions() {
    create_topic("inspect.clients");
    let world = world();
    world.lockgate.write("records", &format!("{}\n", json!({"value": CLEAR})));
    let records = world.lockgate.directory().join("records");
    let records = records.to_string_lossy();
    let run = |command: &str, client: &str, sasl: &str, more: &[&str]| {
        let common = ["--bootstrap", &world.address, "--topic", "inspect.clients", "--sasl", sasl];
        let arguments = [&[command, "--client", client], &common[..], more].concat();
        Python::environment().run("produce_consume.py", &arguments)
    };
    for client in ["confluent", "kafka-python"] {
        for mechanism in BY_PASSWORD {
            let (name, password) = user(mechanism);
            let sasl = format!("{mechanism}:{name}:{password}");
            run("produce", client, &sasl, &["--records", &records]).expect_success();
            let read = run("consume", client, &sasl, &["--count", "1"]).expect_success();
            assert_eq!(read.json_lines()[0]["value"], CLEAR, "{client} {mechanism}");
        }
        let bob = run("consume", client, "PLAIN:bob:bob-secret", &["--count", "1"]);
        assert_eq!(bob.expect_success().json_lines()[0]["value"], MASKED, "{client}");
    }
    // Java logs in again at the broker, through Lockgate, before its session of seconds ends.
    let properties = ClientProperties::plain().password("SCRAM-SHA-256", "carol", "carol-secret");
    let tools = JavaTools::new(broker().kafka.jars(), &world.address, properties);
    let produced = tools.run(
        "org.apache.kafka.tools.ProducerPerformance",
        &[
            "--bootstrap-server",
            tools.bootstrap(),
            "--command-config",
            &tools.properties_path(),
            "--topic",
            "inspect.clients",
            "--num-records",
            "400",
            "--record-size",
            "100",
            "--throughput",
            "20",
        ],
    );
    let produced = produced.expect_success();
    assert!(produced.stdout.contains("400 records sent"), "{}", produced.explain());
    let rows = world.rows();
    let said = "logged in again on a live connection";
    let again = rows.iter().filter(|row| row["message"] == said && row["principal"] == "carol");
    assert!(again.count() >= 2, "{rows:#?}");
    world.expect_discreet(&["alice-secret", "bob-secret", "carol-secret"]);
}

//! The clients that people use, by every mechanism: one user sees clear values, the other masked
//! ones, and a wrong password is told as what it is.

use serde_json::json;

use crate::testcontainers::{ClientProperties, JavaTools, Python};
use crate::world::{CLEAR, LOCAL, MASKED, World, broker, create_topic, logins};

pub const BY_PASSWORD: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

#[test]
fn java_clients_log_in_by_every_mechanism() {
    create_topic("login.java");
    let world = World::local(LOCAL, "");
    let tools = |mechanism, user, password: &str| {
        let properties = ClientProperties::plain().password(mechanism, user, password);
        JavaTools::new(broker().kafka.jars(), &world.address, properties)
    };
    for (count, mechanism) in BY_PASSWORD.into_iter().enumerate() {
        let alice = tools(mechanism, "alice", "alice-pw");
        alice.console_produce("login.java", &[CLEAR], &[]).expect_success();
        let read = alice.console_consume("login.java", count + 1, &[]).expect_success();
        assert_eq!(read.lines(), vec![CLEAR; count + 1]);
    }
    let masked = tools("SCRAM-SHA-512", "bob", "bob-pw").console_consume("login.java", 1, &[]);
    assert_eq!(masked.expect_success().lines(), [MASKED]);
    let refused = tools("SCRAM-SHA-256", "bob", "no").console_consume("login.java", 1, &[]);
    let told = "invalid credentials with SASL mechanism SCRAM-SHA-256";
    assert!(refused.stderr.contains(told), "{}", refused.explain());
    let rows = world.rows();
    for mechanism in BY_PASSWORD {
        assert!(logins(&rows).contains(&(Some("alice"), Some(mechanism), "allow")), "{mechanism}");
    }
    world.expect_discreet(&["alice-pw", "bob-pw"]);
}

#[test]
fn python_clients_log_in_by_every_mechanism() {
    create_topic("login.python");
    let world = World::local(LOCAL, "");
    world.lockgate.write("records", &format!("{}\n", json!({"value": CLEAR})));
    let records = world.lockgate.directory().join("records");
    let records = records.to_string_lossy();
    let run = |command: &str, client: &str, sasl: &str, more: &[&str]| {
        let common = ["--bootstrap", &world.address, "--topic", "login.python", "--sasl", sasl];
        let arguments = [&[command, "--client", client], &common[..], more].concat();
        Python::environment().run("produce_consume.py", &arguments)
    };
    for client in ["confluent", "kafka-python"] {
        for mechanism in BY_PASSWORD {
            let alice = format!("{mechanism}:alice:alice-pw");
            run("produce", client, &alice, &["--records", &records]).expect_success();
            let read = run("consume", client, &alice, &["--count", "1"]).expect_success();
            assert_eq!(read.json_lines()[0]["value"], CLEAR, "{client} {mechanism}");
        }
        let bob = run("consume", client, "SCRAM-SHA-256:bob:bob-pw", &["--count", "1"]);
        assert_eq!(bob.expect_success().json_lines()[0]["value"], MASKED, "{client}");
    }
    let limited = ["--count", "1", "--seconds", "5"];
    let refused = run("consume", "confluent", "PLAIN:bob:no", &limited).expect_failure();
    assert!(refused.stderr.contains("Invalid username or password"), "{}", refused.explain());
    world.expect_discreet(&["alice-pw", "bob-pw"]);
}

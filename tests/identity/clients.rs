//! The clients that people use, logged in as two people of different groups: one sees clear values,
//! the other masked ones, and every login is in the audit.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::testcontainers::{ClientProperties, JavaTools, Python};
use crate::world::{CLEAR, MASKED, World, create_topic, kafka};

/// A file with a token, as an agent beside a service keeps it.
fn token_file(world: &World, name: &str, groups: &[&str]) -> PathBuf {
    let file = format!("{name}.token");
    world.lockgate.write(&file, &world.token(name, groups));
    world.lockgate.directory().join(file)
}

/// Values out of the lines that a client printed.
fn values(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["value"].as_str().unwrap()).collect()
}

#[track_caller]
fn expect_login(rows: &[Value], principal: &str, groups: bool) {
    let logins: Vec<&Value> =
        rows.iter().filter(|row| row["event"] == "auth" && row["principal"] == principal).collect();
    assert!(!logins.is_empty(), "{principal} in {rows:#?}");
    for login in logins {
        assert_eq!(login["decision"], "allow");
        assert_eq!(login["error_code"], 0);
        assert_eq!(login["auth_mech"], "OAUTHBEARER");
        assert_eq!(login["principal_type"], "User");
        assert_eq!(login["src_ip"], "127.0.0.1");
        assert_eq!(login["token_jti_hash"].as_str().unwrap().len(), 12);
        assert_eq!(login["groups_id"].is_string(), groups, "{login}");
        let starts = rows.iter().filter(|row| {
            row["event"] == "session_start" && row["session_id"] == login["session_id"]
        });
        assert_eq!(starts.count(), 1, "a session starts with {login}");
    }
}

#[test]
fn java_clients_log_in_and_see_what_their_groups_may() {
    create_topic("clients.java");
    let files = [("groups.yaml", "groups:\n  pii-readers: [reporting]\n")];
    let world = World::with("", "  groups: {file: groups.yaml}", &files);
    let tools = |properties| JavaTools::new(kafka().jars(), &world.address, properties);
    let by_file = |name: &str, groups: &[&str]| {
        tools(ClientProperties::plain().token_file(&token_file(&world, name, groups)))
    };
    let jane = by_file("jane", &["pii-readers", "humans"]);
    jane.console_produce("clients.java", &[CLEAR], &[]).expect_success();
    let read = |tools: &JavaTools, protocol: &str| {
        let group = format!("java-{protocol}");
        let arguments = ["clients.java", "1", protocol, "read_committed", &group];
        let lines = tools.java_program("Consume.java", &arguments).expect_success().json_lines();
        values(&lines).join("\n")
    };
    assert_eq!(read(&jane, "classic"), CLEAR);
    assert_eq!(read(&by_file("max", &["humans"]), "consumer"), MASKED);
    // By the token endpoint, with groups that only the file knows.
    let properties =
        ClientProperties::plain().client_credentials(&world.issuer.token_url(), "reporting", "pw");
    let reporting = tools(properties).console_consume("clients.java", 1, &[]).expect_success();
    assert_eq!(reporting.lines(), [CLEAR]);
    let rows = world.rows();
    expect_login(&rows, "jane", true);
    expect_login(&rows, "max", true);
    expect_login(&rows, "reporting", true);
    assert!(rows.iter().all(|row| row["decision"] != "deny"), "{rows:#?}");
}

#[test]
fn python_clients_log_in_and_see_what_their_groups_may() {
    create_topic("clients.python");
    let files = [("groups.yaml", "groups:\n  pii-readers: [reporting]\n")];
    let world = World::with("", "  groups: {file: groups.yaml}", &files);
    let python = Python::environment();
    world.lockgate.write("records", &format!("{}\n", json!({"value": CLEAR})));
    let records = world.lockgate.directory().join("records");
    let run = |command: &str, client: &str, login: &[&str], more: &[&str]| {
        let common = ["--bootstrap", &world.address, "--topic", "clients.python"];
        let client = [command, "--client", client];
        let arguments = [&client, &common[..], login, more].concat();
        python.run("produce_consume.py", &arguments).expect_success().json_lines()
    };
    let jane = token_file(&world, "jane", &["pii-readers"]);
    let max = token_file(&world, "max", &["humans"]);
    let (jane, max) = (jane.to_string_lossy(), max.to_string_lossy());
    let produce = ["--records", &records.to_string_lossy()];
    for (count, client) in ["confluent", "kafka-python"].into_iter().enumerate() {
        let written = run("produce", client, &["--token-file", &jane], &produce);
        assert_eq!(written[0]["offset"], count, "{written:?}");
        let clear = run("consume", client, &["--token-file", &jane], &["--count", "1"]);
        assert_eq!(values(&clear)[0], CLEAR);
        let masked = run("consume", client, &["--token-file", &max], &["--count", "1"]);
        assert_eq!(values(&masked)[0], MASKED);
    }
    // librdkafka's own client of the token endpoint.
    let url = format!("sasl.oauthbearer.token.endpoint.url={}", world.issuer.token_url());
    let settings = [
        "security.protocol=sasl_plaintext",
        "sasl.mechanisms=OAUTHBEARER",
        "sasl.oauthbearer.method=oidc",
        "sasl.oauthbearer.client.id=reporting",
        "sasl.oauthbearer.client.secret=pw",
        &url,
    ];
    let oidc: Vec<&str> = settings.iter().flat_map(|pair| ["--property", pair]).collect();
    let clear = run("consume", "confluent", &oidc, &["--count", "1"]);
    assert_eq!(values(&clear)[0], CLEAR);
    let rows = world.rows();
    expect_login(&rows, "jane", true);
    expect_login(&rows, "max", true);
    expect_login(&rows, "reporting", true);
}

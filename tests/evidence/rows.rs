//! Every kind of row, with its columns, as `lockgate audit show` and foreign readers see it.

use serde_json::{Value, json};

use crate::testcontainers::{GatewaySettings, Python};
use crate::{KAFKA, assert_gapless, connect, create_topic, creation, fetch, produce, rows};

const POLICY: &str = r#"
apiVersion: policy/v1
kind: Policy
metadata: {name: orders, version: 1.0.0, owner: orders@acme.example}
spec:
  rules:
    - id: hide-card
      match: {direction: consume, topics: ["orders.**"]}
      select: [{path: "$.card"}]
      action: {mask: {with: redact}}
    - id: hide-mail
      match: {direction: consume, topics: ["orders.**"]}
      select: [{path: "$.mail"}]
      action: {mask: {with: partial, keep_first: 1, keep_last: 0, char: "*"}}
    - id: no-negative
      match: {direction: produce, topics: ["orders.**"]}
      when: "value.amount < 0"
      action: {deny: {message: "record {record_index} of {topic} is negative"}}
    - id: large-on-trial
      mode: shadow
      match: {direction: produce, topics: ["orders.**"]}
      when: "value.amount > 1000"
      action: {deny: {}}
    - id: closed
      match: {direction: consume, topics: [closed]}
      action: {deny: {}}
    - id: topic-name
      match: {direction: admin, apis: [CreateTopics], topics: ["**"]}
      when: "topic.name.startsWith('bad')"
      action: {deny: {code: POLICY_VIOLATION, message: "{topic} is no good name"}}
  permits:
    - id: platform-creates-topics
      principals: {groups: {any_of: [platform]}}
      apis: [CreateTopics]
      topics: ["**"]
"#;

const TOPIC: &str = "orders.eu";

/// The only row for which it is so.
#[track_caller]
fn only<'r>(rows: &'r [Value], what: &str, is_so: impl Fn(&Value) -> bool) -> &'r Value {
    let found: Vec<&Value> = rows.iter().filter(|row| is_so(row)).collect();
    assert_eq!(found.len(), 1, "{what}: {found:#?}\nof {rows:#?}");
    found[0]
}

#[track_caller]
fn assert_columns(row: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&row[name], value, "{name} of {row:#}");
    }
}

#[test]
fn every_kind_of_row_has_its_columns() {
    create_topic("closed");
    let settings = GatewaySettings::before(&KAFKA).groups(&["platform"]);
    let gateway = settings.policy("orders.yaml", POLICY).start();
    let mut client = connect(&gateway);
    let created = client.ask(7, &creation(&[TOPIC, "bad.name"]));
    assert_eq!(created.topics[1].error_code, 44, "{created:?}");
    KAFKA.leaders(TOPIC);
    let good = [r#"{"amount":5,"card":"4111","mail":"jane@x"}"#, r#"{"amount":6}"#];
    let request = produce(TOPIC, &[(0, &good), (1, &[r#"{"amount":1}"#, r#"{"amount":-1}"#])]);
    let answer = client.ask(9, &request);
    let codes = answer.responses[0].partition_responses.iter().map(|one| one.error_code);
    assert_eq!(codes.collect::<Vec<_>>(), [0, 87]);
    client.ask(9, &produce(TOPIC, &[(0, &[r#"{"amount":5000}"#])]));
    client.ask(12, &fetch(TOPIC, 0));
    let denied = client.ask(12, &fetch("closed", 0));
    assert_eq!(denied.responses[0].partitions[0].error_code, 29);
    drop(client);
    // The row of the session's end comes when the gateway has noticed it.
    crate::testcontainers::process::until("the end of the session", crate::drain::LIMIT, || {
        let ended = !rows(gateway.lockgate(), &["--event", "session_end"]).is_empty();
        ended.then_some(()).ok_or_else(String::new)
    });
    let rows = rows(gateway.lockgate(), &[]);
    assert_gapless(&rows);
    assert_requests(&rows);
    assert_sessions(&rows);
    foreign_readers_agree(&gateway, rows.len());
}

fn is(row: &Value, api: &str, decision: &str) -> bool {
    row["api"] == api && row["decision"] == decision
}

fn assert_requests(rows: &[Value]) {
    let first = only(rows, "a produce", |row| {
        is(row, "Produce", "allow") && row["first_offset"] == 0 && row["mode"] == "enforce"
    });
    let expected = json!({
        "event": "decision", "api_version": 9, "topic": TOPIC, "partition": 0,
        "first_offset": 0, "last_offset": 1, "records": 2, "error_code": 0, "message": null,
        "rule_ids": [], "mask_summary": [], "masked_values": 0, "principal": "tester",
        "principal_type": "User", "auth_mech": "ANONYMOUS", "client_id": "by-hand",
        "src_ip": "127.0.0.1", "cluster": "default", "hold_id": null, "suppressed": 0,
        "added_latency_us": null,
    });
    assert_columns(first, &expected);
    assert!(first["bytes"].as_u64() > Some(100), "{first:#}");
    assert!(first["eval_us"].as_u64() > Some(0), "{first:#}");
    let revision = first["policy_revision"].as_str().unwrap();
    assert!(revision.starts_with("dir:"), "{revision}");
    assert!(rows.iter().all(|row| row["api"].is_null() || row["policy_revision"] == *revision));
    let second = only(rows, "another", |row| is(row, "Produce", "allow") && row["records"] == 1);
    assert_columns(second, &json!({"first_offset": 2, "last_offset": 2, "error_code": 0}));
    let shadow = only(rows, "a shadow", |row| row["mode"] == "shadow" && row["api"] == "Produce");
    assert_columns(shadow, &json!({"decision": "deny", "rule_ids": ["large-on-trial"]}));
    assert_eq!(shadow["decision_id"], second["decision_id"]);
    let denied = only(rows, "a refusal", |row| {
        is(row, "Produce", "deny") && row["event"] == "decision" && row["mode"] == "enforce"
    });
    let expected = json!({
        "partition": 1, "records": 2, "error_code": 87, "rule_ids": ["no-negative"],
        "first_offset": null, "decision_id": first["decision_id"],
    });
    assert_columns(denied, &expected);
    let record = only(rows, "the record of it", |row| row["event"] == "record_decision");
    assert_columns(record, &json!({"decision": "deny", "rule_ids": ["no-negative"]}));
    let masked = only(rows, "a masked fetch", |row| is(row, "Fetch", "mask"));
    let expected = json!({
        "api_version": 12, "topic": TOPIC, "partition": 0, "first_offset": 0, "last_offset": 2,
        "records": 3, "error_code": 0, "rule_ids": ["hide-card", "hide-mail"],
        "masked_values": 2, "masked_records": 1,
        "mask_summary": [
            {"selector": "$.card", "method": "redact", "count": 1},
            {"selector": "$.mail", "method": "partial", "count": 1},
        ],
    });
    assert_columns(masked, &expected);
    let closed = only(rows, "a denied fetch", |row| is(row, "Fetch", "deny"));
    let expected = json!({"topic": "closed", "error_code": 29, "rule_ids": ["closed"]});
    assert_columns(closed, &expected);
    let created = only(rows, "a new topic", |row| is(row, "CreateTopics", "allow"));
    assert_columns(created, &json!({"topic": TOPIC, "error_code": 0, "message": null}));
    assert!(created["topic_id"].is_string(), "{created:#}");
    let refused = only(rows, "none", |row| is(row, "CreateTopics", "deny"));
    let expected = json!({
        "topic": "bad.name", "error_code": 44, "rule_ids": ["topic-name"],
        "message": "topic-name: bad.name is no good name",
    });
    assert_columns(refused, &expected);
}

fn assert_sessions(rows: &[Value]) {
    let start = only(rows, "a start", |row| row["event"] == "session_start");
    let end = only(rows, "an end", |row| row["event"] == "session_end");
    let session = &start["session_id"];
    assert_eq!(session.as_str().map(str::len), Some(32));
    assert_eq!(&end["session_id"], session);
    assert_eq!(end["message"], "the client closed the connection");
    assert!(start["groups_id"].is_string());
    let in_session = rows.iter().filter(|row| row["session_id"].is_string());
    assert!(in_session.clone().all(|row| &row["session_id"] == session));
    assert_eq!(rows.len() - in_session.count(), 1, "the row of the policies' start");
    assert_eq!(rows[0]["event"], "policy_activated");
}

fn foreign_readers_agree(gateway: &crate::testcontainers::Gateway, count: usize) {
    let table = gateway.lockgate().command(&["audit", "show", "--dir", "audit"]).expect_success();
    let head = table.stdout.lines().next().unwrap_or_default().to_owned();
    assert!(head.starts_with("SEQ") && head.contains("DECISION"), "{head}");
    assert_eq!(table.stdout.lines().count(), count + 1, "{}", table.stdout);
    assert!(gateway.lockgate().stop().success());
    let dir = gateway.lockgate().directory().join("audit");
    let dir = dir.to_string_lossy();
    let arguments = [&*dir, "--rows", &count.to_string()];
    let read = Python::environment().run("audit_readers.py", &arguments).expect_success();
    let seen = &read.json_lines()[0];
    assert_eq!(
        (seen["rows"].as_u64(), seen["group_lists"].as_u64()),
        (Some(count as u64), Some(1))
    );
    let stored = rows(gateway.lockgate(), &[]);
    assert_eq!(stored.len(), count, "the same rows after conversion");
}

#[test]
fn durability_on_disk_serves_clients_too() {
    create_topic("durable");
    let settings = GatewaySettings::before(&KAFKA);
    let gateway = settings.configuration("audit: {durability: disk}").start();
    let mut clients: Vec<_> = (0..4).map(|_| connect(&gateway)).collect();
    for round in 0..5 {
        for client in &mut clients {
            client.send(9, &produce("durable", &[(0, &["{}"]), (1, &["{}", "{}"])]));
        }
        for client in &mut clients {
            let answer = client.answer::<kafka_protocol::messages::ProduceRequest>(9);
            let codes = answer.responses[0].partition_responses.iter().map(|one| one.error_code);
            assert_eq!(codes.collect::<Vec<_>>(), [0, 0], "round {round}");
        }
    }
    let rows = rows(gateway.lockgate(), &["--topic", "durable"]);
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row["error_code"] == 0), "{rows:#?}");
    let mut offsets: Vec<i64> = rows
        .iter()
        .filter(|row| row["partition"] == 1)
        .flat_map(|row| [row["first_offset"].as_i64(), row["last_offset"].as_i64()])
        .map(Option::unwrap)
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..40).collect::<Vec<_>>());
}

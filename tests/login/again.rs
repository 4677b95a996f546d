//! Logins again on a live connection (KIP-368): clients whose sessions are short go on without a
//! gap, also where the broker is told of every token.

use std::thread;
use std::time::{Duration, Instant};

use kafka_protocol::messages::MetadataRequest;
use serde_json::Value;

use crate::testcontainers::process::until;
use crate::testcontainers::raw::bearer;
use crate::testcontainers::{ClientProperties, JavaTools, Python, RawClient};
use crate::world::{LOCAL, World, bearer_identity, broker, create_topic};

const TOKEN_SECONDS: i64 = 6;

fn again<'r>(rows: &'r [Value], principal: &str) -> Vec<&'r Value> {
    let said = "logged in again on a live connection";
    rows.iter().filter(|row| row["message"] == said && row["principal"] == principal).collect()
}

#[track_caller]
fn expect_no_end(rows: &[Value], principal: &str) {
    let ended = |row: &&Value| {
        let message = row["message"].as_str().unwrap_or("");
        row["principal"] == principal && message.ends_with("has ended")
    };
    let ended: Vec<&Value> = rows.iter().filter(ended).collect();
    assert!(ended.is_empty(), "{ended:#?}");
}

/// Steady traffic by librdkafka with tokens of a few seconds; no record is lost.
fn steady(world: &World, topic: &str, user: &str) -> Value {
    let (ttl, url) = (TOKEN_SECONDS.to_string(), broker().issuer.token_url());
    let arguments = [
        ["--client", "confluent"],
        ["--user", user],
        ["--bootstrap", &world.address],
        ["--topic", topic],
        ["--token-url", &url],
        ["--seconds", "25"],
        ["--ttl", &ttl],
    ];
    let steady = Python::environment().run("steady.py", arguments.as_flattened());
    steady.expect_success().json_lines().pop().unwrap()
}

#[test]
fn t22_librdkafka_goes_on_over_several_tokens_on_one_connection() {
    create_topic("again.librdkafka");
    let skew = bearer_identity().replace("groups_claim", "clock_skew_seconds: 0, groups_claim");
    let world = World::local(&skew, "");
    let line = steady(&world, "again.librdkafka", "libby");
    assert!(line["delivered"].as_u64().unwrap() > 100, "{line}");
    assert_eq!(line["delivered"], line["consumed"], "{line}");
    let rows = world.rows();
    assert!(again(&rows, "libby").len() >= 4, "{rows:#?}");
    // It renews with what is left of a token, which may be nothing once the message is there.
    let late = |row: &Value| row["message"].as_str().unwrap_or("").starts_with("the token expired");
    let refused: Vec<&Value> = rows.iter().filter(|row| row["decision"] == "deny").collect();
    assert!(refused.iter().all(|row| late(row)), "{refused:#?}");
    expect_no_end(&rows, "libby");
}

#[test]
fn t22_librdkafka_goes_on_at_a_broker_that_is_told_of_every_token() {
    create_topic("again.forward");
    let skew = bearer_identity().replace("groups_claim", "clock_skew_seconds: 0, groups_claim");
    let upstream = format!("{{bootstrap: ['{}'], auth: forward}}", broker().kafka.sasl_bootstrap());
    let world = World::before(&upstream, &skew, "");
    let line = steady(&world, "again.forward", "fred");
    assert!(line["delivered"].as_u64().unwrap() > 100, "{line}");
    assert_eq!(line["delivered"], line["consumed"], "{line}");
    let rows = world.rows();
    assert!(again(&rows, "fred").len() >= 4, "{rows:#?}");
    expect_no_end(&rows, "fred");
}

#[test]
fn t22_java_goes_on_in_sessions_of_seconds_by_every_mechanism() {
    let world = World::local(
        &format!("{}\n  {LOCAL}", bearer_identity()),
        "limits: {session_ms_max: 4000}",
    );
    let issuer = &broker().issuer;
    // What the tool sends is no JSON: only who sees clear values gets it back.
    issuer.enroll("jim", &["pii-readers"]);
    thread::scope(|scope| {
        for mechanism in ["SCRAM-SHA-512", "PLAIN", "OAUTHBEARER"] {
            let topic = format!("again.{mechanism}");
            create_topic(&topic);
            let properties = match mechanism {
                "OAUTHBEARER" => {
                    ClientProperties::plain().client_credentials(&issuer.token_url(), "jim", "pw")
                }
                _ => ClientProperties::plain().password(mechanism, "alice", "alice-pw"),
            };
            let tools = JavaTools::new(broker().kafka.jars(), &world.address, properties);
            scope.spawn(move || {
                let finished = tools.run(
                    "org.apache.kafka.tools.ProducerPerformance",
                    &[
                        "--bootstrap-server",
                        tools.bootstrap(),
                        "--command-config",
                        &tools.properties_path(),
                        "--topic",
                        &topic,
                        "--num-records",
                        "400",
                        "--record-size",
                        "100",
                        "--throughput",
                        "20",
                    ],
                );
                let finished = finished.expect_success();
                assert!(finished.stdout.contains("400 records sent"), "{}", finished.explain());
                let read = tools.console_consume(&topic, 400, &[]).expect_success();
                assert_eq!(read.lines().len(), 400);
            });
        }
    });
    let rows = world.rows();
    for principal in ["alice", "jim"] {
        assert!(again(&rows, principal).len() >= 3, "{principal}: {rows:#?}");
    }
    assert!(rows.iter().all(|row| row["decision"] != "deny"), "{rows:#?}");
}

fn a_second_passes() {
    let began = Instant::now();
    until("a second", Duration::from_mins(1), || {
        if began.elapsed() > Duration::from_millis(1_050) { Ok(()) } else { Err(String::new()) }
    });
}

#[test]
fn t23_groups_are_those_of_the_newest_token_and_the_principal_stays() {
    let world = World::local(&bearer_identity(), "limits: {session_ms_max: 60000}");
    let token = |name: &str, groups: &[&str]| broker().issuer.token(name, groups, 600);
    let mut jane = RawClient::logged_in(&world.address, &token("jane", &[]));
    // Not within a second of the last, as with Kafka.
    a_second_passes();
    let answer = jane.log_in(&token("jane", &["pii-readers"])).unwrap();
    assert_eq!((answer.error_code, answer.auth_bytes.len()), (0, 0), "{answer:?}");
    assert!((59_000..=60_000).contains(&answer.session_lifetime_ms), "{answer:?}");
    jane.call(12, &MetadataRequest::default()).unwrap();
    let rows = world.rows();
    let logins: Vec<&Value> = rows.iter().filter(|row| row["event"] == "auth").collect();
    assert_eq!(logins.len(), 2);
    assert_eq!(logins[0]["session_id"], logins[1]["session_id"]);
    assert_ne!(logins[0]["groups_id"], logins[1]["groups_id"]);
    // Somebody else, with a good token of his own.
    a_second_passes();
    assert_eq!(jane.handshake("OAUTHBEARER").unwrap().error_code, 0);
    let answer = jane.authenticate(&bearer(&token("max", &["pii-readers"]))).unwrap();
    assert_eq!(answer.error_code, 58, "{answer:?}");
    assert!(answer.error_message.unwrap().contains("Cannot change principals"));
    jane.expect_closed();
    assert!(world.rows().iter().all(|row| row["principal"] != "max"));
}

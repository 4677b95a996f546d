//! T22: a session ends with its token, and clients with a fresh one go on.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{FetchRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;

use crate::testcontainers::{ClientProperties, JavaTools, Python, RawClient};
use crate::world::{World, create_topic, kafka};

const TOKEN_SECONDS: i64 = 6;
const NO_SKEW: &str = ", clock_skew_seconds: 0";

fn ended_with_token<'r>(rows: &'r [Value], principal: &str) -> Vec<&'r Value> {
    let ended = |row: &&Value| {
        row["event"] == "session_end"
            && row["principal"] == principal
            && row["message"] == "the token has ended"
    };
    rows.iter().filter(ended).collect()
}

#[test]
fn t22_a_fetch_that_waits_does_not_outlive_the_token() {
    create_topic("ends.waits");
    let world = World::with(NO_SKEW, "", &[]);
    let token = world.issuer.token("jane", &[], TOKEN_SECONDS);
    let mut jane = RawClient::logged_in(&world.address, &token);
    let opened = Instant::now();
    let partition = FetchPartition::default()
        .with_partition(0)
        .with_fetch_offset(0)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_static_str("ends.waits")))
        .with_partitions(vec![partition]);
    let five_minutes = FetchRequest::default()
        .with_max_wait_ms(300_000)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    let answer = jane.call(12, &five_minutes).unwrap();
    assert_eq!(answer.error_code, 0, "the answer comes when the token ends");
    let lived = opened.elapsed();
    assert!(lived < Duration::from_secs(60), "{lived:?}");
    // Then there is a login, or the end.
    let fresh = world.token("jane", &[]);
    assert_eq!(jane.log_in(&fresh).unwrap().error_code, 0);
    assert_eq!(jane.call(12, &five_minutes.clone().with_max_wait_ms(1)).unwrap().error_code, 0);
    let mut late = RawClient::logged_in(&world.address, &world.issuer.token("jane", &[], 2));
    late.call(12, &five_minutes).unwrap();
    late.call(12, &five_minutes).unwrap_err();
    let mut idle = RawClient::logged_in(&world.address, &world.issuer.token("jane", &[], 2));
    idle.expect_closed();
    assert_eq!(ended_with_token(&world.rows(), "jane").len(), 2);
    // The token is no good for another session either.
    let answer = RawClient::connect(&world.address).log_in(&token).unwrap();
    assert!(!answer.auth_bytes.is_empty());
}

#[test]
fn t22_clients_go_on_with_fresh_tokens() {
    create_topic("ends.confluent");
    create_topic("ends.kafka-python");
    create_topic("ends.java");
    let world = World::with(NO_SKEW, "", &[]);
    thread::scope(|scope| {
        for client in ["confluent", "kafka-python"] {
            let world = &world;
            scope.spawn(move || steady_python(world, client));
        }
        scope.spawn(|| steady_java(&world));
    });
    let rows = world.rows();
    for principal in ["confluent", "kafka-python", "java"] {
        let again = |row: &&Value| {
            row["principal"] == principal
                && row["message"] == "logged in again on a live connection"
        };
        let again = rows.iter().filter(again).count();
        let ended = ended_with_token(&rows, principal).len();
        assert!(again + ended >= 2, "{principal}: {again} logins again, {ended} ends");
        // Who knows KIP-368 goes on without a gap.
        assert!(principal == "kafka-python" || again >= 2, "{principal}: {again} logins again");
    }
    let refused: Vec<&Value> = rows.iter().filter(|row| row["decision"] == "deny").collect();
    // A request or a token that came in the very moment is refused as what it is.
    let late = |row: &Value| {
        let message = row["message"].as_str().unwrap_or("");
        message == "the token has ended" || message.starts_with("the token expired")
    };
    assert!(refused.iter().all(|row| late(row)), "{refused:#?}");
}

fn steady_python(world: &World, client: &str) {
    let topic = format!("ends.{client}");
    let ttl = TOKEN_SECONDS.to_string();
    let arguments = [
        ["--client", client],
        ["--user", client],
        ["--bootstrap", &world.address],
        ["--topic", &topic],
        ["--token-url", &world.issuer.token_url()],
        ["--seconds", "25"],
        ["--ttl", &ttl],
    ];
    let steady = Python::environment().run("steady.py", arguments.as_flattened());
    let line = steady.expect_success().json_lines().pop().unwrap();
    assert!(line["delivered"].as_u64().unwrap() > 100, "{line}");
    assert!(line["tokens"].as_u64().unwrap() > 4, "{line}");
}

/// A producer whose tokens come from a file that something else keeps fresh.
fn steady_java(world: &World) {
    let write = || {
        let token = world.issuer.token("java", &[], TOKEN_SECONDS);
        world.lockgate.write("java.token", &token);
    };
    write();
    let properties = ClientProperties::plain()
        .token_file(&world.lockgate.directory().join("java.token"))
        .set("sasl.login.refresh.min.period.seconds", 1)
        .set("sasl.login.refresh.buffer.seconds", 0);
    let tools = JavaTools::new(kafka().jars(), &world.address, properties);
    let bootstrap = format!("bootstrap.servers={}", world.address);
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(Duration::from_secs(1)).is_err() {
                write();
            }
        });
        let finished = tools.run(
            "org.apache.kafka.tools.ProducerPerformance",
            &[
                "--command-config",
                &tools.properties_path(),
                "--command-property",
                &bootstrap,
                "--topic",
                "ends.java",
                "--num-records",
                "500",
                "--record-size",
                "100",
                "--throughput",
                "20",
            ],
        );
        let _ = done.send(());
        let finished = finished.expect_success();
        assert!(finished.stdout.contains("500 records sent"), "{}", finished.explain());
    });
}

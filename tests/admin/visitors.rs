//! Without a permit the tools are told so in Kafka's own words, and nothing has changed.

use crate::testcontainers::{Finished, Scratch, stored, values};
use crate::{KAFKA, TOOLS, VISITORS, assert_no_broker_address, java, made};

/// Runs a tool of Kafka through the visitors' gateway.
fn tool(class: &str, arguments: &[&str]) -> Finished {
    let tools = java(&VISITORS.bootstrap());
    tools.run(class, &[&["--bootstrap-server", tools.bootstrap()], arguments].concat())
}

/// The tool ended with this exception of Kafka's.
#[track_caller]
fn refused(finished: &Finished, exception: &str) {
    let said = finished.stdout.clone() + &finished.explain();
    assert!(said.contains(exception), "{exception}: {said}");
}

#[test]
fn a_visitor_changes_nothing() {
    let topic = "visitors.topic";
    made(topic);
    java(&KAFKA.direct_bootstrap()).console_produce(topic, &["a", "b"], &[]).expect_success();
    let topics = format!("{TOOLS}.TopicCommand");
    let created = java(&VISITORS.bootstrap()).create_topic("visitors.new", 1, 1, &[]);
    refused(&created, "needs an entry in `permits`");
    let unauthorized = "TopicAuthorizationException";
    refused(&tool(&topics, &["--alter", "--topic", topic, "--partitions", "3"]), unauthorized);
    refused(&tool(&topics, &["--delete", "--topic", topic]), unauthorized);
    let entity = ["--entity-type", "topics", "--entity-name", topic];
    let altered = [&["--alter", "--add-config", "retention.ms=1"], &entity[..]].concat();
    refused(&tool("kafka.admin.ConfigCommand", &altered), unauthorized);
    let broker = ["--entity-type", "brokers", "--entity-default"];
    let altered = [&["--alter", "--add-config", "log.retention.ms=1"], &broker[..]].concat();
    let cluster = "ClusterAuthorizationException";
    refused(&tool("kafka.admin.ConfigCommand", &altered), cluster);
    let scratch = Scratch::new("visitors");
    let wanted = format!(
        r#"{{"partitions": [{{"topic": "{topic}", "partition": 0, "offset": 2}}], "version": 1}}"#
    );
    let file = scratch.write("offsets.json", &wanted);
    let class = format!("{TOOLS}.DeleteRecordsCommand");
    let deleted = tool(&class, &["--offset-json-file", &file.to_string_lossy()]);
    refused(&deleted, unauthorized);
    assert_eq!(values(&stored(&KAFKA.direct_bootstrap(), topic, 0)), ["a", "b"]);
    assert_eq!(KAFKA.leaders(topic).len(), 1);
    let direct = java(&KAFKA.direct_bootstrap());
    let server = ["--bootstrap-server", direct.bootstrap()];
    let described = direct.run(&topics, &[&server, &["--describe", "--topic", topic][..]].concat());
    let described = described.expect_success().stdout;
    assert!(!described.contains("retention.ms"), "{described}");
    assert_no_broker_address(&VISITORS);
}

#[test]
fn a_visitor_sees_no_access_lists_and_mints_no_token() {
    let acls = format!("{TOOLS}.AclCommand");
    refused(&tool(&acls, &["--list"]), "ClusterAuthorizationException");
    let election = ["--election-type", "preferred", "--all-topic-partitions"];
    let class = format!("{TOOLS}.LeaderElectionCommand");
    refused(&tool(&class, &election), "Not authorized to perform leader election");
    let tools = java(&VISITORS.bootstrap());
    let token = ["--create", "--max-life-time-period", "-1", "--command-config"];
    let properties = tools.properties_path();
    let minted = [&token[..], &[&properties]].concat();
    let class = format!("{TOOLS}.DelegationTokenCommand");
    refused(&tool(&class, &minted), "UnsupportedVersionException");
    assert_no_broker_address(&VISITORS);
}

#[test]
fn a_visitor_finds_no_trace_of_what_is_secret() {
    let (open, secret) = ("visitors.open", "secret.visitors");
    made(open);
    made(secret);
    let topics = format!("{TOOLS}.TopicCommand");
    let list = tool(&topics, &["--list"]).expect_success().stdout;
    assert!(list.lines().any(|line| line == open), "{list}");
    assert!(!list.contains("secret"), "{list}");
    let all = tool(&topics, &["--describe"]).expect_success().stdout;
    assert!(all.contains(open) && !all.contains("secret"), "{all}");
    let dirs = tool(&format!("{TOOLS}.LogDirsCommand"), &["--describe"]).expect_success().stdout;
    assert!(dirs.contains("visitors.open-0") && !dirs.contains("secret"), "{dirs}");
    let offsets = tool(&format!("{TOOLS}.GetOffsetShell"), &[]).expect_success().stdout;
    assert!(offsets.contains(open) && !offsets.contains("secret"), "{offsets}");
    assert_eq!(VISITORS.tap().count(secret.as_bytes()), 0, "not in any byte");
    assert_no_broker_address(&VISITORS);
}

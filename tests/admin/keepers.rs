//! With permits Kafka's tools do what they do at the broker.

use crate::testcontainers::{Finished, Scratch, stored, values};
use crate::{KAFKA, KEEPERS, TOOLS, assert_no_broker_address, java, made};

/// Runs a tool of Kafka through the keepers' gateway.
fn tool(class: &str, arguments: &[&str]) -> Finished {
    let tools = java(&KEEPERS.bootstrap());
    let server = ["--bootstrap-server", tools.bootstrap()];
    tools.run(&format!("{TOOLS}.{class}"), &[&server, arguments].concat())
}

fn config(arguments: &[&str]) -> String {
    let tools = java(&KEEPERS.bootstrap());
    let server = ["--bootstrap-server", tools.bootstrap()];
    tools.run("kafka.admin.ConfigCommand", &[&server, arguments].concat()).expect_success().stdout
}

#[test]
fn topics_from_their_creation_to_their_deletion() {
    let topic = "keepers.topic";
    let tools = java(&KEEPERS.bootstrap());
    tools.create_topic(topic, 1, 1, &["retention.ms=60000"]).expect_success();
    tool("TopicCommand", &["--alter", "--topic", topic, "--partitions", "3"]).expect_success();
    assert_eq!(KAFKA.leaders(topic).len(), 3);
    let described = tool("TopicCommand", &["--describe", "--topic", topic]).expect_success().stdout;
    assert!(described.contains("PartitionCount: 3"), "{described}");
    assert!(described.contains("retention.ms=60000"), "{described}");
    let entity = ["--entity-type", "topics", "--entity-name", topic];
    config(&[&["--alter", "--add-config", "segment.bytes=2000000"], &entity[..]].concat());
    let told = config(&[&["--describe"], &entity[..]].concat());
    assert!(told.contains("segment.bytes=2000000"), "{told}");
    config(&[&["--alter", "--delete-config", "segment.bytes"], &entity[..]].concat());
    let told = config(&[&["--describe"], &entity[..]].concat());
    assert!(!told.contains("segment.bytes="), "{told}");
    tool("TopicCommand", &["--delete", "--topic", topic]).expect_success();
    let list = tool("TopicCommand", &["--list"]).expect_success().stdout;
    assert!(!list.lines().any(|line| line == topic), "{list}");
    assert_no_broker_address(&KEEPERS);
}

#[test]
fn records_are_deleted_and_offsets_say_so() {
    let topic = "keepers.records";
    made(topic);
    java(&KAFKA.direct_bootstrap()).console_produce(topic, &["a", "b", "c"], &[]).expect_success();
    let scratch = Scratch::new("delete-records");
    let wanted = format!(
        r#"{{"partitions": [{{"topic": "{topic}", "partition": 0, "offset": 2}}], "version": 1}}"#
    );
    let file = scratch.write("offsets.json", &wanted);
    let file = file.to_string_lossy();
    tool("DeleteRecordsCommand", &["--offset-json-file", &file]).expect_success();
    assert_eq!(values(&stored(&KAFKA.direct_bootstrap(), topic, 0)), ["c"]);
    let earliest = tool("GetOffsetShell", &["--topic", topic, "--time", "earliest"]);
    let earliest = earliest.expect_success().stdout;
    assert!(earliest.contains(&format!("{topic}:0:2")), "{earliest}");
    assert_no_broker_address(&KEEPERS);
}

#[test]
fn partitions_are_moved_and_leaders_elected() {
    let topic = "keepers.moved";
    made(topic);
    let scratch = Scratch::new("reassign");
    let plan = format!(
        r#"{{"version": 1, "partitions": [
                {{"topic": "{topic}", "partition": 0, "replicas": [1]}}]}}"#
    );
    let plan = scratch.write("plan.json", &plan);
    let plan = plan.to_string_lossy();
    let reassign = "reassign.ReassignPartitionsCommand";
    let moved = tool(reassign, &["--reassignment-json-file", &plan, "--execute"]).expect_success();
    assert!(moved.stdout.contains("Successfully started"), "{}", moved.stdout);
    let done = tool(reassign, &["--reassignment-json-file", &plan, "--verify"]).expect_success();
    assert!(done.stdout.contains("is completed"), "{}", done.stdout);
    tool(reassign, &["--list"]).expect_success();
    let arguments = ["--election-type", "preferred", "--all-topic-partitions"];
    tool("LeaderElectionCommand", &arguments).expect_success();
    let arguments = ["--election-type", "preferred", "--topic", topic, "--partition", "0"];
    tool("LeaderElectionCommand", &arguments).expect_success();
    let dirs = tool("LogDirsCommand", &["--describe", "--topic-list", topic]).expect_success();
    assert!(dirs.stdout.contains(&format!("{topic}-0")), "{}", dirs.stdout);
    assert_no_broker_address(&KEEPERS);
}

#[test]
fn access_lists_quotas_and_users() {
    let acl = ["--allow-principal", "User:keepers-guest", "--operation", "read", "--topic", "t"];
    tool("AclCommand", &[&["--add"], &acl[..]].concat()).expect_success();
    let list = tool("AclCommand", &["--list", "--topic", "t"]).expect_success().stdout;
    assert!(list.contains("User:keepers-guest"), "{list}");
    tool("AclCommand", &[&["--remove", "--force"], &acl[..]].concat()).expect_success();
    let list = tool("AclCommand", &["--list"]).expect_success().stdout;
    assert!(!list.contains("User:keepers-guest"), "{list}");
    let user = ["--entity-type", "users", "--entity-name", "keepers-guest"];
    config(&[&["--alter", "--add-config", "producer_byte_rate=4096"], &user[..]].concat());
    let password = "SCRAM-SHA-256=[iterations=8192,password=a-long-password]";
    config(&[&["--alter", "--add-config", password], &user[..]].concat());
    let told = config(&[&["--describe"], &user[..]].concat());
    assert!(told.contains("producer_byte_rate=4096"), "{told}");
    assert!(told.contains("SCRAM-SHA-256=iterations=8192"), "{told}");
    for removed in ["producer_byte_rate", "SCRAM-SHA-256"] {
        config(&[&["--alter", "--delete-config", removed], &user[..]].concat());
    }
    assert_no_broker_address(&KEEPERS);
}

#[test]
fn the_cluster_its_brokers_and_its_features() {
    let broker = ["--entity-type", "brokers", "--entity-name", "1"];
    config(&[&["--alter", "--add-config", "log.cleaner.backoff.ms=14000"], &broker[..]].concat());
    let told = config(&[&["--describe", "--all"], &broker[..]].concat());
    assert!(told.contains("log.cleaner.backoff.ms=14000"), "{told}");
    let listeners = told.lines().find(|line| line.trim().starts_with("advertised.listeners="));
    assert!(listeners.is_some_and(|line| line.contains("=null")), "{told}");
    let tools = java(&KEEPERS.bootstrap());
    let quorum = |what: &str| {
        let arguments = ["--bootstrap-server", tools.bootstrap(), "describe", what];
        let class = format!("{TOOLS}.MetadataQuorumCommand");
        tools.run(&class, &arguments).expect_success().stdout
    };
    let status = quorum("--status");
    assert!(status.contains("LeaderId:"), "{status}");
    assert!(quorum("--replication").contains("Leader"));
    let feature = |rest: &[&str]| {
        let arguments = [&["--bootstrap-server", tools.bootstrap()], rest].concat();
        tools.run(&format!("{TOOLS}.FeatureCommand"), &arguments)
    };
    let features = feature(&["describe"]).expect_success().stdout;
    assert!(features.contains("metadata.version"), "{features}");
    let dry = ["upgrade", "--feature", "metadata.version=1", "--dry-run"];
    let refused = feature(&dry).expect_failure();
    let said = refused.stdout.clone() + &refused.explain();
    assert!(!said.contains("ClusterAuthorization"), "the broker itself says why: {said}");
    let arguments = ["unregister", "--id", "99", "--bootstrap-server", tools.bootstrap()];
    let gone = tools.run(&format!("{TOOLS}.ClusterTool"), &arguments);
    let said = gone.stdout.clone() + &gone.explain();
    assert!(!said.contains("ClusterAuthorization"), "the broker itself says why: {said}");
    assert_no_broker_address(&KEEPERS);
}

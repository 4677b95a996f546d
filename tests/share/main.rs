//! Share groups (KIP-932) through Lockgate, by Kafka's Java client on Kafka: masked, left out, denied,
//! given again, and never stuck.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use serde_json::Value;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

use testcontainers::gateway::GatewaySettings;
use testcontainers::process::Finished;
use testcontainers::{ClientProperties, Gateway, JavaTools, Kafka, KafkaSettings};

const CANARY: &str = "c4n4ry-8d31ea";
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// Records of each codec.
const EACH: usize = 20;

const RULES: &str = r#"apiVersion: policy/v1
kind: Policy
metadata: {name: share}
spec:
  rules:
    - id: mask
      match: {direction: consume, topics: ["masked.**"]}
      select: [{path: "$.secret"}]
      action: {mask: {with: redact}}
      on_undecodable: drop
    - id: closed
      match: {direction: consume, topics: ["closed.**"]}
      action: {deny: {message: "closed here"}}
"#;

static KAFKA: LazyLock<Kafka> = LazyLock::new(|| {
    let settings = KafkaSettings::one_node()
        .property("group.share.min.record.lock.duration.ms", 1_000)
        .property("group.share.record.lock.duration.ms", 3_000);
    Kafka::start(&settings)
});

static GATEWAY: LazyLock<Gateway> =
    LazyLock::new(|| GatewaySettings::before(&KAFKA).policy("share.yaml", RULES).tapped().start());

fn tools(bootstrap: &str) -> JavaTools {
    JavaTools::new(KAFKA.jars(), bootstrap, ClientProperties::plain())
}

/// A topic with records of all codecs, written directly: a secret in each.
fn topic(name: &str) {
    let direct = tools(&KAFKA.bootstrap());
    direct.create_topic(name, 2, 1, &[]).expect_success();
    for codec in CODECS {
        let lines: Vec<String> = (0..EACH)
            .map(|number| format!(r#"{{"codec":"{codec}","n":{number},"secret":"{CANARY}"}}"#))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let compression = format!("compression.type={codec}");
        let options = ["--command-property", compression.as_str()];
        direct.console_produce(name, &lines, &options).expect_success();
    }
}

/// A share group's consumer, through Lockgate.
fn share(group: &str, way: &str, count: usize, topics: &[&str]) -> Finished {
    tools(&KAFKA.bootstrap()).share_from_earliest(group).expect_success();
    let count = count.to_string();
    let mut arguments = vec![group, way, &count, CANARY];
    arguments.extend(topics);
    tools(&GATEWAY.bootstrap()).java_program("ShareGroup.java", &arguments)
}

#[track_caller]
fn line(finished: &Finished) -> Value {
    let lines = finished.json_lines();
    assert_eq!(lines.len(), 1, "{}", finished.explain());
    lines[0].clone()
}

#[test]
fn t04_a_share_group_reads_masked_records_of_every_codec() {
    topic("masked.codecs");
    let all = EACH * CODECS.len();
    let read = share("codecs", "accept", all, &["masked.codecs"]).expect_success();
    let line = line(&read);
    assert_eq!((&line["done"], &line["canaries"]), (&all.into(), &0.into()), "{line}");
    assert_eq!((&line["acknowledged"], &line["failed"]), (&all.into(), &Value::Array(vec![])));
    for codec in CODECS {
        let of = format!(r#""codec":"{codec}""#);
        let values = line["values"].as_array().unwrap();
        let count = values.iter().filter(|value| value.as_str().unwrap().contains(&of)).count();
        assert_eq!(count, EACH, "{codec}");
    }
    // What a tool of Kafka's prints, and not one byte of the secret on the way to anybody.
    let tool = tools(&GATEWAY.bootstrap());
    tools(&KAFKA.bootstrap()).share_from_earliest("console").expect_success();
    let shown = tool.share_consume("masked.codecs", "console", all).expect_success();
    assert_eq!(shown.lines().iter().filter(|line| line.contains("[REDACTED]")).count(), 0);
    assert!(!shown.stdout.contains(CANARY));
    assert_eq!(GATEWAY.tap().count(CANARY.as_bytes()), 0);
}

#[test]
fn t04_records_that_are_left_out_are_gaps_and_the_group_goes_on() {
    let direct = tools(&KAFKA.bootstrap());
    direct.create_topic("masked.gaps", 1, 1, &[]).expect_success();
    let bad = format!("no JSON {CANARY}");
    let good = |number: usize| format!(r#"{{"n":{number},"secret":"{CANARY}"}}"#);
    // A batch with gaps, a batch of nothing but gaps, and a batch behind it.
    for lines in
        [[good(0), bad.clone(), good(1), bad.clone()].to_vec(), vec![bad; 3], vec![good(2)]]
    {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let options = ["--command-property", "linger.ms=2000"];
        direct.console_produce("masked.gaps", &lines, &options).expect_success();
    }
    let line = line(&share("gaps", "accept", 3, &["masked.gaps"]).expect_success());
    assert_eq!((&line["done"], &line["canaries"]), (&3.into(), &0.into()), "{line}");
    assert_eq!(line["failed"], Value::Array(vec![]), "{line}");
    // Whoever comes next in the group is given none of them: the gaps were acknowledged.
    direct.console_produce("masked.gaps", &[&good(3)], &[]).expect_success();
    let again = self::line(&share("gaps", "accept", 1, &["masked.gaps"]).expect_success());
    assert_eq!(again["deliveries"], serde_json::json!({"1": 1}), "{again}");
    assert_eq!(again["values"].as_array().unwrap().len(), 1, "{again}");
    let offset = start_offset("gaps", "masked.gaps");
    assert!(offset >= 8, "gaps that were not acknowledged hold the group at {offset}");
}

/// The offset that the group's share partition starts at.
fn start_offset(group: &str, topic: &str) -> i64 {
    let tool = tools(&KAFKA.bootstrap());
    let class = "org.apache.kafka.tools.consumer.group.ShareGroupCommand";
    let bootstrap = KAFKA.bootstrap();
    let arguments = ["--bootstrap-server", &bootstrap, "--describe", "--offsets", "--group", group];
    let shown = tool.run(class, &arguments).expect_success();
    let row = shown.lines().into_iter().find(|line| line.contains(topic)).map(str::to_owned);
    let row = row.unwrap_or_else(|| panic!("{}", shown.explain()));
    row.split_whitespace()
        .nth(3)
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{row}"))
}

#[test]
fn t04_a_topic_that_may_not_be_read_is_refused_and_burns_no_delivery() {
    topic("closed.share");
    let refused = share("closed", "accept", 1, &["closed.share"]).expect_failure();
    let line = line(&refused);
    let error = "org.apache.kafka.common.errors.TopicAuthorizationException";
    assert_eq!((&line["error"], &line["topics"][0]), (&error.into(), &"closed.share".into()));
    // Directly, the group is given each record for the first time.
    let count = (EACH * CODECS.len()).to_string();
    let direct = tools(&KAFKA.bootstrap());
    let arguments = ["closed", "accept", &count, CANARY, "closed.share"];
    let read = direct.java_program("ShareGroup.java", &arguments).expect_success();
    let line = self::line(&read);
    assert_eq!(line["deliveries"], serde_json::json!({"1": EACH * CODECS.len()}), "{line}");
}

#[test]
fn t04_what_is_released_or_whose_lock_runs_out_is_given_again_and_masked() {
    topic("masked.again");
    let all = EACH * CODECS.len();
    let released = share("released", "release", all, &["masked.again"]).expect_success();
    let line = line(&released);
    assert_eq!(line["deliveries"], serde_json::json!({"1": all, "2": all}), "{line}");
    assert_eq!(line["canaries"], 0, "{line}");
    let direct = tools(&KAFKA.bootstrap());
    let count = all.to_string();
    let arguments = ["kept-direct", "keep", &count, CANARY, "masked.again"];
    direct.share_from_earliest("kept-direct").expect_success();
    eprintln!("{}", direct.java_program("ShareGroup.java", &arguments).stdout);
    let kept = share("kept", "keep", all, &["masked.again"]).expect_success();
    let line = self::line(&kept);
    assert_eq!((&line["done"], &line["canaries"]), (&all.into(), &0.into()), "{line}");
    assert!(line["deliveries"]["2"].as_u64().is_some_and(|count| count > 0), "{line}");
    let rejected = share("rejected", "reject", all, &["masked.again"]).expect_success();
    assert_eq!(self::line(&rejected)["done"], all);
}

#[test]
fn t06_no_byte_towards_a_share_consumer_names_a_broker() {
    topic("masked.addresses");
    share("addresses", "accept", EACH, &["masked.addresses"]).expect_success();
    let real = KAFKA.node(1).address();
    let port = real.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    assert_eq!(GATEWAY.tap().count(real.as_bytes()), 0);
    // A port on the wire is an INT32.
    assert_eq!(GATEWAY.tap().count(&i32::from(port).to_be_bytes()), 0);
}

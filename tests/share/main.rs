//! Share groups (KIP-932) through Lockgate, by Kafka's Java client on Kafka: masked, left out,
//! denied, given again, and never stuck.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;
use std::time::Duration;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use serde_json::Value;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

use testcontainers::gateway::GatewaySettings;
use testcontainers::process::Finished;
use testcontainers::{ClientProperties, Gateway, JavaTools, Kafka, KafkaSettings, Wire};

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

fn create(name: &str) {
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_string(name.to_owned())))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
    let answer = Wire::connect(&KAFKA.direct_bootstrap()).ask(7, &request);
    assert_eq!(answer.topics[0].error_code, 0);
    KAFKA.leaders(name);
}

/// Writes one batch of these values, directly.
fn write(topic: &str, codec: &str, values: &[String]) {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", KAFKA.direct_bootstrap())
        .set("compression.type", codec)
        .set("linger.ms", "500")
        .create()
        .unwrap();
    for value in values {
        producer.send(BaseRecord::<(), str>::to(topic).payload(value)).unwrap();
    }
    producer.flush(Duration::from_mins(1)).unwrap();
}

/// A topic with records of all codecs, written directly: a secret in each.
fn topic(name: &str) {
    create(name);
    for codec in CODECS {
        let record = |n| format!(r#"{{"codec":"{codec}","n":{n},"secret":"{CANARY}"}}"#);
        write(name, codec, &(0..EACH).map(record).collect::<Vec<_>>());
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
    create("masked.gaps");
    let bad = format!("no JSON {CANARY}");
    let good = |number: usize| format!(r#"{{"n":{number},"secret":"{CANARY}"}}"#);
    // A batch with gaps, a batch of nothing but gaps, and a batch behind it.
    for values in [vec![good(0), bad.clone(), good(1), bad.clone()], vec![bad; 3], vec![good(2)]] {
        write("masked.gaps", "lz4", &values);
    }
    let line = line(&share("gaps", "accept", 3, &["masked.gaps"]).expect_success());
    assert_eq!((&line["done"], &line["canaries"]), (&3.into(), &0.into()), "{line}");
    assert_eq!(line["failed"], Value::Array(vec![]), "{line}");
    // Whoever comes next in the group is given none of them: the gaps were acknowledged.
    write("masked.gaps", "none", &[good(3)]);
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
    let kept = share("kept", "keep", all, &["masked.again"]).expect_success();
    let line = self::line(&kept);
    assert_eq!((&line["done"], &line["canaries"]), (&all.into(), &0.into()), "{line}");
    assert!(line["kept"].as_u64().is_some_and(|kept| kept > 0), "{line}");
    assert_eq!(line["deliveries"]["2"], line["kept"], "{line}");
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

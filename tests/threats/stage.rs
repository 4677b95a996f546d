//! One Kafka and one Lockgate before it, shared by all tests; each test has topics of its own.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::raw::Raw;
use crate::testcontainers::process::until;
use crate::testcontainers::{Kafka, KafkaSettings, Lockgate, LockgateSettings, ports};

/// What all records of the tests hide.
pub const CANARY: &str = "c4n4ry-5f2d8e";

/// Readers see no `secret` and no `ssn` of `masked.*`; nobody reads or writes `closed.*`; what is
/// no JSON is left out of `strict.*`; a bad record is refused on `checked.*`.
pub const RULES: &str = r#"apiVersion: policy/v1
kind: Policy
metadata: {name: threats}
spec:
  rules:
    - id: mask
      match: {direction: consume, topics: ["masked.**", "strict.**"]}
      select:
        - {path: "$.secret"}
        - {name: "*ssn*"}
        - {path: "$.people[*].name"}
        - {name: "x-secret*", in: [headers]}
      action: {mask: {with: redact, label: "[hidden]"}}
      on_undecodable: drop
    - id: mask-keys
      match: {direction: consume, topics: ["masked.keys"]}
      select: [{path: "$", in: [key]}]
      action: {mask: {with: hmac, key_ref: "file:keys/k", prefix: "k_"}}
    - id: closed-read
      match: {direction: consume, topics: ["closed.**"]}
      action: {deny: {}}
    - id: closed-write
      match: {direction: produce, topics: ["closed.**"]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED, message: "closed here"}}
    - id: checked
      match: {direction: produce, topics: ["checked.**"]}
      when: "!record.value_is_null && value.bad == true"
      action: {deny: {code: INVALID_RECORD, message: "record {record_index} is bad"}}
"#;

pub struct Stage {
    pub kafka: Kafka,
    pub lockgate: Lockgate,
    pub port: u16,
    pub broker_port: u16,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    // The records' times are long ago: they must not be deleted for it, nor end a segment.
    let settings = KafkaSettings::one_node()
        .property("message.max.bytes", 16 << 20)
        .property("log.retention.ms", -1)
        .property("log.roll.ms", 1_i64 << 50);
    Stage::before(Kafka::start(&settings), RULES)
});

pub fn stage() -> &'static Stage {
    &STAGE
}

/// The configuration of a Lockgate for anybody, with these further lines.
pub fn configuration(kafka: &Kafka, port: u16, broker_port: u16, further: &str) -> String {
    format!(
        "listen: 127.0.0.1:{port}\n\
         addresses: {{ports: {broker_port}-{}, host: localhost}}\n\
         upstream: {}\n\
         identity: {{anonymous: {{principal: jane, groups: [readers]}}}}\n\
         audit: {{dir: ./audit}}\n\
         admin: {{listen: 127.0.0.1:{}}}\n\
         {further}",
        broker_port + 1,
        kafka.bootstrap(),
        ports::free(),
    )
}

impl Stage {
    fn before(kafka: Kafka, rules: &str) -> Self {
        let port = ports::free();
        let broker_port = *ports::consecutive(2).start();
        let limits = "limits: {inflated_batch_bytes_max: 4194304}\n";
        let settings = LockgateSettings::new(configuration(&kafka, port, broker_port, limits))
            .file("policies/threats.yaml", rules)
            .file("policies/keys/k", "0123456789abcdef0123456789abcdef");
        let lockgate = Lockgate::start(settings);
        Self { kafka, lockgate, port, broker_port }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn direct(&self) -> String {
        self.kafka.node(1).address()
    }

    /// A connection through Lockgate.
    pub fn client(&self) -> Raw {
        Raw::to(&self.address())
    }

    /// A connection to the broker itself.
    pub fn broker(&self) -> Raw {
        Raw::to(&self.direct())
    }

    /// A new topic, made directly.
    pub fn topic(&self, name: &str, partitions: i32) {
        self.broker().create_topic(name, partitions);
        self.kafka.leaders(name);
        // A leader is named before it serves.
        until("a topic that is served", Duration::from_mins(1), || {
            match (0..partitions).find(|index| self.broker().end(name, *index).0 != 0) {
                None => Ok(()),
                Some(index) => Err(format!("{name}-{index}")),
            }
        });
    }

    /// The audit rows of which `wanted` holds; waits for at least one.
    pub fn rows(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let shown =
                self.lockgate.command(&["audit", "show", "--dir", "audit", "--format", "json"]);
            let rows: Vec<Value> = shown
                .stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .filter(&wanted)
                .collect();
            if !rows.is_empty() || Instant::now() > end {
                assert!(!rows.is_empty(), "no such row\n{}", shown.explain());
                return rows;
            }
        }
    }

    /// Lockgate has taken the attack: it runs, has not panicked, and serves others.
    #[track_caller]
    pub fn unharmed(&self) {
        assert!(self.lockgate.is_running());
        assert!(!self.lockgate.stderr().contains("panicked"), "{}", self.lockgate.stderr());
        self.client().brokers();
    }
}

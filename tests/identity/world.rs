//! What the tests share: one broker, and a gateway with an issuer for each test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;

use crate::testcontainers::lockgate::READY_LIMIT;
pub use crate::testcontainers::people::{CLEAR, MASKED, POLICY};
use crate::testcontainers::{
    Kafka, KafkaSettings, Lockgate, LockgateSettings, RawClient, TokenIssuer, ports,
};

/// One broker for the whole binary; it ends with the process.
pub fn kafka() -> &'static Kafka {
    static KAFKA: LazyLock<Kafka> = LazyLock::new(|| Kafka::start(&KafkaSettings::one_node()));
    &KAFKA
}

/// Creates a topic with one partition on the broker itself.
pub fn create_topic(name: &str) {
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_string(name.to_owned())))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
    let answer = RawClient::connect(&kafka().bootstrap()).call(7, &request).unwrap();
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0), "{answer:?}");
}

/// A gateway in front of the broker.
pub struct World {
    pub issuer: TokenIssuer,
    pub lockgate: Lockgate,
    pub address: String,
}

impl World {
    /// With one issuer that names groups in its tokens.
    pub fn start() -> Self {
        Self::with("", "", &[])
    }

    /// `issuer` goes on with the issuer's mapping, `more` with the file; `files` lie beside it.
    pub fn with(issuer: &str, more: &str, files: &[(&str, &str)]) -> Self {
        let tokens = TokenIssuer::start();
        let url = tokens.url();
        let identity = format!(
            "oauthbearer: \
             {{issuer: \"{url}\", audience: kafka, groups_claim: groups{issuer}}}"
        );
        let (lockgate, address) = gateway(&identity, more, files);
        Self { issuer: tokens, lockgate, address }
    }

    pub fn token(&self, name: &str, groups: &[&str]) -> String {
        self.issuer.token(name, groups, 600)
    }

    /// The rows of the audit that speak of logins and sessions, oldest first.
    pub fn rows(&self) -> Vec<Value> {
        rows(&self.lockgate)
    }
}

/// A gateway with this identity; its bootstrap address too.
pub fn gateway(identity: &str, more: &str, files: &[(&str, &str)]) -> (Lockgate, String) {
    let ports = ports::consecutive(3);
    let (listen, first, last) = (ports.start(), ports.start() + 1, ports.end());
    let upstream = kafka().bootstrap();
    let config = format!(
        "listen: 127.0.0.1:{listen}\n\
         addresses: {{ports: {first}-{last}, host: 127.0.0.1}}\n\
         upstream: {upstream}\n\
         policies: ./policies\n\
         audit: {{dir: ./audit}}\n\
         admin: {{listen: \"127.0.0.1:0\"}}\n\
         identity:\n  {identity}\n{more}\n"
    );
    let mut settings = LockgateSettings::new(config).file("policies/people.yaml", POLICY);
    for (name, text) in files {
        settings = settings.file(name, *text);
    }
    (Lockgate::start(settings), format!("127.0.0.1:{listen}"))
}

/// The audit rows of logins and sessions, oldest first.
pub fn rows(lockgate: &Lockgate) -> Vec<Value> {
    let show = lockgate.command(&[
        "audit",
        "show",
        "--dir",
        "audit",
        "--format",
        "json",
        "--event",
        "auth",
        "--event",
        "session_start",
        "--event",
        "session_end",
        "--event",
        "decision",
    ]);
    let lines = show.expect_success().stdout;
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Status and body of an answer of the admin listener.
pub fn get(lockgate: &Lockgate, path: &str) -> (u16, String) {
    let ready = lockgate.wait_for_line("ready", READY_LIMIT);
    let address = ready.split(' ').find_map(|word| word.strip_prefix("admin=")).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, body.to_owned())
}

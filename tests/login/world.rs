//! One secured broker, the issuer that it believes, and gateways before it.

use std::sync::LazyLock;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;

pub use crate::testcontainers::people::{CLEAR, MASKED, POLICY};
use crate::testcontainers::process::Finished;
use crate::testcontainers::secured::add_scram_user;
use crate::testcontainers::{
    CertificateFiles, Kafka, KafkaSettings, Lockgate, LockgateSettings, OauthListener, Scratch,
    TokenIssuer, ports,
};

/// How long a session lives at the broker, whatever its token says (KIP-368).
pub const BROKER_SESSION_MS: i64 = 8_000;
pub const COMMAND_LIMIT: std::time::Duration = std::time::Duration::from_mins(1);

pub struct Broker {
    pub issuer: TokenIssuer,
    pub kafka: Kafka,
    _files: CertificateFiles,
}

/// Started by the first test that asks.
pub fn broker() -> &'static Broker {
    static BROKER: LazyLock<Broker> = LazyLock::new(|| {
        let issuer = TokenIssuer::start();
        let files = CertificateFiles::make();
        let settings = KafkaSettings::one_node()
            .oauth(OauthListener {
                jwks_url: issuer.key_set_url(),
                issuer: issuer.url(),
                audience: "kafka".to_owned(),
            })
            .secured(&files)
            .property("connections.max.reauth.ms", BROKER_SESSION_MS);
        let kafka = Kafka::start(&settings);
        add_scram_user(&kafka, "carol", "carol-secret");
        Broker { issuer, kafka, _files: files }
    });
    &BROKER
}

/// `lockgate config user` with these arguments and this on its standard input.
pub fn config_user(scratch: &Scratch, arguments: &[&str], input: &str) -> Finished {
    let input = scratch.write("input", input);
    Lockgate::program()
        .arguments(["config", "user"])
        .arguments(arguments)
        .directory(scratch.path())
        .input(input)
        .run(COMMAND_LIMIT)
}

/// A users file with alice (a reader of e-mail addresses) and bob (none), written by the command.
pub fn users() -> &'static str {
    static USERS: LazyLock<String> = LazyLock::new(|| {
        let scratch = Scratch::new("users");
        for (name, groups) in [("alice", "pii-readers,humans"), ("bob", "humans")] {
            let arguments = ["--file", "users.yaml", "--name", name, "--groups", groups];
            config_user(&scratch, &arguments, &format!("{name}-pw\n")).expect_success();
        }
        std::fs::read_to_string(scratch.path().join("users.yaml")).unwrap()
    });
    &USERS
}

/// A gateway, and where clients find it.
pub struct World {
    pub lockgate: Lockgate,
    pub address: String,
}

/// Local users by every mechanism.
pub const LOCAL: &str = "plain: {users: users.yaml}\n  scram: {users: {file: users.yaml}}";

impl World {
    /// Before the broker's open listener, with this under `identity` and these further lines.
    pub fn local(identity: &str, more: &str) -> Self {
        Self::before(&broker().kafka.bootstrap(), identity, more)
    }

    pub fn before(upstream: &str, identity: &str, more: &str) -> Self {
        let ports = ports::consecutive(3);
        let (listen, first, last) = (ports.start(), ports.start() + 1, ports.end());
        let config = format!(
            "listen: 127.0.0.1:{listen}\n\
             addresses: {{ports: {first}-{last}, host: 127.0.0.1}}\n\
             upstream: {upstream}\n\
             audit: {{dir: ./audit}}\n\
             admin: {{listen: \"127.0.0.1:0\"}}\n\
             identity:\n  {identity}\n{more}\n"
        );
        let settings = LockgateSettings::new(config)
            .file("policies/people.yaml", POLICY)
            .file("users.yaml", users())
            .file("groups.yaml", "groups:\n  pii-readers: [alice, carol]\n  humans: [bob]\n");
        Self { lockgate: Lockgate::start(settings), address: format!("127.0.0.1:{listen}") }
    }

    /// The audit rows of logins and sessions, oldest first.
    pub fn rows(&self) -> Vec<Value> {
        let events = ["auth", "session_start", "session_end", "decision"];
        let mut arguments = vec!["audit", "show", "--dir", "audit", "--format", "json"];
        arguments.extend(events.iter().flat_map(|event| ["--event", event]));
        let shown = self.lockgate.command(&arguments).expect_success();
        shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Nothing that anybody logged in with is in its logs or its audit.
    #[track_caller]
    pub fn expect_discreet(&self, secrets: &[&str]) {
        let rows = serde_json::to_string(&self.rows()).unwrap();
        let log = self.lockgate.stderr();
        for secret in secrets {
            assert!(!rows.contains(secret) && !log.contains(secret), "{secret} was shown");
        }
    }
}

/// What OAUTHBEARER wants under `identity`.
pub fn bearer_identity() -> String {
    let url = broker().issuer.url();
    format!("oauthbearer: {{issuer: \"{url}\", audience: kafka, groups_claim: groups}}")
}

/// Creates a topic with one partition on the broker itself.
pub fn create_topic(name: &str) {
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_string(name.to_owned())))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
    let kafka = &broker().kafka;
    let mut client = crate::testcontainers::RawClient::connect(&kafka.bootstrap());
    let answer = client.call(7, &request).unwrap();
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0), "{answer:?}");
    kafka.leaders(name);
}

/// The logins among the rows: principal, mechanism and decision.
pub fn logins(rows: &[Value]) -> Vec<(Option<&str>, Option<&str>, &str)> {
    let login = |row: &&Value| row["event"] == "auth";
    rows.iter()
        .filter(login)
        .map(|row| {
            (
                row["principal"].as_str(),
                row["auth_mech"].as_str(),
                row["decision"].as_str().unwrap(),
            )
        })
        .collect()
}

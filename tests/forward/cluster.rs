//! Three brokers with OAUTHBEARER and ACLs that deny by default, and a gateway that forwards
//! tokens.

use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::{BrokerId, CreateAclsRequest, CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;

use crate::testcontainers::people::POLICY;
pub use crate::testcontainers::people::{CLEAR, MASKED};
use crate::testcontainers::{
    Authorizer, Kafka, KafkaSettings, Lockgate, LockgateSettings, OauthListener, RawClient,
    TokenIssuer, ports,
};

/// How long a change of metadata may take to reach every broker.
pub const PROPAGATION_LIMIT: Duration = Duration::from_secs(60);
/// The brokers let a session live this long, whatever its token says (KIP-368).
pub const SESSION_MS_MAX: i64 = 10_000;
/// Lockgate takes tokens for it, the brokers do not.
pub const GATEWAY_AUDIENCE: &str = "gateway-only";

pub const TOPIC_RESOURCE: i8 = 2;
pub const GROUP_RESOURCE: i8 = 3;
pub const READ: i8 = 3;
pub const WRITE: i8 = 4;
pub const CREATE: i8 = 5;
const PREFIXED: i8 = 4;
const ALLOW: i8 = 3;

/// Brokers and the issuer that they and Lockgate believe.
pub struct Cluster {
    pub issuer: TokenIssuer,
    pub kafka: Kafka,
    /// Taken for writing by the test that takes a broker down.
    whole: RwLock<()>,
}

pub fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
        let issuer = TokenIssuer::start();
        let settings = KafkaSettings::three_nodes()
            .oauth(OauthListener {
                jwks_url: issuer.key_set_url(),
                issuer: issuer.url(),
                audience: "kafka".to_owned(),
            })
            .authorizer(Authorizer::ClosedByDefault)
            .property("connections.max.reauth.ms", SESSION_MS_MAX);
        Cluster { kafka: Kafka::start(&settings), issuer, whole: RwLock::new(()) }
    });
    &CLUSTER
}

impl Cluster {
    /// Nobody takes a broker down for as long as this is held.
    pub fn shared(&self) -> RwLockReadGuard<'_, ()> {
        self.whole.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the test that takes a broker down.
    pub fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.whole.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn token(&self, name: &str, groups: &[&str]) -> String {
        self.issuer.token(name, groups, 600)
    }

    /// Creates a topic with a partition led by each of these nodes, as somebody who may.
    pub fn create_topic(&self, name: &str, leaders: &[i32]) {
        let assignments = (0..).zip(leaders).map(|(partition, leader)| {
            CreatableReplicaAssignment::default()
                .with_partition_index(partition)
                .with_broker_ids(vec![BrokerId(*leader)])
        });
        let one_is_enough = CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str("min.insync.replicas"))
            .with_value(Some(StrBytes::from_static_str("1")));
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(assignments.collect())
            .with_configs(vec![one_is_enough]);
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        let answer = self.administrator().call(7, &request).unwrap();
        assert!(answer.topics.iter().all(|topic| topic.error_code == 0), "{answer:?}");
        self.kafka.leaders(name);
    }

    /// Lets a user do these things with everything whose name starts so.
    pub fn allow(&self, user: &str, resource: i8, prefix: &str, operations: &[i8]) {
        let acl = |operation: &i8| {
            AclCreation::default()
                .with_resource_type(resource)
                .with_resource_name(StrBytes::from_string(prefix.to_owned()))
                .with_resource_pattern_type(PREFIXED)
                .with_principal(StrBytes::from_string(format!("User:{user}")))
                .with_host(StrBytes::from_static_str("*"))
                .with_operation(*operation)
                .with_permission_type(ALLOW)
        };
        let creations = operations.iter().map(acl).collect();
        let request = CreateAclsRequest::default().with_creations(creations);
        let answer = self.administrator().call(3, &request).unwrap();
        assert!(answer.results.iter().all(|result| result.error_code == 0), "{answer:?}");
    }

    fn administrator(&self) -> RawClient {
        let running = self.kafka.nodes().iter().find(|node| node.is_running());
        RawClient::connect(&running.unwrap().address())
    }
}

pub fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// A gateway in front of the brokers.
pub struct Gateway {
    pub lockgate: Lockgate,
    /// Where clients bootstrap.
    pub address: String,
    first_port: u16,
}

impl Gateway {
    pub fn start() -> Self {
        Self::with_auth("forward")
    }

    /// One whose broker connections log in so.
    pub fn with_auth(auth: &str) -> Self {
        let cluster = cluster();
        let ports = ports::consecutive(4);
        let (listen, first, last) = (ports.start(), ports.start() + 1, ports.end());
        // Node 2 is asked first: it is the one that goes down.
        let bootstrap = [2, 1, 3].map(|id| cluster.kafka.node(id).sasl_address()).join(", ");
        let issuer = cluster.issuer.url();
        let config = format!(
            "listen: 127.0.0.1:{listen}\n\
             addresses: {{ports: {first}-{last}, host: 127.0.0.1}}\n\
             upstream: {{bootstrap: [{bootstrap}], auth: {auth}}}\n\
             policies: ./policies\n\
             audit: {{dir: ./audit}}\n\
             admin: {{listen: \"127.0.0.1:0\"}}\n\
             identity:\n  oauthbearer:\n    issuer: {issuer}\n    groups_claim: groups\n    \
             audience: [kafka, {GATEWAY_AUDIENCE}]\n"
        );
        let settings = LockgateSettings::new(config).file("policies/people.yaml", POLICY);
        let lockgate = Lockgate::start(settings);
        Self { lockgate, address: format!("127.0.0.1:{listen}"), first_port: first }
    }

    /// The address that stands for a broker: it follows from the node id alone.
    pub fn address_of(&self, node: u16) -> String {
        format!("127.0.0.1:{}", self.first_port + node % 3)
    }

    /// The audit rows of one event, oldest first.
    pub fn rows(&self, event: &str) -> Vec<Value> {
        let arguments = ["audit", "show", "--dir", "audit", "--format", "json", "--event", event];
        self.lockgate.command(&arguments).expect_success().json_lines()
    }
}

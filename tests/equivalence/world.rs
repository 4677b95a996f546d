//! Two clusters for the same three people: one judges by access lists, the other stands behind
//! Lockgate and judges nothing.

use std::time::Duration;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::{CreateAclsRequest, GroupId, TopicName, TransactionalId};
use kafka_protocol::protocol::{Request, StrBytes};

use crate::testcontainers::issuer::AUDIENCE;
use crate::testcontainers::{
    Authorizer, Kafka, KafkaSettings, Lockgate, LockgateSettings, OauthListener, RawClient,
    TokenIssuer, ports,
};

/// A reader and writer of everything below `team.`, an admin of the same topics who also looks after
/// the cluster, and somebody with no rights at all.
pub const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the access lists below say, as rules and permits.
const POLICY: &str = r#"
apiVersion: policy/v1
kind: Policy
metadata: {name: equivalence}
spec:
  rules:
    - id: team-is-read-by-writers
      match: {direction: consume, topics: ["team.**"], principals: &others {groups: {none_of: [writers]}}}
      action: {deny: {}}
    - id: others-are-read-by-nobody
      match: {direction: consume, topics: ["**", "!team.**"]}
      action: {deny: {}}
    - id: team-is-written-by-writers
      match: {direction: produce, topics: ["team.**"], principals: *others}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
    - id: others-are-written-by-nobody
      match: {direction: produce, topics: ["**", "!team.**"]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
    - id: team-groups
      match: {direction: consume, consumer_groups: ["team.**"], principals: *others}
      action: {deny: {}}
    - id: other-groups
      match: {direction: consume, consumer_groups: ["**", "!team.**"]}
      action: {deny: {}}
    - id: team-transactions
      match: {direction: produce, transactional_ids: ["team.**"], principals: *others}
      action: {deny: {}}
    - id: other-transactions
      match: {direction: produce, transactional_ids: ["**", "!team.**"]}
      action: {deny: {}}
    - id: producer-ids
      match: {direction: admin, apis: [InitProducerId], principals: *others}
      action: {deny: {}}
    - id: the-cluster-is-seen-by-keepers
      match:
        direction: admin
        apis: [ListGroups, DescribeLogDirs, ListPartitionReassignments, DescribeQuorum,
               DescribeConfigs, ListConfigResources]
        principals: {groups: {none_of: [keepers]}}
      when: "request.resource == 'cluster'"
      action: {deny: {}}
  permits:
    - id: team-topics
      principals: {groups: {any_of: [keepers]}}
      apis: [CreateTopics, DeleteTopics, DeleteRecords, CreatePartitions, AlterConfigs,
             IncrementalAlterConfigs]
      topics: ["team.**"]
    - id: the-cluster
      principals: {groups: {any_of: [keepers]}}
      apis: [DescribeAcls, CreateAcls, DeleteAcls, AlterReplicaLogDirs, ElectLeaders,
             AlterPartitionReassignments, DescribeClientQuotas, DescribeUserScramCredentials,
             AlterUserScramCredentials, UpdateFeatures, UnregisterBroker, AddRaftVoter,
             RemoveRaftVoter]
"#;

const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const CLUSTER: i8 = 4;
const TRANSACTIONAL_ID: i8 = 5;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const ALLOW: i8 = 3;

const READ: i8 = 3;
const WRITE: i8 = 4;
const CREATE: i8 = 5;
const DELETE: i8 = 6;
const ALTER: i8 = 7;
const DESCRIBE: i8 = 8;
const DESCRIBE_CONFIGS: i8 = 10;
const ALTER_CONFIGS: i8 = 11;
const TWO_PHASE_COMMIT: i8 = 15;

/// Who, which kind of resource, which operations. Topics, groups and transactional ids are those
/// below `team.`.
const ACLS: &[(&str, i8, &[i8])] = &[
    ("alice", TOPIC, &[READ, WRITE, DESCRIBE_CONFIGS]),
    ("alice", GROUP, &[READ, DELETE, DESCRIBE_CONFIGS]),
    ("alice", TRANSACTIONAL_ID, &[WRITE, TWO_PHASE_COMMIT]),
    ("bob", TOPIC, &[CREATE, DELETE, ALTER, ALTER_CONFIGS]),
    ("bob", CLUSTER, &[ALTER, DESCRIBE, DESCRIBE_CONFIGS]),
];

/// One of the two, and the way to it for clients.
pub struct World {
    kafka: Kafka,
    address: String,
    _lockgate: Option<Lockgate>,
}

/// Both.
pub struct Worlds {
    issuer: TokenIssuer,
    pub direct: World,
    pub through: World,
}

impl Worlds {
    pub fn start() -> Self {
        let issuer = TokenIssuer::start();
        let listener = OauthListener {
            jwks_url: issuer.key_set_url(),
            issuer: issuer.url(),
            audience: AUDIENCE.to_owned(),
        };
        let settings = KafkaSettings::one_node;
        let judging =
            Kafka::start(&settings().oauth(listener).authorizer(Authorizer::ClosedByDefault));
        allow(&judging);
        let direct = World { address: judging.sasl_bootstrap(), kafka: judging, _lockgate: None };
        let open = Kafka::start(&settings());
        let (lockgate, address) = gateway(&open, &issuer);
        let through = World { kafka: open, address, _lockgate: Some(lockgate) };
        Self { issuer, direct, through }
    }

    /// A connection of one of the people.
    pub fn client(&self, world: &World, who: &str) -> RawClient {
        let groups: &[&str] = match who {
            "alice" => &["writers"],
            "bob" => &["keepers"],
            _ => &[],
        };
        RawClient::logged_in(&world.address, &self.issuer.token(who, groups, 3_600))
    }
}

impl World {
    /// Asks the broker itself, as a super user.
    pub fn root<R: Request>(&self, version: i16, request: &R) -> R::Response {
        let mut client = RawClient::connect(&self.kafka.direct_bootstrap());
        client.call(version, request).expect("a broker answers its super user")
    }

    /// Waits until a topic that was created has its leaders.
    pub fn led(&self, topic: &str) {
        self.kafka.leaders(topic);
    }
}

fn allow(kafka: &Kafka) {
    let mut creations = Vec::new();
    for (who, kind, operations) in ACLS {
        for operation in *operations {
            let (name, pattern) =
                if *kind == CLUSTER { ("kafka-cluster", LITERAL) } else { ("team.", PREFIXED) };
            creations.push(
                AclCreation::default()
                    .with_resource_type(*kind)
                    .with_resource_name(text(name))
                    .with_resource_pattern_type(pattern)
                    .with_principal(text(&format!("User:{who}")))
                    .with_host(text("*"))
                    .with_operation(*operation)
                    .with_permission_type(ALLOW),
            );
        }
    }
    let request = CreateAclsRequest::default().with_creations(creations);
    let answer = RawClient::connect(&kafka.direct_bootstrap()).call(3, &request).unwrap();
    assert!(answer.results.iter().all(|result| result.error_code == 0), "{answer:?}");
}

fn gateway(kafka: &Kafka, issuer: &TokenIssuer) -> (Lockgate, String) {
    let ports = ports::consecutive(3);
    let (listen, first, last) = (ports.start(), ports.start() + 1, ports.end());
    let (upstream, url) = (kafka.bootstrap(), issuer.url());
    let config = format!(
        "listen: 127.0.0.1:{listen}\n\
         addresses: {{ports: {first}-{last}, host: 127.0.0.1}}\n\
         upstream: {upstream}\n\
         policies: ./policies\n\
         audit: {{dir: ./audit}}\n\
         identity:\n  oauthbearer: {{issuer: \"{url}\", audience: {AUDIENCE}, \
         groups_claim: groups}}\n"
    );
    let settings = LockgateSettings::new(config).file("policies/equivalence.yaml", POLICY);
    (Lockgate::start(settings), format!("127.0.0.1:{listen}"))
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

pub fn group_id(name: &str) -> GroupId {
    GroupId(text(name))
}

pub fn transactional_id(name: &str) -> TransactionalId {
    TransactionalId(text(name))
}

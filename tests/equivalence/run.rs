//! One case run once: by one person, in one version, in one of the two worlds.

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DescribeConfigsRequest, FindCoordinatorRequest,
    ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest, ProduceRequest,
};
use kafka_protocol::protocol::Request;
use uuid::Uuid;

use crate::testcontainers::RawClient;
use crate::testcontainers::process::until;
use crate::testcontainers::wire::batch;
use crate::tree::Tree;
use crate::world::{PATIENCE, World, Worlds, group_id, text, topic_name};

/// The topics that are there for every case: one that `alice` may use, one that nobody may.
pub const TEAM: &str = "team.shared";
pub const OTHER: &str = "other.shared";
/// Groups with an offset in each of them.
pub const TEAM_GROUP: &str = "team.readers";
pub const OTHER_GROUP: &str = "other.readers";
/// A configuration resource that is a topic.
pub const TOPIC_RESOURCE: i8 = 2;
const UNKNOWN_TOPIC: i16 = 3;
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

pub struct Run<'w> {
    worlds: &'w Worlds,
    pub world: &'w World,
    pub who: &'static str,
    pub version: i16,
    client: RawClient,
    /// What sets the names of this run apart.
    tag: String,
    topics: Vec<String>,
    groups: Vec<String>,
    /// What was answered.
    pub seen: Vec<Tree>,
}

impl<'w> Run<'w> {
    pub fn new(
        worlds: &'w Worlds,
        world: &'w World,
        who: &'static str,
        api: &str,
        version: i16,
    ) -> Self {
        let client = worlds.client(world, who);
        let tag = format!("{}.v{version}.{who}", api.to_lowercase());
        let (topics, groups, seen) = (Vec::new(), Vec::new(), Vec::new());
        Self { worlds, world, who, version, client, tag, topics, groups, seen }
    }

    /// Asks in the version of this run, and keeps what is answered.
    pub fn ask<R>(&mut self, request: &R) -> Option<R::Response>
    where
        R: Request<Response: std::fmt::Debug>,
    {
        let Ok(answer) = self.client.call(self.version, request) else {
            self.seen.push(Tree::word("closed"));
            self.client = self.worlds.client(self.world, self.who);
            return None;
        };
        self.seen.push(Tree::of(&answer).normal());
        Some(answer)
    }

    /// Asks by bytes, and keeps the error code at a place in the answer.
    pub fn ask_bytes(&mut self, key: i16, body: &[u8], error_at: usize) {
        self.client.send(key, self.version, 2, body).expect("the connection is open");
        let code = self.client.receive().map(|answer| {
            let bytes = &answer[error_at..error_at + 2];
            i16::from_be_bytes([bytes[0], bytes[1]])
        });
        self.seen.push(Tree::word(code.map_or("closed".to_owned(), |code| code.to_string())));
    }

    /// A name of this run below `team.`.
    pub fn own(&self, name: &str) -> String {
        format!("team.{}.{name}", self.tag)
    }

    /// A name of this run elsewhere.
    pub fn foreign(&self, name: &str) -> String {
        format!("other.{}.{name}", self.tag)
    }

    /// The names of topics that a case may bring into being; their state is compared.
    pub fn watch(&mut self, names: &[&str]) {
        self.topics.extend(names.iter().map(|name| (*name).to_owned()));
    }

    /// Two topics of this run's own with one partition and two records each.
    pub fn topics(&mut self) -> [String; 2] {
        let names = [self.own("a"), self.foreign("a")];
        create(self.world, &[&names[0], &names[1]]);
        self.watch(&[&names[0], &names[1]]);
        names
    }

    /// Two groups of this run's own with an offset in the shared topics.
    pub fn groups(&mut self) -> [String; 2] {
        let names = [self.own("g"), self.foreign("g")];
        for name in &names {
            commit(self.world, name);
        }
        self.groups.extend(names.iter().cloned());
        names
    }

    pub fn id_of(&self, topic: &str) -> Uuid {
        described(self.world, &[topic])[0].0
    }

    /// Asks the super user what has become of the resources of this run.
    pub fn state(&self) -> Tree {
        let names: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let mut state = Vec::new();
        for ((_, tree), name) in described(self.world, &names).into_iter().zip(&names) {
            state.push(tree);
            state.push(configs(self.world, name));
            state.push(offsets(self.world, name));
        }
        for group in &self.groups {
            let group = OffsetFetchRequestGroup::default().with_group_id(group_id(group));
            let group = group.with_topics(None);
            let request = OffsetFetchRequest::default().with_groups(vec![group]);
            state.push(Tree::of(&self.world.root(8, &request)).normal());
        }
        Tree::Many("state".to_owned(), state)
    }
}

/// Brings the shared topics and groups into being.
pub fn prepare(world: &World) {
    create(world, &[TEAM, OTHER]);
    // The first question for a coordinator creates the topic of its state.
    for kind in [0, 1] {
        let request = FindCoordinatorRequest::default()
            .with_key_type(kind)
            .with_coordinator_keys(vec![text(TEAM_GROUP)]);
        until("a coordinator", PATIENCE, || {
            match world.root(4, &request).coordinators[0].error_code {
                0 => Ok(()),
                error => Err(format!("error {error}")),
            }
        });
    }
    for group in [TEAM_GROUP, OTHER_GROUP] {
        commit(world, group);
    }
}

fn create(world: &World, names: &[&str]) {
    let topics = names.iter().map(|name| {
        CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(1)
            .with_replication_factor(1)
    });
    let request =
        CreateTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(20_000);
    let answer = world.root(5, &request);
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0), "{answer:?}");
    for name in names {
        world.led(name);
        // The leader hears of itself a moment later.
        until("two records", PATIENCE, || {
            let request = produce(topic_name(name), Uuid::nil(), batch(&["a", "b"]));
            let answer = world.root(9, &request);
            match answer.responses[0].partition_responses[0].error_code {
                0 => Ok(()),
                error => Err(format!("error {error}")),
            }
        });
    }
}

pub fn produce(
    name: kafka_protocol::messages::TopicName,
    id: Uuid,
    records: Bytes,
) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(0).with_records(Some(records));
    let topic = TopicProduceData::default()
        .with_name(name)
        .with_topic_id(id)
        .with_partition_data(vec![data]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(20_000).with_topic_data(vec![topic])
}

/// An offset for each shared topic, from nobody in particular.
pub fn offset_commit(group: &str, topics: &[&str], version: i16) -> OffsetCommitRequest {
    let topics = topics.iter().map(|name| {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(1);
        let topic = OffsetCommitRequestTopic::default().with_partitions(vec![partition]);
        if version < 10 { topic.with_name(topic_name(name)) } else { topic }
    });
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics.collect())
}

fn commit(world: &World, group: &str) {
    // The first group of a cluster waits for its coordinator.
    until("a committed offset", PATIENCE, || {
        let answer = world.root(8, &offset_commit(group, &[TEAM, OTHER], 8));
        let errors: Vec<i16> = answer
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|partition| partition.error_code))
            .collect();
        if errors == [0, 0] { Ok(()) } else { Err(format!("{errors:?}")) }
    });
}

/// Each topic's id and what its partitions are, in the order of the names.
fn described(world: &World, names: &[&str]) -> Vec<(Uuid, Tree)> {
    let topics = names
        .iter()
        .map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))))
        .collect();
    let request =
        MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false);
    let answer = world.root(12, &request);
    names
        .iter()
        .map(|name| {
            let named =
                |topic: &&kafka_protocol::messages::metadata_response::MetadataResponseTopic| {
                    topic.name.as_ref().is_some_and(|found| found.0.as_str() == *name)
                };
            let topic = answer.topics.iter().find(named).expect("an answer for each name");
            let shown = format!("{name}: {} partitions", topic.partitions.len());
            (topic.topic_id, Tree::word(shown))
        })
        .collect()
}

fn configs(world: &World, name: &str) -> Tree {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(text(name))
        .with_configuration_keys(None);
    let answer = world.root(4, &DescribeConfigsRequest::default().with_resources(vec![resource]));
    let changed = answer.results[0].configs.iter().filter(|config| config.config_source == 1);
    let changed = changed
        .map(|config| Tree::word(format!("{}={:?}", config.name.as_str(), config.value.as_ref())));
    Tree::Many("configs".to_owned(), changed.collect()).normal()
}

fn offsets(world: &World, name: &str) -> Tree {
    let at = |timestamp| {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(0)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![partition]);
        let request =
            ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
        // Of a topic that has just been made, the leader may not know yet.
        until("an offset, or no topic", PATIENCE, || {
            let answer = world.root(7, &request);
            let partition = &answer.topics[0].partitions[0];
            match partition.error_code {
                0 | UNKNOWN_TOPIC => Ok(Tree::of(&partition.offset)),
                error => Err(format!("error {error}")),
            }
        })
    };
    Tree::Many("offsets".to_owned(), vec![at(EARLIEST), at(LATEST)])
}

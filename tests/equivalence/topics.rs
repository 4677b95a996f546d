//! Topics: seen, created, changed, deleted; and the settings of topics, groups and brokers.

use kafka_protocol::messages::alter_configs_request::{
    AlterConfigsResource, AlterableConfig as Replaced,
};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource as IncrementalResource, AlterableConfig as Altered,
};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterPartitionReassignmentsRequest, BrokerId, CreatePartitionsRequest,
    CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
    DescribeTopicPartitionsRequest, ElectLeadersRequest, IncrementalAlterConfigsRequest,
    ListConfigResourcesRequest, ListPartitionReassignmentsRequest, MetadataRequest,
};
use uuid::Uuid;

use crate::run::{OTHER, Run, TEAM, TEAM_GROUP, TOPIC_RESOURCE};
use crate::world::{text, topic_name};

const BROKER_RESOURCE: i8 = 4;
const GROUP_RESOURCE: i8 = 32;
const TIMEOUT_MS: i32 = 20_000;
/// A topic that is being created.
const LEADER_NOT_AVAILABLE: i16 = 5;

pub fn metadata(run: &mut Run<'_>) {
    let (new, elsewhere) = (run.own("new"), run.foreign("new"));
    let named = |names: &[&str]| {
        let topics = names.iter();
        let topics =
            topics.map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))));
        Some(topics.collect::<Vec<_>>())
    };
    let (version, counts) = (run.version, (8..=10).contains(&run.version));
    let request = |topics| {
        let request = MetadataRequest::default().with_topics(topics);
        let request = request.with_include_topic_authorized_operations(version >= 8);
        request.with_include_cluster_authorized_operations(counts)
    };
    let seen = request(named(&[TEAM, OTHER, "__consumer_offsets"]));
    run.ask(&if version >= 4 { seen.with_allow_auto_topic_creation(false) } else { seen });
    run.watch(&[&new, &elsewhere]);
    let answer = run.ask(&request(named(&[&new, &elsewhere])));
    for topic in answer.iter().flat_map(|answer| &answer.topics) {
        if topic.error_code == LEADER_NOT_AVAILABLE {
            run.world.led(topic.name.as_ref().expect("it was asked for by name"));
        }
    }
    if version >= 12 {
        let by_id = [run.id_of(TEAM), run.id_of(OTHER), Uuid::from_u128(77)]
            .map(|id| MetadataRequestTopic::default().with_name(None).with_topic_id(id));
        let request = request(Some(by_id.into()));
        run.ask(&request.with_allow_auto_topic_creation(false));
    }
}

pub fn describe_topic_partitions(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"]
        .map(|name| TopicRequest::default().with_name(topic_name(name)));
    let request = DescribeTopicPartitionsRequest::default().with_topics(topics.into());
    run.ask(&request.with_response_partition_limit(100));
}

pub fn create_topics(run: &mut Run<'_>) {
    let names = [run.own("a"), run.foreign("a"), run.own("bad/name")];
    run.watch(&[&names[0], &names[1]]);
    let topics = names.each_ref().map(|name| {
        let config = CreatableTopicConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("3600000")));
        CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(2)
            .with_replication_factor(1)
            .with_configs(vec![config])
    });
    let request =
        CreateTopicsRequest::default().with_topics(topics.into()).with_timeout_ms(TIMEOUT_MS);
    run.ask(&request.clone().with_validate_only(true));
    let answer = run.ask(&request);
    for topic in answer.iter().flat_map(|answer| &answer.topics) {
        if topic.error_code == 0 {
            run.world.led(&topic.name.0);
        }
    }
}

pub fn delete_topics(run: &mut Run<'_>) {
    let [team, other] = run.topics();
    let request = DeleteTopicsRequest::default().with_timeout_ms(TIMEOUT_MS);
    let names = [&team, &other, "team.absent"].map(topic_name);
    if run.version < 6 {
        run.ask(&request.with_topic_names(names.into()));
        return;
    }
    let ids = [run.id_of(&other), Uuid::from_u128(77)];
    let ids = ids.map(|id| DeleteTopicState::default().with_name(None).with_topic_id(id));
    run.ask(&request.clone().with_topics(ids.into()));
    let names = names.map(|name| DeleteTopicState::default().with_name(Some(name)));
    run.ask(&request.with_topics(names.into()));
}

pub fn create_partitions(run: &mut Run<'_>) {
    let mut names = run.topics().to_vec();
    names.push("team.absent".to_owned());
    let topics = names.iter().map(|name| {
        CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(2)
            .with_assignments(None)
    });
    let request = CreatePartitionsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(TIMEOUT_MS);
    run.ask(&request);
    run.world.led(&names[0]);
}

pub fn describe_configs(run: &mut Run<'_>) {
    for (kind, name) in [
        (TOPIC_RESOURCE, TEAM),
        (TOPIC_RESOURCE, OTHER),
        (TOPIC_RESOURCE, "team.absent"),
        (BROKER_RESOURCE, "1"),
        (GROUP_RESOURCE, TEAM_GROUP),
        (GROUP_RESOURCE, "other.readers"),
    ] {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(Some(vec![
                text("retention.ms"),
                text("log.retention.hours"),
                text("consumer.session.timeout.ms"),
            ]));
        run.ask(&DescribeConfigsRequest::default().with_resources(vec![resource]));
    }
}

pub fn alter_configs(run: &mut Run<'_>) {
    let names = run.topics();
    let resources = names.each_ref().map(|name| {
        let config =
            Replaced::default().with_name(text("retention.ms")).with_value(Some(text("7200000")));
        AlterConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(text(name))
            .with_configs(vec![config])
    });
    run.ask(&AlterConfigsRequest::default().with_resources(resources.into()));
}

pub fn incremental_alter_configs(run: &mut Run<'_>) {
    let names = run.topics();
    let altered = |kind: i8, name: &str, key: &str, value: &str| {
        let config = Altered::default().with_name(text(key)).with_value(Some(text(value)));
        IncrementalResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(vec![config])
    };
    let request = |resources| IncrementalAlterConfigsRequest::default().with_resources(resources);
    let topics =
        || names.iter().map(|name| altered(TOPIC_RESOURCE, name, "retention.ms", "7200000"));
    run.ask(&request(topics().collect()).with_validate_only(true));
    run.ask(&request(topics().collect()));
    run.ask(&request(vec![altered(BROKER_RESOURCE, "1", "log.cleaner.threads", "1")]));
    let key = "consumer.session.timeout.ms";
    run.ask(&request(vec![altered(GROUP_RESOURCE, "other.readers", key, "45000")]));
}

pub fn elect_leaders(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"].map(|name| {
        TopicPartitions::default().with_topic(topic_name(name)).with_partitions(vec![0])
    });
    let request = ElectLeadersRequest::default()
        .with_topic_partitions(Some(topics.into()))
        .with_timeout_ms(TIMEOUT_MS);
    run.ask(&request);
}

pub fn alter_partition_reassignments(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"].map(|name| {
        let partition = ReassignablePartition::default()
            .with_partition_index(0)
            .with_replicas(Some(vec![BrokerId(1)]));
        ReassignableTopic::default().with_name(topic_name(name)).with_partitions(vec![partition])
    });
    let request = AlterPartitionReassignmentsRequest::default()
        .with_topics(topics.into())
        .with_timeout_ms(TIMEOUT_MS);
    run.ask(&request);
}

pub fn list_partition_reassignments(run: &mut Run<'_>) {
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(TIMEOUT_MS);
    run.ask(&request.with_topics(None));
}

pub fn list_config_resources(run: &mut Run<'_>) {
    run.ask(&ListConfigResourcesRequest::default());
}

//! Records and what one may know of them.

use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::describe_producers_request::TopicRequest as ProducersTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, DescribeProducersRequest, FetchRequest, ListOffsetsRequest,
    OffsetForLeaderEpochRequest,
};
use uuid::Uuid;

use crate::run::{OTHER, Run, TEAM, produce as produce_request};
use crate::testcontainers::wire::batch;
use crate::world::topic_name;

/// The first version that names topics by their ids.
const PRODUCE_BY_ID: i16 = 13;
const FETCH_BY_ID: i16 = 13;

pub fn produce(run: &mut Run<'_>) {
    for topic in run.topics() {
        let records = batch(&["c"]);
        let request = if run.version < PRODUCE_BY_ID {
            produce_request(topic_name(&topic), Uuid::nil(), records)
        } else {
            produce_request(topic_name(""), run.id_of(&topic), records)
        };
        run.ask(&request);
    }
}

pub fn fetch(run: &mut Run<'_>) {
    for topic in [TEAM, OTHER, "team.absent"] {
        let partition = FetchPartition::default()
            .with_partition(0)
            .with_current_leader_epoch(-1)
            .with_partition_max_bytes(1_000_000);
        let named = FetchTopic::default().with_partitions(vec![partition]);
        let named = if run.version < FETCH_BY_ID {
            named.with_topic(topic_name(topic))
        } else {
            let absent = topic == "team.absent";
            named.with_topic_id(if absent { Uuid::from_u128(77) } else { run.id_of(topic) })
        };
        let request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_max_bytes(1_000_000)
            .with_session_epoch(-1)
            .with_topics(vec![named]);
        let version = run.version;
        run.ask(&if version < 15 { request.with_replica_id(BrokerId(-1)) } else { request });
    }
}

pub fn list_offsets(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"].map(|name| {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(0)
            .with_current_leader_epoch(-1)
            .with_timestamp(-1);
        ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(vec![partition])
    });
    let request =
        ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics.into());
    run.ask(&request);
}

pub fn offset_for_leader_epoch(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"].map(|name| {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(0)
            .with_current_leader_epoch(-1)
            .with_leader_epoch(0);
        OffsetForLeaderTopic::default()
            .with_topic(topic_name(name))
            .with_partitions(vec![partition])
    });
    let request = OffsetForLeaderEpochRequest::default().with_topics(topics.into());
    let replica = BrokerId(if run.version < 3 { -2 } else { -1 });
    run.ask(&request.with_replica_id(replica));
}

pub fn delete_records(run: &mut Run<'_>) {
    let mut names = run.topics().to_vec();
    names.push("team.absent".to_owned());
    let topics = names.iter().map(|name| {
        let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(1);
        DeleteRecordsTopic::default().with_name(topic_name(name)).with_partitions(vec![partition])
    });
    let request =
        DeleteRecordsRequest::default().with_timeout_ms(20_000).with_topics(topics.collect());
    run.ask(&request);
}

pub fn describe_producers(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"].map(|name| {
        ProducersTopic::default().with_name(topic_name(name)).with_partition_indexes(vec![0])
    });
    run.ask(&DescribeProducersRequest::default().with_topics(topics.into()));
}

//! Share groups and streams groups.

use kafka_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic;
use kafka_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::share_acknowledge_request::{AcknowledgePartition, AcknowledgeTopic};
use kafka_protocol::messages::share_fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{
    AlterShareGroupOffsetsRequest, DeleteShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequest, ShareAcknowledgeRequest, ShareFetchRequest,
    ShareGroupDescribeRequest, ShareGroupHeartbeatRequest,
};

use crate::run::{OTHER, OTHER_GROUP, Run, TEAM, TEAM_GROUP};
use crate::world::{group_id, text, topic_name};

const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAATQ";
const STREAMS_GROUP_HEARTBEAT: i16 = 88;
const STREAMS_GROUP_DESCRIBE: i16 = 89;

pub fn share_group_heartbeat(run: &mut Run<'_>) {
    for (group, topic) in [("share", TEAM), ("share2", OTHER)] {
        for group in [run.own(group), run.foreign(group)] {
            let request = ShareGroupHeartbeatRequest::default()
                .with_group_id(group_id(&group))
                .with_member_id(text(MEMBER))
                .with_subscribed_topic_names(Some(vec![topic_name(topic)]));
            run.ask(&request);
            run.ask(&request.with_member_epoch(-1).with_subscribed_topic_names(None));
        }
    }
}

pub fn share_group_describe(run: &mut Run<'_>) {
    let groups = [TEAM_GROUP, OTHER_GROUP, "team.nobody"].map(group_id);
    let request = ShareGroupDescribeRequest::default().with_group_ids(groups.into());
    run.ask(&request.with_include_authorized_operations(true));
}

pub fn share_fetch(run: &mut Run<'_>) {
    for topic in [TEAM, OTHER] {
        for group in [run.own("fetch"), run.foreign("fetch")] {
            let partition = FetchPartition::default().with_partition_index(0);
            let named = FetchTopic::default()
                .with_topic_id(run.id_of(topic))
                .with_partitions(vec![partition]);
            let request = ShareFetchRequest::default()
                .with_group_id(Some(group_id(&group)))
                .with_member_id(Some(text(MEMBER)))
                .with_max_wait_ms(0)
                .with_max_bytes(1_000_000)
                .with_max_records(10)
                .with_batch_size(10)
                .with_topics(vec![named]);
            run.ask(&request);
        }
    }
}

pub fn share_acknowledge(run: &mut Run<'_>) {
    for topic in [TEAM, OTHER] {
        for group in [run.own("fetch"), run.foreign("fetch")] {
            let partition = AcknowledgePartition::default().with_partition_index(0);
            let named = AcknowledgeTopic::default()
                .with_topic_id(run.id_of(topic))
                .with_partitions(vec![partition]);
            let request = ShareAcknowledgeRequest::default()
                .with_group_id(Some(group_id(&group)))
                .with_member_id(Some(text(MEMBER)))
                .with_share_session_epoch(1)
                .with_topics(vec![named]);
            run.ask(&request);
        }
    }
}

pub fn describe_share_group_offsets(run: &mut Run<'_>) {
    let groups = [run.own("s"), run.foreign("s")].map(|group| {
        let topics = [TEAM, OTHER, "team.absent"].map(|name| {
            DescribeShareGroupOffsetsRequestTopic::default()
                .with_topic_name(topic_name(name))
                .with_partitions(vec![0])
        });
        DescribeShareGroupOffsetsRequestGroup::default()
            .with_group_id(group_id(&group))
            .with_topics(Some(topics.into()))
    });
    run.ask(&DescribeShareGroupOffsetsRequest::default().with_groups(groups.clone().into()));
    let all = groups.map(|group| group.with_topics(None));
    run.ask(&DescribeShareGroupOffsetsRequest::default().with_groups(all.into()));
}

pub fn alter_share_group_offsets(run: &mut Run<'_>) {
    for group in [run.own("s"), run.foreign("s")] {
        let topics = [TEAM, OTHER, "team.absent"].map(|name| {
            let partition = AlterShareGroupOffsetsRequestPartition::default()
                .with_partition_index(0)
                .with_start_offset(1);
            AlterShareGroupOffsetsRequestTopic::default()
                .with_topic_name(topic_name(name))
                .with_partitions(vec![partition])
        });
        let request = AlterShareGroupOffsetsRequest::default().with_group_id(group_id(&group));
        run.ask(&request.with_topics(topics.into()));
    }
}

pub fn delete_share_group_offsets(run: &mut Run<'_>) {
    for group in [run.own("s"), run.foreign("s")] {
        let topics = [TEAM, OTHER, "team.absent"].map(|name| {
            DeleteShareGroupOffsetsRequestTopic::default().with_topic_name(topic_name(name))
        });
        let request = DeleteShareGroupOffsetsRequest::default().with_group_id(group_id(&group));
        run.ask(&request.with_topics(topics.into()));
    }
}

/// A text as flexible versions write it; this one is short.
fn compact(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len() + 1).expect("a short text");
    assert!(length < 0x80, "{text}");
    [&[length], text.as_bytes()].concat()
}

/// The crate has no streams groups. KIP-1071: a member that is not there says that it leaves.
pub fn streams_group_heartbeat(run: &mut Run<'_>) {
    for group in [run.own("st"), run.foreign("st")] {
        let mut body = compact(&group);
        body.extend(compact(MEMBER));
        body.extend((-1_i32).to_be_bytes()); // member epoch
        body.extend(0_i32.to_be_bytes()); // endpoint epoch
        body.extend([0, 0]); // instance, rack
        body.extend((-1_i32).to_be_bytes()); // rebalance timeout
        body.push(0xff); // topology
        body.extend([0, 0, 0]); // tasks
        body.push(0); // process
        body.push(0xff); // endpoint
        body.extend([0, 0, 0]); // tags, offsets
        body.extend([0, 0]); // shutdown, tagged fields
        // Correlation id, tagged fields, throttle time.
        run.ask_bytes(STREAMS_GROUP_HEARTBEAT, &body, 4 + 1 + 4);
    }
}

pub fn streams_group_describe(run: &mut Run<'_>) {
    for group in [TEAM_GROUP, OTHER_GROUP, "team.nobody"] {
        let mut body = vec![2];
        body.extend(compact(group));
        body.extend([1, 0]);
        // And the length of the list.
        run.ask_bytes(STREAMS_GROUP_DESCRIBE, &body, 4 + 1 + 4 + 1);
    }
}

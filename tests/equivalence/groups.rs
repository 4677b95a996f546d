//! Groups of readers: members, offsets, coordinators.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest,
    DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
    LeaveGroupRequest, ListGroupsRequest, OffsetDeleteRequest, OffsetFetchRequest,
    SyncGroupRequest,
};

use crate::run::{OTHER, OTHER_GROUP, Run, TEAM, TEAM_GROUP, offset_commit as commit_request};
use crate::world::{group_id, text, topic_name};

const NOBODY: &str = "team.nobody";
const MEMBER: &str = "stranger";

pub fn find_coordinator(run: &mut Run<'_>) {
    let versions_with_kinds = run.version >= 1;
    for kind in [0, 1, 2] {
        if kind > 0 && !versions_with_kinds {
            continue;
        }
        let names = match kind {
            1 => ["team.shared.txn", "other.shared.txn"],
            _ => [TEAM_GROUP, OTHER_GROUP],
        };
        // The key of a share partition is the group, the topic's id and the partition.
        let names = names.map(|name| match kind {
            2 => format!("{name}:AAAAAAAAAAAAAAAAAAAATQ:0"),
            _ => name.to_owned(),
        });
        if kind == 2 && run.version < 6 {
            continue;
        }
        if run.version < 4 {
            for name in &names {
                let request = FindCoordinatorRequest::default().with_key(text(name));
                let request =
                    if versions_with_kinds { request.with_key_type(kind) } else { request };
                run.ask(&request);
            }
        } else {
            let keys = names.iter().map(|name| text(name)).collect();
            let request = FindCoordinatorRequest::default().with_key_type(kind);
            run.ask(&request.with_coordinator_keys(keys));
        }
    }
}

pub fn join_group(run: &mut Run<'_>) {
    for group in run.groups() {
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("range"))
            .with_metadata(Bytes::from_static(&[0, 0, 0, 0, 0, 0, 255, 255, 255, 255]));
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(&group))
            .with_session_timeout_ms(6_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let version = run.version;
        run.ask(&if version > 0 { request.with_rebalance_timeout_ms(6_000) } else { request });
    }
}

pub fn sync_group(run: &mut Run<'_>) {
    for group in [TEAM_GROUP, OTHER_GROUP, NOBODY] {
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(group))
            .with_generation_id(1)
            .with_member_id(text(MEMBER));
        let named = run.version >= 5;
        run.ask(&if named {
            request.with_protocol_type(Some(text("consumer"))).with_protocol_name(Some(text("r")))
        } else {
            request
        });
    }
}

pub fn heartbeat(run: &mut Run<'_>) {
    for group in [TEAM_GROUP, OTHER_GROUP, NOBODY] {
        let request = HeartbeatRequest::default()
            .with_group_id(group_id(group))
            .with_generation_id(1)
            .with_member_id(text(MEMBER));
        run.ask(&request);
    }
}

pub fn leave_group(run: &mut Run<'_>) {
    for group in [TEAM_GROUP, OTHER_GROUP, NOBODY] {
        let request = LeaveGroupRequest::default().with_group_id(group_id(group));
        let member = MemberIdentity::default().with_member_id(text(MEMBER));
        let many = run.version >= 3;
        run.ask(&if many {
            request.with_members(vec![member])
        } else {
            request.with_member_id(text(MEMBER))
        });
    }
}

pub fn offset_commit(run: &mut Run<'_>) {
    let names = run.groups();
    for group in &names {
        let mut request = commit_request(group, &[TEAM, OTHER, "team.absent"], run.version);
        if run.version >= 10 {
            for (topic, name) in request.topics.iter_mut().zip([TEAM, OTHER]) {
                topic.topic_id = run.id_of(name);
            }
        }
        for topic in &mut request.topics {
            topic.partitions[0].committed_offset = 2;
        }
        run.ask(&request);
    }
}

pub fn offset_fetch(run: &mut Run<'_>) {
    let topics = [TEAM, OTHER, "team.absent"];
    if run.version < 8 {
        for group in [TEAM_GROUP, OTHER_GROUP] {
            let named = topics.map(|name| {
                OffsetFetchRequestTopic::default()
                    .with_name(topic_name(name))
                    .with_partition_indexes(vec![0])
            });
            let request = OffsetFetchRequest::default().with_group_id(group_id(group));
            run.ask(&request.clone().with_topics(Some(named.into())));
            if run.version >= 2 {
                run.ask(&request.with_topics(None));
            }
        }
        return;
    }
    let groups = [TEAM_GROUP, OTHER_GROUP].map(|group| {
        let named = topics.iter().filter(|name| run.version < 10 || **name != "team.absent");
        let named = named.map(|name| {
            let topic = OffsetFetchRequestTopics::default().with_partition_indexes(vec![0]);
            if run.version < 10 {
                topic.with_name(topic_name(name))
            } else {
                topic.with_topic_id(run.id_of(name))
            }
        });
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(group_id(group))
            .with_topics(Some(named.collect()));
        if run.version >= 9 { group.with_member_epoch(-1) } else { group }
    });
    run.ask(&OffsetFetchRequest::default().with_groups(groups.clone().into()));
    let all = groups.map(|group| group.with_topics(None));
    run.ask(&OffsetFetchRequest::default().with_groups(all.into()));
}

pub fn describe_groups(run: &mut Run<'_>) {
    let groups = [TEAM_GROUP, OTHER_GROUP, NOBODY].map(group_id);
    let request = DescribeGroupsRequest::default().with_groups(groups.into());
    let counts = run.version >= 3;
    run.ask(&request.with_include_authorized_operations(counts));
}

pub fn list_groups(run: &mut Run<'_>) {
    run.ask(&ListGroupsRequest::default());
}

pub fn delete_groups(run: &mut Run<'_>) {
    let mut groups: Vec<_> = run.groups().iter().map(|group| group_id(group)).collect();
    groups.push(group_id(NOBODY));
    run.ask(&DeleteGroupsRequest::default().with_groups_names(groups));
}

pub fn offset_delete(run: &mut Run<'_>) {
    for group in run.groups() {
        let topics = [TEAM, OTHER, "team.absent"].map(|name| {
            let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
            OffsetDeleteRequestTopic::default()
                .with_name(topic_name(name))
                .with_partitions(vec![partition])
        });
        let request = OffsetDeleteRequest::default().with_group_id(group_id(&group));
        run.ask(&request.with_topics(topics.into()));
    }
}

pub fn consumer_group_heartbeat(run: &mut Run<'_>) {
    for (group, topic) in [("hb", TEAM), ("hb2", OTHER)] {
        for group in [run.own(group), run.foreign(group)] {
            let request = ConsumerGroupHeartbeatRequest::default()
                .with_group_id(group_id(&group))
                .with_member_id(text("AAAAAAAAAAAAAAAAAAAATQ"))
                .with_rebalance_timeout_ms(5_000)
                .with_subscribed_topic_names(Some(vec![topic_name(topic)]))
                .with_topic_partitions(Some(Vec::new()));
            run.ask(&request);
            // And leaves again.
            run.ask(&request.with_member_epoch(-1));
        }
    }
}

pub fn consumer_group_describe(run: &mut Run<'_>) {
    let groups = [TEAM_GROUP, OTHER_GROUP, NOBODY].map(group_id);
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(groups.into());
    run.ask(&request.with_include_authorized_operations(true));
}

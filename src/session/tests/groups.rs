//! Groups: one that may not be used is refused whole, topics in its requests one by one.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::consumer_group_describe_response as described;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::access::{RULES, passed, refused, topic, versions};
use super::frames::{self, request, response};
use super::talk::Talk;
use crate::enforce::CloseReason;
use crate::wire::ApiKey;

fn group(name: &str) -> m::GroupId {
    StrBytes::from_string(name.to_owned()).into()
}

/// A request about `closed` is answered with error 30, one about `open` goes on as it is.
fn whole<Q: Encodable, A: Decodable>(
    key: ApiKey,
    ask: impl Fn(i16, &str) -> Q,
    code: impl Fn(&A) -> i16,
) {
    for version in versions(key) {
        let answer: A = refused(key, version, &ask(version, "closed"));
        assert_eq!(code(&answer), 30, "{key} v{version}");
        passed(key, version, &ask(version, "open"));
    }
}

#[test]
fn t41_membership_of_a_group_needs_the_group() {
    whole(
        ApiKey::JOIN_GROUP,
        |version, name| {
            let request = m::JoinGroupRequest::default().with_group_id(group(name));
            if version > 0 { request.with_rebalance_timeout_ms(1) } else { request }
        },
        |answer: &m::JoinGroupResponse| answer.error_code,
    );
    whole(
        ApiKey::HEARTBEAT,
        |_, name| m::HeartbeatRequest::default().with_group_id(group(name)),
        |answer: &m::HeartbeatResponse| answer.error_code,
    );
    whole(
        ApiKey::LEAVE_GROUP,
        |_, name| m::LeaveGroupRequest::default().with_group_id(group(name)),
        |answer: &m::LeaveGroupResponse| answer.error_code,
    );
    whole(
        ApiKey::SYNC_GROUP,
        |_, name| m::SyncGroupRequest::default().with_group_id(group(name)),
        |answer: &m::SyncGroupResponse| answer.error_code,
    );
    whole(
        ApiKey::CONSUMER_GROUP_HEARTBEAT,
        |_, name| m::ConsumerGroupHeartbeatRequest::default().with_group_id(group(name)),
        |answer: &m::ConsumerGroupHeartbeatResponse| answer.error_code,
    );
    whole(
        ApiKey::SHARE_GROUP_HEARTBEAT,
        |_, name| m::ShareGroupHeartbeatRequest::default().with_group_id(group(name)),
        |answer: &m::ShareGroupHeartbeatResponse| answer.error_code,
    );
    whole(
        ApiKey::OFFSET_DELETE,
        |_, name| m::OffsetDeleteRequest::default().with_group_id(group(name)),
        |answer: &m::OffsetDeleteResponse| answer.error_code,
    );
    whole(
        ApiKey::ALTER_SHARE_GROUP_OFFSETS,
        |_, name| m::AlterShareGroupOffsetsRequest::default().with_group_id(group(name)),
        |answer: &m::AlterShareGroupOffsetsResponse| answer.error_code,
    );
    whole(
        ApiKey::DELETE_SHARE_GROUP_OFFSETS,
        |_, name| m::DeleteShareGroupOffsetsRequest::default().with_group_id(group(name)),
        |answer: &m::DeleteShareGroupOffsetsResponse| answer.error_code,
    );
}

#[test]
fn t41_a_subscription_to_a_hidden_topic_is_refused() {
    for names in [vec!["open", "closed"], vec!["closed"]] {
        let names: Vec<m::TopicName> = names.into_iter().map(topic).collect();
        let ask = m::ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group("open"))
            .with_subscribed_topic_names(Some(names.clone()));
        let answer: m::ConsumerGroupHeartbeatResponse =
            refused(ApiKey::CONSUMER_GROUP_HEARTBEAT, 0, &ask);
        assert_eq!(answer.error_code, 29);
        let ask = m::ShareGroupHeartbeatRequest::default()
            .with_group_id(group("open"))
            .with_subscribed_topic_names(Some(names));
        let answer: m::ShareGroupHeartbeatResponse =
            refused(ApiKey::SHARE_GROUP_HEARTBEAT, 1, &ask);
        assert_eq!(answer.error_code, 29);
    }
}

#[test]
fn t42_a_regular_expression_is_refused_while_topics_are_restricted() {
    let ask = m::ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group("open"))
        .with_subscribed_topic_regex(Some(StrBytes::from_static_str(".*")));
    let answer: m::ConsumerGroupHeartbeatResponse =
        refused(ApiKey::CONSUMER_GROUP_HEARTBEAT, 1, &ask);
    assert_eq!(answer.error_code, 42);
    let mut talk = Talk::begun("");
    talk.client(&request(ApiKey::CONSUMER_GROUP_HEARTBEAT, 1, 1, &ask));
    assert_eq!(talk.to_broker().len(), 1, "nothing is hidden, so it goes on");
}

fn commit(version: i16, group_id: &str, topics: &[&str]) -> m::OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default().with_partition_index(3);
    let topics = topics.iter().map(|name| {
        OffsetCommitRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition.clone()])
    });
    let request = m::OffsetCommitRequest::default()
        .with_group_id(group(group_id))
        .with_topics(topics.collect());
    if version < 2 { request } else { request.with_generation_id_or_member_epoch(7) }
}

fn committed(answer: &m::OffsetCommitResponse) -> Vec<(String, i32, i16)> {
    let topics = answer.topics.iter();
    topics
        .flat_map(|t| {
            let name = t.name.to_string();
            t.partitions.iter().map(move |p| (name.clone(), p.partition_index, p.error_code))
        })
        .collect()
}

#[test]
fn t41_offsets_are_committed_topic_by_topic() {
    let row = |name: &str, code| (name.to_owned(), 3, code);
    for version in 2..=9 {
        let key = ApiKey::OFFSET_COMMIT;
        passed(key, version, &commit(version, "open", &["a", "b"]));
        let answer = refused(key, version, &commit(version, "closed", &["a", "b"]));
        assert_eq!(committed(&answer), [row("a", 30), row("b", 30)], "v{version}");
        let answer = refused(key, version, &commit(version, "open", &["closed"]));
        assert_eq!(committed(&answer), [row("closed", 29)]);
        let mut talk = Talk::begun(RULES);
        let ask = commit(version, "open", &["a", "closed", "b"]);
        talk.client(&request(key, version, 1, &ask));
        let sent: m::OffsetCommitRequest = frames::decoded_request(&talk.to_broker()[0]);
        assert_eq!(sent, commit(version, "open", &["a", "b"]));
        let mut from_broker = m::OffsetCommitResponse::default();
        for name in ["a", "b"] {
            let mut result = answer.topics[0].clone();
            result.name = topic(name);
            result.partitions[0].error_code = 0;
            from_broker.topics.push(result);
        }
        talk.broker(&response(key, version, 1, &from_broker));
        let answer = talk.answer(key, version);
        assert_eq!(committed(&answer), [row("closed", 29), row("a", 0), row("b", 0)]);
    }
}

/// A body of OffsetCommit v10: partition 3 of each topic.
fn commit_by_id(group_id: &str, ids: &[[u8; 16]]) -> Vec<u8> {
    let mut body = vec![u8::try_from(group_id.len()).unwrap() + 1];
    body.extend_from_slice(group_id.as_bytes());
    body.extend_from_slice(&[0, 0, 0, 7, 1, 0]); // epoch, member, instance
    body.push(u8::try_from(ids.len()).unwrap() + 1);
    for id in ids {
        body.extend_from_slice(id);
        body.extend_from_slice(&[2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9]);
        body.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0]); // epoch, metadata, tags
    }
    body.push(0);
    body
}

const OPEN: [u8; 16] = [1; 16];
const CLOSED: [u8; 16] = [2; 16];
const NOBODYS: [u8; 16] = [3; 16];

#[test]
fn t08_offsets_by_topic_id_are_judged_by_name_and_an_unknown_id_goes_nowhere() {
    let key = ApiKey::OFFSET_COMMIT;
    let mut talk = Talk::begun(RULES);
    let ask = commit_by_id("open", &[CLOSED, OPEN, NOBODYS]);
    talk.client(&frames::raw_request(key.0, 10, 1, &ask));
    let mut named = frames::metadata(&[("open", OPEN), ("closed", CLOSED)]);
    named.topics.extend(frames::metadata_unknown(NOBODYS).topics);
    talk.broker(&response(ApiKey::METADATA, 12, -1, &named));
    let sent = talk.to_broker().pop().unwrap();
    let left = frames::raw_request(key.0, 10, 1, &commit_by_id("open", &[OPEN]));
    assert_eq!(sent, left.slice(4..), "the ids that are left are ids still");
    let result = m::offset_commit_response::OffsetCommitResponseTopic::default()
        .with_topic_id(uuid::Uuid::from_bytes(OPEN))
        .with_partitions(vec![
            m::offset_commit_response::OffsetCommitResponsePartition::default()
                .with_partition_index(3),
        ]);
    let answer = m::OffsetCommitResponse::default().with_topics(vec![result]);
    talk.broker(&response(key, 10, 1, &answer));
    let answer: m::OffsetCommitResponse = talk.answer(key, 10);
    let codes: Vec<([u8; 16], i16)> = answer
        .topics
        .iter()
        .map(|topic| (*topic.topic_id.as_bytes(), topic.partitions[0].error_code))
        .collect();
    assert_eq!(codes, [(CLOSED, 29), (NOBODYS, 100), (OPEN, 0)]);
    // Even where nothing is restricted an id must be somebody's.
    let mut talk = Talk::begun("");
    talk.client(&frames::raw_request(key.0, 10, 1, &commit_by_id("open", &[NOBODYS])));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata_unknown(NOBODYS)));
    let answer: m::OffsetCommitResponse = talk.answer(key, 10);
    assert_eq!(answer.topics[0].partitions[0].error_code, 100);
    assert_eq!(talk.to_broker().len(), 1, "the question for its name");
}

fn told(topics: &[&str]) -> Vec<OffsetFetchResponseTopic> {
    topics.iter().map(|name| OffsetFetchResponseTopic::default().with_name(topic(name))).collect()
}

#[test]
fn t41_offsets_of_one_group_are_told_topic_by_topic() {
    let key = ApiKey::OFFSET_FETCH;
    for version in 1..=7 {
        let ask = |name: &str, topics: Option<&[&str]>| {
            let topics = topics.map(|topics| {
                let topic = |name: &&str| {
                    OffsetFetchRequestTopic::default()
                        .with_name(topic(name))
                        .with_partition_indexes(vec![4])
                };
                topics.iter().map(topic).collect()
            });
            m::OffsetFetchRequest::default().with_group_id(group(name)).with_topics(topics)
        };
        passed(key, version, &ask("open", Some(&["a"])));
        let answer: m::OffsetFetchResponse = refused(key, version, &ask("closed", Some(&["a"])));
        if version < 2 {
            assert_eq!(answer.topics[0].partitions[0].error_code, 30);
        } else {
            assert_eq!((answer.error_code, answer.topics.len()), (30, 0));
        }
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask("open", Some(&["closed", "a"]))));
        let sent: m::OffsetFetchRequest = frames::decoded_request(&talk.to_broker()[0]);
        assert_eq!(sent, ask("open", Some(&["a"])));
        let answer = m::OffsetFetchResponse::default().with_topics(told(&["a"]));
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::OffsetFetchResponse = talk.answer(key, version);
        assert_eq!(&**answer.topics[1].name, "closed");
        let partition = &answer.topics[1].partitions[0];
        assert_eq!(
            (partition.partition_index, partition.committed_offset, partition.error_code),
            (4, -1, 29)
        );
        if version < 2 {
            continue;
        }
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask("open", None)));
        let answer = m::OffsetFetchResponse::default().with_topics(told(&["a", "closed", "b"]));
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::OffsetFetchResponse = talk.answer(key, version);
        assert_eq!(answer.topics, told(&["a", "b"]), "v{version}: what may be seen");
    }
}

#[test]
fn t41_offsets_of_several_groups_come_in_the_order_of_the_request() {
    let key = ApiKey::OFFSET_FETCH;
    for version in 8..=9 {
        let asked = |name: &str, topics: Option<&[&str]>| {
            let topic = |name: &&str| {
                OffsetFetchRequestTopics::default()
                    .with_name(topic(name))
                    .with_partition_indexes(vec![4])
            };
            let topics = topics.map(|topics| topics.iter().map(topic).collect());
            OffsetFetchRequestGroup::default().with_group_id(group(name)).with_topics(topics)
        };
        let ask = m::OffsetFetchRequest::default().with_groups(vec![
            asked("closed", None),
            asked("one", Some(&["closed", "a"])),
            asked("all", None),
        ]);
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask));
        let sent: m::OffsetFetchRequest = frames::decoded_request(&talk.to_broker()[0]);
        assert_eq!(sent.groups, [asked("one", Some(&["a"])), asked("all", None)]);
        let found = |name: &str, topics: &[&str]| {
            let topic = |name: &&str| OffsetFetchResponseTopics::default().with_name(topic(name));
            OffsetFetchResponseGroup::default()
                .with_group_id(group(name))
                .with_topics(topics.iter().map(topic).collect())
        };
        let answer = m::OffsetFetchResponse::default()
            .with_groups(vec![found("one", &["a"]), found("all", &["closed", "b"])]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::OffsetFetchResponse = talk.answer(key, version);
        let ids: Vec<&str> = answer.groups.iter().map(|group| &**group.group_id).collect();
        assert_eq!(ids, ["closed", "one", "all"]);
        assert_eq!((answer.groups[0].error_code, answer.groups[0].topics.len()), (30, 0));
        assert_eq!(answer.groups[1].topics[1].partitions[0].error_code, 29);
        assert_eq!(answer.groups[2], found("all", &["b"]));
    }
}

#[test]
fn t41_a_coordinator_is_found_for_what_may_be_described() {
    let key = ApiKey::FIND_COORDINATOR;
    for (key_type, code) in [(0, 30), (1, 53)] {
        for version in i16::from(key_type)..=3 {
            let ask = |name: &'static str| {
                m::FindCoordinatorRequest::default()
                    .with_key(StrBytes::from_static_str(name))
                    .with_key_type(key_type)
            };
            let answer: m::FindCoordinatorResponse = refused(key, version, &ask("closed"));
            assert_eq!((answer.error_code, answer.node_id.0, answer.port), (code, -1, -1));
            passed(key, version, &ask("open"));
        }
        for version in 4..=6 {
            let keys = ["a", "closed", "b"].map(StrBytes::from_static_str);
            let ask = m::FindCoordinatorRequest::default()
                .with_key_type(key_type)
                .with_coordinator_keys(keys.to_vec());
            let mut talk = Talk::begun(RULES);
            talk.client(&request(key, version, 1, &ask));
            let sent: m::FindCoordinatorRequest = frames::decoded_request(&talk.to_broker()[0]);
            assert_eq!(sent.coordinator_keys.len(), 2);
            let found = |name: &StrBytes| {
                Coordinator::default().with_key(name.clone()).with_node_id(1.into())
            };
            let answer = m::FindCoordinatorResponse::default()
                .with_coordinators(vec![found(&keys[0]), found(&keys[2])]);
            talk.broker(&response(key, version, 1, &answer));
            let answer: m::FindCoordinatorResponse = talk.answer(key, version);
            let codes: Vec<(&str, i16)> =
                answer.coordinators.iter().map(|c| (&*c.key, c.error_code)).collect();
            assert_eq!(codes, [("a", 0), ("closed", code), ("b", 0)]);
        }
    }
    let ask = m::FindCoordinatorRequest::default()
        .with_key_type(2)
        .with_coordinator_keys(vec![StrBytes::from_static_str("open:id:0")]);
    let answer: m::FindCoordinatorResponse = refused(key, 6, &ask);
    assert_eq!(answer.coordinators[0].error_code, 31, "brokers find those of share partitions");
}

#[test]
fn t41_groups_that_may_not_be_described_are_not_listed() {
    let key = ApiKey::LIST_GROUPS;
    for version in 0..=5 {
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &m::ListGroupsRequest::default()));
        let groups = ["a", "closed", "b"]
            .map(|name| m::list_groups_response::ListedGroup::default().with_group_id(group(name)));
        let answer = m::ListGroupsResponse::default().with_groups(groups.to_vec());
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::ListGroupsResponse = talk.answer(key, version);
        let ids: Vec<&str> = answer.groups.iter().map(|group| &**group.group_id).collect();
        assert_eq!(ids, ["a", "b"], "v{version}");
    }
}

#[test]
fn t41_a_described_group_says_what_may_be_done_with_it() {
    let key = ApiKey::DESCRIBE_GROUPS;
    for version in 0..=6 {
        let mut ask =
            m::DescribeGroupsRequest::default().with_groups(vec![group("a"), group("closed")]);
        ask.include_authorized_operations = version >= 3;
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask));
        let mut found =
            m::describe_groups_response::DescribedGroup::default().with_group_id(group("a"));
        // Read, Delete, Describe, and a bit that no list of the policy has.
        let allowed = 1 << 3 | 1 << 6 | 1 << 8;
        if version >= 3 {
            found.authorized_operations = allowed | 1 << 4;
        }
        let answer = m::DescribeGroupsResponse::default().with_groups(vec![found]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::DescribeGroupsResponse = talk.answer(key, version);
        let codes: Vec<(&str, i16)> =
            answer.groups.iter().map(|g| (&**g.group_id, g.error_code)).collect();
        assert_eq!(codes, [("closed", 30), ("a", 0)]);
        let operations = answer.groups[1].authorized_operations;
        assert_eq!(operations, if version >= 3 { allowed } else { i32::MIN }, "v{version}");
    }
}

#[test]
fn t41_a_group_that_reads_a_hidden_topic_is_described_without_its_members() {
    let key = ApiKey::CONSUMER_GROUP_DESCRIBE;
    let member = |topics: &[&str], target: &[&str]| {
        let assignment = |names: &[&str]| {
            let topic =
                |name: &&str| described::TopicPartitions::default().with_topic_name(topic(name));
            described::Assignment::default()
                .with_topic_partitions(names.iter().map(topic).collect())
        };
        described::Member::default()
            .with_assignment(assignment(topics))
            .with_target_assignment(assignment(target))
    };
    let found = |name: &str, members: Vec<described::Member>| {
        described::DescribedGroup::default().with_group_id(group(name)).with_members(members)
    };
    for version in 0..=1 {
        let ask = m::ConsumerGroupDescribeRequest::default()
            .with_group_ids(["a", "closed", "b", "c"].map(group).to_vec());
        let mut talk = Talk::begun(RULES);
        talk.client(&request(key, version, 1, &ask));
        let answer = m::ConsumerGroupDescribeResponse::default().with_groups(vec![
            found("a", vec![member(&["x"], &["y"])]),
            found("b", vec![member(&["x"], &[]), member(&["closed"], &[])]),
            found("c", vec![member(&[], &["closed"])]),
        ]);
        talk.broker(&response(key, version, 1, &answer));
        let answer: m::ConsumerGroupDescribeResponse = talk.answer(key, version);
        let shown: BTreeMap<&str, (i16, usize)> = answer
            .groups
            .iter()
            .map(|group| (&**group.group_id, (group.error_code, group.members.len())))
            .collect();
        let expected = [("a", (0, 1)), ("b", (29, 0)), ("c", (29, 0)), ("closed", (30, 0))];
        assert_eq!(shown, BTreeMap::from(expected));
    }
}

#[test]
fn a_heartbeat_leaves_a_row_when_it_is_refused_and_only_then() {
    let ask = m::HeartbeatRequest::default().with_group_id(group("open"));
    let mut talk = Talk::begun(RULES);
    talk.client(&request(ApiKey::HEARTBEAT, 4, 1, &ask));
    assert!(talk.rows().is_empty());
    let ask = m::HeartbeatRequest::default().with_group_id(group("closed"));
    talk.client(&request(ApiKey::HEARTBEAT, 4, 2, &ask));
    let rows = talk.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].error_code, Some(30));
    assert!(rows[0].message.as_deref().unwrap().starts_with("consumer group closed"));
}

#[test]
fn t38_topics_of_lockgate_are_nobodys_where_nothing_else_is_restricted() {
    let ask = commit(9, "open", &["__lockgate_holds"]);
    let mut talk = Talk::begun("");
    talk.client(&request(ApiKey::OFFSET_COMMIT, 9, 1, &ask));
    let answer: m::OffsetCommitResponse = talk.answer(ApiKey::OFFSET_COMMIT, 9);
    assert_eq!(answer.topics[0].partitions[0].error_code, 29);
}

#[test]
fn a_broker_that_mixes_up_groups_is_not_believed() {
    let key = ApiKey::DESCRIBE_SHARE_GROUP_OFFSETS;
    let ask = m::DescribeShareGroupOffsetsRequest::default().with_groups(vec![
        m::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup::default()
            .with_group_id(group("a"))
            .with_topics(None),
    ]);
    let mut talk = Talk::begun(RULES);
    talk.client(&request(key, 0, 1, &ask));
    let answer = m::DescribeShareGroupOffsetsResponse::default().with_groups(vec![
        m::describe_share_group_offsets_response::DescribeShareGroupOffsetsResponseGroup::default()
            .with_group_id(group("b")),
    ]);
    talk.broker(&response(key, 0, 1, &answer));
    assert!(matches!(talk.closed(), Some(CloseReason::Codec(_))), "{:?}", talk.done);
}

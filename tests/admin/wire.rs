//! What no tool asks for, on the wire: with permits the broker's own answer, without them Kafka's
//! refusal.

use kafka_protocol::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic,
};
use kafka_protocol::messages::{
    AddRaftVoterRequest, AlterReplicaLogDirsRequest, BrokerId, DescribeDelegationTokenRequest,
    DescribeQuorumRequest, DescribeTopicPartitionsRequest, ListConfigResourcesRequest,
    RemoveRaftVoterRequest, TopicName, UnregisterBrokerRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::testcontainers::Wire;
use crate::{KAFKA, KEEPERS, VISITORS, assert_no_broker_address, made};

const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;

/// The same question to the broker, and through both gateways.
fn three() -> [Wire; 3] {
    [KAFKA.direct_bootstrap(), KEEPERS.bootstrap(), VISITORS.bootstrap()]
        .map(|address| Wire::connect(&address))
}

/// A keeper is told what the broker says, a visitor that it is refused.
#[track_caller]
fn compare(what: &str, [direct, keeper, visitor]: [i16; 3]) {
    assert_ne!(direct, CLUSTER_AUTHORIZATION_FAILED, "{what}");
    assert_eq!(keeper, direct, "{what}");
    assert_eq!(visitor, CLUSTER_AUTHORIZATION_FAILED, "{what}");
}

#[test]
fn voters_brokers_and_log_directories() {
    made("keepers.wire");
    let voter = AddRaftVoterRequest::default()
        .with_cluster_id(Some(StrBytes::from_static_str("another")))
        .with_voter_id(7);
    let codes = three().map(|mut wire| wire.ask(0, &voter).error_code);
    compare("AddRaftVoter", codes);
    let voter = RemoveRaftVoterRequest::default()
        .with_cluster_id(Some(StrBytes::from_static_str("another")))
        .with_voter_id(7);
    compare("RemoveRaftVoter", three().map(|mut wire| wire.ask(0, &voter).error_code));
    let broker = UnregisterBrokerRequest::default().with_broker_id(BrokerId(77));
    compare("UnregisterBroker", three().map(|mut wire| wire.ask(0, &broker).error_code));
    let topic = AlterReplicaLogDirTopic::default()
        .with_name(TopicName(StrBytes::from_static_str("keepers.wire")))
        .with_partitions(vec![0]);
    let dir = AlterReplicaLogDir::default()
        .with_path(StrBytes::from_static_str("/nowhere"))
        .with_topics(vec![topic]);
    let moved = AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]);
    for version in [1, 2] {
        let codes =
            three().map(|mut wire| wire.ask(version, &moved).results[0].partitions[0].error_code);
        compare("AlterReplicaLogDirs", codes);
    }
}

#[test]
fn tokens_are_refused_to_keepers_too() {
    const DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: i16 = 64;
    for gateway in [&KEEPERS, &VISITORS] {
        let mut wire = Wire::connect(&gateway.bootstrap());
        let code = wire.ask(3, &DescribeDelegationTokenRequest::default()).error_code;
        assert_eq!(code, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
    }
}

#[test]
fn the_quorum_has_members_and_no_addresses_at_every_version() {
    use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
    let topic = TopicData::default()
        .with_topic_name(TopicName(StrBytes::from_static_str("__cluster_metadata")))
        .with_partitions(vec![PartitionData::default()]);
    let asked = DescribeQuorumRequest::default().with_topics(vec![topic]);
    for version in 0..=2 {
        let [direct, keeper, visitor] = three().map(|mut wire| wire.ask(version, &asked));
        for answer in [&keeper, &visitor] {
            assert_eq!(answer.error_code, 0);
            assert_eq!(answer.topics[0].partitions[0].leader_id, BrokerId(1));
            assert_eq!(answer.nodes.len(), direct.nodes.len());
            assert!(answer.nodes.iter().all(|node| node.listeners.is_empty()));
        }
    }
    assert_no_broker_address(&VISITORS);
}

/// Pages of one partition each, through all topics that there are.
#[test]
fn pages_of_all_topics_lead_a_visitor_around_what_is_secret() {
    for topic in ["paged.a", "secret.paged.b", "secret.paged.c", "zpaged.d"] {
        made(topic);
    }
    let mut wire = Wire::connect(&VISITORS.bootstrap());
    let mut asked = DescribeTopicPartitionsRequest::default().with_response_partition_limit(1);
    let mut seen = Vec::new();
    loop {
        let page = wire.ask(0, &asked);
        seen.extend(page.topics.iter().map(|topic| {
            assert_eq!(topic.error_code, 0);
            topic.name.as_ref().unwrap().to_string()
        }));
        let Some(next) = page.next_cursor else { break };
        assert!(!next.topic_name.starts_with("secret."), "{}", next.topic_name.as_str());
        let cursor = kafka_protocol::messages::describe_topic_partitions_request::Cursor::default()
            .with_topic_name(next.topic_name)
            .with_partition_index(next.partition_index);
        asked.cursor = Some(cursor);
        assert!(seen.len() < 1_000, "it comes to an end");
    }
    assert!(seen.iter().any(|name| name == "paged.a"), "{seen:?}");
    assert!(seen.iter().any(|name| name == "zpaged.d"), "{seen:?}");
    assert!(seen.iter().all(|name| !name.starts_with("secret.")), "{seen:?}");
}

#[test]
fn listed_resources_leave_out_what_is_secret() {
    made("secret.listed");
    made("keepers.listed");
    let asked = ListConfigResourcesRequest::default().with_resource_types(vec![2, 4]);
    let [direct, _, visitor] = three().map(|mut wire| wire.ask(1, &asked));
    let names = |answer: &kafka_protocol::messages::ListConfigResourcesResponse| {
        let listed = answer.config_resources.iter();
        listed.map(|resource| resource.resource_name.to_string()).collect::<Vec<_>>()
    };
    assert!(names(&direct).iter().any(|name| name == "secret.listed"));
    assert!(names(&visitor).iter().all(|name| !name.starts_with("secret.")));
    assert!(names(&visitor).iter().any(|name| name == "keepers.listed"));
}

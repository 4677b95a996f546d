//! T06: no answer names the broker's own address.

use bytes::Bytes;
use kafka_protocol::messages::{DescribeClusterRequest, FindCoordinatorRequest, MetadataRequest};

use crate::frames::{self, Named, batch};
use crate::stage::stage;
use crate::wire::{ApiKey, codec};

#[test]
fn t06_no_byte_names_the_brokers_own_address() {
    let stage = stage();
    stage.topic("open.t06", 1);
    let mut client = stage.client();
    let mut answers: Vec<(String, Bytes)> = Vec::new();
    let mut ask = |what: &str, frame: Bytes| {
        client.send(&frame);
        answers.push((what.to_owned(), client.receive().expect("an answer")));
    };
    for version in 0..=13 {
        let mut all = MetadataRequest::default();
        all.topics = if version == 0 { Some(Vec::new()) } else { None };
        all.allow_auto_topic_creation = true;
        ask("Metadata", frames::request(ApiKey::METADATA, version, 1, &all));
    }
    for version in 0..=6 {
        let mut find = FindCoordinatorRequest::default();
        if version < 4 {
            find.key = codec::text("group");
        } else {
            find.coordinator_keys = vec![codec::text("group"), codec::text("other")];
        }
        ask("FindCoordinator", frames::request(ApiKey::FIND_COORDINATOR, version, 1, &find));
    }
    for version in 0..=2 {
        let describe = DescribeClusterRequest::default();
        ask("DescribeCluster", frames::request(ApiKey::DESCRIBE_CLUSTER, version, 1, &describe));
    }
    // A stale leader epoch makes the broker name the leader (KIP-951).
    let produce = frames::produce(-1, &[("open.t06", &[(0, batch(&["{}"])), (7, batch(&["{}"]))])]);
    for version in [9, 10, 12] {
        ask("Produce", frames::request(ApiKey::PRODUCE, version, 1, &produce));
    }
    let id = stage.broker().topic_id("open.t06");
    for version in [12, 13, 16, 17, 18] {
        let named = if version < 13 { Named::Name("open.t06") } else { Named::Id(id) };
        let mut fetch = frames::fetch(&[(named, &[0, 9])], (0, -1));
        fetch.topics[0].partitions[0].current_leader_epoch = 0;
        ask("Fetch", frames::request(ApiKey::FETCH, version, 1, &fetch));
    }
    let port: u16 = stage.direct().rsplit_once(':').unwrap().1.parse().unwrap();
    let address = stage.direct();
    let needles: [&[u8]; 3] = [b"127.0.0.1", address.as_bytes(), &u32::from(port).to_be_bytes()];
    for (what, answer) in &answers {
        for needle in needles {
            let found = answer.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{what} names the broker: {answer:?}");
        }
    }
    let named = stage.client().brokers();
    assert_eq!(named, [format!("localhost:{}", stage.broker_port + 1)]);
}

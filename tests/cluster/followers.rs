//! `fetch.from.follower`: the leader names the replica in the client's rack, and its port here
//! leads to it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{BrokerId, FetchRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::statistics::Statistics;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use crate::testcontainers::process::until;
use crate::testcontainers::{GatewaySettings, RawClient};
use crate::{create, java, kafka};

const TOPIC: &str = "shop.cluster.racks";
const LIMIT: Duration = Duration::from_mins(2);
/// How long the leader waits until it is sure that the follower has everything.
const PREFERRED_LIMIT: Duration = Duration::from_mins(1);

/// The broker that each partition is fetched from, as librdkafka counts.
#[derive(Default)]
struct Sources(Mutex<BTreeMap<i32, (i32, i32)>>);

impl ClientContext for Sources {
    fn stats(&self, statistics: Statistics) {
        let topics = statistics.topics.get(TOPIC);
        let partitions = topics.into_iter().flat_map(|topic| topic.partitions.values());
        let sources = partitions.map(|place| (place.partition, (place.broker, place.leader)));
        self.0.lock().unwrap().extend(sources);
    }
}

impl ConsumerContext for Sources {}

#[test]
fn a_reader_is_sent_to_the_replica_in_its_rack() {
    let kafka = kafka();
    let gateway = GatewaySettings::before(&kafka).groups(&["platform"]).tapped().start();
    create(&kafka, TOPIC);
    let lines: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    // With keys, so that no partition is left empty.
    let keyed: Vec<String> = lines.iter().map(|line| format!("{line}:{line}")).collect();
    let keyed: Vec<&str> = keyed.iter().map(String::as_str).collect();
    let by_key = ["--reader-property", "parse.key=true", "--reader-property", "key.separator=:"];
    java(&kafka, &gateway.bootstrap()).console_produce(TOPIC, &keyed, &by_key).expect_success();
    let leader = kafka.leaders(TOPIC)[0];
    let follower = if leader == 3 { 2 } else { 3 };
    let rack = format!("r{follower}");

    // By hand: the leader sends the reader away, and the follower serves it.
    until("a preferred replica", PREFERRED_LIMIT, || {
        let preferred = fetched(&gateway.broker(leader), &rack).1;
        if preferred == follower { Ok(()) } else { Err(format!("{preferred}")) }
    });
    until("records at the follower", PREFERRED_LIMIT, || {
        let (bytes, preferred) = fetched(&gateway.broker(follower), &rack);
        assert_eq!(preferred, -1);
        if bytes > 0 { Ok(()) } else { Err("none".to_owned()) }
    });

    // A real client follows: everything is read, and each partition from its own rack.
    let consumer: BaseConsumer<Sources> = ClientConfig::new()
        .set("bootstrap.servers", gateway.bootstrap())
        .set("group.id", "racks")
        .set("client.rack", &rack)
        .set("statistics.interval.ms", "100")
        .create_with_context(Sources::default())
        .unwrap();
    let mut places = TopicPartitionList::new();
    for partition in 0..3 {
        places.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&places).unwrap();
    let deadline = Instant::now() + LIMIT;
    let mut read = Vec::new();
    loop {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            read.push(String::from_utf8_lossy(message.payload().unwrap()).into_owned());
        }
        let sources = consumer.context().0.lock().unwrap().clone();
        let at_home = (0..3).all(|partition| {
            sources.get(&partition).is_some_and(|(broker, _)| *broker == follower)
        });
        if read.len() >= 30 && at_home {
            assert!(sources.values().any(|(broker, leader)| broker != leader), "{sources:?}");
            break;
        }
        assert!(Instant::now() < deadline, "{} read, from {sources:?}", read.len());
    }
    read.sort_by_key(|number| number.parse::<u32>().unwrap());
    assert_eq!(read, lines);
    crate::assert_no_broker_address(&kafka, &gateway);
}

/// The bytes of partition 0 from its start, and the replica that the reader is sent to.
fn fetched(address: &str, rack: &str) -> (usize, i32) {
    let partition = FetchPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(-1)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_static_str(TOPIC)))
        .with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
        .with_rack_id(StrBytes::from_string(rack.to_owned()));
    let answer = RawClient::connect(address).call(12, &request).unwrap();
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, 0, "{answer:?}");
    let bytes = partition.records.as_ref().map_or(0, |records| records.len());
    (bytes, partition.preferred_read_replica.0)
}

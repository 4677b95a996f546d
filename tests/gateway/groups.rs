//! Consumer groups of both protocols: partitions are shared out, handed over, and read once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;
use kafka_protocol::protocol::StrBytes;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Message as _, TopicPartitionList};

use crate::testcontainers::{ClientProperties, JavaTools, Wire};
use crate::{KAFKA, clear_gateway, masking_gateway};

const LIMIT: Duration = Duration::from_mins(1);
const INVALID_REQUEST: i16 = 42;
const PARTITIONS: u32 = 4;
const RECORDS: usize = 400;

#[test]
fn the_classic_protocol() {
    share("classic");
}

#[test]
fn the_consumer_protocol() {
    share("consumer");
}

/// Two consumers share four partitions, one leaves, the other takes over where it stopped.
fn share(protocol: &str) {
    let gateway = masking_gateway();
    let topic = format!("shop.group.{protocol}");
    let tools = JavaTools::new(KAFKA.jars(), &gateway.bootstrap(), ClientProperties::plain());
    tools.create_topic(&topic, PARTITIONS, 1, &[]).expect_success();
    KAFKA.leaders(&topic);
    let produce = |from: usize| {
        let producer: BaseProducer = config(&gateway.bootstrap()).create().unwrap();
        for number in from..from + RECORDS {
            let partition = i32::try_from(number % 4).unwrap();
            let value = number.to_string();
            let record = BaseRecord::<(), str>::to(&topic).payload(&value).partition(partition);
            producer.send(record).unwrap();
        }
        producer.flush(LIMIT).unwrap();
    };
    produce(0);
    let consumer = || {
        let mut settings = config(&gateway.bootstrap());
        settings
            .set("group.id", format!("group-{protocol}"))
            .set("group.protocol", protocol)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = settings.create().unwrap();
        consumer.subscribe(&[&topic]).unwrap();
        consumer
    };
    let (first, second) = (consumer(), consumer());
    let mut seen = Seen::default();
    wait("both have two partitions and everything is read", || {
        seen.poll(&first);
        seen.poll(&second);
        let held = [&first, &second].map(|consumer| consumer.assignment().unwrap().count());
        held == [2, 2] && seen.numbers.len() == RECORDS && committed(&second, &topic) == RECORDS
    });
    drop(first);
    produce(RECORDS);
    seen.again = 0;
    wait("the second has all and has read all", || {
        seen.poll(&second);
        second.assignment().unwrap().count() == 4 && seen.numbers.len() == 2 * RECORDS
    });
    assert_eq!(seen.again, 0, "what was committed is not read again");
}

#[test]
fn a_group_is_described_and_its_offsets_are_reset_by_the_tool() {
    let gateway = clear_gateway();
    let tools = JavaTools::new(KAFKA.jars(), &gateway.bootstrap(), ClientProperties::plain());
    tools.create_topic("shop.group.described", 1, 1, &[]).expect_success();
    tools.console_produce("shop.group.described", &["a", "b", "c"], &[]).expect_success();
    let options = ["--group", "described"];
    tools.console_consume("shop.group.described", 3, &options).expect_success();
    let group = |rest: &[&str]| {
        let mut arguments = vec!["--bootstrap-server", tools.bootstrap(), "--group", "described"];
        arguments.extend(rest);
        let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
        tools.run(class, &arguments).expect_success().stdout
    };
    let rows = |text: &str| -> Vec<Vec<String>> {
        let rows = text.lines().filter(|line| line.contains("shop.group.described"));
        rows.map(|row| row.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let described = rows(&group(&["--describe"]));
    assert_eq!(described[0][3..6], ["3", "3", "0"], "{described:?}");
    group(&["--reset-offsets", "--to-offset", "1", "--topic", "shop.group.described", "--execute"]);
    let described = rows(&group(&["--describe"]));
    assert_eq!(described[0][3..6], ["1", "3", "2"], "{described:?}");
}

/// A regular expression is resolved in the broker, over topics that a reader may not be shown.
#[test]
fn a_regular_expression_is_refused_where_a_rule_hides_topics_and_works_where_none_does() {
    let heartbeat = |regex: &str| {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(StrBytes::from_static_str("by-hand").into())
            .with_member_id(StrBytes::from_string(uuid::Uuid::from_u128(7).to_string()))
            .with_rebalance_timeout_ms(10_000)
            .with_subscribed_topic_names((regex.is_empty()).then(Vec::new))
            .with_subscribed_topic_regex(Some(StrBytes::from_string(regex.to_owned())))
            .with_topic_partitions(Some(Vec::new()))
    };
    let restricted = masking_gateway();
    let open = clear_gateway();
    wait("the coordinator is there", || {
        let answer = Wire::connect(&open.bootstrap()).ask(1, &heartbeat("shop.*"));
        answer.error_code == 0
    });
    let answer = Wire::connect(&restricted.bootstrap()).ask(1, &heartbeat("shop.*"));
    assert_eq!(answer.error_code, INVALID_REQUEST);
    let message = answer.error_message.unwrap_or_default();
    assert!(message.contains("regular expression"), "{message:?}");
}

#[derive(Default)]
struct Seen {
    numbers: BTreeSet<usize>,
    again: usize,
}

impl Seen {
    fn poll(&mut self, consumer: &BaseConsumer) {
        for _ in 0..100 {
            // librdkafka reports what it tries again by itself.
            let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) else { break };
            let text = std::str::from_utf8(message.payload().unwrap()).unwrap();
            if !self.numbers.insert(text.parse().unwrap()) {
                self.again += 1;
            }
        }
        // There may be nothing to commit, or a rebalance may stand in the way; then the next one
        // does it.
        let _ = consumer.commit_consumer_state(CommitMode::Sync);
    }
}

/// How many records the group has committed.
fn committed(consumer: &BaseConsumer, topic: &str) -> usize {
    let mut places = TopicPartitionList::new();
    places.add_partition_range(topic, 0, 3);
    let committed = consumer.committed_offsets(places, LIMIT).unwrap();
    let offsets = committed.elements().into_iter().filter_map(|place| place.offset().to_raw());
    offsets.filter_map(|offset| usize::try_from(offset).ok()).sum()
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", bootstrap);
    settings
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
    }
}

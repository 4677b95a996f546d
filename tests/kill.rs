//! kill -9 under load, again and again: every answer that a client got has its audit row, nothing
//! that was acknowledged is lost, and a record that is read again is masked to the same bytes.
//!
//! Three rounds; `LOCKGATE_KILL_ROUNDS=50` for the long run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

#[path = "../testcontainers/mod.rs"]
mod testcontainers;

use testcontainers::process::until;
use testcontainers::{Gateway, GatewaySettings, Kafka, KafkaSettings, Wire, stored};

const TOPIC: &str = "killed";
const PARTITIONS: i32 = 3;
const PRODUCERS: usize = 2;
/// Acknowledged records between two kills.
const RECORDS_A_ROUND: usize = 400;
/// Records that a producer has on their way at most.
const QUEUED_MAX: usize = 500;
const LIMIT: Duration = Duration::from_mins(3);

const POLICY: &str = r#"
apiVersion: policy/v1
kind: Policy
metadata: {name: killed, version: 1.0.0, owner: tests@acme.example}
spec:
  rules:
    - id: tokens
      match: {direction: consume, topics: ["**"]}
      select: [{path: "$.secret"}]
      action: {mask: {with: hmac, key_ref: "file:keys/test.key", prefix: "tok_"}}
"#;

/// Partition and offset.
type Place = (i32, i64);

/// What clients were told.
#[derive(Default)]
struct Told {
    /// The id of each acknowledged record by its place.
    acknowledged: Mutex<BTreeMap<Place, String>>,
    /// What a reader saw there, and where two readings differed.
    read: Mutex<BTreeMap<Place, String>>,
    count: AtomicUsize,
    over: AtomicBool,
}

impl Told {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn acknowledged(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Notes a record; one that was read before must be the same.
    fn note_read(&self, place: Place, value: String) {
        assert!(value.contains("\"tok_"), "{place:?} is masked: {value}");
        let mut read = self.read.lock().unwrap();
        let before = read.entry(place).or_insert_with(|| value.clone());
        assert_eq!(*before, value, "{place:?} is masked to the same bytes");
    }
}

struct Reports(mpsc::Sender<(Place, String)>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let message = match result {
            Ok(message) => message,
            Err((error, _)) => panic!("a record was given up: {error}"),
        };
        // After a retry the broker may know the batch and no longer its offset.
        if message.offset() >= 0 {
            let id = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            let _ = self.0.send(((message.partition(), message.offset()), id));
        }
    }
}

/// Produces until it is over, and then waits for what is on its way.
fn produce(told: &Told, bootstrap: &str, name: usize) {
    let (reports, answers) = mpsc::channel();
    let producer: BaseProducer<Reports> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "2")
        .set("batch.num.messages", "20")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("message.timeout.ms", "170000")
        .create_with_context(Reports(reports))
        .unwrap();
    let note = || {
        for (place, id) in answers.try_iter() {
            let before = told.acknowledged.lock().unwrap().insert(place, id);
            assert_eq!(before, None, "two records at {place:?}");
            told.count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let mut number = 0_u64;
    while !told.is_over() {
        if producer.in_flight_count() < i32::try_from(QUEUED_MAX).unwrap() {
            let id = format!("{name}-{number}");
            let value = format!(r#"{{"id":"{id}","secret":"s-{id}"}}"#);
            let record = BaseRecord::to(TOPIC).key(&id).payload(&value);
            if producer.send(record).is_ok() {
                number += 1;
            }
            producer.poll(Duration::ZERO);
        } else {
            producer.poll(Duration::from_millis(10));
        }
        note();
    }
    producer.flush(LIMIT).unwrap();
    note();
}

fn consumer(bootstrap: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "killed")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "50")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .create()
        .unwrap();
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        places.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&places).unwrap();
    consumer
}

/// Reads until it is over. One reader goes on through every kill; the connection is librdkafka's
/// affair.
fn consume(told: &Told, bootstrap: &str) {
    let consumer = consumer(bootstrap);
    while !told.is_over() {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let value = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
            told.note_read((message.partition(), message.offset()), value);
        }
    }
}

fn create_topic(kafka: &Kafka) {
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_static_str(TOPIC)))
        .with_num_partitions(PARTITIONS)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
    let answer = Wire::connect(&kafka.direct_bootstrap()).ask(7, &request);
    assert_eq!(answer.topics[0].error_code, 0);
    kafka.leaders(TOPIC);
}

fn rounds() -> usize {
    let written = std::env::var("LOCKGATE_KILL_ROUNDS").ok();
    written.map_or(3, |rounds| rounds.parse().expect("LOCKGATE_KILL_ROUNDS is a number"))
}

/// Kills it again and again, each time after some more records were acknowledged.
fn kill_rounds(gateway: &Gateway, told: &Told) {
    for round in 0..rounds() {
        let goal = told.acknowledged() + RECORDS_A_ROUND + 37 * (round % 11);
        until("acknowledged records", LIMIT, || match told.acknowledged() {
            count if count >= goal => Ok(()),
            count => Err(format!("{count} of {goal} in round {round}")),
        });
        gateway.lockgate().kill();
        gateway.lockgate().start_again();
    }
    let goal = told.acknowledged() + RECORDS_A_ROUND;
    until("clients that go on", LIMIT, || match told.acknowledged() {
        count if count >= goal => Ok(()),
        count => Err(format!("{count} of {goal} behind the last kill")),
    });
}

#[test]
fn no_answer_without_its_row_over_kills_under_load() {
    let kafka = Kafka::start(&KafkaSettings::one_node());
    create_topic(&kafka);
    let gateway = GatewaySettings::before(&kafka)
        .policy("killed.yaml", POLICY)
        .policy("keys/test.key", "0123456789abcdef0123456789abcdef")
        .configuration("audit: {rotate_rows: 300}")
        .start();
    let told = Told::default();
    let bootstrap = gateway.bootstrap();
    std::thread::scope(|scope| {
        let (told, bootstrap) = (&told, &*bootstrap);
        for name in 0..PRODUCERS {
            scope.spawn(move || produce(told, bootstrap, name));
        }
        scope.spawn(move || consume(told, bootstrap));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            kill_rounds(&gateway, told);
        }));
        told.over.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let at_broker = everything_acknowledged_is_there(&kafka, &told);
    read_again(&bootstrap, &told, &at_broker);
    assert!(gateway.lockgate().stop().success());
    let show = ["audit", "show", "--dir", "audit", "--format", "json"];
    let rows = gateway.lockgate().command(&show).expect_success().json_lines();
    let (open, completed) = every_answer_has_its_row(&rows, &told, &at_broker);
    println!(
        "{} kills: {} records acknowledged, {} at the broker, {} read; {} rows, {completed} of \
         answered produces, {open} of produces without an answer on record",
        rounds(),
        told.acknowledged(),
        at_broker.len(),
        told.read.lock().unwrap().len(),
        rows.len(),
    );
}

/// Every place of the topic, after checking that no acknowledged record is missing or there twice.
fn everything_acknowledged_is_there(kafka: &Kafka, told: &Told) -> BTreeSet<Place> {
    let mut at_broker = BTreeMap::new();
    for partition in 0..PARTITIONS {
        for record in stored(&kafka.direct_bootstrap(), TOPIC, partition) {
            at_broker.insert((partition, record.offset), record.key.unwrap());
        }
    }
    for (place, id) in &*told.acknowledged.lock().unwrap() {
        assert_eq!(at_broker.get(place), Some(id), "{place:?} is kept");
    }
    let ids: BTreeSet<&String> = at_broker.values().collect();
    assert_eq!(ids.len(), at_broker.len(), "no record is there twice");
    at_broker.into_keys().collect()
}

/// A fresh reader sees every record, masked as before.
fn read_again(bootstrap: &str, told: &Told, at_broker: &BTreeSet<Place>) {
    let consumer = consumer(bootstrap);
    let mut left = at_broker.clone();
    until("all records once more", LIMIT, || {
        while let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let Ok(message) = message else { continue };
            let place = (message.partition(), message.offset());
            let value = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
            told.note_read(place, value);
            left.remove(&place);
        }
        if left.is_empty() { Ok(()) } else { Err(format!("{} did not come", left.len())) }
    });
}

/// The offsets of a row.
fn places(row: &Value) -> impl Iterator<Item = Place> {
    let partition = i32::try_from(row["partition"].as_i64().unwrap()).unwrap();
    let (first, last) = (row["first_offset"].as_i64(), row["last_offset"].as_i64());
    let offsets = first.zip(last).map(|(first, last)| first..=last);
    offsets.into_iter().flatten().map(move |offset| (partition, offset))
}

/// How many produce rows have no answer, and how many have one.
fn every_answer_has_its_row(
    rows: &[Value],
    told: &Told,
    at_broker: &BTreeSet<Place>,
) -> (usize, usize) {
    let seqs: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=rows.len() as u64).collect::<Vec<_>>(), "no gap in the numbers");
    assert!(rows.iter().all(|row| row["event"] != "audit_gap"));
    let of = |api: &'static str| rows.iter().filter(move |row| row["api"] == api);
    let produced: BTreeSet<Place> = of("Produce").flat_map(places).collect();
    for place in told.acknowledged.lock().unwrap().keys() {
        assert!(produced.contains(place), "no row of the acknowledged record at {place:?}");
    }
    let fetched: BTreeSet<Place> =
        of("Fetch").filter(|row| row["decision"] == "mask").flat_map(places).collect();
    for place in told.read.lock().unwrap().keys() {
        assert!(fetched.contains(place), "no row of the record that was read at {place:?}");
    }
    // What is at the broker and in no answered row is in one that has no answer.
    let is_open = |row: &&Value| row["error_code"].is_null();
    let open_records: u64 =
        of("Produce").filter(is_open).map(|row| row["records"].as_u64().unwrap()).sum();
    let unaccounted = at_broker.difference(&produced).count() as u64;
    assert!(unaccounted <= open_records, "{unaccounted} records without a row, {open_records}");
    let open = of("Produce").filter(is_open).count();
    let messages = of("Produce").filter(is_open).map(|row| &row["message"]);
    for message in messages {
        assert_eq!(message, "no answer of the broker is on record");
    }
    (open, of("Produce").count() - open)
}

//! Produce, consume, validate: idempotent producers number their records in each partition, and a
//! reader checks each number, each offset and each mask.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use crate::testcontainers::process::until;

pub const PARTITIONS: i32 = 3;
const PRODUCERS: usize = 2;
/// Records that a producer has on their way at most.
const QUEUED_MAX: i32 = 300;
pub const LIMIT: Duration = Duration::from_mins(3);

/// Partition and offset.
type Place = (i32, i64);
/// A producer and a partition that it writes to.
type Stream = (usize, i32);

/// Masks what the reader is to find masked.
pub const POLICY: &str = r#"apiVersion: policy/v1
kind: Policy
metadata: {name: faults}
spec:
  rules:
    - id: tokens
      match: {direction: consume, topics: ["faults.**"]}
      select: [{path: "$.secret"}]
      action: {mask: {with: hmac, key_ref: "file:keys/test.key", prefix: "tok_"}}
"#;

/// What producers and reader know, and what is wrong with it.
#[derive(Default)]
pub struct Report {
    acknowledged: Mutex<BTreeMap<Place, String>>,
    acknowledged_count: AtomicUsize,
    /// How many records each stream has.
    sent: Mutex<HashMap<Stream, u64>>,
    read: Mutex<BTreeMap<Place, String>>,
    next: Mutex<HashMap<Stream, u64>>,
    problems: Mutex<Vec<String>>,
    producers_are_over: AtomicBool,
    reader_is_over: AtomicBool,
}

/// What a run has shown.
pub struct Totals {
    pub acknowledged: usize,
    pub read: usize,
}

impl Report {
    pub fn acknowledged(&self) -> usize {
        self.acknowledged_count.load(Ordering::Relaxed)
    }

    fn problem(&self, text: String) {
        lock(&self.problems).push(text);
    }

    /// Waits for so many more acknowledged records.
    pub fn progress(&self, more: usize) {
        let goal = self.acknowledged() + more;
        until("acknowledged records", LIMIT, || match self.acknowledged() {
            count if count >= goal => Ok(()),
            count => Err(format!("{count} of {goal}; {:?}", lock(&self.problems))),
        });
    }

    /// One record as the reader got it.
    fn take(&self, place: Place, value: &str) {
        let Ok(document) = serde_json::from_str::<serde_json::Value>(value) else {
            return self.problem(format!("{place:?}: {value}"));
        };
        let number = |name: &str| document[name].as_u64().unwrap_or(u64::MAX);
        let producer = usize::try_from(number("producer")).unwrap_or(usize::MAX);
        if !document["secret"].as_str().is_some_and(|secret| secret.starts_with("tok_")) {
            self.problem(format!("{place:?} is not masked: {value}"));
        }
        let mut next = lock(&self.next);
        let expected = next.entry((producer, place.0)).or_insert(0);
        if number("n") != *expected {
            self.problem(format!("{place:?}: n {} instead of {expected}: {value}", number("n")));
        }
        *expected = number("n").saturating_add(1);
        let mut read = lock(&self.read);
        if read.last_key_value().is_some_and(|(last, _)| last.0 == place.0 && last.1 >= place.1)
            || read.insert(place, id(producer, place.0, number("n"))).is_some()
        {
            self.problem(format!("{place:?} came twice or late"));
        }
    }

    fn is_complete(&self) -> Result<(), String> {
        let (sent, next) = (lock(&self.sent), lock(&self.next));
        match sent.iter().find(|(stream, count)| next.get(stream).unwrap_or(&0) < count) {
            None => Ok(()),
            Some((stream, count)) => Err(format!("{stream:?}: {:?} of {count}", next.get(stream))),
        }
    }

    fn totals(&self) -> Totals {
        let (read, acknowledged) = (lock(&self.read), lock(&self.acknowledged));
        let mut problems = lock(&self.problems);
        for (place, id) in &*acknowledged {
            if read.get(place) != Some(id) {
                let found = read.get(place);
                problems.push(format!("{id} was acknowledged at {place:?}, there is {found:?}"));
            }
        }
        let sent: u64 = lock(&self.sent).values().sum();
        if u64::try_from(read.len()).unwrap() != sent {
            problems.push(format!("{} records read, {sent} sent", read.len()));
        }
        let shown: Vec<&String> = problems.iter().take(10).collect();
        assert!(problems.is_empty(), "{} problems: {shown:#?}", problems.len());
        Totals { acknowledged: self.acknowledged(), read: read.len() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn id(producer: usize, partition: i32, number: u64) -> String {
    format!("{producer}-{partition}-{number}")
}

struct Deliveries<'r>(&'r Report);

impl ClientContext for Deliveries<'_> {}

impl ProducerContext for Deliveries<'_> {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            // After a retry the broker may know the batch and no longer its offset.
            Ok(message) if message.offset() < 0 => {
                self.0.acknowledged_count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(message) => {
                let place = (message.partition(), message.offset());
                let id = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
                if let Some(before) = lock(&self.0.acknowledged).insert(place, id) {
                    self.0.problem(format!("two records were acknowledged at {place:?}: {before}"));
                }
                self.0.acknowledged_count.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => self.0.problem(format!("a record was given up: {error}")),
        }
    }
}

fn produce(report: &Report, bootstrap: &str, topic: &str, name: usize) {
    let producer: BaseProducer<Deliveries<'_>> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "2")
        .set("batch.num.messages", "20")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("message.timeout.ms", "170000")
        .create_with_context(Deliveries(report))
        .unwrap();
    let mut number = 0_u64;
    while !report.producers_are_over.load(Ordering::Relaxed) {
        if producer.in_flight_count() >= QUEUED_MAX {
            producer.poll(Duration::from_millis(10));
            continue;
        }
        for partition in 0..PARTITIONS {
            let id = id(name, partition, number);
            let value = format!(r#"{{"producer":{name},"n":{number},"secret":"s-{id}"}}"#);
            let record = BaseRecord::to(topic).key(&id).payload(&value).partition(partition);
            if let Err((error, _)) = producer.send(record) {
                report.problem(format!("{id} was not taken: {error}"));
            }
        }
        number += 1;
        producer.poll(Duration::ZERO);
    }
    if let Err(error) = producer.flush(LIMIT) {
        report.problem(format!("records were left: {error}"));
    }
    let mut sent = lock(&report.sent);
    sent.extend((0..PARTITIONS).map(|partition| ((name, partition), number)));
}

fn consume(report: &Report, bootstrap: &str, topic: &str) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "faults")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "50")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .create()
        .unwrap();
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        places.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&places).unwrap();
    while !report.reader_is_over.load(Ordering::Relaxed) {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
            report.take((message.partition(), message.offset()), &value);
        }
    }
}

/// Puts load on the topic, does `faults` meanwhile, and checks what has come of it.
pub fn validate(bootstrap: &str, topic: &str, faults: impl FnOnce(&Report)) -> Totals {
    let report = Report::default();
    std::thread::scope(|scope| {
        let report = &report;
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|name| scope.spawn(move || produce(report, bootstrap, topic, name)))
            .collect();
        scope.spawn(move || consume(report, bootstrap, topic));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            report.progress(500);
            faults(report);
            report.progress(500);
            report.producers_are_over.store(true, Ordering::Relaxed);
            producers.into_iter().for_each(|producer| producer.join().unwrap());
            until("everything that was sent", LIMIT, || report.is_complete());
        }));
        report.producers_are_over.store(true, Ordering::Relaxed);
        report.reader_is_over.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    report.totals()
}

//! Kafka's `TransactionalMessageCopier` through a Lockgate that is killed every five seconds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use crate::testcontainers::process::until;
use crate::testcontainers::{ClientProperties, JavaTools, Kafka};
use crate::validator::LIMIT;
use crate::{create_topic, gateway, kafka, runs};

const RECORDS: u64 = 40_000;
const A_TRANSACTION: u64 = 25;
const BETWEEN_KILLS: Duration = Duration::from_secs(5);
/// A copier that gives up is started again and goes on from the offsets that it has committed.
const ATTEMPTS: usize = 10;
const COPY_LIMIT: Duration = Duration::from_mins(5);

fn fill(kafka: &Kafka, topic: &str) {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", kafka.direct_bootstrap())
        .set("enable.idempotence", "true")
        .create()
        .unwrap();
    for number in 0..RECORDS {
        let value = number.to_string();
        producer.send(BaseRecord::<(), str>::to(topic).payload(&value).partition(0)).unwrap();
    }
    producer.flush(LIMIT).unwrap();
}

/// The values that a reader of committed records sees, up to `count` and whatever is behind.
fn committed(bootstrap: &str, topic: &str, count: u64) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "committed")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&places).unwrap();
    let mut values = Vec::new();
    until("committed records and the end", LIMIT, || {
        loop {
            match consumer.poll(Duration::from_millis(500)) {
                Some(Ok(message)) => {
                    let value = message.payload().unwrap_or_default();
                    values.push(String::from_utf8_lossy(value).into_owned());
                }
                Some(Err(_)) if values.len() as u64 >= count => return Ok(()),
                Some(Err(_)) | None => return Err(format!("{} of {count}", values.len())),
            }
        }
    });
    values
}

#[test]
#[ignore = "part of the long run"]
fn a_transactional_copy_is_exact_while_lockgate_is_killed() {
    let kafka = kafka();
    for run in 0..runs() {
        let (from, to) = (format!("copied.from.{run}"), format!("copied.to.{run}"));
        create_topic(&kafka, &from, 1);
        create_topic(&kafka, &to, 1);
        fill(&kafka, &from);
        let gateway = gateway(&kafka);
        let (kills, attempts) = (AtomicUsize::new(0), AtomicUsize::new(0));
        scope(|scope| {
            let copy = scope.spawn(|| {
                let bootstrap = gateway.bootstrap();
                let tools = JavaTools::new(kafka.jars(), &bootstrap, ClientProperties::plain())
                    .limit(COPY_LIMIT);
                for _ in 0..ATTEMPTS {
                    attempts.fetch_add(1, Ordering::Relaxed);
                    let copied = tools.transactional_copy(&from, &to, RECORDS, A_TRANSACTION);
                    if copied.succeeded() {
                        return;
                    }
                    println!("{}", copied.explain());
                }
                panic!("the copier gave up {ATTEMPTS} times");
            });
            while !copy.is_finished() {
                sleep(BETWEEN_KILLS);
                gateway.lockgate().kill();
                gateway.lockgate().start_again();
                kills.fetch_add(1, Ordering::Relaxed);
            }
            copy.join().unwrap();
        });
        let expected: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
        let copied = committed(&gateway.bootstrap(), &to, RECORDS);
        assert!(copied == expected, "{} records, not the {RECORDS} in order", copied.len());
        println!(
            "copied, run {}: {RECORDS} records over {} kills, the copier started {} times",
            run + 1,
            kills.into_inner(),
            attempts.into_inner()
        );
    }
}

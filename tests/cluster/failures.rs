//! Brokers that die and return, and a Lockgate that starts while one is down.

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::client::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, Message as _};

use crate::testcontainers::process::until;
use crate::testcontainers::{Gateway, GatewaySettings, Kafka, Wire, probe, stored, values};
use crate::{create, kafka};

const LIMIT: Duration = Duration::from_mins(2);

/// Counts what the brokers have acknowledged; a failure is told.
struct Deliveries {
    delivered: Arc<AtomicUsize>,
    failures: mpsc::Sender<String>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => drop(self.delivered.fetch_add(1, Ordering::Relaxed)),
            Err((error, message)) => {
                let told = format!("{error} at partition {}", message.partition());
                let _ = self.failures.send(told);
            }
        }
    }
}

#[test]
fn a_broker_is_killed_and_returns_under_a_running_producer() {
    let kafka = kafka();
    let gateway = GatewaySettings::before(&kafka).start();
    let topic = "shop.cluster.killed";
    create(&kafka, topic);
    let delivered = Arc::new(AtomicUsize::new(0));
    let (failures, failed) = mpsc::channel();
    let context = Deliveries { delivered: Arc::clone(&delivered), failures };
    let producer: ThreadedProducer<Deliveries> = ClientConfig::new()
        .set("bootstrap.servers", gateway.bootstrap())
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "120000")
        .set("linger.ms", "5")
        .create_with_context(context)
        .unwrap();
    let mut sent = 0;
    let mut produce_until = |count: usize| {
        until("records that are acknowledged", LIMIT, || {
            for partition in 0..3 {
                let value = (sent / 3).to_string();
                let record = BaseRecord::<(), str>::to(topic).payload(&value).partition(partition);
                producer.send(record).unwrap();
                sent += 1;
            }
            let now = delivered.load(Ordering::Relaxed);
            if now >= count { Ok(now) } else { Err(format!("{now} of {sent}")) }
        })
    };
    produce_until(60);
    let victim = kafka.leaders(topic)[0];
    kafka.node(victim).kill();
    // Records of all three partitions, so the one that the dead broker led has a new leader.
    let before = produce_until(0);
    produce_until(before + 300);
    kafka.node(victim).start_again();
    wait_until_in_sync(&kafka, topic);
    let before = produce_until(0);
    produce_until(before + 60);
    producer.flush(LIMIT).unwrap();
    drop(producer);
    assert_eq!(failed.try_iter().collect::<Vec<_>>(), Vec::<String>::new());
    for partition in 0..3 {
        let records = stored(&gateway.bootstrap(), topic, partition);
        let expected: Vec<String> = (0..sent / 3).map(|number| number.to_string()).collect();
        assert_eq!(values(&records), expected, "partition {partition}");
    }
}

#[test]
fn lockgate_starts_while_a_broker_is_down() {
    let kafka = kafka();
    let topic = "shop.cluster.restarted";
    create(&kafka, topic);
    let gateway = GatewaySettings::before(&kafka).start();
    for down in [1, 3] {
        kafka.node(down).kill();
        gateway.lockgate().start_again();
        // The first request after the start, before any client has asked for Metadata.
        for id in (1..=3).filter(|id| *id != down) {
            let offered = probe::api_versions(&gateway.broker(id));
            assert!(offered.is_ok(), "broker {id} while {down} is down: {offered:?}");
            assert_is_broker(&kafka, &gateway, id, topic);
        }
        assert!(probe::api_versions(&gateway.bootstrap()).is_ok());
        assert_closes(&gateway.broker(down));
        kafka.node(down).start_again();
        until("the port of the broker that returned", LIMIT, || {
            probe::api_versions(&gateway.broker(down)).map_err(|error| error.to_string())
        });
        assert_is_broker(&kafka, &gateway, down, topic);
        wait_until_in_sync(&kafka, topic);
    }
}

/// Checks that the broker with this id is the one behind its address: it has the offsets of the
/// partitions that it leads, and of no other.
fn assert_is_broker(kafka: &Kafka, gateway: &Gateway, id: i32, topic: &str) {
    let partitions = (0..3).map(|index| {
        ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1)
    });
    let named = ListOffsetsTopic::default()
        .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partitions(partitions.collect());
    let request =
        ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![named]);
    let address = gateway.broker(id);
    until("a broker that knows its leaders", LIMIT, || {
        let led: Vec<bool> = kafka.leaders(topic).iter().map(|leader| *leader == id).collect();
        let answer = Wire::connect(&address).ask(5, &request);
        let mut partitions = answer.topics[0].partitions.clone();
        partitions.sort_by_key(|partition| partition.partition_index);
        let has: Vec<bool> = partitions.iter().map(|partition| partition.error_code == 0).collect();
        if has == led { Ok(()) } else { Err(format!("broker {id}: {led:?}, but {partitions:?}")) }
    });
}

/// The port is open, and the connection is closed without an answer.
fn assert_closes(address: &str) {
    assert!(TcpStream::connect(address).is_ok(), "{address} is not open");
    let answer = probe::api_versions(address);
    assert!(answer.is_err(), "a dead broker has answered: {answer:?}");
}

fn wait_until_in_sync(kafka: &Kafka, topic: &str) {
    let admin = crate::java(kafka, &kafka.direct_bootstrap());
    until("replicas in sync", LIMIT, || {
        let server = ["--bootstrap-server", admin.bootstrap()];
        let rest = ["--describe", "--topic", topic, "--under-replicated-partitions"];
        let listed =
            admin.run("org.apache.kafka.tools.TopicCommand", &[&server, &rest[..]].concat());
        if listed.succeeded() && listed.stdout.trim().is_empty() {
            Ok(())
        } else {
            Err(listed.explain())
        }
    });
}

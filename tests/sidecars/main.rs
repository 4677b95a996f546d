//! A sidecar for each broker (`addresses: keep`): three brokers that listen on loopback and
//! advertise their sidecars, three Lockgates. Under load leaders move, every broker and every
//! Lockgate is restarted, no record is lost, and no client learns where a broker really listens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use kafka_protocol::messages::MetadataRequest;

#[path = "../../testcontainers/mod.rs"]
mod testcontainers;
#[path = "../faults/validator.rs"]
mod validator;

use testcontainers::process::until;
use testcontainers::{
    ClientProperties, JavaTools, Kafka, KafkaSettings, Lockgate, LockgateSettings, Tap, Wire, ports,
};
use validator::{LIMIT, POLICY, validate};

/// Where the Lockgates listen: clients reach them through a recording relay on the same ports.
const BEHIND_TAP: &str = "127.0.0.3";
const RECORDS: usize = 300;

struct Sidecars {
    kafka: Kafka,
    lockgates: Vec<Lockgate>,
    ports: Vec<u16>,
    tap: Tap,
}

static SIDECARS: LazyLock<Sidecars> = LazyLock::new(|| {
    let ports: Vec<u16> = ports::consecutive(3).collect();
    let advertised = ports.iter().map(|port| format!("127.0.0.1:{port}"));
    let kafka = Kafka::start(&KafkaSettings::three_nodes().advertised(advertised));
    let tap = Tap::between("127.0.0.1", BEHIND_TAP, ports.iter().copied());
    let sidecar = |(node, port): (&testcontainers::Node, &u16)| {
        let config = format!(
            "listen: {BEHIND_TAP}:{port}\naddresses: keep\nupstream: {}\n\
             admin: {{listen: \"127.0.0.1:0\"}}\naudit: {{dir: ./audit}}\n\
             identity: {{anonymous: {{principal: tester}}}}\n",
            node.address(),
        );
        Lockgate::start(
            LockgateSettings::new(config)
                .file("policies/faults.yaml", POLICY)
                .file("policies/keys/test.key", "0123456789abcdef0123456789abcdef"),
        )
    };
    let lockgates = kafka.nodes().iter().zip(&ports).map(sidecar).collect();
    Sidecars { kafka, lockgates, ports, tap }
});

impl Sidecars {
    fn bootstrap(&self) -> String {
        let addresses: Vec<String> =
            self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        addresses.join(",")
    }

    fn create(&self, topic: &str) {
        let direct = self.kafka.direct_bootstrap();
        let tools = JavaTools::new(self.kafka.jars(), &direct, ClientProperties::plain());
        tools.create_topic(topic, 3, 3, &[]).expect_success();
        self.kafka.leaders(topic);
    }

    /// Waits until every replica of every partition is in sync again.
    fn wait_until_in_sync(&self) {
        until("replicas in sync", LIMIT, || {
            let request = MetadataRequest::default().with_topics(None);
            let answer = Wire::connect(&self.kafka.node(1).direct_address()).ask(12, &request);
            let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
            match partitions.find(|one| one.isr_nodes.len() < one.replica_nodes.len()) {
                None => Ok(()),
                Some(one) => Err(format!("{one:?}")),
            }
        });
    }

    /// Every byte that clients got, searched for where the brokers really listen.
    fn assert_no_broker_port(&self) {
        let encoded =
            |port: u16| [b"127.0.0.1".as_slice(), &i32::from(port).to_be_bytes()].concat();
        assert!(self.tap.count(&encoded(self.ports[0])) > 0, "the search finds the sidecar's own");
        for node in self.kafka.nodes() {
            for address in [node.address(), node.direct_address()] {
                let port = address.rsplit(':').next().unwrap().parse().unwrap();
                assert_eq!(self.tap.count(&encoded(port)), 0, "{address} as host and port");
                assert_eq!(self.tap.count(format!(":{port}").as_bytes()), 0, "{address} as text");
            }
        }
    }
}

#[test]
fn sidecars_hold_while_leaders_move_and_everything_restarts() {
    let sidecars = &*SIDECARS;
    let topic = "faults.sidecars";
    sidecars.create(topic);
    sidecars.create("moving");
    let totals = validate(&sidecars.bootstrap(), topic, |report| {
        let direct = sidecars.kafka.direct_bootstrap();
        let tools =
            JavaTools::new(sidecars.kafka.jars(), &sidecars.bootstrap(), ClientProperties::plain());
        let moved = tools.java_program("LeaderMove.java", &["moving", &direct, "2"]);
        let lines = moved.expect_success().json_lines();
        let end = lines.last().unwrap();
        for name in ["missing", "duplicates", "disordered"] {
            assert_eq!(end[name], 0, "{end}");
        }
        for address in end["connected"].as_array().unwrap() {
            let port = address.as_str().unwrap().rsplit(':').next().unwrap();
            assert!(sidecars.ports.contains(&port.parse().unwrap()), "around the sidecars: {end}");
        }
        report.progress(RECORDS);
        for node in sidecars.kafka.nodes() {
            node.stop();
            report.progress(RECORDS);
            node.start_again();
            sidecars.wait_until_in_sync();
        }
        report.progress(RECORDS);
        for lockgate in &sidecars.lockgates {
            assert!(lockgate.stop().success(), "{}", lockgate.stderr());
            lockgate.start_again();
            report.progress(RECORDS);
        }
    });
    println!("{} acknowledged, {} read", totals.acknowledged, totals.read);
    sidecars.assert_no_broker_port();
}

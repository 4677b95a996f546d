//! One port, one host name for each broker: the server name says which one is meant.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::certificates::trusting;
use crate::client::TlsClient;
use crate::testcontainers::{ClientProperties, JavaTools, Program, Python};
use crate::world::{LIMIT, Plan, World, brokers, kafka};

/// Produces to each partition and reads it all back: bootstrap, authority, topic.
const CONFLUENT: &str = "
import sys
from confluent_kafka import Consumer, Producer
common = {'bootstrap.servers': sys.argv[1], 'security.protocol': 'SSL',
          'ssl.ca.location': sys.argv[2]}
producer = Producer(common)
for partition in range(3):
    producer.produce(sys.argv[3], value=f'v{partition}', partition=partition)
assert producer.flush(60) == 0
consumer = Consumer({**common, 'group.id': 'sni', 'auto.offset.reset': 'earliest'})
consumer.subscribe([sys.argv[3]])
got = set()
while len(got) < 3:
    message = consumer.poll(60)
    assert message is not None and message.error() is None, message
    got.add(message.value().decode())
consumer.close()
hosts = sorted((b.id, b.host, b.port) for b in producer.list_topics().brokers.values())
print(sorted(got), [host for _, host, _ in hosts])
";

fn named() -> World {
    Plan {
        addresses: "{sni: \"b{node}.kafka.test:PORT\", bootstrap: kafka.test}".to_owned(),
        names: vec!["kafka.test".to_owned(), "*.kafka.test".to_owned()],
        ..Plan::default()
    }
    .start()
}

/// `/etc/hosts` in which the names of the gateway are this machine.
const HOSTS: &str = "127.0.0.1 localhost kafka.test b1.kafka.test b2.kafka.test b3.kafka.test\n";

#[test]
fn each_name_leads_to_its_broker() {
    let world = named();
    let client = TlsClient::new(&world.authority);
    let port = i32::from(world.port);
    let told: Vec<_> = (1..=3).map(|id| (id, format!("b{id}.kafka.test"), port)).collect();
    for name in ["kafka.test", "b1.kafka.test", "b2.kafka.test", "B3.KAFKA.test"] {
        let mut connected = client.connect(&world.address(), name).unwrap();
        assert_eq!(brokers(&mut connected.kafka).unwrap(), told, "as {name}");
    }
    // Which broker it is, it says itself: a broker describes its own log directories only.
    for id in 1..=3 {
        let name = format!("b{id}.kafka.test");
        let mut connected = client.connect(&world.address(), &name).unwrap();
        brokers(&mut connected.kafka).unwrap();
        let known = world.status()["upstream"]["nodes"][id.to_string()].clone();
        assert_eq!(known, kafka().node(id).address());
    }
}

#[test]
fn a_certificate_that_is_not_made_for_the_names_is_told_of_at_the_start() {
    let names = vec!["kafka.test".to_owned(), "b1.elsewhere.test".to_owned()];
    let addresses = "{sni: \"b{node}.kafka.test:PORT\", bootstrap: kafka.test}".to_owned();
    let world = Plan { addresses, names, ..Plan::default() }.start();
    let line = world.lockgate.wait_for_line("the certificate is not made for a name", LIMIT);
    assert!(line.contains("b1.kafka.test"), "{line}");
    assert!(!named().lockgate.stderr().contains("not made for"));
}

#[test]
fn t28_other_names_and_none_are_refused_by_an_alert() {
    let world = named();
    let client = TlsClient::new(&world.authority);
    for name in ["other.kafka.test", "b01.kafka.test", "b-1.kafka.test", "b1.b2.kafka.test"] {
        let error = client.connect(&world.address(), name).err().unwrap().to_string();
        assert!(
            error.contains("UnrecognizedName") || error.contains("UnrecognisedName"),
            "{error}"
        );
        world.lockgate.wait_for_line(&format!("{name:?} belongs to no broker"), LIMIT);
    }
    // A broker that there is not is no broker either.
    let nobody = client.connect(&world.address(), "b77.kafka.test");
    assert!(nobody.is_err() || brokers(&mut nobody.unwrap().kafka).is_err());
    let silent = client.anonymous_server();
    let error = silent.connect(&world.address(), "kafka.test").err().unwrap().to_string();
    assert!(error.contains("UnrecognizedName") || error.contains("UnrecognisedName"), "{error}");
    let sample = "lockgate_connections_refused_total{reason=\"server_name\"} 5";
    assert!(world.shows(sample), "{}", world.page("/metrics"));
}

#[test]
fn t28_the_alert_is_one_that_every_client_can_read() {
    let world = named();
    // A ClientHello of TLS 1.2 without any extension, so without a name.
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let frame = [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length], hello.as_slice()].concat();
    let mut socket = TcpStream::connect(world.address()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(&frame).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&0x15), "an alert: {answer:?}");
    assert_eq!(answer.get(5), Some(&2), "a fatal one: {answer:?}");
}

#[test]
fn java_finds_every_broker_by_its_name() {
    let world = named();
    let hosts = world.authority.directory().join("hosts");
    std::fs::write(&hosts, HOSTS).unwrap();
    let properties = trusting(&world, ClientProperties::plain())
        .jvm_flag(&format!("-Djdk.net.hosts.file={}", hosts.display()));
    let bootstrap = format!("kafka.test:{}", world.port);
    let tools = JavaTools::new(kafka().jars(), &bootstrap, properties);
    tools.create_topic("names.java", 3, 1, &[]).expect_success();
    kafka().leaders("names.java");
    let lines = ["a", "b", "c", "d", "e", "f"];
    tools.console_produce("names.java", &lines, &[]).expect_success();
    let read = tools.console_consume("names.java", lines.len(), &[]).expect_success();
    let mut read = read.lines();
    read.sort_unstable();
    assert_eq!(read, lines);
}

#[test]
fn librdkafka_finds_every_broker_by_its_name() {
    let world = named();
    let hosts = world.authority.directory().join("hosts");
    std::fs::write(&hosts, HOSTS).unwrap();
    let direct = JavaTools::new(kafka().jars(), &kafka().bootstrap(), ClientProperties::plain());
    direct.create_topic("names.librdkafka", 3, 1, &[]).expect_success();
    kafka().leaders("names.librdkafka");
    // librdkafka asks the system for addresses: it gets a file of hosts of its own.
    let python = Python::environment().programs_directory().join("python");
    let ran = Program::new("unshare")
        .arguments(["--map-root-user", "--mount", "sh", "-c"])
        .argument("mount --bind \"$0\" /etc/hosts && exec \"$@\"")
        .argument(&hosts)
        .argument(python)
        .arguments(["-c", CONFLUENT, &format!("kafka.test:{}", world.port)])
        .argument(world.authority.ca_path())
        .argument("names.librdkafka")
        .run(LIMIT * 3)
        .expect_success();
    let hosts = "['b1.kafka.test', 'b2.kafka.test', 'b3.kafka.test']";
    assert_eq!(ran.lines(), [format!("['v0', 'v1', 'v2'] {hosts}")]);
}

//! The port of a broker leads to that broker, also right after a start when no broker is known yet,
//! and also while one is down.

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, MetadataRequest};

use crate::cluster::{
    Gateway, PROPAGATION_LIMIT, READ, TOPIC_RESOURCE, WRITE, cluster, topic_name,
};
use crate::testcontainers::RawClient;
use crate::testcontainers::process::until;

const NOT_LEADER: i16 = 6;

/// Which partitions the broker behind a connection leads: only a leader answers.
pub fn led(client: &mut RawClient, topic: &str) -> Vec<i32> {
    let partition =
        |index| ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1);
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(topic))
        .with_partitions((0..3).map(partition).collect());
    let request =
        ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    let answer = client.call(7, &request).unwrap();
    let partitions = &answer.topics[0].partitions;
    for partition in partitions {
        assert!([0, NOT_LEADER].contains(&partition.error_code), "{answer:?}");
    }
    partitions.iter().filter(|p| p.error_code == 0).map(|p| p.partition_index).collect()
}

fn until_permitted(gateway: &Gateway, token: &str, topic: &str) {
    for node in 1..=3 {
        until("the ACLs on every broker", PROPAGATION_LIMIT, || {
            let mut client = RawClient::logged_in(&gateway.address_of(node), token);
            let request = MetadataRequest::default().with_topics(None);
            let answer = client.call(9, &request).map_err(|error| error.to_string())?;
            let seen = answer
                .topics
                .iter()
                .any(|seen| seen.name == Some(topic_name(topic)) && seen.error_code == 0);
            if seen { Ok(()) } else { Err(format!("node {node}: {answer:?}")) }
        });
    }
}

#[test]
fn a_brokers_port_leads_to_it_from_the_first_connection_on() {
    let _only = cluster().alone();
    let gateway = Gateway::start();
    cluster().create_topic("routes.leaders", &[1, 2, 3]);
    cluster().allow("jane", TOPIC_RESOURCE, "routes.", &[READ, WRITE]);
    let jane = cluster().token("jane", &[]);
    until_permitted(&gateway, &jane, "routes.leaders");
    for node in 1..=3 {
        gateway.lockgate.start_again();
        let mut first = RawClient::connect(&gateway.address_of(node));
        // Before the login nobody knows whose port it is; the greeting is any broker's.
        assert_eq!(first.api_versions().unwrap().error_code, 0);
        assert!(first.log_in(&jane).unwrap().auth_bytes.is_empty());
        assert_eq!(led(&mut first, "routes.leaders"), [i32::from(node) - 1]);
        // The next ones need no question.
        let mut second = RawClient::logged_in(&gateway.address_of(node), &jane);
        assert_eq!(led(&mut second, "routes.leaders"), [i32::from(node) - 1]);
        // And clients are told the same ports.
        let request = MetadataRequest::default().with_topics(Some(Vec::new()));
        let mut brokers = second.call(9, &request).unwrap().brokers;
        brokers.sort_by_key(|broker| broker.node_id.0);
        let told: Vec<String> =
            brokers.iter().map(|broker| format!("{}:{}", &*broker.host, broker.port)).collect();
        assert_eq!(told, [1, 2, 3].map(|node| gateway.address_of(node)));
    }

    cluster().kafka.node(2).kill();
    gateway.lockgate.start_again();
    for node in [3, 1] {
        let mut client = RawClient::logged_in(&gateway.address_of(node), &jane);
        assert_eq!(led(&mut client, "routes.leaders"), [i32::from(node) - 1]);
    }
    // Nobody else stands in for the one that is down.
    let mut down = RawClient::connect(&gateway.address_of(2));
    let answer = down.log_in(&jane);
    assert!(answer.is_err(), "{answer:?}");
    let mut any = RawClient::logged_in(&gateway.address, &jane);
    assert_eq!(any.api_versions().unwrap().error_code, 0);

    cluster().kafka.node(2).start_again();
    until("the broker behind its port again", PROPAGATION_LIMIT, || {
        let mut client = RawClient::connect(&gateway.address_of(2));
        let answer = client.log_in(&jane).map_err(|error| error.to_string())?;
        assert!(answer.auth_bytes.is_empty());
        match led(&mut client, "routes.leaders")[..] {
            [1] => Ok(()),
            ref others => Err(format!("it leads {others:?}")),
        }
    });
}

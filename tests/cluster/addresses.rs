//! What clients are told of where brokers are.

use std::collections::BTreeSet;

use crate::testcontainers::{Python, Scratch, stored, values};
use crate::{assert_no_broker_address, create, java, kafka, tapped};

#[test]
fn every_client_works_and_learns_no_address_of_a_broker() {
    let kafka = kafka();
    let gateway = tapped(&kafka);
    let topic = "shop.cluster.clients";
    java(&kafka, &gateway.bootstrap()).create_topic(topic, 3, 3, &[]).expect_success();
    kafka.leaders(topic);
    let scratch = Scratch::new("records");
    let lines = (0..9).map(|number| {
        let value = serde_json::json!({"value": number.to_string(), "partition": number % 3});
        value.to_string() + "\n"
    });
    let records = scratch.write("records.jsonl", &lines.collect::<String>());
    let arguments = [
        ["--bootstrap", &gateway.bootstrap()],
        ["--topic", topic],
        ["--records", &records.to_string_lossy()],
        ["--codecs", "zstd"],
        ["--modes", "idempotent,transactional"],
    ];
    let arguments = [&["matrix"], arguments.as_flattened()].concat();
    let finished = Python::environment().run("produce_consume.py", &arguments).expect_success();
    for line in finished.json_lines().iter().filter(|line| line["step"] == "consume") {
        assert_eq!(line["consumed"], 36, "{line}");
    }
    for protocol in ["classic", "consumer"] {
        let protocol = format!("group.protocol={protocol}");
        let options = ["--command-property", protocol.as_str()];
        let read = java(&kafka, &gateway.bootstrap()).console_consume(topic, 36, &options);
        assert_eq!(read.expect_success().lines().len(), 36, "{protocol}");
    }
    for partition in 0..3 {
        let through = stored(&gateway.bootstrap(), topic, partition);
        assert_eq!(through, stored(&kafka.direct_bootstrap(), topic, partition));
        assert_eq!(through.len(), 12);
    }
    assert_no_broker_address(&kafka, &gateway);
}

#[test]
fn the_administrators_tools_show_no_address_of_a_broker() {
    let kafka = kafka();
    let gateway = tapped(&kafka);
    create(&kafka, "shop.cluster.described");
    let tools = java(&kafka, &gateway.bootstrap());
    let server = ["--bootstrap-server", tools.bootstrap()];
    let run = |class: &str, rest: &[&str]| {
        tools.run(class, &[&server, rest].concat()).expect_success().stdout
    };
    let offered = run("org.apache.kafka.tools.BrokerApiVersionsCommand", &[]);
    for id in 1..=3 {
        let head = format!("{} (id: {id} ", gateway.broker(id));
        assert!(offered.contains(&head), "{head}: {offered}");
    }
    let arguments = [&["list-endpoints"], &server[..]].concat();
    let endpoints = tools.run("org.apache.kafka.tools.ClusterTool", &arguments);
    let endpoints = endpoints.expect_success().stdout;
    for id in 1..=3 {
        let port = gateway.broker(id).replace("127.0.0.1:", "");
        assert!(endpoints.contains(&port), "{endpoints}");
    }
    let topic = ["--describe", "--topic", "shop.cluster.described"];
    run("org.apache.kafka.tools.TopicCommand", &topic);
    let broker = ["--describe", "--entity-type", "brokers", "--entity-name", "1", "--all"];
    // Whether it is answered is not the question; what is in the answer is.
    tools.run("kafka.admin.ConfigCommand", &[&server, &broker[..]].concat());
    for quorum in [&["describe", "--status"], &["describe", "--replication"]] {
        let class = "org.apache.kafka.tools.MetadataQuorumCommand";
        tools.run(class, &[&server, &quorum[..]].concat());
    }
    assert_no_broker_address(&kafka, &gateway);
}

/// KIP-951: the answer to a produce or fetch at an old leader names the new one and its address.
#[test]
fn leaders_move_under_java_clients_and_nothing_is_lost_or_read_twice() {
    let kafka = kafka();
    let gateway = tapped(&kafka);
    let topic = "shop.cluster.moving";
    create(&kafka, topic);
    let arguments = [topic, &kafka.direct_bootstrap(), "3"];
    let moved = java(&kafka, &gateway.bootstrap())
        .java_program("LeaderMove.java", &arguments)
        .expect_success();
    let lines = moved.json_lines();
    let (end, moves) = lines.split_last().unwrap();
    assert_eq!(moves.len(), 9);
    for line in moves {
        assert_ne!(line["from"], line["to"], "{line}");
    }
    assert_eq!(end["errors"].as_array().map(Vec::len), Some(0), "{end}");
    assert!(end["produced"].as_u64() > Some(300), "{end}");
    assert_eq!(end["consumed"], end["produced"], "{end}");
    for nothing in ["missing", "duplicates", "disordered"] {
        assert_eq!(end[nothing], 0, "{end}");
    }
    let connected = end["connected"].as_array().unwrap().iter();
    let connected: BTreeSet<&str> = connected.filter_map(serde_json::Value::as_str).collect();
    let mut ours: BTreeSet<String> = (1..=3).map(|id| gateway.broker(id)).collect();
    ours.insert(gateway.bootstrap());
    assert_eq!(connected, ours.iter().map(String::as_str).collect(), "{end}");
    let produced: usize = (0..3)
        .map(|partition| {
            let records = stored(&kafka.direct_bootstrap(), topic, partition);
            let expected: Vec<String> = (0..records.len()).map(|n| n.to_string()).collect();
            assert_eq!(values(&records), expected, "partition {partition}");
            records.len()
        })
        .sum();
    assert_eq!(end["produced"], produced);
    assert_no_broker_address(&kafka, &gateway);
}

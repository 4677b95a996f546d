//! Kafka's own command-line tools, through the gateway as they run against a broker.

use std::time::Duration;

use crate::testcontainers::{ClientProperties, JavaTools, stored, values};
use crate::{KAFKA, assert_masked, clear_gateway, masking_gateway, payments};

const TOOLS: &str = "org.apache.kafka.tools";

fn tools(bootstrap: &str) -> JavaTools {
    JavaTools::new(KAFKA.jars(), bootstrap, ClientProperties::plain()).limit(Duration::from_mins(3))
}

#[test]
fn topics_are_created_listed_and_described_at_the_gateways_address() {
    let gateway = clear_gateway();
    let tools = tools(&gateway.bootstrap());
    tools.create_topic("shop.orders.described", 3, 1, &["retention.ms=60000"]).expect_success();
    KAFKA.leaders("shop.orders.described");
    let server = ["--bootstrap-server", tools.bootstrap()];
    let run = |class: &str, rest: &[&str]| {
        tools.run(&format!("{TOOLS}.{class}"), &[&server, rest].concat()).expect_success().stdout
    };
    let list = run("TopicCommand", &["--list"]);
    assert!(list.lines().any(|line| line == "shop.orders.described"), "{list}");
    let described = run("TopicCommand", &["--describe", "--topic", "shop.orders.described"]);
    assert!(described.contains("PartitionCount: 3"), "{described}");
    assert!(described.contains("retention.ms=60000"), "{described}");
    let offered = run("BrokerApiVersionsCommand", &[]);
    let head = format!("{} (id: 1 rack: r1", gateway.broker(1));
    assert!(offered.contains(&head), "{offered}");
    assert!(offered.contains("Produce(0): 0 to 13"), "{offered}");
    let offsets = run("GetOffsetShell", &["--topic", "shop.orders.described"]);
    assert_eq!(offsets.lines().filter(|line| line.ends_with(":0")).count(), 3, "{offsets}");
}

#[test]
fn the_console_tools_in_both_group_protocols_clear_and_masked() {
    let (clear, masking) = (clear_gateway(), masking_gateway());
    let topic = "payments.console.captured";
    tools(&clear.bootstrap()).create_topic(topic, 1, 1, &[]).expect_success();
    let lines = payments();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    tools(&clear.bootstrap()).console_produce(topic, &lines, &[]).expect_success();
    for protocol in ["classic", "consumer"] {
        let protocol = format!("group.protocol={protocol}");
        let options = ["--command-property", protocol.as_str()];
        let read = tools(&clear.bootstrap()).console_consume(topic, lines.len(), &options);
        assert_eq!(read.expect_success().lines(), lines, "{protocol}");
        let read = tools(&masking.bootstrap()).console_consume(topic, lines.len(), &options);
        let read = read.expect_success();
        assert_masked(&read.lines().into_iter().map(str::to_owned).collect());
    }
}

#[test]
fn the_performance_tools_move_their_records() {
    let gateway = masking_gateway();
    let tools = tools(&gateway.bootstrap());
    // No rule is about this topic but the one on size.
    tools.create_topic("shop.load.plain", 2, 1, &[]).expect_success();
    for codec in ["none", "lz4"] {
        let codec = format!("compression.type={codec}");
        let properties = ["acks=all", &codec, "batch.size=65536", "linger.ms=5"];
        let produced = tools.producer_performance("shop.load.plain", 20_000, 1024, &properties);
        let produced = produced.expect_success();
        assert!(produced.stdout.contains("20000 records sent"), "{}", produced.stdout);
    }
    let read = tools.consumer_performance("shop.load.plain", 40_000).expect_success();
    let row = read.stdout.lines().last().unwrap_or_default();
    let records: u64 = row.split(", ").nth(4).unwrap().parse().unwrap();
    assert!(records >= 40_000, "{}", read.stdout);
}

#[test]
fn the_transactional_copier_copies_everything_once() {
    let gateway = masking_gateway();
    let tools = tools(&gateway.bootstrap());
    for topic in ["shop.copy.source", "shop.copy.target"] {
        tools.create_topic(topic, 1, 1, &[]).expect_success();
    }
    tools.verifiable_producer("shop.copy.source", 2_000).expect_success();
    let copied = tools.transactional_copy("shop.copy.source", "shop.copy.target", 2_000, 300);
    copied.expect_success();
    let source = stored(&gateway.bootstrap(), "shop.copy.source", 0);
    let target = stored(&gateway.bootstrap(), "shop.copy.target", 0);
    assert_eq!(source.len(), 2_000);
    assert_eq!(values(&target), values(&source));
    let direct = stored(&KAFKA.direct_bootstrap(), "shop.copy.target", 0);
    assert_eq!(direct, target);
}

//! librdkafka's `AdminClient`, with permits and without.

use std::collections::BTreeMap;

use crate::testcontainers::{Gateway, Python};
use crate::{KAFKA, KEEPERS, VISITORS, assert_no_broker_address, java, made};

/// What came of each request.
fn answers(gateway: &Gateway, topic: &str, existing: &str) -> BTreeMap<String, String> {
    let finished = Python::environment().run("admin.py", &[&gateway.bootstrap(), topic, existing]);
    let lines = finished.expect_success().json_lines();
    let pair = |line: &serde_json::Value| {
        let answer = &line["answer"];
        let answer = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        (line["asked"].as_str().unwrap().to_owned(), answer)
    };
    lines.iter().map(pair).collect()
}

/// A topic with two records.
fn filled(topic: &str) {
    made(topic);
    java(&KAFKA.direct_bootstrap()).console_produce(topic, &["a", "b"], &[]).expect_success();
}

#[test]
fn a_keeper_may_do_all_of_it() {
    filled("keepers.librdkafka");
    let answers = answers(&KEEPERS, "keepers.made-by-librdkafka", "keepers.librdkafka");
    for (asked, answer) in &answers {
        let expected = match asked.as_str() {
            // A keeper of all topics sees them all, and this one is not there.
            "DescribeTopics hidden" => "UNKNOWN_TOPIC_OR_PART",
            "hidden topics listed" => continue,
            _ => "ok",
        };
        assert_eq!(answer, expected, "{asked}: {answers:?}");
    }
    assert_no_broker_address(&KEEPERS);
}

#[test]
fn a_visitor_is_refused_in_kafkas_words_and_may_look() {
    filled("visitors.librdkafka");
    let answers = answers(&VISITORS, "visitors.made-by-librdkafka", "visitors.librdkafka");
    for (asked, answer) in &answers {
        let expected = match asked.as_str() {
            "DescribeConfigs"
            | "DescribeConfigs broker"
            | "DescribeTopics"
            | "DescribeCluster"
            | "ListOffsets" => "ok",
            // librdkafka tells nobody of the error of that answer, which has no list beside it.
            "DescribeAcls" => "ok",
            "CreateTopics"
            | "CreatePartitions"
            | "IncrementalAlterConfigs"
            | "DeleteRecords"
            | "DeleteTopics"
            | "DescribeTopics hidden" => "TOPIC_AUTHORIZATION_FAILED",
            "hidden topics listed" => "0",
            _ => "CLUSTER_AUTHORIZATION_FAILED",
        };
        assert_eq!(answer, expected, "{asked}: {answers:?}");
    }
    assert_no_broker_address(&VISITORS);
}

//! Topics that may not be created: asked for outright, or by a Metadata request that creates what
//! it names.

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::frames::{exists, metadata};
use crate::testcontainers::{ClientProperties, Wire};
use crate::{KAFKA, create_topic, gateway, java};

const UNKNOWN_TOPIC: i16 = 3;
const LEADER_NOT_AVAILABLE: i16 = 5;
const POLICY_VIOLATION: i16 = 44;

#[test]
fn a_tool_is_told_which_permit_is_missing_and_which_name_is_wrong() {
    let (nobody, platform) = (gateway(&[]), gateway(&["platform"]));
    let create = |bootstrap: &str, topic: &str| {
        java(bootstrap, ClientProperties::plain()).create_topic(topic, 1, 1, &[])
    };
    let refused = create(&nobody.bootstrap(), "shop.orders.placed").expect_failure();
    let told = format!("{}{}", refused.stdout, refused.stderr);
    let permit = "CreateTopics of topic shop.orders.placed needs an entry in `permits` for tester \
                  with apis: [CreateTopics]";
    assert!(told.contains("builtin:cluster-change") && told.contains(permit), "{told}");
    assert!(!exists("shop.orders.placed"));

    let refused = create(&platform.bootstrap(), "Orders").expect_failure();
    let told = format!("{}{}", refused.stdout, refused.stderr);
    let name = "topic-name: Orders is not domain.entity.event, as in payments.eu.captured";
    assert!(told.contains("PolicyViolationException") && told.contains(name), "{told}");
    assert!(!exists("Orders"));

    create(&platform.bootstrap(), "shop.orders.placed").expect_success();
    KAFKA.leaders("shop.orders.placed");
}

#[test]
fn every_version_creates_the_good_name_and_refuses_the_bad_one_in_one_request() {
    let gateway = gateway(&["platform"]);
    let mut wire = Wire::connect(&gateway.bootstrap());
    for version in 2..=7 {
        let names = [
            format!("Bad_{version}"),
            format!("created.in.v{version}"),
            format!("Worse_{version}"),
        ];
        let topics = names.iter().map(|name| {
            CreatableTopic::default()
                .with_name(TopicName(StrBytes::from_string(name.clone())))
                .with_num_partitions(1)
                .with_replication_factor(1)
        });
        let request =
            CreateTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(20_000);
        let answer = wire.ask(version, &request);
        let seen: Vec<(&str, i16)> =
            answer.topics.iter().map(|t| (t.name.0.as_str(), t.error_code)).collect();
        let expected =
            [(&*names[0], POLICY_VIOLATION), (&*names[1], 0), (&*names[2], POLICY_VIOLATION)];
        assert_eq!(seen, expected, "v{version}");
        let message = answer.topics[0].error_message.as_ref().map(StrBytes::as_str);
        assert!(message.is_some_and(|text| text.contains("topic-name: Bad_")), "v{version}");
        KAFKA.leaders(&names[1]);
        assert!(!exists(&names[0]) && !exists(&names[2]), "v{version}");
    }
}

#[test]
fn metadata_creates_nothing_for_who_may_not_create() {
    let gateway = gateway(&[]);
    let mut wire = Wire::connect(&gateway.bootstrap());
    for version in 0..=13 {
        let name = format!("asked.of.v{version}");
        let answer = wire.ask(version, &metadata(&[&name], true));
        let topic = &answer.topics[0];
        assert_eq!(topic.error_code, UNKNOWN_TOPIC, "v{version}");
        assert_eq!(topic.name.as_ref().map(|n| n.0.as_str()), Some(&*name), "v{version}");
    }
    // A creation is seen a little later: whatever was created before this
    // topic is there when it is.
    create_topic("asked.of.nobody", 1, &[]);
    for version in 0..=13 {
        assert!(!exists(&format!("asked.of.v{version}")), "v{version} created its topic");
    }
}

#[test]
fn metadata_creates_the_good_name_only_for_who_may_create() {
    let gateway = gateway(&["platform"]);
    let mut wire = Wire::connect(&gateway.bootstrap());
    for version in 0..=13 {
        let (good, bad) = (format!("wanted.by.v{version}"), format!("Wanted_{version}"));
        let answer = wire.ask(version, &metadata(&[&good, &bad], true));
        let code = |name: &str| {
            let named =
                |topic: &&kafka_protocol::messages::metadata_response::MetadataResponseTopic| {
                    topic.name.as_ref().is_some_and(|n| n.0.as_str() == name)
                };
            answer.topics.iter().find(named).map(|topic| topic.error_code)
        };
        assert_eq!(code(&bad), Some(UNKNOWN_TOPIC), "v{version}");
        let created = code(&good);
        let fits = [Some(0), Some(LEADER_NOT_AVAILABLE)].contains(&created);
        assert!(fits, "v{version}: {created:?}");
        assert_eq!(KAFKA.leaders(&good).len(), 2, "v{version}: the broker's own partitions");
    }
    for version in 0..=13 {
        assert!(!exists(&format!("Wanted_{version}")), "v{version} created a bad name");
    }
}

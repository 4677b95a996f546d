//! A produce request of which one partition is refused: the others go on, and the client is told
//! which record was at fault and by which rule.

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::frames::topic_id;
use crate::testcontainers::wire::batch;
use crate::testcontainers::{ClientProperties, Wire, stored, values};
use crate::{KAFKA, PAYMENT_RULE, create_topic, gateway, java, payment, refused_payment};

const CARD_RULE: &str = "no-card-number-in-ticket";
const CARD: &str = r#"{"id":"t-2","text":"my card is 4111 1111 1111 1111"}"#;
const TICKET: &str = r#"{"id":"t-1","text":"please call back"}"#;
const INVALID_RECORD: i16 = 87;

#[test]
fn java_is_told_the_record_and_the_rule_while_the_other_partition_goes_on() {
    let topic = "support.tickets.together";
    create_topic(topic, 2, &[]);
    let gateway = gateway(&[]);
    // Long enough that all records share their batches and the request, on a loaded machine too.
    let properties = ClientProperties::plain().set("linger.ms", 2000);
    let records =
        [format!("0:{TICKET}"), format!("0:{CARD}"), format!("1:{TICKET}"), format!("1:{TICKET}")];
    let mut arguments = vec![topic.to_owned(), "together".to_owned()];
    arguments.extend(records);
    let produced = java(&gateway.bootstrap(), properties)
        .java_program("RefusedProducer.java", &arguments)
        .expect_success();
    let answers = produced.json_lines();
    // Its neighbour is told that it shared the batch (Java's own words, KIP-467).
    let neighbour = answers[0]["message"].as_str().unwrap_or_default();
    assert!(neighbour.contains("part of a batch"), "{}", answers[0]);
    let expected =
        format!("{CARD_RULE}: record 1: take the card number out of the text, then send it again");
    let class = "org.apache.kafka.common.InvalidRecordException";
    assert_eq!(answers[1]["error"].as_str(), Some(class), "{}", answers[1]);
    assert_eq!(answers[1]["message"].as_str(), Some(&*expected));
    assert_eq!((answers[2]["offset"].as_i64(), answers[3]["offset"].as_i64()), (Some(0), Some(1)));
    assert!(stored(&KAFKA.direct_bootstrap(), topic, 0).is_empty());
    assert_eq!(values(&stored(&KAFKA.direct_bootstrap(), topic, 1)), [TICKET, TICKET]);
}

#[test]
fn every_version_refuses_the_one_partition_and_passes_the_other() {
    let topic = "payments.versions.captured";
    create_topic(topic, 3, &[]);
    let gateway = gateway(&[]);
    let mut wire = Wire::connect(&gateway.broker(1));
    for version in 3..=13 {
        let good = payment(&version.to_string());
        let bad = refused_payment(&version.to_string());
        let parts = [(0, vec![&*good]), (1, vec![&*good, &*bad, &*good]), (2, vec![&*good])];
        let answer = wire.ask(version, &request(topic, version, &parts, 1));
        let topics = &answer.responses;
        assert_eq!(topics.len(), 1, "v{version}");
        if version < 13 {
            assert_eq!(topics[0].name.0.as_str(), topic, "v{version}");
        } else {
            assert_eq!(topics[0].topic_id, topic_id(topic), "v{version}");
        }
        let [first, second, third] = &*topics[0].partition_responses else {
            panic!("v{version}: {topics:?}")
        };
        let offset = i64::from(version - 3);
        for (entry, index) in [(first, 0), (third, 2)] {
            let seen = (entry.index, entry.error_code, entry.base_offset);
            assert_eq!(seen, (index, 0, offset), "v{version}");
        }
        assert_refused(second, version, topic);
    }
    for (partition, expected) in [(0, 11), (1, 0), (2, 11)] {
        assert_eq!(stored(&KAFKA.direct_bootstrap(), topic, partition).len(), expected);
    }
}

/// The whole of the second partition is refused, for its record 1.
fn assert_refused(entry: &PartitionProduceResponse, version: i16, topic: &str) {
    let seen = (entry.index, entry.error_code, entry.base_offset, entry.log_append_time_ms);
    assert_eq!(seen, (1, INVALID_RECORD, -1, -1), "v{version}");
    let expected =
        format!("{PAYMENT_RULE}: record 1: a payment in {topic} needs an amount of 0 or more");
    let message = entry.error_message.as_ref().map(StrBytes::as_str);
    let records: Vec<_> = entry
        .record_errors
        .iter()
        .map(|e| (e.batch_index, e.batch_index_error_message.as_ref().map(StrBytes::as_str)))
        .collect();
    if version < 8 {
        assert_eq!((message, records), (None, Vec::new()), "v{version}");
    } else {
        assert_eq!(message, Some(expected.as_str()), "v{version}");
        assert_eq!(records, [(1, Some(expected.as_str()))], "v{version}");
    }
}

#[test]
fn without_an_answer_a_refusal_closes_the_connection_and_what_is_allowed_goes_on() {
    let topic = "payments.unanswered.captured";
    create_topic(topic, 2, &[]);
    let gateway = gateway(&[]);
    let (good, bad, later) = (payment("good"), refused_payment("bad"), payment("later"));
    for version in [3, 9, 12] {
        let mut wire = Wire::connect(&gateway.broker(1));
        let parts = [(0, vec![&*bad]), (1, vec![&*good])];
        wire.send(version, &request(topic, version, &parts, 0));
        assert_eq!(wire.until_closed(), 0, "v{version}: no answer to acks=0");
    }
    // Another connection is nobody's second best.
    let mut wire = Wire::connect(&gateway.broker(1));
    wire.send(9, &request(topic, 9, &[(0, vec![&*later])], 0));
    let answer = wire.ask(9, &request(topic, 9, &[(0, vec![&*later])], 1));
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    let direct = KAFKA.direct_bootstrap();
    assert_eq!(values(&stored(&direct, topic, 0)), [&*later, &*later]);
    assert_eq!(values(&stored(&direct, topic, 1)), [&*good, &*good, &*good]);
}

#[test]
fn a_java_producer_that_wants_no_answers_goes_on_by_itself() {
    let topic = "payments.unheard.captured";
    create_topic(topic, 1, &[]);
    let gateway = gateway(&[]);
    let properties = ClientProperties::plain().set("enable.idempotence", false).set("acks", "0");
    let mut arguments = vec![topic.to_owned(), "each".to_owned()];
    arguments.push(format!("0:{}", refused_payment("bad")));
    // Those that are sent before the client has seen the end of its connection may be lost.
    arguments.extend((0..200).map(|number| format!("0:{}", payment(&number.to_string()))));
    let tools = java(&gateway.bootstrap(), properties);
    tools.java_program("RefusedProducer.java", &arguments).expect_success();
    let kept = stored(&KAFKA.direct_bootstrap(), topic, 0);
    assert!(!kept.is_empty(), "nothing came after the refusal");
    assert!(!values(&kept).contains(&&*refused_payment("bad")));
    assert_eq!(values(&kept).last(), Some(&&*payment("199")));
}

/// Batches of these values for partitions of one topic.
fn request(topic: &str, version: i16, parts: &[(i32, Vec<&str>)], acks: i16) -> ProduceRequest {
    let mut data = TopicProduceData::default();
    if version < 13 {
        data.name = TopicName(StrBytes::from_string(topic.to_owned()));
    } else {
        data.topic_id = topic_id(topic);
    }
    data.partition_data = parts
        .iter()
        .map(|(index, values)| {
            PartitionProduceData::default().with_index(*index).with_records(Some(batch(values)))
        })
        .collect();
    ProduceRequest::default().with_acks(acks).with_timeout_ms(10_000).with_topic_data(vec![data])
}

//! Produce: refusals by partition, record sets that no broker would take, `acks=0`.

use bytes::Bytes;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;

use super::frames::{self, batch, request, response};
use super::talk::{Did, Talk};
use crate::audit::AuditDecision;
use crate::enforce::CloseReason;
use crate::wire::ApiKey;

const RULES: &str = "    - id: closed
      match: {direction: produce, topics: [closed]}
      action: {deny: {code: TOPIC_AUTHORIZATION_FAILED}}
    - id: no-bad
      match: {direction: produce, topics: [\"**\"]}
      when: value.bad == true
      action: {deny: {code: INVALID_RECORD, message: \"record {record_index} is bad\"}}
";
const GOOD: &str = "{\"bad\":false}";
const BAD: &str = "{\"bad\":true}";

fn errors(answer: &ProduceResponse) -> Vec<(String, i32, i16)> {
    let mut errors = Vec::new();
    for topic in &answer.responses {
        for partition in &topic.partition_responses {
            errors.push((topic.name.to_string(), partition.index, partition.error_code));
        }
    }
    errors
}

/// The broker takes what it is sent.
fn accept(talk: &mut Talk, version: i16, id: i32) {
    let sent: ProduceRequest = frames::decoded_request(&talk.to_broker()[0]);
    let partitions: Vec<(String, Vec<(i32, i64)>)> = sent
        .topic_data
        .iter()
        .map(|topic| {
            let partitions = topic.partition_data.iter().map(|p| (p.index, 100)).collect();
            (topic.name.to_string(), partitions)
        })
        .collect();
    let topics: Vec<(&str, &[(i32, i64)])> =
        partitions.iter().map(|(name, partitions)| (name.as_str(), &partitions[..])).collect();
    talk.broker(&response(ApiKey::PRODUCE, version, id, &frames::produced(&topics)));
}

#[test]
fn t10_a_refused_partition_takes_no_other_with_it() {
    for version in [3, 7, 8, 9, 12] {
        let mut talk = Talk::begun(RULES);
        let (good, bad) = (batch(&[GOOD]), batch(&[GOOD, BAD]));
        let message = frames::produce(
            -1,
            &[
                ("a", &[(2, good.clone()), (0, bad.clone()), (1, good.clone())]),
                ("closed", &[(0, good.clone())]),
                ("b", &[(0, good)]),
                ("c", &[(0, bad)]),
            ],
        );
        talk.client(&request(ApiKey::PRODUCE, version, 1, &message));
        let sent: ProduceRequest = frames::decoded_request(&talk.to_broker()[0]);
        let topics: Vec<&str> = sent.topic_data.iter().map(|topic| &**topic.name).collect();
        assert_eq!(topics, ["a", "b"]);
        accept(&mut talk, version, 1);
        let got: ProduceResponse = talk.answer(ApiKey::PRODUCE, version);
        let row = |topic: &str, index, code| (topic.to_owned(), index, code);
        let expected = [
            row("a", 2, 0),
            row("a", 0, 87),
            row("a", 1, 0),
            row("closed", 0, 29),
            row("b", 0, 0),
            row("c", 0, 87),
        ];
        assert_eq!(errors(&got), expected, "v{version}");
        let refused = &got.responses[0].partition_responses[1];
        assert_eq!(refused.base_offset, -1);
        if version >= 8 {
            assert_eq!(refused.record_errors.len(), 1);
            assert_eq!(refused.record_errors[0].batch_index, 1);
            assert_eq!(refused.error_message.as_deref(), Some("no-bad: record 1 is bad"));
        }
    }
}

#[test]
fn t11_a_refused_produce_without_answer_ends_the_connection() {
    let mut talk = Talk::begun(RULES);
    let message = frames::produce(0, &[("closed", &[(0, batch(&[GOOD]))])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &message));
    assert_eq!(talk.refused(), CloseReason::RefusedWithoutAnswer);
    let row = &talk.rows()[0];
    assert_eq!((row.topic.as_deref(), row.error_code), (Some("closed"), Some(29)));
}

#[test]
fn t11_what_is_allowed_of_it_goes_on_first() {
    let mut talk = Talk::begun(RULES);
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    let good = batch(&[GOOD]);
    let message = frames::produce(0, &[("open", &[(0, good.clone())]), ("closed", &[(0, good)])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 2, &message));
    let sent: ProduceRequest = frames::decoded_request(&talk.to_broker()[1]);
    assert_eq!(sent.topic_data.len(), 1);
    assert!(talk.closed().is_none(), "an answer is owed");
    talk.broker(&response(ApiKey::METADATA, 12, 1, &frames::metadata(&[])));
    assert_eq!(talk.answered(), [1], "and a produce with acks=0 has none");
    assert_eq!(talk.closed(), Some(CloseReason::RefusedWithoutAnswer));
}

#[test]
fn t11_a_produce_without_answer_does_not_shift_the_answers() {
    let mut talk = Talk::begun(RULES);
    let message = frames::produce(0, &[("open", &[(0, batch(&[GOOD]))])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &message));
    talk.client(&request(ApiKey::METADATA, 12, 2, &frames::metadata_request()));
    talk.broker(&response(ApiKey::METADATA, 12, 2, &frames::metadata(&[])));
    assert_eq!(talk.answered(), [2]);
    assert_eq!(talk.rows().len(), 1, "what has no answer leaves its row at once");
}

/// Error of the only partition of a produce with these record bytes; nothing went on.
fn refused_with(records: &[u8]) -> i16 {
    let mut talk = Talk::begun(RULES);
    let message = frames::produce(-1, &[("open", &[(0, Bytes::copy_from_slice(records))])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &message));
    assert!(talk.to_broker().is_empty(), "{:?}", talk.done);
    let got: ProduceResponse = talk.answer(ApiKey::PRODUCE, 9);
    assert_eq!(talk.rows()[0].decision, Some(AuditDecision::Deny));
    errors(&got)[0].2
}

#[test]
fn t12_record_sets_that_hide_records_are_refused() {
    let good = batch(&[GOOD]);
    assert_eq!(refused_with(&[&good[..], &good[..]].concat()), 87, "two batches");
    assert_eq!(refused_with(&[&good[..], b"x"].concat()), 87, "a byte behind the batch");
    assert_eq!(refused_with(&[]), 87, "none at all");
    let two = batch(&[GOOD, BAD]);
    assert_eq!(refused_with(&frames::batch_around(0, 1, &two[61..])), 87, "more than the count");
    assert_eq!(refused_with(&frames::batch_around(0, 3, &two[61..])), 87, "fewer than the count");
    assert_eq!(refused_with(&frames::batch_around(0, -1, &two[61..])), 87, "a negative count");
    let control = frames::batch_around(0x20, 1, &good[61..]);
    assert_eq!(refused_with(&control), 87, "a control batch from a client");
    let mut wrong = good.to_vec();
    wrong[70] ^= 1;
    assert_eq!(refused_with(&wrong), 2, "a wrong checksum");
    assert_eq!(refused_with(&good[..good.len() - 1]), 87, "cut");
}

#[test]
fn t13_a_record_set_of_an_old_format_is_refused() {
    assert_eq!(refused_with(&frames::legacy_message()), 87);
}

#[test]
fn t36_a_transactional_batch_needs_a_transactional_id_that_may_be_written() {
    let rules = super::access::RULES;
    let plain = batch(&[GOOD]);
    let joins = frames::batch_around(0x10, 1, &plain[61..]);
    let produce = |acks, id: Option<&'static str>, joins: &Bytes| {
        frames::produce(acks, &[("a", &[(0, plain.clone())]), ("b", &[(1, joins.clone())])])
            .with_transactional_id(id.map(|id| StrBytes::from_static_str(id).into()))
    };
    for version in [3, 8, 12] {
        for id in [None, Some("closed")] {
            let mut talk = Talk::begun(rules);
            talk.client(&request(ApiKey::PRODUCE, version, 1, &produce(-1, id, &joins)));
            assert!(talk.to_broker().is_empty(), "{id:?}");
            let got: ProduceResponse = talk.answer(ApiKey::PRODUCE, version);
            let expected = [("a".to_owned(), 0, 53), ("b".to_owned(), 1, 53)];
            assert_eq!(errors(&got), expected, "v{version} {id:?}: the whole request");
            assert_eq!(talk.rows().len(), 2, "and each partition has its row");
        }
        // Without a transactional batch the id is not asked about, as Kafka does not.
        for (id, records) in [(Some("open"), &joins), (Some("closed"), &plain), (None, &plain)] {
            let mut talk = Talk::begun(rules);
            let frame = request(ApiKey::PRODUCE, version, 1, &produce(-1, id, records));
            talk.client(&frame);
            assert_eq!(talk.to_broker(), [frame.slice(4..)], "{id:?}");
        }
    }
    let mut talk = Talk::begun(rules);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &produce(0, Some("closed"), &joins)));
    assert_eq!(talk.refused(), CloseReason::RefusedWithoutAnswer);
}

#[test]
fn t08_a_produce_by_an_id_that_nobody_knows_is_answered_100() {
    let id = [8; 16];
    let mut message = frames::produce(-1, &[("", &[(3, batch(&[GOOD]))])]);
    message.topic_data[0].topic_id = uuid::Uuid::from_bytes(id);
    let mut talk = Talk::begun(RULES);
    talk.client(&request(ApiKey::PRODUCE, 13, 1, &message));
    assert_eq!(talk.to_broker().len(), 1, "the question for its name");
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata_unknown(id)));
    assert_eq!(talk.to_broker().len(), 1);
    let got: ProduceResponse = talk.answer(ApiKey::PRODUCE, 13);
    assert_eq!(got.responses[0].topic_id.as_bytes(), &id);
    assert_eq!(got.responses[0].partition_responses[0].error_code, 100);
}

#[test]
fn t08_a_produce_by_id_is_judged_by_its_name() {
    let id = [8; 16];
    let mut message = frames::produce(-1, &[("", &[(3, batch(&[GOOD]))])]);
    message.topic_data[0].topic_id = uuid::Uuid::from_bytes(id);
    let mut talk = Talk::begun(RULES);
    talk.client(&request(ApiKey::PRODUCE, 13, 1, &message));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("closed", id)])));
    let got: ProduceResponse = talk.answer(ApiKey::PRODUCE, 13);
    assert_eq!(got.responses[0].partition_responses[0].error_code, 29);
    assert!(!talk.done.iter().any(|did| matches!(did, Did::Close(_))));
}

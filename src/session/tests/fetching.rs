//! Fetch: topic ids, fetch sessions, replicas, and topics that may not be read.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::ReplicaState;
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, MetadataRequest};

use super::frames::{self, Named, batch, request, response};
use super::talk::Talk;
use crate::enforce::CloseReason;
use crate::record::{Item, items};
use crate::wire::ApiKey;

const DENY_CLOSED: &str = "    - id: closed
      match: {direction: consume, topics: [closed]}
      action: {deny: {}}
";
const MASK: &str = "    - id: mask
      match: {direction: consume, topics: [\"**\"]}
      select: [{path: $.secret}]
      action: {mask: {with: redact}}
";
const ID: [u8; 16] = [5; 16];
const OTHER: [u8; 16] = [6; 16];

fn errors(answer: &FetchResponse) -> Vec<Vec<(i32, i16)>> {
    let topic = |topic: &kafka_protocol::messages::fetch_response::FetchableTopicResponse| {
        topic.partitions.iter().map(|p| (p.partition_index, p.error_code)).collect()
    };
    answer.responses.iter().map(topic).collect()
}

fn ask(talk: &mut Talk, version: i16, id: i32, fetch: &FetchRequest) {
    talk.client(&request(ApiKey::FETCH, version, id, fetch));
}

#[test]
fn t08_an_unknown_topic_id_is_asked_for_and_then_judged() {
    let mut talk = Talk::begun(DENY_CLOSED);
    ask(
        &mut talk,
        13,
        1,
        &frames::fetch(&[(Named::Id(ID), &[0]), (Named::Id(OTHER), &[0])], (0, 0)),
    );
    let question: MetadataRequest = frames::decoded_request(&talk.to_broker()[0]);
    let asked: Vec<[u8; 16]> =
        question.topics.unwrap().iter().map(|t| *t.topic_id.as_bytes()).collect();
    assert_eq!(asked, [ID, OTHER]);
    assert!(!question.allow_auto_topic_creation);
    let named = frames::metadata(&[("open", ID), ("closed", OTHER)]);
    talk.broker(&response(ApiKey::METADATA, 12, -1, &named));
    assert_eq!(talk.to_broker().len(), 2, "one topic is open, so the request goes on");
    let records = batch(&["{}"]);
    let answer = frames::fetched(
        4,
        &[(Named::Id(ID), &[(0, records.clone())]), (Named::Id(OTHER), &[(0, records)])],
    );
    talk.broker(&response(ApiKey::FETCH, 13, 1, &answer));
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 13);
    assert_eq!(errors(&got), [[(0, 0)], [(0, 29)]]);
    assert_eq!(got.responses[1].topic_id.as_bytes(), &OTHER, "errors echo the id");
    assert!(got.responses[1].partitions[0].records.as_ref().is_none_or(Bytes::is_empty));
}

#[test]
fn t08_an_id_that_nobody_knows_is_answered_100_and_not_forwarded() {
    let mut talk = Talk::begun("");
    ask(&mut talk, 13, 1, &frames::fetch(&[(Named::Id(ID), &[0, 1])], (0, 0)));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata_unknown(ID)));
    assert_eq!(talk.to_broker().len(), 1);
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 13);
    assert_eq!(errors(&got), [[(0, 100), (1, 100)]]);
    // That it is unknown is not kept: the next one asks again, and now there is such a topic.
    ask(&mut talk, 13, 2, &frames::fetch(&[(Named::Id(ID), &[0])], (0, 0)));
    assert_eq!(talk.to_broker().len(), 2);
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("t", ID)])));
    assert_eq!(talk.to_broker().len(), 3);
}

#[test]
fn t08_records_of_an_unnamed_id_in_an_answer_do_not_leave() {
    // The broker answers with a topic that nobody asked for: it is asked for by name first.
    let mut talk = Talk::begun(DENY_CLOSED);
    ask(&mut talk, 13, 1, &frames::fetch(&[], (0, 0)));
    let answer = frames::fetched(4, &[(Named::Id(OTHER), &[(0, batch(&["{}"]))])]);
    talk.broker(&response(ApiKey::FETCH, 13, 1, &answer));
    assert!(talk.to_client().is_empty(), "it waits for the name");
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata_unknown(OTHER)));
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 13);
    assert_eq!(errors(&got), [[(0, 100)]]);
    assert!(got.responses[0].partitions[0].records.as_ref().is_none_or(Bytes::is_empty));
}

#[test]
fn t05_a_fetch_as_a_replica_ends_the_connection() {
    for replica in [0, 1, i32::MAX] {
        let plain = frames::fetch(&[(Named::Name("t"), &[0])], (0, -1));
        let mut talk = Talk::begun("");
        ask(&mut talk, 11, 1, &plain.with_replica_id(BrokerId(replica)));
        assert_eq!(talk.refused(), CloseReason::ReplicaFetch);
        let tagged = frames::fetch(&[(Named::Id(ID), &[0])], (0, -1));
        let state = ReplicaState::default().with_replica_id(BrokerId(replica));
        let mut talk = Talk::begun("");
        ask(&mut talk, 16, 1, &tagged.with_replica_state(state));
        assert_eq!(talk.refused(), CloseReason::ReplicaFetch);
    }
}

#[test]
fn t09_an_epoch_of_a_session_that_is_not_this_connections_is_refused() {
    let topics: &[(Named<'_>, &[i32])] = &[(Named::Name("t"), &[0])];
    for (session, epoch) in [(77, 1), (77, i32::MAX), (0, 3)] {
        let mut talk = Talk::begun("");
        ask(&mut talk, 12, 1, &frames::fetch(topics, (session, epoch)));
        assert!(talk.to_broker().is_empty());
        let got: FetchResponse = talk.answer(ApiKey::FETCH, 12);
        assert_eq!((got.error_code, got.session_id), (70, 0));
        assert!(talk.closed().is_none());
        assert_eq!(talk.rows()[0].error_code, Some(70));
    }
    // Epoch 0 names an old session to have it closed, and -1 uses none.
    for epoch in [0, -1] {
        let mut talk = Talk::begun("");
        ask(&mut talk, 12, 1, &frames::fetch(topics, (77, epoch)));
        assert_eq!(talk.to_broker().len(), 1, "epoch {epoch}");
    }
}

#[test]
fn t09_an_incremental_fetch_goes_on_unchanged_and_is_judged_by_what_comes_back() {
    let mut talk = Talk::begun(DENY_CLOSED);
    ask(&mut talk, 12, 1, &frames::fetch(&[(Named::Name("t"), &[0])], (0, 0)));
    talk.broker(&response(ApiKey::FETCH, 12, 1, &frames::fetched(900, &[])));
    talk.done.clear();
    let empty = request(ApiKey::FETCH, 12, 2, &frames::fetch(&[], (900, 1)));
    talk.client(&empty);
    assert_eq!(talk.to_broker(), [empty.slice(4..)], "the ids of sessions are the broker's");
    let answer = frames::fetched(900, &[(Named::Name("closed"), &[(0, batch(&["{}"]))])]);
    talk.broker(&response(ApiKey::FETCH, 12, 2, &answer));
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 12);
    assert_eq!((errors(&got), got.session_id), (vec![vec![(0, 29)]], 900));
}

#[test]
fn t09_a_session_that_was_refused_is_not_remembered() {
    let mut talk = Talk::begun("");
    ask(&mut talk, 12, 1, &frames::fetch(&[(Named::Name("t"), &[0])], (0, 0)));
    let refused = frames::fetched(901, &[]).with_error_code(71);
    talk.broker(&response(ApiKey::FETCH, 12, 1, &refused));
    talk.done.clear();
    ask(&mut talk, 12, 2, &frames::fetch(&[], (901, 1)));
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 12);
    assert_eq!(got.error_code, 70);
}

#[test]
fn t10_a_denied_topic_between_allowed_ones_keeps_its_place() {
    let mut talk = Talk::begun(DENY_CLOSED);
    let names = ["a", "closed", "b"];
    let both: &[i32] = &[1, 0];
    let topics = names.map(|name| (Named::Name(name), both));
    ask(&mut talk, 12, 1, &frames::fetch(&topics, (0, 0)));
    assert_eq!(talk.to_broker().len(), 1);
    let records = [(1, batch(&["{}"])), (0, batch(&["{}", "{}"]))];
    let answer = frames::fetched(1, &names.map(|name| (Named::Name(name), &records[..])));
    talk.broker(&response(ApiKey::FETCH, 12, 1, &answer));
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 12);
    let got_names: Vec<&str> = got.responses.iter().map(|t| &**t.topic).collect();
    assert_eq!(got_names, names);
    assert_eq!(errors(&got), [[(1, 0), (0, 0)], [(1, 29), (0, 29)], [(1, 0), (0, 0)]]);
}

#[test]
fn t10_a_full_fetch_of_denied_topics_only_is_answered_here() {
    let mut talk = Talk::begun(DENY_CLOSED);
    ask(&mut talk, 12, 1, &frames::fetch(&[(Named::Name("closed"), &[2, 0])], (0, 0)));
    assert!(talk.to_broker().is_empty());
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 12);
    assert_eq!((errors(&got), got.session_id), (vec![vec![(2, 29), (0, 29)]], 0));
}

/// What a reader of one partition gets: the error and the records.
fn read_under(rules: &str, records: Bytes) -> (i16, Bytes) {
    let mut talk = Talk::begun(rules);
    ask(&mut talk, 12, 1, &frames::fetch(&[(Named::Name("t"), &[0])], (0, -1)));
    let answer = frames::fetched(0, &[(Named::Name("t"), &[(0, records)])]);
    talk.broker(&response(ApiKey::FETCH, 12, 1, &answer));
    let got: FetchResponse = talk.answer(ApiKey::FETCH, 12);
    let partition = &got.responses[0].partitions[0];
    (partition.error_code, partition.records.clone().unwrap_or_default())
}

#[test]
fn t13_old_message_formats_pass_only_where_no_rule_looks() {
    let legacy = frames::legacy_message();
    assert_eq!(read_under("", legacy.clone()), (0, legacy.clone()));
    let (error, records) = read_under(MASK, legacy.clone());
    assert_eq!((error, records.len()), (43, 0));
    // Behind a batch that can be judged, reading ends before it.
    let good = batch(&["{\"a\":1}"]);
    let (error, records) = read_under(MASK, [&good[..], &legacy[..]].concat().into());
    assert_eq!((error, records), (0, good));
}

#[test]
fn t12_hidden_records_behind_the_count_do_not_reach_a_reader() {
    let two = batch(&["{\"secret\":\"A\"}", "{\"secret\":\"B\"}"]);
    let one = frames::batch_around(0, 1, &two[61..]);
    let (error, records) = read_under(MASK, one);
    assert_eq!((error, records.len()), (2, 0));
}

#[test]
fn t37_a_cut_tail_is_left_out_where_a_rule_looks() {
    let whole = batch(&["{\"secret\":\"CANARY\"}"]);
    let mut cut = BytesMut::from(&whole[..]);
    cut.extend_from_slice(&whole[..whole.len() - 3]);
    let cut = cut.freeze();
    assert_eq!(read_under("", cut.clone()), (0, cut.clone()), "no rule, same bytes");
    let (error, records) = read_under(MASK, cut);
    assert_eq!(error, 0);
    assert!(!records.windows(6).any(|window| window == b"CANARY"));
    assert_eq!(items(&records).filter(|item| matches!(item, Ok(Item::Batch(_)))).count(), 1);
    // A batch alone and cut: nothing can be passed on, and nothing is.
    let (error, records) = read_under(MASK, whole.slice(..whole.len() - 1));
    assert_eq!((error, records.len()), (0, 0));
}

#[test]
fn t34_control_batches_and_offsets_stay_as_they_are() {
    let control = frames::batch_around(0x30, 1, &[16, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0]);
    let (error, records) = read_under(MASK, control.clone());
    assert_eq!((error, records), (0, control));
}

//! ShareFetch and ShareAcknowledge: masked, refused before the broker delivers, and told again.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::share_fetch_request::{
    AcknowledgementBatch, FetchPartition, FetchTopic, ForgottenTopic,
};
use kafka_protocol::messages::share_fetch_response::{
    AcquiredRecords, PartitionData, ShareFetchableTopicResponse,
};
use kafka_protocol::messages::{GroupId, ShareFetchRequest, ShareFetchResponse};
use kafka_protocol::messages::{ShareAcknowledgeRequest, ShareAcknowledgeResponse};
use kafka_protocol::messages::{share_acknowledge_request, share_acknowledge_response};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::frames::{self, batch, raw_request, request, response};
use super::talk::{Talk, policies};
use crate::wire::{ApiKey, codec};

const DENY_CLOSED: &str = "    - id: closed
      match: {direction: consume, topics: [closed]}
      action: {deny: {}}
";
const MASK: &str = "    - id: mask
      match: {direction: consume, topics: [\"**\"]}
      select: [{path: $.secret}]
      action: {mask: {with: redact}}
      on_undecodable: drop
";
const OPEN: [u8; 16] = [5; 16];
const CLOSED: [u8; 16] = [6; 16];
const FETCH: ApiKey = ApiKey::SHARE_FETCH;
const ACKNOWLEDGE: ApiKey = ApiKey::SHARE_ACKNOWLEDGE;

/// A talk that knows the names of both topics.
fn talk(rules: &str) -> Talk {
    let mut talk = Talk::begun(rules);
    talk.client(&request(ApiKey::METADATA, 12, -8, &frames::metadata_request()));
    let named = frames::metadata(&[("open", OPEN), ("closed", CLOSED)]);
    talk.broker(&response(ApiKey::METADATA, 12, -8, &named));
    talk.done.clear();
    talk
}

fn ask(epoch: i32, topics: &[([u8; 16], &[i32])]) -> ShareFetchRequest {
    let topic = |(id, partitions): &([u8; 16], &[i32])| {
        let partition = |index: &i32| FetchPartition::default().with_partition_index(*index);
        FetchTopic::default()
            .with_topic_id(Uuid::from_bytes(*id))
            .with_partitions(partitions.iter().map(partition).collect())
    };
    ShareFetchRequest::default()
        .with_group_id(Some(GroupId(StrBytes::from_static_str("g"))))
        .with_member_id(Some(StrBytes::from_static_str("m")))
        .with_share_session_epoch(epoch)
        .with_topics(topics.iter().map(topic).collect())
}

/// A topic's id, and the records of its partitions.
type Given<'g> = ([u8; 16], &'g [(i32, Bytes)]);

fn answer(topics: &[Given<'_>]) -> ShareFetchResponse {
    let topic = |(id, partitions): &Given<'_>| {
        let partition = |(index, records): &(i32, Bytes)| {
            let acquired = AcquiredRecords::default().with_last_offset(3).with_delivery_count(1);
            PartitionData::default()
                .with_partition_index(*index)
                .with_acknowledge_error_code(121)
                .with_records(Some(records.clone()))
                .with_acquired_records(vec![acquired])
        };
        ShareFetchableTopicResponse::default()
            .with_topic_id(Uuid::from_bytes(*id))
            .with_partitions(partitions.iter().map(partition).collect())
    };
    ShareFetchResponse::default().with_responses(topics.iter().map(topic).collect())
}

/// Topic, partition, error, error of acknowledgements, length of the records.
type Told = (u8, i32, i16, i16, usize);

fn told(answer: &ShareFetchResponse) -> Vec<Told> {
    let mut told = Vec::new();
    for topic in &answer.responses {
        for p in &topic.partitions {
            let records = p.records.as_ref().map_or(0, Bytes::len);
            let (index, code) = (p.partition_index, p.error_code);
            told.push((
                topic.topic_id.as_bytes()[0],
                index,
                code,
                p.acknowledge_error_code,
                records,
            ));
        }
    }
    told
}

/// One exchange: what the broker was asked, and what the client was told.
fn exchange(
    talk: &mut Talk,
    ask: &ShareFetchRequest,
    answer: &ShareFetchResponse,
) -> (ShareFetchRequest, ShareFetchResponse) {
    talk.done.clear();
    talk.client(&request(FETCH, 1, 1, ask));
    let asked = frames::decoded_request(&talk.to_broker()[0]);
    talk.broker(&response(FETCH, 1, 1, answer));
    (asked, talk.answer(FETCH, 1))
}

/// A request that Lockgate answers, and with which error.
fn refused(talk: &mut Talk, ask: &ShareFetchRequest) -> i16 {
    talk.done.clear();
    talk.client(&request(FETCH, 1, 1, ask));
    assert!(talk.to_broker().is_empty());
    let got: ShareFetchResponse = talk.answer(FETCH, 1);
    assert!(got.responses.is_empty() && talk.closed().is_none());
    assert_eq!(talk.rows()[0].error_code, Some(got.error_code));
    got.error_code
}

#[test]
fn t04_records_for_a_share_group_are_masked_at_every_version() {
    for version in [1, 2] {
        let mut talk = talk(MASK);
        let mut body = BytesMut::new();
        let v1 = codec::encode(FETCH, 1, &ask(0, &[(OPEN, &[0])])).unwrap();
        // Behind group, member and six numbers: the two fields of v2.
        body.extend_from_slice(&v1[..28]);
        body.extend_from_slice(if version == 2 { &[0, 0] } else { &[] });
        body.extend_from_slice(&v1[28..]);
        let frame = raw_request(FETCH.0, version, 1, &body);
        talk.client(&frame);
        assert_eq!(talk.to_broker(), [frame.slice(4..)], "v{version}: the request is as it was");
        let records = batch(&["{\"secret\":\"CANARY\"}", "no JSON", "{\"a\":1}"]);
        let answer = codec::encode(FETCH, 1, &answer(&[(OPEN, &[(0, records)])])).unwrap();
        talk.broker(&frames::raw_response(FETCH, version, 1, &answer));
        let got = talk.to_client().remove(0);
        assert!(!got.windows(6).any(|window| window == b"CANARY"));
        assert!(!got.windows(4).any(|window| window == b"JSON"));
        let got: ShareFetchResponse = frames::decoded(FETCH, 1, &got);
        let partition = &got.responses[0].partitions[0];
        let acquired = &partition.acquired_records[0];
        // The offset of the record that was left out stays acquired: to a client it is a gap.
        assert_eq!((partition.error_code, acquired.first_offset, acquired.last_offset), (0, 0, 3));
        let row = talk.rows().pop().unwrap();
        assert_eq!((row.api, row.api_version), (Some("ShareFetch"), Some(version)));
        assert_eq!((row.masked_records, row.first_offset, row.last_offset), (1, Some(0), Some(2)));
    }
}

#[test]
fn t04_what_may_not_be_read_is_never_asked_for_and_told_each_time() {
    let mut talk = talk(DENY_CLOSED);
    let first = ask(0, &[(CLOSED, &[1, 0]), (OPEN, &[0])]);
    let (asked, got) = exchange(&mut talk, &first, &answer(&[(OPEN, &[(0, batch(&["{}"]))])]));
    assert_eq!(asked, ask(0, &[(OPEN, &[0])]));
    let length = batch(&["{}"]).len();
    let open = (5, 0, 0, 121, length);
    assert_eq!(told(&got), [open, (6, 1, 29, 0, 0), (6, 0, 29, 0, 0)]);
    assert!(got.responses[1].partitions[0].error_message.as_ref().unwrap().contains("closed"));
    assert_eq!(talk.rows().iter().filter(|row| row.error_code == Some(29)).count(), 2);
    // The session goes on: a client names what has changed only, a broker answers for all.
    let (asked, got) = exchange(&mut talk, &ask(1, &[]), &answer(&[]));
    assert_eq!(asked, ask(1, &[]));
    assert_eq!(told(&got), [(6, 1, 29, 0, 0), (6, 0, 29, 0, 0)]);
    // Acknowledgements for it are refused with it, and what is forgotten is no more spoken of.
    let mut next = ask(2, &[(CLOSED, &[0])]);
    next.topics[0].partitions[0].acknowledgement_batches =
        vec![AcknowledgementBatch::default().with_acknowledge_types(vec![1])];
    next.forgotten_topics_data = vec![
        ForgottenTopic::default().with_topic_id(Uuid::from_bytes(CLOSED)).with_partitions(vec![1]),
    ];
    let (asked, got) = exchange(&mut talk, &next, &answer(&[]));
    assert!(asked.topics.is_empty() && asked.forgotten_topics_data.len() == 1);
    assert_eq!(told(&got), [(6, 0, 29, 29, 0)]);
    // At the session's end only acknowledgements are answered for.
    let (_, got) = exchange(&mut talk, &ask(-1, &[(CLOSED, &[0])]), &answer(&[]));
    assert_eq!(told(&got), []);
    assert_eq!(refused(&mut talk, &ask(3, &[])), 122, "the session has ended");
}

#[test]
fn t04_a_session_begins_anew_when_what_may_be_read_has_changed() {
    let mut talk = talk(DENY_CLOSED);
    let both: &[([u8; 16], &[i32])] = &[(OPEN, &[0]), (CLOSED, &[0])];
    exchange(&mut talk, &ask(0, both), &answer(&[]));
    talk.policy = policies("");
    assert_eq!(refused(&mut talk, &ask(1, &[])), 122, "what was left out may be read now");
    let (asked, _) = exchange(&mut talk, &ask(0, both), &answer(&[]));
    assert_eq!(asked, ask(0, both));
    talk.policy = policies(DENY_CLOSED);
    let records = [(0, batch(&["{}"]))];
    let (_, got) = exchange(&mut talk, &ask(1, &[]), &answer(&[(CLOSED, &records)]));
    // The acknowledgements were the broker's to judge; the records do not leave.
    assert_eq!(told(&got), [(6, 0, 29, 121, 0)]);
    assert!(got.responses[0].partitions[0].acquired_records.is_empty());
    assert_eq!(refused(&mut talk, &ask(2, &[])), 122, "the broker must not be asked again");
}

#[test]
fn t04_a_share_session_of_another_connection_is_refused() {
    let mut talk = talk("");
    assert_eq!(refused(&mut talk, &ask(1, &[])), 122);
    exchange(&mut talk, &ask(0, &[(OPEN, &[0])]), &answer(&[]).with_error_code(15));
    assert_eq!(refused(&mut talk, &ask(1, &[])), 122, "no session was given");
    exchange(&mut talk, &ask(0, &[(OPEN, &[0])]), &answer(&[]));
    exchange(&mut talk, &ask(1, &[]), &answer(&[]));
}

#[test]
fn t04_an_id_without_a_name_is_answered_with_100_and_no_bytes() {
    let mut talk = Talk::begun("");
    talk.client(&request(FETCH, 1, 1, &ask(0, &[(OPEN, &[0])])));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata_unknown(OPEN)));
    let records = [(0, batch(&["{}"]))];
    talk.broker(&response(FETCH, 1, 1, &answer(&[(OPEN, &records)])));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata_unknown(OPEN)));
    let got: ShareFetchResponse = talk.answer(FETCH, 1);
    assert_eq!(told(&got), [(5, 0, 100, 121, 0)]);
}

#[test]
fn t04_a_batch_that_cannot_be_read_is_left_out_by_itself() {
    let good = batch(&["{\"secret\":\"CANARY\"}"]);
    let two = batch(&["{\"secret\":\"CANARY\"}", "{}"]);
    let broken = frames::batch_around(0, 1, &two[61..]);
    let all: Bytes = [&good[..], &broken[..], &good[..]].concat().into();
    let mut talk = talk(MASK);
    let answers = answer(&[(OPEN, &[(0, all)])]);
    let (_, got) = exchange(&mut talk, &ask(0, &[(OPEN, &[0])]), &answers);
    let partition = &got.responses[0].partitions[0];
    let records = partition.records.clone().unwrap();
    assert_eq!((partition.error_code, partition.acquired_records.len()), (0, 1));
    assert_eq!(crate::record::items(&records).count(), 2);
    assert!(!records.windows(6).any(|window| window == b"CANARY"));
    let rows = talk.rows();
    assert!(rows.iter().any(|row| row.event == crate::audit::EventKind::RecordDecision));
    // What is no batch at all: nobody knows where the next one is.
    let answers = answer(&[(OPEN, &[(0, [&good[..], &frames::legacy_message()].concat().into())])]);
    let (_, got) = exchange(&mut talk, &ask(1, &[]), &answers);
    assert_eq!(told(&got), [(5, 0, 43, 121, 0)]);
}

#[test]
fn t04_acknowledgements_for_what_may_not_be_read_do_not_reach_the_broker() {
    use share_acknowledge_request::{AcknowledgePartition, AcknowledgeTopic};
    use share_acknowledge_response::ShareAcknowledgeTopicResponse;
    let topic = |id: [u8; 16]| {
        AcknowledgeTopic::default()
            .with_topic_id(Uuid::from_bytes(id))
            .with_partitions(vec![AcknowledgePartition::default().with_partition_index(7)])
    };
    let ask_for = |topics: Vec<AcknowledgeTopic>| {
        ShareAcknowledgeRequest::default()
            .with_group_id(Some(GroupId(StrBytes::from_static_str("g"))))
            .with_member_id(Some(StrBytes::from_static_str("m")))
            .with_share_session_epoch(1)
            .with_topics(topics)
    };
    let mut talk = talk(DENY_CLOSED);
    let both = ask_for(vec![topic(CLOSED), topic(OPEN)]);
    talk.client(&request(ACKNOWLEDGE, 1, 1, &both));
    let got: ShareAcknowledgeResponse = talk.answer(ACKNOWLEDGE, 1);
    assert_eq!(got.error_code, 122, "no session was opened here");
    exchange(&mut talk, &ask(0, &[(OPEN, &[0])]), &answer(&[]));
    talk.done.clear();
    talk.client(&request(ACKNOWLEDGE, 1, 2, &both));
    let asked: ShareAcknowledgeRequest = frames::decoded_request(&talk.to_broker()[0]);
    assert_eq!(asked, ask_for(vec![topic(OPEN)]));
    let open = ShareAcknowledgeTopicResponse::default().with_topic_id(Uuid::from_bytes(OPEN));
    let answer = ShareAcknowledgeResponse::default().with_responses(vec![open]);
    talk.broker(&response(ACKNOWLEDGE, 1, 2, &answer));
    let got: ShareAcknowledgeResponse = talk.answer(ACKNOWLEDGE, 1);
    let refused = &got.responses[1].partitions[0];
    assert_eq!((got.responses.len(), refused.partition_index, refused.error_code), (2, 7, 29));
    // The whole-answer form of v2 has a field more.
    talk.done.clear();
    let body = codec::encode(ACKNOWLEDGE, 1, &both.with_share_session_epoch(5)).unwrap();
    let mut v2 = BytesMut::from(&body[..8]);
    v2.extend_from_slice(&[0]);
    v2.extend_from_slice(&body[8..]);
    let mut other = Talk::begun(DENY_CLOSED);
    other.client(&raw_request(ACKNOWLEDGE.0, 2, 1, &v2));
    other.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("open", OPEN)])));
    let frame = other.to_client().remove(0);
    let limits = crate::wire::shape::Limits { elements_max: 10 };
    let direction = crate::wire::shape::Direction::Response;
    crate::wire::shape::check(direction, 79, 2, &frame[5..], &limits, &mut |_| {}).unwrap();
}

//! Answers leave in the order of the requests, whoever makes them.

use kafka_protocol::messages::{FetchResponse, ProduceResponse};
use proptest::prelude::*;

use super::frames::{self, Named, batch, request, response};
use super::talk::{Did, Talk};
use crate::enforce::CloseReason;
use crate::session::Side;
use crate::wire::ApiKey;

const DENY_PRODUCE: &str = "    - id: closed
      match: {direction: produce, topics: [closed]}
      action: {deny: {message: \"not here\"}}
";

/// A produce that Lockgate answers by itself.
fn local(id: i32) -> bytes::Bytes {
    let message = frames::produce(1, &[("closed", &[(0, batch(&["{}"]))])]);
    request(ApiKey::PRODUCE, 9, id, &message)
}

/// A request that the broker answers.
fn remote(id: i32) -> bytes::Bytes {
    request(ApiKey::METADATA, 12, id, &frames::metadata_request())
}

fn remote_answer(id: i32) -> bytes::Bytes {
    response(ApiKey::METADATA, 12, id, &frames::metadata(&[]))
}

#[test]
fn t18_local_answers_wait_for_the_broker_answers_before_them() {
    let mut talk = Talk::begun(DENY_PRODUCE);
    talk.client(&[local(1), remote(2), local(3), local(4), remote(5), local(6)].concat());
    assert_eq!(talk.answered(), [1], "what nobody stands before leaves at once");
    talk.broker(&remote_answer(2));
    assert_eq!(talk.answered(), [1, 2, 3, 4]);
    talk.broker(&remote_answer(5));
    assert_eq!(talk.answered(), [1, 2, 3, 4, 5, 6]);
    let refused: ProduceResponse = frames::decoded(ApiKey::PRODUCE, 9, &talk.to_client()[0]);
    assert_eq!(refused.responses[0].partition_responses[0].error_code, 44);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the mix, and however the broker's answers are cut: answer i is to request i.
    #[test]
    fn t18_answer_i_is_to_request_i(
        kinds in proptest::collection::vec(any::<bool>(), 1..60),
        ids in proptest::collection::vec(any::<i32>(), 60),
        cut in 1_usize..97,
    ) {
        let mut talk = Talk::begun(DENY_PRODUCE);
        let asked: Vec<i32> = ids.into_iter().take(kinds.len()).collect();
        let mut wire = Vec::new();
        for (is_local, id) in kinds.iter().zip(&asked) {
            wire.extend_from_slice(&if *is_local { local(*id) } else { remote(*id) });
        }
        for piece in wire.chunks(cut) {
            talk.client(piece);
        }
        let forwarded: Vec<i32> =
            talk.to_broker().iter().map(|frame| frames::asked_id(frame)).collect();
        let mut answers = Vec::new();
        for id in forwarded {
            answers.extend_from_slice(&remote_answer(id));
        }
        for piece in answers.chunks(cut) {
            talk.broker(piece);
        }
        prop_assert_eq!(talk.answered(), asked);
        prop_assert!(talk.closed().is_none());
    }
}

#[test]
fn t19_correlation_ids_may_repeat_and_be_negative() {
    let mut talk = Talk::begun(DENY_PRODUCE);
    for id in [7, 7, -1, 7, i32::MIN] {
        talk.client(&remote(id));
    }
    for id in [7, 7, -1, 7, i32::MIN] {
        talk.broker(&remote_answer(id));
    }
    assert_eq!(talk.answered(), [7, 7, -1, 7, i32::MIN]);
}

#[test]
fn t19_an_errand_with_the_clients_own_id_is_not_taken_for_it() {
    // Errands use -1; a client that does too gets its own answer, not the errand's.
    let id = [9; 16];
    let mut talk = Talk::begun("");
    talk.client(&remote(-1));
    talk.client(&request(ApiKey::FETCH, 13, -1, &frames::fetch(&[(Named::Id(id), &[0])], (0, -1))));
    talk.broker(&remote_answer(-1));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("t", id)])));
    assert_eq!(talk.answered(), [-1], "the errand's answer stays here");
    assert_eq!(talk.to_broker().len(), 3, "the fetch has gone on");
    let answer = frames::fetched(0, &[(Named::Id(id), &[(0, batch(&["{}"]))])]);
    talk.broker(&response(ApiKey::FETCH, 13, -1, &answer));
    let got: FetchResponse = frames::decoded(ApiKey::FETCH, 13, &talk.to_client()[1]);
    assert_eq!(got.responses[0].partitions[0].error_code, 0);
}

#[test]
fn t18_an_answer_with_another_correlation_id_ends_the_connection() {
    let mut talk = Talk::begun("");
    talk.client(&[remote(1), remote(2)].concat());
    talk.broker(&remote_answer(2));
    assert_eq!(talk.closed(), Some(CloseReason::CorrelationId { expected: 1, actual: 2 }));
    assert!(talk.to_client().is_empty());
}

#[test]
fn t18_an_answer_to_no_request_ends_the_connection() {
    let mut talk = Talk::begun("");
    talk.broker(&remote_answer(1));
    assert_eq!(talk.closed(), Some(CloseReason::UnexpectedResponse));
    assert!(talk.to_client().is_empty());
}

#[test]
fn t18_requests_in_flight_are_capped_and_go_on() {
    let mut talk = Talk::begun("");
    let all: Vec<u8> = (0..1000).flat_map(remote).collect();
    talk.client(&all);
    assert_eq!(talk.to_broker().len(), 128);
    assert!(!talk.session.wants_bytes(Side::Downstream));
    for id in 0..1000 {
        talk.broker(&remote_answer(id));
    }
    assert_eq!(talk.answered(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn t18_nothing_passes_a_request_that_waits() {
    let id = [3; 16];
    let mut talk = Talk::begun(DENY_PRODUCE);
    talk.client(&request(ApiKey::FETCH, 13, 1, &frames::fetch(&[(Named::Id(id), &[0])], (0, -1))));
    talk.client(&[remote(2), local(3)].concat());
    assert_eq!(talk.to_broker().len(), 1, "only the question for the name");
    assert!(!talk.session.wants_bytes(Side::Downstream));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("t", id)])));
    let left: Vec<i32> = talk.to_broker().iter().map(|frame| frames::asked_id(frame)).collect();
    assert_eq!(left, [-1, 1, 2]);
    talk.broker(&response(ApiKey::FETCH, 13, 1, &frames::fetched(0, &[])));
    talk.broker(&remote_answer(2));
    assert_eq!(talk.answered(), [1, 2, 3]);
}

#[test]
fn t18_a_broken_answer_from_the_broker_ends_the_connection() {
    let mut talk = Talk::begun("");
    talk.client(&[remote(1), remote(2)].concat());
    talk.broker(&frames::raw_response(ApiKey::METADATA, 12, 1, &[0xff; 40]));
    assert!(matches!(talk.closed(), Some(CloseReason::ResponseShape { .. })));
    assert!(talk.to_client().is_empty());
    assert!(matches!(talk.done.back(), Some(Did::Close(_))));
    let row = talk.rows().into_iter().find(|row| row.api == Some("Metadata"));
    assert!(row.is_some_and(|row| row.message.is_some()));
}

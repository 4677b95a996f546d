//! Evidence comes before the bytes that it is of.

use kafka_protocol::messages::MetadataRequest;

use super::frames::{self, Named, batch, request, response};
use super::talk::{Did, Talk};
use crate::audit::{AuditDecision, Completion, EventKind};
use crate::session::{Input, Side};
use crate::wire::ApiKey;

const MASK: &str = "    - id: mask
      match: {direction: consume, topics: [\"**\"]}
      select: [{path: $.secret}]
      action: {mask: {with: redact}}
    - id: closed
      match: {direction: produce, topics: [closed]}
      action: {deny: {}}
";

/// Where the first row of an API stands, and the first frame towards a side.
fn places(talk: &Talk, api: &str, to_client: bool) -> (usize, usize) {
    let row = talk.done.iter().position(|did| match did {
        Did::Audit(rows) => rows.iter().any(|row| row.api == Some(api)),
        Did::ToClient(_) | Did::ToBroker(_) | Did::Ask(_) | Did::Close(_) => false,
    });
    let sent = talk.done.iter().position(|did| match did {
        Did::ToClient(_) => to_client,
        Did::ToBroker(_) => !to_client,
        Did::Audit(_) | Did::Ask(_) | Did::Close(_) => false,
    });
    (row.expect("a row"), sent.expect("a frame"))
}

#[test]
fn a_row_of_records_that_are_read_comes_before_them() {
    let mut talk = Talk::begun(MASK);
    let ask = frames::fetch(&[(Named::Name("t"), &[0])], (0, -1));
    talk.client(&request(ApiKey::FETCH, 12, 1, &ask));
    let records = batch(&["{\"secret\":1}", "{}"]);
    let answer = frames::fetched(0, &[(Named::Name("t"), &[(0, records)])]);
    talk.broker(&response(ApiKey::FETCH, 12, 1, &answer));
    let (row, sent) = places(&talk, "Fetch", true);
    assert!(row < sent, "{:?}", talk.done);
    let rows = talk.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].decision, Some(AuditDecision::Mask));
    assert_eq!((rows[0].records, rows[0].masked_values, rows[0].masked_records), (Some(2), 1, 1));
}

#[test]
fn a_row_of_a_refusal_comes_before_the_refusal() {
    let mut talk = Talk::begun(MASK);
    let message = frames::produce(1, &[("closed", &[(0, batch(&["{}"]))])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &message));
    let (row, sent) = places(&talk, "Produce", true);
    assert!(row < sent, "{:?}", talk.done);
}

#[test]
fn a_row_of_an_accepted_produce_comes_before_it_goes_up_and_is_completed_with_its_offset() {
    let mut talk = Talk::begun(MASK);
    let message = frames::produce(1, &[("t", &[(0, batch(&["{}", "{}"]))])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &message));
    talk.broker(&response(ApiKey::PRODUCE, 9, 1, &frames::produced(&[("t", &[(0, 41)])])));
    let (row, sent) = places(&talk, "Produce", false);
    assert!(row < sent, "{:?}", talk.done);
    assert_eq!(talk.rows()[0].records, Some(2));
    let [Completion::Answered { error_code, first_offset, .. }] = talk.completed.as_slice() else {
        panic!("{:?}", talk.completed)
    };
    assert_eq!((*error_code, *first_offset), (0, Some(41)));
}

#[test]
fn a_row_of_a_passed_request_comes_before_it_goes_up() {
    let mut talk = Talk::begun(MASK);
    // ListGroups v0 has an empty body.
    talk.client(&frames::raw_request(16, 0, 1, &[]));
    let (row, sent) = places(&talk, "ListGroups", false);
    assert!(row < sent, "{:?}", talk.done);
}

#[test]
fn a_session_begins_with_its_row() {
    let mut talk = Talk::under("");
    let message = MetadataRequest::default().with_topics(None);
    talk.client(&request(ApiKey::METADATA, 12, 1, &message));
    let Some(Did::Audit(rows)) = talk.done.front() else { panic!("{:?}", talk.done) };
    assert_eq!(rows[0].event, EventKind::SessionStart);
    assert_eq!(rows[0].session.principal.as_deref(), Some("jane"));
}

#[test]
fn a_produce_that_is_never_answered_has_its_row_and_is_completed_as_unanswered() {
    let mut talk = Talk::begun(MASK);
    let message = frames::produce(1, &[("t", &[(0, batch(&["{}"]))])]);
    talk.client(&request(ApiKey::PRODUCE, 9, 1, &message));
    assert_eq!(talk.rows()[0].topic.as_deref(), Some("t"));
    assert!(talk.completed.is_empty(), "it waits for its offset");
    talk.input(&Input::Ended(Side::Upstream));
    assert_eq!(talk.completed, [Completion::Unanswered]);
    let rows = talk.rows();
    assert_eq!(rows.last().map(|row| row.event), Some(EventKind::SessionEnd));
}

//! How sessions end: tokens, time, drains, and frames that nothing settles.

use std::sync::Arc;

use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};

use super::frames::{self, Named, request, response};
use super::talk::{NOW_MS, Talk, hello};
use crate::audit::EventKind;
use crate::auth::KeySet;
use crate::enforce::facts::{Answers, Identity, Issuer, KeyCache};
use crate::enforce::{CloseReason, Enforcement, Facts, Need, Outcome, Request, Row, Treatment};
use crate::session::requests::Parked;
use crate::session::{Ask, Input, Side};
use crate::wire::{ApiKey, TopicId, codec};

#[test]
fn t22_a_token_that_has_ended_ends_the_connection_also_in_a_long_fetch() {
    let mut talk = Talk::begun("");
    // The session of an anonymous client has no end; a token's is set as the login does it.
    talk.session.connection.expires_at_ms = Some(NOW_MS + 60_000);
    assert_eq!(talk.session.poll_timeout(), Some(NOW_MS + 60_000));
    let ask = frames::fetch(&[(Named::Name("t"), &[0])], (0, -1));
    talk.client(&request(ApiKey::FETCH, 12, 1, &ask));
    talk.now_ms = NOW_MS + 59_999;
    talk.input(&Input::Tick);
    assert!(talk.closed().is_none());
    talk.now_ms = NOW_MS + 60_000;
    talk.input(&Input::Tick);
    assert!(talk.closed().is_none(), "what was asked in time is answered");
    talk.broker(&response(ApiKey::FETCH, 12, 1, &frames::fetched(0, &[])));
    assert_eq!(talk.answered(), [1]);
    talk.now_ms = NOW_MS + 62_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), Some(CloseReason::TokenEnded));
    let rows = talk.rows();
    assert_eq!(rows.last().map(|row| row.event), Some(EventKind::SessionEnd));
}

#[test]
fn t22_an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let mut talk = Talk::begun("");
    talk.session.connection.expires_at_ms = Some(NOW_MS + 1);
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    for _ in 0..200 {
        talk.now_ms = talk.session.poll_timeout().unwrap();
        talk.input(&Input::Tick);
        if talk.closed().is_some() {
            break;
        }
    }
    assert_eq!(talk.closed(), Some(CloseReason::TokenEnded));
    assert_eq!(talk.now_ms, NOW_MS + 300_001);
}

#[test]
fn t22_no_request_is_taken_after_the_end_whether_or_not_the_clock_has_struck() {
    let mut talk = Talk::begun("");
    talk.session.connection.expires_at_ms = Some(NOW_MS + 1);
    talk.now_ms = NOW_MS + 1;
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    assert_eq!(talk.refused(), CloseReason::TokenEnded);
}

#[test]
fn t24_a_client_that_does_not_log_in_is_disconnected() {
    let mut talk = Talk::with(Identity::default(), "");
    assert_eq!(talk.session.poll_timeout(), Some(NOW_MS + 10_000));
    talk.client(&hello(1, 3));
    talk.now_ms = NOW_MS + 10_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), Some(CloseReason::LoginTime(10_000)));
}

#[test]
fn a_client_that_may_stay_anonymous_has_no_time_to_log_in_by() {
    let mut talk = Talk::under("");
    talk.client(&hello(1, 3));
    assert_eq!(talk.session.poll_timeout(), None);
}

#[test]
fn a_drain_answers_what_was_taken_and_takes_no_more() {
    let mut talk = Talk::begun("");
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    talk.input(&Input::Drain);
    assert!(talk.closed().is_none() && !talk.session.wants_bytes(Side::Downstream));
    talk.client(&request(ApiKey::METADATA, 12, 2, &frames::metadata_request()));
    assert_eq!(talk.to_broker().len(), 1);
    talk.broker(&response(ApiKey::METADATA, 12, 1, &frames::metadata(&[])));
    assert_eq!(talk.answered(), [1]);
    assert_eq!(talk.closed(), Some(CloseReason::Drained));
}

#[test]
fn a_drain_of_an_idle_session_ends_it_at_once() {
    let mut talk = Talk::begun("");
    talk.input(&Input::Drain);
    assert_eq!(talk.closed(), Some(CloseReason::Drained));
    talk.done.clear();
    talk.broker(&response(ApiKey::METADATA, 12, 1, &frames::metadata(&[])));
    talk.input(&Input::Tick);
    assert!(talk.done.is_empty(), "after the end nothing happens: {:?}", talk.done);
}

#[test]
fn a_client_that_leaves_with_answers_owed_leaves_when_they_have_come() {
    let mut talk = Talk::begun("");
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    talk.input(&Input::Ended(Side::Downstream));
    assert!(talk.closed().is_none());
    talk.broker(&response(ApiKey::METADATA, 12, 1, &frames::metadata(&[])));
    assert_eq!(talk.closed(), Some(CloseReason::ClientClosed));
}

#[test]
fn a_broker_that_leaves_ends_the_session() {
    let mut talk = Talk::begun("");
    talk.client(&request(ApiKey::METADATA, 12, 1, &frames::metadata_request()));
    talk.input(&Input::Ended(Side::Upstream));
    assert_eq!(talk.closed(), Some(CloseReason::BrokerClosed));
}

#[test]
fn a_name_that_the_broker_does_not_give_is_asked_once_a_frame() {
    // The answer speaks of another topic: the id stays unknown, and the frame is settled without
    // it.
    let id = [1; 16];
    let mut talk = Talk::begun("");
    let ask = frames::fetch(&[(Named::Id(id), &[0])], (0, 0));
    talk.client(&request(ApiKey::FETCH, 13, 1, &ask));
    talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("other", [2; 16])])));
    assert_eq!(talk.to_broker().len(), 1);
    assert_eq!(talk.answered(), [1]);
}

#[test]
fn a_frame_that_four_runs_do_not_settle_ends_the_connection() {
    // A broker that lies: each answer to the question creates nothing, and the keys never come.
    let mut talk = Talk::begun("");
    let needs = || smallvec::SmallVec::from_iter([Need::TopicNames(vec![TopicId([1; 16])])]);
    let row: &'static Row = Box::leak(Box::new(Row {
        key: ApiKey::METADATA,
        treatment: Treatment::Enforced(Box::leak(Box::new(Never(needs)))),
        versions: None,
    }));
    let frame = request(ApiKey::METADATA, 12, 1, &frames::metadata_request()).slice(4..);
    let header = crate::wire::RequestHeader::parse(&frame).unwrap();
    let parked = Parked {
        request: Request { header, frame },
        row,
        policy: Arc::clone(&talk.policy),
        answers: Answers::default(),
        open_needs: 0,
        runs: 0,
    };
    talk.session.run_request(parked, NOW_MS);
    let mut asked = 0;
    talk.input(&Input::Tick);
    while talk.closed().is_none() {
        asked += 1;
        assert!(asked < 10, "it never ends");
        talk.broker(&response(ApiKey::METADATA, 12, -1, &frames::metadata(&[])));
    }
    assert_eq!((asked, talk.closed()), (3, Some(CloseReason::Unsettled)));
}

/// An enforcement that always wants something more.
struct Never(fn() -> smallvec::SmallVec<[Need; 2]>);

impl Enforcement for Never {
    fn request(&self, _facts: &mut Facts<'_>, _request: &Request) -> Outcome {
        Outcome::Wait((self.0)())
    }
}

struct NoKeys;

impl KeyCache for NoKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        None
    }
}

fn with_login() -> Identity {
    let rules = crate::auth::IssuerRules::new("https://id.example", vec!["kafka".to_owned()]);
    Identity { issuers: vec![Issuer { rules, keys: Arc::new(NoKeys) }], ..Identity::default() }
}

/// A token of that issuer that nobody signed.
fn token() -> String {
    use base64::Engine as _;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let header = part("{\"alg\":\"RS256\",\"kid\":\"k\"}");
    let claims = part("{\"iss\":\"https://id.example\",\"sub\":\"jane\"}");
    format!("{header}.{claims}.{}", part("sig"))
}

fn authenticate(id: i32, bytes: &[u8]) -> bytes::Bytes {
    let message =
        SaslAuthenticateRequest::default().with_auth_bytes(bytes::Bytes::copy_from_slice(bytes));
    request(ApiKey::SASL_AUTHENTICATE, 2, id, &message)
}

#[test]
fn t20_a_login_asks_for_keys_once_and_then_fails_in_two_steps() {
    let mut talk = Talk::with(with_login(), "");
    let mechanism = SaslHandshakeRequest::default().with_mechanism(codec::text("OAUTHBEARER"));
    talk.client(&request(ApiKey::SASL_HANDSHAKE, 1, 1, &mechanism));
    let first = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", token());
    talk.client(&authenticate(2, first.as_bytes()));
    let asks: Vec<&super::talk::Did> = talk
        .done
        .iter()
        .filter(|did| matches!(did, super::talk::Did::Ask(Ask::FreshKeys { issuer: 0, .. })))
        .collect();
    assert_eq!(asks.len(), 1, "{:?}", talk.done);
    assert_eq!(talk.answered(), [1], "the login waits");
    talk.input(&Input::KeysRefreshed);
    assert_eq!(talk.answered(), [1, 2]);
    let told: SaslAuthenticateResponse =
        frames::decoded(ApiKey::SASL_AUTHENTICATE, 2, &talk.to_client()[1]);
    assert_eq!(told.error_code, 0);
    assert!(told.auth_bytes.starts_with(b"{\"status\":\"invalid_token\""));
    talk.client(&authenticate(3, b"\x01"));
    assert_eq!(talk.answered(), [1, 2], "whoever fails waits");
    talk.input(&Input::Paused);
    let told: SaslAuthenticateResponse =
        frames::decoded(ApiKey::SASL_AUTHENTICATE, 2, &talk.to_client()[2]);
    assert_eq!(told.error_code, 58);
    assert!(matches!(talk.closed(), Some(CloseReason::LoginRefused(_))));
    assert!(talk.to_broker().is_empty());
    let rows = talk.rows();
    assert!(rows.iter().any(|row| row.event == EventKind::Auth && row.error_code == Some(58)));
    let text = format!("{rows:?}");
    assert!(!text.contains(&token()), "no row has a token");
}

#[test]
fn t24_a_login_out_of_order_is_answered_34_and_closed() {
    let mut talk = Talk::with(with_login(), "");
    talk.client(&authenticate(1, b"n,,"));
    let told: SaslAuthenticateResponse = talk.answer(ApiKey::SASL_AUTHENTICATE, 2);
    assert_eq!(told.error_code, 34);
    assert_eq!(talk.closed(), Some(CloseReason::SecondLogin));
    let rows = talk.rows();
    assert!(rows.iter().any(|row| row.error_code == Some(34)), "the refusal has a row: {rows:?}");
}

//! Lockgate's own login at the broker: first of all, renewed in time, and never mixed with frames.

use std::num::NonZeroU32;

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use super::frames::{self, Named, request, response};
use super::talk::{Did, NOW_MS, Talk, hello};
use crate::auth::scram::{
    ClientFinal, ClientFirst, ScramHash, ServerFinal, ServerFirst, ServerKeys, auth_message,
    salted_password,
};
use crate::enforce::CloseReason;
use crate::enforce::broker_login::Credential;
use crate::session::{Ask, Input, Side};
use crate::wire::{ApiKey, codec};

const LIFETIME_MS: i64 = 10_000;

fn plain() -> Input {
    let (username, password) = ("gateway".to_owned(), "hunter2".to_owned());
    Input::Credential(Ok(Credential::Plain { username, password }))
}

fn handshake_answer(error: i16) -> Bytes {
    let message = SaslHandshakeResponse::default()
        .with_error_code(error)
        .with_mechanisms(vec![codec::text("SCRAM-SHA-512")]);
    response(ApiKey::SASL_HANDSHAKE, 1, -1, &message)
}

fn authenticate_answer(error: i16, bytes: Vec<u8>, lifetime_ms: i64) -> Bytes {
    let message = SaslAuthenticateResponse::default()
        .with_error_code(error)
        .with_error_message((error != 0).then(|| codec::text("wrong\u{7} password")))
        .with_auth_bytes(bytes.into())
        .with_session_lifetime_ms(lifetime_ms);
    response(ApiKey::SASL_AUTHENTICATE, 1, -1, &message)
}

/// A session whose broker asks for a login, before it.
fn fresh() -> Talk {
    let mut talk = Talk::under("");
    talk.session.log_in_first(NOW_MS);
    talk
}

/// The same, behind a login that the broker accepts for [`LIFETIME_MS`].
fn accepted() -> Talk {
    let mut talk = fresh();
    talk.input(&plain());
    talk.broker(&handshake_answer(0));
    talk.broker(&authenticate_answer(0, Vec::new(), LIFETIME_MS));
    talk.client(&request(ApiKey::METADATA, 12, -9, &frames::metadata_request()));
    talk.broker(&response(ApiKey::METADATA, 12, -9, &frames::metadata(&[])));
    assert_eq!(talk.answered(), [-9]);
    talk.done.clear();
    talk
}

fn asked(talk: &Talk) -> bool {
    talk.done.iter().any(|did| matches!(did, Did::Ask(Ask::Credential)))
}

#[test]
fn nothing_of_the_client_goes_before_the_login() {
    let mut talk = fresh();
    talk.client(&hello(5, 3));
    assert!(asked(&talk) && talk.to_broker().is_empty(), "{:?}", talk.done);
    assert!(!talk.session.wants_bytes(Side::Downstream));
    talk.input(&plain());
    let sent: SaslHandshakeRequest = frames::decoded_request(&talk.to_broker()[0]);
    assert_eq!(&*sent.mechanism, "PLAIN");
    talk.broker(&handshake_answer(0));
    let sent: SaslAuthenticateRequest = frames::decoded_request(&talk.to_broker()[1]);
    assert_eq!(&sent.auth_bytes[..], b"\0gateway\0hunter2");
    assert_eq!(talk.to_broker().len(), 2);
    talk.broker(&authenticate_answer(0, Vec::new(), 0));
    talk.client(&[]);
    assert_eq!(frames::asked_id(&talk.to_broker()[2]), 5);
    // Without a lifetime there is nothing to renew.
    talk.now_ms = i64::MAX;
    assert_eq!(talk.session.poll_timeout(), None);
}

#[test]
fn scram_is_spoken_in_three_messages_and_the_broker_must_know_the_password() {
    for (password, good) in [("pencil", true), ("other", false)] {
        let mut talk = fresh();
        let credential = Credential::Scram {
            hash: ScramHash::Sha512,
            username: "gateway".into(),
            password: "pencil".into(),
            nonce: "clientnonce".into(),
        };
        talk.input(&Input::Credential(Ok(credential)));
        talk.broker(&handshake_answer(0));
        let sent: SaslAuthenticateRequest = frames::decoded_request(&talk.to_broker()[1]);
        let first = ClientFirst::parse(&sent.auth_bytes).unwrap();
        let challenge = ServerFirst::new(&first.nonce, "servernonce", b"salt", 4096);
        talk.broker(&authenticate_answer(0, challenge.encode(), 0));
        let sent: SaslAuthenticateRequest = frames::decoded_request(&talk.to_broker()[2]);
        let last = ClientFinal::parse(&sent.auth_bytes, &first, &challenge).unwrap();
        let iterations = NonZeroU32::new(4096).unwrap();
        let salted = salted_password(ScramHash::Sha512, password, b"salt", iterations);
        let signed = auth_message(&first.bare, &challenge.text, &last.without_proof);
        let keys = ServerKeys::of(ScramHash::Sha512, &salted);
        let signature = ServerFinal::Signature(keys.signature(ScramHash::Sha512, &signed));
        talk.broker(&authenticate_answer(0, signature.encode(), 0));
        assert_eq!(talk.closed().is_none(), good, "{:?}", talk.done);
    }
}

#[test]
fn a_renewal_comes_between_two_requests_and_keeps_the_order() {
    let mut talk = accepted();
    let metadata = |id| request(ApiKey::METADATA, 12, id, &frames::metadata_request());
    let metadata_answer = |id| response(ApiKey::METADATA, 12, id, &frames::metadata(&[]));
    talk.now_ms = NOW_MS + LIFETIME_MS * 84 / 100;
    talk.client(&metadata(1));
    assert_eq!(talk.to_broker().len(), 1, "it is not due yet");
    talk.now_ms = NOW_MS + LIFETIME_MS * 85 / 100;
    talk.client(&[metadata(2), metadata(3)].concat());
    assert!(asked(&talk));
    assert_eq!(talk.to_broker().len(), 1, "what comes after waits");
    talk.input(&plain());
    talk.broker(&[metadata_answer(1), handshake_answer(0)].concat());
    assert_eq!(talk.answered(), [1], "what came before is answered");
    assert_eq!(talk.to_broker().len(), 3);
    talk.broker(&authenticate_answer(0, Vec::new(), LIFETIME_MS));
    talk.client(&[]);
    let ids: Vec<i32> = talk.to_broker().iter().map(|frame| frames::asked_id(frame)).collect();
    assert_eq!(ids, [1, -1, -1, 2, 3]);
    talk.broker(&[metadata_answer(2), metadata_answer(3)].concat());
    assert_eq!(talk.answered(), [1, 2, 3]);
    assert_eq!(talk.closed(), None);
}

#[test]
fn other_questions_are_held_while_a_renewal_is_under_way() {
    let mut talk = accepted();
    let id = [7; 16];
    let rule = "    - id: closed\n      match: {direction: consume, topics: [closed]}\n      \
                action: {deny: {message: \"not here\"}}\n";
    talk.policy = super::talk::policies(rule);
    // A share group's or a fetch session's answer may name ids that nobody asked for.
    let asks = frames::fetch(&[(Named::Id(id), &[0])], (0, 0));
    talk.client(&request(ApiKey::FETCH, 13, 1, &asks));
    let named = response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("open", id)]));
    if talk.to_broker().len() == 1 {
        talk.broker(&named);
    }
    talk.now_ms = NOW_MS + LIFETIME_MS;
    talk.client(&request(ApiKey::METADATA, 12, 2, &frames::metadata_request()));
    talk.input(&plain());
    let before = talk.to_broker().len();
    let other = [8; 16];
    let answer = frames::fetched(0, &[(Named::Id(other), &[(0, Bytes::new())])]);
    talk.broker(&response(ApiKey::FETCH, 13, 1, &answer));
    assert_eq!(talk.to_broker().len(), before, "the question waits: {:?}", talk.done);
    talk.broker(&handshake_answer(0));
    talk.broker(&authenticate_answer(0, Vec::new(), LIFETIME_MS));
    let keys: Vec<i16> = talk.to_broker().iter().map(|frame| key_of(frame)).collect();
    assert_eq!(keys[before - 1..before + 2], [17, 36, 3], "{keys:?}");
}

fn key_of(frame: &[u8]) -> i16 {
    i16::from_be_bytes(*frame.first_chunk().unwrap())
}

#[test]
fn a_refused_login_ends_the_connection_with_a_row() {
    let mut talk = fresh();
    talk.client(&hello(5, 3));
    talk.input(&plain());
    talk.broker(&handshake_answer(0));
    talk.broker(&authenticate_answer(58, Vec::new(), 0));
    let said = talk.closed().unwrap().to_string();
    assert!(said.ends_with("error 58 to SaslAuthenticate (wrong password)"), "{said}");
    assert!(!format!("{:?}", talk.rows()).contains("hunter2"));
    assert_eq!(talk.rows().len(), 1);
    assert!(talk.to_client().is_empty());
}

#[test]
fn a_mechanism_that_the_broker_lacks_and_a_secret_that_is_gone_are_told() {
    let mut talk = fresh();
    talk.input(&plain());
    talk.broker(&handshake_answer(33));
    let said = talk.closed().unwrap().to_string();
    assert!(said.contains("with PLAIN (the broker offers SCRAM-SHA-512)"), "{said}");
    let mut talk = fresh();
    talk.input(&Input::Credential(Err("cannot read p".into())));
    let reason = CloseReason::BrokerLogin("cannot read p".into());
    assert_eq!(talk.refused(), reason);
}

#[test]
fn a_broker_that_does_not_answer_the_login_is_not_waited_for() {
    let mut talk = fresh();
    talk.input(&plain());
    let due = talk.session.poll_timeout().unwrap();
    assert_eq!(due, NOW_MS + 10_000);
    talk.now_ms = due;
    talk.input(&Input::Tick);
    assert!(talk.closed().unwrap().to_string().contains("no answer in 10000 ms"));
}

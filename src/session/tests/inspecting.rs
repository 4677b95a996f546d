//! `identity.mode: inspect`: the broker checks logins, and the session learns who it was.

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use super::frames::{self, Named, request, response};
use super::talk::{NOW_MS, Talk};
use crate::audit::{AuditDecision, EventKind};
use crate::enforce::CloseReason;
use crate::enforce::facts::{Checker, Identity};
use crate::session::Input;
use crate::wire::{ApiKey, codec};

fn inspects() -> Talk {
    Talk::with(Identity { checker: Checker::Broker, ..Identity::default() }, "")
}

impl Talk {
    fn ask_mechanism(&mut self, mechanism: &str, error_code: i16) -> SaslHandshakeResponse {
        self.done.clear();
        let message = SaslHandshakeRequest::default().with_mechanism(codec::text(mechanism));
        self.client(&request(ApiKey::SASL_HANDSHAKE, 1, 1, &message));
        assert_eq!(self.to_broker().len(), 1, "{:?}", self.done);
        let offer = ["GSSAPI", "PLAIN", "SCRAM-SHA-256"].map(codec::text).to_vec();
        let answer =
            SaslHandshakeResponse::default().with_error_code(error_code).with_mechanisms(offer);
        self.broker(&response(ApiKey::SASL_HANDSHAKE, 1, 1, &answer));
        self.answer(ApiKey::SASL_HANDSHAKE, 1)
    }

    fn pass(&mut self, message: &[u8], answer: &SaslAuthenticateResponse) {
        self.done.clear();
        let message =
            SaslAuthenticateRequest::default().with_auth_bytes(Bytes::copy_from_slice(message));
        let frame = request(ApiKey::SASL_AUTHENTICATE, 2, 2, &message);
        self.client(&frame);
        assert_eq!(self.to_broker(), [frame.slice(4..)], "as it came: {:?}", self.done);
        self.broker(&response(ApiKey::SASL_AUTHENTICATE, 2, 2, answer));
    }

    fn principal(&self) -> Option<String> {
        let rows = self.rows();
        let login = rows.iter().find(|row| row.event == EventKind::SessionStart)?;
        login.session.principal.as_deref().map(str::to_owned)
    }

    fn is_let_in(&mut self) -> bool {
        self.done.clear();
        self.client(&request(ApiKey::METADATA, 12, 3, &frames::metadata_request()));
        !self.to_broker().is_empty()
    }
}

fn says(bytes: &'static [u8]) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from_static(bytes))
}

#[test]
fn a_name_is_believed_once_the_broker_believes_it() {
    let mut talk = inspects();
    let offered = talk.ask_mechanism("PLAIN", 0).mechanisms;
    assert_eq!(offered, ["PLAIN", "SCRAM-SHA-256"].map(codec::text));
    talk.pass(b"\0alice\0pw", &says(b"").with_session_lifetime_ms(30_000));
    assert_eq!(talk.principal().as_deref(), Some("alice"));
    let answer: SaslAuthenticateResponse = talk.answer(ApiKey::SASL_AUTHENTICATE, 2);
    assert_eq!(answer.session_lifetime_ms, 30_000);
    assert_eq!(talk.session.poll_timeout(), Some(NOW_MS + 30_000));
    assert!(talk.is_let_in());

    let mut talk = inspects();
    talk.ask_mechanism("SCRAM-SHA-256", 0);
    talk.pass(b"n,,n=al=2Cice,r=abc", &says(b"r=abcdef,s=QUJD,i=4096"));
    assert_eq!(talk.principal(), None, "not yet");
    talk.pass(b"c=biws,r=abcdef,p=AAAA", &says(b"v=AAAA"));
    assert_eq!(talk.principal().as_deref(), Some("al,ice"));
    assert!(talk.is_let_in());
}

#[test]
fn whom_the_broker_refuses_is_nobody() {
    let refusal = SaslAuthenticateResponse::default().with_error_code(58);
    let mut talk = inspects();
    talk.ask_mechanism("PLAIN", 0);
    talk.pass(b"\0alice\0no", &refusal);
    let rows = talk.rows();
    assert_eq!(rows[0].decision, Some(AuditDecision::Deny));
    assert!(!format!("{rows:?}").contains("alice"), "not even the name is believed: {rows:?}");
    assert!(!talk.is_let_in());
    // The proof fails, by error or in the words of RFC 5802.
    for last in [refusal.clone(), says(b"e=invalid-proof"), says(b"")] {
        let mut talk = inspects();
        talk.ask_mechanism("SCRAM-SHA-256", 0);
        talk.pass(b"n,,n=alice,r=abc", &says(b"r=abcdef,s=QUJD,i=4096"));
        talk.pass(b"c=biws,r=abcdef,p=AAAA", &last);
        assert_eq!(talk.principal(), None);
        assert!(!talk.is_let_in());
    }
    let mut talk = inspects();
    talk.ask_mechanism("SCRAM-SHA-512", 33);
    assert!(!talk.is_let_in());
}

#[test]
fn t24_what_nothing_can_be_learned_from_does_not_reach_the_broker() {
    for mechanism in ["GSSAPI", "OAUTHBEARER", "ANONYMOUS"] {
        let mut talk = inspects();
        let answer = talk.handshake(mechanism);
        assert_eq!(answer.error_code, 33);
        assert!(talk.to_broker().is_empty() && talk.closed().is_some());
    }
    let refused = |mechanism: &str, message: &[u8]| {
        let mut talk = inspects();
        talk.ask_mechanism(mechanism, 0);
        let answer = talk.authenticate(message);
        assert_eq!(answer.error_code, 58);
        assert!(talk.to_broker().is_empty() && talk.closed().is_some());
    };
    refused("SCRAM-SHA-256", b"n,,n=token-id,r=abc,tokenauth=true");
    refused("SCRAM-SHA-256", b"n,a=root,n=alice,r=abc");
    refused("PLAIN", b"root\0alice\0pw");
    // What a rule calls the `alice` of an issuer.
    refused("PLAIN", b"\0corp|alice\0pw");
    refused("SCRAM-SHA-256", b"n,,n=corp|alice,r=abc");
    // A second message before the answer to the first.
    let mut talk = inspects();
    talk.ask_mechanism("PLAIN", 0);
    talk.say(b"\0alice\0pw");
    talk.say(b"\0bob\0pw");
    assert!(talk.to_broker().is_empty());
    talk.broker(&response(ApiKey::SASL_AUTHENTICATE, 2, 2, &says(b"")));
    assert_eq!(talk.principal().as_deref(), Some("alice"));
    assert_eq!(talk.closed(), Some(CloseReason::SecondLogin));
}

#[test]
fn t23_a_login_again_is_the_brokers_too() {
    let begun = || {
        let mut talk = inspects();
        talk.ask_mechanism("PLAIN", 0);
        talk.pass(b"\0alice\0pw", &says(b"").with_session_lifetime_ms(30_000));
        talk.now_ms += 25_000;
        talk
    };
    let mut talk = begun();
    talk.ask_mechanism("PLAIN", 0);
    talk.pass(b"\0alice\0pw", &says(b"").with_session_lifetime_ms(30_000));
    assert_eq!(talk.session.poll_timeout(), Some(NOW_MS + 55_000));
    assert!(talk.is_let_in());
    let mut talk = begun();
    talk.ask_mechanism("PLAIN", 0);
    let answer = talk.authenticate(b"\0bob\0pw");
    assert_eq!(answer.error_code, 58);
    assert!(talk.to_broker().is_empty(), "nobody else's password reaches the broker");
    let mut talk = begun();
    talk.now_ms += 5_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), Some(CloseReason::LoginEnded));
}

#[test]
fn a_question_that_an_answer_brings_up_does_not_come_within_a_login() {
    let rule = "    - id: closed\n      match: {direction: consume, topics: [closed]}\n      \
                action: {deny: {message: \"not here\"}}\n";
    let mut talk = Talk::with(Identity { checker: Checker::Broker, ..Identity::default() }, rule);
    talk.ask_mechanism("PLAIN", 0);
    talk.pass(b"\0alice\0pw", &says(b"").with_session_lifetime_ms(30_000));
    talk.now_ms += 25_000;
    talk.done.clear();
    let (id, other) = ([7; 16], [8; 16]);
    talk.client(&request(ApiKey::FETCH, 13, 1, &frames::fetch(&[(Named::Id(id), &[0])], (0, 0))));
    let named = |name, id| response(ApiKey::METADATA, 12, -1, &frames::metadata(&[(name, id)]));
    if talk.to_broker().len() == 1 && frames::asked_id(&talk.to_broker()[0]) == -1 {
        talk.broker(&named("open", id));
    }
    talk.done.clear();
    let message = SaslHandshakeRequest::default().with_mechanism(codec::text("PLAIN"));
    talk.client(&request(ApiKey::SASL_HANDSHAKE, 1, 2, &message));
    let answer = frames::fetched(0, &[(Named::Id(other), &[(0, Bytes::new())])]);
    talk.broker(&response(ApiKey::FETCH, 13, 1, &answer));
    let ids = |talk: &Talk| -> Vec<i32> {
        talk.to_broker().iter().map(|frame| frames::asked_id(frame)).collect()
    };
    assert_eq!(ids(&talk), [-1], "{:?}", talk.done);
    talk.broker(&named("other", other));
    assert_eq!(ids(&talk), [-1, 2], "the login follows: {:?}", talk.done);
    assert_eq!(talk.answered(), [1]);
}

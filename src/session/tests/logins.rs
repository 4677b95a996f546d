//! Logins by password, logins again (KIP-368), and their end.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::{
    MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};

use super::frames::{self, request};
use super::talk::{Did, NOW_MS, Talk};
use crate::audit::{AuditDecision, EventKind};
use crate::auth::scram::{AwaitsChallenge, ScramHash, client_first};
use crate::auth::users::{User, Users};
use crate::enforce::CloseReason;
use crate::enforce::facts::{Identity, ScramUsers, UserSource};
use crate::enforce::seats::Seats;
use crate::session::{Ask, Input};
use crate::wire::{ApiKey, codec};

const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

pub struct Fixed(pub Arc<Users>);

impl UserSource for Fixed {
    fn current(&self) -> Arc<Users> {
        Arc::clone(&self.0)
    }
}

/// Jane, password `secret`, in `readers`; max, the same, with SHA-256 only.
pub fn users() -> Identity {
    let mut users = Users::new([5; 32]);
    let user = || User::with_password("secret", [vec![1; 16], vec![2; 16]], ITERATIONS);
    let groups = Some(Arc::from([Arc::from("readers")]));
    users.put("jane", User { groups, ..user() });
    users.put("max", User { sha512: None, ..user() });
    let users = Arc::new(users);
    let scram =
        ScramUsers { users: Arc::new(Fixed(Arc::clone(&users))), hashes: ScramHash::ALL.to_vec() };
    Identity {
        plain: Some(Arc::new(Fixed(users))),
        scram: Some(scram),
        secret: [9; 32],
        ..Identity::default()
    }
}

impl Talk {
    pub fn handshake(&mut self, mechanism: &str) -> SaslHandshakeResponse {
        self.done.clear();
        let message = SaslHandshakeRequest::default().with_mechanism(codec::text(mechanism));
        self.client(&request(ApiKey::SASL_HANDSHAKE, 1, 1, &message));
        self.answer(ApiKey::SASL_HANDSHAKE, 1)
    }

    pub fn say(&mut self, message: &[u8]) {
        self.done.clear();
        let message =
            SaslAuthenticateRequest::default().with_auth_bytes(Bytes::copy_from_slice(message));
        self.client(&request(ApiKey::SASL_AUTHENTICATE, 2, 2, &message));
    }

    /// Sends a message, does what `io` does about it, and reads the answer.
    pub fn authenticate(&mut self, message: &[u8]) -> SaslAuthenticateResponse {
        self.say(message);
        self.salted();
        self.paused();
        self.answer(ApiKey::SASL_AUTHENTICATE, 2)
    }

    fn salted(&mut self) {
        let salting = self.done.iter().find_map(|did| match did {
            Did::Ask(Ask::Salt(salting)) => Some(salting.clone()),
            Did::Audit(_) | Did::ToClient(_) | Did::ToBroker(_) | Did::Ask(_) | Did::Close(_) => {
                None
            }
        });
        if let Some(salting) = salting {
            assert!(self.to_client().is_empty(), "nothing is said before");
            self.input(&Input::Salted(salting.run()));
        }
    }

    fn paused(&mut self) {
        if self.done.iter().any(|did| matches!(did, Did::Ask(Ask::Pause))) {
            assert!(self.to_client().is_empty(), "nothing is said before");
            assert!(self.rows().is_empty(), "evidence belongs to the final outcome");
            self.input(&Input::Paused);
        }
    }

    fn metadata(&mut self) {
        self.done.clear();
        let message: MetadataRequest = frames::metadata_request();
        self.client(&request(ApiKey::METADATA, 12, 3, &message));
    }

    /// A login by SCRAM up to its last message, which is not sent.
    fn challenged(&mut self, hash: ScramHash, name: &str, password: &str) -> Vec<u8> {
        let (first, client): (Vec<u8>, AwaitsChallenge) =
            client_first(hash, name, password, "a-nonce-of-the-client");
        assert_eq!(self.handshake(hash.mechanism()).error_code, 0);
        let challenge = self.authenticate(&first);
        assert_eq!(challenge.error_code, 0, "{challenge:?}");
        client.answer(&challenge.auth_bytes).unwrap().0
    }

    fn scram(&mut self, name: &str, password: &str) -> SaslAuthenticateResponse {
        let last = self.challenged(ScramHash::Sha256, name, password);
        self.authenticate(&last)
    }

    #[track_caller]
    fn expect_principal(&mut self, name: &str, mechanism: &str) {
        let row = self.rows().into_iter().find(|row| row.event == EventKind::Auth).unwrap();
        assert_eq!(row.decision, Some(AuditDecision::Allow));
        assert_eq!(row.session.principal.as_deref(), Some(name));
        assert_eq!(row.session.auth_mech, Some(mechanism));
        self.metadata();
        assert_eq!(self.to_broker().len(), 1, "{:?}", self.done);
    }

    #[track_caller]
    fn expect_refused(&self, answer: &SaslAuthenticateResponse) -> String {
        assert_eq!(answer.error_code, 58);
        assert!(self.to_broker().is_empty() && answer.auth_bytes.is_empty());
        let row = self.rows().into_iter().find(|row| row.event == EventKind::Auth).unwrap();
        assert_eq!(row.decision, Some(AuditDecision::Deny));
        assert!(matches!(self.closed(), Some(CloseReason::LoginRefused(_))), "{:?}", self.done);
        answer.error_message.as_deref().unwrap().to_owned()
    }
}

#[test]
fn every_mechanism_lets_its_users_in() {
    for hash in ScramHash::ALL {
        let mut talk = Talk::with(users(), "");
        let last = talk.challenged(hash, "jane", "secret");
        let answer = talk.authenticate(&last);
        assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 0));
        assert!(answer.auth_bytes.starts_with(b"v="));
        talk.expect_principal("jane", hash.mechanism());
    }
    for name in ["jane", "max"] {
        let mut talk = Talk::with(users(), "");
        assert_eq!(talk.handshake("PLAIN").error_code, 0);
        let answer = talk.authenticate(format!("\0{name}\0secret").as_bytes());
        assert_eq!((answer.error_code, answer.auth_bytes.len()), (0, 0));
        talk.expect_principal(name, "PLAIN");
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_one_and_the_same() {
    let mut told = Vec::new();
    for (name, password) in [("jane", "Secret"), ("nobody", "secret")] {
        let mut talk = Talk::with(users(), "");
        let answer = talk.scram(name, password);
        told.push(talk.expect_refused(&answer));
        let mut talk = Talk::with(users(), "");
        assert_eq!(talk.handshake("PLAIN").error_code, 0);
        let answer = talk.authenticate(format!("\0{name}\0{password}").as_bytes());
        told.push(talk.expect_refused(&answer));
    }
    assert_eq!(told[0], told[2]);
    assert_eq!(told[1], told[3]);
    assert!(told[0].contains("invalid credentials with SASL mechanism SCRAM-SHA-256"));
    assert!(told[1].contains("Invalid username or password"));
    // A user without the hash is nobody for it.
    let mut talk = Talk::with(users(), "");
    let last = talk.challenged(ScramHash::Sha512, "max", "secret");
    let answer = talk.authenticate(&last);
    talk.expect_refused(&answer);
}

#[test]
fn t24_a_replayed_or_changed_proof_is_refused() {
    let mut first = Talk::with(users(), "");
    let proof = first.challenged(ScramHash::Sha256, "jane", "secret");
    assert_eq!(first.authenticate(&proof).error_code, 0);
    // The same seed and the same messages; the process is another one.
    let mut replayed = Talk::with(Identity { secret: [8; 32], ..users() }, "");
    replayed.challenged(ScramHash::Sha256, "jane", "secret");
    let answer = replayed.authenticate(&proof);
    replayed.expect_refused(&answer);
    for (from, to) in [("p=", "p=AAAA"), ("r=a-nonce", "r=b-nonce"), ("c=biws", "c=eSws")] {
        let mut talk = Talk::with(users(), "");
        let proof = talk.challenged(ScramHash::Sha256, "jane", "secret");
        let changed = String::from_utf8(proof).unwrap().replace(from, to);
        let answer = talk.authenticate(changed.as_bytes());
        talk.expect_refused(&answer);
    }
    for first in [
        &b"p=tls-unique,,n=jane,r=abc"[..],
        b"n,,n=jane,r=abc,tokenauth=true",
        b"n,a=max,n=jane,r=abc",
        b"n,,n=jane",
        b"",
        b"\xff",
    ] {
        let mut talk = Talk::with(users(), "");
        assert_eq!(talk.handshake("SCRAM-SHA-512").error_code, 0);
        let answer = talk.authenticate(first);
        talk.expect_refused(&answer);
    }
}

#[test]
fn t24_only_what_is_configured_is_offered_and_nothing_weaker_is_to_be_had() {
    let mut identity = users();
    identity.plain = None;
    identity.scram.as_mut().unwrap().hashes = vec![ScramHash::Sha512];
    let identity = || {
        let Identity { scram, .. } = users();
        let hashes = vec![ScramHash::Sha512];
        let scram = scram.map(|scram| ScramUsers { hashes, ..scram });
        Identity { scram, plain: None, ..users() }
    };
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "GSSAPI", "ANONYMOUS"] {
        let mut talk = Talk::with(identity(), "");
        let answer = talk.handshake(mechanism);
        assert_eq!(answer.error_code, 33, "{mechanism}");
        assert_eq!(answer.mechanisms, [codec::text("SCRAM-SHA-512")]);
        assert!(talk.closed().is_some());
    }
    // A first message of another mechanism than was chosen is no message.
    let mut talk = Talk::with(users(), "");
    assert_eq!(talk.handshake("SCRAM-SHA-512").error_code, 0);
    let answer = talk.authenticate(b"\0jane\0secret");
    talk.expect_refused(&answer);
}

fn again(talk: &mut Talk, after_ms: i64) -> i16 {
    talk.now_ms += after_ms;
    talk.handshake("SCRAM-SHA-256").error_code
}

fn session_of(ms: i64) -> Identity {
    Identity { session_ms_max: Some(ms), ..users() }
}

#[test]
fn t23_a_login_again_keeps_its_principal_and_mechanism() {
    let begun = || {
        let mut talk = Talk::with(session_of(60_000), "");
        let answer = talk.scram("jane", "secret");
        assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 60_000));
        talk
    };
    let mut talk = begun();
    talk.now_ms += 50_000;
    let answer = talk.scram("jane", "secret");
    assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 60_000));
    let rows = talk.rows();
    assert!(rows.iter().any(|row| row.event == EventKind::Auth));
    assert!(rows.iter().all(|row| row.event != EventKind::SessionStart), "{rows:?}");
    assert_eq!(talk.session.poll_timeout(), Some(NOW_MS + 110_000));
    // Somebody else, by his own good password.
    let mut talk = begun();
    talk.now_ms += 50_000;
    let answer = talk.scram("max", "secret");
    talk.expect_refused(&answer);
    // Another mechanism.
    let mut talk = begun();
    talk.now_ms += 50_000;
    let answer = talk.handshake("PLAIN");
    assert_eq!((answer.error_code, answer.mechanisms.len()), (33, 1));
    assert!(talk.closed().is_some());
    // A wrong password.
    let mut talk = begun();
    talk.now_ms += 50_000;
    let answer = talk.scram("jane", "no");
    talk.expect_refused(&answer);
}

/// A users file that changes.
struct Changing(std::sync::Mutex<Arc<Users>>);

impl UserSource for Changing {
    fn current(&self) -> Arc<Users> {
        Arc::clone(&self.0.lock().unwrap())
    }
}

#[test]
fn t23_a_login_again_forgets_what_its_old_groups_allowed() {
    use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
    let with_groups = |groups: &[&str]| {
        let mut users = Users::new([5; 32]);
        let groups = groups.iter().map(|group| Arc::from(*group)).collect();
        let user = User::with_password("secret", [vec![1; 16], vec![2; 16]], ITERATIONS);
        users.put("jane", User { groups: Some(groups), ..user });
        Arc::new(users)
    };
    let source = Arc::new(Changing(std::sync::Mutex::new(with_groups(&["readers"]))));
    let mut identity = session_of(60_000);
    let hashes = ScramHash::ALL.to_vec();
    identity.scram = Some(ScramUsers { users: Arc::<Changing>::clone(&source), hashes });
    let rules = "    - id: readers-only
      match:
        direction: consume
        consumer_groups: [g]
        principals: {groups: {none_of: [readers]}}
      action: {deny: {}}
";
    let mut talk = Talk::with(identity, rules);
    assert_eq!(talk.scram("jane", "secret").error_code, 0);
    talk.now_ms += 50_000;
    let message = FindCoordinatorRequest::default().with_key(codec::text("g"));
    let frame = request(ApiKey::FIND_COORDINATOR, 3, 1, &message);
    talk.done.clear();
    talk.client(&frame);
    assert_eq!(talk.to_broker().len(), 1, "allowed to readers");
    let answer = FindCoordinatorResponse::default();
    talk.broker(&frames::response(ApiKey::FIND_COORDINATOR, 3, 1, &answer));
    *source.0.lock().unwrap() = with_groups(&[]);
    assert_eq!(talk.scram("jane", "secret").error_code, 0);
    talk.done.clear();
    talk.client(&frame);
    assert!(talk.to_broker().is_empty(), "in the same second");
    let answer: FindCoordinatorResponse = talk.answer(ApiKey::FIND_COORDINATOR, 3);
    assert_eq!(answer.error_code, 30);
}

#[test]
fn t24_a_login_again_has_its_time_and_nothing_comes_in_between() {
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    assert_eq!(again(&mut talk, 999), 34, "not within a second");
    assert_eq!(talk.closed(), Some(CloseReason::SecondLogin));
    let mut talk = Talk::with(session_of(400), "");
    talk.scram("jane", "secret");
    assert_eq!(again(&mut talk, 360), 0, "but where it is nearly over");
    let mut talk = Talk::with(users(), "");
    talk.scram("jane", "secret");
    assert_eq!(again(&mut talk, 50_000), 34, "a login without an end is not renewed");
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    assert_eq!(again(&mut talk, 1_000), 0);
    talk.metadata();
    assert_eq!(talk.refused(), CloseReason::UnfinishedLogin(ApiKey::METADATA));
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    assert_eq!(again(&mut talk, 1_000), 0);
    assert_eq!(again(&mut talk, 1_000), 34, "one at a time");
}

#[test]
fn t22_after_the_end_only_a_login_is_taken() {
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    talk.now_ms += 60_000;
    talk.metadata();
    assert_eq!(talk.refused(), CloseReason::LoginEnded);
    // Nothing is in flight: the end is the end.
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    talk.now_ms += 60_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), Some(CloseReason::LoginEnded));
    // What was asked in time is answered, and then there is time to log in again.
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    talk.metadata();
    talk.now_ms += 60_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), None);
    talk.broker(&frames::response(ApiKey::METADATA, 12, 3, &frames::metadata(&[])));
    assert_eq!(talk.to_client().len(), 1);
    talk.now_ms += 500;
    assert_eq!(talk.scram("jane", "secret").error_code, 0);
    talk.metadata();
    assert_eq!(talk.to_broker().len(), 1);
    // Or the connection ends.
    talk.broker(&frames::response(ApiKey::METADATA, 12, 3, &frames::metadata(&[])));
    talk.now_ms = talk.session.poll_timeout().unwrap();
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), Some(CloseReason::LoginEnded));
}

#[test]
fn t22_a_login_again_that_stops_half_way_ends() {
    let mut talk = Talk::with(session_of(60_000), "");
    talk.scram("jane", "secret");
    assert_eq!(again(&mut talk, 59_000), 0);
    talk.now_ms = NOW_MS + 60_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), None);
    assert_eq!(talk.session.poll_timeout(), Some(NOW_MS + 69_000));
    talk.now_ms = NOW_MS + 69_000;
    talk.input(&Input::Tick);
    assert_eq!(talk.closed(), Some(CloseReason::LoginEnded));
}

#[test]
fn t22_a_fetch_waits_no_longer_than_its_login() {
    use kafka_protocol::messages::FetchRequest;
    for version in [12, 17] {
        let mut talk = Talk::with(session_of(60_000), "");
        talk.scram("jane", "secret");
        for (passed_ms, asked_ms, expected_ms) in
            [(0, 500, 500), (10_000, 300_000, 50_000), (40_000, 10_000, 10_000), (9_990, 500, 10)]
        {
            talk.now_ms += passed_ms;
            talk.done.clear();
            let fetch = frames::fetch(&[], (0, -1)).with_max_wait_ms(asked_ms);
            talk.client(&request(ApiKey::FETCH, version, 9, &fetch));
            let sent: FetchRequest = frames::decoded_request(&talk.to_broker()[0]);
            assert_eq!(sent.max_wait_ms, expected_ms, "v{version}");
        }
    }
}

#[test]
fn connections_of_one_principal_are_counted_and_given_back() {
    let seats = Arc::new(Seats::new(2));
    let identity =
        || Identity { seats: Arc::clone(&seats), session_ms_max: Some(60_000), ..users() };
    let logged_in = |name| {
        let mut talk = Talk::with(identity(), "");
        let answer = talk.scram(name, "secret");
        (talk, answer)
    };
    let (mut first, _) = logged_in("jane");
    let (second, _) = logged_in("jane");
    let (third, answer) = logged_in("jane");
    let told = third.expect_refused(&answer);
    assert_eq!(told, "Too many connections of this principal");
    assert_eq!(logged_in("max").1.error_code, 0, "others have their own");
    first.now_ms += 50_000;
    assert_eq!(first.scram("jane", "secret").error_code, 0, "it has its place already");
    drop(second);
    assert_eq!(logged_in("jane").1.error_code, 0);
    drop(first);
    assert_eq!(seats.principals(), 0);
}

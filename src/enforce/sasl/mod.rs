//! SaslHandshake (key 17) and SaslAuthenticate (key 36): the login, and the login again (KIP-368).
//!
//! Source: KIP-43, KIP-152, KIP-255, KIP-368; `SaslServerAuthenticator` of Kafka. [`MECHANISMS`]
//! has a row for every way to log in, each a file of its own; a login ends here, or, where the
//! broker checks it, is looked at on its way (`inspect`). Whoever fails waits for the answer, and
//! the connection ends behind it.

mod entry;
mod inspect;
mod oauthbearer;
mod plain;
mod scram;

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use smallvec::smallvec;

use super::Enforcement;
use super::facts::{Checker, Facts, Identity, UpstreamLogin};
use super::outcome::{CloseReason, Need, Outcome, Request};
use crate::auth::scram::{AwaitsProof, ScramHash};
use crate::identity::Mechanism;
use crate::wire::{ErrorCode, codec};

use entry::{Proven, complete, note_out_of_order, note_refusal, unchanged};
pub use entry::{enter, take_seat};

/// One way to log in.
trait SaslMechanism: Sync {
    fn mechanism(&self) -> Mechanism;

    /// Whether clients may use it here, where Lockgate checks logins.
    fn is_configured(&self, identity: &Identity) -> bool;

    /// Takes a message of the client. Pure; runs again from the start after a [`Step::Wait`].
    fn step(&self, facts: &mut Facts<'_>, login: &Login, message: &Bytes) -> Step;

    /// What a message claims, where the broker checks it.
    fn claim(&self, facts: &mut Facts<'_>, message: &Bytes) -> Claim;
}

/// Every way to log in, the strongest first: clients are told of them in this order.
static MECHANISMS: &[&dyn SaslMechanism] = &[
    &oauthbearer::OauthBearer,
    &scram::Scram(ScramHash::Sha512),
    &scram::Scram(ScramHash::Sha256),
    &plain::Plain,
];

/// How far the login on a connection has come.
#[derive(Clone, Debug)]
pub enum Login {
    /// Nothing was said yet.
    Fresh,
    /// A mechanism was chosen.
    Chosen(Mechanism),
    /// The client was challenged and owes a proof.
    Challenged(Mechanism, Box<AwaitsProof>),
    /// The client was told that its token is not taken and owes one byte (RFC 7628 §3.2.3).
    Refused { reason: Arc<str> },
    /// Done.
    Complete,
    /// The broker checks it.
    Inspected(inspect::Stage),
}

impl Login {
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh)
    }

    /// Whether one was begun and is neither done nor refused.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Fresh | Self::Complete)
    }
}

/// What comes of one message.
enum Step {
    Wait(Need),
    /// One more message is needed.
    Challenge {
        answer: Bytes,
        next: Login,
    },
    Done {
        answer: Bytes,
        proven: Proven,
    },
    Refused(Refusal),
}

/// What a message claims that the broker is to check.
enum Claim {
    Wait(Need),
    /// Who it is, should the broker agree in its answer to this message.
    Last(Proven),
    /// The same, should it agree in its answer to the next one.
    First(Proven),
    Refused(Refusal),
}

/// Why a login fails.
struct Refusal {
    /// For the log and the audit.
    reason: Arc<str>,
    /// For the metrics.
    code: &'static str,
    /// What the client is told.
    message: &'static str,
    /// The client is told in two steps, with this first (RFC 7628 §3.2.2).
    first: Option<&'static [u8]>,
}

impl Refusal {
    fn new(reason: impl Into<Arc<str>>, code: &'static str, message: &'static str) -> Self {
        Self { reason: reason.into(), code, message, first: None }
    }
}

/// A login may be begun again so long after the last, as with Kafka (`KafkaChannel`), or when half
/// of a shorter one is over: librdkafka logs in with what is left of a token.
const LOGIN_INTERVAL_MS: i64 = 1_000;

pub struct SaslHandshake;
pub struct SaslAuthenticate;

impl Enforcement for SaslHandshake {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        handshake(facts, request).unwrap_or_else(Outcome::Close)
    }
}

impl Enforcement for SaslAuthenticate {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        authenticate(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn row(mechanism: Mechanism) -> Option<&'static dyn SaslMechanism> {
    MECHANISMS.iter().copied().find(|row| row.mechanism() == mechanism)
}

/// The mechanisms that the client of this connection may choose now.
fn offered(facts: &Facts<'_>) -> Vec<Mechanism> {
    let identity = &facts.cluster.identity;
    let is_offered = |row: &&&dyn SaslMechanism| match identity.checker {
        Checker::Lockgate => row.is_configured(identity),
        Checker::Broker => inspect::is_offered(row.mechanism(), identity),
    };
    let all = MECHANISMS.iter().filter(is_offered).map(|row| row.mechanism());
    match &facts.connection.subject {
        // Who logs in again does it as before (`SaslServerAuthenticator.ReauthInfo`).
        Some(subject) => all.filter(|mechanism| *mechanism == subject.mechanism).collect(),
        None => all.collect(),
    }
}

/// Whether a login may begin: the first, or one more where the last has an end.
fn may_begin(facts: &Facts<'_>) -> bool {
    let connection = &facts.connection;
    match (&connection.login, &connection.subject) {
        (Login::Fresh, None) => true,
        (Login::Complete, Some(_)) => {
            let began_at_ms = connection.login_began_at_ms;
            let since_ms = facts.now_ms.saturating_sub(began_at_ms);
            connection.expires_at_ms.is_some_and(|end| {
                let half_ms = end.saturating_sub(began_at_ms) / 2;
                since_ms >= LOGIN_INTERVAL_MS.min(half_ms)
            })
        }
        _ => false,
    }
}

fn handshake(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let message: SaslHandshakeRequest = codec::decode(key, version, &request.body())?;
    let mut answer = SaslHandshakeResponse::default();
    let offered = offered(facts);
    answer.mechanisms = offered.iter().map(|mechanism| codec::text(mechanism.as_str())).collect();
    if !may_begin(facts) {
        answer.error_code = ErrorCode::ILLEGAL_SASL_STATE.0;
        note_out_of_order(facts);
        let body = codec::encode(key, version, &answer)?;
        return Ok(Outcome::RespondThenClose(body, CloseReason::SecondLogin));
    }
    let chosen = offered.into_iter().find(|known| known.as_str() == &*message.mechanism);
    let Some(mechanism) = chosen else {
        // As a broker does it (`SaslServerAuthenticator`): the list of mechanisms, then the end.
        answer.error_code = ErrorCode::UNSUPPORTED_SASL_MECHANISM.0;
        let reason: Arc<str> = match facts.connection.subject {
            None => "the client asked for a mechanism that is not configured".into(),
            Some(_) => "the client asked for another mechanism than it logged in by".into(),
        };
        note_refusal(facts, Arc::clone(&reason), "mechanism");
        let body = codec::encode(key, version, &answer)?;
        return Ok(Outcome::RespondThenClose(body, CloseReason::LoginRefused(reason)));
    };
    facts.connection.login_began_at_ms = facts.now_ms;
    if facts.cluster.identity.checker == Checker::Broker {
        return Ok(inspect::handshake(facts, request, mechanism));
    }
    facts.connection.login = Login::Chosen(mechanism);
    Ok(Outcome::Respond(codec::encode(key, version, &answer)?))
}

fn authenticate(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let message: SaslAuthenticateRequest = codec::decode(key, version, &request.body())?;
    let mut answer = SaslAuthenticateResponse::default();
    let login = facts.connection.login.clone();
    let mechanism = match &login {
        Login::Chosen(mechanism) | Login::Challenged(mechanism, _) => *mechanism,
        Login::Inspected(stage) => return inspect::authenticate(facts, request, stage, &message),
        Login::Refused { reason } if facts.answers.paused => {
            answer.error_code = ErrorCode::SASL_AUTHENTICATION_FAILED.0;
            answer.error_message = Some(codec::text("the token was not accepted"));
            let body = codec::encode(key, version, &answer)?;
            return Ok(Outcome::RespondThenClose(
                body,
                CloseReason::LoginRefused(Arc::clone(reason)),
            ));
        }
        Login::Refused { .. } => return Ok(Outcome::Wait(smallvec![Need::Pause])),
        Login::Fresh | Login::Complete => {
            answer.error_code = ErrorCode::ILLEGAL_SASL_STATE.0;
            answer.error_message = Some(codec::text("SaslHandshake comes first, and once"));
            note_out_of_order(facts);
            let body = codec::encode(key, version, &answer)?;
            return Ok(Outcome::RespondThenClose(body, CloseReason::SecondLogin));
        }
    };
    let step = match row(mechanism) {
        Some(row) => row.step(facts, &login, &message.auth_bytes),
        None => return Err(CloseReason::SecondLogin),
    };
    match settled(facts, step, &message.auth_bytes) {
        Step::Wait(need) => Ok(Outcome::Wait(smallvec![need])),
        Step::Challenge { answer: bytes, next } => {
            facts.connection.login = next;
            answer.auth_bytes = bytes;
            Ok(Outcome::Respond(codec::encode(key, version, &answer)?))
        }
        Step::Done { answer: bytes, proven } => {
            answer.auth_bytes = bytes;
            answer.session_lifetime_ms = complete(facts, proven);
            Ok(Outcome::Respond(codec::encode(key, version, &answer)?))
        }
        Step::Refused(refusal) => refuse(facts, request, refusal),
    }
}

/// What of a step remains once everything but the message itself is looked at too: a login again
/// keeps its principal, there is a place for the connection, and with `upstream.auth: forward` the
/// broker takes the same message.
fn settled(facts: &mut Facts<'_>, step: Step, message: &Bytes) -> Step {
    let Step::Done { answer, mut proven } = step else { return step };
    if let Err(refusal) = unchanged(facts, &proven) {
        return Step::Refused(refusal);
    }
    if facts.cluster.broker_knows_user {
        match &facts.answers.upstream_login {
            None => {
                let mechanism = proven.subject.mechanism.as_str();
                return Step::Wait(Need::UpstreamLogin { mechanism, message: message.clone() });
            }
            Some(UpstreamLogin::Accepted { session_lifetime_ms }) => {
                proven.ends_within(facts.now_ms, *session_lifetime_ms);
            }
            Some(UpstreamLogin::Refused { reason }) => {
                let reason = format!("the broker refused the token: {reason}");
                return Step::Refused(oauthbearer::refusal(reason, "upstream"));
            }
        }
    }
    match take_seat(facts, &proven.subject.principal) {
        Ok(()) => Step::Done { answer, proven },
        Err(reason) => Step::Refused(entry::no_seat(&reason)),
    }
}

/// Ends a login that failed: at once in two steps, or after a while in one.
fn refuse(
    facts: &mut Facts<'_>,
    request: &Request,
    refusal: Refusal,
) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let mut answer = SaslAuthenticateResponse::default();
    let Refusal { reason, code, message, first } = refusal;
    if let Some(first) = first {
        note_refusal(facts, Arc::clone(&reason), code);
        facts.connection.login = Login::Refused { reason };
        answer.auth_bytes = Bytes::from_static(first);
        return Ok(Outcome::Respond(codec::encode(key, version, &answer)?));
    }
    if !facts.answers.paused {
        return Ok(Outcome::Wait(smallvec![Need::Pause]));
    }
    note_refusal(facts, Arc::clone(&reason), code);
    answer.error_code = ErrorCode::SASL_AUTHENTICATION_FAILED.0;
    answer.error_message = Some(codec::text(message));
    let body = codec::encode(key, version, &answer)?;
    Ok(Outcome::RespondThenClose(body, CloseReason::LoginRefused(reason)))
}

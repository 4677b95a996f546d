//! SaslHandshake (key 17) and SaslAuthenticate (key 36): the login ends here.
//!
//! Source: KIP-43, KIP-152, KIP-255; RFC 7628 for OAUTHBEARER. A token that is not taken is refused
//! in two steps: the server says so in a JSON body under error 0, the client answers one byte, and
//! then the login fails with error 58 (`OAuthBearerSaslServer` and `OAuthBearerSaslClient` of
//! Kafka).

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use smallvec::smallvec;

use super::Enforcement;
use super::evidence::session_row;
use super::facts::{Facts, Login, Notice, UpstreamLogin};
use super::outcome::{CloseReason, Need, Outcome, Request};
use crate::audit::{AuditDecision, EventKind, SessionFacts, groups_id};
use crate::auth::{self, Rejection, Verified};
use crate::identity::{Groups, Mechanism, Subject};
use crate::wire::{ErrorCode, codec};

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

fn handshake(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let message: SaslHandshakeRequest = codec::decode(key, version, &request.body())?;
    let mut answer = SaslHandshakeResponse::default();
    let offered: &[Mechanism] =
        if facts.cluster.identity.issuers.is_empty() { &[] } else { &[Mechanism::OauthBearer] };
    answer.mechanisms = offered.iter().map(|mechanism| codec::text(mechanism.as_str())).collect();
    if facts.connection.login != Login::Fresh || facts.connection.subject.is_some() {
        answer.error_code = ErrorCode::ILLEGAL_SASL_STATE.0;
        note_out_of_order(facts);
        let body = codec::encode(key, version, &answer)?;
        return Ok(Outcome::RespondThenClose(body, CloseReason::SecondLogin));
    }
    if offered.iter().any(|mechanism| mechanism.as_str() == &*message.mechanism) {
        facts.connection.login = Login::Chosen;
        return Ok(Outcome::Respond(codec::encode(key, version, &answer)?));
    }
    // As a broker does it (`SaslServerAuthenticator`): the list of mechanisms, then the end.
    answer.error_code = ErrorCode::UNSUPPORTED_SASL_MECHANISM.0;
    let reason: Arc<str> = "the client asked for a mechanism that is not configured".into();
    note_refusal(facts, Arc::clone(&reason), "mechanism");
    let body = codec::encode(key, version, &answer)?;
    Ok(Outcome::RespondThenClose(body, CloseReason::LoginRefused(reason)))
}

fn authenticate(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let (key, version) = (request.header.key, request.header.version);
    let message: SaslAuthenticateRequest = codec::decode(key, version, &request.body())?;
    let mut answer = SaslAuthenticateResponse::default();
    match facts.connection.login.clone() {
        Login::Fresh | Login::Complete => {
            answer.error_code = ErrorCode::ILLEGAL_SASL_STATE.0;
            answer.error_message = Some(codec::text("SaslHandshake comes first, and once"));
            note_out_of_order(facts);
            let body = codec::encode(key, version, &answer)?;
            Ok(Outcome::RespondThenClose(body, CloseReason::SecondLogin))
        }
        Login::Refused { reason } => {
            answer.error_code = ErrorCode::SASL_AUTHENTICATION_FAILED.0;
            answer.error_message = Some(codec::text("the token was not accepted"));
            let body = codec::encode(key, version, &answer)?;
            Ok(Outcome::RespondThenClose(body, CloseReason::LoginRefused(reason)))
        }
        Login::Chosen => match check(facts, &message.auth_bytes) {
            Verdict::Good(verified, issuer) => {
                complete(facts, &verified, issuer);
                Ok(Outcome::Respond(codec::encode(key, version, &answer)?))
            }
            Verdict::Wait(need) => Ok(Outcome::Wait(smallvec![need])),
            Verdict::Bad { reason, code } => {
                note_refusal(facts, Arc::clone(&reason), code);
                facts.connection.login = Login::Refused { reason };
                answer.auth_bytes = Bytes::from_static(auth::failure_body());
                Ok(Outcome::Respond(codec::encode(key, version, &answer)?))
            }
        },
    }
}

enum Verdict {
    Good(Box<Verified>, usize),
    Wait(Need),
    Bad { reason: Arc<str>, code: &'static str },
}

impl From<Rejection> for Verdict {
    fn from(rejection: Rejection) -> Self {
        Self::Bad { reason: rejection.to_string().into(), code: rejection.code() }
    }
}

fn check(facts: &Facts<'_>, message: &Bytes) -> Verdict {
    let token = match auth::initial_response(message) {
        Ok(token) => token,
        Err(fault) => return Verdict::Bad { reason: fault.to_string().into(), code: "sasl" },
    };
    let issuers = &facts.cluster.identity.issuers;
    let named = match auth::issuer_of(&token) {
        Ok(named) => named,
        Err(rejection) => return rejection.into(),
    };
    let Some((index, issuer)) =
        issuers.iter().enumerate().find(|(_, issuer)| issuer.rules.issuer == named)
    else {
        return Rejection::UnknownIssuer.into();
    };
    let fresh = |key_id| Verdict::Wait(Need::FreshKeys { issuer: index, key_id });
    let Some(keys) = issuer.keys.current() else {
        return if facts.answers.keys_refreshed {
            Rejection::KeysUnavailable.into()
        } else {
            fresh(None)
        };
    };
    match auth::verify(&token, &issuer.rules, &keys, facts.now_seconds()) {
        Ok(verified) => check_upstream(facts, message, verified, index),
        Err(Rejection::UnknownKey { key_id }) if !facts.answers.keys_refreshed => {
            fresh(Some(key_id))
        }
        Err(rejection) => rejection.into(),
    }
}

/// With `upstream.auth: forward` the broker must take the same token.
fn check_upstream(
    facts: &Facts<'_>,
    message: &Bytes,
    verified: Verified,
    issuer: usize,
) -> Verdict {
    if !facts.cluster.broker_knows_user {
        return Verdict::Good(Box::new(verified), issuer);
    }
    match &facts.answers.upstream_login {
        None => Verdict::Wait(Need::UpstreamLogin {
            mechanism: Mechanism::OauthBearer.as_str(),
            message: message.clone(),
        }),
        Some(UpstreamLogin::Accepted { session_lifetime_ms }) => {
            let mut verified = verified;
            if *session_lifetime_ms > 0 {
                let end = facts.now_ms.saturating_add(*session_lifetime_ms).div_euclid(1000);
                verified.expires_at_seconds = verified.expires_at_seconds.min(end);
            }
            Verdict::Good(Box::new(verified), issuer)
        }
        Some(UpstreamLogin::Refused { reason }) => Verdict::Bad {
            reason: format!("the broker refused the token: {reason}").into(),
            code: "upstream",
        },
    }
}

fn complete(facts: &mut Facts<'_>, verified: &Verified, issuer: usize) {
    let Some(issuer) = facts.cluster.identity.issuers.get(issuer) else { return };
    let principal = verified.principal(&issuer.rules);
    let directory = facts.cluster.identity.directory.as_ref();
    let groups = directory
        .and_then(|source| source.groups(&principal))
        .map_or(Groups::Unknown, Groups::Known);
    let subject = verified.subject(&issuer.rules, groups);
    facts.connection.expires_at_ms = Some(verified.expires_at_seconds.saturating_mul(1000));
    enter(facts, subject, Some(Arc::from(verified.token_id_hash.as_str())));
}

/// Gives the connection to `subject`, with the rows that say so.
pub fn enter(facts: &mut Facts<'_>, subject: Subject, token_id_hash: Option<Arc<str>>) {
    let mut evidence = SessionFacts::clone(&facts.connection.evidence);
    let principal: Arc<str> = Arc::from(subject.principal.to_string());
    evidence.principal = Some(Arc::clone(&principal));
    evidence.principal_type = Some(Arc::clone(&subject.principal.kind));
    evidence.auth_mech = Some(subject.mechanism.as_str());
    evidence.token_jti_hash = token_id_hash;
    if let Groups::Known(groups) = &subject.groups {
        evidence.groups_id = Some(Arc::from(groups_id(groups)));
    }
    let evidence = Arc::new(evidence);
    facts.connection.evidence = Arc::clone(&evidence);
    if subject.mechanism != Mechanism::Anonymous {
        let mut login = session_row(EventKind::Auth, &evidence);
        login.decision = Some(AuditDecision::Allow);
        login.error_code = Some(ErrorCode::NONE.0);
        facts.effects.evidence.rows.push(login);
    }
    let mut start = session_row(EventKind::SessionStart, &evidence);
    start.policy_revision = Some(Arc::clone(facts.policy.revision()));
    facts.effects.evidence.rows.push(start);
    facts.effects.notices.push(Notice::LoggedIn { principal, groups: subject.groups.clone() });
    facts.connection.plans.clear();
    facts.connection.decisions.clear();
    facts.connection.subject = Some(Arc::new(subject));
    facts.connection.login = Login::Complete;
}

fn note_refusal(facts: &mut Facts<'_>, reason: Arc<str>, code: &'static str) {
    let mut row = session_row(EventKind::Auth, &facts.connection.evidence);
    row.decision = Some(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::SASL_AUTHENTICATION_FAILED.0);
    row.message = Some(Arc::clone(&reason));
    facts.effects.evidence.rows.push(row);
    facts.effects.notices.push(Notice::LoginRefused { reason, code });
}

/// A login that comes where none may: the connection ends, and a row says why.
fn note_out_of_order(facts: &mut Facts<'_>) {
    let mut row = session_row(EventKind::Auth, &facts.connection.evidence);
    row.decision = Some(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::ILLEGAL_SASL_STATE.0);
    row.message = Some(CloseReason::SecondLogin.to_string().into());
    facts.effects.evidence.rows.push(row);
}

//! `identity.mode: inspect`: SASL frames go to the broker, which decides; what is learned on the
//! way is who it was.
//!
//! A name is believed when the broker says that the login is done, not before: for SCRAM that is
//! the answer to the proof. A token is verified here too, for its groups and its end. What cannot
//! be learned from is not offered: mechanisms with layers of their own, delegation tokens, tokens
//! of an issuer that is not configured.

use std::sync::Arc;

use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeResponse,
};
use smallvec::smallvec;

use super::entry::{Proven, complete, no_seat, note_out_of_order, note_refusal, unchanged};
use super::{Claim, Login, Refusal, offered, refuse, row, take_seat};
use crate::enforce::facts::{Facts, Identity};
use crate::enforce::outcome::{
    CloseReason, Forward, Judge, Outcome, Request, Response, ResponseOutcome,
};
use crate::enforce::{Judged, settled};
use crate::identity::{ISSUER_SEPARATOR, Mechanism};
use crate::wire::{ErrorCode, codec};

/// How far a login has come that the broker checks.
#[derive(Clone, Debug)]
pub enum Stage {
    /// The broker was asked for a mechanism, or has a message of the client: its answer comes
    /// first.
    Asked,
    /// The broker takes the mechanism.
    Chosen(Mechanism),
    /// The client was challenged and owes the broker a proof that it is so.
    Claimed(Box<Proven>),
    /// The broker has refused; what is left to say is between the two.
    Refused,
}

/// Whether something can be learned of a login by this mechanism.
pub fn is_offered(mechanism: Mechanism, identity: &Identity) -> bool {
    match mechanism {
        Mechanism::OauthBearer => !identity.issuers.is_empty(),
        Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512 => true,
        Mechanism::Anonymous | Mechanism::Ssl => false,
    }
}

pub fn handshake(facts: &mut Facts<'_>, request: &Request, mechanism: Mechanism) -> Outcome {
    facts.connection.login = Login::Inspected(Stage::Asked);
    Outcome::Forward(Forward::judged(request, Handshake(mechanism)))
}

struct Handshake(Mechanism);

impl Judge for Handshake {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.answer(facts, response))
    }
}

impl Handshake {
    fn answer(&self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let mut answer: SaslHandshakeResponse =
            codec::decode(response.key, response.version, &response.body())?;
        if answer.error_code == ErrorCode::NONE.0 {
            facts.connection.login = Login::Inspected(Stage::Chosen(self.0));
        } else {
            facts.connection.login = Login::Inspected(Stage::Refused);
            let reason =
                format!("the broker answered error {} to SaslHandshake", answer.error_code);
            note_refusal(facts, reason.into(), "upstream");
        }
        let offered = offered(facts);
        answer.mechanisms.retain(|name| offered.iter().any(|known| known.as_str() == &**name));
        let body = codec::encode(response.key, response.version, &answer)?;
        Ok(ResponseOutcome::Forward(response.with_body(body)))
    }
}

pub fn authenticate(
    facts: &mut Facts<'_>,
    request: &Request,
    stage: &Stage,
    message: &SaslAuthenticateRequest,
) -> Result<Outcome, CloseReason> {
    let authenticate = match stage {
        Stage::Asked => return out_of_order(facts, request),
        Stage::Refused => return Ok(Outcome::Forward(Forward::unchanged(request))),
        Stage::Claimed(proven) => {
            let mechanism = proven.subject.mechanism;
            Authenticate { mechanism, last: true, proven: proven.clone() }
        }
        Stage::Chosen(mechanism) => {
            let Some(row) = row(*mechanism) else { return Err(CloseReason::SecondLogin) };
            let (last, proven) = match row.claim(facts, &message.auth_bytes) {
                Claim::Wait(need) => return Ok(Outcome::Wait(smallvec![need])),
                Claim::Refused(refusal) => return refuse_here(facts, request, refusal),
                Claim::First(proven) => (false, proven),
                Claim::Last(proven) => (true, proven),
            };
            // Nobody's credentials reach the broker on somebody else's connection.
            let may_be = as_named(*mechanism, &proven).and_then(|()| unchanged(facts, &proven));
            if let Err(refusal) = may_be {
                return refuse_here(facts, request, refusal);
            }
            Authenticate { mechanism: *mechanism, last, proven: Box::new(proven) }
        }
    };
    facts.connection.login = Login::Inspected(Stage::Asked);
    Ok(Outcome::Forward(Forward::judged(request, authenticate)))
}

/// Of a token `issuer|user` was verified; a broker's user of that name would be taken for it.
fn as_named(mechanism: Mechanism, proven: &Proven) -> Result<(), Refusal> {
    let name = &proven.subject.principal.name;
    if mechanism == Mechanism::OauthBearer || !name.contains(ISSUER_SEPARATOR) {
        return Ok(());
    }
    let reason = format!("a name that is proven by a password may not hold `{ISSUER_SEPARATOR}`");
    Err(Refusal::new(reason, "principal", "Authentication failed"))
}

fn out_of_order(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let mut answer = SaslAuthenticateResponse::default();
    answer.error_code = ErrorCode::ILLEGAL_SASL_STATE.0;
    note_out_of_order(facts);
    let body = codec::encode(request.header.key, request.header.version, &answer)?;
    Ok(Outcome::RespondThenClose(body, CloseReason::SecondLogin))
}

/// A refusal of Lockgate's own has one step: the broker knows nothing of it.
fn refuse_here(
    facts: &mut Facts<'_>,
    request: &Request,
    refusal: Refusal,
) -> Result<Outcome, CloseReason> {
    refuse(facts, request, Refusal { first: None, ..refusal })
}

/// A message of the client is at the broker.
struct Authenticate {
    mechanism: Mechanism,
    /// Whether the broker's agreement completes the login.
    last: bool,
    proven: Box<Proven>,
}

impl Judge for Authenticate {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.answer(facts, response))
    }
}

impl Authenticate {
    fn answer(&self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let (key, version) = (response.key, response.version);
        let mut answer: SaslAuthenticateResponse = codec::decode(key, version, &response.body())?;
        if let Some(reason) = self.refused(&answer) {
            facts.connection.login = Login::Inspected(Stage::Refused);
            note_refusal(facts, reason, "upstream");
            return Ok(ResponseOutcome::unchanged(response));
        }
        if !self.last {
            facts.connection.login = Login::Inspected(Stage::Claimed(self.proven.clone()));
            return Ok(ResponseOutcome::unchanged(response));
        }
        if let Err(full) = take_seat(facts, &self.proven.subject.principal) {
            let Refusal { reason, code, message, .. } = no_seat(&full);
            note_refusal(facts, Arc::clone(&reason), code);
            facts.connection.login = Login::Refused { reason };
            let mut refusal = SaslAuthenticateResponse::default();
            refusal.error_code = ErrorCode::SASL_AUTHENTICATION_FAILED.0;
            refusal.error_message = Some(codec::text(message));
            let body = codec::encode(key, version, &refusal)?;
            return Ok(ResponseOutcome::Forward(response.with_body(body)));
        }
        let mut proven = Proven::clone(&self.proven);
        proven.ends_within(facts.now_ms, answer.session_lifetime_ms);
        answer.session_lifetime_ms = complete(facts, proven);
        let body = codec::encode(key, version, &answer)?;
        Ok(ResponseOutcome::Forward(response.with_body(body)))
    }

    /// Why the broker does not agree, if it does not.
    fn refused(&self, answer: &SaslAuthenticateResponse) -> Option<Arc<str>> {
        if answer.error_code != ErrorCode::NONE.0 {
            return Some(format!("the broker refused: error {}", answer.error_code).into());
        }
        let agrees = match self.mechanism {
            // RFC 7628 §3.2.2: anything it says is why it does not.
            Mechanism::OauthBearer | Mechanism::Plain => answer.auth_bytes.is_empty(),
            Mechanism::ScramSha256 | Mechanism::ScramSha512 if self.last => {
                answer.auth_bytes.starts_with(b"v=")
            }
            Mechanism::ScramSha256 | Mechanism::ScramSha512 => answer.auth_bytes.starts_with(b"r="),
            Mechanism::Anonymous | Mechanism::Ssl => false,
        };
        (!agrees).then(|| "the broker refused".into())
    }
}

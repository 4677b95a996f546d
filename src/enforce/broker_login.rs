//! A login at a broker, message by message: with a credential of Lockgate's own, or with the
//! client's message as it came.

use std::fmt;

use bytes::Bytes;
use kafka_protocol::messages::SaslAuthenticateResponse;

use super::facts::UpstreamLogin;
use crate::auth::scram::{self, AwaitsChallenge, AwaitsSignature, ScramHash};
use crate::wire::ErrorCode;

/// Words of a broker that a log or a row repeats.
const WORDS_MAX: usize = 200;

/// What Lockgate logs in with, once: `io` has read or fetched it, and drawn the nonce.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    Plain { username: String, password: String },
    Scram { hash: ScramHash, username: String, password: String, nonce: String },
    OauthBearer { token: String },
}

/// One login on its way: the message that is sent next, and what its answer must be.
pub struct BrokerLogin {
    mechanism: &'static str,
    message: Bytes,
    awaits: Awaits,
}

enum Awaits {
    /// Nothing but the broker's yes.
    Acceptance,
    Challenge(AwaitsChallenge),
    Signature(AwaitsSignature),
}

/// What the broker's answer leads to.
pub enum LoginStep {
    Next(BrokerLogin),
    Done(UpstreamLogin),
}

impl Credential {
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::Scram { hash, .. } => hash.mechanism(),
            Self::OauthBearer { .. } => "OAUTHBEARER",
        }
    }
}

impl BrokerLogin {
    /// The first message of a login with a credential of Lockgate's own.
    #[must_use]
    pub fn own(credential: &Credential) -> Self {
        let mechanism = credential.mechanism();
        let (message, awaits) = match credential {
            // RFC 4616: no authorization id.
            Credential::Plain { username, password } => {
                (format!("\0{username}\0{password}").into_bytes(), Awaits::Acceptance)
            }
            Credential::Scram { hash, username, password, nonce } => {
                let (first, next) = scram::client_first(*hash, username, password, nonce);
                (first, Awaits::Challenge(next))
            }
            // RFC 7628 §3.1.
            Credential::OauthBearer { token } => {
                let message = format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}");
                (message.into_bytes(), Awaits::Acceptance)
            }
        };
        Self { mechanism, message: message.into(), awaits }
    }

    /// A login of one message that a client wrote.
    #[must_use]
    pub const fn forwarded(mechanism: &'static str, message: Bytes) -> Self {
        Self { mechanism, message, awaits: Awaits::Acceptance }
    }

    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// What is sent next.
    #[must_use]
    pub fn message(&self) -> Bytes {
        self.message.clone()
    }

    /// Reads the answer to [`Self::message`].
    #[must_use]
    pub fn answered(self, answer: &SaslAuthenticateResponse) -> LoginStep {
        if answer.error_code != ErrorCode::NONE.0 {
            let words = answer.error_message.as_deref().unwrap_or_default();
            let reason = format!("error {} to SaslAuthenticate", answer.error_code);
            return LoginStep::Done(refused(reason, words));
        }
        let session_lifetime_ms = answer.session_lifetime_ms;
        let accepted = LoginStep::Done(UpstreamLogin::Accepted { session_lifetime_ms });
        match self.awaits {
            Awaits::Acceptance if answer.auth_bytes.is_empty() => accepted,
            // The first step of a refusal (RFC 7628 §3.2.2).
            Awaits::Acceptance => LoginStep::Done(refused(
                "its own check of the credential failed".to_owned(),
                &String::from_utf8_lossy(&answer.auth_bytes),
            )),
            Awaits::Challenge(state) => match state.answer(&answer.auth_bytes) {
                Ok((message, next)) => LoginStep::Next(Self {
                    mechanism: self.mechanism,
                    message: message.into(),
                    awaits: Awaits::Signature(next),
                }),
                Err(fault) => LoginStep::Done(refused(fault.to_string(), "")),
            },
            Awaits::Signature(state) => match state.check(&answer.auth_bytes) {
                Ok(()) => accepted,
                Err(fault) => LoginStep::Done(refused(fault.to_string(), "")),
            },
        }
    }
}

/// A refusal with the broker's words, cut to what is fit for a log.
pub(super) fn refused(reason: String, words: &str) -> UpstreamLogin {
    let plain = words.chars().filter(|character| !character.is_control());
    let words: String = plain.take(WORDS_MAX).collect();
    let reason = if words.is_empty() { reason } else { format!("{reason} ({words})") };
    UpstreamLogin::Refused { reason }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match self {
            Self::Plain { password, .. } | Self::Scram { password, .. } => password.len(),
            Self::OauthBearer { token } => token.len(),
        };
        write!(out, "Credential({}, {bytes} bytes)", self.mechanism())
    }
}

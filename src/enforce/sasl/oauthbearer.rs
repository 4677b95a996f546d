//! OAUTHBEARER (RFC 7628, KIP-255).
//!
//! A token that is not taken is refused in two steps: the server says so in a JSON body under error
//! 0, the client answers one byte, and then the login fails with error 58 (`OAuthBearerSaslServer`
//! and `OAuthBearerSaslClient` of Kafka).

use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Proven, directory_groups};
use super::{Claim, Login, Refusal, SaslMechanism, Step};
use crate::auth::{self, Rejection, Verified};
use crate::enforce::facts::{Facts, Identity, Issuer};
use crate::enforce::outcome::Need;
use crate::identity::Mechanism;

pub struct OauthBearer;

impl SaslMechanism for OauthBearer {
    fn mechanism(&self) -> Mechanism {
        Mechanism::OauthBearer
    }

    fn is_configured(&self, identity: &Identity) -> bool {
        !identity.issuers.is_empty()
    }

    fn step(&self, facts: &mut Facts<'_>, _login: &Login, message: &Bytes) -> Step {
        match check(facts, message) {
            Ok(proven) => Step::Done { answer: Bytes::new(), proven },
            Err(Unproven::Wait(need)) => Step::Wait(need),
            Err(Unproven::Refused(refusal)) => Step::Refused(refusal),
        }
    }

    fn claim(&self, facts: &mut Facts<'_>, message: &Bytes) -> Claim {
        match check(facts, message) {
            Ok(proven) => Claim::Last(proven),
            Err(Unproven::Wait(need)) => Claim::Wait(need),
            Err(Unproven::Refused(refusal)) => Claim::Refused(refusal),
        }
    }
}

/// Why nobody is proven by a message.
enum Unproven {
    Wait(Need),
    Refused(Refusal),
}

impl From<Rejection> for Unproven {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(refusal(rejection.to_string(), rejection.code()))
    }
}

/// A refusal in two steps.
pub fn refusal(reason: String, code: &'static str) -> Refusal {
    let refusal = Refusal::new(reason, code, "the token was not accepted");
    Refusal { first: Some(auth::failure_body()), ..refusal }
}

fn check(facts: &Facts<'_>, message: &Bytes) -> Result<Proven, Unproven> {
    let token = auth::initial_response(message)
        .map_err(|fault| Unproven::Refused(refusal(fault.to_string(), "sasl")))?;
    let issuers = &facts.cluster.identity.issuers;
    let named = auth::issuer_of(&token)?;
    let (index, issuer) = issuers
        .iter()
        .enumerate()
        .find(|(_, issuer)| issuer.rules.issuer == named)
        .ok_or(Rejection::UnknownIssuer)?;
    let fresh = |key_id| Unproven::Wait(Need::FreshKeys { issuer: index, key_id });
    let Some(keys) = issuer.keys.current() else {
        return Err(if facts.answers.keys_refreshed {
            Rejection::KeysUnavailable.into()
        } else {
            fresh(None)
        });
    };
    match auth::verify(&token, &issuer.rules, &keys, facts.now_seconds()) {
        Ok(verified) => proven(facts, issuer, &verified),
        Err(Rejection::UnknownKey { key_id }) if !facts.answers.keys_refreshed => {
            Err(fresh(Some(key_id)))
        }
        Err(rejection) => Err(rejection.into()),
    }
}

fn proven(facts: &Facts<'_>, issuer: &Issuer, verified: &Verified) -> Result<Proven, Unproven> {
    let principal = verified.principal(&issuer.rules);
    // Without an issuer's name before it, a name can be one person's only (docs/adr/0019).
    if principal.issuer.is_none() && facts.cluster.identity.has_local_user(&principal.name) {
        let reason = format!("the token's principal {principal} is a user of the users file");
        return Err(Unproven::Refused(refusal(reason, "principal")));
    }
    let directory = directory_groups(facts, &principal);
    Ok(Proven {
        subject: verified.subject(&issuer.rules, directory),
        ends_at_ms: Some(verified.expires_at_seconds.saturating_mul(1000)),
        token_id_hash: Some(Arc::from(verified.token_id_hash.as_str())),
    })
}

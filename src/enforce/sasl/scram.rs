//! SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) against the users file, as Kafka's
//! `ScramSaslServer` speaks them.

use bytes::Bytes;

use super::entry::Proven;
use super::{Claim, Login, Refusal, SaslMechanism, Step};
use crate::auth::plain::is_name;
use crate::auth::scram::{AwaitsProof, ClientFirst, ScramHash, Secret};
use crate::enforce::facts::{Facts, Identity};
use crate::identity::{Groups, Mechanism};

/// The extension by which a client of Kafka logs in with a delegation token (KIP-48), which is not
/// to be had here.
const TOKEN_EXTENSION: &str = "tokenauth";

pub struct Scram(pub ScramHash);

impl SaslMechanism for Scram {
    fn mechanism(&self) -> Mechanism {
        match self.0 {
            ScramHash::Sha256 => Mechanism::ScramSha256,
            ScramHash::Sha512 => Mechanism::ScramSha512,
        }
    }

    fn is_configured(&self, identity: &Identity) -> bool {
        identity.scram.as_ref().is_some_and(|scram| scram.hashes.contains(&self.0))
    }

    fn step(&self, facts: &mut Facts<'_>, login: &Login, message: &Bytes) -> Step {
        match login {
            Login::Challenged(_, challenge) => self.check(facts, challenge, message),
            Login::Fresh
            | Login::Chosen(_)
            | Login::Refused { .. }
            | Login::Complete
            | Login::Inspected(_) => self.challenge(facts, message),
        }
    }

    fn claim(&self, facts: &mut Facts<'_>, message: &Bytes) -> Claim {
        match self.first(message) {
            Ok(first) => {
                let (mechanism, own) = (self.mechanism(), Groups::Unknown);
                Claim::First(Proven::by_password(facts, &first.username, mechanism, own))
            }
            Err(refusal) => Claim::Refused(refusal),
        }
    }
}

impl Scram {
    fn refusal(&self, reason: &str, code: &'static str) -> Refusal {
        // The words of Kafka's `SaslServerAuthenticator`.
        let message = match self.0 {
            ScramHash::Sha256 => {
                "Authentication failed during authentication due to invalid credentials with SASL \
                 mechanism SCRAM-SHA-256"
            }
            ScramHash::Sha512 => {
                "Authentication failed during authentication due to invalid credentials with SASL \
                 mechanism SCRAM-SHA-512"
            }
        };
        Refusal::new(reason, code, message)
    }

    /// The client's first message, if nothing in it is out of place.
    fn first(&self, message: &Bytes) -> Result<ClientFirst, Refusal> {
        let first = ClientFirst::parse(message)
            .map_err(|fault| self.refusal(&fault.to_string(), "sasl"))?;
        if !is_name(&first.username) {
            return Err(self.refusal("the user's name has control characters", "sasl"));
        }
        if first.authorization_id.as_ref().is_some_and(|id| *id != first.username) {
            let reason = "the client asked to act as another user than it logs in as (authzid)";
            return Err(self.refusal(reason, "sasl"));
        }
        if first.extensions.iter().any(|(name, _)| name == TOKEN_EXTENSION) {
            let reason = "the client asked to log in with a delegation token";
            return Err(self.refusal(reason, "mechanism"));
        }
        Ok(first)
    }

    fn challenge(&self, facts: &mut Facts<'_>, message: &Bytes) -> Step {
        let first = match self.first(message) {
            Ok(first) => first,
            Err(refusal) => return Step::Refused(refusal),
        };
        let identity = &facts.cluster.identity;
        let Some(scram) = &identity.scram else {
            return Step::Refused(self.refusal("no user may use SCRAM", "mechanism"));
        };
        let fallback = Secret::new(identity.secret.to_vec());
        let verifier = scram.users.current().verifier(self.0, &first.username, &fallback);
        let nonce = facts.connection.ids.nonce(&identity.secret);
        let (answer, challenge) = AwaitsProof::new(self.0, first, &verifier, &nonce);
        let next = Login::Challenged(self.mechanism(), Box::new(challenge));
        Step::Challenge { answer: answer.into(), next }
    }

    fn check(&self, facts: &Facts<'_>, challenge: &AwaitsProof, message: &Bytes) -> Step {
        let proof = match challenge.check(message) {
            Ok(proof) => proof,
            Err(fault) => return Step::Refused(self.refusal(&fault.to_string(), "sasl")),
        };
        let name = challenge.username();
        let scram = facts.cluster.identity.scram.as_ref();
        let users = scram.map(|scram| scram.users.current());
        let user = users.as_ref().and_then(|users| users.user(name));
        match (proof, user) {
            (Some(answer), Some(user)) => {
                let (mechanism, own) = (self.mechanism(), user.known_groups());
                let proven = Proven::by_password(facts, name, mechanism, own);
                Step::Done { answer: answer.into(), proven }
            }
            _ => {
                let reason = "no such user, or another password";
                Step::Refused(self.refusal(reason, "credentials"))
            }
        }
    }
}

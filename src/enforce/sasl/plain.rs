//! PLAIN (RFC 4616) against the users file: the password is salted as the user's verifier was, off
//! the threads that move everybody's bytes, and compared.

use std::sync::Arc;

use bytes::Bytes;

use super::entry::Proven;
use super::{Claim, Login, Refusal, SaslMechanism, Step};
use crate::auth::plain::{PlainMessage, Salting};
use crate::auth::scram::{ScramHash, Secret};
use crate::enforce::facts::{Facts, Identity, UserSource};
use crate::enforce::outcome::Need;
use crate::identity::{Groups, Mechanism};

/// What Kafka's `PlainSaslServer` says.
const INVALID: &str = "Authentication failed: Invalid username or password";

pub struct Plain;

impl SaslMechanism for Plain {
    fn mechanism(&self) -> Mechanism {
        Mechanism::Plain
    }

    fn is_configured(&self, identity: &Identity) -> bool {
        identity.plain.is_some()
    }

    fn step(&self, facts: &mut Facts<'_>, _login: &Login, message: &Bytes) -> Step {
        let said = match PlainMessage::parse(message) {
            Ok(said) => said,
            Err(fault) => return Step::Refused(Refusal::new(fault.to_string(), "sasl", INVALID)),
        };
        let Some(source) = &facts.cluster.identity.plain else {
            return Step::Refused(Refusal::new("no user may use PLAIN", "mechanism", INVALID));
        };
        check(facts, source, said)
    }

    fn claim(&self, facts: &mut Facts<'_>, message: &Bytes) -> Claim {
        match PlainMessage::parse(message) {
            Ok(said) => {
                let mechanism = self.mechanism();
                let own = Groups::Unknown;
                Claim::Last(Proven::by_password(facts, &said.username, mechanism, own))
            }
            Err(fault) => Claim::Refused(Refusal::new(fault.to_string(), "sasl", INVALID)),
        }
    }
}

fn check(facts: &Facts<'_>, source: &Arc<dyn UserSource>, said: PlainMessage) -> Step {
    let users = source.current();
    let user = users.user(&said.username);
    // SHA-512 where there is one; nobody is checked as most are.
    let hash = match user {
        Some(user) if user.sha512.is_some() => ScramHash::Sha512,
        Some(_) => ScramHash::Sha256,
        None => users.usual_hash(),
    };
    let fallback = Secret::new(facts.cluster.identity.secret.to_vec());
    let verifier = users.verifier(hash, &said.username, &fallback);
    let Some(salted) = &facts.answers.salted else {
        let (salt, iterations) = (verifier.salt, verifier.iterations);
        let salting = Salting { hash, password: said.password, salt, iterations };
        return Step::Wait(Need::Salted(salting));
    };
    match user {
        Some(user) if verifier.takes(hash, salted) => {
            let own = user.known_groups();
            let proven = Proven::by_password(facts, &said.username, Mechanism::Plain, own);
            Step::Done { answer: Bytes::new(), proven }
        }
        Some(_) | None => {
            let reason = "no such user, or another password";
            Step::Refused(Refusal::new(reason, "credentials", INVALID))
        }
    }
}

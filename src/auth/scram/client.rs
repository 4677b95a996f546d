//! The client's half: three messages, each state consumed by the next.

use std::fmt;
use std::num::NonZeroU32;

use super::message::{ClientFinal, ClientFirst, ScramFault, ServerFinal, ServerFirst, refused};
use super::{ScramHash, Secret, ServerKeys, auth_message, client_proof, salted_password};

/// A nonce of fewer random bytes could be met again.
pub const NONCE_BYTES_MIN: usize = 16;

/// The first message, and the state that waits for its answer. `nonce` is random and printable,
/// made of at least [`NONCE_BYTES_MIN`] random bytes, and has no comma.
#[must_use]
pub fn client_first(
    hash: ScramHash,
    username: &str,
    password: &str,
    nonce: &str,
) -> (Vec<u8>, AwaitsChallenge) {
    let first = ClientFirst::new(username, nonce);
    let message = first.encode();
    (message, AwaitsChallenge { hash, password: password.to_owned(), first })
}

/// Waits for salt and iterations.
pub struct AwaitsChallenge {
    hash: ScramHash,
    password: String,
    first: ClientFirst,
}

impl AwaitsChallenge {
    /// Answers the server's first message with the proof.
    ///
    /// # Errors
    /// [`ScramFault`] where the message is not one, its nonce is not the client's with something
    /// added, or it asks for too few or too many iterations.
    pub fn answer(self, bytes: &[u8]) -> Result<(Vec<u8>, AwaitsSignature), ScramFault> {
        let challenge = ServerFirst::parse(bytes)?;
        let added = challenge.nonce.strip_prefix(self.first.nonce.as_str());
        if added.is_none_or(str::is_empty) {
            return Err(ScramFault::Nonce);
        }
        let iterations = NonZeroU32::new(challenge.iterations).ok_or(ScramFault::Iterations(0))?;
        let salted = salted_password(self.hash, &self.password, &challenge.salt, iterations);
        let signed = auth_message(
            &self.first.bare,
            &challenge.text,
            &ClientFinal::without_proof(&challenge.nonce),
        );
        let proof = client_proof(self.hash, &salted, &signed);
        let keys = ServerKeys::of(self.hash, &salted);
        let signature = Secret::new(keys.signature(self.hash, &signed));
        Ok((ClientFinal::new(&challenge.nonce, proof).encode(), AwaitsSignature { signature }))
    }
}

/// Waits for the proof that the server knows the password's keys too.
#[derive(Debug)]
pub struct AwaitsSignature {
    signature: Secret,
}

impl AwaitsSignature {
    /// Checks the server's last message.
    ///
    /// # Errors
    /// [`ScramFault::Refused`] with the server's words; [`ScramFault::ServerSignature`] where
    /// somebody else answered.
    pub fn check(self, bytes: &[u8]) -> Result<(), ScramFault> {
        match ServerFinal::parse(bytes)? {
            ServerFinal::Refused(reason) => Err(refused(&reason)),
            ServerFinal::Signature(signature) if self.signature.equals(&signature) => Ok(()),
            ServerFinal::Signature(_) => Err(ScramFault::ServerSignature),
        }
    }
}

impl fmt::Debug for AwaitsChallenge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AwaitsChallenge")
            .field("hash", &self.hash)
            .field("password_bytes", &self.password.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientFinal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClientFinal({} bytes of proof)", self.proof.len())
    }
}

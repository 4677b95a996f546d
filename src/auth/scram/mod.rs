//! SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), as Kafka speaks them.
//!
//! Pure: passwords, salts and nonces come in, proofs go out. As in Kafka's `ScramFormatter`, a
//! password is its UTF-8 bytes without SASLprep, there is no channel binding, and names are
//! escaped.

mod client;
mod message;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};

pub use client::{AwaitsChallenge, AwaitsSignature, NONCE_BYTES_MIN, client_first};
pub use message::{
    ClientFinal, ClientFirst, MESSAGE_BYTES_MAX, ScramFault, ServerFinal, ServerFirst,
};
pub use server::{AwaitsProof, SALT_BYTES, Verifier};

/// The fewest iterations that are accepted (RFC 7677 §4, Kafka's `ScramMechanism`).
pub const ITERATIONS_MIN: u32 = 4096;
/// The most: what a peer may make this side compute.
pub const ITERATIONS_MAX: u32 = 100_000;

/// The hash that a SCRAM mechanism is built on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum ScramHash {
    Sha256,
    Sha512,
}

impl ScramHash {
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The mechanism of this name, as IANA registers it.
    #[must_use]
    pub fn of_mechanism(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.mechanism() == name)
    }

    #[must_use]
    pub const fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// The length of every key, proof and signature.
    #[must_use]
    pub const fn output_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> Secret {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        Secret(digest::digest(algorithm, bytes).as_ref().to_vec())
    }

    /// The keyed hash of `bytes`.
    #[must_use]
    pub fn hmac(self, key: &[u8], bytes: &[u8]) -> Secret {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        Secret(hmac::sign(&hmac::Key::new(algorithm, key), bytes).as_ref().to_vec())
    }
}

/// Bytes that nobody may read; `Debug` shows their number.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. They are never to be logged.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compared without telling by the time taken where they differ.
    #[must_use]
    pub fn equals(&self, other: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, other).is_ok()
    }

    fn xor(&self, other: &[u8]) -> Self {
        Self(self.0.iter().zip(other).map(|(left, right)| left ^ right).collect())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({} bytes)", self.0.len())
    }
}

/// `SaltedPassword := Hi(password, salt, i)`.
#[must_use]
pub fn salted_password(
    hash: ScramHash,
    password: &str,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Secret {
    let algorithm = match hash {
        ScramHash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        ScramHash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    };
    let mut salted = vec![0; hash.output_bytes()];
    pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut salted);
    Secret(salted)
}

/// What a server keeps of a password: enough to check it, not enough to log in with it elsewhere.
#[derive(Clone, Debug)]
pub struct ServerKeys {
    pub stored_key: Secret,
    pub server_key: Secret,
}

impl ServerKeys {
    #[must_use]
    pub fn of(hash: ScramHash, salted_password: &Secret) -> Self {
        let client_key = hash.hmac(&salted_password.0, b"Client Key");
        Self {
            stored_key: hash.digest(&client_key.0),
            server_key: hash.hmac(&salted_password.0, b"Server Key"),
        }
    }

    /// Whether the client's proof shows that it knows the password.
    #[must_use]
    pub fn proves(&self, hash: ScramHash, auth_message: &str, proof: &[u8]) -> bool {
        if proof.len() != hash.output_bytes() {
            return false;
        }
        let signature = hash.hmac(&self.stored_key.0, auth_message.as_bytes());
        let client_key = signature.xor(proof);
        hash.digest(&client_key.0).equals(&self.stored_key.0)
    }

    /// What shows the client that the server knows its keys: `v=` of the last message.
    #[must_use]
    pub fn signature(&self, hash: ScramHash, auth_message: &str) -> Vec<u8> {
        hash.hmac(&self.server_key.0, auth_message.as_bytes()).0
    }
}

/// `ClientProof := ClientKey XOR ClientSignature`.
#[must_use]
pub fn client_proof(hash: ScramHash, salted_password: &Secret, auth_message: &str) -> Vec<u8> {
    let client_key = hash.hmac(&salted_password.0, b"Client Key");
    let stored_key = hash.digest(&client_key.0);
    let signature = hash.hmac(&stored_key.0, auth_message.as_bytes());
    client_key.xor(&signature.0).0
}

/// `AuthMessage`: the three messages that both sides sign.
#[must_use]
pub fn auth_message(
    client_first_bare: &str,
    server_first: &str,
    client_final_without_proof: &str,
) -> String {
    format!("{client_first_bare},{server_first},{client_final_without_proof}")
}

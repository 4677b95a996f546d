//! Logins, checked as pure functions: token bytes, keys and the time in, a verdict out; and the
//! same for passwords, by SCRAM and PLAIN.
//!
//! The rules are the closed list of the threat model ("OAUTHBEARER / JWT validation"), after RFC
//! 7519, RFC 8725 (JWT best current practices), RFC 7628 (the SASL frame) and what Kafka's own
//! `BrokerJwtValidator` does. They are stricter than Kafka's: the audience is mandatory, and
//! whatever could be read in two ways is refused. The client only ever learns `invalid_token`; the
//! [`Rejection`] says why, for the log and the audit, without a byte of the token in it.
//!
//! No clock, no socket, no file: where keys come from, and when, is `io/jwks`.

mod algorithm;
pub mod certificate;
mod claims;
#[doc(hidden)]
pub mod fuzzing;
mod initial_response;
mod json;
mod keys;
pub mod plain;
mod rejection;
pub mod scram;
mod token;
pub mod users;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use crate::identity::{Groups, Mechanism, Principal, Subject};

pub use algorithm::Algorithm;
pub use fuzzing::{fuzz_one, fuzz_passwords};
pub use initial_response::{
    BearerToken, FAILURE_ACKNOWLEDGEMENT, SaslFault, failure_body, initial_response,
};
pub use keys::{KeyId, KeySet, KeySetError};
pub use rejection::Rejection;
pub use token::{issuer_of, token_hash, verify};

/// A token that is longer is refused before it is parsed.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The whole RFC 7628 frame: a token and the extensions around it (KIP-342).
pub const INITIAL_RESPONSE_BYTES_MAX: usize = 32 * 1024;
/// JSON nested deeper than this is refused, in tokens and in key sets.
pub const JSON_DEPTH_MAX: usize = 16;
/// Longest `kid`, in a token and in a key set (Kafka's cap is 1000).
pub const KEY_ID_BYTES_MAX: usize = 256;
/// Largest JWKS document.
pub const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// Most keys in one JWKS document, usable or not.
pub const KEYS_MAX: usize = 64;
/// Smallest RSA modulus (NIST SP 800-131A).
pub const RSA_MODULUS_BITS_MIN: usize = 2048;
/// Largest RSA modulus: what the primitives verify, and a bound on the time a login takes.
pub const RSA_MODULUS_BITS_MAX: usize = 8192;
/// Most groups that a token may carry.
pub const GROUPS_MAX: usize = 512;
/// Longest principal or group name.
pub const NAME_BYTES_MAX: usize = 256;
/// The skew that Kafka allows by default (`sasl.oauthbearer.clock.skew.seconds`).
pub const CLOCK_SKEW_SECONDS_DEFAULT: u64 = 30;
/// A token made to live longer than this is refused unless configured otherwise.
pub const TOKEN_LIFETIME_SECONDS_DEFAULT: u64 = 24 * 60 * 60;

/// What one issuer's tokens must be like. Key sets and rules of two issuers never mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerRules {
    /// The issuer's configured name; `None` where it is the only one. It holds no `|`.
    pub name: Option<Arc<str>>,
    /// `iss` must be exactly this text.
    pub issuer: String,
    /// `aud` must be or hold one of these. An empty list accepts nothing.
    pub audience: Vec<String>,
    /// The algorithms a token may be signed with; the header chooses among them, never beyond.
    pub algorithms: Vec<Algorithm>,
    /// Where the principal's name is (usually `sub`), as a dotted path.
    pub principal_claim: String,
    /// Where the groups are, as a dotted path (`realm_access.roles`); a name that holds `://` is
    /// one member (`https://acme.example/groups`). `None`: tokens say nothing about groups.
    pub groups_claim: Option<String>,
    /// How far the issuer's clock and ours may be apart, both ways.
    pub clock_skew_seconds: u64,
    /// `exp − iat` (`exp −` now, where there is no `iat`) may not exceed this.
    pub token_lifetime_seconds_max: u64,
}

impl IssuerRules {
    /// The safe defaults for one issuer: the usual four algorithms, `sub`, no groups, Kafka's skew.
    pub fn new(issuer: impl Into<String>, audience: Vec<String>) -> Self {
        Self {
            name: None,
            issuer: issuer.into(),
            audience,
            algorithms: Algorithm::DEFAULT.to_vec(),
            principal_claim: "sub".to_owned(),
            groups_claim: None,
            clock_skew_seconds: CLOCK_SKEW_SECONDS_DEFAULT,
            token_lifetime_seconds_max: TOKEN_LIFETIME_SECONDS_DEFAULT,
        }
    }
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The principal claim: not empty, no control characters, at most [`NAME_BYTES_MAX`] bytes.
    pub principal_name: String,
    /// The groups claim; `None` where none is configured or the token has none.
    pub groups: Option<Vec<String>>,
    /// When the session must end, in seconds since the epoch: `exp`, or, for a token that is past
    /// it and lives on the allowed skew, `exp` + skew. Always later than the `now` it was checked
    /// at, so a session lifetime (KIP-368) made of it is never zero, which would mean "no end".
    pub expires_at_seconds: i64,
    /// Correlates events without showing anything: the first 12 hexadecimal digits of the SHA-256
    /// of `jti`, or of the whole token where it has none.
    pub token_id_hash: String,
}

impl Verified {
    /// The principal, under the issuer's configured name.
    pub fn principal(&self, rules: &IssuerRules) -> Principal {
        Principal::user(rules.name.clone(), self.principal_name.as_str())
    }

    /// The subject of the session, with the groups of a directory added to those of the token.
    pub fn subject(&self, rules: &IssuerRules, directory: Groups) -> Subject {
        let token = match &self.groups {
            Some(groups) => Groups::known(groups.iter().map(String::as_str)),
            None => Groups::Unknown,
        };
        Subject {
            principal: self.principal(rules),
            groups: token.union(directory),
            mechanism: Mechanism::OauthBearer,
        }
    }
}

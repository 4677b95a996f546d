//! Why a token is refused. One sentence each, for an operator; nothing of the token is in it,
//! because these go to the log and the audit. The client sees [`super::failure_body`] whatever the
//! reason.

use super::json::JsonFault;
use super::keys::KeyId;

/// The part of a token that a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header.
    Header,
    /// The claims.
    Claims,
}

/// A refused token. All but [`Rejection::KeysUnavailable`] are the token's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Longer than [`super::TOKEN_BYTES_MAX`].
    #[error("the token is longer than {} bytes", super::TOKEN_BYTES_MAX)]
    TooLarge,
    /// Not three base64url parts between dots (RFC 7515 §7.1).
    #[error("the token is not a compact JWS")]
    Malformed,
    /// Five parts, `enc`, or a JWT in a JWT.
    #[error("the token is encrypted or nested, which is not accepted")]
    EncryptedOrNested,
    /// A part that is not one JSON object with one reading.
    #[error("the token's {} {fault}", part.as_str())]
    Json {
        /// Which part.
        part: Part,
        /// What is wrong with it.
        fault: JsonFault,
    },
    /// A header parameter that has the wrong type.
    #[error("the token's header has an `{name}` of the wrong type")]
    HeaderType {
        /// The parameter.
        name: &'static str,
    },
    /// `typ` names another kind of JWT (RFC 8725 §3.11).
    #[error("the token's `typ` is neither JWT nor at+jwt")]
    TokenType,
    /// `alg: none`, in any spelling.
    #[error("the token is unsigned (`alg` is none)")]
    Unsigned,
    /// An HMAC algorithm: the shared secret would be a public key.
    #[error("the token's `alg` is symmetric, which is never accepted")]
    SymmetricAlgorithm,
    /// An `alg` that the issuer's rules do not list, or none at all.
    #[error("the token's `alg` is not among the algorithms allowed for this issuer")]
    AlgorithmNotAllowed,
    /// Any `crit` (RFC 7515 §4.1.11): no extension is understood here.
    #[error("the token has critical header extensions")]
    CriticalExtension,
    /// `b64: false` (RFC 7797).
    #[error("the token's payload is not encoded (`b64` is false)")]
    UnencodedPayload,
    /// `kid` over [`super::KEY_ID_BYTES_MAX`].
    #[error("the token's `kid` is longer than {} bytes", super::KEY_ID_BYTES_MAX)]
    KeyIdTooLong,
    /// No `kid`, and the issuer has not exactly one key.
    #[error("the token has no `kid` and the issuer does not have exactly one key")]
    KeyIdMissing,
    /// A `kid` that is not in the key set. The only rejection that a refresh may turn.
    #[error("the token's `kid` is not among the issuer's keys")]
    UnknownKey {
        /// The token's `kid`, to be remembered, not shown.
        key_id: KeyId,
    },
    /// The key of that `kid` is of another kind, or is declared for another algorithm.
    #[error("the key of the token's `kid` is not one for its `alg`")]
    KeyMismatch,
    /// The signature does not verify.
    #[error("the token's signature is not the issuer's")]
    Signature,
    /// No keys, or none younger than the stale bound: nobody can be checked.
    #[error("no usable keys of the issuer are at hand")]
    KeysUnavailable,
    /// No configured issuer has the token's `iss`.
    #[error("the token's issuer is not configured")]
    UnknownIssuer,
    /// `iss` is missing, is no text, or is not exactly the configured one.
    #[error("the token's `iss` is not the configured issuer")]
    Issuer,
    /// `aud` is missing.
    #[error("the token has no `aud`")]
    AudienceMissing,
    /// `aud` is neither text nor a list of texts.
    #[error("the token's `aud` is neither a text nor a list of texts")]
    AudienceMalformed,
    /// `aud` names others only.
    #[error("the token's `aud` does not name this gateway")]
    Audience,
    /// No `exp`.
    #[error("the token has no `exp`")]
    ExpiryMissing,
    /// A time claim that is no number of seconds between 1970 and 9999.
    #[error("the token's `{claim}` is not a time")]
    TimeMalformed {
        /// The claim.
        claim: &'static str,
    },
    /// Past `exp` and the skew.
    #[error("the token expired {ago_seconds} s ago")]
    Expired {
        /// How long ago, by our clock.
        ago_seconds: i64,
    },
    /// Before `nbf`, skew allowed for.
    #[error("the token is not valid before {ahead_seconds} s from now (`nbf`)")]
    NotYetValid {
        /// How far ahead, by our clock.
        ahead_seconds: i64,
    },
    /// `iat` is in the future, skew allowed for.
    #[error("the token was issued {ahead_seconds} s in the future (`iat`)")]
    IssuedInFuture {
        /// How far ahead, by our clock.
        ahead_seconds: i64,
    },
    /// It lives longer than the configured cap.
    #[error("the token lives for {lifetime_seconds} s, longer than allowed")]
    LifetimeTooLong {
        /// `exp − iat`.
        lifetime_seconds: i64,
    },
    /// The principal claim is missing, no text, empty, too long, or has control characters.
    #[error("the token's principal claim is not a usable name")]
    Principal,
    /// The client asked to act as somebody who is not the token's principal.
    #[error("the client asked to act as another principal than the token's (authzid)")]
    AuthorizationId,
    /// The groups claim is not a list of names.
    #[error("the token's groups claim is not a list of names")]
    GroupsMalformed,
    /// More than [`super::GROUPS_MAX`].
    #[error("the token has more than {} groups", super::GROUPS_MAX)]
    GroupsTooMany,
    /// The issuer left the groups out because there are too many (Entra: `_claim_names`).
    #[error("the token's groups are elsewhere (`_claim_names`, the issuer's group overage)")]
    GroupsOverage,
}

impl Rejection {
    /// A short stable word for metrics and audit rows.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed | Self::Json { .. } | Self::HeaderType { .. } => "malformed",
            Self::EncryptedOrNested => "encrypted_or_nested",
            Self::TokenType => "token_type",
            Self::Unsigned => "unsigned",
            Self::SymmetricAlgorithm | Self::AlgorithmNotAllowed => "algorithm",
            Self::CriticalExtension => "critical_extension",
            Self::UnencodedPayload => "unencoded_payload",
            Self::KeyIdTooLong | Self::KeyIdMissing => "key_id",
            Self::UnknownKey { .. } => "unknown_key",
            Self::KeyMismatch => "key_mismatch",
            Self::Signature => "signature",
            Self::KeysUnavailable => "keys_unavailable",
            Self::UnknownIssuer | Self::Issuer => "issuer",
            Self::AudienceMissing | Self::AudienceMalformed | Self::Audience => "audience",
            Self::ExpiryMissing => "expiry_missing",
            Self::TimeMalformed { .. } => "time_malformed",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } | Self::IssuedInFuture { .. } => "not_yet_valid",
            Self::LifetimeTooLong { .. } => "lifetime_too_long",
            Self::Principal => "principal",
            Self::AuthorizationId => "authorization_id",
            Self::GroupsMalformed => "groups_malformed",
            Self::GroupsTooMany => "groups_too_many",
            Self::GroupsOverage => "groups_overage",
        }
    }
}

impl Part {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Claims => "claims",
        }
    }
}

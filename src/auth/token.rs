//! One token against one issuer's rules and keys, in the order in which trust grows: size, header,
//! key, signature, and only then the claims.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::Algorithm;
use super::claims;
use super::json::{self, Object, Value};
use super::keys::{Key, KeyId, KeySet};
use super::rejection::Part;
use super::{BearerToken, IssuerRules, Rejection, TOKEN_BYTES_MAX, Verified};

/// Digits of a SHA-256 that correlate well enough and reveal nothing.
const HASH_DIGITS: usize = 12;

/// Reads `iss` of a token that nobody has checked, only to choose the rules to check it by.
///
/// # Errors
/// The token is no JWS at all, or has no `iss`.
pub fn issuer_of(token: &BearerToken<'_>) -> Result<String, Rejection> {
    let compact = Compact::split(token.secret_text())?;
    let claims = part(compact.claims, Part::Claims)?;
    claims.get("iss").and_then(Value::as_text).map(str::to_owned).ok_or(Rejection::Issuer)
}

/// Checks a token whole, at `now_seconds` since the epoch.
///
/// # Errors
/// [`Rejection`]; [`Rejection::UnknownKey`] is the one that newer keys may turn.
pub fn verify(
    token: &BearerToken<'_>,
    rules: &IssuerRules,
    keys: &KeySet,
    now_seconds: i64,
) -> Result<Verified, Rejection> {
    let compact = Compact::split(token.secret_text())?;
    let header = part(compact.header, Part::Header)?;
    let algorithm = check_header(&header, rules)?;
    verify_signature(&compact, algorithm, &candidates(&header, algorithm, keys)?)?;

    judge(&part(compact.claims, Part::Claims)?, token, rules, now_seconds)
}

/// A hash that correlates events about a refused token, whose `jti` nobody vouches for: as
/// [`Verified::token_id_hash`], of the whole text.
pub fn token_hash(token: &BearerToken<'_>) -> String {
    short_hash(token.secret_text().as_bytes())
}

/// What the claims are worth once the signature is known to be good.
pub(super) fn judge(
    claims: &Object,
    token: &BearerToken<'_>,
    rules: &IssuerRules,
    now_seconds: i64,
) -> Result<Verified, Rejection> {
    claims::check_issuer(claims, rules)?;
    claims::check_audience(claims, rules)?;
    let expires_at_seconds = claims::check_times(claims, rules, now_seconds)?;
    let principal_name = claims::principal(claims, rules)?;
    if token.authorization_id().is_some_and(|asked| asked != principal_name) {
        return Err(Rejection::AuthorizationId);
    }
    let groups = claims::groups(claims, rules)?;
    let token_id_hash = match claims.get("jti") {
        Some(Value::Text(id)) if !id.is_empty() => short_hash(id.as_bytes()),
        Some(_) | None => token_hash(token),
    };
    Ok(Verified { principal_name, groups, expires_at_seconds, token_id_hash })
}

/// The three parts of a compact JWS, still encoded.
struct Compact<'a> {
    /// Header, dot and claims: what is signed.
    signed: &'a str,
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    fn split(text: &'a str) -> Result<Self, Rejection> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Rejection::TooLarge);
        }
        // A JWE (RFC 7516 §7.1) has five parts.
        if text.bytes().filter(|byte| *byte == b'.').count() == 4 {
            return Err(Rejection::EncryptedOrNested);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Rejection::Malformed)?;
        // An empty signature is left to the header check, which knows `none` when it sees it.
        if header.is_empty() || claims.is_empty() || claims.contains('.') {
            return Err(Rejection::Malformed);
        }
        Ok(Self { signed, header, claims, signature })
    }
}

fn part(encoded: &str, part: Part) -> Result<Object, Rejection> {
    // No padding, no other alphabet, no bits left over: one text for one token.
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Rejection::Malformed)?;
    json::object(&bytes).map_err(|fault| Rejection::Json { part, fault })
}

/// Everything about the header but the key. `jku`, `x5u`, `jwk` and `x5c` are not looked at: a
/// token does not get to say which key checks it.
fn check_header(header: &Object, rules: &IssuerRules) -> Result<Algorithm, Rejection> {
    if header.contains_key("crit") {
        return Err(Rejection::CriticalExtension);
    }
    match header.get("b64") {
        None | Some(Value::Bool(true)) => {}
        Some(_) => return Err(Rejection::UnencodedPayload),
    }
    let nested = header_text(header, "cty")?.is_some_and(|content| media_type(content, &["jwt"]));
    if nested || header.contains_key("enc") {
        return Err(Rejection::EncryptedOrNested);
    }
    let known_type =
        header_text(header, "typ")?.is_none_or(|typ| media_type(typ, &["jwt", "at+jwt"]));
    if !known_type {
        return Err(Rejection::TokenType);
    }
    let name = header_text(header, "alg")?.ok_or(Rejection::AlgorithmNotAllowed)?;
    let algorithm = Algorithm::named(name).ok_or_else(|| refused_algorithm(name))?;
    if rules.algorithms.contains(&algorithm) {
        Ok(algorithm)
    } else {
        Err(Rejection::AlgorithmNotAllowed)
    }
}

/// Names the two classic attacks, in whatever case they are spelled.
fn refused_algorithm(name: &str) -> Rejection {
    if name.eq_ignore_ascii_case("none") {
        Rejection::Unsigned
    } else if name.get(..2).is_some_and(|family| family.eq_ignore_ascii_case("HS")) {
        Rejection::SymmetricAlgorithm
    } else {
        Rejection::AlgorithmNotAllowed
    }
}

/// RFC 7515 §4.1.9: `application/` may be left out, and case does not matter.
fn media_type(text: &str, accepted: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    let bare = text.strip_prefix("application/").unwrap_or(&text);
    accepted.contains(&bare)
}

fn header_text<'o>(header: &'o Object, name: &'static str) -> Result<Option<&'o str>, Rejection> {
    match header.get(name) {
        None => Ok(None),
        Some(value) => value.as_text().map(Some).ok_or(Rejection::HeaderType { name }),
    }
}

/// The keys that may have signed: those of the token's `kid` that suit its algorithm. More than one
/// only where an issuer publishes two keys under one name.
fn candidates<'k>(
    header: &Object,
    algorithm: Algorithm,
    keys: &'k KeySet,
) -> Result<Vec<&'k Key>, Rejection> {
    let named: Vec<&Key> = match header_text(header, "kid")? {
        None => vec![keys.only().ok_or(Rejection::KeyIdMissing)?],
        Some(id) => {
            let key_id = KeyId::new(id).ok_or(Rejection::KeyIdTooLong)?;
            let named: Vec<&Key> = keys.named(&key_id).collect();
            if named.is_empty() {
                return Err(Rejection::UnknownKey { key_id });
            }
            named
        }
    };
    let suitable: Vec<&Key> = named.into_iter().filter(|key| key.suits(algorithm)).collect();
    if suitable.is_empty() { Err(Rejection::KeyMismatch) } else { Ok(suitable) }
}

fn verify_signature(
    compact: &Compact<'_>,
    algorithm: Algorithm,
    keys: &[&Key],
) -> Result<(), Rejection> {
    let good = keys.iter().any(|key| {
        jsonwebtoken::crypto::verify(
            compact.signature,
            compact.signed.as_bytes(),
            key.material(),
            algorithm.primitive(),
        )
        .unwrap_or(false)
    });
    if good { Ok(()) } else { Err(Rejection::Signature) }
}

fn short_hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let digest = digest::digest(&digest::SHA256, bytes);
    let mut text = String::with_capacity(HASH_DIGITS);
    for byte in digest.as_ref().iter().take(HASH_DIGITS / 2) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

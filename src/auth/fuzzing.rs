//! The fuzz bodies of this module: a fuzz target is five lines around each.

use super::json;
use super::plain::PlainMessage;
use super::scram::{
    AwaitsProof, ClientFirst, ScramHash, Secret, ServerFinal, ServerFirst, Verifier,
};
use super::token::judge;
use super::users::{ITERATIONS_DEFAULT, Users};
use super::{BearerToken, IssuerRules, KeySet, initial_response, issuer_of, verify};

/// Feeds arbitrary bytes to everything that reads a peer's bytes here; nothing may panic, and
/// nothing may be accepted, since no key of the fuzzer's exists.
pub fn fuzz_one(data: &[u8]) {
    let rules = IssuerRules::new("https://id.example", vec!["kafka".to_owned()]);
    let keys = KeySet::parse(PUBLIC_KEYS);
    let _ = KeySet::parse(data);
    if let Ok(token) = initial_response(data) {
        let _ = token.authorization_id();
        check(&token, &rules, keys.as_ref().ok());
    }
    if let Ok(claims) = json::object(data) {
        // As if they had been signed: nobody can fuzz a way past the signature.
        let rules = IssuerRules { groups_claim: Some("a.groups".to_owned()), ..rules.clone() };
        let _ = judge(&claims, &BearerToken::new(""), &rules, 1_000_000_000);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        check(&BearerToken::new(text), &rules, keys.as_ref().ok());
    }
}

/// Feeds arbitrary bytes to everything that reads a peer's bytes in a login by password, and to the
/// users file: nothing may panic, nobody may be believed, and what is read is written as it was.
pub fn fuzz_passwords(data: &[u8]) {
    let _ = PlainMessage::parse(data);
    let _ = ServerFirst::parse(data);
    let _ = ServerFinal::parse(data);
    let hash = if data.len().is_multiple_of(2) { ScramHash::Sha256 } else { ScramHash::Sha512 };
    let middle = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (first, last) = data.split_at(middle);
    let last = last.get(1..).unwrap_or_default();
    if let (Ok(first), Some(iterations)) =
        (ClientFirst::parse(first), std::num::NonZeroU32::new(ITERATIONS_DEFAULT))
    {
        assert_eq!(ClientFirst::parse(&first.encode()).as_ref(), Ok(&first), "written otherwise");
        let verifier = Verifier::decoy(hash, &Secret::new(vec![7; 32]), "fuzz", iterations);
        let (_, challenge) = AwaitsProof::new(hash, first, &verifier, "nonce");
        let believed = challenge.check(last).is_ok_and(|answer| answer.is_some());
        assert!(!believed, "a forged proof was accepted");
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(users) = Users::parse("users.yaml", text)
    {
        let written = users.text();
        let again = Users::parse("users.yaml", &written).map(|users| users.text());
        assert_eq!(again.as_ref().ok(), Some(&written), "what was written cannot be read");
    }
}

fn check(token: &BearerToken<'_>, rules: &IssuerRules, keys: Option<&KeySet>) {
    let _ = issuer_of(token);
    if let Some(keys) = keys {
        assert!(verify(token, rules, keys, 1_000_000_000).is_err(), "a forged token was accepted");
    }
}

/// The public keys of RFC 8037 A.2 and RFC 7517 A.1, whose private halves do not matter here.
const PUBLIC_KEYS: &[u8] = br#"{"keys":[
 {"kty":"OKP","crv":"Ed25519","kid":"a",
  "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
 {"kty":"EC","crv":"P-256","kid":"b",
  "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
  "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;

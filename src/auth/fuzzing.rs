//! The fuzz body of this module: a fuzz target is five lines around it.

use super::json;
use super::token::judge;
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

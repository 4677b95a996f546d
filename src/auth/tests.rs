//! Tokens made here with fresh keys: valid ones for every algorithm, and every rule broken once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::wildcard_enum_match_arm)]

mod claims;
mod frames;
mod headers;
mod key_sets;
pub(crate) mod signer;

use super::*;
use signer::{Signer, signers};

pub(crate) const ISSUER: &str = "https://id.acme.example";
pub(crate) const NOW: i64 = 1_800_000_000;

/// The rules that most vectors are checked by: every algorithm, groups at `groups`.
fn rules() -> IssuerRules {
    IssuerRules {
        algorithms: Algorithm::ALL.to_vec(),
        groups_claim: Some("groups".to_owned()),
        ..IssuerRules::new(ISSUER, vec!["kafka".to_owned()])
    }
}

/// Claims that are good at [`NOW`].
fn good_claims() -> serde_json::Value {
    serde_json::json!({
        "iss": ISSUER, "aud": "kafka", "sub": "jane", "jti": "42",
        "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 600, "groups": ["pii-readers", "humans"],
    })
}

/// The good claims with one of them set, or, for null, taken out.
fn with(name: &str, value: serde_json::Value) -> serde_json::Value {
    let mut claims = good_claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

fn check(token: &str) -> Result<Verified, Rejection> {
    verify(&BearerToken::new(token), &rules(), &signers().key_set(), NOW)
}

/// The one good signer most vectors use; it is fast.
fn signer() -> &'static Signer {
    signers().of(Algorithm::Es256)
}

fn check_claims(claims: &serde_json::Value) -> Result<Verified, Rejection> {
    check(&signer().token(claims))
}

#[test]
fn every_algorithm_verifies_and_gives_the_same() {
    for algorithm in Algorithm::ALL {
        let verified = check(&signers().of(algorithm).token(&good_claims()))
            .unwrap_or_else(|rejection| panic!("{algorithm}: {rejection}"));
        assert_eq!(verified.principal_name, "jane", "{algorithm}");
        assert_eq!(verified.groups.as_deref().unwrap(), ["pii-readers", "humans"], "{algorithm}");
        assert_eq!(verified.expires_at_seconds, NOW + 600, "{algorithm}");
        // sha256("42")
        assert_eq!(verified.token_id_hash, "73475cb40a56", "{algorithm}");
    }
}

#[test]
fn a_subject_unites_the_groups_of_token_and_directory() {
    let verified = check_claims(&good_claims()).unwrap();
    let several = IssuerRules { name: Some("corp".into()), ..rules() };
    let subject = verified.subject(&several, Groups::known(["ops"]));
    assert_eq!(subject.principal.to_string(), "corp|jane");
    assert_eq!(subject.groups, Groups::known(["pii-readers", "humans", "ops"]));
    assert_eq!(subject.mechanism, Mechanism::OauthBearer);

    let silent = check_claims(&with("groups", serde_json::Value::Null)).unwrap();
    assert_eq!(silent.groups, None);
    assert_eq!(silent.subject(&rules(), Groups::Unknown).groups, Groups::Unknown);
}

#[test]
fn a_signature_covers_header_and_claims() {
    let token = signer().token(&good_claims());
    let other = signer().token(&with("sub", "eve".into()));
    let [header, _, signature] = signer::parts(&token);
    let [_, claims, _] = signer::parts(&other);
    let forged = format!("{header}.{claims}.{signature}");
    assert_eq!(check(&forged), Err(Rejection::Signature));

    // Another key of the right kind, under the same name.
    let stranger = Signer::new(Algorithm::Es256, Some(signer().key_id()));
    assert_eq!(check(&stranger.token(&good_claims())), Err(Rejection::Signature));
}

#[test]
fn t20_a_zero_signature_is_no_signature() {
    // CVE-2022-21449: r = s = 0 verified everything in some Java versions.
    for (algorithm, bytes) in [(Algorithm::Es256, 64), (Algorithm::Es384, 96)] {
        let token = signers().of(algorithm).token(&good_claims());
        let [header, claims, _] = signer::parts(&token);
        for signature in [vec![0; bytes], Vec::new(), vec![0xff; bytes], vec![0; 1]] {
            let forged = format!("{header}.{claims}.{}", signer::encode(&signature));
            assert_eq!(check(&forged), Err(Rejection::Signature), "{algorithm}");
        }
    }
}

#[test]
fn every_other_byte_is_refused() {
    let token = signer().token(&good_claims());
    assert!(check(&token).is_ok());
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(check(&changed).is_err(), "byte {position} does not matter");
    }
}

#[test]
fn one_token_has_one_text() {
    let token = signer().token(&good_claims());
    for other in [
        format!("{token}="),
        format!("{token}."),
        format!(".{token}"),
        format!(" {token}"),
        format!("{token}\n"),
        token.replace('.', ".."),
        token.replacen('.', "=.", 1),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
    ] {
        assert!(check(&other).is_err(), "{} bytes", other.len());
    }
    assert_eq!(check(&format!("{token}.a.b")), Err(Rejection::EncryptedOrNested));
    assert_eq!(check(&"A".repeat(TOKEN_BYTES_MAX + 1)), Err(Rejection::TooLarge));
}

#[test]
fn the_size_cap_is_on_the_whole_token() {
    let padded = |bytes: usize| signer().token(&with("pad", "x".repeat(bytes).into()));
    assert!(check(&padded(11_000)).is_ok());
    assert_eq!(check(&padded(13_000)), Err(Rejection::TooLarge));
}

#[test]
fn the_unverified_issuer_only_chooses() {
    let token = signer().token(&with("iss", "https://evil.example".into()));
    let bearer = BearerToken::new(&token);
    assert_eq!(issuer_of(&bearer), Ok("https://evil.example".to_owned()));
    assert_eq!(check(&token), Err(Rejection::Issuer));
    assert!(issuer_of(&BearerToken::new("a.b.c")).is_err());
}

#[test]
fn a_refused_token_is_correlated_by_its_text() {
    // sha256("abc")
    assert_eq!(token_hash(&BearerToken::new("abc")), "ba7816bf8f01");
    let nameless = signer().token(&with("jti", serde_json::Value::Null));
    let hash = token_hash(&BearerToken::new(&nameless));
    assert_eq!(check(&nameless).unwrap().token_id_hash, hash);
}

#[test]
fn nothing_that_is_printed_holds_a_piece_of_the_token() {
    let claims = with("aud", "someone-else-canary".into());
    let token = signer().token(&claims);
    let rejection = check(&token).unwrap_err();
    let unknown = Signer::new(Algorithm::Es256, Some("canary-kid"));
    let other = check(&unknown.token(&good_claims())).unwrap_err();
    let bearer = BearerToken::new(&token);
    for text in [
        format!("{rejection} {rejection:?}"),
        format!("{other} {other:?}"),
        format!("{bearer:?} {:?}", signers().key_set()),
    ] {
        assert!(!text.contains("canary") && !text.contains(token.get(..20).unwrap()), "{text}");
    }
}

#[test]
fn the_fuzz_body_survives_seeds() {
    let token = signer().token(&good_claims());
    let frame = format!("n,a=jane,\u{1}auth=Bearer {token}\u{1}\u{1}");
    for seed in [token.as_bytes(), frame.as_bytes(), signers().document().as_bytes(), b"", b"\x01"]
    {
        fuzz_one(seed);
        for cut in 0..seed.len().min(200) {
            fuzz_one(&seed[..cut]);
        }
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(
        data in proptest::collection::vec(proptest::num::u8::ANY, 0..400)
    ) {
        fuzz_one(&data);
    }
}

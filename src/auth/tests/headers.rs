//! Headers: the algorithm, the key's name, and everything that is ignored or refused.

use jsonwebtoken::{EncodingKey, Header};

use super::*;

/// A token of the good signer under a header changed by `change`.
fn under(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let mut header = signer().header();
    change(header.as_object_mut().unwrap());
    signer().token_of(&header.to_string(), &good_claims().to_string())
}

fn setting(name: &str, value: impl Into<serde_json::Value>) -> String {
    let value = value.into();
    under(|header| {
        header.insert(name.to_owned(), value);
    })
}

#[test]
fn t20_no_spelling_of_none_is_an_algorithm() {
    for spelling in ["none", "None", "NONE", "nOnE", "NoNe"] {
        assert_eq!(check(&setting("alg", spelling)), Err(Rejection::Unsigned), "{spelling}");
        let token = setting("alg", spelling);
        let [header, claims, _] = signer::parts(&token);
        assert_eq!(check(&format!("{header}.{claims}.")), Err(Rejection::Unsigned), "{spelling}");
    }
}

#[test]
fn t20_a_public_key_is_no_shared_secret() {
    // The classic confusion: HMAC with the text of the public key, all of whose forms are public.
    let jwk = signer().jwk();
    let claims = good_claims();
    for secret in [
        jwk.to_string().into_bytes(),
        jwk["x"].as_str().unwrap().as_bytes().to_vec(),
        signers().document().into_bytes(),
    ] {
        for algorithm in [
            jsonwebtoken::Algorithm::HS256,
            jsonwebtoken::Algorithm::HS384,
            jsonwebtoken::Algorithm::HS512,
        ] {
            let mut header = Header::new(algorithm);
            header.kid = Some(signer().key_id().to_owned());
            let key = EncodingKey::from_secret(&secret);
            let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
            assert_eq!(check(&token), Err(Rejection::SymmetricAlgorithm), "{algorithm:?}");
        }
    }
    assert_eq!(check(&setting("alg", "hs256")), Err(Rejection::SymmetricAlgorithm));
}

#[test]
fn the_header_chooses_only_among_the_allowed() {
    let only_rsa = IssuerRules { algorithms: vec![Algorithm::Rs256], ..rules() };
    let token = signer().token(&good_claims());
    let verdict = verify(&BearerToken::new(&token), &only_rsa, &signers().key_set(), NOW);
    assert_eq!(verdict, Err(Rejection::AlgorithmNotAllowed));
    for unknown in ["es256", "ES256 ", "ES512", "ES256K", "RS1", "", "RSA-OAEP", "dir", "Ed448"] {
        let verdict = check(&setting("alg", unknown));
        assert_eq!(verdict, Err(Rejection::AlgorithmNotAllowed), "{unknown}");
    }
    let verdict = check(&under(|header| {
        header.remove("alg");
    }));
    assert_eq!(verdict, Err(Rejection::AlgorithmNotAllowed));
    assert_eq!(check(&setting("alg", 256)), Err(Rejection::HeaderType { name: "alg" }));
    let defaults = IssuerRules::new(ISSUER, Vec::new()).algorithms;
    assert!(!defaults.contains(&Algorithm::Rs512) && defaults.contains(&Algorithm::EdDsa));
}

#[test]
fn the_algorithm_must_suit_the_key() {
    // kty: an EC key's name under an RSA algorithm, and the other way round.
    assert_eq!(check(&setting("alg", "RS256")), Err(Rejection::KeyMismatch));
    assert_eq!(check(&setting("alg", "ES384")), Err(Rejection::KeyMismatch));
    assert_eq!(check(&setting("alg", "EdDSA")), Err(Rejection::KeyMismatch));
    // alg: an RSA key declared for PKCS#1 may not verify PSS, though it could.
    let rsa = signers().of(Algorithm::Rs256);
    let mut header = rsa.header();
    header["alg"] = "PS256".into();
    let token = rsa.token_of(&header.to_string(), &good_claims().to_string());
    assert_eq!(check(&token), Err(Rejection::KeyMismatch));
}

#[test]
fn a_key_without_alg_serves_its_kind() {
    let mut jwk = signers().of(Algorithm::Ps384).jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    let keys = KeySet::parse(signer::document(&[jwk]).as_bytes()).unwrap();
    let token = signers().of(Algorithm::Ps384).token(&good_claims());
    assert!(verify(&BearerToken::new(&token), &rules(), &keys, NOW).is_ok());
}

#[test]
fn the_newer_name_of_eddsa_is_the_same_algorithm() {
    let edwards = signers().of(Algorithm::EdDsa);
    let mut header = edwards.header();
    header["alg"] = "Ed25519".into();
    assert!(check(&edwards.token_of(&header.to_string(), &good_claims().to_string())).is_ok());
}

#[test]
fn t20_a_token_does_not_say_which_key_checks_it() {
    // Signed by the attacker, who offers his own key in every way the RFC knows.
    let attacker = Signer::new(Algorithm::Es256, Some(signer().key_id()));
    let mut header = attacker.header();
    header["jwk"] = attacker.jwk();
    header["jku"] = "http://169.254.169.254/keys".into();
    header["x5u"] = "http://169.254.169.254/cert".into();
    header["x5c"] = serde_json::json!(["MIIB"]);
    let forged = attacker.token_of(&header.to_string(), &good_claims().to_string());
    assert_eq!(check(&forged), Err(Rejection::Signature));
    // And in an honest token the same parameters are ignored.
    assert!(check(&setting("jku", "https://elsewhere.example/keys")).is_ok());
    assert!(check(&setting("x5c", serde_json::json!(["MIIB"]))).is_ok());
}

#[test]
fn t20_a_key_id_is_an_opaque_name() {
    for hostile in ["../../../../dev/null", "' OR 1=1 --", "http://evil.example/k", "key-ES25", ""]
    {
        let verdict = check(&setting("kid", hostile));
        assert!(matches!(verdict, Err(Rejection::UnknownKey { .. })), "{hostile}");
    }
    let unknown = check(&setting("kid", "k".repeat(256)));
    assert!(matches!(unknown, Err(Rejection::UnknownKey { .. })));
    assert_eq!(check(&setting("kid", "k".repeat(257))), Err(Rejection::KeyIdTooLong));
    assert_eq!(check(&setting("kid", "k".repeat(1001))), Err(Rejection::KeyIdTooLong));
    assert_eq!(check(&setting("kid", 7)), Err(Rejection::HeaderType { name: "kid" }));
}

#[test]
fn no_key_id_is_enough_for_one_key_only() {
    let nameless = under(|header| {
        header.remove("kid");
    });
    assert_eq!(check(&nameless), Err(Rejection::KeyIdMissing));
    let one = KeySet::parse(signer::document(&[signer().jwk()]).as_bytes()).unwrap();
    assert!(verify(&BearerToken::new(&nameless), &rules(), &one, NOW).is_ok());
    // An encryption key beside it is no signature key.
    let mut encryption = signers().of(Algorithm::Rs256).jwk();
    encryption["use"] = "enc".into();
    let two = signer::document(&[signer().jwk(), encryption]);
    let two = KeySet::parse(two.as_bytes()).unwrap();
    assert!(verify(&BearerToken::new(&nameless), &rules(), &two, NOW).is_ok());
}

#[test]
fn two_keys_of_one_name_are_both_tried() {
    let twin = Signer::new(Algorithm::Es256, Some(signer().key_id()));
    let both = signer::document(&[twin.jwk(), signer().jwk()]);
    let keys = KeySet::parse(both.as_bytes()).unwrap();
    for token in [signer().token(&good_claims()), twin.token(&good_claims())] {
        assert!(verify(&BearerToken::new(&token), &rules(), &keys, NOW).is_ok());
    }
}

#[test]
fn extensions_that_change_the_meaning_are_refused() {
    for value in [serde_json::json!(["exp"]), serde_json::json!([]), serde_json::json!("b64")] {
        assert_eq!(check(&setting("crit", value)), Err(Rejection::CriticalExtension));
    }
    assert_eq!(check(&setting("b64", false)), Err(Rejection::UnencodedPayload));
    assert_eq!(check(&setting("b64", "false")), Err(Rejection::UnencodedPayload));
    assert!(check(&setting("b64", true)).is_ok());
    assert_eq!(check(&setting("cty", "JWT")), Err(Rejection::EncryptedOrNested));
    assert_eq!(check(&setting("enc", "A256GCM")), Err(Rejection::EncryptedOrNested));
}

#[test]
fn another_kind_of_jwt_is_no_access_token() {
    for kind in ["JWT", "jwt", "at+jwt", "application/at+JWT", "application/jwt"] {
        assert!(check(&setting("typ", kind)).is_ok(), "{kind}");
    }
    assert!(
        check(&under(|header| {
            header.remove("typ");
        }))
        .is_ok()
    );
    for kind in ["logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE", "", "text/jwt"] {
        assert_eq!(check(&setting("typ", kind)), Err(Rejection::TokenType), "{kind}");
    }
}

#[test]
fn a_header_has_one_reading() {
    use json::JsonFault::{DuplicateMember, Invalid, NotAnObject, TooDeep};
    use rejection::Part::Header;

    let claims = good_claims().to_string();
    let json = |header: &str| match check(&signer().token_of(header, &claims)) {
        Err(Rejection::Json { part, fault }) => (part, fault),
        other => panic!("{header}: {other:?}"),
    };
    let twice = r#"{"alg":"ES256","kid":"key-ES256","alg":"none"}"#;
    assert_eq!(json(twice), (Header, DuplicateMember));
    // The same name by an escape.
    let escaped = r#"{"alg":"ES256","kid":"key-ES256","\u0061lg":"none"}"#;
    assert_eq!(json(escaped), (Header, DuplicateMember));
    assert_eq!(json("[]"), (Header, NotAnObject));
    assert_eq!(json("\"alg\""), (Header, NotAnObject));
    assert_eq!(json(r#"{"alg":"ES256"} x"#), (Header, Invalid));
    assert_eq!(json(r#"{"alg":"ES256"}{}"#), (Header, Invalid));
    assert_eq!(json("{'alg':'ES256'}"), (Header, Invalid));
    assert_eq!(json("\u{feff}{}"), (Header, Invalid));
    let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(json(&deep(16)), (Header, TooDeep));
    assert_eq!(json(&deep(5000)), (Header, TooDeep));
}

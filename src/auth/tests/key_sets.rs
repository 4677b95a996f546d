//! JWKS documents: what is read, what is left out, and what refuses the whole.

use serde_json::{Value, json};

use super::keys::Ignored;
use super::*;

fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(signer::document(keys).as_bytes())
}

/// Why a key is left out, seen beside a good one.
fn left_out(key: Value) -> Option<Ignored> {
    let keys = parse(&[signer().jwk(), key]).unwrap();
    assert_eq!(keys.len() + keys.ignored().len(), 2);
    keys.ignored().first().copied()
}

fn changed(algorithm: Algorithm, name: &str, value: Value) -> Value {
    let mut jwk = signers().of(algorithm).jwk();
    if value.is_null() {
        jwk.as_object_mut().unwrap().remove(name);
    } else {
        jwk[name] = value;
    }
    jwk
}

#[test]
fn a_real_set_is_read_whole() {
    let keys = signers().key_set();
    assert_eq!((keys.len(), keys.ignored().len()), (Algorithm::ALL.len(), 0));
    assert!(!keys.is_empty());
    assert!(keys.contains(&KeyId::new("key-RS256").unwrap()));
    assert!(!keys.contains(&KeyId::new("key-rs256").unwrap()));
    assert!(KeyId::new(&"k".repeat(257)).is_none());
}

#[test]
fn weak_and_foreign_keys_are_left_out() {
    use Algorithm::{EdDsa, Es256, Es384, Rs256};
    let rsa_1024 = signer::encode(&[0xc5; 128]);
    let rsa_2047 = signer::encode(&[&[0x7f][..], &[0xff; 255]].concat());
    let rsa_zeros = signer::encode(&[&[0; 200][..], &[0xc5; 128]].concat());
    for (key, reason) in [
        (changed(Rs256, "n", rsa_1024.into()), Ignored::WeakRsa),
        (changed(Rs256, "n", rsa_2047.into()), Ignored::WeakRsa),
        (changed(Rs256, "n", rsa_zeros.into()), Ignored::WeakRsa),
        (changed(Rs256, "n", "".into()), Ignored::Malformed),
        (changed(Rs256, "n", json!(null)), Ignored::Malformed),
        (changed(Rs256, "n", "++//".into()), Ignored::Malformed),
        (changed(Rs256, "n", signer::encode(&[0xc5; 2048]).into()), Ignored::Malformed),
        (changed(Rs256, "e", "".into()), Ignored::Malformed),
        (changed(Rs256, "e", signer::encode(&[1]).into()), Ignored::Malformed),
        (changed(Rs256, "e", signer::encode(&[2]).into()), Ignored::Malformed),
        (changed(Rs256, "use", "enc".into()), Ignored::NotForSignatures),
        (changed(Rs256, "key_ops", json!(["encrypt"])), Ignored::NotForSignatures),
        (changed(Rs256, "key_ops", json!("verify")), Ignored::Malformed),
        (changed(Rs256, "alg", "RSA-OAEP".into()), Ignored::Unsupported),
        (changed(Rs256, "alg", "HS256".into()), Ignored::Unsupported),
        (changed(Rs256, "alg", "ES256".into()), Ignored::Malformed),
        (changed(Rs256, "d", "AQAB".into()), Ignored::PrivateHalf),
        (changed(Es256, "d", "AQAB".into()), Ignored::PrivateHalf),
        (changed(Es256, "kid", "k".repeat(257).into()), Ignored::KeyIdTooLong),
        (changed(Es256, "kid", json!(5)), Ignored::Malformed),
        (changed(Es256, "crv", "secp256k1".into()), Ignored::Unsupported),
        (changed(Es256, "crv", "P-521".into()), Ignored::Unsupported),
        (changed(Es256, "crv", "P-384".into()), Ignored::Malformed),
        (changed(Es256, "x", signer::encode(&[7; 32]).into()), Ignored::Malformed),
        (changed(Es256, "x", signer::encode(&[7; 31]).into()), Ignored::Malformed),
        (changed(Es384, "alg", "ES256".into()), Ignored::Malformed),
        (changed(EdDsa, "crv", "Ed448".into()), Ignored::Unsupported),
        (changed(EdDsa, "crv", "X25519".into()), Ignored::Unsupported),
        (changed(EdDsa, "x", signer::encode(&[7; 31]).into()), Ignored::Malformed),
        (changed(EdDsa, "kty", "oct".into()), Ignored::Symmetric),
        (changed(EdDsa, "kty", "AKP".into()), Ignored::Unsupported),
        (changed(EdDsa, "kty", json!(null)), Ignored::Malformed),
        (json!({"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"}), Ignored::Symmetric),
    ] {
        assert_eq!(left_out(key.clone()), Some(reason), "{key}");
    }
    assert_eq!(left_out(changed(Rs256, "key_ops", json!(["verify"]))), None);
}

#[test]
fn a_bad_document_is_refused_whole() {
    let jwk = signer().jwk();
    for (text, error) in [
        ("", KeySetError::Json(json::JsonFault::Invalid)),
        ("<html>", KeySetError::Json(json::JsonFault::Invalid)),
        ("[]", KeySetError::Json(json::JsonFault::NotAnObject)),
        ("{}", KeySetError::NoKeyList),
        (r#"{"keys":{}}"#, KeySetError::NoKeyList),
        (r#"{"keys":[1]}"#, KeySetError::NoKeyList),
        (r#"{"keys":[]}"#, KeySetError::NoUsableKey(None)),
        (r#"{"keys":[],"keys":[]}"#, KeySetError::Json(json::JsonFault::DuplicateMember)),
        (r#"{"keys":[{"kty":"oct"}]}"#, KeySetError::NoUsableKey(Some(Ignored::Symmetric))),
    ] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), error, "{text}");
    }
    let duplicate = signer::document(std::slice::from_ref(&jwk)).replacen(
        "\"kty\"",
        "\"kid\":\"a\",\"kty\"",
        1,
    );
    let error = KeySet::parse(duplicate.as_bytes()).unwrap_err();
    assert_eq!(error, KeySetError::Json(json::JsonFault::DuplicateMember));

    let many = |count: usize| parse(&vec![jwk.clone(); count]).map(|keys| keys.len());
    assert_eq!(many(64), Ok(64));
    assert_eq!(many(65), Err(KeySetError::TooManyKeys));

    let padded = |bytes: usize| {
        let mut text = signer::document(std::slice::from_ref(&jwk));
        text.push_str(&" ".repeat(bytes - text.len()));
        KeySet::parse(text.as_bytes()).map(|keys| keys.len())
    };
    assert_eq!(padded(KEY_SET_BYTES_MAX), Ok(1));
    assert_eq!(padded(KEY_SET_BYTES_MAX + 1), Err(KeySetError::TooLarge));
    let error = parse(&[json!({"kty": "oct"})]).unwrap_err().to_string();
    assert!(error.contains("shared secret"), "{error}");
}

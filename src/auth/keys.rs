//! An issuer's public keys, read from a JWKS document (RFC 7517).
//!
//! A key that cannot be used safely is left out and counted, so that one odd key of an issuer does
//! not lock everybody out; a document that is malformed, too large, or holds no usable key is
//! refused whole, so that the last good set stays.

use std::fmt;

use aws_lc_rs::signature as primitive;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use super::algorithm::{Algorithm, KeyKind};
use super::json::{self, JsonFault, Object, Value};
use super::{
    KEY_ID_BYTES_MAX, KEY_SET_BYTES_MAX, KEYS_MAX, RSA_MODULUS_BITS_MAX, RSA_MODULUS_BITS_MIN,
};

/// The keys of one issuer. Public, but large: `Debug` prints how many.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<Key>,
    ignored: Vec<Ignored>,
}

#[derive(Clone)]
pub(super) struct Key {
    id: Option<Box<str>>,
    kind: KeyKind,
    algorithm: Option<Algorithm>,
    material: DecodingKey,
}

/// A `kid`: an opaque name of at most [`KEY_ID_BYTES_MAX`] bytes, compared whole. It comes from a
/// token, so it is never printed, and it is never a path, a query or an address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyId(Box<str>);

/// Why a document is not a usable key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Over [`KEY_SET_BYTES_MAX`].
    #[error("the key set is larger than {KEY_SET_BYTES_MAX} bytes")]
    TooLarge,
    /// Not one JSON object with one reading.
    #[error("the key set {0}")]
    Json(JsonFault),
    /// No `keys` list of objects.
    #[error("the key set has no `keys` list of objects")]
    NoKeyList,
    /// Over [`KEYS_MAX`].
    #[error("the key set has more than {KEYS_MAX} keys")]
    TooManyKeys,
    /// Nothing in it verifies a token.
    #[error("the key set has no usable signature key{}", first_reason(.0.as_ref()))]
    NoUsableKey(Option<Ignored>),
}

fn first_reason(reason: Option<&Ignored>) -> String {
    reason.map_or_else(String::new, |reason| format!(" (the first one is left out: {reason})"))
}

/// Why one key of a set is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// `use` is not `sig`, or `key_ops` lacks `verify`.
    #[error("it is not for signatures")]
    NotForSignatures,
    /// `kty: oct`: a shared secret has no place in a published set.
    #[error("it is a shared secret")]
    Symmetric,
    /// It holds its own private half, so anybody who reads the set can sign.
    #[error("its private half is published with it")]
    PrivateHalf,
    /// An RSA modulus under [`RSA_MODULUS_BITS_MIN`] bits.
    #[error("its RSA modulus has less than {RSA_MODULUS_BITS_MIN} bits")]
    WeakRsa,
    /// A `kty`, `crv` or `alg` that is not on the list.
    #[error("its type, curve or algorithm is not supported")]
    Unsupported,
    /// A member that is missing, of the wrong type, or no point of its curve.
    #[error("it is malformed")]
    Malformed,
    /// A `kid` over [`KEY_ID_BYTES_MAX`].
    #[error("its `kid` is longer than {KEY_ID_BYTES_MAX} bytes")]
    KeyIdTooLong,
}

impl KeySet {
    /// Reads a JWKS document.
    ///
    /// # Errors
    /// [`KeySetError`] for the document as a whole; single keys are left out instead, see
    /// [`KeySet::ignored`].
    pub fn parse(jwks: &[u8]) -> Result<Self, KeySetError> {
        if jwks.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let document = json::object(jwks).map_err(KeySetError::Json)?;
        let list = document.get("keys").and_then(Value::as_list).ok_or(KeySetError::NoKeyList)?;
        if list.len() > KEYS_MAX {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = Vec::with_capacity(list.len());
        let mut ignored = Vec::new();
        for item in list {
            let members = item.as_object().ok_or(KeySetError::NoKeyList)?;
            match key(members) {
                Ok(key) => keys.push(key),
                Err(reason) => ignored.push(reason),
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey(ignored.first().copied()));
        }
        Ok(Self { keys, ignored })
    }

    /// How many keys can verify something; at least one.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: an empty set is a [`KeySetError::NoUsableKey`].
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Why keys were left out, in the document's order, for the operator's log.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// Whether a token with that `kid` would find a key.
    pub fn contains(&self, key_id: &KeyId) -> bool {
        self.named(key_id).next().is_some()
    }

    pub(super) fn named(&self, key_id: &KeyId) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.id.as_deref() == Some(&*key_id.0))
    }

    /// The key for a token without a `kid`: the only one, whether or not it has a name.
    pub(super) fn only(&self) -> Option<&Key> {
        match self.keys.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }
}

impl Key {
    /// Whether this key may verify that algorithm: by its own kind, and by the JWK's `alg` if any.
    pub(super) fn suits(&self, algorithm: Algorithm) -> bool {
        self.kind == algorithm.key_kind()
            && self.algorithm.is_none_or(|declared| declared == algorithm)
    }

    pub(super) const fn material(&self) -> &DecodingKey {
        &self.material
    }
}

fn key(members: &Object) -> Result<Key, Ignored> {
    let kty = text(members, "kty")?.ok_or(Ignored::Malformed)?;
    if kty == "oct" || members.contains_key("k") {
        return Err(Ignored::Symmetric);
    }
    if members.contains_key("d") {
        return Err(Ignored::PrivateHalf);
    }
    for_signatures(members)?;
    let id = text(members, "kid")?;
    if id.is_some_and(|id| id.len() > KEY_ID_BYTES_MAX) {
        return Err(Ignored::KeyIdTooLong);
    }
    let (kind, material) = match kty {
        "RSA" => (KeyKind::Rsa, rsa(members)?),
        "EC" => elliptic(members)?,
        "OKP" => (KeyKind::Ed25519, edwards(members)?),
        _ => return Err(Ignored::Unsupported),
    };
    let algorithm = match text(members, "alg")? {
        None => None,
        Some(name) => Some(Algorithm::named(name).ok_or(Ignored::Unsupported)?),
    };
    if algorithm.is_some_and(|algorithm| algorithm.key_kind() != kind) {
        return Err(Ignored::Malformed);
    }
    Ok(Key { id: id.map(Into::into), kind, algorithm, material })
}

fn for_signatures(members: &Object) -> Result<(), Ignored> {
    if text(members, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(Ignored::NotForSignatures);
    }
    match members.get("key_ops") {
        None => Ok(()),
        Some(operations) => {
            let operations = operations.as_list().ok_or(Ignored::Malformed)?;
            if operations.iter().any(|operation| operation.as_text() == Some("verify")) {
                Ok(())
            } else {
                Err(Ignored::NotForSignatures)
            }
        }
    }
}

fn rsa(members: &Object) -> Result<DecodingKey, Ignored> {
    let n = number(members, "n")?;
    let e = number(members, "e")?;
    let leading_zeros = n.iter().take_while(|byte| **byte == 0).count();
    let modulus = n.get(leading_zeros..).unwrap_or_default();
    let top = modulus.first().ok_or(Ignored::Malformed)?;
    let bits = modulus.len().saturating_mul(8).saturating_sub(top.leading_zeros() as usize);
    if bits < RSA_MODULUS_BITS_MIN {
        return Err(Ignored::WeakRsa);
    }
    // Beyond it the primitive verifies nothing, so the key would only take time. An exponent under
    // 3, or an even one, makes no RSA key.
    let exponent_is_odd = e.last().is_some_and(|byte| byte % 2 == 1);
    if bits > RSA_MODULUS_BITS_MAX || !exponent_is_odd || matches!(e.as_slice(), [1]) {
        return Err(Ignored::Malformed);
    }
    primitive::RsaPublicKeyComponents { n: modulus, e: e.as_slice() }
        .to_parsed_public_key(&primitive::RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| Ignored::Malformed)?;
    Ok(DecodingKey::from_rsa_raw_components(modulus, &e))
}

fn elliptic(members: &Object) -> Result<(KeyKind, DecodingKey), Ignored> {
    let (kind, coordinate_bytes, algorithm) = match text(members, "crv")? {
        Some("P-256") => (KeyKind::EcP256, 32, &primitive::ECDSA_P256_SHA256_FIXED),
        Some("P-384") => (KeyKind::EcP384, 48, &primitive::ECDSA_P384_SHA384_FIXED),
        Some(_) => return Err(Ignored::Unsupported),
        None => return Err(Ignored::Malformed),
    };
    let x = number(members, "x")?;
    let y = number(members, "y")?;
    if x.len() != coordinate_bytes || y.len() != coordinate_bytes {
        return Err(Ignored::Malformed);
    }
    // SEC 1 §2.3.3: an uncompressed point.
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    primitive::ParsedPublicKey::new(algorithm, &point).map_err(|_| Ignored::Malformed)?;
    Ok((kind, DecodingKey::from_ec_der(&point)))
}

fn edwards(members: &Object) -> Result<DecodingKey, Ignored> {
    match text(members, "crv")? {
        Some("Ed25519") => {}
        Some(_) => return Err(Ignored::Unsupported),
        None => return Err(Ignored::Malformed),
    }
    let x = number(members, "x")?;
    primitive::ParsedPublicKey::new(&primitive::ED25519, &x).map_err(|_| Ignored::Malformed)?;
    Ok(DecodingKey::from_ed_der(&x))
}

fn text<'o>(members: &'o Object, name: &str) -> Result<Option<&'o str>, Ignored> {
    match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_text().map(Some).ok_or(Ignored::Malformed),
    }
}

fn number(members: &Object, name: &str) -> Result<Vec<u8>, Ignored> {
    let text = text(members, name)?.ok_or(Ignored::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Ignored::Malformed)
}

impl KeyId {
    /// A key id, unless it is too long to be one.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= KEY_ID_BYTES_MAX).then(|| Self(text.into()))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyId({} bytes)", self.0.len())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeySet({} keys, {} left out)", self.keys.len(), self.ignored.len())
    }
}

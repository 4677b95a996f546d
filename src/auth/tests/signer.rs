//! A token issuer for the tests: fresh keys of every kind, and tokens as odd as a test wants them.
//! It signs with the primitives, not with the library that the product verifies with.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self as primitive, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::auth::{Algorithm, KeySet};

/// A private key, the algorithm it signs with, and the name its public half is published under.
pub(crate) struct Signer {
    algorithm: Algorithm,
    key_id: Option<String>,
    key: PrivateKey,
}

enum PrivateKey {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// One signer for each algorithm, made once for all tests.
pub(crate) struct Signers(Vec<Signer>);

pub(crate) fn signers() -> &'static Signers {
    static SIGNERS: LazyLock<Signers> = LazyLock::new(|| {
        Signers(
            Algorithm::ALL
                .into_iter()
                .map(|algorithm| Signer::new(algorithm, Some(&format!("key-{algorithm}"))))
                .collect(),
        )
    });
    &SIGNERS
}

impl Signers {
    pub(crate) fn of(&self, algorithm: Algorithm) -> &Signer {
        self.0.iter().find(|signer| signer.algorithm == algorithm).unwrap()
    }

    pub(crate) fn document(&self) -> String {
        document(&self.0.iter().map(Signer::jwk).collect::<Vec<_>>())
    }

    pub(crate) fn key_set(&self) -> KeySet {
        KeySet::parse(self.document().as_bytes()).unwrap()
    }
}

impl Signer {
    pub(crate) fn new(algorithm: Algorithm, key_id: Option<&str>) -> Self {
        let key = match algorithm {
            Algorithm::Es256 => PrivateKey::Ec(
                EcdsaKeyPair::generate(&primitive::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            ),
            Algorithm::Es384 => PrivateKey::Ec(
                EcdsaKeyPair::generate(&primitive::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            ),
            Algorithm::EdDsa => PrivateKey::Ed(Ed25519KeyPair::generate().unwrap()),
            _ => PrivateKey::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap()),
        };
        Self { algorithm, key_id: key_id.map(str::to_owned), key }
    }

    pub(crate) fn key_id(&self) -> &str {
        self.key_id.as_deref().unwrap()
    }

    /// The header this signer's tokens have when a test does not say otherwise.
    pub(crate) fn header(&self) -> serde_json::Value {
        let mut header = serde_json::json!({"typ": "JWT", "alg": self.algorithm.as_str()});
        if let Some(key_id) = &self.key_id {
            header["kid"] = key_id.as_str().into();
        }
        header
    }

    pub(crate) fn token(&self, claims: &serde_json::Value) -> String {
        self.token_of(&self.header().to_string(), &claims.to_string())
    }

    /// Signs whatever the texts are, JSON or not.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let mut token = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let signature = self.sign(token.as_bytes());
        write!(token, ".{}", encode(&signature)).unwrap();
        token
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            PrivateKey::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            PrivateKey::Ed(key) => key.sign(message).as_ref().to_vec(),
            PrivateKey::Rsa(key) => {
                let encoding: &'static dyn primitive::RsaEncoding = match self.algorithm {
                    Algorithm::Rs256 => &primitive::RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &primitive::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &primitive::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &primitive::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &primitive::RSA_PSS_SHA384,
                    _ => &primitive::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The public half, with `kid`, `alg` and `use`.
    pub(crate) fn jwk(&self) -> serde_json::Value {
        let mut jwk = match &self.key {
            PrivateKey::Rsa(key) => {
                let public = key.public_key();
                serde_json::json!({
                    "kty": "RSA",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
            PrivateKey::Ec(key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if point.len() == 64 { "P-256" } else { "P-384" };
                serde_json::json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            PrivateKey::Ed(key) => {
                let x = encode(key.public_key().as_ref());
                serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
        };
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.as_str().into();
        if let Some(key_id) = &self.key_id {
            jwk["kid"] = key_id.as_str().into();
        }
        jwk
    }
}

pub(crate) fn document(keys: &[serde_json::Value]) -> String {
    serde_json::json!({ "keys": keys }).to_string()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

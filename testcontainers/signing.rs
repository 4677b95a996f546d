//! Keys that sign tokens, made when a test starts, and the tokens that they sign: good ones, and
//! every kind of bad one.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

/// A private key with its id, and its public half as a JWK.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
}

impl SigningKey {
    /// RSA with 2048 bits, for RS256.
    pub fn rsa(id: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made");
        let pkcs8 = pair.as_der().expect("a key can be written as PKCS#8");
        // `jsonwebtoken` reads PKCS#8 for RSA from PEM only.
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(pkcs8.as_ref())
        );
        let private = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("the PEM is a key");
        Self::new(id, Algorithm::RS256, private)
    }

    /// P-256, for ES256.
    pub fn elliptic(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = pair.and_then(|pair| pair.to_pkcs8v1()).expect("a P-256 key can be made");
        Self::new(id, Algorithm::ES256, EncodingKey::from_ec_der(pkcs8.as_ref()))
    }

    fn new(id: &str, algorithm: Algorithm, private: EncodingKey) -> Self {
        let public = Jwk::from_encoding_key(&private, algorithm).expect("a key has a public half");
        let mut public = serde_json::to_value(public).expect("a JWK is JSON");
        public["kid"] = json!(id);
        public["use"] = json!("sig");
        Self { id: id.to_owned(), algorithm, private, public }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half, as a key set holds it.
    pub fn public(&self) -> &Value {
        &self.public
    }

    /// The token for these claims; `header` adds to and overrides `alg`, `typ` and `kid`, so that
    /// a token can say something else than how it is signed. A null takes a member away.
    pub fn sign(&self, claims: &Map<String, Value>, header: &Map<String, Value>) -> String {
        let mut own = json!({"alg": self.algorithm, "typ": "JWT", "kid": self.id});
        let members = own.as_object_mut().expect("written as an object above");
        members.extend(header.clone());
        members.retain(|_name, value| !value.is_null());
        let message = format!("{}.{}", encoded(members), encoded(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm);
        format!("{message}.{}", signature.expect("the key signs by its algorithm"))
    }
}

/// A token with `alg: none` and an empty signature.
pub fn unsigned(claims: &Map<String, Value>) -> String {
    let header = json!({"alg": "none", "typ": "JWT"});
    let header = header.as_object().expect("written as an object above");
    format!("{}.{}.", encoded(header), encoded(claims))
}

/// The claims of a token, whoever signed it.
pub fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token has three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("a token's parts are base64");
    serde_json::from_slice(&payload).expect("a token's claims are JSON")
}

/// A value that no other token has.
pub fn unique_id() -> String {
    let mut bytes = [0; 12];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn encoded(object: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(Value::Object(object.clone()).to_string())
}

//! T20, T21: every kind of bad token is refused in the two steps of RFC 7628, and leaves a row.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::testcontainers::issuer::{TokenIssuer, TokenRequest};
use crate::testcontainers::signing::{SigningKey, claims_of};
use crate::testcontainers::{ClientProperties, JavaTools, RawClient};
use crate::world::{CLEAR, World, create_topic, kafka};

/// What the client is told, whatever the reason.
const FAILURE: &[u8] = br#"{"status":"invalid_token"}"#;
const AUTHENTICATION_FAILED: i16 = 58;

/// What a row says of it, the token.
type Bad = (&'static str, String);

fn bad_tokens(issuer: &TokenIssuer, elsewhere: &TokenIssuer) -> Vec<Bad> {
    let token = || issuer.token_for("mallory");
    let theirs = SigningKey::rsa("rsa-1");
    let stranger = SigningKey::rsa("stranger");
    let soon = claims_of(&token().sign())["exp"].as_i64().unwrap();
    let forged_with = |shape: fn(TokenRequest) -> TokenRequest| shape(token()).forge(&stranger);
    vec![
        ("expired", token().lifetime_seconds(-120).sign()),
        ("no `exp`", token().claim("exp", Value::Null).sign()),
        ("not valid before", token().claim("nbf", soon).sign()),
        ("in the future", token().claim("iat", soon - 60).sign()),
        ("longer than allowed", token().lifetime_seconds(25 * 3_600).sign()),
        ("does not name this gateway", token().audience("another").sign()),
        ("no `aud`", token().claim("aud", Value::Null).sign()),
        ("is not configured", token().claim("iss", "https://id.evil.example").sign()),
        ("is not configured", elsewhere.token("mallory", &["pii-readers"], 600)),
        ("not among the issuer's keys", token().header("kid", "rsa-9").sign()),
        ("not among the issuer's keys", token().header("kid", "../../etc/passwd").sign()),
        ("not among the issuer's keys", token().header("kid", "' OR '1'='1").sign()),
        ("`kid` is longer than", token().header("kid", "k".repeat(1_001)).sign()),
        ("no `kid`", token().header("kid", Value::Null).sign()),
        ("is unsigned", token().unsigned()),
        ("is symmetric", symmetric(issuer, &token().sign())),
        ("signature is not the issuer's", token().forge(&theirs)),
        ("signature is not the issuer's", tampered(&token().sign())),
        ("not one for its `alg`", token().key("ec-1").header("kid", "rsa-1").sign()),
        ("critical header", token().header("crit", json!(["exp"])).sign()),
        ("not among the issuer's keys", {
            let url = elsewhere.key_set_url();
            token().header("jku", url.as_str()).header("x5u", url.as_str()).forge(&stranger)
        }),
        ("not among the issuer's keys", {
            token().header("jwk", stranger.public().clone()).forge(&stranger)
        }),
        ("not among the issuer's keys", forged_with(|token| token.groups(&["pii-readers"]))),
        ("not a list of names", token().claim("groups", "pii-readers").sign()),
        ("not a usable name", token().claim("sub", Value::Null).sign()),
        ("not a usable name", token().claim("sub", "jane\u{0}").sign()),
        ("not a compact JWS", "a.b".to_owned()),
    ]
}

/// HS256 with the issuer's public key for a secret (algorithm confusion).
fn symmetric(issuer: &TokenIssuer, good: &str) -> String {
    let keys: Value = serde_json::from_str(&issuer.key_set()).unwrap();
    let public = URL_SAFE_NO_PAD.decode(keys["keys"][0]["n"].as_str().unwrap()).unwrap();
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}).to_string();
    let claims = good.split('.').nth(1).unwrap();
    let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &public);
    let signature = hmac::sign(&secret, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A good token with another name in it.
fn tampered(good: &str) -> String {
    let mut claims = claims_of(good);
    claims["sub"] = json!("jane");
    let parts: Vec<&str> = good.split('.').collect();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

#[test]
fn t20_t21_bad_tokens_are_refused_in_two_steps() {
    let world = World::start();
    let elsewhere = TokenIssuer::start();
    let bad = bad_tokens(&world.issuer, &elsewhere);
    for (complaint, token) in &bad {
        let mut client = RawClient::connect(&world.address);
        let first = client.log_in(token).unwrap();
        assert_eq!((first.error_code, &first.auth_bytes[..]), (0, FAILURE), "{complaint}");
        let second = client.authenticate(&[1]).unwrap();
        assert_eq!(second.error_code, AUTHENTICATION_FAILED, "{complaint}");
        assert!(second.auth_bytes.is_empty());
        client.expect_closed();
    }
    let rows = world.rows();
    assert_eq!(rows.len(), bad.len(), "{rows:#?}");
    for (row, (complaint, token)) in rows.iter().zip(&bad) {
        assert_eq!(row["event"], "auth");
        assert_eq!(row["decision"], "deny");
        assert_eq!(row["error_code"], AUTHENTICATION_FAILED);
        assert!(row["principal"].is_null());
        let message = row["message"].as_str().unwrap();
        assert!(message.contains(complaint), "{message}: {complaint}");
        assert!(!row.to_string().contains(token), "a token is in a row");
    }
    assert!(bad.iter().all(|(_, token)| !world.lockgate.stderr().contains(token)));
    // A token cannot send us anywhere, and strange key ids cost a fetch now and then.
    assert_eq!(elsewhere.requests().key_set, 0);
    assert!(world.issuer.requests().key_set < 10, "{:?}", world.issuer.requests());
    // The same connection counts as one login, and the good ones still work.
    RawClient::logged_in(&world.address, &world.token("jane", &[]));
}

#[test]
fn a_frame_that_is_not_rfc_7628_is_refused_likewise() {
    let world = World::start();
    let token = world.token("jane", &[]);
    for message in [
        String::new(),
        "n,,".to_owned(),
        format!("n,a=admin,\u{1}auth=Bearer {token}\u{1}\u{1}"),
        format!("y,,\u{1}auth=Bearer {token}\u{1}\u{1}"),
        format!("n,,\u{1}auth=Basic {token}\u{1}\u{1}"),
        format!("n,,\u{1}auth=Bearer {token}\u{1}auth=Bearer {token}\u{1}\u{1}"),
        format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}x"),
        "\u{0}jane\u{0}password".to_owned(),
    ] {
        let mut client = RawClient::connect(&world.address);
        client.handshake("OAUTHBEARER").unwrap();
        let first = client.authenticate(message.as_bytes()).unwrap();
        assert_eq!((first.error_code, &first.auth_bytes[..]), (0, FAILURE), "{message:?}");
        assert_eq!(client.authenticate(&[1]).unwrap().error_code, AUTHENTICATION_FAILED);
        client.expect_closed();
    }
}

#[test]
fn java_is_told_that_its_token_was_not_taken() {
    let world = World::start();
    create_topic("refused.java");
    let token = world.issuer.token_for("mallory").audience("another").sign();
    world.lockgate.write("mallory.token", &token);
    let path = world.lockgate.directory().join("mallory.token");
    let properties = ClientProperties::plain().token_file(&path);
    let mallory = JavaTools::new(kafka().jars(), &world.address, properties);
    let arguments = ["refused.java", "1", "classic", "read_uncommitted", "mallory"];
    let refused = mallory.java_program("Consume.java", &arguments).expect_failure();
    let line = refused.json_lines().pop().unwrap();
    assert_eq!(line["error"], "org.apache.kafka.common.errors.SaslAuthenticationException");
    assert_eq!(line["message"], "the token was not accepted");
    let produced = mallory.console_produce("refused.java", &[CLEAR], &[]);
    assert!(produced.stderr.contains("SaslAuthenticationException"), "{}", produced.explain());
}

//! Key sources against a small HTTP server in the test: rotation, floods, slow and hostile answers,
//! and what is left when the issuer is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod hostile;
mod issuer;
mod stale;

use super::*;
use crate::auth::tests::signer::{Signer, document};
use crate::auth::tests::{ISSUER, NOW};
use crate::auth::{self, Algorithm, BearerToken, IssuerRules, Rejection, Verified};

use issuer::{Issuer, Reply};

/// Everything in a test ends within this, or the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// No floor between fetches: what the floor does is tested with the time as an argument, in
/// `stale`.
fn quick() -> KeyTiming {
    KeyTiming { unknown_key_interval: Duration::ZERO, ..KeyTiming::default() }
}

fn rules() -> IssuerRules {
    IssuerRules::new(ISSUER, vec!["kafka".to_owned()])
}

fn token_of(signer: &Signer) -> String {
    signer.token(&serde_json::json!({
        "iss": ISSUER, "aud": "kafka", "sub": "jane", "iat": NOW, "exp": NOW + 600,
    }))
}

fn key(name: &str) -> Signer {
    Signer::new(Algorithm::Es256, Some(name))
}

fn set(keys: &[&Signer]) -> Reply {
    Reply::Body(document(&keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()).into_bytes())
}

/// A source whose first fetch has ended, well or not.
async fn fetched(location: KeyLocation, timing: KeyTiming) -> KeySource {
    let source = KeySource::start(ISSUER, location, timing).unwrap();
    first_fetch(&source).await;
    source
}

async fn first_fetch(source: &KeySource) {
    let mut fetches = source.shared.fetches.subscribe();
    let ended = fetches.wait_for(|count| *count > 0);
    tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap();
}

async fn start(issuer: &Issuer, timing: KeyTiming) -> KeySource {
    fetched(KeyLocation::Url(issuer.url("/keys")), timing).await
}

/// A login as a session does it: judged by the keys at hand, and once more after a refresh if there
/// are none or the token names another.
async fn login(source: &KeySource, signer: &Signer) -> Result<Verified, Rejection> {
    let token = token_of(signer);
    let judged = || {
        let keys = source.current().ok_or(Rejection::KeysUnavailable)?;
        auth::verify(&BearerToken::new(&token), &rules(), &keys, NOW)
    };
    let key_id = match judged() {
        Err(Rejection::UnknownKey { key_id }) => Some(key_id),
        Err(Rejection::KeysUnavailable) => None,
        verdict => return verdict,
    };
    tokio::time::timeout(PATIENCE, source.refresh(key_id.as_ref())).await.unwrap();
    judged()
}

#[tokio::test]
async fn a_rotated_key_is_found_by_the_login_that_needs_it() {
    let (old, new) = (key("old"), key("new"));
    let issuer = Issuer::start(set(&[&old])).await;
    let source = start(&issuer, quick()).await;
    assert_eq!(source.status().freshness, Freshness::Fresh);
    assert!(login(&source, &old).await.is_ok());

    issuer.answer("/keys", set(&[&old, &new]));
    assert!(login(&source, &new).await.is_ok());
    assert!(login(&source, &old).await.is_ok());
    assert_eq!(issuer.requests(), 2);

    // Taken back by the issuer: gone with the next fetch.
    issuer.answer("/keys", set(&[&new]));
    let stranger = login(&source, &key("stranger")).await;
    assert!(matches!(stranger, Err(Rejection::UnknownKey { .. })));
    assert!(matches!(login(&source, &old).await, Err(Rejection::UnknownKey { .. })));
    assert!(login(&source, &new).await.is_ok());
}

#[tokio::test]
async fn t20_a_flood_of_unknown_keys_costs_one_request() {
    let known = key("known");
    let issuer = Issuer::start(set(&[&known])).await;
    let never_again = KeyTiming { unknown_key_interval: Duration::from_hours(1), ..quick() };
    let source = start(&issuer, never_again).await;
    for index in 0..100 {
        let login = login(&source, &key(&format!("unknown-{index}"))).await;
        assert!(matches!(login, Err(Rejection::UnknownKey { .. })));
    }
    // The first fetch was too recent for another.
    assert_eq!(issuer.requests(), 1);

    // All at once, when one is allowed and takes its time: they share it.
    let impatient = KeyTiming { wait_max: Duration::from_millis(200), ..quick() };
    let source = Arc::new(start(&issuer, impatient).await);
    issuer.answer("/keys", Reply::Silence);
    let before = issuer.requests();
    let mut logins = tokio::task::JoinSet::new();
    for index in 0..50 {
        let source = Arc::clone(&source);
        logins.spawn(async move { login(&source, &key(&format!("unknown-{index}"))).await });
    }
    while let Some(outcome) = logins.join_next().await {
        assert!(matches!(outcome.unwrap(), Err(Rejection::UnknownKey { .. })));
    }
    assert_eq!(issuer.requests() - before, 1);
    assert!(login(&source, &known).await.is_ok());
}

#[tokio::test]
async fn a_key_that_was_not_there_is_not_looked_for_again_soon() {
    let (known, absent) = (key("known"), key("absent"));
    let issuer = Issuer::start(set(&[&known])).await;
    let source = start(&issuer, quick()).await;
    for _ in 0..3 {
        assert!(matches!(login(&source, &absent).await, Err(Rejection::UnknownKey { .. })));
    }
    assert_eq!(issuer.requests(), 2);
    // A fetch for another key brings it all the same.
    issuer.answer("/keys", set(&[&known, &absent]));
    assert!(login(&source, &key("third")).await.is_err());
    assert_eq!(issuer.requests(), 3);
    assert!(login(&source, &absent).await.is_ok());
}

#[tokio::test]
async fn discovery_finds_the_keys_of_the_right_issuer_only() {
    let signer = key("k");
    let server = Issuer::start(set(&[&signer])).await;
    // A path, and the slash that OpenID Connect Discovery takes off.
    let name = server.url("/realms/acme/");
    let configuration = "/realms/acme/.well-known/openid-configuration";
    let describe = |issuer: &str, keys: &str| {
        let text = serde_json::json!({"issuer": issuer, "jwks_uri": keys, "more": [1]});
        Reply::Body(text.to_string().into_bytes())
    };
    let first = |reply: Reply| {
        server.answer(configuration, reply);
        let source = KeySource::start(&name, KeyLocation::Discovery, quick()).unwrap();
        async move {
            first_fetch(&source).await;
            source.status()
        }
    };
    let good = first(describe(&name, &server.url("/keys"))).await;
    assert_eq!((good.freshness, good.keys), (Freshness::Fresh, 1));
    for (reply, complaint) in [
        (describe("https://other.example", &server.url("/keys")), "another issuer's"),
        (describe(name.trim_end_matches('/'), &server.url("/keys")), "another issuer's"),
        (describe(&name, "http://169.254.169.254/keys"), "`jwks_uri` is refused"),
        (describe(&name, "file:///etc/passwd"), "`jwks_uri` is refused"),
        (describe(&name, "https://user:secret@id.example/keys"), "`jwks_uri` is refused"),
        (Reply::Body(b"{}".to_vec()), "has no `issuer`"),
        (Reply::Body(b"<html>".to_vec()), "has no `issuer`"),
    ] {
        let status = first(reply).await;
        assert_eq!(status.freshness, Freshness::Missing);
        let error = status.last_error.unwrap();
        assert!(error.contains(complaint) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn addresses_are_checked_before_anything_is_sent() {
    for good in [
        "https://id.acme.example/keys",
        "http://127.0.0.1:8080/keys",
        "http://127.9.9.9/keys",
        "http://[::1]:8080/keys",
        "http://localhost/keys",
    ] {
        assert!(location::checked(good).is_ok(), "{good}");
    }
    for (bad, error) in [
        ("http://id.acme.example/keys", "not https"),
        ("http://10.0.0.1/keys", "not https"),
        ("http://localhost.evil.example/keys", "not https"),
        ("http://169.254.169.254/latest", "not https"),
        ("ftp://id.acme.example/keys", "not an absolute"),
        ("file:///etc/keys", "not an absolute"),
        ("/keys", "not an absolute"),
        ("id.acme.example/keys", "not an absolute"),
        ("https://jane:pw@id.acme.example/keys", "user name or password"),
    ] {
        let refused = location::checked(bad).unwrap_err().to_string();
        assert!(refused.contains(error) && !refused.contains("pw"), "{bad}: {refused}");
    }
    assert_eq!(
        location::discovery("https://id.acme.example/").unwrap().as_str(),
        "https://id.acme.example/.well-known/openid-configuration"
    );
    assert!(location::discovery("https://id.acme.example/?a=b").is_err());
}

#[test]
fn t25_an_issuer_elsewhere_cannot_point_at_this_machine() {
    let issuer = "https://id.acme.example";
    let from = location::discovery(issuer).unwrap();
    let address = |keys: &str| {
        let document = serde_json::json!({"issuer": issuer, "jwks_uri": keys}).to_string();
        transport::key_address(document.as_bytes(), &from, issuer)
    };
    assert!(address("https://keys.acme.example/k").is_ok());
    for inward in ["http://127.0.0.1:9644/status", "http://[::1]/k", "http://localhost/k"] {
        let refused = address(inward);
        assert!(matches!(refused, Err(FetchError::KeyAddress(_))), "{inward}");
    }
}

//! Tokens of the client-credentials grant: fetched once for many, renewed before they end, used on
//! while the issuer is away, and never asked for in a crowd.

use std::sync::Arc;
use std::time::Duration;

use lockgate::config::{OwnCredential, Secret};
use lockgate::enforce::broker_login::Credential;
use lockgate::io::credential::{CredentialSource, TokenTiming};

use crate::testcontainers::TokenIssuer;
use crate::testcontainers::issuer::Fault;
use crate::world::PATIENCE;

fn source(issuer: &TokenIssuer, secret: &str, timing: TokenTiming) -> CredentialSource {
    let credential = OwnCredential::OauthBearer {
        token_url: issuer.token_url(),
        client_id: Secret::Text("gate way".to_owned()),
        client_secret: Secret::Text(secret.to_owned()),
        scope: Some("kafka produce".to_owned()),
    };
    CredentialSource::with_timing(&credential, timing).unwrap()
}

fn token(credential: Credential) -> String {
    match credential {
        Credential::OauthBearer { token } => token,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_serves_everybody_until_it_is_old() {
    let issuer = TokenIssuer::start();
    issuer.set_secret("p%ss: w/rd+");
    let source = Arc::new(source(&issuer, "p%ss: w/rd+", TokenTiming::default()));
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let source = Arc::clone(&source);
        crowd.spawn(async move { token(source.credential().await.unwrap()) });
    }
    let tokens = crowd.join_all().await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(issuer.requests().token, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_is_given_while_the_next_is_fetched() {
    let issuer = TokenIssuer::start();
    // Old at once, good for an hour.
    let timing = TokenTiming { refresh_at_percent: 0, pause: Duration::ZERO };
    let source = source(&issuer, "s", timing);
    let first = token(source.credential().await.unwrap());
    issuer.set_fault(Fault::Unavailable);
    assert_eq!(token(source.credential().await.unwrap()), first, "the issuer is away");
    asked(&issuer, 2).await;
    assert_eq!(token(source.credential().await.unwrap()), first);
    issuer.set_fault(Fault::None);
    tokio::time::timeout(PATIENCE, async {
        while token(source.credential().await.unwrap()) == first {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the next token comes");
}

async fn asked(issuer: &TokenIssuer, times: u64) {
    tokio::time::timeout(PATIENCE, async {
        while issuer.requests().token < times {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the issuer is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_is_not_given() {
    let issuer = TokenIssuer::start();
    issuer.set_lifetime_seconds(1);
    let source = source(&issuer, "s", TokenTiming::default());
    let first = token(source.credential().await.unwrap());
    issuer.set_fault(Fault::Unavailable);
    let fault = tokio::time::timeout(PATIENCE, async {
        loop {
            match source.credential().await {
                Ok(credential) => assert_eq!(token(credential), first),
                Err(fault) => break fault.to_string(),
            }
            tokio::task::yield_now().await;
        }
    });
    let fault = fault.await.expect("it ends");
    assert!(fault.contains("answered 503"), "{fault}");
    // The issuer is left alone for a while after a failure.
    let asked = issuer.requests().token;
    for _ in 0..10 {
        assert!(source.credential().await.is_err());
    }
    assert_eq!(issuer.requests().token, asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuers_words_are_told_and_the_secret_is_not() {
    let issuer = TokenIssuer::start();
    issuer.set_secret("right");
    let source = source(&issuer, "hunter2", TokenTiming::default());
    let fault = source.credential().await.unwrap_err();
    let said = fault.to_string();
    assert!(said.ends_with("answered 401: invalid_client (no such secret)"), "{said}");
    issuer.stop();
    let gone = self::source(&issuer, "hunter2", TokenTiming::default());
    let said = gone.credential().await.unwrap_err().to_string();
    assert!(said.contains("no answer from the token endpoint at 127.0.0.1"), "{said}");
    assert!(!format!("{said}{fault:?}").contains("hunter2"));
}

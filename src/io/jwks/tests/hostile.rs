//! T25: an issuer that is down, slow, endless, or sends us elsewhere.

use super::*;

async fn first_error(reply: Reply) -> (String, Issuer) {
    let issuer = Issuer::start(reply).await;
    let source = start(&issuer, quick()).await;
    let status = source.status();
    assert_eq!(status.freshness, Freshness::Missing);
    assert_eq!(login(&source, &key("k")).await, Err(Rejection::KeysUnavailable));
    (status.last_error.unwrap(), issuer)
}

#[tokio::test]
async fn t25_an_endless_answer_is_cut_at_the_cap() {
    for announced in [Some(1_000_000_000), None] {
        let (error, issuer) = first_error(Reply::Flood { announced }).await;
        assert!(error.contains("larger than"), "{error}");
        // What the kernel buffers on both sides comes on top, for each of a few attempts.
        assert!(issuer.bytes() < 32 * 1024 * 1024, "{} bytes", issuer.bytes());
    }
}

#[tokio::test]
async fn t25_a_redirect_is_not_followed() {
    let trap = Issuer::start(set(&[&key("trap")])).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let head = format!("{status}\r\nLocation: {}\r\n", trap.url("/keys"));
        let (error, _) = first_error(Reply::Head(head)).await;
        assert!(error.contains("redirects are not followed"), "{error}");
    }
    assert_eq!(trap.requests(), 0);
}

#[tokio::test]
async fn t25_errors_and_wrong_content_are_no_keys() {
    for (reply, complaint) in [
        (Reply::Head("500 Oops\r\n".to_owned()), "answered 500"),
        (Reply::Head("204 No Content\r\n".to_owned()), "answered 204"),
        (Reply::Body(b"<html>login</html>".to_vec()), "not valid JSON"),
        (Reply::Body(br#"{"keys":[]}"#.to_vec()), "no usable signature key"),
        (Reply::Body(br#"{"keys":[{"kty":"oct","k":"AA"}]}"#.to_vec()), "shared secret"),
    ] {
        let (error, _) = first_error(reply).await;
        assert!(error.contains(complaint), "{error}");
    }
}

#[tokio::test]
async fn t25_nobody_listening_is_said_so() {
    let gone = Issuer::start(Reply::Silence).await.url("/keys");
    // The issuer of the line above is dropped: its port refuses.
    let location = KeyLocation::Url(gone);
    let source = fetched(location, quick()).await;
    let error = source.status().last_error.unwrap();
    assert!(error.contains("no answer from 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn t25_an_issuer_without_tls_is_no_https_issuer() {
    let issuer = Issuer::start(set(&[&key("k")])).await;
    let location = KeyLocation::Url(issuer.url("/keys").replace("http:", "https:"));
    let source = fetched(location, quick()).await;
    assert_eq!(source.status().freshness, Freshness::Missing);
    let error = source.status().last_error.unwrap();
    assert!(error.contains("no answer from 127.0.0.1"), "{error}");
    assert_eq!(issuer.requests(), 0);
}

#[tokio::test]
async fn t25_a_slow_issuer_costs_a_login_no_more_than_the_wait() {
    let known = key("known");
    let issuer = Issuer::start(set(&[&known])).await;
    let timing = KeyTiming { wait_max: Duration::from_millis(300), ..quick() };
    let source = start(&issuer, timing).await;
    issuer.answer("/keys", Reply::Silence);

    let asked = Instant::now();
    assert!(matches!(login(&source, &key("new")).await, Err(Rejection::UnknownKey { .. })));
    let waited = asked.elapsed();
    assert!(waited >= timing.wait_max && waited < Duration::from_secs(5), "{waited:?}");
    // Others do not wait for it.
    let asked = Instant::now();
    assert!(login(&source, &known).await.is_ok());
    assert!(asked.elapsed() < timing.wait_max);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_gateway_that_starts_before_its_issuer_lets_people_in_soon() {
    let signer = key("k");
    let issuer = Issuer::start(Reply::Head("503 Not yet\r\n".to_owned())).await;
    let source = start(&issuer, KeyTiming::default()).await;
    assert_eq!(source.status().freshness, Freshness::Missing);
    issuer.answer("/keys", set(&[&signer]));
    let mut fetches = source.shared.fetches.subscribe();
    tokio::time::timeout(PATIENCE, async {
        while login(&source, &signer).await.is_err() {
            fetches.changed().await.unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(source.status().failures, issuer.requests() - 1);
    assert_eq!(source.status().last_error, None);
}

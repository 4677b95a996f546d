//! What may be written of the brokers, and what is said to the rest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::config::{Config, parse};

fn parsed(upstream: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("policies")).unwrap();
    for name in ["ca.pem", "cert.pem", "key.pem", "secret"] {
        std::fs::write(directory.path().join(name), "x").unwrap();
    }
    let text = format!(
        "listen: 127.0.0.1:9092\naddresses: keep\nidentity: {{oauthbearer: {{issuer: https://i, \
         audience: k}}}}\nupstream: {{bootstrap: [a:1, b:2]{upstream}}}\n"
    );
    let environment = |name: &str| (name == "PASSWORD").then(|| "hunter2".to_owned());
    parse("l.yaml", &text, directory.path(), &environment).map_err(|error| error.to_string())
}

fn accepted(upstream: &str) -> Upstream {
    let config = parsed(upstream).unwrap_or_else(|said| panic!("{said}"));
    config.clusters[0].upstream.clone()
}

#[test]
fn every_credential_is_read() {
    let upstream = accepted(", auth: {plain: {username: gw, password: '${PASSWORD}'}}");
    let UpstreamAuth::Own(own) = &upstream.auth else { panic!() };
    let text = |text: &str| Secret::Text(text.to_owned());
    let expected = OwnCredential::Plain { username: text("gw"), password: text("hunter2") };
    assert_eq!(**own, expected);
    assert_eq!(upstream.service.as_deref(), Some(&expected), "the default of `service`");
    assert!(!format!("{upstream:?}").contains("hunter2"));

    let upstream = accepted(
        ", auth: {scram: {username: {file: secret}, password: {file: secret}}}, service: none",
    );
    let UpstreamAuth::Own(own) = &upstream.auth else { panic!() };
    let OwnCredential::Scram { hash: ScramHash::Sha512, username: Secret::File(path), .. } = &**own
    else {
        panic!("{own:?}")
    };
    assert!(path.ends_with("secret"));
    assert_eq!(upstream.service, None);

    let upstream = accepted(
        ", auth: forward, service: {oauthbearer: {token_url: https://i/t, client_id: gw, \
         client_secret: s, scope: kafka}}",
    );
    assert_eq!(upstream.auth, UpstreamAuth::Forward);
    let Some(OwnCredential::OauthBearer { token_url, scope, .. }) = upstream.service.as_deref()
    else {
        panic!()
    };
    assert_eq!((token_url.as_str(), scope.as_deref()), ("https://i/t", Some("kafka")));
    assert_eq!(accepted(", auth: forward").service, None);
    assert_eq!(accepted("").auth, UpstreamAuth::None);
}

#[test]
fn tls_is_read() {
    let tls = accepted(", tls: {ca: ca.pem, cert: cert.pem, key: key.pem, server_name: k}").tls;
    let tls = tls.unwrap();
    assert!(tls.ca.unwrap().ends_with("ca.pem"));
    assert!(tls.identity.unwrap().1.ends_with("key.pem"));
    assert_eq!(tls.server_name.as_deref(), Some("k"));
    assert_eq!(accepted(", tls: {}").tls, Some(UpstreamTls::default()));
}

#[test]
fn each_mistake_says_what_to_write() {
    for (upstream, part) in [
        (", auth: plain", "write `{plain: {username, password}}`"),
        (", auth: mtls", "write `tls: {ca, cert, key}` and no `auth`"),
        (", auth: forwrd", "did you mean `forward`?"),
        (", auth: {}", "exactly one of the three"),
        (", auth: {plain: {username: a}}", "`password` is missing"),
        (", auth: {plain: {username: a, password: ''}}", "`password` is empty"),
        (", auth: {plain: {username: a, password: '${NONE}'}}", "`NONE` is not set"),
        (", auth: {plain: {username: a, password: {file: none}}}", "none does not exist"),
        (", auth: {scram: {username: a, password: b, mechanism: MD5}}", "`SCRAM-SHA-256`"),
        (", auth: {skram: {}}", "did you mean `scram`?"),
        (
            ", auth: {oauthbearer: {token_url: http://i/t, client_id: a, client_secret: b}}",
            "it must be https",
        ),
        (", service: forward", "no client whose token"),
        (", tls: {cert: cert.pem}", "`cert` has no `key`"),
        (", tls: {key: key.pem}", "`key` has no `cert`"),
        (", tls: {ca: none.pem}", "none.pem does not exist"),
        (", tls: {server: x}", "did you mean `server_name`?"),
    ] {
        let said = parsed(upstream).unwrap_err();
        assert!(said.contains(part), "{upstream}: {said}");
        assert!(said.contains("l.yaml:4:"), "{upstream}: {said}");
    }
}

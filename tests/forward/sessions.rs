//! KIP-368: a session lives no longer than the broker lets it, and clients go on with a new one, or
//! log in again on the old.

use std::time::{Duration, Instant};

use crate::cluster::{
    GROUP_RESOURCE, Gateway, READ, SESSION_MS_MAX, TOPIC_RESOURCE, WRITE, cluster,
};
use crate::testcontainers::{Python, RawClient};

#[test]
fn a_session_ends_when_the_broker_would_end_it() {
    let _whole = cluster().shared();
    let gateway = Gateway::start();
    let opened = Instant::now();
    let mut jane = RawClient::logged_in(&gateway.address, &cluster().token("jane", &[]));
    jane.expect_closed();
    let lived = opened.elapsed();
    let most = Duration::from_millis(SESSION_MS_MAX.unsigned_abs());
    assert!(lived > most / 2 && lived < most * 4, "{lived:?}");
    let ends = gateway.rows("session_end");
    assert_eq!(ends[0]["message"], "the token has ended", "{ends:#?}");
}

#[test]
fn clients_go_on_over_the_ends_of_their_sessions() {
    let _whole = cluster().shared();
    let gateway = Gateway::start();
    cluster().create_topic("steady.forward", &[1, 2, 3]);
    cluster().allow("steady", TOPIC_RESOURCE, "steady.", &[READ, WRITE]);
    cluster().allow("steady", GROUP_RESOURCE, "steady-", &[READ]);
    let arguments = [
        ["--client", "confluent"],
        ["--user", "steady"],
        ["--bootstrap", &gateway.address],
        ["--topic", "steady.forward"],
        ["--token-url", &cluster().issuer.token_url()],
        ["--seconds", "25"],
        ["--ttl", "600"],
    ];
    let steady = Python::environment().run("steady.py", arguments.as_flattened());
    let line = steady.expect_success().json_lines().pop().unwrap();
    assert!(line["delivered"].as_u64().unwrap() > 100, "{line}");
    // librdkafka logs in again, at the broker too, before a session ends.
    let logins = gateway.rows("auth");
    let said = "logged in again on a live connection";
    let again = logins.iter().filter(|row| row["message"] == said);
    assert!(again.count() >= 4, "{logins:#?}");
    assert!(logins.iter().all(|row| row["decision"] == "allow"), "{logins:#?}");
}

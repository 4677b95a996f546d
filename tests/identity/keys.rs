//! Keys that rotate, and an issuer that is not there (T25).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::testcontainers::issuer::{Fault, RetiredKeys};
use crate::testcontainers::process::until;
use crate::testcontainers::{RawClient, TokenIssuer};
use crate::world::{World, gateway, get};

/// An unknown key is looked for once in ten seconds, so a new one is found after that.
const KEY_LIMIT: Duration = Duration::from_secs(60);

fn is_taken(address: &str, token: &str) -> bool {
    let answer = RawClient::connect(address).log_in(token).unwrap();
    assert_eq!(answer.error_code, 0);
    answer.auth_bytes.is_empty()
}

fn until_taken(address: &str, token: &str) {
    until("a login with a new key", KEY_LIMIT, || {
        if is_taken(address, token) { Ok(()) } else { Err("refused".to_owned()) }
    });
}

fn issuer_state(world: &World) -> Value {
    let status = get(&world.lockgate, "/status").1;
    let status: Value = serde_json::from_str(&status).unwrap();
    status["identity"]["issuers"][0].clone()
}

#[test]
fn a_rotated_key_is_found_and_a_withdrawn_one_is_forgotten() {
    let world = World::start();
    let old = world.token("jane", &[]);
    let mut live = RawClient::logged_in(&world.address, &old);

    world.issuer.rotate_keys(RetiredKeys::Published);
    let new = world.token("jane", &[]);
    until_taken(&world.address, &new);
    assert!(is_taken(&world.address, &old), "a retired key that is still published is good");

    world.issuer.rotate_keys(RetiredKeys::Withdrawn);
    let newest = world.token("jane", &[]);
    until_taken(&world.address, &newest);
    assert!(!is_taken(&world.address, &old), "a withdrawn key is no key");
    assert!(!is_taken(&world.address, &new));
    // Who is logged in stays so until the token ends.
    assert_eq!(live.api_versions().unwrap().error_code, 0);
    // However many logins asked for it: one fetch in ten seconds.
    let fetches = world.issuer.requests().key_set;
    assert!(fetches <= 2 + KEY_LIMIT.as_secs() * 2 / 10, "{fetches} fetches");
}

#[test]
fn t25_an_issuer_that_is_gone_disturbs_nobody() {
    let world = World::start();
    let jane = world.token("jane", &[]);
    let mut live = RawClient::logged_in(&world.address, &jane);
    world.issuer.rotate_keys(RetiredKeys::Published);
    let unknown = world.token("jane", &[]);
    world.issuer.stop();

    assert_eq!(live.api_versions().unwrap().error_code, 0);
    assert!(is_taken(&world.address, &jane), "the last good keys are good for an hour");
    // The first of these makes the fetch that fails, as soon as one is due again.
    until("a fetch that fails", KEY_LIMIT, || {
        let asked = Instant::now();
        assert!(!is_taken(&world.address, &unknown));
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
        let state = issuer_state(&world);
        if state["freshness"] == "stale" { Ok(()) } else { Err(state.to_string()) }
    });
    assert!(issuer_state(&world)["last_error"].as_str().unwrap().contains("no answer"));
    assert!(is_taken(&world.address, &jane));
    assert_eq!(get(&world.lockgate, "/readyz").0, 200, "people can log in, so clients may come");
    world.issuer.start_again();
    until_taken(&world.address, &unknown);
    assert_eq!(issuer_state(&world)["freshness"], "fresh");
}

#[test]
fn t25_a_gateway_that_starts_before_its_issuer_lets_people_in_later() {
    let issuer = TokenIssuer::start();
    let jane = issuer.token("jane", &[], 600);
    issuer.set_fault(Fault::Unavailable);
    let url = issuer.url();
    let identity = format!("oauthbearer: {{issuer: \"{url}\", audience: kafka}}");
    let (lockgate, address) = gateway(&identity, "", &[]);
    assert!(!is_taken(&address, &jane));
    let (status, reasons) = get(&lockgate, "/readyz");
    assert_eq!(status, 503);
    assert!(reasons.contains(&format!("no keys of issuer {url}")), "{reasons}");
    for fault in [Fault::Garbled, Fault::Huge(4 << 20)] {
        issuer.set_fault(fault);
        let seen = issuer.requests().key_set;
        until("another fetch", KEY_LIMIT, || {
            if issuer.requests().key_set > seen { Ok(()) } else { Err("none yet".to_owned()) }
        });
        assert!(!is_taken(&address, &jane), "{fault:?}");
    }
    issuer.set_fault(Fault::None);
    until_taken(&address, &jane);
    let (status, body) = get(&lockgate, "/readyz");
    assert_eq!(status, 200, "{body}");
    let metrics = get(&lockgate, "/metrics").1;
    assert!(
        metrics.contains("lockgate_login_failures_total{reason=\"keys_unavailable\"}"),
        "{metrics}"
    );
}

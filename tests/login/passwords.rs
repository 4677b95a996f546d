//! PLAIN and SCRAM by hand: who gets in, who does not and what that looks like, and the limits.

use std::time::{Duration, Instant};

use kafka_protocol::messages::MetadataRequest;
use lockgate::auth::scram::ScramHash;

use crate::testcontainers::process::until;
use crate::testcontainers::{RawClient, Scratch};
use crate::world::{LOCAL, World, bearer_identity, broker, config_user, logins};

const FAILED: i16 = 58;
const ILLEGAL_SASL_STATE: i16 = 34;

fn connect(world: &World) -> RawClient {
    RawClient::connect(&world.address)
}

#[track_caller]
fn expect_served(client: &mut RawClient) {
    let answer = client.call(12, &MetadataRequest::default()).unwrap();
    assert!(!answer.brokers.is_empty());
}

#[test]
fn one_listener_takes_tokens_and_passwords_side_by_side() {
    let world = World::local(&format!("{}\n  {LOCAL}", bearer_identity()), "");
    let mut offered = connect(&world);
    let answer = offered.handshake("GSSAPI").unwrap();
    let names: Vec<&str> = answer.mechanisms.iter().map(|name| &**name).collect();
    assert_eq!(names, ["OAUTHBEARER", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]);
    let token = broker().issuer.token("jane", &["humans"], 600);
    expect_served(&mut RawClient::logged_in(&world.address, &token));
    for hash in ScramHash::ALL {
        let mut client = connect(&world);
        let answer = client.scram(hash, "alice", "alice-pw").unwrap();
        assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 0));
        expect_served(&mut client);
    }
    let mut client = connect(&world);
    assert_eq!(client.plain("bob", "bob-pw").unwrap().error_code, 0);
    expect_served(&mut client);
    // A token for the name of a local user is not that user.
    let taken = broker().issuer.token("alice", &["pii-readers"], 600);
    let answer = connect(&world).log_in(&taken).unwrap();
    assert!(answer.auth_bytes.starts_with(b"{\"status\""));
    let rows = world.rows();
    let good: Vec<_> = logins(&rows).into_iter().filter(|row| row.2 == "allow").collect();
    assert_eq!(
        good,
        [
            (Some("jane"), Some("OAUTHBEARER"), "allow"),
            (Some("alice"), Some("SCRAM-SHA-256"), "allow"),
            (Some("alice"), Some("SCRAM-SHA-512"), "allow"),
            (Some("bob"), Some("PLAIN"), "allow"),
        ]
    );
    world.expect_discreet(&["alice-pw", "bob-pw", &token, &taken]);
}

#[test]
fn t24_who_fails_is_told_nothing_late_and_once() {
    let world = World::local(LOCAL, "");
    let mut told = Vec::new();
    for (name, password) in [("alice", "wrong"), ("nobody", "alice-pw")] {
        let mut client = connect(&world);
        let last = client.scram_challenged(ScramHash::Sha256, name, password);
        let began = Instant::now();
        let answer = client.authenticate(&last).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
        assert_eq!(answer.error_code, FAILED);
        told.push(answer.error_message);
        client.expect_closed();
        let mut client = connect(&world);
        let answer = client.plain(name, password).unwrap();
        assert_eq!(answer.error_code, FAILED);
        told.push(answer.error_message);
        client.expect_closed();
    }
    assert_eq!(told[..2], told[2..], "somebody and nobody are told the same");
    // A good proof is good once.
    let mut first = connect(&world);
    let proof = first.scram_challenged(ScramHash::Sha512, "alice", "alice-pw");
    assert_eq!(first.authenticate(&proof).unwrap().error_code, 0);
    let mut replayed = connect(&world);
    replayed.scram_challenged(ScramHash::Sha512, "alice", "alice-pw");
    assert_eq!(replayed.authenticate(&proof).unwrap().error_code, FAILED);
    replayed.expect_closed();
    let rows = world.rows();
    let refused = logins(&rows).into_iter().filter(|row| row.2 == "deny").count();
    assert_eq!(refused, 5, "{rows:#?}");
    world.expect_discreet(&["alice-pw", "wrong", "nobody"]);
}

#[test]
fn t24_a_client_cannot_choose_something_weaker() {
    let strong = "scram: {users: users.yaml, mechanisms: [SCRAM-SHA-512]}";
    let world = World::local(strong, "");
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"] {
        let mut client = connect(&world);
        let answer = client.handshake(mechanism).unwrap();
        assert_eq!(answer.error_code, 33);
        assert_eq!(answer.mechanisms.len(), 1);
        client.expect_closed();
    }
    let mut client = connect(&world);
    client.handshake("SCRAM-SHA-512").unwrap();
    assert_eq!(client.authenticate(b"\0alice\0alice-pw").unwrap().error_code, FAILED);
    client.expect_closed();
    let mut client = connect(&world);
    client.scram(ScramHash::Sha512, "alice", "alice-pw").unwrap();
    assert_eq!(client.handshake("SCRAM-SHA-512").unwrap().error_code, ILLEGAL_SASL_STATE);
    client.expect_closed();
}

#[test]
fn connections_of_one_user_are_limited_and_given_back() {
    let world = World::local(LOCAL, "limits: {connections_per_principal_max: 2}");
    let log_in = |name: &str| {
        let mut client = connect(&world);
        let password = format!("{name}-pw");
        (client.scram(ScramHash::Sha256, name, &password).unwrap(), client)
    };
    let (_, first) = log_in("alice");
    let (_, mut second) = log_in("alice");
    let (answer, mut third) = log_in("alice");
    assert_eq!(answer.error_code, FAILED);
    assert!(answer.error_message.unwrap().contains("Too many connections"));
    third.expect_closed();
    assert_eq!(log_in("bob").0.error_code, 0, "others have their own");
    expect_served(&mut second);
    drop(first);
    until("a place that is given back", Duration::from_mins(1), || {
        let (answer, _) = log_in("alice");
        if answer.error_code == 0 { Ok(()) } else { Err(format!("{answer:?}")) }
    });
    let rows = world.rows();
    let said = "alice has 2 connections, which is the limit";
    assert!(rows.iter().any(|row| row["message"] == said), "{rows:#?}");
}

#[test]
fn users_come_and_go_while_lockgate_runs() {
    let world = World::local(LOCAL, "");
    let scratch = Scratch::new("users");
    let path = world.lockgate.directory().join("users.yaml");
    let file = path.to_str().unwrap();
    let can_log_in =
        |name: &str, password: &str| connect(&world).plain(name, password).unwrap().error_code == 0;
    let becomes = |expected: bool, name: &str, password: &str| {
        until("the users file to be read", Duration::from_mins(1), || {
            let now = can_log_in(name, password);
            if now == expected { Ok(()) } else { Err(format!("{name}: {now}")) }
        });
    };
    assert!(!can_log_in("dora", "dora-pw"));
    config_user(&scratch, &["--file", file, "--name", "dora"], "dora-pw").expect_success();
    becomes(true, "dora", "dora-pw");
    // A broken file changes nothing, and is complained about.
    let good = std::fs::read_to_string(&path).unwrap();
    world.lockgate.write("users.yaml", "users: [");
    world.lockgate.wait_for_line("the last good users file stays in use", Duration::from_mins(1));
    assert!(can_log_in("dora", "dora-pw"));
    world.lockgate.write("users.yaml", &good);
    config_user(&scratch, &["--file", file, "--name", "dora", "--remove"], "").expect_success();
    becomes(false, "dora", "dora-pw");
    assert!(can_log_in("alice", "alice-pw"));
}

//! T24: what a connection may do before its login, and that it logs in once.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use kafka_protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest};
use kafka_protocol::protocol::Request;

use crate::testcontainers::RawClient;
use crate::testcontainers::raw::bearer;
use crate::world::World;

const ILLEGAL_SASL_STATE: i16 = 34;
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;

fn send_only<R: Request>(client: &mut RawClient, version: i16, request: &R) {
    let mut body = BytesMut::new();
    request.encode(&mut body, version).unwrap();
    client.send(R::KEY, version, R::header_version(version), &body).unwrap();
}

#[test]
fn t24_nothing_but_a_login_comes_before_the_login() {
    let world = World::start();
    let requests: [fn(&mut RawClient); 4] = [
        |client| send_only(client, 12, &MetadataRequest::default()),
        |client| send_only(client, 11, &ProduceRequest::default()),
        |client| send_only(client, 12, &FetchRequest::default()),
        // With no answer to come, a produce could be thought to slip through.
        |client| send_only(client, 9, &ProduceRequest::default().with_acks(0)),
    ];
    for request in requests {
        let mut fresh = RawClient::connect(&world.address);
        request(&mut fresh);
        fresh.expect_closed();
        let mut greeted = RawClient::connect(&world.address);
        assert_eq!(greeted.api_versions().unwrap().error_code, 0);
        request(&mut greeted);
        greeted.expect_closed();
        let mut half = RawClient::connect(&world.address);
        assert_eq!(half.handshake("OAUTHBEARER").unwrap().error_code, 0);
        request(&mut half);
        half.expect_closed();
        let mut refused = RawClient::connect(&world.address);
        assert!(!refused.log_in("no.good.token").unwrap().auth_bytes.is_empty());
        request(&mut refused);
        refused.expect_closed();
    }
    let rows = world.rows();
    let closed = rows.iter().filter(|row| row["event"] == "decision").count();
    assert_eq!(closed, 16, "{rows:#?}");
    assert!(rows.iter().all(|row| row["principal"].is_null() && row["decision"] == "deny"));
}

#[test]
fn t24_a_connection_logs_in_once_and_in_order() {
    let world = World::start();
    let jane = world.token("jane", &[]);
    let mut twice = RawClient::logged_in(&world.address, &jane);
    assert_eq!(twice.handshake("OAUTHBEARER").unwrap().error_code, ILLEGAL_SASL_STATE);
    twice.expect_closed();
    let mut early = RawClient::connect(&world.address);
    assert_eq!(early.authenticate(&bearer(&jane)).unwrap().error_code, ILLEGAL_SASL_STATE);
    early.expect_closed();
    let mut again = RawClient::connect(&world.address);
    assert_eq!(again.handshake("OAUTHBEARER").unwrap().error_code, 0);
    assert_eq!(again.handshake("OAUTHBEARER").unwrap().error_code, ILLEGAL_SASL_STATE);
    again.expect_closed();
    // After a refusal a client may not try the next token on the same connection.
    let mut refused = RawClient::connect(&world.address);
    assert!(!refused.log_in("no.good.token").unwrap().auth_bytes.is_empty());
    assert_eq!(refused.authenticate(&bearer(&jane)).unwrap().error_code, 58);
    refused.expect_closed();
}

#[test]
fn t23_nobody_becomes_somebody_else_on_an_open_connection() {
    let world = World::start();
    let max = world.token("max", &["pii-readers"]);
    let mut jane = RawClient::logged_in(&world.address, &world.token("jane", &[]));
    let answer = jane.authenticate(&bearer(&max)).unwrap();
    assert_eq!(answer.error_code, ILLEGAL_SASL_STATE);
    jane.expect_closed();
    let mut jane = RawClient::logged_in(&world.address, &world.token("jane", &[]));
    assert_eq!(jane.handshake("OAUTHBEARER").unwrap().error_code, ILLEGAL_SASL_STATE);
    jane.expect_closed();
    // Only a login of his own makes him known.
    assert!(world.rows().iter().all(|row| row["principal"] != "max"));
}

#[test]
fn t24_only_the_configured_mechanism_is_offered() {
    let world = World::start();
    for mechanism in ["PLAIN", "SCRAM-SHA-512", "GSSAPI", "oauthbearer", ""] {
        let mut client = RawClient::connect(&world.address);
        let answer = client.handshake(mechanism).unwrap();
        assert_eq!(answer.error_code, UNSUPPORTED_SASL_MECHANISM, "{mechanism}");
        let offered: Vec<&str> = answer.mechanisms.iter().map(|name| &**name).collect();
        assert_eq!(offered, ["OAUTHBEARER"]);
        client.expect_closed();
    }
}

#[test]
fn t24_the_handshake_without_kafka_frames_behind_it_is_not_offered() {
    let world = World::start();
    let mut client = RawClient::connect(&world.address);
    let offered = client.api_versions().unwrap().api_keys;
    let handshake = offered.iter().find(|api| api.api_key == 17).unwrap();
    assert_eq!((handshake.min_version, handshake.max_version), (1, 1));
    client.send(17, 0, 1, &[0, 11, b'O', b'A', b'U', b'T', b'H', b'B', b'E', b'A']).unwrap();
    client.expect_closed();
}

#[test]
fn t16_a_frame_over_64_kib_before_the_login_is_not_read() {
    let world = World::start();
    let mut client = RawClient::connect(&world.address);
    client.send_bytes(&(65_537_i32).to_be_bytes()).unwrap();
    client.send_bytes(&[0, 18, 0, 3]).unwrap();
    client.expect_closed();
    // Once it is known who it is, there is more room.
    let mut jane = RawClient::logged_in(&world.address, &world.token("jane", &[]));
    jane.send_bytes(&(65_537_i32).to_be_bytes()).unwrap();
    jane.send_bytes(&[0, 3, 0, 12]).unwrap();
    assert!(world.rows().iter().any(|row| {
        row["event"] == "decision" && row["message"].as_str().unwrap().contains("65536")
    }));
}

#[test]
fn t52_connections_that_never_log_in_are_closed_and_cost_nobody_else_anything() {
    let limits = "limits: {login_ms_max: 4000, connections_max: 1000}";
    let world = World::with("", limits, &[]);
    let jane = world.token("jane", &[]);
    let mut live = RawClient::logged_in(&world.address, &jane);
    let opened = Instant::now();
    let mut silent: Vec<RawClient> = (0..500).map(|_| RawClient::connect(&world.address)).collect();
    // Every fifth begins a login and leaves it there; every seventh sends half a frame.
    for client in silent.iter_mut().step_by(5) {
        client.handshake("OAUTHBEARER").unwrap();
    }
    for client in silent.iter_mut().step_by(7) {
        client.send_bytes(&[0, 0, 0]).unwrap();
    }
    let asked = Instant::now();
    assert_eq!(live.api_versions().unwrap().error_code, 0);
    RawClient::logged_in(&world.address, &jane);
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    for client in &mut silent {
        client.expect_closed();
    }
    assert!(opened.elapsed() >= Duration::from_secs(4));
    // Who was logged in is not touched by any of it.
    assert_eq!(live.api_versions().unwrap().error_code, 0);
}

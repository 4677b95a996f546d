//! Certificates of a listener: both versions of TLS, resumption, renewal under live connections,
//! and clients that do not speak TLS, or not where they should.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion};

use crate::client::{TlsClient, certificate};
use crate::testcontainers::process::until;
use crate::testcontainers::{Authority, ClientProperties, JavaTools};
use crate::world::{LIMIT, Plan, World, brokers, kafka};

#[test]
fn both_versions_are_spoken_and_sessions_are_resumed() {
    let world = Plan::default().start();
    for (offered, version) in
        [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let client = TlsClient::of(&world.authority, None, &[offered]);
        let mut first = client.connect(&world.address(), "localhost").unwrap();
        assert_eq!((first.version, first.kind), (version, HandshakeKind::Full));
        assert_eq!(brokers(&mut first.kafka).unwrap().len(), 3);
        let mut second = client.connect(&world.address(), "localhost").unwrap();
        assert_eq!(second.kind, HandshakeKind::Resumed, "{version:?}");
        assert_eq!(brokers(&mut second.kafka).unwrap().len(), 3);
    }
}

#[test]
fn certificates_are_renewed_under_live_connections_and_bad_ones_are_not_used() {
    let world = Plan::default().start();
    let client = || TlsClient::new(&world.authority);
    let connect = || client().connect(&world.address(), "localhost").unwrap();
    let old = certificate(&world.server);
    let resuming = client();
    let mut live = resuming.connect(&world.address(), "localhost").unwrap();
    assert_eq!(live.certificate, old);
    brokers(&mut live.kafka).unwrap();

    let ends = world.status()["listeners"][0]["tls"]["ends_at_seconds"].clone();
    assert!(ends.is_i64(), "{ends}");
    world.server.renew_from(&world.authority.server(&["localhost"]));
    let new = certificate(&world.server);
    assert_ne!(old, new);
    until("the renewed certificate", LIMIT, || {
        let served = connect().certificate;
        if served == new { Ok(()) } else { Err("the old one".to_owned()) }
    });
    brokers(&mut live.kafka).expect("a live connection goes on");
    assert!(world.shows("lockgate_certificate_loads_total{outcome=\"success\"} 1"));
    // What was vouched for under the old certificates is asked for again.
    let again = resuming.connect(&world.address(), "localhost").unwrap();
    assert_eq!(again.kind, HandshakeKind::Full);

    // A key of another certificate.
    let elsewhere = Authority::new();
    let stranger = elsewhere.server(&["localhost"]);
    let good_key = std::fs::read(&world.server.key).unwrap();
    std::fs::copy(&stranger.key, &world.server.key).unwrap();
    let line = world.lockgate.wait_for_line("the new files are refused", LIMIT);
    assert!(line.contains("is not that of the certificate"), "{line}");
    assert_eq!(connect().certificate, new, "the good one stays in use");
    brokers(&mut live.kafka).expect("a live connection goes on");
    until("the metric", LIMIT, || {
        let shown = world.shows("lockgate_certificate_load_failed 1");
        if shown { Ok(()) } else { Err(world.page("/metrics")) }
    });
    let error = world.status()["listeners"][0]["tls"]["last_error"].clone();
    assert!(error.as_str().unwrap().contains("is not that of"), "{error}");

    std::fs::write(&world.server.key, good_key).unwrap();
    until("the fault's end", LIMIT, || {
        let error = world.status()["listeners"][0]["tls"]["last_error"].clone();
        if error.is_null() { Ok(()) } else { Err(error.to_string()) }
    });
    assert_eq!(connect().certificate, new);
}

#[test]
fn who_speaks_something_else_is_told_of_in_the_log() {
    let world = Plan::default().start();
    for (said, logged, count) in [
        (&[0, 0, 0, 20, 0, 18, 0, 3][..], "plaintext Kafka to a TLS listener", 1),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP to a TLS listener", 2),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "the PROXY protocol", 3),
    ] {
        let mut socket = TcpStream::connect(world.address()).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.write_all(said).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert_eq!(answer, b"");
        world.lockgate.wait_for_line(logged, LIMIT);
        let sample = "lockgate_connections_refused_total{reason=\"plain_on_tls\"}";
        assert!(world.shows(&format!("{sample} {count}")), "{}", world.page("/metrics"));
    }
    let mut client = TlsClient::new(&world.authority).connect(&world.address(), "localhost");
    brokers(&mut client.as_mut().unwrap().kafka).unwrap();
}

#[test]
fn a_handshake_that_never_ends_is_ended() {
    let world = Plan { more: "limits: {login_ms_max: 500}".to_owned(), ..Plan::default() }.start();
    // Nothing at all, and the beginning of a ClientHello.
    for said in [&[][..], &[0x16, 3, 1, 2, 0, 1, 0]] {
        let mut socket = TcpStream::connect(world.address()).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.write_all(said).unwrap();
        assert_eq!(socket.read(&mut [0; 16]).unwrap_or(0), 0);
    }
    let sample = "lockgate_connections_closed_total{reason=\"login_timeout\"} 2";
    until("the metric", LIMIT, || {
        if world.shows(sample) { Ok(()) } else { Err(world.page("/metrics")) }
    });
}

#[test]
fn an_authority_that_the_client_does_not_trust_ends_the_handshake() {
    let world = Plan::default().start();
    let suspicious = TlsClient::new(&Authority::new());
    assert!(suspicious.connect(&world.address(), "localhost").is_err());
    let line = world.lockgate.wait_for_line("the TLS handshake failed", LIMIT);
    assert!(line.contains("UnknownCA") || line.contains("UnknownIssuer"), "{line}");
}

/// Large answers and requests pass by TLS as they are.
#[test]
fn java_moves_its_records_by_tls() {
    let addresses = "{ports: FIRST-LAST, host: localhost}".to_owned();
    let world = Plan { addresses, ..Plan::default() }.start();
    let properties = trusting(&world, ClientProperties::plain());
    let bootstrap = format!("localhost:{}", world.port);
    let tools = JavaTools::new(kafka().jars(), &bootstrap, properties);
    tools.create_topic("tls.bulk", 3, 1, &[]).expect_success();
    tools.producer_performance("tls.bulk", 20_000, 1_000, &["acks=all"]).expect_success();
    let read = tools.consumer_performance("tls.bulk", 20_000).expect_success();
    assert!(read.stdout.contains("20000"), "{}", read.explain());
}

/// The client trusts the world's authority.
pub fn trusting(world: &World, properties: ClientProperties) -> ClientProperties {
    properties
        .set("security.protocol", "SSL")
        .set("ssl.truststore.type", "PEM")
        .set("ssl.truststore.location", world.authority.ca_path().display())
}

//! Load balancers that say who the client is, and addresses that have enough connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::client::TlsClient;
use crate::testcontainers::process::until;
use crate::testcontainers::{Authority, RawClient};
use crate::world::{LIMIT, Plan, World, brokers};

/// A header that says that 203.0.113.7 is the client.
const HEADER: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x0a\x00\x00\x01\x30\x39\x23\x84";
/// A health check of the load balancer itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

fn behind(networks: &str) -> World {
    Plan {
        tls: ", client_ca: \"CA\"".to_owned(),
        listener: format!(", proxy_protocol: [{networks}]"),
        identity: "{mtls: {principal: cn}}".to_owned(),
        ..Plan::default()
    }
    .start()
}

fn sent(world: &World, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(world.address()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(bytes).unwrap();
    socket
}

fn showing(world: &World) -> TlsClient {
    TlsClient::showing(&world.authority, &world.authority.client("app"))
}

#[test]
fn t29_a_listed_load_balancer_says_who_the_client_is() {
    let world = behind("127.0.0.0/8");
    let mut connected = showing(&world).over(sent(&world, HEADER), "localhost").unwrap();
    brokers(&mut connected.kafka).unwrap();
    let row = world.login(|row| row["decision"] == "allow");
    assert_eq!((&row["src_ip"], &row["src_port"]), (&"203.0.113.7".into(), &12_345.into()));
    let mut checked = showing(&world).over(sent(&world, LOCAL), "localhost").unwrap();
    brokers(&mut checked.kafka).unwrap();
    world.login(|row| row["decision"] == "allow" && row["src_ip"] == "127.0.0.1");
}

#[test]
fn t29_from_a_listed_address_the_header_comes_first_and_is_good() {
    let world = behind("127.0.0.1/32");
    assert!(showing(&world).connect(&world.address(), "localhost").is_err(), "none at all");
    let mut version_one = b"PROXY TCP4 203.0.113.7 10.0.0.1 12345 9092\r\n".to_vec();
    let mut cut = HEADER[..20].to_vec();
    cut[15] = 200;
    let mut datagram = HEADER.to_vec();
    datagram[13] = 0x12;
    for bytes in [&mut version_one, &mut datagram] {
        let mut answer = Vec::new();
        let _ = sent(&world, bytes).read_to_end(&mut answer);
        assert_eq!(answer, b"");
    }
    let mut socket = sent(&world, &cut);
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(socket.read(&mut [0]).unwrap_or(0), 0);
    let sample = "lockgate_connections_refused_total{reason=\"proxy_header\"} 4";
    until("the metric", LIMIT, || {
        if world.shows(sample) { Ok(()) } else { Err(world.page("/metrics")) }
    });
}

#[test]
fn t29_from_any_other_address_a_header_is_garbage() {
    let world = behind("10.0.0.0/8");
    let mut answer = Vec::new();
    let _ = sent(&world, HEADER).read_to_end(&mut answer);
    assert_eq!(answer, b"");
    world.lockgate.wait_for_line("the PROXY protocol, from an address outside", LIMIT);
    // Without one it is served, under its own address.
    let mut connected = showing(&world).connect(&world.address(), "localhost").unwrap();
    brokers(&mut connected.kafka).unwrap();
    let row = world.login(|row| row["decision"] == "allow");
    assert_eq!(row["src_ip"], "127.0.0.1");
}

#[test]
fn t29_a_plaintext_listener_keeps_the_same_rules() {
    let plain = |networks: &str| {
        let port = crate::testcontainers::ports::free();
        let config = format!(
            "listen: {{address: 127.0.0.1:{port}, proxy_protocol: [{networks}]}}\n\
             addresses: keep\nupstream: {{bootstrap: [{}]}}\nidentity: {{anonymous: {{}}}}\n\
             admin: {{listen: \"127.0.0.1:0\"}}\n",
            crate::world::kafka().bootstrap().replace(',', ", "),
        );
        let settings = crate::testcontainers::LockgateSettings::new(config)
            .file("policies/p.yaml", crate::testcontainers::gateway::PERMITS_ONLY);
        (crate::testcontainers::Lockgate::start(settings), format!("127.0.0.1:{port}"))
    };
    let (_lockgate, address) = plain("127.0.0.0/8");
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(HEADER).unwrap();
    brokers(&mut RawClient::over(socket)).unwrap();
    let (lockgate, address) = plain("10.0.0.0/8");
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(HEADER).unwrap();
    RawClient::over(socket).expect_closed();
    lockgate.wait_for_line("sends a PROXY header", LIMIT);
    // TLS to a plaintext port is told of too.
    assert!(TlsClient::new(&Authority::new()).connect(&address, "localhost").is_err());
    lockgate.wait_for_line("speaks TLS to a plaintext listener", LIMIT);
}

#[test]
fn t52_an_address_has_so_many_connections_and_no_more() {
    let world = Plan {
        listener: ", proxy_protocol: [127.0.0.0/8]".to_owned(),
        more: "limits: {connections_per_address_max: 2}".to_owned(),
        ..Plan::default()
    }
    .start();
    let client = TlsClient::new(&world.authority);
    let join = |header: &[u8]| -> std::io::Result<RawClient> {
        let mut connected = client.over(sent(&world, header), "localhost")?;
        brokers(&mut connected.kafka)?;
        Ok(connected.kafka)
    };
    let held: Vec<RawClient> = (0..2).map(|_| join(HEADER).unwrap()).collect();
    assert!(join(HEADER).is_err(), "a third one of the same address");
    join(LOCAL).expect("another address is not concerned");
    let sample = "lockgate_connections_refused_total{reason=\"connections_per_address_max\"} 1";
    assert!(world.shows(sample), "{}", world.page("/metrics"));
    drop(held);
    until("a place", LIMIT, || join(HEADER).map(|_| ()).map_err(|error| error.to_string()));
}

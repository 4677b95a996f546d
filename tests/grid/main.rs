//! The closed grid (T01) on the built Lockgate before a broker that records what it is asked: every
//! API key and version, well formed and not, before and after login. What is not judged never
//! arrives there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a socket lives by the real clock")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{ApiVersionsResponse, BrokerId, MetadataResponse};
use kafka_protocol::protocol::StrBytes;
use lockgate::enforce::{Treatment, row};
use lockgate::wire::{self, ApiKey, RequestHeader, shape};

#[path = "../../src/session/tests/bodies.rs"]
mod bodies;
#[path = "../../src/session/tests/frames.rs"]
#[allow(dead_code, reason = "these tests use their part of it")]
mod frames;
#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

use testcontainers::gateway::PERMITS_ONLY as OPEN;
use testcontainers::{Lockgate, LockgateSettings, TokenIssuer, ports};

const PATIENCE: Duration = Duration::from_secs(60);
/// Connections at a time.
const HANDS: i16 = 8;

/// A broker that offers everything, answers ApiVersions and Metadata, and closes at anything else.
struct Recorder {
    port: u16,
    seen: Arc<Mutex<BTreeSet<(i16, i16)>>>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let record = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, record) = (stream.unwrap(), Arc::clone(&record));
                thread::spawn(move || serve(stream, port, &record));
            }
        });
        Self { port, seen }
    }
}

fn receive(stream: &mut TcpStream) -> Option<Bytes> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut frame).ok()?;
    Some(frame.into())
}

fn serve(mut stream: TcpStream, port: u16, seen: &Mutex<BTreeSet<(i16, i16)>>) {
    while let Some(frame) = receive(&mut stream) {
        let (key, version, id) = RequestHeader::peek(&frame).unwrap();
        seen.lock().unwrap().insert((key.0, version));
        let answer = match key {
            ApiKey::API_VERSIONS => frames::response(key, version, id, &offer()),
            ApiKey::METADATA => {
                let broker = MetadataResponseBroker::default()
                    .with_node_id(BrokerId(1))
                    .with_host(StrBytes::from_static_str("127.0.0.1"))
                    .with_port(i32::from(port));
                let answer = MetadataResponse::default().with_brokers(vec![broker]);
                frames::response(key, version, id, &answer)
            }
            _ => return,
        };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

fn offer() -> ApiVersionsResponse {
    let ranges = shape::apis().filter(|api| !api.versions.is_empty()).map(|api| {
        ApiVersion::default()
            .with_api_key(api.key)
            .with_min_version(*api.versions.start())
            .with_max_version(*api.versions.end())
    });
    ApiVersionsResponse::default().with_api_keys(ranges.collect())
}

fn gateway(recorder: &Recorder, identity: &str) -> (Lockgate, String) {
    let ports = ports::consecutive(3);
    let (listen, first, last) = (ports.start(), ports.start() + 1, ports.end());
    let config = format!(
        "listen: 127.0.0.1:{listen}\n\
         addresses: {{ports: {first}-{last}, host: 127.0.0.1}}\n\
         upstream: 127.0.0.1:{}\n\
         audit: {{dir: ./audit}}\n\
         admin: {{listen: \"127.0.0.1:0\"}}\n\
         identity: {identity}\n",
        recorder.port
    );
    (
        Lockgate::start(LockgateSettings::new(config).file("policies/open.yaml", OPEN)),
        format!("127.0.0.1:{listen}"),
    )
}

/// Whether anything is answered; the connection ends otherwise, and soon.
fn is_answered(address: &str, frame: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The end may come before the last byte is out.
    let _ = stream.write_all(frame);
    let mut byte = [0; 1];
    match stream.read(&mut byte) {
        Ok(read) => read > 0,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
        Err(error) => panic!("neither an answer nor an end: {error}"),
    }
}

/// Sends the whole grid; the places that were answered.
fn walk(address: &str) -> BTreeSet<(i16, i16)> {
    let answered = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let answered = &answered;
            scope.spawn(move || {
                for key in (0..=127).filter(|key| key % HANDS == hand) {
                    for version in 0..=32 {
                        for body in [bodies::request_body(key, version), vec![0xff; 9]] {
                            let frame = frames::raw_request(key, version, 7, &body);
                            if is_answered(address, &frame) {
                                answered.lock().unwrap().insert((key, version));
                            }
                        }
                    }
                }
            });
        }
    });
    answered.into_inner().unwrap()
}

fn is_judged(key: i16, version: i16) -> bool {
    row(ApiKey(key)).is_some_and(|row| {
        !matches!(row.treatment, Treatment::Hidden { .. }) && row.versions().contains(&version)
    })
}

#[test]
fn t01_nothing_unjudged_reaches_a_broker_after_login() {
    let recorder = Recorder::start();
    let (lockgate, address) = gateway(&recorder, "{anonymous: {principal: jane}}");
    let answered = walk(&address);
    let seen = recorder.seen.lock().unwrap().clone();
    for (key, version) in &seen {
        assert!(is_judged(*key, *version), "key {key} v{version} was forwarded");
    }
    // The grid reaches the judges: most of what is offered got through them to the broker.
    assert!(seen.len() > 100, "{seen:?}");
    for (key, version) in answered {
        let apart = key == ApiKey::API_VERSIONS.0;
        assert!(apart || is_judged(key, version), "key {key} v{version} was answered");
    }
    assert!(lockgate.is_running());
    assert!(!lockgate.stderr().contains("panicked"), "{}", lockgate.stderr());
}

#[test]
fn t01_nothing_but_the_hello_reaches_a_broker_before_login() {
    let recorder = Recorder::start();
    let issuer = TokenIssuer::start();
    let identity = format!("{{oauthbearer: {{issuer: \"{}\", audience: kafka}}}}", issuer.url());
    let (lockgate, address) = gateway(&recorder, &identity);
    // What Lockgate asks for itself before anybody is here.
    let own = recorder.seen.lock().unwrap().clone();
    let answered: BTreeSet<i16> = walk(&address).into_iter().map(|(key, _)| key).collect();
    let mut seen = recorder.seen.lock().unwrap().clone();
    seen.retain(|(key, version)| !own.contains(&(*key, *version)));
    assert!(seen.iter().all(|(key, _)| [3, 18].contains(key)), "{seen:?}");
    assert!(!seen.iter().any(|(key, _)| *key == 3), "a client's Metadata got through: {seen:?}");
    // ApiVersions, SaslHandshake, SaslAuthenticate.
    assert!(answered.is_subset(&BTreeSet::from([17, 18, 36])), "{answered:?}");
    assert!(lockgate.is_running());
}

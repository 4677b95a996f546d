//! Bootstrap servers that are down, brokers that move, and logins, with brokers made here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicU64, Ordering};

use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    BrokerId, MetadataResponse, SaslAuthenticateResponse, SaslHandshakeResponse,
};
use tokio::net::TcpListener;

use super::*;
use crate::config::{OwnCredential, Secret};
use crate::wire::{ApiKey, RequestHeader, codec};

const LIMIT: Duration = Duration::from_secs(20);

/// A broker that names brokers, and takes PLAIN logins with the password `good`.
struct Broker {
    address: HostPort,
    named: Arc<Mutex<Vec<(i32, u16)>>>,
    asked: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Broker {
    async fn start(named: &[(i32, u16)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = at(listener.local_addr().unwrap().port());
        let named = Arc::new(Mutex::new(named.to_vec()));
        let asked = Arc::new(AtomicU64::new(0));
        let shared = (Arc::clone(&named), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut tcp, _)) = listener.accept().await {
                let (named, asked) = shared.clone();
                connections.spawn(async move {
                    while let Ok(length) = tcp.read_i32().await {
                        let mut frame = vec![0; usize::try_from(length).unwrap()];
                        tcp.read_exact(&mut frame).await.unwrap();
                        let frame = answer(&frame.into(), &named.lock().clone(), &asked);
                        tcp.write_all(&frame).await.unwrap();
                    }
                });
            }
        });
        Self { address, named, asked, task }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn at(port: u16) -> HostPort {
    HostPort { host: "127.0.0.1".into(), port }
}

fn answer(frame: &Bytes, named: &[(i32, u16)], asked: &AtomicU64) -> Vec<u8> {
    let header = RequestHeader::parse(frame).unwrap();
    let (key, version) = (header.key, header.version);
    let body = match key {
        ApiKey::SASL_HANDSHAKE => codec::encode(key, version, &SaslHandshakeResponse::default()),
        ApiKey::SASL_AUTHENTICATE => {
            let good = frame.ends_with(b"\0good");
            let answer = SaslAuthenticateResponse::default();
            let answer = answer.with_error_code(if good { 0 } else { 58 });
            codec::encode(key, version, &answer)
        }
        _ => {
            asked.fetch_add(1, Ordering::Relaxed);
            let broker = |(id, port): &(i32, u16)| {
                MetadataResponseBroker::default()
                    .with_node_id(BrokerId(*id))
                    .with_host(codec::text("127.0.0.1"))
                    .with_port(i32::from(*port))
            };
            let brokers = named.iter().map(broker).collect();
            codec::encode(key, version, &MetadataResponse::default().with_brokers(brokers))
        }
    };
    let mut out = BytesMut::new();
    ResponseHeader::put(header.correlation_id, key, version, &mut out);
    out.extend_from_slice(&body.unwrap());
    let length = u32::try_from(out.len()).unwrap().to_be_bytes();
    [&length[..], &out].concat()
}

fn map(bootstrap: Vec<HostPort>, service: Service) -> ClusterMap {
    let layout = PortLayout::Range { first: 9001, last: 9009 };
    ClusterMap::new(bootstrap, Some(layout), Dialer::plain(LIMIT), service)
}

/// A port that nobody listens on.
async fn closed() -> HostPort {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    at(listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn bootstrap_servers_are_tried_in_turn_and_those_that_are_down_last() {
    let broker = Broker::start(&[(1, 11), (2, 12)]).await;
    let down = closed().await;
    let map = map(vec![down.clone(), broker.address.clone()], Service::Open);
    map.ask(None).await.unwrap();
    assert_eq!(map.nodes()[&2], at(12));
    assert!(map.last_error().unwrap().starts_with(&down.to_string()));
    assert_eq!(map.unreachable(), None);
    // The brokers that were named come last of all.
    assert_eq!(map.servers(), [broker.address.clone(), down, at(11), at(12)]);
}

#[tokio::test]
async fn a_broker_is_asked_for_the_others_when_no_bootstrap_server_is_left() {
    let other = Broker::start(&[(1, 11), (3, 13)]).await;
    let bootstrap = Broker::start(&[(1, 11), (2, other.address.port)]).await;
    let map = map(vec![bootstrap.address.clone()], Service::Open);
    map.ask(None).await.unwrap();
    assert_eq!(map.find(Seat::Port(9002), None).await.unwrap(), at(11));
    drop(bootstrap);
    *map.asking.lock().await = None;
    assert_eq!(map.find(Seat::Port(9004), None).await.unwrap(), at(13));
    assert_eq!(other.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_address_that_changed_is_forgotten_with_its_failures() {
    let old = closed().await;
    let broker = Broker::start(&[(1, old.port)]).await;
    let map = map(vec![broker.address.clone()], Service::Open);
    assert_eq!(map.find(Seat::Port(9002), None).await.unwrap(), old);
    assert!(map.open(&old).await.is_err());
    assert!(map.last_error().is_some());
    *broker.named.lock() = vec![(1, broker.address.port)];
    *map.asking.lock().await = None;
    map.ask(None).await.unwrap();
    assert_eq!(map.behind(Seat::Port(9002)).unwrap(), Some(broker.address.clone()));
    assert_eq!(map.last_error(), None);
}

#[tokio::test]
async fn a_service_logs_in_and_its_refusal_is_not_the_clients() {
    let broker = Broker::start(&[(1, 11)]).await;
    for (password, good) in [("good", true), ("bad", false)] {
        let text = |text: &str| Secret::Text(text.to_owned());
        let own = OwnCredential::Plain { username: text("gw"), password: text(password) };
        let source = Arc::new(CredentialSource::new(&own).unwrap());
        let map = map(vec![broker.address.clone()], Service::Own(source));
        // A client's own message is of no use here.
        match map.ask(Some(&Bytes::from_static(b"client"))).await {
            Ok(()) => assert!(good),
            Err(ClusterFault::Service(reason)) => {
                assert!(!good && reason.contains("error 58"), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn without_a_service_only_a_clients_login_asks() {
    let broker = Broker::start(&[(1, 11)]).await;
    let map = map(vec![broker.address.clone()], Service::ClientsOnly);
    assert!(!map.can_ask());
    let message = Bytes::from_static(b"token\0good");
    assert_eq!(map.find(Seat::Port(9002), Some(&message)).await.unwrap(), at(11));
    *map.asking.lock().await = None;
    let refused = map.ask(Some(&Bytes::from_static(b"token\0bad"))).await;
    assert!(matches!(refused, Err(ClusterFault::LoginRefused(_))), "{refused:?}");
}

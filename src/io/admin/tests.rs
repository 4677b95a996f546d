//! What a probe, a scraper and a stranger get.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const WAIT: Duration = Duration::from_secs(20);

struct Fixed(Readiness);

impl StatusSource for Fixed {
    fn readiness(&self) -> Readiness {
        self.0.clone()
    }

    fn status(&self) -> Status {
        Status {
            version: "1.2.3",
            uptime_seconds: 5,
            cluster: "default".to_owned(),
            policy: PolicyState {
                revision: "dir:abc".to_owned(),
                rules: 2,
                loaded_at_seconds: 1,
                last_error: None,
            },
            listeners: Vec::new(),
            upstream: UpstreamState {
                bootstrap: vec!["a:1".to_owned()],
                last_error: None,
                nodes: BTreeMap::from([(1, "a:1".to_owned())]),
                advertised: BTreeMap::new(),
            },
            identity: IdentityState { issuers: Vec::new(), groups: None, users: Vec::new() },
            audit: AuditState { rows: 3, lag_rows: 1, last_error: None },
            connections: ConnectionState { open: 0, max: 10 },
        }
    }

    fn refresh(&self, metrics: &Metrics) {
        metrics.audit_lag_rows.set(11);
    }
}

async fn start(scope: AdminScope, readiness: Readiness) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let source = Arc::new(Fixed(readiness));
    let metrics = Arc::new(Metrics::new());
    tokio::spawn(serve(listener, scope, source, metrics, std::future::pending()));
    address
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(WAIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn probes_metrics_and_status_answer() {
    let address = start(AdminScope::All, Readiness::Ready).await;
    assert!(ask(address, "GET /livez").await.ends_with("ok\n"));
    let ready = ask(address, "GET /readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with("{\"ready\":true}"), "{ready}");
    let metrics = ask(address, "GET /metrics").await;
    assert!(metrics.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(metrics.contains("lockgate_audit_lag_rows 11\n"), "{metrics}");
    let status = ask(address, "GET /status").await;
    let body = status.rsplit("\r\n\r\n").next().unwrap();
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(value.pointer("/policy/revision").unwrap(), "dir:abc");
    assert_eq!(value.pointer("/upstream/nodes/1").unwrap(), "a:1");
}

#[tokio::test]
async fn not_ready_says_why() {
    let reasons = vec!["no broker can be reached".to_owned()];
    let address = start(AdminScope::All, Readiness::NotReady { reasons }).await;
    let ready = ask(address, "GET /readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains("[\"no broker can be reached\"]"), "{ready}");
}

#[tokio::test]
async fn a_remote_listener_shows_no_status_and_nothing_takes_orders() {
    let address = start(AdminScope::Probes, Readiness::Ready).await;
    assert!(ask(address, "GET /status").await.starts_with("HTTP/1.1 404"));
    assert!(ask(address, "GET /").await.starts_with("HTTP/1.1 404"));
    assert!(ask(address, "POST /readyz").await.starts_with("HTTP/1.1 405"));
    assert!(ask(address, "GET /livez").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn t52_connections_that_send_nothing_do_not_use_the_listener_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounded = BoundedListener::new(listener, 2, 200);
    let source = Arc::new(Fixed(Readiness::Ready));
    let app = router(AdminScope::All, source, Arc::new(Metrics::new()));
    tokio::spawn(async move { axum::serve(bounded, app).await });
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let answer = timeout(WAIT, ask(address, "GET /livez")).await.unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");
}

//! Clients that want Lockgate's memory: it stays within its budgets, and a client that behaves
//! goes on meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lockgate::wire;

#[path = "../src/session/tests/frames.rs"]
#[allow(dead_code, reason = "this test uses its part of it")]
mod frames;
#[path = "threats/packing.rs"]
#[allow(dead_code, reason = "this test uses its part of it")]
mod packing;
#[path = "threats/raw.rs"]
#[allow(dead_code, reason = "this test uses its part of it")]
mod raw;
#[path = "../testcontainers/mod.rs"]
mod testcontainers;

use frames::{Named, batch};
use raw::Raw;
use testcontainers::gateway::{Gateway, GatewaySettings};
use testcontainers::process::until;
use testcontainers::{Kafka, KafkaSettings, TokenIssuer};
use wire::ApiKey;

const MIB: u64 = 1 << 20;
const LIMIT: Duration = Duration::from_mins(2);

/// Budgets of 24 and 48 MiB; the slow are ended after two seconds.
const LIMITS: &str = "limits: {request_bytes_max: 8388608, response_bytes_max: 16777216, \
    control_frame_bytes_max: 262144, inflated_batch_bytes_max: 8388608, \
    request_budget_bytes: 25165824, response_budget_bytes: 50331648, connections_max: 700, \
    login_ms_max: 3000, frame_ms_max: 2000, stall_ms_max: 2000}";
const BUDGETS: u64 = 72 * MIB;

/// What is not in the budgets: the process itself, the batches that two cores inflate and write
/// anew at a time, and what each of 600 connections may hold free.
const BASE: u64 = 32 * MIB + 2 * 3 * 8 * MIB + 600 * 64 * 1024;

const RULES: &str = "apiVersion: policy/v1
kind: Policy
metadata: {name: hostile}
spec:
  rules:
    - id: mask
      match: {direction: consume, topics: [\"bombs\", \"good\"]}
      select: [{path: \"$.secret\"}]
      action: {mask: {with: redact}}
    - id: judge
      match: {direction: produce, topics: [\"bombs\", \"good\"]}
      when: \"has(value.bad) && value.bad == true\"
      action: {deny: {}}
";

static KAFKA: LazyLock<Kafka> = LazyLock::new(|| {
    // The records' times are long ago: they must not be deleted for it.
    let settings = KafkaSettings::one_node()
        .property("log.retention.ms", -1)
        .property("log.roll.ms", 1_i64 << 50)
        .property("message.max.bytes", 16 << 20);
    let kafka = Kafka::start(&settings);
    for topic in ["bombs", "good", "large"] {
        Raw::to(&kafka.node(1).address()).create_topic(topic, 1);
        kafka.leaders(topic);
    }
    kafka
});

/// One attack at a time: they are measured.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broker() -> Raw {
    Raw::to(&KAFKA.node(1).address())
}

fn gateway() -> Gateway {
    GatewaySettings::before(&KAFKA).policy("hostile.yaml", RULES).configuration(LIMITS).start()
}

/// A client that produces and reads small batches until it is stopped.
struct Good {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU32>,
    thread: thread::JoinHandle<Duration>,
}

impl Good {
    fn start(address: String) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
        let thread = thread::spawn(move || {
            let mut client = Raw::to(&address);
            let mut slowest = Duration::ZERO;
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                assert_eq!(client.produce("good", &batch(&["{\"secret\":1}"])).0, 0);
                let end = client.end_offset("good");
                assert_eq!(client.fetch("good", end - 1).0, 0);
                slowest = slowest.max(began.elapsed());
                counted.fetch_add(1, Ordering::Relaxed);
            }
            slowest
        });
        Self { stop, rounds, thread }
    }

    /// It went on: rounds, and the slowest.
    fn finish(self) -> (u32, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let slowest = self.thread.join().expect("the good client is served");
        (self.rounds.load(Ordering::Relaxed), slowest)
    }
}

#[track_caller]
fn within_budget(what: &str, gateway: &Gateway, good: Good) {
    let (rounds, slowest) = good.finish();
    let peak = gateway.lockgate().resident_bytes_peak();
    let most = BUDGETS * 11 / 10 + BASE;
    println!(
        "{what}: peak {} MiB of {} MiB; the good client: {rounds} rounds, slowest {slowest:?}",
        peak / MIB,
        most / MIB
    );
    assert!(peak <= most, "{what}: {} MiB, at most {}", peak / MIB, most / MIB);
    assert!(rounds > 0 && slowest < Duration::from_secs(20), "{rounds} rounds, {slowest:?}");
    assert!(gateway.lockgate().is_running());
}

#[test]
fn t15_bombs_stay_below_the_cap_of_what_is_inflated() {
    let _turn = turn();
    let gateway = gateway();
    let good = Good::start(gateway.bootstrap());
    let bomb = packing::bomb(packing::ZSTD, 64 << 20);
    let stored = packing::bomb(packing::GZIP, 12 << 20);
    assert_eq!(broker().produce("bombs", &stored).0, 0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..6 {
                    let mut client = Raw::to(&gateway.bootstrap());
                    assert_eq!(client.produce("bombs", &bomb).0, 87);
                    let (error, records) = client.fetch("bombs", 0);
                    assert!(error != 0 && records.is_empty());
                }
            });
        }
    });
    within_budget("bombs", &gateway, good);
}

#[test]
fn t16_announced_frames_that_trickle_are_ended() {
    let _turn = turn();
    let gateway = gateway();
    let good = Good::start(gateway.bootstrap());
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..60 {
        let mut socket = TcpStream::connect(gateway.bootstrap()).unwrap();
        // A Produce of 8 MB, of which almost nothing comes.
        socket.write_all(&8_000_000_i32.to_be_bytes()).unwrap();
        socket.write_all(&[0, 0, 0, 9, 0, 0, 0, 1]).unwrap();
        slow.push(socket);
    }
    // A byte now and then does not keep it alive.
    let ended = |socket: &mut TcpStream| socket.write_all(&[0]).is_err();
    until("the end of a trickle", LIMIT, || {
        slow.retain_mut(|socket| !ended(socket));
        if slow.is_empty() { Ok(()) } else { Err(format!("{} go on", slow.len())) }
    });
    within_budget("trickles", &gateway, good);
}

#[test]
fn t52_readers_who_do_not_read_hold_no_more_than_the_budget() {
    let _turn = turn();
    let value = format!("{{\"pad\":\"{}\"}}", "x".repeat(900_000));
    for _ in 0..16 {
        assert_eq!(broker().produce("large", &batch(&[&value])).0, 0);
    }
    let gateway = gateway();
    let good = Good::start(gateway.bootstrap());
    let mut fetch = frames::fetch(&[(Named::Name("large"), &[0])], (0, -1));
    (fetch.max_bytes, fetch.topics[0].partitions[0].partition_max_bytes) = (15 << 20, 15 << 20);
    let fetch = frames::request(ApiKey::FETCH, 12, 1, &fetch);
    let mut idle = Vec::new();
    for _ in 0..40 {
        let mut client = Raw::to(&gateway.bootstrap());
        for _ in 0..4 {
            client.send(&fetch);
        }
        idle.push(client);
    }
    // Who reads gets its 15 MB, once those who do not are ended.
    let mut client = Raw::to(&gateway.bootstrap());
    client.socket.set_read_timeout(Some(LIMIT)).unwrap();
    let (error, records) = client.fetch_at_most("large", 0, 15 << 20);
    assert!(error == 0 && records.len() > 10 << 20, "{} bytes", records.len());
    within_budget("readers who do not read", &gateway, good);
}

#[test]
fn t52_frames_that_wait_for_a_name_are_in_the_budget() {
    let _turn = turn();
    let gateway = gateway();
    let good = Good::start(gateway.bootstrap());
    let mut poll = frames::fetch(&[(Named::Name("good"), &[0])], (0, -1));
    (poll.max_wait_ms, poll.min_bytes) = (8_000, 1 << 20);
    poll.topics[0].partitions[0].fetch_offset = broker().end_offset("good");
    let value = format!("{{\"pad\":\"{}\"}}", "x".repeat(7_000_000));
    let mut produce = frames::produce(1, &[("", &[(0, batch(&[&value]))])]);
    produce.topic_data[0].topic_id = uuid::Uuid::from_bytes([0x77; 16]);
    let poll = frames::request(ApiKey::FETCH, 12, 1, &poll);
    let produce = frames::request(ApiKey::PRODUCE, 13, 2, &produce);
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let mut client = Raw::to(&gateway.bootstrap());
                client.send(&poll);
                // The question for the name stands behind the poll.
                client.socket.set_write_timeout(Some(Duration::from_secs(6))).unwrap();
                let _ = client.socket.write_all(&produce);
            });
        }
    });
    within_budget("frames that wait for a name", &gateway, good);
}

#[test]
fn t52_five_hundred_connections_cost_little_each() {
    let _turn = turn();
    let gateway = gateway();
    let good = Good::start(gateway.bootstrap());
    let before = gateway.lockgate().resident_bytes();
    let mut crowd: Vec<Raw> = (0..500).map(|_| Raw::to(&gateway.bootstrap())).collect();
    for client in &mut crowd {
        client.brokers();
    }
    let each = gateway.lockgate().resident_bytes().saturating_sub(before) / 500;
    println!("{} KiB a connection", each / 1024);
    assert!(each < 64 * 1024, "{each} bytes");
    within_budget("five hundred connections", &gateway, good);
}

#[test]
fn t16_a_flood_before_the_login_is_small_and_short() {
    let _turn = turn();
    let issuer = TokenIssuer::start();
    let gateway = gateway();
    let good = Good::start(gateway.bootstrap());
    let strict = GatewaySettings::before(&KAFKA)
        .policy("hostile.yaml", RULES)
        .configuration(LIMITS)
        .identity(format!("{{oauthbearer: {{issuer: \"{}\", audience: kafka}}}}", issuer.url()))
        .start();
    let mut flood: Vec<TcpStream> = Vec::new();
    for round in 0..400_i32 {
        let mut socket = TcpStream::connect(strict.bootstrap()).unwrap();
        let length = if round % 2 == 0 { 65_536 } else { 100_000_000 };
        let _ = socket.write_all(&i32::to_be_bytes(length));
        let _ = socket.write_all(&vec![0; 60_000]);
        flood.push(socket);
    }
    until("the end of the flood", LIMIT, || {
        flood.retain_mut(|socket| socket.write_all(&[0]).is_ok());
        if flood.is_empty() { Ok(()) } else { Err(format!("{} go on", flood.len())) }
    });
    let peak = strict.lockgate().resident_bytes_peak();
    println!("before the login: peak {} MiB", peak / MIB);
    assert!(peak < 96 * MIB, "{} MiB", peak / MIB);
    within_budget("a flood before the login, beside", &gateway, good);
}

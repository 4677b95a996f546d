//! Free ports for servers that must know their port before they start (a broker advertises it).
//!
//! A port is free when `127.0.0.1` can be bound to it, and it stays ours for the life of the test
//! process, over any number of restarts of the server behind it, because the same port is held on
//! `127.0.0.2`: the kernel keeps that reservation across every test process of the machine and
//! drops it with ours. Ports are taken from below the range that the kernel hands to outgoing
//! connections (from 32768 on Linux), so no client's socket can sit on one while a broker restarts.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;
const ATTEMPTS: usize = 2_000;

/// The reservations of this process, never given back.
static HELD: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());

/// One free port on `127.0.0.1`.
pub fn free() -> u16 {
    *consecutive(1).start()
}

/// `count` free ports in a row, as `addresses: {ports: a-b}` wants them.
pub fn consecutive(count: u16) -> RangeInclusive<u16> {
    assert!((1..1_000).contains(&count), "a range of {count} ports is not one a test needs");
    for _ in 0..ATTEMPTS {
        let first = FIRST + random_below(LAST - FIRST - count);
        let range = first..=first + (count - 1);
        if let Some(held) = range.clone().map(reserve).collect::<Option<Vec<_>>>() {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).extend(held);
            return range;
        }
    }
    panic!("no {count} consecutive free ports between {FIRST} and {LAST} on 127.0.0.1");
}

/// `127.0.0.1:port` of a free port.
pub fn free_address() -> String {
    format!("127.0.0.1:{}", free())
}

fn reserve(port: u16) -> Option<TcpListener> {
    let reservation = TcpListener::bind(("127.0.0.2", port)).ok()?;
    TcpListener::bind(("127.0.0.1", port)).ok().map(|_probe| reservation)
}

fn random_below(bound: u16) -> u16 {
    // `RandomState` is keyed from the system's randomness: enough to spread test processes.
    let drawn = RandomState::new().build_hasher().finish() % u64::from(bound);
    u16::try_from(drawn).expect("a remainder of a u16 is a u16")
}

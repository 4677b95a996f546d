//! Throwaway servers for drivers that are not Rust: Kafka, Lockgate, a token issuer, a relay that
//! searches what reaches clients.
//!
//! `tests/peers/run` and `tests/clients/run` start it (`cargo build --examples --bins`, then
//! `target/debug/examples/stand`). It reads one JSON order a line from standard input and answers
//! each with one JSON line; everything it has started ends with it, and it ends with its input.
//!
//! ```text
//! {"do": "ports", "count": 3}
//! {"do": "kafka", "name": "k", "version": "4.3.1", "properties": {"num.partitions": "4"}}
//! {"do": "issuer"}
//! {"do": "lockgate", "name": "g", "config": "listen: …", "files": {"policies/all.yaml": "…"}}
//! {"do": "restart", "name": "g"}
//! {"do": "relay", "name": "r", "ports": [20001, 20002], "search": ["3132372e…"]}
//! {"do": "seen", "name": "r"}
//! {"do": "end", "name": "g"}
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod orders;
#[path = "../../testcontainers/mod.rs"]
mod testcontainers;

use std::io::{BufRead as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;

use orders::Stand;

fn main() {
    let mut stand = Stand::default();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        // The throwaway servers panic when they do not start: the driver is told, and goes on.
        let done = catch_unwind(AssertUnwindSafe(|| stand.carry_out(&line)));
        let answer = done.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            json!({"error": text.unwrap_or_default()})
        });
        let mut stdout = std::io::stdout().lock();
        // Nobody reads any more: the next line of input will be its end.
        let _ = writeln!(stdout, "{answer}").and_then(|()| stdout.flush());
    }
}

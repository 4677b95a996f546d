//! What Lockgate costs, beside what a proxy that does nothing costs, in one run.
//!
//! `cargo bench --bench gateway` takes about five minutes and writes `docs/benchmarks.md`; with
//! `-- --quick` (and under `cargo test`) it takes seconds, measures almost nothing and writes no
//! file, but checks every record that it moves all the same. The same program is the broker and the
//! bare relay of the run, each as a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a bench that cannot measure must fail, loudly"
)]

mod driver;
mod measure;
mod micro;
mod null_broker;
mod peers;
mod relay;
mod statistics;
mod table;
mod throwaway;
mod wire;
mod workload;

use std::path::Path;
use std::time::Instant;

use driver::{Load, Way};
use measure::Scale;
use peers::{Field, haproxy_path};
use table::{Findings, first_line};
use workload::{Seen, Topic};

const FULL: Scale = Scale {
    rounds: 8,
    pass_bytes: 640 << 20,
    content_bytes: 96 << 20,
    latency_rounds: 8,
    latency_seconds: 3,
};
const QUICK: Scale = Scale {
    rounds: 1,
    pass_bytes: 8 << 20,
    content_bytes: 4 << 20,
    latency_rounds: 1,
    latency_seconds: 1,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["null-broker"] => null_broker::serve(false),
        ["null-broker", "masks"] => null_broker::serve(true),
        ["relay", upstream] => relay::serve(upstream),
        ["count", body, count] => micro::run(body, count.parse().expect("a number of runs")),
        // The load alone, towards something that a profiler looks at.
        ["drive", address, way, topic, partitions, mebibytes] => {
            let way = if *way == "produce" { Way::Produce } else { Way::Fetch };
            let topic = Topic::by_name(topic).expect("a topic of the bench");
            let masked = matches!(topic, Topic::MaskedRead | Topic::MaskedWritten);
            let number = |text: &str| text.parse::<usize>().expect("a number");
            let (partitions, bytes) = (number(partitions), number(mebibytes) << 20);
            let seen = if masked { Seen::Masked } else { Seen::AsWritten };
            let moved = driver::run(address, Load { way, topic, partitions, bytes, seen });
            println!("{moved:?}");
        }
        // Cargo says `--bench` where it benches, and nothing where it tests.
        words if words.contains(&"--bench") && !words.contains(&"--quick") => {
            let text = measured(FULL);
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
            std::fs::create_dir_all(path.parent().expect("the file is in a directory"))
                .and_then(|()| std::fs::write(&path, text))
                .expect("the table can be written");
            println!("written: {}", path.display());
        }
        _ => drop(measured(QUICK)),
    }
}

fn measured(scale: Scale) -> String {
    if haproxy_path().is_none() {
        println!("haproxy is not installed (apt-get install haproxy): its column is left out");
    }
    let (began, load_before) = (Instant::now(), load());
    let field = Field::start();
    println!("throughput …");
    let (passes, contents) = measure::throughput(&field, scale);
    println!("latency …");
    let latencies = measure::latency(&field, scale);
    let peak = field.targets.iter().map(|target| (target.peer, target.peak_mebibytes())).collect();
    drop(field);
    println!("instructions …");
    let scanned = [Topic::ScannedNone, Topic::ScannedLz4];
    let count = |body: &'static micro::Body| (body.name, body.what, micro::count(body));
    let findings = Findings {
        scale,
        passes,
        contents,
        latencies,
        scans: scanned.map(|topic| (topic, micro::scan_seconds(topic))).into(),
        instructions: micro::BODIES.iter().map(count).collect(),
        peak_mebibytes: peak,
        load_before,
        load_after: load(),
        seconds: began.elapsed().as_secs(),
    };
    let text = findings.markdown();
    println!("{text}");
    text
}

/// How busy the machine is with whatever else runs.
fn load() -> String {
    first_line("/proc/loadavg").split(' ').take(2).collect::<Vec<_>>().join(" ")
}

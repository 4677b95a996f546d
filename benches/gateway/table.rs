//! The one table, as Markdown: figures, ratios with their intervals, and whether each goal is met.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::driver::Way;
use super::measure::{Content, Latency, Pass, Scale};
use super::peers::{Peer, haproxy_path};
use super::statistics::{Estimate, median};
use super::workload::Topic;

/// Everything that one run found.
pub struct Findings {
    pub scale: Scale,
    pub passes: Vec<Pass>,
    pub contents: Vec<Content>,
    pub latencies: Vec<(Peer, Latency)>,
    /// Inflating and scanning, in CPU seconds for each record.
    pub scans: Vec<(Topic, f64)>,
    /// What was counted, and how many instructions it was, if valgrind is there.
    pub instructions: Vec<(&'static str, &'static str, Option<f64>)>,
    pub peak_mebibytes: Vec<(Peer, f64)>,
    pub load_before: String,
    pub load_after: String,
    pub seconds: u64,
}

const HEAD: &str = "\
# Benchmarks

Written by `cargo bench --bench gateway`; do not edit. What is measured and why is in
`benches/gateway/`: a broker at memory speed, clients that check every record to the last byte (so
that each figure is also a correctness test), and the targets between them, each a process of its
own. Figures describe the machine they come from; the ratios are what counts. Each ratio is the
median over rounds of Lockgate against the other *in the same round*, with the bootstrapped 95 %
interval of that median. CPU time is that of the proxy's process, user and system.

Lockgate runs with policies loaded (content rules for other topics than `plain`), required audit
(`durability: process`) and the anonymous identity. HAProxy and the bare relay (tokio, 256 KiB
buffers, finds where frames end and nothing else) only move bytes.

";

impl Findings {
    pub fn markdown(&self) -> String {
        let mut out = HEAD.to_owned();
        self.machine(&mut out);
        self.goals(&mut out);
        self.pass_through(&mut out);
        self.latency(&mut out);
        self.content(&mut out);
        self.counts(&mut out);
        out
    }

    fn machine(&self, out: &mut String) {
        let haproxy = haproxy_path().map(|path| said(path.to_string_lossy().as_ref(), &["-v"]));
        let haproxy = haproxy.unwrap_or_else(|| "not installed, so without its column".into());
        let changed = said("git", &["status", "--porcelain", "--", "src", "Cargo.toml"]);
        let state = if changed.is_empty() { "" } else { " and changes" };
        let rows = [
            ("Machine", format!("{}, {} cores", processor(), cores())),
            ("System", format!("Linux {}", first_line("/proc/sys/kernel/osrelease"))),
            ("Commit", format!("{}{state}", said("git", &["rev-parse", "--short=12", "HEAD"]))),
            ("Lockgate", env!("CARGO_PKG_VERSION").to_owned()),
            ("HAProxy", haproxy),
            ("Load average before, after", format!("{}; {}", self.load_before, self.load_after)),
            ("Run", format!("{} rounds, {} s in all", self.scale.rounds, self.seconds)),
        ];
        *out += "| | |\n|---|---|\n";
        for (name, value) in rows {
            line(out, format_args!("| {name} | {value} |"));
        }
    }

    fn goals(&self, out: &mut String) {
        *out += "\n## Goals\n\n| # | what | goal | measured | |\n|---|---|---|---|---|\n";
        for pass in &self.passes {
            let what = shape(pass.way, pass.partitions);
            for (peer, goal) in [(Peer::HaProxy, 1.0), (Peer::Relay, 1.2)] {
                if let Some(ratio) = pass.ratio(peer) {
                    let what = format!("pass-through, {what}, CPU against {}", peer.name());
                    goal_row(out, ("P1", &what), goal, ratio);
                }
            }
        }
        if let Some(added) = self.added_latency() {
            let (ours, theirs) = added;
            for (name, goal, over, under) in
                [("p50", 1.2, &ours.p50, &theirs.p50), ("p99", 1.5, &ours.p99, &theirs.p99)]
            {
                let what = format!("latency added at 500 req/s, {name}, against HAProxy");
                goal_row(out, ("P2", &what), goal, Estimate::of_ratios(over, under));
            }
        }
        for content in &self.contents {
            let what = describe(content.topic);
            match content.topic {
                Topic::MaskedRead | Topic::MaskedWritten => {
                    let what = format!("{what}, CPU against pass-through");
                    goal_row(out, ("P4", &what), 2.0, self.over_pass(content));
                }
                Topic::Plain | Topic::Small | Topic::ScannedNone | Topic::ScannedLz4 => {
                    let what = format!("{what}, CPU above pass-through against inflate + scan");
                    goal_row(out, ("P6", &what), 1.1, self.over_scan(content));
                }
            }
        }
        for (name, what, counted) in &self.instructions {
            if let (true, Some(counted)) = (name.contains("mask"), counted) {
                let verdict = if *counted <= 4_500.0 { "met" } else { "**not met**" };
                line(
                    out,
                    format_args!(
                        "| P4 | {what}, instructions | ≤ 4500 | {counted:.0} | {verdict} |"
                    ),
                );
            }
        }
    }

    fn pass_through(&self, out: &mut String) {
        *out += "\n## Pass-through (P1)\n\nCPU seconds of the proxy per GB of batches, and what \
                 the whole chain moved (driver and broker share the cores).\n\n";
        *out += "| load | target | CPU-s/GB | records/s | peak RSS, MiB |\n|---|---|---|---|---|\n";
        for pass in &self.passes {
            for (peer, series) in &pass.by_peer {
                let memory = self.peak_mebibytes.iter().find(|(known, _)| known == peer);
                let memory = memory.map_or(0.0, |(_, mebibytes)| *mebibytes);
                let cpu = if *peer == Peer::Direct { "–".into() } else { figure(series.cpu()) };
                let memory = if *peer == Peer::Direct { "–".into() } else { figure(memory) };
                line(
                    out,
                    format_args!(
                        "| {} | {} | {cpu} | {:.0} | {memory} |",
                        shape(pass.way, pass.partitions),
                        peer.name(),
                        series.records(),
                    ),
                );
            }
        }
    }

    fn latency(&self, out: &mut String) {
        *out += "\n## Latency (P2)\n\nOne produce of one 200-byte record every 2 ms whether or not \
                 answers have come, measured from when it was due; µs, medians of rounds.\n\n";
        *out += "| target | p50 | p99 | added p50 | added p99 |\n|---|---|---|---|---|\n";
        let direct = self.latency_of(Peer::Direct);
        for (peer, latency) in &self.latencies {
            let added = direct.map(|direct| latency.added(direct)).unwrap_or_default();
            let of = |values: &[f64]| median(values.to_vec());
            line(
                out,
                format_args!(
                    "| {} | {:.0} | {:.0} | {:.0} | {:.0} |",
                    peer.name(),
                    of(&latency.p50),
                    of(&latency.p99),
                    of(&added.p50),
                    of(&added.p99),
                ),
            );
        }
    }

    fn content(&self, out: &mut String) {
        *out += "\n## Content rules (P4, P6)\n\n1 KiB JSON records, requests of 1 MiB (16 \
                 batches).\n\n| load | CPU µs per record | the same, pass-through | inflate + scan \
                 alone | records/s |\n|---|---|---|---|---|\n";
        for content in &self.contents {
            let series = &content.series;
            let scan = self.scans.iter().find(|(topic, _)| *topic == content.topic);
            let scan = scan.map_or("–".into(), |(_, seconds)| figure(seconds * 1e6));
            let passed = median(self.pass_cost(content));
            line(
                out,
                format_args!(
                    "| {} | {} | {} | {scan} | {:.0} |",
                    describe(content.topic),
                    figure(median(series.cpu_per_record.clone()) * 1e6),
                    figure(passed * 1e6),
                    series.records(),
                ),
            );
        }
    }

    fn counts(&self, out: &mut String) {
        *out += "\n## Instructions (callgrind)\n\n";
        if self.instructions.iter().all(|(_, _, counted)| counted.is_none()) {
            *out += "Not counted: valgrind is not installed, or this is a debug build.\n";
            return;
        }
        *out += "| what | instructions |\n|---|---|\n";
        for (_, what, counted) in &self.instructions {
            let counted = counted.map_or("–".into(), |counted| format!("{counted:.0}"));
            line(out, format_args!("| {what} | {counted} |"));
        }
    }

    fn latency_of(&self, peer: Peer) -> Option<&Latency> {
        self.latencies.iter().find(|(known, _)| *known == peer).map(|(_, latency)| latency)
    }

    /// What Lockgate and HAProxy add to direct.
    fn added_latency(&self) -> Option<(Latency, Latency)> {
        let direct = self.latency_of(Peer::Direct)?;
        let ours = self.latency_of(Peer::Lockgate)?.added(direct);
        Some((ours, self.latency_of(Peer::HaProxy)?.added(direct)))
    }

    /// Lockgate's pass-through of the same rounds for as many bytes, in CPU seconds per record.
    fn pass_cost(&self, content: &Content) -> Vec<f64> {
        let large = self.passes.iter().filter(|pass| pass.way == content.way);
        let pass = large.max_by_key(|pass| pass.partitions).and_then(|p| p.of(Peer::Lockgate));
        let bytes = content.series.wire_bytes_per_record;
        let costs = pass.map(|series| series.cpu_per_gigabyte.iter().map(|cpu| cpu * bytes / 1e9));
        costs.into_iter().flatten().collect()
    }

    fn over_pass(&self, content: &Content) -> Estimate {
        Estimate::of_ratios(&content.series.cpu_per_record, &self.pass_cost(content))
    }

    fn over_scan(&self, content: &Content) -> Estimate {
        let scan = self.scans.iter().find(|(topic, _)| *topic == content.topic);
        let scan = scan.map_or(f64::NAN, |(_, seconds)| *seconds);
        let passed = self.pass_cost(content);
        let above = content.series.cpu_per_record.iter().zip(passed);
        Estimate::of(&above.map(|(all, passed)| (all - passed) / scan).collect::<Vec<_>>())
    }
}

fn goal_row(out: &mut String, (number, what): (&str, &str), goal: f64, measured: Estimate) {
    let Estimate { median, low, high } = measured;
    let verdict = match median {
        // Less than nothing: the noise of the run is larger than what is measured.
        _ if !median.is_finite() || median < 0.0 => "–",
        _ if median <= goal => "met",
        _ => "**not met**",
    };
    line(
        out,
        format_args!(
            "| {number} | {what} | ≤ {goal} × | {median:.2} × ({low:.2}–{high:.2}) | {verdict} |"
        ),
    );
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string takes every text");
}

fn shape(way: Way, partitions: usize) -> String {
    let way = if way == Way::Produce { "produce" } else { "fetch" };
    let size = if partitions == 1 { "64 KiB" } else { "1 MiB" };
    format!("{way} {size}")
}

fn describe(topic: Topic) -> &'static str {
    match topic {
        Topic::Plain | Topic::Small => "no rule",
        Topic::MaskedRead => "mask one field, fetch",
        Topic::MaskedWritten => "mask one field, produce",
        Topic::ScannedNone => "a rule is live and nothing matches, fetch, uncompressed",
        Topic::ScannedLz4 => "a rule is live and nothing matches, fetch, lz4",
    }
}

fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or_default().trim().to_owned()
}

pub fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or("unknown", |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

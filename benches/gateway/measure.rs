//! The rounds: every target in turn and then back, so that what drifts drifts for all of them.

use super::driver::{self, Load, Way};
use super::peers::{Field, Peer, Target};
use super::statistics::{Estimate, median, percentile};
use super::workload::{PARTITIONS, Seen, Topic};

const GIGABYTE: f64 = 1e9;
const RATE_PER_SECOND: u32 = 500;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub rounds: usize,
    pub pass_bytes: usize,
    pub content_bytes: usize,
    pub latency_rounds: usize,
    pub latency_seconds: usize,
}

/// One series: a value for each round.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// CPU seconds of the target's process for each GB of batches.
    pub cpu_per_gigabyte: Vec<f64>,
    pub records_per_second: Vec<f64>,
    /// CPU seconds of the target's process for each record.
    pub cpu_per_record: Vec<f64>,
    pub wire_bytes_per_record: f64,
}

impl Series {
    fn add(&mut self, target: &Target, load: Load) {
        let before = target.cpu_seconds();
        let moved = driver::run(&target.address, load);
        let cpu_seconds = target.cpu_seconds() - before;
        self.cpu_per_gigabyte.push(cpu_seconds / (moved.bytes as f64 / GIGABYTE));
        self.cpu_per_record.push(cpu_seconds / moved.records as f64);
        self.records_per_second.push(moved.records as f64 / moved.seconds);
        self.wire_bytes_per_record = moved.bytes as f64 / moved.records as f64;
    }

    pub fn cpu(&self) -> f64 {
        median(self.cpu_per_gigabyte.clone())
    }

    pub fn records(&self) -> f64 {
        median(self.records_per_second.clone())
    }
}

/// A shape of pass-through, and each target's series under it.
pub struct Pass {
    pub way: Way,
    pub partitions: usize,
    pub by_peer: Vec<(Peer, Series)>,
}

impl Pass {
    pub fn of(&self, peer: Peer) -> Option<&Series> {
        self.by_peer.iter().find(|(known, _)| *known == peer).map(|(_, series)| series)
    }

    /// Lockgate's CPU time over another's, round by round.
    pub fn ratio(&self, peer: Peer) -> Option<Estimate> {
        let (ours, theirs) = (self.of(Peer::Lockgate)?, self.of(peer)?);
        Some(Estimate::of_ratios(&ours.cpu_per_gigabyte, &theirs.cpu_per_gigabyte))
    }
}

/// Content work of Lockgate, beside its own pass-through of the same rounds and the same shape.
pub struct Content {
    pub way: Way,
    pub topic: Topic,
    pub series: Series,
}

/// Medians and 99th percentiles of one target, in microseconds, round by round.
#[derive(Default)]
pub struct Latency {
    pub p50: Vec<f64>,
    pub p99: Vec<f64>,
}

impl Latency {
    /// What a target adds to direct, round by round.
    pub fn added(&self, direct: &Self) -> Self {
        let less = |over: &[f64], under: &[f64]| {
            over.iter().zip(under).map(|(over, under)| over - under).collect()
        };
        Self { p50: less(&self.p50, &direct.p50), p99: less(&self.p99, &direct.p99) }
    }
}

/// Pass-through of every target (P1), and content work of Lockgate (P4, P6), in the same rounds.
pub fn throughput(field: &Field, scale: Scale) -> (Vec<Pass>, Vec<Content>) {
    let shapes = [Way::Produce, Way::Fetch].map(|way| [1, PARTITIONS].map(|size| (way, size)));
    let mut passes: Vec<Pass> = shapes
        .into_iter()
        .flatten()
        .map(|(way, partitions)| Pass { way, partitions, by_peer: each(field) })
        .collect();
    let mut contents: Vec<Content> = [
        (Way::Produce, Topic::MaskedWritten),
        (Way::Fetch, Topic::MaskedRead),
        (Way::Fetch, Topic::ScannedNone),
        (Way::Fetch, Topic::ScannedLz4),
    ]
    .map(|(way, topic)| Content { way, topic, series: Series::default() })
    .into();
    for round in 0..=scale.rounds {
        // The first round only warms up.
        let measured = round > 0;
        for pass in &mut passes {
            let (way, partitions) = (pass.way, pass.partitions);
            let (topic, seen, bytes) = (Topic::Plain, Seen::AsWritten, scale.pass_bytes);
            let load = Load { way, topic, partitions, bytes, seen };
            let mut turns: Vec<(&Target, &mut Series)> =
                field.targets.iter().zip(pass.by_peer.iter_mut().map(|(_, s)| s)).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            for (target, series) in turns {
                take(series, target, load, measured);
            }
        }
        for content in &mut contents {
            let (way, topic, bytes) = (content.way, content.topic, scale.content_bytes);
            let (target, seen) = match topic {
                Topic::MaskedWritten => (&field.masking, Seen::Masked),
                Topic::MaskedRead => (field.lockgate(), Seen::Masked),
                Topic::Plain | Topic::Small | Topic::ScannedNone | Topic::ScannedLz4 => {
                    (field.lockgate(), Seen::AsWritten)
                }
            };
            let load = Load { way, topic, partitions: PARTITIONS, bytes, seen };
            take(&mut content.series, target, load, measured);
        }
    }
    (passes, contents)
}

fn take(series: &mut Series, target: &Target, load: Load, measured: bool) {
    if measured {
        series.add(target, load);
    } else {
        driver::run(&target.address, Load { bytes: load.bytes / 8, ..load });
    }
}

fn each(field: &Field) -> Vec<(Peer, Series)> {
    field.targets.iter().map(|target| (target.peer, Series::default())).collect()
}

/// Open-loop latency of every target (P2).
pub fn latency(field: &Field, scale: Scale) -> Vec<(Peer, Latency)> {
    let count = scale.latency_seconds * RATE_PER_SECOND as usize;
    let mut by_peer: Vec<(Peer, Latency)> =
        field.targets.iter().map(|target| (target.peer, Latency::default())).collect();
    for round in 0..scale.latency_rounds {
        let mut turns: Vec<(&Target, &mut Latency)> =
            field.targets.iter().zip(by_peer.iter_mut().map(|(_, latency)| latency)).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for (target, latency) in turns {
            let taken = driver::open_loop(&target.address, RATE_PER_SECOND, count);
            latency.p50.push(percentile(&taken, 0.5));
            latency.p99.push(percentile(&taken, 0.99));
        }
    }
    by_peer
}

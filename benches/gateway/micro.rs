//! Mechanisms without sockets: what one record or one frame costs, counted in instructions where
//! valgrind is installed, and the yardstick of P6 in CPU time.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use lockgate::audit::SessionFacts;
use lockgate::enforce::facts::{Identity, Limits};
use lockgate::enforce::{Addresses, Cluster, ToolPool, TopicNames};
use lockgate::field::{Masked, PathPattern, PathSet};
use lockgate::format::{Format as _, Hits, Json};
use lockgate::identity::{Groups, Mechanism, Principal, Subject};
use lockgate::mask::{self, MaskSpec};
use lockgate::policy::{self, Ground, PolicySet, Secrets, Source};
use lockgate::record::{Codecs, InflateLimits, Item, items};
use lockgate::session::{Input, Output, Session, SessionLimits, Side};
use lockgate::wire::TopicId;

use super::throwaway::Program;
use super::wire;
use super::workload::{self, BATCH_RECORDS, Seen, Topic, VALUE_BYTES};

const COUNT_LIMIT: Duration = Duration::from_secs(60);
const LIMIT_BYTES: usize = 64 << 20;
const REPEATS: usize = 15;

/// One thing that is counted.
pub struct Body {
    pub name: &'static str,
    pub what: &'static str,
    /// Records in one run, where the count is one per record.
    pub records: usize,
    run: fn(usize),
}

pub static BODIES: &[Body] = &[
    Body {
        name: "mask-document",
        what: "scan, mask and splice one field of a 1 KiB document",
        records: 1,
        run: mask_document,
    },
    Body {
        name: "masked-fetch",
        what: "a masked Fetch of 64 × 1 KiB through the session, for each record",
        records: BATCH_RECORDS,
        run: |count| session_fetch(Topic::MaskedRead, count),
    },
    Body {
        name: "passed-fetch",
        what: "a Fetch of 64 × 1 KiB through the session, no rule for the topic",
        records: 1,
        run: |count| session_fetch(Topic::Plain, count),
    },
    Body {
        name: "passed-produce",
        what: "a Produce of 64 × 1 KiB and its answer through the session",
        records: 1,
        run: |count| session_produce(Topic::Plain, count),
    },
    Body {
        name: "passed-small-produce",
        what: "a Produce of one 200-byte record and its answer through the session",
        records: 1,
        run: |count| session_produce(Topic::Small, count),
    },
];

/// Runs a body so many times; the other end of [`count`].
pub fn run(name: &str, count: usize) {
    let body = BODIES.iter().find(|body| body.name == name).expect("a body of this name");
    (body.run)(count);
}

/// Instructions of one run, as callgrind counts them; `None` without valgrind, and for a debug
/// build, where the body is only run.
pub fn count(body: &Body) -> Option<f64> {
    if cfg!(debug_assertions) {
        (body.run)(2);
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut valgrind = std::env::split_paths(&path).map(|directory| directory.join("valgrind"));
    // Only what is inside of `counted`, and by the difference of two runs, so that what happens
    // once (plans, buffers) is not in it.
    let program = Program::new(valgrind.find(|path| path.is_file())?)
        .arguments(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .argument("--toggle-collect=*micro::counted*")
        .argument(std::env::current_exe().ok()?);
    let collected = |count: usize| -> Option<f64> {
        let program = program.clone().arguments(["count", body.name, &count.to_string()]);
        let finished = program.run(COUNT_LIMIT).expect_success();
        let line = finished.stderr.lines().rfind(|line| line.contains("Collected :"))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    let (few, many) = (20, 120);
    Some((collected(many)? - collected(few)?) / ((many - few) * body.records) as f64)
}

/// What is done in here is counted.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// CPU seconds that inflating a batch and scanning its records for one path takes, for each record.
pub fn scan_seconds(topic: Topic) -> f64 {
    let paths = paths(workload::CONDITION_PATH);
    let mut codecs = Codecs::new();
    let mut hits = Hits::default();
    let rounds: Vec<f64> = (0..REPEATS)
        .map(|_| {
            // The kernel counts in ticks of some milliseconds.
            let passes = if cfg!(debug_assertions) { 40 } else { 1_500 };
            let before = thread_cpu_seconds();
            for pass in 0..passes {
                let bytes = topic.batch(pass % workload::PARTITIONS, Seen::AsWritten);
                let Some(Ok(Item::Batch(batch))) = items(bytes).next() else {
                    panic!("a batch is a batch")
                };
                let limits = InflateLimits { bytes_max: LIMIT_BYTES };
                let plain = codecs.inflate(&batch, limits).expect("the batch inflates");
                for record in plain.records() {
                    let record = record.expect("the record is one");
                    let value = record.value.expect("the record has a value");
                    Json.scan(value, &paths, &mut hits).expect("the value is JSON");
                    black_box(&hits);
                }
            }
            (thread_cpu_seconds() - before) / (passes * topic.batch_records()) as f64
        })
        .collect();
    super::statistics::median(rounds)
}

/// The time that this thread has been on a core (proc(5), `schedstat`).
fn thread_cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse::<f64>().ok());
    nanoseconds.expect("the kernel tells the time of a thread") / 1e9
}

fn paths(path: &str) -> PathSet {
    PathSet::new(vec![PathPattern::path(path).expect("the path is one")])
}

fn mask_document(count: usize) {
    let paths = paths(workload::MASKED_PATH);
    let character = '*';
    let mask = mask::build(&MaskSpec::Partial { keep_first: 0, keep_last: 4, character });
    let document = workload::document(42, VALUE_BYTES, Seen::AsWritten).into_bytes();
    let expected = workload::document(42, VALUE_BYTES, Seen::Masked).into_bytes();
    let (mut hits, mut scratch, mut out) = (Hits::default(), String::new(), Vec::new());
    for _ in 0..count {
        counted(|| {
            Json.scan(black_box(&document), &paths, &mut hits).expect("the document is JSON");
            let hit = hits.iter().next().expect("the field is there");
            let text = hit.text(&document);
            let masked: Masked<'_> = mask.apply(hit.kind, &text, &mut scratch);
            out.clear();
            Json.splice(&document, &hits, &[(0, masked)], &mut out).expect("a field is replaced");
        });
    }
    assert!(count == 0 || out == expected);
}

/// A session, and the policy that it judges under.
struct Wire {
    session: Session,
    policy: Arc<PolicySet>,
    evidence: usize,
}

impl Wire {
    fn new() -> Self {
        let source = Source { file: "bench.yaml".into(), text: workload::POLICY.into() };
        let policy = policy::load(&[source], &NoSecrets, &Ground::default());
        let policy = Arc::new(policy.unwrap_or_else(|problems| panic!("{problems}")));
        let topics = TopicNames::default();
        for topic in Topic::ALL {
            topics.learn(TopicId(*topic.id().as_bytes()), topic.name());
        }
        let cluster = Cluster {
            name: "bench".into(),
            addresses: Addresses::Keep,
            topics,
            identity: Identity { anonymous: Some(anonymous()), ..Identity::default() },
            limits: Limits {
                request_bytes_max: LIMIT_BYTES,
                control_frame_bytes_max: LIMIT_BYTES,
                inflated_batch_bytes_max: LIMIT_BYTES,
                elements_max: 500_000,
            },
            tools: ToolPool::default(),
            broker_knows_user: false,
        };
        let limits = SessionLimits {
            request_bytes_max: LIMIT_BYTES,
            response_bytes_max: LIMIT_BYTES,
            control_frame_bytes_max: LIMIT_BYTES,
            unauthenticated_frame_bytes_max: LIMIT_BYTES,
            inflight_requests_max: 10,
            login_ms_max: 10_000,
        };
        let facts = SessionFacts::default();
        let session = Session::new(Arc::new(cluster), limits, facts, 7, 0);
        Self { session, policy, evidence: 0 }
    }

    /// Puts a frame in at one side; gives the last byte of what came out at the other.
    fn pass(&mut self, from: Side, frame: &[u8]) -> Option<u8> {
        self.session.read_buffer(from).extend_from_slice(frame);
        counted(|| self.carry(from))
    }

    fn carry(&mut self, from: Side) -> Option<u8> {
        self.session.handle_input(&Input::Received(from), &self.policy, 1);
        let mut last = None;
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Audit(_) => self.evidence += 1,
                Output::Send(to, slices) => {
                    assert_ne!(to, from, "nothing is refused");
                    last = slices.last().and_then(|slice| slice.last().copied());
                }
                Output::Notice(_) => {}
                Output::Ask(_) | Output::Nodes(_) | Output::Close(_) => {
                    panic!("the session only passes frames")
                }
            }
        }
        last
    }
}

fn anonymous() -> Arc<Subject> {
    Arc::new(Subject {
        principal: Principal::user(None, "ANONYMOUS"),
        groups: Groups::known(std::iter::empty::<&str>()),
        mechanism: Mechanism::Anonymous,
    })
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, key_ref: &str) -> Result<Vec<u8>, String> {
        Err(key_ref.to_owned())
    }
}

fn session_produce(topic: Topic, count: usize) {
    let request = super::driver::produce_frame(topic, 1);
    let answer = super::null_broker::produced(topic, 1);
    let mut wire = Wire::new();
    for _ in 0..count {
        let forwarded = wire.pass(Side::Downstream, &request);
        assert_eq!(forwarded, request.last().copied());
        let answered = wire.pass(Side::Upstream, &answer);
        assert_eq!(answered, answer.last().copied());
    }
    assert!(wire.evidence >= count, "each batch leaves evidence");
}

fn session_fetch(topic: Topic, count: usize) {
    let asked = FetchTopic::default()
        .with_topic_id(topic.id())
        .with_partitions(vec![FetchPartition::default().with_partition_max_bytes(1 << 20)]);
    let request = kafka_protocol::messages::FetchRequest::default()
        .with_session_epoch(-1)
        .with_topics(vec![asked]);
    let request = wire::request(wire::FETCH, wire::FETCH_VERSION, 0, &request);
    let answer = super::null_broker::fetched(topic, 1);
    let mut wire = Wire::new();
    for _ in 0..count {
        wire.pass(Side::Downstream, &request);
        let answered = wire.pass(Side::Upstream, &answer);
        assert_eq!(answered, answer.last().copied());
    }
    assert!(wire.evidence >= count, "each batch leaves evidence");
}

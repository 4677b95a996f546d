//! Tests of the audit log as a whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod reservations;

use std::fs::{self, OpenOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;
use crate::audit::{AuditDecision, AuditEvent, EventKind, MaskCount, Mode, SessionFacts, Ulid};

/// 2026-11-22T13:59:59Z.
const NOW_US: i64 = 1_795_355_999_000_000;

fn settings(dir: &Path) -> AuditSettings {
    AuditSettings::new(dir, "prod-eu")
}

fn open(dir: &Path) -> AuditLog {
    AuditLog::open(settings(dir), Arc::new(|| NOW_US)).unwrap()
}

fn event(offset: i64) -> AuditEvent {
    let facts = SessionFacts {
        session_id: Some([9; 16]),
        principal: Some("jane@acme".into()),
        principal_type: Some("User".into()),
        groups_id: Some("0123456789abcdef".into()),
        auth_mech: Some("OAUTHBEARER"),
        client_id: Some("rdkafka".into()),
        src_ip: Some([10, 1, 2, 3].into()),
        src_port: Some(50_123),
        ..SessionFacts::gateway("prod-eu".into())
    };
    AuditEvent {
        decision_id: Some(Ulid::from_parts(1_795_355_999_000, [1; 10])),
        api: Some("Fetch"),
        api_version: Some(16),
        topic: Some("payments".into()),
        topic_id: Some([5; 16]),
        partition: Some(3),
        first_offset: Some(offset),
        last_offset: Some(offset + 9),
        records: Some(10),
        bytes: Some(4096),
        decision: Some(AuditDecision::Mask),
        mode: Some(Mode::Enforce),
        rule_ids: smallvec::smallvec!["mask-cards".into(), "hide-email".into()],
        policy_revision: Some("dir:0123456789ab".into()),
        mask_summary: vec![
            MaskCount { selector: "$.card".into(), method: "partial", count: 10 },
            MaskCount { selector: "$.email".into(), method: "hmac", count: 4 },
        ],
        masked_values: 14,
        masked_records: 10,
        error_code: Some(0),
        eval_us: Some(12),
        ..AuditEvent::new(EventKind::Decision, Arc::new(facts))
    }
}

fn rows(dir: &Path) -> Vec<ReadRow> {
    read_rows(dir).unwrap().map(Result::unwrap).collect()
}

fn seqs(dir: &Path) -> Vec<u64> {
    rows(dir).iter().map(ReadRow::seq).collect()
}

fn stored(dir: &Path) -> Vec<String> {
    let name = |file: parquet_dir::Stored| {
        file.path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned()
    };
    parquet_dir::stored_files(dir).unwrap().into_iter().map(name).collect()
}

fn last_segment(dir: &Path) -> std::path::PathBuf {
    home::segments(dir).unwrap().pop().unwrap().1
}

/// A clock that stands at `NOW_US` until it is moved by hand.
fn hand_clock() -> (Arc<AtomicI64>, Clock) {
    let now = Arc::new(AtomicI64::new(NOW_US));
    let hand = Arc::clone(&now);
    (now, Arc::new(move || hand.load(Ordering::Relaxed)))
}

#[test]
fn rows_are_readable_before_and_after_conversion_with_every_column() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&[event(0), event(10)]).unwrap();
    let before = rows(dir.path());
    assert!(stored(dir.path()).is_empty());
    log.flush().unwrap();
    let after = rows(dir.path());
    let columns = |row: &ReadRow| row.columns().collect::<Vec<_>>();
    assert_eq!(before.iter().map(columns).collect::<Vec<_>>(), {
        after.iter().map(columns).collect::<Vec<_>>()
    });
    let row = &after[1];
    assert_eq!(row.seq(), 2);
    assert_eq!(row.value("time"), "2026-11-22T13:59:59.000000Z");
    assert_eq!(row.value("topic_id"), "BQUFBQUFBQUFBQUFBQUFBQ");
    assert_eq!(row.value("session_id"), "09".repeat(16));
    assert_eq!(row.value("decision_id").as_str().map(str::len), Some(26));
    assert_eq!(row.value("rule_ids"), serde_json::json!(["mask-cards", "hide-email"]));
    let masks = serde_json::json!([
        {"selector": "$.card", "method": "partial", "count": 10},
        {"selector": "$.email", "method": "hmac", "count": 4},
    ]);
    assert_eq!(row.value("mask_summary"), masks);
    assert_eq!(row.value("src_ip"), "10.1.2.3");
    assert_eq!(row.value("hold_id"), serde_json::Value::Null);
    let node = log.node_id();
    let folder = "audit/v1/cluster=prod-eu/date=2026-11-22/hour=13";
    let file = format!("{folder}/{node}-000000000001-000000000002.parquet");
    assert_eq!(stored(dir.path()), [file]);
    let status = log.status();
    assert_eq!((status.rows, status.lag_rows, status.next_seq), (2, 0, 3));
    assert_eq!((status.health, status.last_conversion_us), (Health::Good, Some(NOW_US)));
}

#[test]
fn the_file_is_as_promised() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&[event(0), event(10)]).unwrap();
    log.close().unwrap();
    assert!(matches!(log.append(&[event(0)]), Err(AuditError::Closed)));
    let path = dir.path().join(&stored(dir.path())[0]);
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let metadata = reader.metadata();
    let notes = metadata.file_metadata().key_value_metadata().unwrap();
    let note = |key: &str| {
        notes.iter().find(|note| note.key == key).and_then(|note| note.value.clone()).unwrap()
    };
    assert_eq!(note("lockgate.schema"), "audit.v1");
    assert_eq!(note("lockgate.node"), **log.node_id());
    assert_eq!((note("lockgate.first_seq"), note("lockgate.last_seq")), ("1".into(), "2".into()));
    assert_eq!(note("lockgate.policy_revisions"), "dir:0123456789ab");
    assert!(note("lockgate.writer").starts_with("lockgate "));
    for column in metadata.row_group(0).columns() {
        let name = column.column_path().string();
        let bloom = ["session_id", "decision_id"].contains(&name.as_str());
        assert_eq!(column.bloom_filter_offset().is_some(), bloom, "{name}");
        assert!(matches!(column.compression(), parquet::basic::Compression::ZSTD(_)), "{name}");
        if ["seq", "time"].contains(&name.as_str()) {
            let encodings: Vec<_> = column.encodings().collect();
            assert!(encodings.contains(&parquet::basic::Encoding::DELTA_BINARY_PACKED));
        }
    }
}

#[test]
fn seq_goes_on_over_restarts_with_and_without_a_clean_end() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..6_u64 {
        let log = open(dir.path());
        let position = log.append(&[event(0), event(1)]).unwrap();
        assert_eq!(position.seq(), 2 * round + 2);
        if round % 2 == 0 {
            log.close().unwrap();
        }
    }
    assert_eq!(seqs(dir.path()), (1..=12).collect::<Vec<_>>());
    // Without the log the names of the files still tell where to go on.
    open(dir.path()).close().unwrap();
    fs::remove_dir_all(dir.path().join("wal")).unwrap();
    assert_eq!(open(dir.path()).append(&[event(0)]).unwrap().seq(), 13);
}

#[test]
fn every_hour_and_cluster_has_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let (now, clock) = hand_clock();
    let log = AuditLog::open(settings(dir.path()), clock).unwrap();
    log.append(&[event(0)]).unwrap();
    now.fetch_add(2_000_000, Ordering::Relaxed);
    let mut other = event(10);
    other.session = Arc::new(SessionFacts::gateway("../up".into()));
    log.append(&[event(20), other, event(30)]).unwrap();
    log.flush().unwrap();
    let node = log.node_id();
    let expected = [
        format!("cluster=prod-eu/date=2026-11-22/hour=13/{node}-000000000001-000000000001"),
        format!("cluster=prod-eu/date=2026-11-22/hour=14/{node}-000000000002-000000000004"),
        format!("cluster=%2E.%2Fup/date=2026-11-22/hour=14/{node}-000000000003-000000000003"),
    ];
    assert_eq!(stored(dir.path()), expected.map(|name| format!("audit/v1/{name}.parquet")));
    assert_eq!(seqs(dir.path()), [1, 2, 3, 4]);
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let second = AuditLog::open(settings(dir.path()), Arc::new(|| 0)).err().unwrap();
    assert!(matches!(second, AuditError::Locked { .. }), "{second}");
    assert!(second.to_string().contains("in use by another Lockgate"));
    drop(log);
    open(dir.path());
}

#[test]
fn four_threads_write_without_a_gap_over_rotations() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::open(
        AuditSettings { rotate_rows: 100, ..settings(dir.path()) },
        Arc::new(|| NOW_US),
    )
    .unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4_i64 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..500 {
                    log.append(&[event(writer * 1000 + number)]).unwrap();
                }
            });
        }
    });
    assert_eq!(seqs(dir.path()), (1..=2000).collect::<Vec<_>>(), "while it runs");
    log.close().unwrap();
    let rows = rows(dir.path());
    let mut offsets: Vec<_> = rows.iter().filter_map(|row| row.number("first_offset")).collect();
    offsets.sort_unstable();
    offsets.dedup();
    assert_eq!(offsets.len(), 2000);
}

/// Looks until it is so, for at most 30 s.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed().as_secs() < 30, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_full_segment_is_converted_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let settings = AuditSettings { rotate_rows: 2, ..settings(dir.path()) };
    let log = AuditLog::open(settings, Arc::new(|| NOW_US)).unwrap();
    log.append(&[event(0)]).unwrap();
    log.append(&[event(10)]).unwrap();
    wait_until("the segment is full", || log.status().lag_rows == 0);
    assert_eq!(stored(dir.path()).len(), 1);
}

#[test]
fn an_old_row_is_converted_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (now, clock) = hand_clock();
    let log = AuditLog::open(settings(dir.path()), clock).unwrap();
    log.append(&[event(0)]).unwrap();
    now.fetch_add(299_000_000, Ordering::Relaxed);
    log.append(&[event(10)]).unwrap();
    assert_eq!(log.status().lag_rows, 2);
    now.fetch_add(1_000_000, Ordering::Relaxed);
    wait_until("the oldest row is 300 s old", || log.status().lag_rows == 0);
    assert_eq!(seqs(dir.path()), [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disk_mode_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let settings =
        AuditSettings { durability: Durability::Disk, rotate_rows: 20, ..settings(dir.path()) };
    let log = Arc::new(AuditLog::open(settings, Arc::new(|| NOW_US)).unwrap());
    let write = |number: i64| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let position = log.append(&[event(number)]).unwrap();
            log.durable(position).await.unwrap();
            assert!(log.status().durable_seq >= Some(position.seq()));
        })
    };
    let writers: Vec<_> = (0..200).map(write).collect();
    for writer in writers {
        tokio::time::timeout(std::time::Duration::from_secs(30), writer).await.unwrap().unwrap();
    }
    log.close().unwrap();
    assert_eq!(seqs(dir.path()).len(), 200);
}

#[test]
fn a_list_of_groups_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let list = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>();
    let path = {
        let log = open(dir.path());
        let id = log.groups_id(&list(&["support", "eu"])).unwrap();
        assert_eq!(log.groups_id(&list(&["eu", "support"])).unwrap(), id);
        groups::path(&home::groups_dir(dir.path()), log.node_id())
    };
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"{\"groups_id\": \"cut").unwrap();
    let log = open(dir.path());
    log.groups_id(&list(&["support", "eu"])).unwrap();
    log.groups_id(&list(&["other"])).unwrap();
    let lines = fs::read_to_string(path).unwrap();
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let lists: Vec<_> = lines.lines().map(|line| parse(line)["groups"].clone()).collect();
    assert_eq!(lists, [serde_json::json!(["eu", "support"]), serde_json::json!(["other"])]);
}

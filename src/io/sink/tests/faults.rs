//! What is left when writing, syncing, storing or the process itself fails.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::super::recovery::{Ending, survey};
use super::*;

/// Two rows, and a third one behind byte `good`.
fn three_rows() -> (Vec<u8>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&[event(0), event(10)]).unwrap();
    let good = fs::metadata(last_segment(dir.path())).unwrap().len() as usize;
    log.append(&[event(20)]).unwrap();
    drop(log);
    (fs::read(last_segment(dir.path())).unwrap(), good)
}

#[test]
fn t47_a_cut_or_garbled_last_frame_takes_no_earlier_row() {
    let (bytes, good) = three_rows();
    for place in good..bytes.len() {
        for pattern in [None, Some(0x01), Some(0x55), Some(0xFF)] {
            let mut broken = bytes.clone();
            match pattern {
                Some(pattern) => broken[place] ^= pattern,
                None => broken.truncate(place),
            }
            let length = broken.len() as u64;
            let cursor = Cursor::new(&broken);
            let survey = survey(cursor, length, 1, |_| {}).unwrap();
            assert_eq!((survey.rows, survey.next_seq, survey.good_bytes), (2, 3, good as u64));
            match survey.ending {
                Ending::Torn => {}
                Ending::Clean => assert!(place == good && pattern.is_none()),
                // A length that points into the frame looks like more than one lost frame.
                Ending::Corrupt { last_seq: None } => assert!(place < good + 4),
                Ending::Corrupt { .. } | Ending::Foreign { .. } => panic!("byte {place}"),
            }
            fuzz_one(&broken);
        }
    }
}

#[test]
fn t47_a_start_after_a_kill_keeps_every_row_and_goes_on() {
    let (bytes, good) = three_rows();
    for (cut, offsets) in [
        (bytes.len(), [0, 10, 20, 30].as_slice()),
        (bytes.len() - 1, &[0, 10, 30]),
        (good + 3, &[0, 10, 30]),
        (good, &[0, 10, 30]),
        (9, &[30]),
        (0, &[30]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("wal")).unwrap();
        fs::write(home::segment_path(dir.path(), 1), &bytes[..cut]).unwrap();
        let log = open(dir.path());
        log.append(&[event(30)]).unwrap();
        let read = |rows: Vec<ReadRow>| -> Vec<u64> {
            rows.iter().filter_map(|row| row.number("first_offset")).collect()
        };
        assert_eq!(read(rows(dir.path())), offsets, "cut at {cut}");
        log.close().unwrap();
        assert_eq!(read(rows(dir.path())), offsets, "cut at {cut}");
        assert_eq!(seqs(dir.path()), (1..=offsets.len() as u64).collect::<Vec<_>>());
        assert_eq!(home::segments(dir.path()).unwrap().len(), 1, "the empty one stays");
    }
}

#[test]
fn garbage_between_rows_is_set_aside_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&[event(0)]).unwrap();
    let good = fs::metadata(last_segment(dir.path())).unwrap().len() as usize;
    log.append(&[event(10), event(20), event(30)]).unwrap();
    drop(log);
    let path = last_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[good + 20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let log = open(dir.path());
    log.append(&[event(40)]).unwrap();
    assert_eq!(seqs(dir.path()), [1, 5, 6], "no seq is used twice");
    log.close().unwrap();
    let rows = rows(dir.path());
    assert_eq!(rows[1].value("event"), "audit_gap");
    let message = rows[1].text("message").unwrap();
    assert!(message.starts_with("rows 2 to 4 are missing: "), "{message}");
    assert_eq!(fs::read(path.with_extension("corrupt")).unwrap(), bytes[good..]);
}

#[test]
fn a_missing_segment_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for first in [1_u64, 2, 3] {
        let log = open(dir.path());
        log.append(&[event(0)]).unwrap();
        // The thread may have converted the earlier ones; what is left is renamed back below.
        drop(log);
        let path = home::segment_path(dir.path(), first);
        fs::copy(&path, path.with_extension("kept")).unwrap();
    }
    for first in [1, 3] {
        let path = home::segment_path(dir.path(), first);
        fs::copy(path.with_extension("kept"), &path).unwrap();
    }
    let _ = fs::remove_file(home::segment_path(dir.path(), 2));
    let log = open(dir.path());
    log.close().unwrap();
    let rows = rows(dir.path());
    let gap = rows.iter().find(|row| row.value("event") == "audit_gap").unwrap();
    assert_eq!(gap.seq(), 4);
    assert!(gap.text("message").unwrap().starts_with("rows 2 to 2 are missing"));
}

#[test]
fn a_segment_of_a_newer_version_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("wal")).unwrap();
    let path = home::segment_path(dir.path(), 1);
    fs::write(&path, b"LGAUDIT\x03whatever").unwrap();
    let error = AuditLog::open(settings(dir.path()), Arc::new(|| 0)).err().unwrap();
    assert!(matches!(error, AuditError::Version { version: 3, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"LGAUDIT\x03whatever");
}

/// A file that refuses every write and every cut.
fn unwritable(dir: &Path) -> Arc<File> {
    Arc::new(File::open(dir.join("node_id")).unwrap())
}

#[test]
fn t49_a_full_disk_refuses_and_the_gap_is_named() {
    for required in [Required::Refuse, Required::CountLost] {
        let dir = tempfile::tempdir().unwrap();
        let settings = AuditSettings { required, ..settings(dir.path()) };
        let log = AuditLog::open(settings, Arc::new(|| NOW_US)).unwrap();
        log.append(&[event(0)]).unwrap();
        let good = log.shared().state.lock().segment.swap(unwritable(dir.path()));
        for _ in 0..2 {
            let outcome = log.append(&[event(10), event(20)]);
            match required {
                Required::Refuse => assert!(matches!(outcome, Err(AuditError::Write(_)))),
                Required::CountLost => assert_eq!(outcome.unwrap().seq(), 1),
            }
        }
        assert_eq!((log.status().health, log.status().next_seq), (Health::Failing, 2));
        assert!(log.status().last_error.unwrap().contains("cannot be written: "));
        log.shared().state.lock().segment.swap(good);
        assert_eq!(log.append(&[event(30)]).unwrap().seq(), 3);
        let status = log.status();
        let lost = if required == Required::Refuse { 0 } else { 4 };
        assert_eq!((status.health, status.rows_lost), (Health::Good, lost));
        log.close().unwrap();
        let rows = rows(dir.path());
        assert_eq!(rows.iter().map(ReadRow::seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(rows[1].value("event"), "audit_gap");
        assert_eq!(rows[1].number("suppressed"), Some(4));
    }
}

#[tokio::test]
async fn a_failed_sync_is_told_and_the_segment_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let settings = AuditSettings { durability: Durability::Disk, ..settings(dir.path()) };
    let log = AuditLog::open(settings, Arc::new(|| NOW_US)).unwrap();
    let wait = async |position| {
        let limit = std::time::Duration::from_secs(30);
        tokio::time::timeout(limit, log.durable(position)).await.unwrap()
    };
    let first = log.append(&[event(0)]).unwrap();
    wait(first).await.unwrap();
    // A device takes the bytes and cannot sync them.
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let _good = log.shared().state.lock().segment.swap(Arc::new(null));
    let second = log.append(&[event(10)]).unwrap();
    assert!(matches!(wait(second).await, Err(AuditError::Sync)));
    log.flush().unwrap();
    let third = log.append(&[event(20)]).unwrap();
    wait(third).await.unwrap();
    assert!(matches!(wait(second).await, Err(AuditError::Sync)), "it stays failed");
    assert_eq!(log.status().health, Health::Good);
}

#[test]
fn what_cannot_be_stored_waits_and_is_stored_later() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let blocker = home::tree(dir.path()).join("cluster=prod-eu");
    fs::write(&blocker, b"a file where a folder belongs").unwrap();
    log.append(&[event(0)]).unwrap();
    assert!(matches!(log.flush(), Err(AuditError::Store(_))));
    let status = log.status();
    assert_eq!((status.health, status.lag_rows, status.segments_waiting), (Health::Good, 1, 1));
    assert!(status.last_error.is_some());
    fs::remove_file(&blocker).unwrap();
    log.flush().unwrap();
    assert_eq!((log.status().lag_rows, log.status().last_error), (0, None));
    assert_eq!(seqs(dir.path()), [1]);
}

#[test]
fn storing_again_after_a_crash_gives_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(&[event(0), event(10)]).unwrap();
    let segment = last_segment(dir.path());
    let copy = fs::read(&segment).unwrap();
    log.close().unwrap();
    drop(log);
    let before = stored(dir.path());
    // As if the power went between the rename and the deletion.
    fs::write(&segment, copy).unwrap();
    assert_eq!(seqs(dir.path()), [1, 2], "rows in both places are shown once");
    open(dir.path()).close().unwrap();
    assert_eq!(stored(dir.path()), before);
    assert_eq!(seqs(dir.path()), [1, 2]);
}

/// Not a test of its own: the process that `a_killed_process_loses_no_accepted_row` kills.
#[test]
#[ignore = "runs for ever; started by the test that kills it"]
fn writer_to_be_killed() {
    let Ok(dir) = std::env::var("LOCKGATE_TEST_AUDIT_DIR") else { return };
    let log = open(Path::new(&dir));
    loop {
        let position = log.append(&[event(0), event(10)]).unwrap();
        println!("accepted {}", position.seq());
    }
}

#[test]
fn a_killed_process_loses_no_accepted_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut accepted = 0;
    for round in 0..5 {
        let name = "sink::tests::faults::writer_to_be_killed";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--test-threads=1", name])
            .env("LOCKGATE_TEST_AUDIT_DIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let seq = |line: String| line.split_once("accepted ")?.1.parse::<u64>().ok();
        let enough = 50 + round * 37;
        accepted = lines.by_ref().map_while(Result::ok).filter_map(seq).nth(enough).unwrap();
        child.kill().unwrap();
        // What it still said before it died was accepted too.
        accepted = lines.map_while(Result::ok).filter_map(seq).last().unwrap_or(accepted);
        child.wait().unwrap();
        let found = seqs(dir.path());
        assert!(found.len() as u64 >= accepted, "{} rows, {accepted} accepted", found.len());
        assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>());
    }
    open(dir.path()).close().unwrap();
    assert!(seqs(dir.path()).len() as u64 >= accepted);
}

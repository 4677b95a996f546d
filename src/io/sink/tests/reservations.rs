//! Rows in two steps: reserved before a request leaves, completed by its answer.

use super::*;
use crate::audit::Answered;
use crate::audit::posting::UNANSWERED;

fn answered(seq: u64, first_offset: i64) -> Answered {
    Answered { seq, error_code: 0, first_offset: Some(first_offset), topic_id: None }
}

/// A produce whose offsets are not known yet.
fn produce(records: u32) -> AuditEvent {
    let (first_offset, last_offset, error_code) = (None, None, None);
    AuditEvent {
        api: Some("Produce"),
        first_offset,
        last_offset,
        records: Some(records),
        error_code,
        ..event(0)
    }
}

fn seen(dir: &Path) -> Vec<(u64, Option<u64>, Option<u64>, bool)> {
    let of = |row: ReadRow| {
        let unanswered = row.text("message").as_deref() == Some(UNANSWERED);
        assert_eq!(row.number("error_code").is_none(), unanswered);
        (row.seq(), row.number("first_offset"), row.number("last_offset"), unanswered)
    };
    rows(dir).into_iter().map(of).collect()
}

#[test]
fn an_answer_completes_its_row_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let rows = [produce(3), produce(1), produce(1)];
    let reserved = log.reserve(&[event(70)], rows.iter()).unwrap();
    assert_eq!(reserved.seqs, 2..5);
    let open_rows = [(1, Some(70), Some(79), false), (2, None, None, true), (3, None, None, true)];
    assert_eq!(seen(dir.path())[..3], open_rows);
    log.complete(&[answered(3, 500)]).unwrap();
    log.flush().unwrap();
    assert!(stored(dir.path()).is_empty(), "two rows of the segment are open");
    // The segment is closed; rows go on in the next one.
    log.append(&[event(80)]).unwrap();
    log.complete(&[answered(2, 100)]).unwrap();
    log.flush().unwrap();
    assert!(stored(dir.path()).is_empty(), "segments are stored in order");
    log.abandon([4]);
    log.flush().unwrap();
    let expected = [
        (1, Some(70), Some(79), false),
        (2, Some(100), Some(102), false),
        (3, Some(500), Some(500), false),
        (4, None, None, true),
        (5, Some(80), Some(89), false),
    ];
    assert_eq!(seen(dir.path()), expected);
    assert_eq!(stored(dir.path()).len(), 2);
    log.close().unwrap();
    assert_eq!(seen(dir.path()), expected);
}

#[test]
fn what_a_killed_process_left_open_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.reserve(&[], [produce(1), produce(1)].iter()).unwrap();
    log.flush().unwrap();
    let reserved = log.reserve(&[event(50)], [produce(1), produce(1)].iter()).unwrap();
    log.complete(&[answered(2, 9), answered(reserved.seqs.start, 10)]).unwrap();
    // As a kill leaves it: nothing is closed.
    drop(log);
    let expected = [
        (1, None, None, true),
        (2, Some(9), Some(9), false),
        (3, Some(50), Some(59), false),
        (4, Some(10), Some(10), false),
        (5, None, None, true),
    ];
    assert_eq!(seen(dir.path()), expected);
    let log = open(dir.path());
    let gaps = rows(dir.path()).iter().any(|row| row.value("event") == "audit_gap");
    assert!(!gaps);
    assert_eq!(log.append(&[event(60)]).unwrap().seq(), 6);
    log.close().unwrap();
    assert_eq!(seen(dir.path())[..5], expected);
}

#[test]
fn the_end_of_the_log_waits_for_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.reserve(&[], [produce(1)].iter()).unwrap();
    log.close().unwrap();
    assert!(matches!(log.complete(&[answered(1, 9)]), Err(AuditError::Closed)));
    assert_eq!(stored(dir.path()).len(), 1);
    assert_eq!(seen(dir.path()), [(1, None, None, true)]);
}

#[test]
fn an_answer_to_another_segment_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.reserve(&[], [produce(1)].iter()).unwrap();
    let forged = crate::audit::Line::Answered(answered(2, 5));
    let mut frame = Vec::new();
    wal::encode(&forged, &mut frame).unwrap();
    let good = fs::metadata(last_segment(dir.path())).unwrap().len();
    drop(log);
    let mut file = OpenOptions::new().append(true).open(last_segment(dir.path())).unwrap();
    std::io::Write::write_all(&mut file, &frame).unwrap();
    let survey = super::super::recovery::survey_file(&last_segment(dir.path()), 1).unwrap();
    assert_eq!((survey.rows, survey.good_bytes), (1, good));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disk_mode_waits_for_answers_too() {
    let dir = tempfile::tempdir().unwrap();
    let settings =
        AuditSettings { durability: Durability::Disk, rotate_rows: 10, ..settings(dir.path()) };
    let log = Arc::new(AuditLog::open(settings, Arc::new(|| NOW_US)).unwrap());
    let write = |number: i64| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let reserved = log.reserve(&[], [produce(1)].iter()).unwrap();
            log.durable(reserved.position).await.unwrap();
            tokio::task::yield_now().await;
            let position = log.complete(&[answered(reserved.seqs.start, number)]).unwrap();
            log.durable(position).await.unwrap();
        })
    };
    let writers: Vec<_> = (0..200).map(write).collect();
    for writer in writers {
        tokio::time::timeout(std::time::Duration::from_secs(60), writer).await.unwrap().unwrap();
    }
    log.close().unwrap();
    let mut offsets: Vec<_> = seen(dir.path()).into_iter().map(|row| row.1.unwrap()).collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..200).collect::<Vec<_>>());
}

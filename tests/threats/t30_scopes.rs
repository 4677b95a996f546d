//! T30: secrets in keys and headers, and in what is written about them.

use bytes::Bytes;

use crate::frames::batch_around;
use crate::packing::shows;
use crate::stage::{CANARY, stage};

/// One record with a key and one header; every part is shorter than 64 bytes.
fn record(key: &str, header: (&str, &str), value: &str) -> Bytes {
    let length = |text: &str| u8::try_from(text.len() * 2).unwrap();
    let mut body = vec![0, 0, 0];
    for text in [key, value] {
        body.push(length(text));
        body.extend(text.as_bytes());
    }
    body.push(2);
    for text in [header.0, header.1] {
        body.push(length(text));
        body.extend(text.as_bytes());
    }
    let size = body.len() * 2;
    let prefix = [u8::try_from(size & 0x7f).unwrap() | 0x80, u8::try_from(size >> 7).unwrap()];
    batch_around(0, 1, &[&prefix[..], &body].concat())
}

#[test]
fn t30_keys_and_headers_are_masked_where_a_rule_names_them() {
    let stage = stage();
    stage.topic("masked.keys", 1);
    let batch = record(CANARY, ("x-secret-a", CANARY), &format!("{{\"secret\":\"{CANARY}\"}}"));
    assert_eq!(stage.client().produce("masked.keys", &batch).0, 0);
    let (error, records) = stage.client().fetch("masked.keys", 0);
    assert_eq!(error, 0);
    assert!(!shows(&records, CANARY));
    assert!(shows(&records, "k_") && shows(&records, "x-secret-a"));
    // The same key is the same token, so that partitions and compaction keep their sense.
    let (_, again) = stage.client().fetch("masked.keys", 0);
    assert_eq!(records, again);
}

#[test]
fn t30_no_row_and_no_log_line_has_a_payload() {
    let stage = stage();
    stage.topic("checked.t30", 1);
    let bad = crate::frames::batch(&[&format!("{{\"bad\":true,\"x\":\"{CANARY}-row\"}}")]);
    assert_eq!(stage.client().produce("checked.t30", &bad).0, 87);
    let broken = crate::frames::batch(&[&format!("{CANARY}-row")]);
    assert_eq!(stage.client().produce("checked.t30", &broken).0, 87);
    stage.rows(|row| row["topic"] == "checked.t30");
    let needle = format!("{CANARY}-row");
    assert!(!stage.lockgate.stderr().contains(&needle));
    let mut directories = vec![stage.lockgate.directory().join("audit")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()));
        }
    }
}

//! Reading batches, records and headers; what ends a walk.

use super::super::{BatchError, Codec, Codecs, Item, RecordProblem, TimestampType, items};
use super::building::{
    LIMITS, batch, five_records, only_batch, prefixed, raw_batch, record, with_field,
};

/// The first error in walking a batch's records.
fn walk_error(section: &[u8], count: i32) -> BatchError {
    let bytes = raw_batch(0, count, section);
    let mut codecs = Codecs::new();
    let plain = codecs.inflate(&only_batch(&bytes), LIMITS).unwrap();
    let mut records = plain.records();
    let error = records.by_ref().find_map(Result::err).expect("an error");
    assert!(records.next().is_none(), "nothing comes after an error");
    error
}

fn record_error(body: &[u8]) -> RecordProblem {
    let error = walk_error(&prefixed(body), 1);
    let BatchError::Record { index: 0, problem } = error else { panic!("{error}") };
    problem
}

#[test]
fn a_known_batch_is_read_field_by_field() {
    // One record with a null key and the value "hi".
    let bytes: Vec<u8> = [
        &0i64.to_be_bytes()[..],
        &59i32.to_be_bytes(),
        &(-1i32).to_be_bytes(),
        &[2],
        &[0; 4],
        &0i16.to_be_bytes(),
        &0i32.to_be_bytes(),
        &5i64.to_be_bytes(),
        &5i64.to_be_bytes(),
        &(-1i64).to_be_bytes(),
        &(-1i16).to_be_bytes(),
        &(-1i32).to_be_bytes(),
        &1i32.to_be_bytes(),
        &[16, 0, 0, 0, 1, 4, b'h', b'i', 0],
    ]
    .concat();
    assert_eq!(bytes.len(), 70);
    let bytes = with_field(bytes, 8, &58i32.to_be_bytes());
    let batch = only_batch(&bytes);
    let header = batch.header();
    assert_eq!((header.batch_length, header.partition_leader_epoch, header.magic), (58, -1, 2));
    assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (-1, -1, -1));
    assert_eq!((header.base_offset, header.last_offset_delta, header.record_count), (0, 0, 1));
    assert_eq!((header.base_timestamp_ms, header.max_timestamp_ms), (5, 5));
    assert_eq!(batch.verify_checksum(), Ok(()));
    let mut codecs = Codecs::new();
    let plain = codecs.inflate(&batch, LIMITS).unwrap();
    let record = plain.records().next().unwrap().unwrap();
    assert_eq!((record.key, record.value, record.size_bytes), (None, Some(&b"hi"[..]), 9));
    assert!(record.headers.is_empty());
}

#[test]
fn the_checksum_is_crc32c_of_the_bytes_behind_it() {
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    let mut bytes = batch(Codec::None, 0, 5, &five_records());
    bytes[12] ^= 1;
    assert_eq!(only_batch(&bytes).verify_checksum(), Ok(()), "the leader epoch is not covered");
    bytes[70] ^= 1;
    let error = only_batch(&bytes).verify_checksum().unwrap_err();
    assert!(matches!(error, BatchError::Checksum { .. }));
}

#[test]
fn all_fields_of_all_records_come_out_with_every_codec() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        let bytes = batch(codec, 0, 5, &five_records());
        let batch = only_batch(&bytes);
        assert_eq!(batch.codec(), Ok(codec));
        let plain = codecs.inflate(&batch, LIMITS).unwrap();
        let records: Vec<_> = plain.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), 5);
        assert_eq!(records[0].key, Some(&b"k0"[..]));
        assert_eq!(records[1].key, None);
        assert_eq!(records[1].value, Some(&b""[..]));
        let headers: Vec<_> = records[1].headers.iter().collect();
        assert_eq!(headers, [(&b"h"[..], Some(&b"1"[..])), (b"h", Some(b"2"))]);
        let headers: Vec<_> = records[2].headers.iter().collect();
        assert_eq!(headers, [(&b""[..], None), (b"\xff\xfe", Some(&b"\x00"[..]))]);
        assert_eq!((records[2].value, records[4].value), (None, None));
        assert_eq!((records[3].timestamp_delta, records[3].offset_delta), (30, 3));
        assert_eq!(plain.bytes(), five_records());
    }
}

#[test]
fn timestamps_follow_their_type() {
    let bytes = batch(Codec::None, 0, 5, &five_records());
    let header = *only_batch(&bytes).header();
    assert_eq!(header.timestamp_type(), TimestampType::CreateTime);
    assert_eq!(header.timestamp_ms(30), 1_700_000_000_030);
    assert_eq!(header.timestamp_ms(i64::MAX), i64::MAX);
    let bytes = batch(Codec::None, 0x08, 5, &five_records());
    let header = *only_batch(&bytes).header();
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(header.timestamp_ms(30), 1_700_000_000_999);
    assert_eq!(header.offset(4), 4);
}

#[test]
fn flags_are_seen() {
    let bytes = batch(Codec::None, 0x10, 5, &five_records());
    assert!(only_batch(&bytes).is_transactional() && !only_batch(&bytes).is_control());
    let bytes = batch(Codec::None, 0x30, 5, &five_records());
    assert!(only_batch(&bytes).is_transactional() && only_batch(&bytes).is_control());
    for id in 5..8 {
        let bytes = raw_batch(id, 0, b"");
        assert_eq!(only_batch(&bytes).codec(), Err(BatchError::Codec(id as u8)));
    }
}

#[test]
fn a_walk_shows_batches_legacy_messages_and_a_cut_tail() {
    let one = batch(Codec::Zstd, 0, 5, &five_records());
    let mut legacy = one[..40].to_vec();
    legacy[8..12].copy_from_slice(&28i32.to_be_bytes());
    legacy[16] = 1;
    for cut in 1..one.len() {
        let all = [&one[..], &legacy, &one[..cut]].concat();
        let found: Vec<_> = items(&all).map(Result::unwrap).collect();
        assert_eq!(found.len(), 3);
        assert!(matches!(found[0], Item::Batch(batch) if batch.bytes() == one));
        assert!(matches!(found[1], Item::Legacy(bytes) if bytes == legacy));
        assert!(matches!(found[2], Item::Tail(bytes) if bytes == &one[..cut]));
    }
    assert_eq!(items(b"").count(), 0);
}

#[test]
fn a_walk_ends_where_the_framing_is_wrong() {
    let one = batch(Codec::None, 0, 5, &five_records());
    for length in [i32::MIN, -1, 0, 13] {
        let mut wrong = one.clone();
        wrong[8..12].copy_from_slice(&length.to_be_bytes());
        let all = [&one[..], &wrong].concat();
        let found: Vec<_> = items(&all).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].as_ref().unwrap_err(), &BatchError::Length(length));
    }
    let mut wrong = one.clone();
    wrong[8..12].copy_from_slice(&48i32.to_be_bytes());
    assert_eq!(items(&wrong).next().unwrap().unwrap_err(), BatchError::Length(48));
    for magic in [-1i8, 3, 127] {
        let mut wrong = one.clone();
        wrong[16] = magic.cast_unsigned();
        assert_eq!(items(&wrong).next().unwrap().unwrap_err(), BatchError::Magic(magic));
        assert_eq!(items(&wrong).count(), 1);
    }
    let mut long = one;
    long[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    assert!(matches!(items(&long).next(), Some(Ok(Item::Tail(_)))));
}

#[test]
fn the_count_is_exact() {
    assert_eq!(walk_error(&five_records(), -1), BatchError::Count(-1));
    let last = record(4, None, None, &[]).len();
    assert_eq!(walk_error(&five_records(), 4), BatchError::Leftover { bytes: last });
    let problem = RecordProblem::Truncated;
    assert_eq!(walk_error(&five_records(), 6), BatchError::Record { index: 5, problem });
    assert_eq!(walk_error(b"", i32::MAX), BatchError::Record { index: 0, problem });
    assert_eq!(walk_error(b"\0", 0), BatchError::Leftover { bytes: 1 });
}

#[test]
fn a_record_fills_its_length_exactly() {
    assert_eq!(record_error(b""), RecordProblem::Truncated);
    assert_eq!(record_error(&[0, 0, 0, 1, 1]), RecordProblem::Truncated);
    assert_eq!(record_error(&[0, 0, 0, 1, 1, 0, 9]), RecordProblem::Leftover(1));
    assert_eq!(record_error(&[0, 0, 0, 3, 1, 0]), RecordProblem::Length(-2));
    assert_eq!(record_error(&[0, 0, 0, 1, 5, 0]), RecordProblem::Length(-3));
    assert_eq!(record_error(&[0, 0, 0, 8, 1, 0]), RecordProblem::Truncated);
    assert_eq!(record_error(&[0, 0, 0, 1, 1, 1]), RecordProblem::HeaderCount(-1));
    assert_eq!(record_error(&[0, 0, 0, 1, 1, 2, 0]), RecordProblem::HeaderCount(1));
    assert_eq!(record_error(&[0, 0, 0, 1, 1, 2, 1, 1]), RecordProblem::Length(-1));
    assert_eq!(record_error(&[0, 0, 0, 1, 1, 2, 0, 3]), RecordProblem::Length(-2));
    assert_eq!(record_error(&[0, 0x80, 0, 0, 1, 1, 0]), RecordProblem::Varint);
    let huge = [0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(record_error(&huge), RecordProblem::HeaderCount(i32::MAX));
    let negative_length = [1];
    let problem = RecordProblem::Length(-1);
    assert_eq!(walk_error(&negative_length, 1), BatchError::Record { index: 0, problem });
}

#[test]
fn an_empty_batch_is_read_whatever_its_codec() {
    let mut codecs = Codecs::new();
    for id in 0..5 {
        let bytes = raw_batch(id, 0, b"");
        let plain = codecs.inflate(&only_batch(&bytes), LIMITS).unwrap();
        assert_eq!(plain.records().count(), 0);
    }
}

#[test]
fn debug_shows_lengths_and_no_payload() {
    let canary = record(0, Some(b"CANARY"), Some(b"CANARY"), &[(b"CANARY", Some(b"CANARY"))]);
    let bytes = raw_batch(0, 1, &canary);
    let batch = only_batch(&bytes);
    let mut codecs = Codecs::new();
    let plain = codecs.inflate(&batch, LIMITS).unwrap();
    let record = plain.records().next().unwrap().unwrap();
    let shown = format!("{batch:?} {plain:?} {record:?} {:?}", plain.records());
    assert!(shown.contains("value_bytes: Some(6)"));
    assert!(!shown.contains("CANARY") && !shown.contains("67, 65"));
}

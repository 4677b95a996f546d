//! What a Produce request may carry.

use super::super::{
    BatchError, Codec, Codecs, Edit, FaultKind, Item, ProduceFault, items, produced,
};
use super::building::{LIMITS, batch, five_records, raw_batch, record, with_field};

fn fault(records: &[u8]) -> ProduceFault {
    produced(records).expect_err("a fault")
}

#[test]
fn one_good_batch_is_taken_with_every_codec() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        for attributes in [0, 0x08, 0x10, 0x40] {
            let bytes = batch(codec, attributes, 5, &five_records());
            let batch = produced(&bytes).unwrap();
            assert_eq!(batch.bytes(), bytes);
            let plain = codecs.inflate(&batch, LIMITS).unwrap();
            assert_eq!(plain.records().filter(Result::is_ok).count(), 5);
        }
    }
}

#[test]
fn anything_but_one_batch_is_refused() {
    let one = batch(Codec::None, 0, 5, &five_records());
    assert_eq!(fault(b""), ProduceFault::Empty);
    for cut in 1..one.len() {
        assert_eq!(fault(&one[..cut]), ProduceFault::Incomplete, "{cut}");
    }
    assert_eq!(fault(&one.repeat(2)), ProduceFault::Trailing { bytes: one.len() });
    assert_eq!(fault(&[&one[..], b"\0"].concat()), ProduceFault::Trailing { bytes: 1 });
    for magic in [0u8, 1] {
        let mut legacy = one.clone();
        legacy[16] = magic;
        let expected = ProduceFault::Legacy { magic: magic.cast_signed() };
        assert_eq!(fault(&legacy), expected);
        assert_eq!(fault(&legacy[..40]), expected, "cut, but old all the same");
    }
    let mut unknown = one.clone();
    unknown[16] = 9;
    assert_eq!(fault(&unknown), BatchError::Magic(9).into());
    assert_eq!(fault(&unknown).kind(), FaultKind::Corrupt);
    let mut flipped = one;
    flipped[80] ^= 1;
    assert!(matches!(fault(&flipped), ProduceFault::Batch(BatchError::Checksum { .. })));
    assert_eq!(fault(&flipped).kind(), FaultKind::Corrupt);
}

#[test]
fn the_header_must_be_a_clients() {
    let section = five_records();
    assert_eq!(fault(&batch(Codec::None, 0x20, 5, &section)), ProduceFault::Control);
    assert_eq!(fault(&raw_batch(6, 5, &section)), BatchError::Codec(6).into());
    let one = batch(Codec::None, 0, 5, &section);
    let last_offset_delta = |delta: i32| with_field(one.clone(), 23, &delta.to_be_bytes());
    for delta in [-1, 0, 3, 5, i32::MAX, i32::MIN] {
        let expected = ProduceFault::Count { count: 5, last_offset_delta: delta };
        assert_eq!(fault(&last_offset_delta(delta)), expected);
    }
    for count in [0, -1, i32::MIN] {
        let bytes = raw_batch(0, count, b"");
        assert!(matches!(fault(&bytes), ProduceFault::Count { .. }), "{count}");
    }
    let offset = with_field(one.clone(), 0, &8i64.to_be_bytes());
    assert_eq!(fault(&offset), ProduceFault::BaseOffset(8));
    let sequence = with_field(one.clone(), 53, &(-1i32).to_be_bytes());
    assert_eq!(fault(&sequence), ProduceFault::Sequence(-1));
    assert_eq!(fault(&sequence).kind(), FaultKind::Invalid);
    let plain = with_field(sequence, 43, &(-1i64).to_be_bytes());
    assert!(produced(&plain).is_ok(), "without a producer id there is no sequence");
}

#[test]
fn offset_deltas_count_up_by_one() {
    let deltas = |deltas: &[i64]| {
        let section: Vec<u8> =
            deltas.iter().flat_map(|delta| record(*delta, None, Some(b"v"), &[])).collect();
        batch(Codec::Lz4, 0, deltas.len() as i32, &section)
    };
    let mut codecs = Codecs::new();
    for (wrong, index, found) in
        [(&[0, 2, 1][..], 1, 2), (&[1, 2, 3], 0, 1), (&[0, 0, 1], 1, 0), (&[0, 1, -1], 2, -1)]
    {
        let bytes = deltas(wrong);
        let batch = produced(&bytes).unwrap();
        let expected = BatchError::OffsetDelta { index, found };
        let plain = codecs.inflate(&batch, LIMITS).unwrap();
        assert_eq!(plain.records().find_map(Result::err), Some(expected));
        let mut out = Vec::new();
        assert_eq!(codecs.rewrite(&batch, LIMITS, &mut out, |_, _| Edit::Keep), Err(expected));
        // The same bytes from a log are fine: compaction leaves holes, and brokers do not sort.
        let Some(Ok(Item::Batch(batch))) = items(&bytes).next() else { panic!() };
        let plain = codecs.inflate(&batch, LIMITS).unwrap();
        assert!(plain.records().all(|record| record.is_ok()));
    }
}

#[test]
fn a_produced_batch_never_loses_a_record() {
    let bytes = batch(Codec::Zstd, 0, 5, &five_records());
    let batch = produced(&bytes).unwrap();
    let mut out = Vec::new();
    let result = Codecs::new().rewrite(&batch, LIMITS, &mut out, |_, _| Edit::Drop);
    assert_eq!(result, Err(BatchError::DropFromProduced));
    assert!(out.is_empty());
}

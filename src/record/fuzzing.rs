//! The body of the fuzz target: everything this module promises, asserted on any input.

use super::batch::{ATTRIBUTES_AT, CHECKSUM_AT, LENGTH_AT};
use super::{Batch, BatchHeader, Codecs, Edit, InflateLimits, Item, Rewritten, items, produced};

const LIMITS: InflateLimits = InflateLimits { bytes_max: 1 << 20 };

/// Reads `data` as a `records` field, and once more as one batch whose magic, length and CRC are
/// put right, so that mutations reach the codecs and the records behind them.
///
/// # Panics
/// If a promise of this module does not hold.
#[doc(hidden)]
pub fn fuzz_one(data: &[u8]) {
    let mut codecs = Codecs::new();
    walk(&mut codecs, data);
    let mut mended = data.to_vec();
    mend(&mut mended);
    walk(&mut codecs, &mended);
}

/// Makes the framing of `data` that of one complete magic-2 batch.
pub(super) fn mend(data: &mut [u8]) {
    let length = i32::try_from(data.len().saturating_sub(12)).unwrap_or(i32::MAX);
    put(data, LENGTH_AT, length.to_be_bytes());
    put(data, 16, [2]);
    let crc = crc32c::crc32c(data.get(ATTRIBUTES_AT..).unwrap_or_default());
    put(data, CHECKSUM_AT, crc.to_be_bytes());
}

fn put<const N: usize>(data: &mut [u8], at: usize, field: [u8; N]) {
    if let Some(place) = data.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = field;
    }
}

pub(super) fn walk(codecs: &mut Codecs, data: &[u8]) {
    let mut seen = 0;
    for item in items(data) {
        let bytes = match item {
            Ok(Item::Batch(batch)) => {
                check(codecs, &batch);
                batch.bytes()
            }
            Ok(Item::Legacy(bytes) | Item::Tail(bytes)) => bytes,
            Err(_) => break,
        };
        seen += bytes.len();
    }
    assert!(seen <= data.len(), "items overlap");
    if let Ok(batch) = produced(data) {
        assert_eq!(batch.bytes(), data, "a produced batch is all there is");
        check(codecs, &batch);
    }
}

fn check(codecs: &mut Codecs, batch: &Batch<'_>) {
    let readable = readable(codecs, batch);
    let mut out = b"before".to_vec();
    let kept = codecs.rewrite(batch, LIMITS, &mut out, |_, _| Edit::Keep);
    assert!(out == b"before", "an unchanged batch is not written");
    if batch.verify_checksum().is_ok() && !batch.is_control() {
        assert_eq!(kept.is_ok(), readable.is_some());
    }
    let mut index = 0u32;
    let rewritten = codecs.rewrite(batch, LIMITS, &mut out, |record, replacement| {
        index = index.wrapping_add(1);
        match index % 4 {
            0 => Edit::Keep,
            1 => {
                replacement.set_value(record.value.map(|_| b"***".as_slice()));
                Edit::Replace
            }
            2 => {
                replacement.set_key(None);
                replacement.set_header(0, Some(b"masked"));
                replacement.remove_header(1);
                Edit::Replace
            }
            _ => Edit::Drop,
        }
    });
    let Ok(Rewritten::Changed { records, dropped }) = rewritten else {
        assert!(out == b"before", "a failed rewrite is not written");
        return;
    };
    let written = out.get(6..).unwrap_or_default();
    let mut walked = items(written);
    let Some(Ok(Item::Batch(copy))) = walked.next() else {
        assert!(written.is_empty(), "a rewritten batch can be read");
        return;
    };
    assert!(walked.next().is_none(), "a rewritten batch is all there is");
    assert_eq!(copy.verify_checksum(), Ok(()));
    let mut expected: BatchHeader = *batch.header();
    expected.batch_length = copy.header().batch_length;
    expected.crc = copy.header().crc;
    expected.record_count = records.cast_signed();
    if records == 0 {
        expected.attributes = expected.attributes_uncompressed();
    }
    assert_eq!(*copy.header(), expected);
    assert_eq!(readable.and_then(|count| count.checked_sub(dropped)), Some(records));
    let plain = codecs.inflate(&copy, LIMITS);
    assert!(plain.is_ok_and(|plain| plain.records().all(|record| record.is_ok())));
}

/// How many records the batch has, if all of them can be read.
fn readable(codecs: &mut Codecs, batch: &Batch<'_>) -> Option<u32> {
    let plain = codecs.inflate(batch, LIMITS).ok()?;
    assert!(plain.bytes().len() <= LIMITS.bytes_max);
    let mut count = 0u32;
    let mut size_bytes = 0;
    for record in plain.records() {
        let record = record.ok()?;
        let headers = record.headers.iter();
        assert_eq!(headers.len(), headers.count());
        size_bytes += record.size_bytes;
        count = count.checked_add(1)?;
    }
    assert_eq!(size_bytes, plain.bytes().len());
    Some(count)
}

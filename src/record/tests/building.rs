//! A builder of batches that can build wrong ones too.

use super::super::codec::{Codec, Codecs, InflateLimits};
use super::super::fuzzing::mend;
use super::super::varint::write_varint;
use super::super::{Batch, Item, items};

pub(super) const LIMITS: InflateLimits = InflateLimits { bytes_max: 1 << 20 };

/// A header: key and value.
pub(super) type Pair<'a> = (&'a [u8], Option<&'a [u8]>);

/// One record's body with its length, at offset delta `delta`.
pub(super) fn record(
    delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Pair<'_>],
) -> Vec<u8> {
    let mut body = vec![0];
    write_varint(&mut body, delta * 10);
    write_varint(&mut body, delta);
    let field = |body: &mut Vec<u8>, bytes: Option<&[u8]>| match bytes {
        None => write_varint(body, -1),
        Some(bytes) => {
            write_varint(body, bytes.len() as i64);
            body.extend_from_slice(bytes);
        }
    };
    field(&mut body, key);
    field(&mut body, value);
    write_varint(&mut body, headers.len() as i64);
    for (key, value) in headers {
        field(&mut body, Some(key));
        field(&mut body, *value);
    }
    prefixed(&body)
}

pub(super) fn prefixed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_varint(&mut out, body.len() as i64);
    out.extend_from_slice(body);
    out
}

/// A batch around a records section that is compressed with `codec`, with a right CRC.
pub(super) fn batch(codec: Codec, attributes: i16, count: i32, section: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    Codecs::new().engines.deflate(codec, section, &mut payload).unwrap();
    let id = Codec::ALL.iter().position(|known| *known == codec).unwrap() as i16;
    raw_batch(attributes | id, count, &payload)
}

/// A batch around bytes that are taken as they are.
pub(super) fn raw_batch(attributes: i16, count: i32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&0i64.to_be_bytes());
    out.extend_from_slice(&0i32.to_be_bytes());
    out.extend_from_slice(&7i32.to_be_bytes());
    out.push(2);
    out.extend_from_slice(&0u32.to_be_bytes());
    out.extend_from_slice(&attributes.to_be_bytes());
    out.extend_from_slice(&count.wrapping_sub(1).to_be_bytes());
    out.extend_from_slice(&1_700_000_000_000i64.to_be_bytes());
    out.extend_from_slice(&1_700_000_000_999i64.to_be_bytes());
    out.extend_from_slice(&4711i64.to_be_bytes());
    out.extend_from_slice(&3i16.to_be_bytes());
    out.extend_from_slice(&99i32.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(payload);
    mend(&mut out);
    out
}

/// Overwrites a field and puts the CRC right again.
pub(super) fn with_field(mut batch: Vec<u8>, at: usize, field: &[u8]) -> Vec<u8> {
    batch[at..at + field.len()].copy_from_slice(field);
    mend(&mut batch);
    batch
}

pub(super) fn only_batch(bytes: &[u8]) -> Batch<'_> {
    let mut walk = items(bytes);
    let Some(Ok(Item::Batch(batch))) = walk.next() else { panic!("no batch") };
    assert!(walk.next().is_none());
    batch
}

/// Five records with everything that is easily lost.
pub(super) fn five_records() -> Vec<u8> {
    let long = b"x".repeat(300);
    [
        record(0, Some(b"k0"), Some(b"{\"a\":1}"), &[]),
        record(1, None, Some(b""), &[(b"h", Some(b"1")), (b"h", Some(b"2"))]),
        record(2, Some(b"k2"), None, &[(b"", None), (b"\xff\xfe", Some(b"\x00"))]),
        record(3, Some(b""), Some(&long), &[(b"trace", Some(&long))]),
        record(4, None, None, &[]),
    ]
    .concat()
}

//! Record batches with every codec, also packed in ways that only an attacker would choose.

use std::io::{Read, Write};

use bytes::Bytes;
use lockgate::record::{Codecs, InflateLimits, Item, items};

use crate::frames::{batch, batch_around};

pub const GZIP: i16 = 1;
pub const SNAPPY: i16 = 2;
pub const LZ4: i16 = 3;
pub const ZSTD: i16 = 4;

/// The records section of a batch of these values, and its count.
pub fn section(values: &[&str]) -> (Vec<u8>, i32) {
    (batch(values)[61..].to_vec(), i32::try_from(values.len()).unwrap())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Snappy in xerial's framing, one block.
pub fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01".to_vec();
    let block = snap::raw::Encoder::new().compress_vec(bytes).unwrap();
    out.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
    out.extend(block);
    out
}

/// A batch of these values in one member of the codec.
pub fn packed(codec: i16, values: &[&str]) -> Bytes {
    let (plain, count) = section(values);
    let payload = match codec {
        GZIP => gzip(&plain),
        SNAPPY => snappy(&plain),
        LZ4 => lz4(&plain),
        ZSTD => zstd(&plain),
        _ => plain,
    };
    batch_around(codec, count, &payload)
}

/// A batch of `bytes` zeros in one record, packed a thousandfold.
pub fn bomb(codec: i16, bytes: usize) -> Bytes {
    let value = "0".repeat(bytes);
    packed(codec, &[&format!("{{\"secret\":\"{value}\"}}")])
}

/// All batches inflated, one behind the other, and how many records they have.
pub fn inflated(records: &[u8]) -> (Vec<u8>, usize) {
    let mut codecs = Codecs::new();
    let (mut out, mut count) = (Vec::new(), 0);
    for item in items(records) {
        let Ok(Item::Batch(batch)) = item else { continue };
        batch.verify_checksum().expect("the checksum is right");
        let plain = codecs.inflate(&batch, InflateLimits { bytes_max: 1 << 26 }).expect("readable");
        for record in plain.records() {
            record.expect("a record");
            count += 1;
        }
        out.extend_from_slice(plain.bytes());
    }
    (out, count)
}

/// Whether `needle` is in the bytes as they are or in what their batches inflate to.
pub fn shows(records: &[u8], needle: &str) -> bool {
    let found = |bytes: &[u8]| bytes.windows(needle.len()).any(|w| w == needle.as_bytes());
    found(records) || found(&inflated(records).0)
}

/// What a reader that stops at the first gzip member sees.
pub fn first_member(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).take(1 << 20).read_to_end(&mut out).unwrap();
    out
}

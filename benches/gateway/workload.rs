//! What is produced and read: topics, documents, batches, and what each must look like on arrival.
//!
//! Everything is a function of the topic and the partition, so the broker, the driver and the table
//! agree on every byte without telling each other.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use lockgate::record::Codec;

/// Partitions of every topic; a large request has a batch for each.
pub const PARTITIONS: usize = 16;
/// Records in a batch of the throughput runs, of [`VALUE_BYTES`] each.
pub const BATCH_RECORDS: usize = 64;
pub const VALUE_BYTES: usize = 1024;
/// The value of the latency run's one record.
pub const SMALL_VALUE_BYTES: usize = 200;
/// Where a batch's base offset ends. A broker sets it, and the checksum does not cover it.
pub const BASE_OFFSET_BYTES: usize = 8;

const CARD: &str = "411111111111";
const CARD_MASKED: &str = "************";
const WORDS: [&str; 16] = [
    "order", "parcel", "river", "invoice", "garden", "signal", "copper", "window", "harbour",
    "thread", "meadow", "engine", "lantern", "orchard", "velvet", "quarry",
];

/// The rules of every run. No topic but its own has a content rule, so `plain` and `small` pass.
pub const POLICY: &str = r#"apiVersion: policy/v1
kind: Policy
metadata: {name: bench, version: 1.0.0, owner: bench@lockgate.example}
spec:
  mode: enforce
  rules:
    - id: nobody-reads-secrets
      match: {direction: consume, topics: ["secret.**"]}
      action: {deny: {message: "{topic} is not for reading"}}
    - id: card-read
      match: {direction: consume, topics: [masked.read]}
      select: [{path: "$.card.pan"}]
      action: {mask: {with: partial, keep_last: 4, char: "*"}}
    - id: card-written
      match: {direction: produce, topics: [masked.written]}
      select: [{path: "$.card.pan"}]
      action: {mask: {with: partial, keep_last: 4, char: "*"}}
    - id: nothing-matches
      match: {direction: consume, topics: ["scanned.*"]}
      when: value.kind == "nobody-sends-this"
      select: [{path: "$.card.pan"}]
      action: {mask: {with: partial, keep_last: 4, char: "*"}}
"#;

/// The path that the masking rules select, and the one that the last rule's condition reads.
pub const MASKED_PATH: &str = "$.card.pan";
pub const CONDITION_PATH: &str = "$.kind";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topic {
    Plain,
    Small,
    MaskedRead,
    MaskedWritten,
    ScannedNone,
    ScannedLz4,
}

/// Whose hands a batch has gone through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    AsWritten,
    /// Through Lockgate, where a rule masks the topic in this direction.
    Masked,
}

impl Topic {
    pub const ALL: [Self; 6] = [
        Self::Plain,
        Self::Small,
        Self::MaskedRead,
        Self::MaskedWritten,
        Self::ScannedNone,
        Self::ScannedLz4,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Small => "small",
            Self::MaskedRead => "masked.read",
            Self::MaskedWritten => "masked.written",
            Self::ScannedNone => "scanned.none",
            Self::ScannedLz4 => "scanned.lz4",
        }
    }

    pub fn id(self) -> uuid::Uuid {
        uuid::Uuid::from_u128(0x10c6_0000_0000_4000_8000_0000_0000_0001 + self as u128)
    }

    pub fn by_id(id: uuid::Uuid) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.id() == id)
    }

    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    pub fn codec(self) -> Codec {
        if self == Self::ScannedLz4 { Codec::Lz4 } else { Codec::None }
    }

    pub fn batch_records(self) -> usize {
        if self == Self::Small { 1 } else { BATCH_RECORDS }
    }

    fn value_bytes(self) -> usize {
        if self == Self::Small { SMALL_VALUE_BYTES } else { VALUE_BYTES }
    }

    /// The batch of one partition, with base offset 0.
    pub fn batch(self, partition: usize, seen: Seen) -> &'static Bytes {
        let batches = &BATCHES[self as usize];
        &batches[usize::from(seen == Seen::Masked)][partition]
    }
}

type PerPartition = Vec<Bytes>;

static BATCHES: LazyLock<Vec<[PerPartition; 2]>> = LazyLock::new(|| {
    let of = |topic, seen| (0..PARTITIONS).map(|at| build(topic, at, seen)).collect();
    let both = |topic| [of(topic, Seen::AsWritten), of(topic, Seen::Masked)];
    Topic::ALL.into_iter().map(both).collect()
});

/// Whether `records` is `expected` at `base_offset`, to the last byte.
pub fn is_batch_at(records: &[u8], expected: &[u8], base_offset: i64) -> bool {
    match records.split_first_chunk::<BASE_OFFSET_BYTES>() {
        Some((offset, rest)) => {
            i64::from_be_bytes(*offset) == base_offset && rest == &expected[BASE_OFFSET_BYTES..]
        }
        None => false,
    }
}

/// A JSON document of exactly `bytes` bytes, different for each `number`.
pub fn document(number: usize, bytes: usize, seen: Seen) -> String {
    let card = if seen == Seen::Masked { CARD_MASKED } else { CARD };
    let mut text = format!(
        r#"{{"id":"p-{number:08}","kind":"order","card":{{"pan":"{card}{:04}"}},"#,
        number % 10_000
    );
    let mut line = 0;
    while text.len() + 140 < bytes && line < 4 {
        let name = if line == 0 { r#""lines":["# } else { "," };
        text += &format!(
            r#"{name}{{"sku":"s-{:05}","quantity":{},"price":{}.{:02}}}"#,
            number * 7 + line,
            line + 1,
            number % 90 + 9,
            number * 31 % 100,
        );
        line += 1;
    }
    text += if line > 0 { r#"],"note":""# } else { r#""note":""# };
    let mut mixed = number;
    while text.len() + 2 < bytes {
        mixed =
            mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text += WORDS[mixed >> 33 & 15];
        text.push(' ');
    }
    text.truncate(bytes - 2);
    text + r#""}"#
}

fn build(topic: Topic, partition: usize, seen: Seen) -> Bytes {
    let count = topic.batch_records();
    let mut section = Vec::new();
    for delta in 0..count {
        let number = partition * count + delta;
        put_record(&mut section, delta, document(number, topic.value_bytes(), seen).as_bytes());
    }
    let mut attributes = 0;
    if topic.codec() == Codec::Lz4 {
        section = lz4(&section);
        attributes = 3;
    }
    sealed(attributes, count, &section)
}

/// A magic-2 batch around a records section.
fn sealed(attributes: i16, count: usize, section: &[u8]) -> Bytes {
    let mut covered = BytesMut::new();
    covered.put_i16(attributes);
    covered.put_i32(count as i32 - 1);
    covered.put_i64(1_760_000_000_000);
    covered.put_i64(1_760_000_000_000);
    covered.put_i64(-1);
    covered.put_i16(-1);
    covered.put_i32(-1);
    covered.put_i32(count as i32);
    covered.put_slice(section);
    let mut batch = BytesMut::new();
    batch.put_i64(0);
    batch.put_i32(4 + 1 + 4 + covered.len() as i32);
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(crc32c::crc32c(&covered));
    batch.put_slice(&covered);
    batch.freeze()
}

fn put_record(out: &mut Vec<u8>, delta: usize, value: &[u8]) {
    let mut body = vec![0];
    put_varint(&mut body, 0);
    put_varint(&mut body, delta as i64);
    put_varint(&mut body, -1);
    put_varint(&mut body, value.len() as i64);
    body.extend_from_slice(value);
    put_varint(&mut body, 0);
    put_varint(out, body.len() as i64);
    out.extend_from_slice(&body);
}

fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = (value << 1 ^ value >> 63).cast_unsigned();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn lz4(section: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write as _;
    let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(section).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

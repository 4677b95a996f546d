//! What can be wrong with a batch. Every fault here is the peer's, except where a variant says so.

use super::codec::Codec;

/// Why a batch cannot be read, checked or rewritten. Carries positions and numbers, no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The length field is smaller than the format's own header.
    #[error("batch length {0} is too small for its header")]
    Length(i32),
    /// A magic byte that no Kafka version has written.
    #[error("unknown record format: magic {0}")]
    Magic(i8),
    /// The CRC-32C in the header is not that of the bytes from the attributes on.
    #[error("batch checksum is {stored:#010x} in the header and {computed:#010x} in fact")]
    Checksum { stored: u32, computed: u32 },
    /// Attribute bits 0–2 name no codec.
    #[error("unknown compression codec {0}")]
    Codec(u8),
    /// The compressed bytes are damaged, ambiguous or use a feature that is refused.
    #[error("{codec} data refused: {problem}")]
    Compression { codec: Codec, problem: &'static str },
    /// The records are larger than the limit, in bytes, that the caller set.
    #[error("records exceed {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    /// The header's record count is negative.
    #[error("record count {0} is negative")]
    Count(i32),
    /// One record does not follow the format. `index` counts from 0 within the batch.
    #[error("record {index}: {problem}")]
    Record { index: u32, problem: RecordProblem },
    /// A produced batch has an offset delta that is not the record's index.
    #[error("record {index}: offset delta {found} is not sequential")]
    OffsetDelta { index: u32, found: i32 },
    /// Bytes are left after as many records as the header promises.
    #[error("{bytes} bytes are left after the last record")]
    Leftover { bytes: usize },
    /// Misuse by us, not by the peer: a produced batch never loses a record.
    #[error("a record of a produced batch cannot be dropped")]
    DropFromProduced,
}

/// What is wrong with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    #[error("it ends before its fields do")]
    Truncated,
    #[error("a variable-length number is longer than it needs to be, or out of range")]
    Varint,
    #[error("length {0} is negative and not null")]
    Length(i32),
    #[error("header count {0} does not fit the bytes left")]
    HeaderCount(i32),
    #[error("{0} bytes are left after its last header")]
    Leftover(usize),
}

/// Why the records of a Produce request are refused.
///
/// [`ProduceFault::kind`] tells which Kafka error answers it. The conditions are those of Kafka's
/// `ProduceRequest.validateRecords`, `LogValidator.validateBatch` and `UnifiedLog`'s own check of
/// the base offset; where a broker would trim or repair in silence (trailing bytes, offset deltas
/// out of order in a compressed batch), Lockgate refuses, because a repair is a second reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProduceFault {
    #[error("no record batch")]
    Empty,
    #[error("the record batch is cut short")]
    Incomplete,
    #[error("message format {magic} is older than Produce version 3 allows")]
    Legacy { magic: i8 },
    #[error("{bytes} bytes follow the record batch")]
    Trailing { bytes: usize },
    #[error("clients may not write control batches")]
    Control,
    #[error("record count {count} does not fit last offset delta {last_offset_delta}")]
    Count { count: i32, last_offset_delta: i32 },
    #[error("base offset {0} is not 0")]
    BaseOffset(i64),
    #[error("base sequence {0} is negative though the batch has a producer id")]
    Sequence(i32),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// Which Kafka error a fault is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// `CORRUPT_MESSAGE` (2): the bytes are not what their own header says.
    Corrupt,
    /// `INVALID_RECORD` (87): the bytes are whole, and not acceptable.
    Invalid,
}

impl BatchError {
    /// The Kafka error that a broker, or Lockgate in its place, answers.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Length(_) | Self::Magic(_) | Self::Checksum { .. } => FaultKind::Corrupt,
            Self::Codec(_)
            | Self::Compression { .. }
            | Self::TooLarge { .. }
            | Self::Count(_)
            | Self::Record { .. }
            | Self::OffsetDelta { .. }
            | Self::Leftover { .. }
            | Self::DropFromProduced => FaultKind::Invalid,
        }
    }
}

impl ProduceFault {
    /// The Kafka error that a broker, or Lockgate in its place, answers.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Batch(error) => error.kind(),
            Self::Empty
            | Self::Incomplete
            | Self::Legacy { .. }
            | Self::Trailing { .. }
            | Self::Control
            | Self::Count { .. }
            | Self::BaseOffset(_)
            | Self::Sequence(_) => FaultKind::Invalid,
        }
    }
}

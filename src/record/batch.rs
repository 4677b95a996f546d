//! Views of the batches in a `records` field, and the walk over them.

use std::fmt;

use super::codec::Codec;
use super::fault::BatchError;

/// Offset and length, which every format starts with.
const PREFIX_BYTES: usize = 12;
/// Up to and with the magic byte.
const MAGIC_END: usize = 17;
/// The smallest length field any format can have: `LegacyRecord.RECORD_OVERHEAD_V0`.
const LENGTH_MIN: i32 = 14;
/// The header of a magic-2 batch; the records follow it.
pub(super) const HEADER_BYTES: usize = 61;
/// Where the length field is; it counts the bytes behind itself.
pub(super) const LENGTH_AT: usize = 8;
/// Where the CRC-32C is; it covers everything from the attributes on.
pub(super) const CHECKSUM_AT: usize = 17;
pub(super) const ATTRIBUTES_AT: usize = 21;
pub(super) const COUNT_AT: usize = 57;

const CODEC_BITS: i16 = 0x07;
const LOG_APPEND_TIME_BIT: i16 = 0x08;
const TRANSACTIONAL_BIT: i16 = 0x10;
const CONTROL_BIT: i16 = 0x20;

/// Every field of a magic-2 batch's header, in the order of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: i64,
    /// Bytes behind this field: the batch is 12 bytes longer.
    pub batch_length: i32,
    pub partition_leader_epoch: i32,
    pub magic: i8,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    /// The delete horizon instead, where attribute bit 6 says so.
    pub base_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
    /// -1 where the producer is not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub record_count: i32,
}

/// Who set the timestamps of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    /// The broker: all records have the batch's largest timestamp.
    LogAppendTime,
}

/// One complete magic-2 batch. Its CRC is not yet checked; see [`Batch::verify_checksum`].
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    header: BatchHeader,
    order: OffsetOrder,
    checksum: Checksum,
}

/// Whether a batch's CRC-32C is known to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checksum {
    Unknown,
    Right,
}

/// What a batch's records must hold to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetOrder {
    /// From a log: compaction leaves holes.
    Any,
    /// From a producer: offset deltas are 0, 1, 2, …, and no record may be lost.
    Sequential,
}

/// One thing in a `records` field.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    Batch(Batch<'a>),
    /// A complete message of magic 0 or 1, unread.
    Legacy(&'a [u8]),
    /// What is left when the next batch is cut. Brokers cut where `max_bytes` falls; readers
    /// ignore it. Always the last item.
    Tail(&'a [u8]),
}

/// Walks a `records` field; see [`items`].
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
}

/// Walks the batches of a Fetch response's `records` field, as `ByteBufferLogInputStream` does.
///
/// After an error nothing more comes: where the next batch starts is then unknown.
pub fn items(records: &[u8]) -> Items<'_> {
    Items { rest: records }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let whole = match length_bytes(rest) {
            Ok(whole) => whole,
            Err(error) => return Some(Err(error)),
        };
        let Some((bytes, behind)) = whole.and_then(|whole| rest.split_at_checked(whole)) else {
            return Some(Ok(Item::Tail(rest)));
        };
        let item = match magic(bytes) {
            Some(2) => match BatchHeader::parse(bytes) {
                Some(header) => Item::Batch(Batch {
                    bytes,
                    header,
                    order: OffsetOrder::Any,
                    checksum: Checksum::Unknown,
                }),
                None => return Some(Err(BatchError::Length(length_field(bytes)))),
            },
            _ => Item::Legacy(bytes),
        };
        self.rest = behind;
        Some(Ok(item))
    }
}

/// The size of the first batch with its prefix, or `None` if too little is there to tell.
fn length_bytes(rest: &[u8]) -> Result<Option<usize>, BatchError> {
    if rest.len() < PREFIX_BYTES {
        return Ok(None);
    }
    let length = length_field(rest);
    if length < LENGTH_MIN {
        return Err(BatchError::Length(length));
    }
    match magic(rest) {
        None => Ok(None),
        Some(0..=2) => Ok(usize::try_from(length).ok().and_then(|n| n.checked_add(PREFIX_BYTES))),
        Some(unknown) => Err(BatchError::Magic(unknown)),
    }
}

fn length_field(bytes: &[u8]) -> i32 {
    let field = bytes.get(LENGTH_AT..).and_then(|bytes| bytes.first_chunk());
    field.map_or(0, |field| i32::from_be_bytes(*field))
}

pub(super) fn magic(bytes: &[u8]) -> Option<i8> {
    bytes.first_chunk::<MAGIC_END>()?.last().map(|byte| byte.cast_signed())
}

impl BatchHeader {
    /// Reads the 61 bytes; `None` if there are fewer. Checks no value.
    fn parse(bytes: &[u8]) -> Option<Self> {
        fn field<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
            let (field, behind) = rest.split_first_chunk::<N>()?;
            *rest = behind;
            Some(*field)
        }
        let rest = &mut &*bytes;
        Some(Self {
            base_offset: i64::from_be_bytes(field(rest)?),
            batch_length: i32::from_be_bytes(field(rest)?),
            partition_leader_epoch: i32::from_be_bytes(field(rest)?),
            magic: i8::from_be_bytes(field(rest)?),
            crc: u32::from_be_bytes(field(rest)?),
            attributes: i16::from_be_bytes(field(rest)?),
            last_offset_delta: i32::from_be_bytes(field(rest)?),
            base_timestamp_ms: i64::from_be_bytes(field(rest)?),
            max_timestamp_ms: i64::from_be_bytes(field(rest)?),
            producer_id: i64::from_be_bytes(field(rest)?),
            producer_epoch: i16::from_be_bytes(field(rest)?),
            base_sequence: i32::from_be_bytes(field(rest)?),
            record_count: i32::from_be_bytes(field(rest)?),
        })
    }

    /// Who set the timestamps (attribute bit 3).
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME_BIT == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// A record's timestamp in milliseconds since 1970, as a consumer sees it. Saturates.
    pub fn timestamp_ms(&self, timestamp_delta: i64) -> i64 {
        match self.timestamp_type() {
            TimestampType::CreateTime => self.base_timestamp_ms.saturating_add(timestamp_delta),
            TimestampType::LogAppendTime => self.max_timestamp_ms,
        }
    }

    /// A record's offset in its partition. Saturates.
    pub fn offset(&self, offset_delta: i32) -> i64 {
        self.base_offset.saturating_add(i64::from(offset_delta))
    }

    /// The attributes with codec bits 0–2 cleared: those of a batch without records.
    pub(super) fn attributes_uncompressed(&self) -> i16 {
        self.attributes & !CODEC_BITS
    }
}

impl<'a> Batch<'a> {
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch, from base offset to last record.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The codec of attribute bits 0–2.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        let id = (self.header.attributes & CODEC_BITS) as u8;
        Codec::from_id(id).ok_or(BatchError::Codec(id))
    }

    /// Whether this is a transaction marker or another control batch (attribute bit 5).
    pub fn is_control(&self) -> bool {
        self.header.attributes & CONTROL_BIT != 0
    }

    /// Whether the batch is part of a transaction (attribute bit 4).
    pub fn is_transactional(&self) -> bool {
        self.header.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Compares the header's CRC-32C with that of the bytes from the attributes on. The base
    /// offset and the leader epoch are not covered: brokers set them.
    pub fn verify_checksum(&self) -> Result<(), BatchError> {
        if self.checksum == Checksum::Right {
            return Ok(());
        }
        let computed = crc32c::crc32c(self.bytes.get(ATTRIBUTES_AT..).unwrap_or_default());
        if computed == self.header.crc {
            return Ok(());
        }
        Err(BatchError::Checksum { stored: self.header.crc, computed })
    }

    /// The records as they are on the wire: compressed, if the batch is.
    pub(super) fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    pub(super) fn order(&self) -> OffsetOrder {
        self.order
    }

    /// The batch once [`Self::verify_checksum`] has found it right, so that it is not computed
    /// again.
    pub(super) fn verified(self) -> Result<Self, BatchError> {
        self.verify_checksum()?;
        Ok(Self { checksum: Checksum::Right, ..self })
    }

    pub(super) fn with_order(self, order: OffsetOrder) -> Self {
        Self { order, ..self }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Batch")
            .field("header", &self.header)
            .field("payload_bytes", &self.payload().len())
            .finish_non_exhaustive()
    }
}

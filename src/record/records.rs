//! Records and their headers, read from the uncompressed records section.

use std::fmt;
use std::iter::FusedIterator;

use super::batch::OffsetOrder;
use super::fault::{BatchError, RecordProblem};
use super::varint::Reader;

/// A header takes at least a key length and a value length.
const HEADER_BYTES_MIN: usize = 2;

/// One record of a batch; borrows its bytes.
#[derive(Clone)]
pub struct Record<'a> {
    /// Unused by Kafka today; kept on rewrite.
    pub attributes: i8,
    /// Relative to the batch's base timestamp, in milliseconds.
    pub timestamp_delta: i64,
    /// Relative to the batch's base offset.
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
    /// The record with its length prefix, uncompressed.
    pub size_bytes: usize,
    /// Where the fields of a rewrite can be copied from in runs.
    pub(super) runs: Runs<'a>,
}

/// A record's body, cut where a rewrite may put something else.
#[derive(Clone, Copy)]
pub(super) struct Runs<'a> {
    /// Attributes and deltas.
    pub(super) front: &'a [u8],
    /// Key with its length.
    pub(super) key: &'a [u8],
    /// Value with its length.
    pub(super) value: &'a [u8],
    /// Headers with their count.
    pub(super) headers: &'a [u8],
}

/// The headers of one record in order: key bytes (any bytes; UTF-8 by convention) and value.
/// Duplicate keys are legal and all come.
#[derive(Clone)]
pub struct Headers<'a> {
    reader: Reader<'a>,
    left: usize,
}

/// The records of one batch, each checked before it is given out; see [`super::Plain::records`].
///
/// A record must fill its length exactly, the count must be that of the batch header, and
/// nothing may be left over, as in Kafka's `DefaultRecord.readFrom` and `DefaultRecordBatch`.
/// The iterator ends after the first error.
#[derive(Clone)]
pub struct Records<'a> {
    reader: Reader<'a>,
    index: u32,
    count: i32,
    order: OffsetOrder,
    ended: bool,
}

impl<'a> Records<'a> {
    pub(super) fn new(section: &'a [u8], count: i32, order: OffsetOrder) -> Self {
        Self { reader: Reader::new(section), index: 0, count, order, ended: false }
    }

    /// How many bytes of the section the records so far take.
    pub(super) fn at(&self) -> usize {
        self.reader.at()
    }

    fn advance(&mut self) -> Result<Option<Record<'a>>, BatchError> {
        let count = u32::try_from(self.count).map_err(|_| BatchError::Count(self.count))?;
        if self.index >= count {
            return match self.reader.rest().len() {
                0 => Ok(None),
                bytes => Err(BatchError::Leftover { bytes }),
            };
        }
        let index = self.index;
        let before = self.reader.at();
        let body = self.reader.bytes();
        let record =
            body.and_then(|body| Record::parse(body, self.reader.at().saturating_sub(before)));
        let record = record.map_err(|problem| BatchError::Record { index, problem })?;
        let found = record.offset_delta;
        if self.order == OffsetOrder::Sequential && i64::from(found) != i64::from(index) {
            return Err(BatchError::OffsetDelta { index, found });
        }
        self.index = index.saturating_add(1);
        Ok(Some(record))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.advance().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl FusedIterator for Records<'_> {}

impl<'a> Record<'a> {
    fn parse(body: &'a [u8], size_bytes: usize) -> Result<Self, RecordProblem> {
        let mut reader = Reader::new(body);
        let attributes = reader.byte()?.cast_signed();
        let timestamp_delta = reader.varlong()?;
        let offset_delta = reader.varint()?;
        let key_at = reader.at();
        let key = reader.nullable_bytes()?;
        let value_at = reader.at();
        let value = reader.nullable_bytes()?;
        let headers_at = reader.at();
        let headers = Headers::parse(&mut reader)?;
        if !reader.rest().is_empty() {
            return Err(RecordProblem::Leftover(reader.rest().len()));
        }
        let run = |from: usize, to: usize| body.get(from..to).unwrap_or_default();
        let runs = Runs {
            front: run(0, key_at),
            key: run(key_at, value_at),
            value: run(value_at, headers_at),
            headers: run(headers_at, body.len()),
        };
        Ok(Self {
            attributes,
            timestamp_delta,
            offset_delta,
            key,
            value,
            headers,
            size_bytes,
            runs,
        })
    }
}

impl<'a> Headers<'a> {
    /// Reads the count and walks all headers once, so that the iterator cannot fail.
    fn parse(reader: &mut Reader<'a>) -> Result<Self, RecordProblem> {
        let count = reader.varint()?;
        let left = usize::try_from(count).map_err(|_| RecordProblem::HeaderCount(count))?;
        if left > reader.rest().len() / HEADER_BYTES_MIN {
            return Err(RecordProblem::HeaderCount(count));
        }
        let headers = Self { reader: Reader::new(reader.rest()), left };
        for _ in 0..left {
            reader.bytes()?;
            reader.nullable_bytes()?;
        }
        Ok(headers)
    }

    /// The same headers from here on, leaving this iterator where it is.
    pub fn iter(&self) -> Headers<'a> {
        self.clone()
    }

    /// Whether no header is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let key = self.reader.bytes().ok()?;
        let value = self.reader.nullable_bytes().ok()?;
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Headers<'_> {}

impl FusedIterator for Headers<'_> {}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Record")
            .field("attributes", &self.attributes)
            .field("timestamp_delta", &self.timestamp_delta)
            .field("offset_delta", &self.offset_delta)
            .field("key_bytes", &self.key.map(<[u8]>::len))
            .field("value_bytes", &self.value.map(<[u8]>::len))
            .field("headers", &self.headers)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Headers").field("left", &self.left).finish_non_exhaustive()
    }
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Records")
            .field("index", &self.index)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

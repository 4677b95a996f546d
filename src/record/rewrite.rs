//! Rewriting a batch: some records changed or dropped, everything else byte for byte.

use super::batch::{
    ATTRIBUTES_AT, Batch, CHECKSUM_AT, COUNT_AT, HEADER_BYTES, LENGTH_AT, OffsetOrder,
};
use super::codec::{Codec, Codecs, InflateLimits, inflate};
use super::fault::BatchError;
use super::records::Record;
use super::replacement::Replacement;

/// What becomes of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Keep,
    /// Take the record out, as log compaction does: the offsets around it stay.
    Drop,
    /// Use the [`Replacement`]; one that is empty keeps the record.
    Replace,
}

/// What became of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewritten {
    /// Nothing was written: the original bytes are still right.
    Unchanged,
    /// The new batch was appended. `records` is how many it holds, `dropped` how many it lost.
    Changed { records: u32, dropped: u32 },
}

/// A records section that is copied in runs, with edits in between.
struct Splice<'t, 's> {
    source: &'s [u8],
    target: &'t mut Vec<u8>,
    /// Where the new section starts in `target`.
    start: usize,
    bytes_max: usize,
    /// How much of `source` is copied or left out.
    done: usize,
    kept: u32,
    dropped: u32,
    changed: bool,
}

impl Codecs {
    /// Walks a batch's records, asks `edit` about each, and appends the new batch to `out` if
    /// anything changes. The order is that of the batch, and every record is asked about once.
    ///
    /// Of the 61-byte header only length, count and CRC change: base offset, last offset delta,
    /// timestamps, producer id, epoch, sequence and attributes stay, and with them what
    /// consumers and brokers derive from them. The codec stays. A batch that loses all its
    /// records becomes a header without records and without a codec, as Kafka's log cleaner
    /// leaves it (`DefaultRecordBatch.writeEmptyHeader`): readers do not uncompress nothing.
    /// Control batches are unchanged without being asked about.
    ///
    /// The new section is held to `limits` too: a batch of many tiny values must not grow without
    /// bound because each is masked by something longer.
    ///
    /// # Errors
    /// Those of [`Batch::verify_checksum`], [`Codecs::inflate`] and [`super::Records`];
    /// [`BatchError::DropFromProduced`]. On an error, as on `Unchanged`, `out` is as it was.
    pub fn rewrite<F>(
        &mut self,
        batch: &Batch<'_>,
        limits: InflateLimits,
        out: &mut Vec<u8>,
        edit: F,
    ) -> Result<Rewritten, BatchError>
    where
        F: FnMut(&Record<'_>, &mut Replacement) -> Edit,
    {
        batch.verify_checksum()?;
        if batch.is_control() {
            return Ok(Rewritten::Unchanged);
        }
        let start = out.len();
        let result = self.rewrite_checked(batch, limits, out, edit);
        match result {
            Ok(Rewritten::Changed { .. }) => {}
            Ok(Rewritten::Unchanged) | Err(_) => out.truncate(start),
        }
        result
    }

    fn rewrite_checked<F>(
        &mut self,
        batch: &Batch<'_>,
        limits: InflateLimits,
        out: &mut Vec<u8>,
        edit: F,
    ) -> Result<Rewritten, BatchError>
    where
        F: FnMut(&Record<'_>, &mut Replacement) -> Edit,
    {
        let Self { section, edited, replacement, headers, engines } = self;
        let codec = batch.codec()?;
        let plain = inflate(engines, section, batch, limits)?;
        let start = out.len();
        out.extend_from_slice(batch.bytes().get(..HEADER_BYTES).unwrap_or_default());
        edited.clear();
        // Without a codec the records go where they are sent from.
        let target = if codec == Codec::None { &mut *out } else { &mut *edited };
        let mut splice = Splice::new(plain.bytes(), target, limits);
        splice.walk(plain.records(), batch.order(), replacement, headers, edit)?;
        let rewritten = splice.finish()?;
        let Rewritten::Changed { records, .. } = rewritten else {
            return Ok(rewritten);
        };
        if records == 0 {
            out.truncate(start.saturating_add(HEADER_BYTES));
            let attributes = batch.header().attributes_uncompressed();
            patch(out, start, ATTRIBUTES_AT, attributes.to_be_bytes());
        } else if codec != Codec::None {
            engines.deflate(codec, edited, out)?;
        }
        seal(out, start, records)?;
        Ok(rewritten)
    }
}

impl<'t, 's> Splice<'t, 's> {
    fn new(source: &'s [u8], target: &'t mut Vec<u8>, limits: InflateLimits) -> Self {
        Self {
            start: target.len(),
            source,
            target,
            bytes_max: limits.bytes_max,
            done: 0,
            kept: 0,
            dropped: 0,
            changed: false,
        }
    }

    fn walk<F>(
        &mut self,
        mut records: super::Records<'s>,
        order: OffsetOrder,
        replacement: &mut Replacement,
        headers: &mut Vec<u8>,
        mut edit: F,
    ) -> Result<(), BatchError>
    where
        F: FnMut(&Record<'_>, &mut Replacement) -> Edit,
    {
        let mut start = 0;
        while let Some(record) = records.next() {
            let record = record?;
            let end = records.at();
            replacement.clear();
            match edit(&record, replacement) {
                Edit::Drop if order == OffsetOrder::Sequential => {
                    return Err(BatchError::DropFromProduced);
                }
                Edit::Drop => {
                    self.copy_until(start)?;
                    self.done = end;
                    self.dropped = self.dropped.saturating_add(1);
                    self.changed = true;
                }
                Edit::Replace if !replacement.is_empty() => {
                    self.copy_until(start)?;
                    replacement.write(&record, headers, self.target)?;
                    self.require(0)?;
                    self.done = end;
                    self.kept = self.kept.saturating_add(1);
                    self.changed = true;
                }
                Edit::Keep | Edit::Replace => self.kept = self.kept.saturating_add(1),
            }
            start = end;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Rewritten, BatchError> {
        if !self.changed {
            return Ok(Rewritten::Unchanged);
        }
        self.copy_until(self.source.len())?;
        Ok(Rewritten::Changed { records: self.kept, dropped: self.dropped })
    }

    /// Copies the run from where the last edit ended.
    fn copy_until(&mut self, end: usize) -> Result<(), BatchError> {
        let run = self.source.get(self.done..end).unwrap_or_default();
        self.require(run.len())?;
        self.target.extend_from_slice(run);
        self.done = end;
        Ok(())
    }

    /// Refuses to let the new section grow by `bytes` if that is above its cap.
    fn require(&self, bytes: usize) -> Result<(), BatchError> {
        let written = self.target.len().saturating_sub(self.start);
        if written.saturating_add(bytes) > self.bytes_max {
            return Err(BatchError::TooLarge { bytes_max: self.bytes_max });
        }
        Ok(())
    }
}

/// Writes length, count and CRC of the batch that starts at `start` and ends with `out`.
fn seal(out: &mut [u8], start: usize, records: u32) -> Result<(), BatchError> {
    let too_large = BatchError::TooLarge { bytes_max: i32::MAX as usize };
    let behind = out.len().saturating_sub(start).saturating_sub(LENGTH_AT).saturating_sub(4);
    let length = i32::try_from(behind).map_err(|_| too_large)?;
    patch(out, start, LENGTH_AT, length.to_be_bytes());
    patch(out, start, COUNT_AT, records.to_be_bytes());
    let covered = out.get(start.saturating_add(ATTRIBUTES_AT)..).unwrap_or_default();
    let checksum = crc32c::crc32c(covered);
    patch(out, start, CHECKSUM_AT, checksum.to_be_bytes());
    Ok(())
}

fn patch<const N: usize>(out: &mut [u8], start: usize, at: usize, field: [u8; N]) {
    let place = out.get_mut(start.saturating_add(at)..).and_then(<[u8]>::first_chunk_mut);
    if let Some(place) = place {
        *place = field;
    }
}

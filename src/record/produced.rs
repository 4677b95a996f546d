//! What a Produce request may carry for one partition: exactly one batch.

use super::batch::{Batch, Item, OffsetOrder, items, magic};
use super::fault::ProduceFault;

/// Checks the `records` field of a Produce request (version 3 and later) and views its batch.
///
/// The batch has magic 2, a known codec, the right CRC, no control flag, base offset 0, at least
/// one record, and as many records as its last offset delta says; nothing stands behind it.
/// The records themselves are checked when they are walked: a batch from here holds them to
/// offset deltas 0, 1, 2, …, and [`super::Codecs::rewrite`] drops none of them.
/// Sources: Kafka's `ProduceRequest.validateRecords`, `LogValidator.validateBatch`.
pub fn produced(records: &[u8]) -> Result<Batch<'_>, ProduceFault> {
    let mut walk = items(records);
    let batch = match walk.next() {
        None => return Err(ProduceFault::Empty),
        Some(Ok(Item::Batch(batch))) => batch,
        Some(Ok(Item::Legacy(bytes))) => {
            return Err(ProduceFault::Legacy { magic: magic(bytes).unwrap_or_default() });
        }
        Some(Ok(Item::Tail(bytes))) => {
            return Err(match magic(bytes) {
                Some(magic @ 0..=1) => ProduceFault::Legacy { magic },
                _ => ProduceFault::Incomplete,
            });
        }
        Some(Err(error)) => return Err(error.into()),
    };
    let bytes = records.len().saturating_sub(batch.bytes().len());
    if bytes > 0 {
        return Err(ProduceFault::Trailing { bytes });
    }
    let batch = batch.verified()?;
    batch.codec()?;
    if batch.is_control() {
        return Err(ProduceFault::Control);
    }
    let header = batch.header();
    let (count, last_offset_delta) = (header.record_count, header.last_offset_delta);
    if count <= 0 || last_offset_delta.checked_add(1) != Some(count) {
        return Err(ProduceFault::Count { count, last_offset_delta });
    }
    if header.base_offset != 0 {
        return Err(ProduceFault::BaseOffset(header.base_offset));
    }
    // `DefaultRecordBatch.hasProducerId`: any id above the "none" of -1.
    if header.producer_id > -1 && header.base_sequence < 0 {
        return Err(ProduceFault::Sequence(header.base_sequence));
    }
    Ok(batch.with_order(OffsetOrder::Sequential))
}

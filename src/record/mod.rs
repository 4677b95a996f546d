//! Record batches as bytes: views, checksums, capped decompression, and a rewrite that keeps
//! every header field.
//!
//! The format is Kafka's record batch with magic 2 (KIP-98, `DefaultRecordBatch`). Older message
//! sets (magic 0 and 1) are recognised and handed out unread. Nothing here knows a policy, a
//! topic or a request; all functions are pure and none panics on any input.
//!
//! Two ways in: [`items`] walks the records of a Fetch response, which may hold several batches
//! and end in a cut one; [`produced()`] takes the records of a Produce request, which are exactly
//! one batch. [`Codecs`] holds the contexts and buffers that [`Codecs::inflate`] and
//! [`Codecs::rewrite`] use again for each batch.

pub use batch::{Batch, BatchHeader, Item, Items, TimestampType, items};
pub use codec::{Codec, Codecs, InflateLimits, Plain};
pub use fault::{BatchError, FaultKind, ProduceFault, RecordProblem};
#[doc(hidden)]
pub use fuzzing::fuzz_one;
pub use produced::produced;
pub use records::{Headers, Record, Records};
pub use replacement::Replacement;
pub use rewrite::{Edit, Rewritten};

mod batch;
mod checksum;
mod codec;
mod fault;
mod fuzzing;
mod produced;
mod records;
mod replacement;
mod rewrite;
mod section;
mod varint;

#[cfg(test)]
mod tests;

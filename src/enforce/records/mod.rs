//! Content work on record batches: each record judged under a plan, masked, left out, or refused.
//!
//! The one place where the plan of the policy, the batches of `record`, the documents of `format`
//! and the masks meet. A produced batch never loses a record; a batch that is read keeps its
//! offsets.

mod refusal;
mod tally;
mod tools;
mod view;

use std::sync::Arc;

use bytes::Bytes;

pub(super) use refusal::Refusal;
pub(super) use tally::Tally;
pub(super) use tools::Tools;
pub use tools::{ToolPool, Workshop};

use super::facts::Limits;
use super::outcome::Slices;
use crate::policy::{Effect, Plan};
use crate::record::{Batch, BatchError, Edit, FaultKind, InflateLimits, Item, Rewritten, items};
use crate::wire::ErrorCode;

/// Where the records are from or go to.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub topic: &'p Arc<str>,
    pub partition: i32,
}

/// What became of a produced batch.
pub(super) enum Judged {
    /// The client's own bytes go on.
    Unchanged,
    /// These do.
    Changed(Bytes),
    /// None do.
    Refused(Refusal),
}

/// What a reader gets of a partition.
pub(super) enum Read {
    /// The broker's own bytes.
    Unchanged,
    /// Others.
    Changed(Slices),
    /// The first batch cannot be judged, so nothing can be passed on.
    Unreadable { code: ErrorCode, reason: String },
}

/// What becomes of a batch that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unreadable {
    /// Reading ends before it: whoever reads by offsets would miss it otherwise.
    Ends,
    /// It is left out: who reads for a share group says of each offset what became of it.
    LeftOut,
}

/// Judges a batch on its way to the broker.
pub(super) fn produce(
    tools: &mut Tools,
    plan: &Plan,
    batch: &Batch<'_>,
    place: Place<'_>,
    limits: Limits,
) -> (Judged, Tally) {
    let mut tally = Tally::default();
    let mut refusal: Option<Refusal> = None;
    let mut out = Vec::new();
    let (codecs, mut desk) = tools.split(plan, place, batch);
    let inflate = InflateLimits { bytes_max: limits.inflated_batch_bytes_max };
    let rewritten = codecs.rewrite(batch, inflate, &mut out, |record, replacement| {
        let effect = desk.judge(record);
        tally.note(plan, desk.verdict, i64::from(record.offset_delta), effect);
        match effect {
            Effect::Deny => {
                desk.refuse(record, &mut refusal);
                Edit::Keep
            }
            Effect::Mask => desk.mask(record, replacement, &mut tally),
            Effect::Redact => desk.redact(record, replacement, &mut tally),
            // A produced batch never loses a record; the policy has no such rule.
            Effect::Allow | Effect::Drop => Edit::Keep,
        }
    });
    if let Some(refusal) = refusal {
        return (Judged::Refused(refusal), tally);
    }
    let judged = match rewritten {
        Ok(Rewritten::Unchanged) => Judged::Unchanged,
        Ok(Rewritten::Changed { .. }) if out.len() > limits.request_bytes_max => {
            let message = "the batch is too large once it is masked";
            Judged::Refused(Refusal::plain(ErrorCode::MESSAGE_TOO_LARGE, message))
        }
        Ok(Rewritten::Changed { .. }) => Judged::Changed(out.into()),
        Err(error) => Judged::Refused(Refusal::plain(fault_code(&error), &error.to_string())),
    };
    (judged, tally)
}

fn fault_code(error: &BatchError) -> ErrorCode {
    match error.kind() {
        FaultKind::Corrupt => ErrorCode::CORRUPT_MESSAGE,
        FaultKind::Invalid => ErrorCode::INVALID_RECORD,
    }
}

/// Judges a partition's batches on their way to a reader.
///
/// What cannot be judged is not passed on. By [`Unreadable::Ends`] reading ends before it, and
/// where it comes first the reader gets an error; by [`Unreadable::LeftOut`] a batch is left out by
/// itself, and what is no batch makes the whole an error. A cut tail is left out, which clients
/// expect.
pub(super) fn consume(
    tools: &mut Tools,
    plan: &Plan,
    records: &Bytes,
    place: Place<'_>,
    (limits, unreadable): (Limits, Unreadable),
) -> (Read, Tally) {
    let mut tally = Tally::default();
    let mut slices = Slices::new();
    let (mut kept_from, mut at) = (0_usize, 0_usize);
    let mut stopped = None;
    for item in items(records) {
        match item {
            Ok(Item::Batch(batch)) => {
                let end = at.saturating_add(batch.bytes().len());
                match read_batch(tools, plan, &batch, (place, limits), &mut tally) {
                    Ok(None) => {}
                    Ok(Some(bytes)) => {
                        slices.push(records.slice(kept_from..at));
                        slices.push(bytes);
                        kept_from = end;
                    }
                    Err(error) if unreadable == Unreadable::LeftOut => {
                        tally.left_out(&batch, error.to_string());
                        slices.push(records.slice(kept_from..at));
                        kept_from = end;
                    }
                    Err(error) => {
                        stopped = Some((fault_code(&error), error.to_string()));
                        break;
                    }
                }
                at = end;
            }
            Ok(Item::Legacy(_)) => {
                let reason = "a message format older than 2 cannot be judged here";
                stopped = Some((ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT, reason.to_owned()));
                break;
            }
            Ok(Item::Tail(_)) => break,
            Err(error) => {
                stopped = Some((ErrorCode::CORRUPT_MESSAGE, error.to_string()));
                break;
            }
        }
    }
    if let Some((code, reason)) = stopped
        && (at == 0 || unreadable == Unreadable::LeftOut)
    {
        let code =
            if code == ErrorCode::INVALID_RECORD { ErrorCode::CORRUPT_MESSAGE } else { code };
        return (Read::Unreadable { code, reason }, tally);
    }
    if kept_from == 0 && at == records.len() && slices.is_empty() {
        return (Read::Unchanged, tally);
    }
    slices.push(records.slice(kept_from..at));
    slices.retain(|slice| !slice.is_empty());
    (Read::Changed(slices), tally)
}

/// One batch for a reader; `None` where its own bytes go on.
fn read_batch(
    tools: &mut Tools,
    plan: &Plan,
    batch: &Batch<'_>,
    (place, limits): (Place<'_>, Limits),
    tally: &mut Tally,
) -> Result<Option<Bytes>, BatchError> {
    let header = batch.header();
    tally.reach(header.base_offset, header.offset(header.last_offset_delta));
    let mut out = Vec::new();
    let (codecs, mut desk) = tools.split(plan, place, batch);
    let inflate = InflateLimits { bytes_max: limits.inflated_batch_bytes_max };
    let rewritten = codecs.rewrite(batch, inflate, &mut out, |record, replacement| {
        let effect = desk.judge(record);
        tally.note(plan, desk.verdict, desk.offset(record), effect);
        match effect {
            Effect::Allow => Edit::Keep,
            Effect::Mask => desk.mask(record, replacement, tally),
            Effect::Redact => desk.redact(record, replacement, tally),
            // A content rule never refuses a reader, who would be stuck at that offset for ever.
            Effect::Drop | Effect::Deny => {
                tally.dropped = tally.dropped.saturating_add(1);
                Edit::Drop
            }
        }
    })?;
    Ok(match rewritten {
        Rewritten::Unchanged => None,
        Rewritten::Changed { .. } => Some(out.into()),
    })
}

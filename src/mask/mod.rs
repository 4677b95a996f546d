//! Masks: what stands in the place of a value that a policy hides.
//!
//! A mask is a pure function of the kind and text of one value, so a re-read gives the same bytes.
//! A mask that does not fit a value never lets it through: it gives `REDACTED` instead.

mod bucket;
mod constant;
mod decimal;
mod hmac;
mod partial;
mod spec;
mod table;

use std::sync::Arc;

use crate::field::{FieldKind, Masked};

pub use decimal::is_number;
pub use spec::{Buckets, FixedValue, KEY_BYTES_MIN, MaskError, MaskSpec, SecretBytes};
pub use table::{MASKS, MaskRow, Parameter};

/// What a mask gives for a value that it does not fit, and the default label of `redact`.
pub const REDACTED: &str = "[redacted]";

/// How much a mask hides; of two on one field the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Something of the value stays readable: `partial`, `bucket`.
    Weak,
    /// Equal values stay equal, nothing else stays: `hmac`.
    Keyed,
    /// Nothing of the value stays: `null`, `redact`, `fixed`.
    Constant,
    /// Not even the member's name stays: `remove`.
    Removal,
}

/// A way to hide one value.
pub trait Mask: Send + Sync {
    /// The word in `mask: {with: …}`.
    fn name(&self) -> &'static str;

    /// Which of two masks wins.
    fn strength(&self) -> Strength;

    /// Whether a record's key may be masked so: different keys must stay different, or consumers
    /// and compacted tables would take them for one.
    fn allowed_on_key(&self) -> bool;

    /// What stands in the place of a value of this kind and text (strings without their escapes,
    /// the rest as written). `scratch` is overwritten and may carry the answer.
    fn apply<'o>(&self, kind: FieldKind, text: &str, scratch: &'o mut String) -> Masked<'o>;
}

/// The mask that `spec` describes. A spec that `MaskSpec::check` refuses gives a mask that redacts
/// everything, so that a missing check can hide too much, never too little.
pub fn build(spec: &MaskSpec) -> Arc<dyn Mask> {
    let built: Option<Arc<dyn Mask>> = match spec {
        _ if spec.check().is_err() => None,
        MaskSpec::Remove => Some(Arc::new(constant::Remove)),
        MaskSpec::Null => Some(Arc::new(constant::Null)),
        MaskSpec::Redact { label } => Some(Arc::new(constant::Redact::new(label))),
        MaskSpec::Fixed { value } => Some(Arc::new(constant::Fixed::new(value))),
        MaskSpec::Partial { keep_first, keep_last, character } => {
            Some(Arc::new(partial::Partial::new(*keep_first, *keep_last, *character)))
        }
        MaskSpec::Hmac { key, prefix } => Some(Arc::new(hmac::Hmac::new(key, prefix))),
        MaskSpec::Bucket { buckets } => {
            bucket::Bucket::new(buckets).map(|mask| Arc::new(mask) as Arc<dyn Mask>)
        }
    };
    built.unwrap_or_else(|| Arc::new(constant::Redact::new(REDACTED)))
}

/// The strongest answer that fits every kind.
fn redacted(scratch: &mut String) -> Masked<'_> {
    text(scratch, REDACTED)
}

fn text<'o>(scratch: &'o mut String, text: &str) -> Masked<'o> {
    scratch.clear();
    scratch.push_str(text);
    Masked::Text(scratch)
}

#[cfg(test)]
mod tests;

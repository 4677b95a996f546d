//! `partial`: the ends of a text, the rest covered.

use super::{Mask, Strength, redacted};
use crate::field::{FieldKind, Masked};

pub(super) struct Partial {
    keep_first: usize,
    keep_last: usize,
    character: char,
}

impl Partial {
    pub(super) fn new(keep_first: u32, keep_last: u32, character: char) -> Self {
        let keep = |characters| usize::try_from(characters).unwrap_or(usize::MAX);
        Self { keep_first: keep(keep_first), keep_last: keep(keep_last), character }
    }
}

impl Mask for Partial {
    fn name(&self) -> &'static str {
        "partial"
    }

    fn strength(&self) -> Strength {
        Strength::Weak
    }

    fn allowed_on_key(&self) -> bool {
        false
    }

    /// Characters are Unicode scalar values. A text of which more than half would show is covered
    /// whole: four of sixteen digits may be read out to a caller, four of six may not.
    fn apply<'o>(&self, kind: FieldKind, text: &str, scratch: &'o mut String) -> Masked<'o> {
        match kind {
            FieldKind::Null => return Masked::Null,
            FieldKind::Text | FieldKind::Number => {}
            FieldKind::Bool | FieldKind::List | FieldKind::Object => return redacted(scratch),
        }
        let count = text.chars().count();
        let kept = self.keep_first.saturating_add(self.keep_last);
        let (first, last) = if kept > count / 2 {
            (0, count)
        } else {
            (self.keep_first, count.saturating_sub(self.keep_last))
        };
        scratch.clear();
        scratch.extend(text.chars().enumerate().map(|(place, character)| {
            if place < first || place >= last { character } else { self.character }
        }));
        Masked::Text(scratch)
    }
}

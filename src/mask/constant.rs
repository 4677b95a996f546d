//! Masks of which nothing depends on the value: `remove`, `null`, `redact`, `fixed`.

use super::spec::FixedValue;
use super::{Mask, Strength, text};
use crate::field::{FieldKind, Masked};

pub(super) struct Remove;

pub(super) struct Null;

pub(super) struct Redact {
    label: String,
}

pub(super) struct Fixed {
    value: FixedValue,
}

impl Redact {
    pub(super) fn new(label: &str) -> Self {
        Self { label: label.to_owned() }
    }
}

impl Fixed {
    pub(super) fn new(value: &FixedValue) -> Self {
        Self { value: value.clone() }
    }
}

impl Mask for Remove {
    fn name(&self) -> &'static str {
        "remove"
    }

    fn strength(&self) -> Strength {
        Strength::Removal
    }

    fn allowed_on_key(&self) -> bool {
        false
    }

    fn apply<'o>(&self, _: FieldKind, _: &str, _: &'o mut String) -> Masked<'o> {
        Masked::Remove
    }
}

impl Mask for Null {
    fn name(&self) -> &'static str {
        "null"
    }

    fn strength(&self) -> Strength {
        Strength::Constant
    }

    fn allowed_on_key(&self) -> bool {
        false
    }

    fn apply<'o>(&self, _: FieldKind, _: &str, _: &'o mut String) -> Masked<'o> {
        Masked::Null
    }
}

impl Mask for Redact {
    fn name(&self) -> &'static str {
        "redact"
    }

    fn strength(&self) -> Strength {
        Strength::Constant
    }

    fn allowed_on_key(&self) -> bool {
        false
    }

    fn apply<'o>(&self, _: FieldKind, _: &str, scratch: &'o mut String) -> Masked<'o> {
        text(scratch, &self.label)
    }
}

impl Mask for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn strength(&self) -> Strength {
        Strength::Constant
    }

    fn allowed_on_key(&self) -> bool {
        false
    }

    fn apply<'o>(&self, _: FieldKind, _: &str, scratch: &'o mut String) -> Masked<'o> {
        match &self.value {
            FixedValue::Text(value) => text(scratch, value),
            FixedValue::Number(value) => {
                scratch.clear();
                scratch.push_str(value);
                Masked::Number(scratch)
            }
        }
    }
}

//! Every mask once, with its parameters in words: help, reference and load checks read this.

use super::spec::{Buckets, FixedValue, MaskSpec, SecretBytes};
use super::{REDACTED, Strength};

/// One mask that policies can ask for.
#[derive(Debug, Clone, Copy)]
pub struct MaskRow {
    /// The word in `mask: {with: …}`.
    pub name: &'static str,
    /// What else it takes.
    pub parameters: &'static [Parameter],
    /// What it does, for policy authors.
    pub doc: &'static str,
    /// Which of two masks on one field wins.
    pub strength: Strength,
    /// Whether record keys may be masked so.
    pub allowed_on_key: bool,
    /// One that works, for documentation and for the test that holds each row to its promises.
    pub example: fn() -> MaskSpec,
}

/// One parameter of a mask.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its key in the policy.
    pub name: &'static str,
    /// What it means, with its default.
    pub doc: &'static str,
}

/// The masks, strongest first.
pub static MASKS: &[MaskRow] = &[
    MaskRow {
        name: "remove",
        parameters: &[],
        doc: "The member goes, name and all; a list element becomes null.",
        strength: Strength::Removal,
        allowed_on_key: false,
        example: || MaskSpec::Remove,
    },
    MaskRow {
        name: "null",
        parameters: &[],
        doc: "An explicit null.",
        strength: Strength::Constant,
        allowed_on_key: false,
        example: || MaskSpec::Null,
    },
    MaskRow {
        name: "redact",
        parameters: &[Parameter { name: "label", doc: "The text to show; default `[redacted]`." }],
        doc: "A label that says that something was here.",
        strength: Strength::Constant,
        allowed_on_key: false,
        example: || MaskSpec::Redact { label: REDACTED.to_owned() },
    },
    MaskRow {
        name: "fixed",
        parameters: &[Parameter { name: "value", doc: "The text or number to show." }],
        doc: "One value for all.",
        strength: Strength::Constant,
        allowed_on_key: false,
        example: || MaskSpec::Fixed { value: FixedValue::Number("0".to_owned()) },
    },
    MaskRow {
        name: "hmac",
        parameters: &[
            Parameter { name: "key_ref", doc: "Where the key is; at least 16 bytes." },
            Parameter { name: "prefix", doc: "What stands before the hash; default nothing." },
        ],
        doc: "A keyed hash of 128 bits in hex: equal values stay equal, so joins still work. \
              Truth values, lists and objects are redacted.",
        strength: Strength::Keyed,
        allowed_on_key: true,
        example: || MaskSpec::Hmac {
            key: SecretBytes::new(*b"an example key, not a secret one"),
            prefix: "tok_".to_owned(),
        },
    },
    MaskRow {
        name: "partial",
        parameters: &[
            Parameter { name: "keep_first", doc: "Characters to show at the start; default 0." },
            Parameter { name: "keep_last", doc: "Characters to show at the end; default 0." },
            Parameter { name: "character", doc: "What covers each other one; default `*`." },
        ],
        doc: "The ends of a text or number, the rest covered. A value of which more than half \
              would show is covered whole. The length stays readable.",
        strength: Strength::Weak,
        allowed_on_key: false,
        example: || MaskSpec::Partial { keep_first: 0, keep_last: 4, character: '*' },
    },
    MaskRow {
        name: "bucket",
        parameters: &[
            Parameter { name: "size", doc: "The width of every range; above zero." },
            Parameter { name: "edges", doc: "Where ranges start, ascending; instead of `size`." },
        ],
        doc: "The lower end of the range that a number is in. What is no number is redacted.",
        strength: Strength::Weak,
        allowed_on_key: false,
        example: || MaskSpec::Bucket { buckets: Buckets::Size(10.0) },
    },
];

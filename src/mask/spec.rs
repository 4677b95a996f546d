//! Masks as a policy describes them, and what is wrong with a description.

use super::decimal::{Decimal, is_number};

/// The shortest key for `hmac`; 32 random bytes are the usual choice.
pub const KEY_BYTES_MIN: usize = 16;

/// One mask with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum MaskSpec {
    /// The member goes, name and all; a list element becomes null.
    Remove,
    /// An explicit null.
    Null,
    /// A label that says that something was here.
    Redact {
        /// The text to show.
        label: String,
    },
    /// One value for all.
    Fixed {
        /// The value to show.
        value: FixedValue,
    },
    /// A few characters at the ends, the rest covered.
    Partial {
        /// How many characters to show at the start.
        keep_first: u32,
        /// How many characters to show at the end.
        keep_last: u32,
        /// What covers each other character.
        character: char,
    },
    /// A keyed hash: equal values stay equal, and joins still work.
    Hmac {
        /// The key; who has it can test guesses.
        key: SecretBytes,
        /// What stands before the hash, so that readers see what it is.
        prefix: String,
    },
    /// The lower end of the range that a number is in.
    Bucket {
        /// The ranges.
        buckets: Buckets,
    },
}

/// The value that `fixed` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixedValue {
    /// A string.
    Text(String),
    /// A number in JSON's grammar, written into documents as it is here.
    Number(String),
}

/// The ranges of `bucket`.
#[derive(Debug, Clone, PartialEq)]
pub enum Buckets {
    /// All as wide as this, from zero in both directions.
    Size(f64),
    /// From each of these, ascending, to the next; below the first counts as the first.
    Edges(Vec<f64>),
}

/// Bytes that never show: `Debug` prints their number.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

/// Why a policy's mask was refused; the author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// The key of `hmac` can be guessed.
    #[error("the key of `hmac` has {bytes} bytes; it needs at least {KEY_BYTES_MIN}")]
    ShortKey {
        /// How long it is.
        bytes: usize,
    },
    /// The number of `fixed` is not one in JSON.
    #[error("`fixed` needs a number as JSON writes them, such as 0 or -1.5")]
    NotANumber,
    /// `partial` would cover characters with something that cannot be seen.
    #[error("`partial` cannot cover characters with a control character")]
    ControlCharacter,
    /// The size of `bucket` makes no ranges.
    #[error("the size of `bucket` must be a number above zero")]
    NoSize,
    /// The edges of `bucket` make no ranges.
    #[error("the edges of `bucket` must be at least one number, each above the one before")]
    NoEdges,
}

impl MaskSpec {
    /// The word in `mask: {with: …}`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Null => "null",
            Self::Redact { .. } => "redact",
            Self::Fixed { .. } => "fixed",
            Self::Partial { .. } => "partial",
            Self::Hmac { .. } => "hmac",
            Self::Bucket { .. } => "bucket",
        }
    }

    /// Whether the parameters make a mask. Policies are checked when they are loaded.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), MaskError> {
        match self {
            Self::Hmac { key, .. } if key.as_bytes().len() < KEY_BYTES_MIN => {
                Err(MaskError::ShortKey { bytes: key.as_bytes().len() })
            }
            Self::Fixed { value: FixedValue::Number(text) } if !is_number(text) => {
                Err(MaskError::NotANumber)
            }
            Self::Partial { character, .. } if character.is_control() => {
                Err(MaskError::ControlCharacter)
            }
            Self::Bucket { buckets: Buckets::Size(size) } => match Decimal::from_f64(*size) {
                Some(size) if size.is_positive() => Ok(()),
                Some(_) | None => Err(MaskError::NoSize),
            },
            Self::Bucket { buckets: Buckets::Edges(edges) } => {
                let ascending = edges.is_sorted_by(|a, b| a < b);
                let readable = edges.iter().all(|edge| Decimal::from_f64(*edge).is_some());
                if ascending && readable && !edges.is_empty() {
                    Ok(())
                } else {
                    Err(MaskError::NoEdges)
                }
            }
            Self::Remove
            | Self::Null
            | Self::Redact { .. }
            | Self::Fixed { .. }
            | Self::Partial { .. }
            | Self::Hmac { .. } => Ok(()),
        }
    }
}

impl SecretBytes {
    /// Takes the bytes in.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the one who computes with them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SecretBytes({} bytes)", self.0.len())
    }
}

//! `hmac`: a keyed hash, so that equal values stay equal and nothing else stays.

use aws_lc_rs::hmac;

use super::spec::SecretBytes;
use super::{Mask, Strength, redacted};
use crate::field::{FieldKind, Masked};

/// 128 of the 256 bits: short enough to read, and no two values will meet by chance.
const HASH_BYTES: usize = 16;

pub(super) struct Hmac {
    key: hmac::Key,
    prefix: String,
}

impl Hmac {
    pub(super) fn new(key: &SecretBytes, prefix: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        Self { key, prefix: prefix.to_owned() }
    }
}

impl Mask for Hmac {
    fn name(&self) -> &'static str {
        "hmac"
    }

    fn strength(&self) -> Strength {
        Strength::Keyed
    }

    fn allowed_on_key(&self) -> bool {
        true
    }

    /// HMAC-SHA-256 (RFC 2104) of the text's UTF-8 bytes, the first 128 bits in lower-case hex,
    /// behind the prefix. The number 5 and the string "5" give the same, so joins survive a
    /// change of type. A truth value has only two hashes, which would tell it: it is redacted.
    fn apply<'o>(&self, kind: FieldKind, text: &str, scratch: &'o mut String) -> Masked<'o> {
        match kind {
            FieldKind::Null => return Masked::Null,
            FieldKind::Text | FieldKind::Number => {}
            FieldKind::Bool | FieldKind::List | FieldKind::Object => return redacted(scratch),
        }
        let tag = hmac::sign(&self.key, text.as_bytes());
        scratch.clear();
        scratch.push_str(&self.prefix);
        for byte in tag.as_ref().iter().take(HASH_BYTES) {
            scratch.push(hex(byte >> 4));
            scratch.push(hex(byte & 15));
        }
        Masked::Text(scratch)
    }
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

//! Strings of JSON: escapes undone, and escapes written.

use std::borrow::Cow;

use super::lexer::unit;

/// The text of a validated string, given with its quotes.
pub(crate) fn unquote(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let text = if memchr::memchr(b'\\', inner).is_none() {
        std::str::from_utf8(inner).ok().map(Cow::Borrowed)
    } else {
        let mut plain = Vec::with_capacity(inner.len());
        unescape(inner, &mut plain);
        String::from_utf8(plain).ok().map(Cow::Owned)
    };
    text.unwrap_or_default()
}

/// Appends the text of a validated string, given without its quotes.
pub(super) fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    let mut rest = inner;
    while let Some(backslash) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(backslash).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let (character, length) = character(escape);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The character that the escape at the start of `escape` writes, and how many bytes it takes.
fn character(escape: &[u8]) -> (char, usize) {
    let simple = match escape.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(escape),
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, 2)
}

fn unicode(escape: &[u8]) -> (char, usize) {
    let (code, length) = match unit(escape) {
        Some((high @ 0xd800..=0xdbff, behind)) => match unit(behind) {
            Some((low @ 0xdc00..=0xdfff, _)) => {
                (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
            }
            _ => (high, 6),
        },
        Some((code, _)) => (code, 6),
        None => (0xfffd, 6),
    };
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), length)
}

/// Appends `text` as a string, with quotes and what must be escaped.
pub(super) fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = text.as_bytes();
    while let Some(place) = plain.iter().position(|b| matches!(b, b'"' | b'\\' | 0x00..=0x1f)) {
        let (before, from) = plain.split_at_checked(place).unwrap_or((plain, &[]));
        out.extend_from_slice(before);
        let Some((special, behind)) = from.split_first() else {
            break;
        };
        match special {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *special]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let digits = [b'0' + (control >> 4), hex(control & 15)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
        plain = behind;
    }
    out.extend_from_slice(plain);
    out.push(b'"');
}

fn hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

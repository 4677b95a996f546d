//! The tokens of JSON: each function takes the input from a token on and gives what is behind it.
//!
//! The input is known to be UTF-8. No function calls itself: depth is counted, not stacked. Inputs
//! are slices and not positions because a slice pattern checks its bounds once.

use crate::format::DEPTH_MAX;

/// Why a value was not accepted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// Its grammar, in the token that starts this many bytes before the document's end.
    Malformed { left: usize },
    /// Its depth.
    TooDeep,
}

/// Behind the white space here.
///
/// Most documents have none between tokens, so the functions below first look for the token they
/// expect, and for white space only when it is not there.
#[inline]
pub(super) fn white(rest: &[u8]) -> &[u8] {
    match rest {
        [b' ' | b'\n' | b'\r' | b'\t', behind @ ..] => spaces(behind),
        _ => rest,
    }
}

#[cold]
fn spaces(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

/// Behind the list or object that starts here, when there are `depth` levels around it.
pub(super) fn container(mut rest: &[u8], depth: usize) -> Result<&[u8], Fault> {
    // The innermost level is the lowest bit; 1 is a list. DEPTH_MAX levels fit.
    let (mut lists, mut level) = (0_u64, depth);
    loop {
        match rest {
            [b'"', inner @ ..] => rest = string(inner).ok_or_else(|| malformed(rest))?,
            [opener @ (b'{' | b'['), behind @ ..] => {
                if level >= DEPTH_MAX {
                    return Err(Fault::TooDeep);
                }
                level += 1;
                lists = lists << 1 | u64::from(*opener == b'[');
                rest = white(behind);
                // Each closing bracket is two behind its opening one.
                if rest.first() != Some(&(opener + 2)) {
                    if *opener == b'{' {
                        rest = name(rest).ok_or_else(|| malformed(rest))?;
                    }
                    continue;
                }
            }
            [b' ' | b'\n' | b'\r' | b'\t', behind @ ..] => {
                rest = spaces(behind);
                continue;
            }
            _ => rest = scalar(rest).ok_or_else(|| malformed(rest))?,
        }
        // Behind a value, or at the bracket that ends an empty list or object.
        loop {
            match (rest, lists & 1) {
                ([b',', behind @ ..], 0) => {
                    rest = name(behind).ok_or_else(|| malformed(behind))?;
                    break;
                }
                ([b',', behind @ ..], _) => {
                    rest = behind;
                    break;
                }
                ([b']', behind @ ..], 1) | ([b'}', behind @ ..], 0) => {
                    level -= 1;
                    lists >>= 1;
                    if level == depth {
                        return Ok(behind);
                    }
                    rest = behind;
                }
                ([b' ' | b'\n' | b'\r' | b'\t', behind @ ..], _) => rest = spaces(behind),
                _ => return Err(malformed(rest)),
            }
        }
    }
}

/// The fault of the token here.
#[cold]
pub(super) fn malformed(rest: &[u8]) -> Fault {
    Fault::Malformed { left: rest.len() }
}

/// Behind the string, number or literal here.
#[inline]
pub(super) fn scalar(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'"', inner @ ..] => string(inner),
        [b'-' | b'0'..=b'9', ..] => number(rest),
        [b't', behind @ ..] => behind.strip_prefix(b"rue"),
        [b'f', behind @ ..] => behind.strip_prefix(b"alse"),
        [b'n', behind @ ..] => behind.strip_prefix(b"ull"),
        _ => None,
    }
}

/// Behind the name here and its colon.
#[inline]
fn name(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'"', inner @ ..] => colon(string(inner)?),
        _ => match white(rest) {
            [b'"', inner @ ..] => colon(string(inner)?),
            _ => None,
        },
    }
}

/// Behind the colon here.
#[inline]
pub(super) fn colon(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b':', behind @ ..] => Some(behind),
        _ => white(rest).strip_prefix(b":"),
    }
}

/// Behind the string whose opening quote has been read.
#[inline]
pub(super) fn string(inner: &[u8]) -> Option<&[u8]> {
    match plain(inner) {
        [b'"', behind @ ..] => Some(behind),
        [b'\\', ..] => escaped_string(inner),
        _ => None,
    }
}

/// The same for a string with escapes.
pub(super) fn escaped_string(inner: &[u8]) -> Option<&[u8]> {
    let mut rest = inner;
    loop {
        match plain(rest) {
            [b'"', behind @ ..] => return Some(behind),
            escape @ [b'\\', ..] => rest = behind_escape(escape)?,
            _ => return None,
        }
    }
}

/// From the first byte on that cannot stand in a string as it is: a quote, a backslash, a control
/// character, or the end.
#[inline]
pub(super) fn plain(inner: &[u8]) -> &[u8] {
    let mut rest = inner;
    // Two words at a time, while there are two: most strings end in the first or second pair.
    while let Some((pair, behind)) = rest.split_first_chunk::<16>() {
        let pair = u128::from_le_bytes(*pair);
        let (low, high) = (special(pair as u64), special((pair >> 64) as u64));
        if low | high != 0 {
            let stops = u128::from(low) | u128::from(high) << 64;
            return rest.get(stops.trailing_zeros() as usize / 8..).unwrap_or_default();
        }
        rest = behind;
    }
    while let [0x20..=0x21 | 0x23..=0x5b | 0x5d..=0xff, behind @ ..] = rest {
        rest = behind;
    }
    rest
}

/// Marks the special ones of eight bytes by their high bits. Above the lowest mark there may be
/// false ones, because a subtraction borrows from the byte above; the lowest is always true.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // This swaps the quote and the space: the quote joins the control characters below 0x21.
    let controls_and_quote = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (controls_and_quote | backslash) & !word & (ONES * 0x80)
}

/// Behind the escape here. Half a surrogate pair is refused: it names no character, so readers
/// differ in what they make of it.
fn behind_escape(escape: &[u8]) -> Option<&[u8]> {
    match escape {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', behind @ ..] => Some(behind),
        _ => match unit(escape)? {
            (0xd800..=0xdbff, low) => match unit(low)? {
                (0xdc00..=0xdfff, behind) => Some(behind),
                _ => None,
            },
            (0xdc00..=0xdfff, _) => None,
            (_, behind) => Some(behind),
        },
    }
}

/// The UTF-16 unit that `\uXXXX` here writes, and what is behind it.
pub(super) fn unit(escape: &[u8]) -> Option<(u32, &[u8])> {
    let (unit, behind) = escape.split_first_chunk::<6>()?;
    let [b'\\', b'u', digits @ ..] = unit else {
        return None;
    };
    let digit = |unit: u32, digit: &u8| Some(unit << 4 | char::from(*digit).to_digit(16)?);
    Some((digits.iter().try_fold(0, digit)?, behind))
}

/// Behind the number here. What follows is for the caller to judge: `01` and `1x` fail there.
fn number(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let mut rest = match rest {
        [b'0', behind @ ..] => behind,
        _ => digits(rest)?,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = digits(fraction)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = match exponent {
            [b'+' | b'-', unsigned @ ..] => digits(unsigned)?,
            _ => digits(exponent)?,
        };
    }
    Some(rest)
}

#[inline]
fn digits(rest: &[u8]) -> Option<&[u8]> {
    let [b'0'..=b'9', behind @ ..] = rest else {
        return None;
    };
    let mut rest = behind;
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    Some(rest)
}

//! ULIDs: 48 bits of milliseconds and 80 random bits, so that ids sort by time.

use std::fmt;

/// Crockford's base 32, as the ULID specification writes it.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The 16 bytes of a ULID, most significant first. `Display` gives the 26 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(pub [u8; 16]);

impl Ulid {
    /// From milliseconds since 1970 (the low 48 bits are used) and 80 bits of randomness that
    /// the caller brings; this layer has no source of its own.
    pub fn from_parts(time_ms: u64, random: [u8; 10]) -> Self {
        let time = u128::from(time_ms & 0xFFFF_FFFF_FFFF) << 80;
        let mut wide = [0_u8; 16];
        for (to, from) in wide.iter_mut().skip(6).zip(random) {
            *to = from;
        }
        Ulid((time | u128::from_be_bytes(wide)).to_be_bytes())
    }

    /// Milliseconds since 1970 at which the id was made.
    pub fn time_ms(&self) -> u64 {
        u64::try_from(u128::from_be_bytes(self.0) >> 80).unwrap_or(0)
    }

    /// The 26 characters, upper case.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Reads the 26 characters, in either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 26 {
            return None;
        }
        let mut bits: u128 = 0;
        for byte in text.bytes() {
            let upper = byte.to_ascii_uppercase();
            let digit = ALPHABET.iter().position(|letter| *letter == upper)?;
            if bits >> 123 != 0 {
                return None;
            }
            bits = (bits << 5) | u128::try_from(digit).ok()?;
        }
        Some(Ulid(bits.to_be_bytes()))
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for place in (0..26_u32).rev() {
            let digit = usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0);
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_specifications() {
        // The time part of the example in the ULID specification, 1469918176385 ms.
        let id = Ulid::from_parts(1_469_918_176_385, [0; 10]);
        assert_eq!(id.text(), "01ARYZ6S410000000000000000");
        assert_eq!(id.time_ms(), 1_469_918_176_385);
        let most = Ulid([0xFF; 16]);
        assert_eq!(most.text(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(Ulid::parse(&most.text()), Some(most));
        assert_eq!(Ulid::parse("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), None);
        assert_eq!(Ulid::parse("01ARYZ6S41"), None);
        assert_eq!(Ulid::parse("01ARYZ6S41000000000000000U"), None);
    }

    #[test]
    fn ids_sort_by_time() {
        let early = Ulid::from_parts(1, [0xFF; 10]);
        let late = Ulid::from_parts(2, [0; 10]);
        assert!(early < late);
        assert!(early.text() < late.text());
    }
}

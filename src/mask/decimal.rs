//! Exact decimal numbers: what `bucket` computes with, so that 0.3 falls where a person expects.

use std::fmt::Write;

/// `digits` × 10^`exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    exponent: i32,
}

/// Exponents beyond this are no amounts that anybody groups.
const EXPONENT_MAX: i32 = 38;

/// Whether `text` is a number in JSON's grammar (RFC 8259, section 6).
pub fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned_exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && unsigned_exponent.is_none_or(digits)
}

impl Decimal {
    /// Reads a number in JSON's grammar; `None` if it is none or does not fit.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !is_number(text) {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (mut digits, mut places, mut behind_point) = (0_i128, 0_i32, false);
        for byte in mantissa.bytes() {
            match byte {
                b'0'..=b'9' => {
                    digits = digits.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                    places = places.checked_add(i32::from(behind_point))?;
                }
                b'.' => behind_point = true,
                _ => {}
            }
        }
        if mantissa.starts_with('-') {
            digits = digits.checked_neg()?;
        }
        let exponent = exponent.checked_sub(places)?;
        Some(Self { digits, exponent }.normal())
            .filter(|number| number.exponent.abs() <= EXPONENT_MAX)
    }

    /// The shortest decimal that is this float: 0.1 is 0.1.
    pub(super) fn from_f64(number: f64) -> Option<Self> {
        if number.is_finite() { Self::parse(&number.to_string()) } else { None }
    }

    pub(super) fn is_positive(self) -> bool {
        self.digits > 0
    }

    /// The greatest multiple of `size` that is not above this; `None` if it does not fit.
    pub(super) fn floor_to(self, size: Self) -> Option<Self> {
        let (digits, size, exponent) = self.aligned(size)?;
        let digits = digits.checked_div_euclid(size)?.checked_mul(size)?;
        Some(Self { digits, exponent }.normal())
    }

    /// Whether this is not above `other`; `None` if that cannot be computed.
    pub(super) fn is_at_most(self, other: Self) -> Option<bool> {
        let (digits, other, _) = self.aligned(other)?;
        Some(digits <= other)
    }

    /// Writes the number without an exponent, as short as can be.
    pub(super) fn write(self, out: &mut String) {
        let start = out.len();
        let zeros = usize::try_from(self.exponent).unwrap_or(0);
        let places = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(0);
        // Writing to a String cannot fail.
        if self.exponent >= 0 {
            let _ = write!(out, "{}{}", self.digits, "0".repeat(zeros));
            return;
        }
        let magnitude = self.digits.unsigned_abs();
        let _ = write!(out, "{magnitude:0>width$}", width = places.saturating_add(1));
        out.insert(out.len().saturating_sub(places), '.');
        if self.digits < 0 {
            out.insert(start, '-');
        }
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, i32)> {
        let exponent = self.exponent.min(other.exponent);
        Some((self.at(exponent)?, other.at(exponent)?, exponent))
    }

    fn at(self, exponent: i32) -> Option<i128> {
        let places = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(places)?)
    }

    fn normal(mut self) -> Self {
        if self.digits == 0 {
            return Self { digits: 0, exponent: 0 };
        }
        while self.digits % 10 == 0 {
            self.digits /= 10;
            self.exponent = self.exponent.saturating_add(1);
        }
        self
    }
}

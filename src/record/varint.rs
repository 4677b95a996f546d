//! Zig-zag variable-length numbers, as Kafka's `ByteUtils` writes them, and a reader of fields.

use super::fault::RecordProblem;

/// Reads fields from the front of a slice and never past its end.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes are read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The bytes not yet read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn byte(&mut self) -> Result<u8, RecordProblem> {
        let byte = *self.bytes.get(self.at).ok_or(RecordProblem::Truncated)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], RecordProblem> {
        let (taken, _) = self.rest().split_at_checked(length).ok_or(RecordProblem::Truncated)?;
        self.at = self.at.saturating_add(length);
        Ok(taken)
    }

    /// A 32-bit number of at most five bytes; see [`Reader::varlong`] for what is refused.
    pub(super) fn varint(&mut self) -> Result<i32, RecordProblem> {
        let raw = self.unsigned(u32::BITS)?;
        let raw = u32::try_from(raw).map_err(|_| RecordProblem::Varint)?;
        let magnitude = i32::try_from(raw >> 1).map_err(|_| RecordProblem::Varint)?;
        Ok(if raw & 1 == 0 { magnitude } else { !magnitude })
    }

    /// A 64-bit number of at most ten bytes.
    ///
    /// Kafka's own reader takes any form of up to five (or ten) bytes and drops excess bits, so
    /// that one number has many spellings. Only the shortest is accepted here: no known client
    /// writes another, and a second spelling is a place where two readers can disagree.
    pub(super) fn varlong(&mut self) -> Result<i64, RecordProblem> {
        let raw = self.unsigned(u64::BITS)?;
        let magnitude = i64::try_from(raw >> 1).map_err(|_| RecordProblem::Varint)?;
        Ok(if raw & 1 == 0 { magnitude } else { !magnitude })
    }

    /// Length-prefixed bytes; length -1 is null. Kafka's `Utils.readBytes` takes every negative
    /// length for null; any other than -1 is refused here.
    pub(super) fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, RecordProblem> {
        match self.varint()? {
            -1 => Ok(None),
            length => self.take(positive(length)?).map(Some),
        }
    }

    /// Length-prefixed bytes that cannot be null.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], RecordProblem> {
        let length = self.varint()?;
        self.take(positive(length)?)
    }

    fn unsigned(&mut self, bits: u32) -> Result<u64, RecordProblem> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7u32;
        while shift < bits {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            // The last group has fewer than seven bits left: anything above them is excess.
            let room = bits.saturating_sub(shift);
            if room < 7 && group >> room != 0 {
                return Err(RecordProblem::Varint);
            }
            value |= group << shift;
            if byte < 0x80 {
                // A last group of zero adds nothing: the shorter form exists.
                return if byte == 0 { Err(RecordProblem::Varint) } else { Ok(value) };
            }
            shift = shift.saturating_add(7);
        }
        Err(RecordProblem::Varint)
    }
}

fn positive(length: i32) -> Result<usize, RecordProblem> {
    usize::try_from(length).map_err(|_| RecordProblem::Length(length))
}

/// Appends `value` in its shortest form. A 32-bit number has the same form as a 64-bit one.
pub(super) fn write_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// How many bytes [`write_varint`] appends.
pub(super) fn varint_bytes(value: i64) -> usize {
    let bits = u64::BITS.saturating_sub((zigzag(value) | 1).leading_zeros());
    bits.div_ceil(7) as usize
}

fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_form() {
        for value in [0, 1, -1, 63, 64, -64, -65, 8191, i64::from(i32::MAX), i64::from(i32::MIN)] {
            let mut out = Vec::new();
            write_varint(&mut out, value);
            assert_eq!(out.len(), varint_bytes(value), "{value}");
            let mut reader = Reader::new(&out);
            assert_eq!(i64::from(reader.varint().unwrap()), value);
            assert_eq!(Reader::new(&out).varlong().unwrap(), value);
            assert!(reader.rest().is_empty());
        }
        for value in [i64::MAX, i64::MIN, 1 << 40] {
            let mut out = Vec::new();
            write_varint(&mut out, value);
            assert_eq!(out.len(), varint_bytes(value));
            assert_eq!(Reader::new(&out).varlong().unwrap(), value);
            assert_eq!(Reader::new(&out).varint(), Err(RecordProblem::Varint));
        }
    }

    #[test]
    fn longer_forms_are_refused() {
        let cases: [&[u8]; 5] = [
            &[0x80, 0x00],
            &[0x81, 0x80, 0x00],
            &[0xff, 0xff, 0xff, 0xff, 0x1f],
            &[0xff, 0xff, 0xff, 0xff, 0x8f, 0x00],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        ];
        for case in cases {
            assert_eq!(Reader::new(case).varint(), Err(RecordProblem::Varint), "{case:?}");
        }
        let mut excess = [0xff; 10];
        excess[9] = 0x03;
        assert_eq!(Reader::new(&excess).varlong(), Err(RecordProblem::Varint));
        excess[9] = 0x01;
        assert_eq!(Reader::new(&excess).varlong(), Ok(i64::MIN));
        assert_eq!(Reader::new(&[0x80]).varint(), Err(RecordProblem::Truncated));
    }

    #[test]
    fn only_minus_one_is_null() {
        assert_eq!(Reader::new(&[1]).nullable_bytes(), Ok(None));
        assert_eq!(Reader::new(&[3]).nullable_bytes(), Err(RecordProblem::Length(-2)));
        assert_eq!(Reader::new(&[1]).bytes(), Err(RecordProblem::Length(-1)));
        assert_eq!(Reader::new(&[4, 7]).bytes(), Err(RecordProblem::Truncated));
    }
}

//! Reading forward in a body, or in one tagged value of it, without ever reading past its end.

use super::ShapeError;

/// What is left of a body, and where it ends, so that every offset is one of the whole body.
pub(super) struct Cursor<'b> {
    rest: &'b [u8],
    end: usize,
}

impl<'b> Cursor<'b> {
    /// `body` is at most `u32::MAX` bytes long, which the caller has checked.
    pub(super) fn new(body: &'b [u8]) -> Self {
        Self { rest: body, end: body.len() }
    }

    /// Offset of the next byte in the whole body.
    #[inline]
    pub(super) fn at(&self) -> u32 {
        u32::try_from(self.end.saturating_sub(self.rest.len())).unwrap_or(u32::MAX)
    }

    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) -> Result<(), ShapeError> {
        self.take(bytes).map(|_| ())
    }

    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'b [u8], ShapeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(bytes) else {
            return Err(ShapeError::Truncated { at: self.at() });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Like `take`, for bytes whose count the peer wrote at `length_at`.
    #[inline]
    pub(super) fn take_counted(
        &mut self,
        bytes: usize,
        length_at: u32,
    ) -> Result<&'b [u8], ShapeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(bytes) else {
            return Err(ShapeError::CountTooLarge { at: length_at });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `bytes` bytes as a cursor of their own, for a tagged value.
    pub(super) fn part(&mut self, bytes: usize, length_at: u32) -> Result<Self, ShapeError> {
        let rest = self.take_counted(bytes, length_at)?;
        Ok(Self { rest, end: self.end.saturating_sub(self.rest.len()) })
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, ShapeError> {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return Err(ShapeError::Truncated { at: self.at() });
        };
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    fn array<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], ShapeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<BYTES>() else {
            return Err(ShapeError::Truncated { at: self.at() });
        };
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    pub(super) fn int16(&mut self) -> Result<i16, ShapeError> {
        self.array().map(i16::from_be_bytes)
    }

    #[inline]
    pub(super) fn int32(&mut self) -> Result<i32, ShapeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// An unsigned varint of at most 32 bits in its shortest form: Kafka's own readers take longer
    /// ones too, each in its own way, so two readers could see two messages in the same bytes.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u32, ShapeError> {
        let at = self.at();
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u32::from(first));
        }
        let mut value = u32::from(first & 0x7f);
        for shift in [7_u32, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                let fits = shift < 28 || byte < 0x10;
                return if byte != 0 && fits {
                    Ok(value)
                } else {
                    Err(ShapeError::OverlongVarint { at })
                };
            }
        }
        Err(ShapeError::OverlongVarint { at })
    }
}

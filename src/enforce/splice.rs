//! Edits of a frame: the untouched runs stay slices of the buffer that the frame was read into.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::outcome::Slices;

/// Replacements of ranges of one frame, in rising order and apart from each other.
#[derive(Default)]
pub struct Edits {
    edits: Vec<(Range<usize>, Slices)>,
}

impl Edits {
    /// Puts `slices` in the place of `range`. Ranges come in rising order; an empty range inserts.
    pub fn replace(&mut self, range: Range<usize>, slices: impl IntoIterator<Item = Bytes>) {
        self.edits.push((range, slices.into_iter().collect()));
    }

    /// Takes `range` out.
    pub fn remove(&mut self, range: Range<usize>) {
        self.replace(range, []);
    }

    /// The frame with all edits made.
    #[must_use]
    pub fn apply(self, frame: &Bytes) -> Slices {
        let mut out = Slices::new();
        let mut at = 0_usize;
        for (range, slices) in self.edits {
            push(&mut out, frame, at..range.start);
            out.extend(slices.into_iter().filter(|slice| !slice.is_empty()));
            at = range.end;
        }
        push(&mut out, frame, at..frame.len());
        out
    }
}

fn push(out: &mut Slices, frame: &Bytes, range: Range<usize>) {
    if range.start < range.end && range.end <= frame.len() {
        out.push(frame.slice(range));
    }
}

/// An array's count, or a byte string's length, as the version writes it.
#[must_use]
pub fn length_prefix(flexible: bool, length: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(5);
    if flexible {
        let mut rest = u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1);
        while rest >= 0x80 {
            out.put_u8(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
            rest >>= 7;
        }
        out.put_u8(u8::try_from(rest).unwrap_or(0));
    } else {
        out.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(slices: &Slices) -> Vec<u8> {
        slices.iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    #[test]
    fn edits_replace_insert_and_remove() {
        let frame = Bytes::from_static(b"0123456789");
        let mut edits = Edits::default();
        edits.replace(2..4, [Bytes::from_static(b"ab"), Bytes::from_static(b"c")]);
        edits.remove(5..6);
        edits.replace(10..10, [Bytes::from_static(b"!")]);
        assert_eq!(joined(&edits.apply(&frame)), b"01abc46789!");
    }

    #[test]
    fn no_edit_is_the_frame_itself() {
        let frame = Bytes::from_static(b"abc");
        let slices = Edits::default().apply(&frame);
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].as_ptr(), frame.as_ptr());
    }

    #[test]
    fn lengths_are_written_as_the_version_wants() {
        assert_eq!(length_prefix(false, 300).as_ref(), [0, 0, 1, 44]);
        assert_eq!(length_prefix(true, 0).as_ref(), [1]);
        assert_eq!(length_prefix(true, 127).as_ref(), [0x80, 1]);
    }
}

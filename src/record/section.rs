//! The buffer that decompressed records go to: used again and again, and never above its cap.

use super::fault::BatchError;

/// What a free part starts with when nothing better is known.
const FIRST_ROOM_BYTES: usize = 16 << 10;

/// A buffer whose allocation outlives a batch, so that a steady stream of batches allocates
/// nothing. It holds at most one byte more than `bytes_max`: the byte that proves an overflow.
#[derive(Default)]
pub(super) struct Section {
    /// Initialised memory, of which the first `filled` bytes are this batch's.
    bytes: Vec<u8>,
    filled: usize,
    bytes_max: usize,
}

impl Section {
    /// Empties the buffer for the next batch.
    pub(super) fn start(&mut self, bytes_max: usize) {
        self.filled = 0;
        self.bytes_max = bytes_max;
    }

    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Gives memory back if the buffer has grown beyond `bytes_max`.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        self.filled = 0;
        if self.bytes.capacity() > bytes_max {
            self.bytes = Vec::new();
        }
    }

    /// A free part of at least one byte for a decoder that writes as much as fits.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.filled >= self.bytes.len() {
            let doubled = self.bytes.len().saturating_mul(2).max(FIRST_ROOM_BYTES);
            self.grow(doubled);
        }
        self.free()
    }

    /// A free part of `wanted` bytes, or less where the cap comes first.
    pub(super) fn room_for(&mut self, wanted: usize) -> &mut [u8] {
        let needed = self.filled.saturating_add(wanted);
        if needed > self.bytes.len() {
            self.grow(needed.max(self.bytes.len().saturating_mul(2)));
        }
        self.free()
    }

    /// A free part as from [`Section::room_for`], and before it what is filled.
    pub(super) fn split(&mut self, wanted: usize) -> (&[u8], &mut [u8]) {
        self.room_for(wanted);
        let end = self.end();
        let (filled, free) = match self.bytes.get_mut(..end) {
            Some(bytes) => bytes.split_at_mut(self.filled.min(end)),
            None => (&mut [][..], &mut [][..]),
        };
        (filled, free)
    }

    /// Takes over `bytes` bytes that were written to the free part.
    pub(super) fn advance(&mut self, bytes: usize) -> Result<(), BatchError> {
        self.filled = self.filled.saturating_add(bytes).min(self.bytes.len());
        if self.filled > self.bytes_max { Err(self.too_large()) } else { Ok(()) }
    }

    /// Appends bytes that need no decoding.
    pub(super) fn append(&mut self, source: &[u8]) -> Result<(), BatchError> {
        self.require(source.len())?;
        match self.room_for(source.len()).get_mut(..source.len()) {
            Some(room) => room.copy_from_slice(source),
            None => return Err(self.too_large()),
        }
        self.advance(source.len())
    }

    /// Refuses what is known to exceed the cap before a byte of it is allocated.
    pub(super) fn require(&self, bytes: usize) -> Result<(), BatchError> {
        if bytes > self.bytes_max.saturating_sub(self.filled) {
            return Err(self.too_large());
        }
        Ok(())
    }

    pub(super) fn too_large(&self) -> BatchError {
        BatchError::TooLarge { bytes_max: self.bytes_max }
    }

    fn end(&self) -> usize {
        self.bytes.len().min(self.bytes_max.saturating_add(1))
    }

    fn free(&mut self) -> &mut [u8] {
        let end = self.end();
        self.bytes.get_mut(self.filled..end).unwrap_or_default()
    }

    fn grow(&mut self, length: usize) {
        // The last step goes all the way: a step of the one byte above the cap would be a waste.
        let ceiling = self.bytes_max.saturating_add(1);
        let length = if length >= self.bytes_max { ceiling } else { length };
        if length > self.bytes.len() {
            self.bytes.reserve_exact(length.saturating_sub(self.bytes.len()));
            self.bytes.resize(length, 0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_holds() {
        let mut section = Section::default();
        section.start(20_000);
        let mut written = 0;
        let error = loop {
            let room = section.room().len();
            assert!(room > 0);
            written += room;
            if let Err(error) = section.advance(room) {
                break error;
            }
        };
        assert_eq!(error, BatchError::TooLarge { bytes_max: 20_000 });
        assert_eq!(written, 20_001);
        assert!(section.bytes.capacity() <= 20_001);
        section.start(10);
        assert_eq!(section.room().len(), 11);
        assert!(section.append(&[0; 11]).is_err());
        section.append(&[7; 10]).unwrap();
        assert_eq!(section.filled(), [7; 10]);
        assert!(section.append(&[0]).is_err());
        section.trim(100);
        assert_eq!(section.bytes.capacity(), 0);
    }
}

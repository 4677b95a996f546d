//! What a rewritten record gets in place of its own fields. Filled by the caller, used again.

use std::fmt;

use super::fault::BatchError;
use super::records::Record;
use super::varint::{varint_bytes, write_varint};

/// New fields for one record; a field that is not set keeps its bytes.
///
/// [`super::Codecs::rewrite`] hands an empty one to the caller's function for each record, with
/// the buffers of the last one, so that a steady stream of records allocates nothing.
#[derive(Default)]
pub struct Replacement {
    key: Slot,
    value: Slot,
    headers: Vec<(usize, HeaderEdit)>,
    /// The new header values that `headers` points into.
    header_bytes: Vec<u8>,
}

/// A key or value.
#[derive(Default)]
struct Slot {
    state: SlotState,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum SlotState {
    #[default]
    Keep,
    Null,
    Bytes,
}

#[derive(Clone, Copy)]
enum HeaderEdit {
    Remove,
    Null,
    Bytes { start: usize, end: usize },
}

impl Replacement {
    /// Sets the key; `None` is null.
    pub fn set_key(&mut self, key: Option<&[u8]>) {
        self.key.set(key);
    }

    /// Sets the value; `None` is null, which is a tombstone on a compacted topic.
    pub fn set_value(&mut self, value: Option<&[u8]>) {
        self.value.set(value);
    }

    /// An empty buffer that becomes the new key.
    pub fn key_buffer(&mut self) -> &mut Vec<u8> {
        self.key.buffer()
    }

    /// An empty buffer that becomes the new value.
    pub fn value_buffer(&mut self) -> &mut Vec<u8> {
        self.value.buffer()
    }

    /// Takes the value as it is.
    pub fn keep_value(&mut self) {
        self.value.state = SlotState::Keep;
    }

    /// Sets the value of the header at `index` (from 0, in the record's order); `None` is null.
    /// The last edit of a header wins. An index that the record does not have changes nothing.
    pub fn set_header(&mut self, index: usize, value: Option<&[u8]>) {
        let edit = match value {
            None => HeaderEdit::Null,
            Some(value) => {
                let start = self.header_bytes.len();
                self.header_bytes.extend_from_slice(value);
                HeaderEdit::Bytes { start, end: self.header_bytes.len() }
            }
        };
        self.headers.push((index, edit));
    }

    /// Takes the header at `index` away.
    pub fn remove_header(&mut self, index: usize) {
        self.headers.push((index, HeaderEdit::Remove));
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        let kept = |slot: &Slot| slot.state == SlotState::Keep;
        kept(&self.key) && kept(&self.value) && self.headers.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.key.state = SlotState::Keep;
        self.value.state = SlotState::Keep;
        self.headers.clear();
        self.header_bytes.clear();
    }

    pub(super) fn trim(&mut self, bytes_max: usize) {
        self.clear();
        for buffer in [&mut self.key.bytes, &mut self.value.bytes, &mut self.header_bytes] {
            if buffer.capacity() > bytes_max {
                *buffer = Vec::new();
            }
        }
    }

    /// Appends `record` with these fields to `out`; `scratch` is a buffer to work in.
    ///
    /// # Errors
    /// [`BatchError::TooLarge`] if a length no longer fits the format's 32 bits.
    pub(super) fn write(
        &mut self,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), BatchError> {
        let runs = &record.runs;
        let headers = if self.headers.is_empty() {
            runs.headers
        } else {
            scratch.clear();
            self.write_headers(record, scratch)?;
            scratch.as_slice()
        };
        let body_bytes = runs
            .front
            .len()
            .saturating_add(self.key.size_bytes(runs.key)?)
            .saturating_add(self.value.size_bytes(runs.value)?)
            .saturating_add(headers.len());
        write_varint(out, length(body_bytes)?);
        out.extend_from_slice(runs.front);
        self.key.write(runs.key, out)?;
        self.value.write(runs.value, out)?;
        out.extend_from_slice(headers);
        Ok(())
    }

    fn write_headers(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), BatchError> {
        if !self.headers.is_sorted_by_key(|(index, _)| *index) {
            // Stable: of several edits of one header the last stays the last.
            self.headers.sort_by_key(|(index, _)| *index);
        }
        let count = record.headers.len();
        let removed = self.headers.chunk_by(|a, b| a.0 == b.0).filter_map(<[_]>::last);
        let removed = removed
            .filter(|(index, edit)| *index < count && matches!(edit, HeaderEdit::Remove))
            .count();
        write_varint(out, length(count.saturating_sub(removed))?);
        let mut edits = self.headers.iter().peekable();
        for (index, (key, value)) in record.headers.iter().enumerate() {
            let mut edit = None;
            while let Some((_, next)) = edits.next_if(|(edited, _)| *edited == index) {
                edit = Some(*next);
            }
            let value = match edit {
                None => value,
                Some(HeaderEdit::Remove) => continue,
                Some(HeaderEdit::Null) => None,
                Some(HeaderEdit::Bytes { start, end }) => self.header_bytes.get(start..end),
            };
            write_bytes(out, Some(key))?;
            write_bytes(out, value)?;
        }
        Ok(())
    }
}

impl Slot {
    fn set(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.buffer().extend_from_slice(bytes),
            None => self.state = SlotState::Null,
        }
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        self.state = SlotState::Bytes;
        self.bytes.clear();
        &mut self.bytes
    }

    /// The field's size with its length; `kept` is the field as it was.
    fn size_bytes(&self, kept: &[u8]) -> Result<usize, BatchError> {
        Ok(match self.state {
            SlotState::Keep => kept.len(),
            SlotState::Null => 1,
            SlotState::Bytes => {
                varint_bytes(length(self.bytes.len())?).saturating_add(self.bytes.len())
            }
        })
    }

    fn write(&self, kept: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
        match self.state {
            SlotState::Keep => out.extend_from_slice(kept),
            SlotState::Null => write_bytes(out, None)?,
            SlotState::Bytes => write_bytes(out, Some(&self.bytes))?,
        }
        Ok(())
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) -> Result<(), BatchError> {
    match bytes {
        None => write_varint(out, -1),
        Some(bytes) => {
            write_varint(out, length(bytes.len())?);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

/// A length as the format has it: 32 bits, signed.
fn length(bytes: usize) -> Result<i64, BatchError> {
    let too_large = BatchError::TooLarge { bytes_max: i32::MAX as usize };
    i32::try_from(bytes).map(i64::from).map_err(|_| too_large)
}

impl fmt::Debug for Replacement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Replacement")
            .field("key_bytes", &self.key.bytes.len())
            .field("value_bytes", &self.value.bytes.len())
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}

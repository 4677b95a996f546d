//! Taking unknown tags out of a body: what our tables do not know is not passed on, and is no
//! reason to refuse either (KIP-482 lets every reader skip it).

use super::walk::Visitor;
use super::{Direction, Event, Limits, ShapeError, walk};

/// The body without the tags that Kafka 4.3.1 does not define: the counts of their sections and
/// the sizes of the known tags around them are patched, every other byte is as it was.
///
/// # Errors
/// What [`super::check`] says of the body; one without unknown tags is returned as it is.
pub fn without_unknown_tags(
    direction: Direction,
    key: i16,
    version: i16,
    body: &[u8],
    limits: &Limits,
) -> Result<Vec<u8>, ShapeError> {
    let mut splices = Splices::default();
    walk(direction, key, version, body, limits, &mut splices)?;
    Ok(splices.apply(body))
}

/// Bytes `start..end` of the body become `varint`, or nothing.
#[derive(Debug, Clone, Copy)]
struct Edit {
    start: u32,
    end: u32,
    varint: Option<u32>,
}

/// A section or known tag whose end was not met yet.
#[derive(Debug, Clone, Copy)]
enum Open {
    Section {
        at: u32,
        after: u32,
        count: u32,
        removed: u32,
    },
    /// `edits` were there when the tag began; those since then are inside its value.
    Tag {
        size_at: u32,
        body: u32,
        edits: usize,
    },
}

#[derive(Debug, Default)]
struct Splices {
    edits: Vec<Edit>,
    open: Vec<Open>,
}

impl Visitor for Splices {
    fn event(&mut self, event: Event) {
        let Event::UnknownTag { start, end } = event else {
            return;
        };
        self.edits.push(Edit { start, end, varint: None });
        if let Some(Open::Section { removed, .. }) = self.open.last_mut() {
            *removed = removed.saturating_add(1);
        }
    }

    fn tags_start(&mut self, at: u32, after: u32, count: u32) {
        self.open.push(Open::Section { at, after, count, removed: 0 });
    }

    fn tags_end(&mut self) {
        let Some(Open::Section { at, after, count, removed }) = self.open.pop() else {
            return;
        };
        if removed > 0 {
            let varint = Some(count.saturating_sub(removed));
            self.edits.push(Edit { start: at, end: after, varint });
        }
    }

    fn known_tag_start(&mut self, size_at: u32, body: u32) {
        self.open.push(Open::Tag { size_at, body, edits: self.edits.len() });
    }

    fn known_tag_end(&mut self, end: u32) {
        let Some(Open::Tag { size_at, body, edits }) = self.open.pop() else {
            return;
        };
        let inside = self.edits.get(edits..).unwrap_or_default();
        if inside.is_empty() {
            return;
        }
        let shrunk = inside.iter().fold(0_u32, |sum, edit| sum.saturating_add(edit.shrinks_by()));
        let size = end.saturating_sub(body).saturating_sub(shrunk);
        self.edits.push(Edit { start: size_at, end: body, varint: Some(size) });
    }
}

impl Splices {
    fn apply(mut self, body: &[u8]) -> Vec<u8> {
        self.edits.sort_unstable_by_key(|edit| edit.start);
        let mut spliced = Vec::with_capacity(body.len());
        let mut kept_to = 0_usize;
        for edit in &self.edits {
            spliced.extend_from_slice(body.get(kept_to..edit.start as usize).unwrap_or_default());
            if let Some(value) = edit.varint {
                let (bytes, length) = encode(value);
                spliced.extend(bytes.into_iter().take(length));
            }
            kept_to = edit.end as usize;
        }
        spliced.extend_from_slice(body.get(kept_to..).unwrap_or_default());
        spliced
    }
}

impl Edit {
    /// A smaller count or size never takes more bytes than the one it replaces.
    fn shrinks_by(self) -> u32 {
        let before = self.end.saturating_sub(self.start);
        let after = self.varint.map_or(0, |value| encode(value).1);
        before.saturating_sub(u32::try_from(after).unwrap_or(0))
    }
}

/// A varint in its shortest form, and how many of the bytes it has.
fn encode(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0_u8; 5];
    let mut length = 0_usize;
    for byte in &mut bytes {
        length = length.saturating_add(1);
        *byte = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, length)
}

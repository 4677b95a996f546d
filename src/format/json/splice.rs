//! The edits: what lies between them is copied as it stands.

use super::lexer::{scalar, white};
use super::text::quote;
use crate::field::Masked;
use crate::format::Undecodable;
use crate::format::hits::{Hit, Hits};

/// Appends `document` with `edits` made.
pub(super) fn splice(
    document: &[u8],
    hits: &Hits,
    edits: &[(usize, Masked<'_>)],
    out: &mut Vec<u8>,
) -> Result<(), Undecodable> {
    let list = hits.check(document)?;
    if edits.iter().any(|(number, _)| *number >= list.len()) {
        return Err(Undecodable::ForeignHits);
    }
    let base = out.len();
    let mut splicer = Splicer { document, out, base, done: 0 };
    if edits.is_sorted_by_key(|(number, _)| *number) {
        splicer.run(list, edits);
    } else {
        // A stable sort: of two edits of one hit the first is made.
        let mut sorted = edits.to_vec();
        sorted.sort_by_key(|(number, _)| *number);
        splicer.run(list, &sorted);
    }
    Ok(())
}

struct Splicer<'s> {
    document: &'s [u8],
    out: &'s mut Vec<u8>,
    /// Where this document starts in `out`.
    base: usize,
    /// How much of the document is dealt with.
    done: usize,
}

impl Splicer<'_> {
    fn run(&mut self, list: &[Hit], edits: &[(usize, Masked<'_>)]) {
        self.out.reserve(self.document.len());
        for (number, masked) in edits {
            let Some(hit) = list.get(*number) else {
                continue;
            };
            // Inside a value that has been replaced, or the same value once more.
            if (hit.start as usize) < self.done {
                continue;
            }
            match (masked, hit.member) {
                (Masked::Remove, Some(member)) => self.remove(member as usize, hit.end as usize),
                _ => self.replace(hit, *masked),
            }
        }
        self.copy_to(self.document.len());
    }

    fn replace(&mut self, hit: &Hit, masked: Masked<'_>) {
        self.copy_to(hit.start as usize);
        match masked {
            Masked::Null | Masked::Remove => self.out.extend_from_slice(b"null"),
            Masked::Text(text) => quote(text, self.out),
            Masked::Number(text) => self.number(text),
        }
        self.done = hit.end as usize;
    }

    /// A number that JSON does not know would break the document: it becomes a string.
    fn number(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let numeric = matches!(bytes, [b'-' | b'0'..=b'9', ..]);
        if numeric && scalar(bytes).is_some_and(<[u8]>::is_empty) {
            self.out.extend_from_slice(bytes);
        } else {
            quote(text, self.out);
        }
    }

    /// Takes a member out, with the comma behind it; of the last one, with the comma before it.
    fn remove(&mut self, start: usize, end: usize) {
        self.copy_to(start);
        let behind = white(self.document.get(end..).unwrap_or_default());
        if let [b',', next @ ..] = behind {
            self.done = self.document.len() - white(next).len();
            return;
        }
        self.done = end;
        // Before a name there is nothing but white space, and before that a comma or a brace.
        let written = self.out.get(self.base..).unwrap_or_default();
        let before = written.trim_ascii_end().len();
        if written.get(..before).is_some_and(|kept| kept.ends_with(b",")) {
            self.out.truncate(self.base + before - 1);
        }
    }

    fn copy_to(&mut self, end: usize) {
        let between = self.document.get(self.done..end).unwrap_or_default();
        self.out.extend_from_slice(between);
        self.done = end;
    }
}

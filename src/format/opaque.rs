//! Opaque: a document that is one text, such as a record key. The path `$` is all of it.

use super::hits::{Hit, Hits, Writing};
use super::{Format, Undecodable};
use crate::field::{FieldKind, Masked, PathSet};

/// UTF-8 text without structure.
#[derive(Debug, Clone, Copy)]
pub struct Opaque;

impl Format for Opaque {
    fn name(&self) -> &'static str {
        "opaque"
    }

    /// A pattern that asks for members or elements makes the document `UnknownShape`: what it was
    /// to reach may be anywhere in the text.
    fn scan(&self, document: &[u8], paths: &PathSet, hits: &mut Hits) -> Result<(), Undecodable> {
        hits.begin(document, paths)?;
        std::str::from_utf8(document)
            .map_err(|error| Undecodable::NotUtf8 { at: error.valid_up_to() })?;
        let patterns = paths.reaching_plain_text().ok_or(Undecodable::UnknownShape)?;
        if !patterns.is_empty() {
            let (start, member, writing) = (0, None, Writing::Plain);
            let end = u32::try_from(document.len()).map_err(|_| Undecodable::TooLong)?;
            let kind = FieldKind::Text;
            hits.add(Hit { patterns, kind, start, end, member, writing }, paths)?;
        }
        hits.finish();
        Ok(())
    }

    /// Null and removal leave an empty text: a record's null is for the record's owner to write.
    fn splice(
        &self,
        document: &[u8],
        hits: &Hits,
        edits: &[(usize, Masked<'_>)],
        out: &mut Vec<u8>,
    ) -> Result<(), Undecodable> {
        let list = hits.check(document)?;
        if edits.iter().any(|(number, _)| *number >= list.len()) {
            return Err(Undecodable::ForeignHits);
        }
        match edits.first() {
            None => out.extend_from_slice(document),
            Some((_, Masked::Text(text) | Masked::Number(text))) => {
                out.extend_from_slice(text.as_bytes());
            }
            Some((_, Masked::Null | Masked::Remove)) => {}
        }
        Ok(())
    }
}

//! Formats: how to find the values that patterns reach in a document, and how to replace some of
//! them while every other byte stays as it was.
//!
//! Architecture Invariant: a document is validated to its last byte before anything found in it
//! counts. What a format accepts, every strict reader reads the same way (but for duplicate names,
//! which are all found and make a fact ambiguous); what it cannot vouch for is `Undecodable`.

mod hits;
mod json;
mod opaque;
mod table;

#[doc(hidden)]
pub mod fuzzing;

use crate::field::{Masked, PathSet};

#[doc(hidden)]
pub use fuzzing::fuzz_one;
pub use hits::{Hit, Hits};
pub use json::Json;
pub use opaque::Opaque;
pub use table::{FORMATS, FormatRow, format_named};

/// How many lists and objects a document may nest.
pub const DEPTH_MAX: usize = 64;

/// How many values of one document patterns may reach.
pub const HITS_MAX: usize = 65_536;

/// A way to read documents. Implementations keep no state; all buffers are in `Hits`.
pub trait Format: Send + Sync {
    /// The word in configuration and audit rows.
    fn name(&self) -> &'static str;

    /// Validates the whole document and finds every value that `paths` reach, in document order.
    /// `hits` is overwritten; after an error it has no hits, and each of its facts is
    /// `Fact::Undecodable`.
    ///
    /// # Errors
    /// Why the document cannot be judged.
    fn scan(&self, document: &[u8], paths: &PathSet, hits: &mut Hits) -> Result<(), Undecodable>;

    /// Appends the document to `out` with the edits made, and every other byte as it was.
    ///
    /// An edit is the number of a hit, as `Hits::iter` counts them, and what takes its place. Of
    /// two edits of which one lies in the other the outer one is made; of two of one hit, the
    /// first. A removed member takes its comma along; a list element becomes null.
    ///
    /// # Errors
    /// `ForeignHits` if `hits` is not of this document. `out` is then as it was.
    fn splice(
        &self,
        document: &[u8],
        hits: &Hits,
        edits: &[(usize, Masked<'_>)],
        out: &mut Vec<u8>,
    ) -> Result<(), Undecodable>;
}

/// Why a document cannot be judged. It is the producer's fault, but for the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Undecodable {
    /// Some byte is not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// Where, from 0.
        at: usize,
    },
    /// It starts with a byte order mark, which readers treat differently (RFC 8259, section 8.1).
    #[error("a byte order mark")]
    ByteOrderMark,
    /// Not the format's grammar.
    #[error("malformed at byte {at}")]
    Malformed {
        /// Where, from 0.
        at: usize,
    },
    /// Something comes after the document.
    #[error("bytes behind the document, at byte {at}")]
    TrailingBytes {
        /// Where, from 0.
        at: usize,
    },
    /// More levels than `DEPTH_MAX`.
    #[error("more than {DEPTH_MAX} levels")]
    TooDeep,
    /// More bytes than positions can count.
    #[error("more than 4 GiB")]
    TooLong,
    /// More hits than `HITS_MAX`.
    #[error("more than {HITS_MAX} values to look at")]
    TooManyHits,
    /// A value where a pattern goes on below it, but of a kind that has no such below.
    #[error("a value of another kind where a path goes on")]
    UnknownShape,
    /// The plan has more patterns than a set holds (`PathSet::is_overfull`).
    #[error("more patterns than a plan can hold")]
    TooManyPatterns,
    /// The hits were found in another document.
    #[error("the hits are of another document")]
    ForeignHits,
}

#[cfg(test)]
mod tests;

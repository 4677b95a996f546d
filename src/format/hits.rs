//! What a scan has found, and the buffers that scans share.

use std::borrow::Cow;

use super::{HITS_MAX, Undecodable, json};
use crate::field::{Fact, FieldKind, PathSet, PatternBits, PatternIndex, Trail};

/// The values that patterns reach in one document. One is reused for many documents: in the
/// steady state a scan allocates nothing.
#[derive(Default)]
pub struct Hits {
    pub(super) list: Vec<Hit>,
    /// For each pattern the number of its first hit.
    first: Vec<u32>,
    ambiguous: PatternBits,
    state: State,
    document_bytes: usize,
    pub(super) trail: Trail,
    pub(super) levels: Vec<Level>,
    /// The last name that was written with escapes, without them.
    pub(super) name: Vec<u8>,
}

/// One value that patterns reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Every pattern that reaches it.
    pub patterns: PatternBits,
    /// What it is.
    pub kind: FieldKind,
    /// Where it starts in the document, in bytes.
    pub start: u32,
    /// Where it ends: the first byte behind it.
    pub end: u32,
    /// Where the member's name starts, if the value is a member's.
    pub(super) member: Option<u32>,
    pub(super) writing: Writing,
}

/// How a value's text stands in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// As it is.
    Plain,
    /// In quotes, with escapes.
    Quoted,
}

/// A list or object that a scan is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) kind: FieldKind,
    /// The number of the hit that it is, whose end is not known yet.
    pub(super) hit: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Undecodable,
    Scanned,
}

const NO_HIT: u32 = u32::MAX;

/// How much of the buffers one large document may leave behind: hits, and bytes of a name.
const RETAINED_MAX: usize = 4096;

impl Hits {
    /// No hits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hits in document order; an edit names one by its place here.
    pub fn iter(&self) -> impl Iterator<Item = &Hit> {
        self.list.iter()
    }

    /// How many hits there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether no pattern reaches anything.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What `pattern` says about the scanned document.
    ///
    /// Only plain paths give facts: what a name glob, `.**`, or a `.*` on the way reaches is
    /// `Ambiguous`, because duplicate names on its way are not looked for.
    pub fn fact<'d>(&self, document: &'d [u8], pattern: PatternIndex) -> Fact<'d> {
        if self.state == State::Undecodable || document.len() != self.document_bytes {
            return Fact::Undecodable;
        }
        if self.ambiguous.contains(pattern) {
            return Fact::Ambiguous;
        }
        let first = self.first.get(usize::from(pattern)).copied().unwrap_or(NO_HIT);
        let Some(hit) = self.list.get(first as usize) else {
            return Fact::Missing;
        };
        match hit.kind {
            FieldKind::Null => Fact::Null,
            FieldKind::Bool => Fact::Bool(hit.bytes(document).starts_with(b"t")),
            FieldKind::Number => Fact::Number(hit.plain(document)),
            FieldKind::Text => Fact::Text(hit.text(document)),
            FieldKind::List => Fact::List,
            FieldKind::Object => Fact::Object,
        }
    }

    /// Starts a scan; until `finish` there are no facts.
    pub(super) fn begin(&mut self, document: &[u8], paths: &PathSet) -> Result<(), Undecodable> {
        self.fail();
        self.ambiguous = PatternBits::EMPTY;
        self.document_bytes = document.len();
        if paths.is_overfull() {
            return Err(Undecodable::TooManyPatterns);
        }
        if u32::try_from(document.len()).is_err() {
            return Err(Undecodable::TooLong);
        }
        self.first.clear();
        self.first.resize(paths.len(), NO_HIT);
        self.levels.clear();
        self.trail.begin(paths);
        Ok(())
    }

    /// Ends a scan that read the whole document.
    pub(super) fn finish(&mut self) {
        self.ambiguous.union_with(self.trail.ambiguous());
        self.state = State::Scanned;
    }

    /// Ends a scan that did not.
    pub(super) fn fail(&mut self) {
        self.list.clear();
        self.list.shrink_to(RETAINED_MAX);
        self.name.clear();
        self.name.shrink_to(RETAINED_MAX);
        self.state = State::Undecodable;
    }

    /// Notes a hit and gives its number.
    pub(super) fn add(&mut self, hit: Hit, paths: &PathSet) -> Result<u32, Undecodable> {
        if self.list.len() >= HITS_MAX {
            return Err(Undecodable::TooManyHits);
        }
        let number = u32::try_from(self.list.len()).map_err(|_| Undecodable::TooManyHits)?;
        self.ambiguous.union_with(&hit.patterns.intersection(paths.open()));
        for pattern in hit.patterns.iter() {
            match self.first.get_mut(usize::from(pattern)) {
                Some(first) if *first == NO_HIT => *first = number,
                _ => self.ambiguous.insert(pattern),
            }
        }
        self.list.push(hit);
        Ok(number)
    }

    /// The hits that `edits` name, if they are of this document.
    pub(super) fn check(&self, document: &[u8]) -> Result<&[Hit], Undecodable> {
        if self.state == State::Undecodable || document.len() != self.document_bytes {
            return Err(Undecodable::ForeignHits);
        }
        Ok(&self.list)
    }
}

impl Hit {
    /// The value's text: of a string without quotes and escapes, of anything else as written.
    /// Empty if `document` is not the one that was scanned.
    pub fn text<'d>(&self, document: &'d [u8]) -> Cow<'d, str> {
        match self.writing {
            Writing::Plain => Cow::Borrowed(self.plain(document)),
            Writing::Quoted => json::unquote(self.bytes(document)),
        }
    }

    /// The value as it stands in the document.
    pub fn bytes<'d>(&self, document: &'d [u8]) -> &'d [u8] {
        document.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn plain<'d>(&self, document: &'d [u8]) -> &'d str {
        std::str::from_utf8(self.bytes(document)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Hits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Hits({} in {} bytes)", self.list.len(), self.document_bytes)
    }
}

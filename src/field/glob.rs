//! Globs over one name: `*` is any number of characters, `?` exactly one.
//!
//! A match takes at most pattern length × name length steps and never backtracks further than to
//! the last `*`, so that a hostile name cannot make it slow.

/// The longest glob, in bytes; it bounds what a hostile name can cost.
pub const GLOB_BYTES_MAX: usize = 256;

/// Whether `A` and `a` are the same letter. Only ASCII letters are ever folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// They differ.
    Sensitive,
    /// They are the same.
    Insensitive,
}

/// Why a policy's glob was refused; the author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// There is nothing to match.
    #[error("a glob cannot be empty; `*` matches everything")]
    Empty,
    /// Longer than `GLOB_BYTES_MAX`.
    #[error("a glob has at most {GLOB_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// `**` next to something else in one segment of a topic glob.
    #[error("`**` stands alone between dots, as in `payments.**`; inside a segment write `*`")]
    DoubleStar,
    /// A list with exclusions and nothing that they exclude from.
    #[error("only exclusions: nothing would ever match; add `**` to exclude from every topic")]
    OnlyExclusions,
}

/// A compiled glob over one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    text: String,
    case: Case,
    letters: u32,
}

impl Glob {
    /// Compiles `text`.
    ///
    /// # Errors
    /// `Empty`, `TooLong`.
    pub fn new(text: &str, case: Case) -> Result<Self, GlobError> {
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        if text.len() > GLOB_BYTES_MAX {
            return Err(GlobError::TooLong { bytes: text.len() });
        }
        let literal = text.bytes().filter(|byte| !matches!(byte, b'*' | b'?'));
        let letters = literal.fold(0, |letters, byte| letters | letter(byte));
        Ok(Self { text: text.to_owned(), case, letters })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        self.matches_bytes(name.as_bytes())
    }

    /// The same over bytes that are known to be UTF-8.
    pub fn matches_bytes(&self, name: &[u8]) -> bool {
        let pattern = self.text.as_bytes();
        let (mut at, mut from) = (0_usize, 0_usize);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let next = match (pattern.get(at), name.get(from)) {
                (None, None) => return true,
                (Some(b'*'), _) => {
                    retry = Some((at + 1, from));
                    Some((at + 1, from))
                }
                (Some(b'?'), Some(&byte)) => character_bytes(byte).map(|n| (at + 1, from + n)),
                (Some(&wanted), Some(&byte)) if self.same(wanted, byte) => Some((at + 1, from + 1)),
                _ => None,
            };
            match (next, retry) {
                (Some((next_at, next_from)), _) => (at, from) = (next_at, next_from),
                (None, Some((star_at, star_from))) if star_from < name.len() => {
                    retry = Some((star_at, star_from + 1));
                    (at, from) = (star_at, star_from + 1);
                }
                (None, _) => return false,
            }
        }
    }

    /// A quick no: `letters` are those of a name, by `letters_of`.
    pub(super) fn may_match(&self, letters: u32) -> bool {
        self.letters & !letters == 0
    }

    fn same(&self, wanted: u8, byte: u8) -> bool {
        match self.case {
            Case::Sensitive => wanted == byte,
            Case::Insensitive => wanted.eq_ignore_ascii_case(&byte),
        }
    }
}

/// Which letters occur in `name`, folded into 32 classes that ignore case.
pub(super) fn letters_of(name: &[u8]) -> u32 {
    name.iter().fold(0, |letters, byte| letters | letter(*byte))
}

fn letter(byte: u8) -> u32 {
    1 << (byte & 0x1f)
}

/// How many bytes the character that starts with `byte` has; `None` inside a character.
fn character_bytes(byte: u8) -> Option<usize> {
    match byte {
        0x00..=0x7f => Some(1),
        0x80..=0xbf => None,
        0xc0..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xff => Some(4),
    }
}

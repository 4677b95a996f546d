//! The one pass: validates the document and notes what patterns reach.
//!
//! Values that no pattern can reach are validated by the lexer alone. Levels are kept in `Hits`,
//! not on the call stack, so depth costs no more than a counter.

use super::lexer::{self, Fault, malformed, white};
use super::text::unescape;
use crate::field::{Arrival, FieldKind, Follow, PathSet};
use crate::format::hits::{Hit, Hits, Level, Writing};
use crate::format::{DEPTH_MAX, Undecodable};

/// Finds what `paths` reach in `document`; `hits` has been begun.
pub(super) fn scan(document: &[u8], paths: &PathSet, hits: &mut Hits) -> Result<(), Undecodable> {
    if document.starts_with(b"\xef\xbb\xbf") {
        return Err(Undecodable::ByteOrderMark);
    }
    // Most documents are ASCII, and that is cheaper to see.
    if !document.is_ascii()
        && let Err(error) = std::str::from_utf8(document)
    {
        let at = error.valid_up_to();
        return Err(Undecodable::NotUtf8 { at });
    }
    let bytes = document.len();
    let mut scanner = Scanner { bytes, rest: document, paths, hits, shape: Shape::Known };
    scanner.document().map_err(|fault| match fault {
        Stop::Fault(Fault::Malformed { left }) => Undecodable::Malformed { at: bytes - left },
        Stop::Fault(Fault::TooDeep) => Undecodable::TooDeep,
        Stop::Other(why) => why,
    })?;
    match scanner.shape {
        Shape::Known => Ok(()),
        Shape::Unknown => Err(Undecodable::UnknownShape),
    }
}

struct Scanner<'s> {
    /// How long the document is.
    bytes: usize,
    /// What is still to be read of it.
    rest: &'s [u8],
    paths: &'s PathSet,
    hits: &'s mut Hits,
    shape: Shape,
}

/// Whether some value hides what a path was to reach. The scan goes on to the end all the same,
/// so that a malformed document is always called malformed.
#[derive(Clone, Copy)]
enum Shape {
    Known,
    Unknown,
}

/// What stands at the scanner's position.
enum Next {
    /// A value that some pattern may reach, of a member whose name starts there.
    Value(Option<u32>),
    /// A member's name.
    Name,
    /// What follows a value.
    Behind,
}

/// Why the scan does not go on.
enum Stop {
    Fault(Fault),
    Other(Undecodable),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Undecodable> for Stop {
    fn from(why: Undecodable) -> Self {
        Self::Other(why)
    }
}

impl<'s> Scanner<'s> {
    fn document(&mut self) -> Result<(), Stop> {
        self.rest = white(self.rest);
        let mut next = if self.paths.is_empty() { self.skip()? } else { Next::Value(None) };
        loop {
            next = match next {
                Next::Value(member) => self.value(member)?,
                Next::Name => self.member()?,
                Next::Behind => match self.hits.levels.last().copied() {
                    Some(level) => self.behind(level)?,
                    None => break,
                },
            };
        }
        self.rest = white(self.rest);
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Undecodable::TrailingBytes { at: self.bytes - self.rest.len() }.into())
        }
    }

    fn value(&mut self, member: Option<u32>) -> Result<Next, Stop> {
        self.rest = white(self.rest);
        let (kind, writing) = match self.rest {
            [b'{', ..] => (FieldKind::Object, Writing::Plain),
            [b'[', ..] => (FieldKind::List, Writing::Plain),
            [b'"', ..] => (FieldKind::Text, Writing::Quoted),
            [b't' | b'f', ..] => (FieldKind::Bool, Writing::Plain),
            [b'n', ..] => (FieldKind::Null, Writing::Plain),
            _ => (FieldKind::Number, Writing::Plain),
        };
        let hit = match self.hits.trail.arrive(self.paths, kind) {
            Arrival::Unreached => None,
            Arrival::Reached(patterns) => {
                let start = self.position();
                let hit = Hit { patterns, kind, start, end: start, member, writing };
                Some(self.hits.add(hit, self.paths)?)
            }
            Arrival::UnknownShape => {
                self.shape = Shape::Unknown;
                None
            }
        };
        if !kind.is_scalar() {
            return self.open(kind, hit);
        }
        self.rest = lexer::scalar(self.rest).ok_or_else(|| malformed(self.rest))?;
        self.end_hit(hit);
        Ok(Next::Behind)
    }

    fn open(&mut self, kind: FieldKind, hit: Option<u32>) -> Result<Next, Stop> {
        if self.hits.trail.open(self.paths, kind) == Follow::Skip {
            let next = self.skip()?;
            self.end_hit(hit);
            return Ok(next);
        }
        if self.hits.levels.len() >= DEPTH_MAX {
            return Err(Fault::TooDeep.into());
        }
        let level = Level { kind, hit };
        self.hits.levels.push(level);
        self.rest = white(self.rest.get(1..).unwrap_or_default());
        match (kind, self.rest) {
            (FieldKind::Object, [b'}', behind @ ..]) | (FieldKind::List, [b']', behind @ ..]) => {
                Ok(self.close(level, behind))
            }
            (FieldKind::List, _) => Ok(self.element()),
            _ => Ok(Next::Name),
        }
    }

    fn element(&mut self) -> Next {
        self.hits.trail.element();
        Next::Value(None)
    }

    /// Goes on to the first member, from the one here on, that some pattern may reach. What lies
    /// between is validated here, in one loop: most members of most documents are skipped.
    fn member(&mut self) -> Result<Next, Stop> {
        let mut rest = self.rest;
        loop {
            if !matches!(rest, [b'"', ..]) {
                rest = white(rest);
            }
            let start = rest;
            let [b'"', inner @ ..] = start else {
                return Err(malformed(rest).into());
            };
            let plain = lexer::plain(inner);
            let (follow, behind) = if let [b'"', behind @ ..] = plain {
                let name = inner.get(..inner.len() - plain.len()).unwrap_or_default();
                (self.hits.trail.member(self.paths, name), behind)
            } else {
                self.escaped_member(inner)?
            };
            rest = lexer::colon(behind).ok_or_else(|| malformed(behind))?;
            if follow == Follow::Enter {
                self.rest = rest;
                return Ok(Next::Value(Some(self.position_of(start))));
            }
            rest = self.behind_value(rest)?;
            match rest {
                [b',', behind @ ..] => rest = behind,
                _ => {
                    self.rest = rest;
                    return Ok(Next::Behind);
                }
            }
        }
    }

    #[cold]
    fn escaped_member(&mut self, inner: &'s [u8]) -> Result<(Follow, &'s [u8]), Stop> {
        let behind = lexer::escaped_string(inner).ok_or_else(|| malformed(inner))?;
        let name = inner.get(..inner.len() - behind.len() - 1).unwrap_or_default();
        self.hits.name.clear();
        unescape(name, &mut self.hits.name);
        Ok((self.hits.trail.member(self.paths, &self.hits.name), behind))
    }

    #[inline]
    fn behind(&mut self, level: Level) -> Result<Next, Stop> {
        match (self.rest, level.kind) {
            ([b',', behind @ ..], FieldKind::Object) => {
                self.rest = behind;
                Ok(Next::Name)
            }
            ([b',', behind @ ..], _) => {
                self.rest = behind;
                Ok(self.element())
            }
            ([b' ' | b'\n' | b'\r' | b'\t', behind @ ..], _) => {
                self.rest = white(behind);
                Ok(Next::Behind)
            }
            ([b'}', behind @ ..], FieldKind::Object) | ([b']', behind @ ..], FieldKind::List) => {
                Ok(self.close(level, behind))
            }
            _ => Err(malformed(self.rest).into()),
        }
    }

    /// Leaves the innermost level, which ends before `behind`.
    fn close(&mut self, level: Level, behind: &'s [u8]) -> Next {
        self.rest = behind;
        self.hits.trail.close();
        self.hits.levels.pop();
        self.end_hit(level.hit);
        Next::Behind
    }

    /// Validates the value here, which no pattern can reach, and all below it.
    fn skip(&mut self) -> Result<Next, Stop> {
        self.rest = self.behind_value(self.rest)?;
        Ok(Next::Behind)
    }

    #[inline(always)] // Called for most members: a call costs a tenth of the scan.
    fn behind_value(&self, mut rest: &'s [u8]) -> Result<&'s [u8], Fault> {
        if let [b'"', inner @ ..] = rest {
            return lexer::string(inner).ok_or_else(|| malformed(rest));
        }
        rest = white(rest);
        match rest {
            [b'{' | b'[', ..] => lexer::container(rest, self.hits.levels.len()),
            _ => lexer::scalar(rest).ok_or_else(|| malformed(rest)),
        }
    }

    fn end_hit(&mut self, hit: Option<u32>) {
        let Some(number) = hit else { return };
        let end = self.position();
        if let Some(hit) = self.hits.list.get_mut(number as usize) {
            hit.end = end;
        }
    }

    fn position(&self) -> u32 {
        self.position_of(self.rest)
    }

    /// `Hits::begin` has refused documents of which a position would not fit.
    fn position_of(&self, rest: &[u8]) -> u32 {
        u32::try_from(self.bytes - rest.len()).unwrap_or(u32::MAX)
    }
}

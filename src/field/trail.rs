//! The way down into one document: which patterns are still in play at the value being read.
//!
//! A format drives it in document order – `begin`, then for each value `arrive` and, for lists and
//! objects, `open`, `member` or `element` for each child, `close` – and may skip what `Follow`
//! says nothing can reach. The buffers are kept from document to document.

use super::FieldKind;
use super::bits::PatternBits;
use super::glob::letters_of;
use super::set::{Node, NodeIndex, PathSet, ROOT, name_bit};

/// Whether a pattern can reach a value or anything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// One may: call `arrive`.
    Enter,
    /// None can: validate it and go on.
    Skip,
}

/// What patterns make of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// No pattern reaches it.
    Unreached,
    /// These patterns reach it.
    Reached(PatternBits),
    /// A path goes on below, but a value of this kind has no such below: what the path was to
    /// reach may be hidden in it.
    UnknownShape,
}

/// The state of one walk. One is reused for many documents and many `PathSet`s.
#[derive(Debug, Default)]
pub struct Trail {
    /// Active nodes, those of the outermost level first.
    active: Vec<Active>,
    levels: Vec<Level>,
    /// For each level that is an object, which edges it has shown.
    seen: Vec<u64>,
    /// The range of `active` that belongs to the value about to be read.
    start: usize,
    end: usize,
    /// Name globs that match the member whose value is about to be read.
    named: Option<PatternBits>,
    ambiguous: PatternBits,
}

/// A node, and whether it was reached by looking through a list: then it has been hit already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Active {
    node: NodeIndex,
    through_list: bool,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    start: usize,
    end: usize,
    /// How long `active` was before, and is while, this level is open.
    base: usize,
    top: usize,
    seen: usize,
    /// Of an object, the bits of the names that lead on: most members are skipped by this alone.
    name_bits: u64,
}

impl Trail {
    /// Starts a document.
    pub fn begin(&mut self, paths: &PathSet) {
        self.active.clear();
        self.levels.clear();
        self.seen.clear();
        self.named = None;
        self.ambiguous = PatternBits::EMPTY;
        self.start = 0;
        self.enter(paths, ROOT, 0);
        self.end = self.active.len();
    }

    /// Says which patterns reach the value about to be read.
    pub fn arrive(&mut self, paths: &PathSet, kind: FieldKind) -> Arrival {
        let named = self.named.take();
        if self.start == self.end {
            return named.map_or(Arrival::Unreached, Arrival::Reached);
        }
        let mut reached = named.unwrap_or(PatternBits::EMPTY);
        for active in self.active.get(self.start..self.end).unwrap_or_default() {
            let node = paths.node(active.node);
            let fits = if active.through_list {
                accept_through_list(paths, node, kind, &mut reached)
            } else {
                accept(node, kind, &mut reached)
            };
            if fits == Shape::Unknown {
                return Arrival::UnknownShape;
            }
        }
        if reached.is_empty() { Arrival::Unreached } else { Arrival::Reached(reached) }
    }

    /// Goes into the list or object just arrived at.
    pub fn open(&mut self, paths: &PathSet, kind: FieldKind) -> Follow {
        let (base, seen) = (self.active.len(), self.seen.len());
        let mut name_bits = if paths.globs().is_empty() { 0 } else { u64::MAX };
        if kind == FieldKind::List {
            self.look_through(paths, base);
            self.start = base;
            self.end = self.active.len();
        } else {
            for active in self.active.get(self.start..self.end).unwrap_or_default() {
                let node = paths.node(active.node);
                name_bits |= node.name_bits();
                let words = node.seen_words();
                self.seen.resize(self.seen.len().saturating_add(words), 0);
            }
        }
        if self.start == self.end && paths.globs().is_empty() {
            self.active.truncate(base);
            return Follow::Skip;
        }
        let (start, end, top) = (self.start, self.end, self.active.len());
        self.levels.push(Level { start, end, base, top, seen, name_bits });
        Follow::Enter
    }

    /// Goes to the value of the member `name` (escapes undone) of the innermost open object.
    #[inline]
    pub fn member(&mut self, paths: &PathSet, name: &[u8]) -> Follow {
        let Some(level) = self.levels.last() else {
            return Follow::Skip;
        };
        if level.name_bits & name_bit(name) == 0 {
            return Follow::Skip;
        }
        self.known_member(paths, name, *level)
    }

    fn known_member(&mut self, paths: &PathSet, name: &[u8], level: Level) -> Follow {
        self.active.truncate(level.top);
        self.start = level.top;
        let mut seen = level.seen;
        for place in level.start..level.end {
            let Some(active) = self.active.get(place).copied() else {
                break;
            };
            let node = paths.node(active.node);
            if let Some((number, target)) = node.edge(name) {
                self.see(paths, seen, number, target);
                self.enter(paths, target, level.top);
            }
            if let Some(target) = node.any {
                self.enter(paths, target, level.top);
            }
            if node.descends {
                self.push(Active { node: active.node, through_list: false }, level.top);
            }
            seen = seen.saturating_add(node.seen_words());
        }
        self.end = self.active.len();
        if paths.globs().is_empty() {
            return if self.start == self.end { Follow::Skip } else { Follow::Enter };
        }
        self.named = named(paths, name);
        Follow::Enter
    }

    /// Goes to the next element of the innermost open list.
    pub fn element(&mut self) {
        if let Some(level) = self.levels.last() {
            (self.start, self.end) = (level.start, level.end);
        }
        self.named = None;
    }

    /// Leaves the innermost list or object that was entered.
    pub fn close(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.active.truncate(level.base);
            self.seen.truncate(level.seen);
        }
    }

    /// The patterns on whose way a name has occurred twice in one object.
    pub fn ambiguous(&self) -> &PatternBits {
        &self.ambiguous
    }

    fn look_through(&mut self, paths: &PathSet, base: usize) {
        for place in self.start..self.end {
            let Some(active) = self.active.get(place).copied() else {
                break;
            };
            let node = paths.node(active.node);
            if let Some(target) = node.element.filter(|_| node.descends || !active.through_list) {
                self.enter(paths, target, base);
            }
            if node.descends || node.any.is_some() || node.has_edges() {
                self.push(Active { node: active.node, through_list: true }, base);
            }
        }
    }

    fn see(&mut self, paths: &PathSet, seen: usize, number: usize, target: NodeIndex) {
        let Some(word) = self.seen.get_mut(seen.saturating_add(number / 64)) else {
            return;
        };
        let bit = 1_u64 << (number % 64);
        if *word & bit != 0 {
            self.ambiguous.union_with(&paths.node(target).below);
        }
        *word |= bit;
    }

    fn enter(&mut self, paths: &PathSet, node: NodeIndex, base: usize) {
        self.push(Active { node, through_list: false }, base);
        if let Some(node) = paths.node(node).descend {
            self.push(Active { node, through_list: false }, base);
        }
    }

    /// Activates a node once; the set from `base` on is a handful.
    fn push(&mut self, active: Active, base: usize) {
        if !self.active.get(base..).unwrap_or_default().contains(&active) {
            self.active.push(active);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Fits,
    Unknown,
}

fn accept(node: &Node, kind: FieldKind, reached: &mut PatternBits) -> Shape {
    reached.union_with(&node.whole);
    match kind {
        FieldKind::Null => reached.union_with(&node.leaves),
        FieldKind::Bool | FieldKind::Number | FieldKind::Text => {
            reached.union_with(&node.leaves);
            if node.needs_structure() {
                return Shape::Unknown;
            }
        }
        FieldKind::Object if node.element.is_some() && !node.descends => return Shape::Unknown,
        FieldKind::Object | FieldKind::List => {}
    }
    Shape::Fits
}

/// The same for an element that a path looks at without `[*]`: names go on into objects below it,
/// and `.*` takes it if it is a scalar.
fn accept_through_list(
    paths: &PathSet,
    node: &Node,
    kind: FieldKind,
    reached: &mut PatternBits,
) -> Shape {
    if !kind.is_scalar() {
        return Shape::Fits;
    }
    reached.union_with(&node.leaves);
    if node.has_edges() && !node.descends && kind != FieldKind::Null {
        return Shape::Unknown;
    }
    let Some(target) = node.any.map(|target| paths.node(target)) else {
        return Shape::Fits;
    };
    if let Some(descend) = target.descend {
        accept(paths.node(descend), kind, reached);
    }
    accept(target, kind, reached)
}

fn named(paths: &PathSet, name: &[u8]) -> Option<PatternBits> {
    let letters = letters_of(name);
    let mut bits = None;
    for (glob, index) in paths.globs() {
        if glob.may_match(letters) && glob.matches_bytes(name) {
            bits.get_or_insert(PatternBits::EMPTY).insert(*index);
        }
    }
    bits
}

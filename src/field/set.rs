//! All patterns of one plan, compiled into one trie, so that one scan finds what any of them reach.
//!
//! Steps that patterns share are walked once. `.**` is a node of its own that stays active on the
//! way down, so a walk holds a small set of active nodes: none or one for plain paths.

use super::bits::{PATTERNS_MAX, PatternBits, PatternIndex};
use super::glob::Glob;
use super::path::{Form, PathPattern, Step};

/// The patterns of one plan and one scope, compiled.
#[derive(Debug, Clone)]
pub struct PathSet {
    patterns: Vec<PathPattern>,
    nodes: Vec<Node>,
    globs: Vec<(Glob, PatternIndex)>,
    open: PatternBits,
}

pub(super) type NodeIndex = u32;

/// The node every walk starts at: the document itself.
pub(super) const ROOT: NodeIndex = 0;

/// What patterns ask of a value that their steps so far have reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Members by name, sorted.
    edges: Vec<Edge>,
    /// The `name_bit` of every edge. Most names are refused by this alone.
    name_bits: u64,
    /// Where `.*` leads.
    pub(super) any: Option<NodeIndex>,
    /// Where `[*]` leads.
    pub(super) element: Option<NodeIndex>,
    /// The `.**` node that becomes active together with this one.
    pub(super) descend: Option<NodeIndex>,
    /// Whether this is a `.**` node, which stays active all the way down.
    pub(super) descends: bool,
    /// Patterns that reach a value of any kind here.
    pub(super) whole: PatternBits,
    /// Patterns that reach a scalar here: those that end in `.**`.
    pub(super) leaves: PatternBits,
    /// Patterns that end here or below.
    pub(super) below: PatternBits,
}

#[derive(Debug, Clone)]
struct Edge {
    name: Box<[u8]>,
    target: NodeIndex,
}

impl PathSet {
    /// Compiles `patterns`; the n-th gets the `PatternIndex` n. More than `PATTERNS_MAX` make a
    /// set that no format accepts (`is_overfull`), so check the number when a policy is loaded.
    pub fn new(patterns: Vec<PathPattern>) -> Self {
        let mut set = Self {
            patterns: Vec::new(),
            nodes: vec![Node::default()],
            globs: Vec::new(),
            open: PatternBits::EMPTY,
        };
        for (pattern, index) in patterns.iter().zip(0..=PatternIndex::MAX) {
            match pattern.form() {
                Form::Path(steps) => set.add_path(steps, index),
                Form::Name(glob) => {
                    set.globs.push((glob.clone(), index));
                    set.open.insert(index);
                }
            }
        }
        set.patterns = patterns;
        set
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are more than `PATTERNS_MAX` patterns, so that no document can be judged.
    pub fn is_overfull(&self) -> bool {
        self.patterns.len() > PATTERNS_MAX
    }

    /// The pattern `index`.
    ///
    /// An index that is not this set's gets the pattern that reaches nothing but the document.
    pub fn pattern(&self, index: PatternIndex) -> &PathPattern {
        self.patterns.get(usize::from(index)).unwrap_or(PathPattern::document())
    }

    /// The patterns in the order of their indexes.
    pub fn patterns(&self) -> &[PathPattern] {
        &self.patterns
    }

    /// The patterns that reach a document which is one text without structure: `$` and `$.**`.
    /// `None` if a pattern asks for structure, which such a document cannot show.
    pub fn reaching_plain_text(&self) -> Option<PatternBits> {
        if !self.globs.is_empty() {
            return None;
        }
        let root = self.node(ROOT);
        let mut reached = root.whole;
        if root.goes_on() {
            return None;
        }
        if let Some(descend) = root.descend {
            let descend = self.node(descend);
            if descend.goes_on() {
                return None;
            }
            reached.union_with(&descend.leaves);
        }
        Some(reached)
    }

    pub(super) fn globs(&self) -> &[(Glob, PatternIndex)] {
        &self.globs
    }

    /// Patterns with several ways to a value, whose duplicates on the way are not tracked: what
    /// they reach can be masked, but is never an unambiguous fact.
    pub fn open(&self) -> &PatternBits {
        &self.open
    }

    pub(super) fn node(&self, index: NodeIndex) -> &Node {
        self.nodes.get(index as usize).unwrap_or(Node::dead())
    }

    fn add_path(&mut self, steps: &[Step], index: PatternIndex) {
        let (last, on_the_way) =
            steps.split_last().map_or((None, steps), |(l, rest)| (Some(l), rest));
        let wanders = |step: &Step| matches!(step, Step::AnyName | Step::Descendants);
        if last == Some(&Step::Descendants) || on_the_way.iter().any(wanders) {
            self.open.insert(index);
        }
        let mut at = ROOT;
        self.edit(at, |node| node.below.insert(index));
        for step in steps {
            at = self.step(at, step);
            self.edit(at, |node| node.below.insert(index));
        }
        self.edit(at, |node| match last {
            Some(Step::Descendants) => node.leaves.insert(index),
            Some(Step::Name(_) | Step::AnyName | Step::Element) | None => node.whole.insert(index),
        });
    }

    fn step(&mut self, from: NodeIndex, step: &Step) -> NodeIndex {
        let node = self.node(from);
        let known = match step {
            Step::Name(name) => node.edge(name.as_bytes()).map(|(_, target)| target),
            Step::AnyName => node.any,
            Step::Element => node.element,
            Step::Descendants => node.descend,
        };
        if let Some(target) = known {
            return target;
        }
        // PATTERNS_MAX × STEPS_MAX nodes at most, but for an overfull set, which is never walked.
        let target = NodeIndex::try_from(self.nodes.len()).unwrap_or(NodeIndex::MAX);
        self.nodes.push(Node { descends: *step == Step::Descendants, ..Node::default() });
        self.edit(from, |node| match step {
            Step::Name(name) => node.add_edge(name.as_bytes(), target),
            Step::AnyName => node.any = Some(target),
            Step::Element => node.element = Some(target),
            Step::Descendants => node.descend = Some(target),
        });
        target
    }

    fn edit(&mut self, index: NodeIndex, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(index as usize) {
            change(node);
        }
    }
}

impl Node {
    /// The number and target of the edge called `name`.
    pub(super) fn edge(&self, name: &[u8]) -> Option<(usize, NodeIndex)> {
        if self.name_bits & name_bit(name) == 0 {
            return None;
        }
        let number = match self.edges.as_slice() {
            [only] => (*only.name == *name).then_some(0)?,
            edges => edges.binary_search_by(|edge| edge.name.as_ref().cmp(name)).ok()?,
        };
        self.edges.get(number).map(|edge| (number, edge.target))
    }

    /// How many 64-bit words it takes to remember which edges an object has shown.
    pub(super) fn seen_words(&self) -> usize {
        self.edges.len().div_ceil(64)
    }

    /// The bits of the names that lead on from here; all of them if any name does.
    pub(super) fn name_bits(&self) -> u64 {
        if self.descends || self.any.is_some() { u64::MAX } else { self.name_bits }
    }

    /// Whether members are asked for by name.
    pub(super) fn has_edges(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Whether a scalar here hides what a longer path was to reach.
    pub(super) fn needs_structure(&self) -> bool {
        !self.descends && self.goes_on()
    }

    fn goes_on(&self) -> bool {
        self.has_edges() || self.any.is_some() || self.element.is_some()
    }

    fn add_edge(&mut self, name: &[u8], target: NodeIndex) {
        let place = self.edges.partition_point(|edge| edge.name.as_ref() < name);
        self.edges.insert(place, Edge { name: name.into(), target });
        self.name_bits |= name_bit(name);
    }

    fn dead() -> &'static Self {
        static DEAD: Node = Node {
            edges: Vec::new(),
            name_bits: 0,
            any: None,
            element: None,
            descend: None,
            descends: false,
            whole: PatternBits::EMPTY,
            leaves: PatternBits::EMPTY,
            below: PatternBits::EMPTY,
        };
        &DEAD
    }
}

/// One of 64 bits, by a name's length and ends.
#[inline]
pub(super) fn name_bit(name: &[u8]) -> u64 {
    let (first, last) = match name {
        [first, .., last] => (*first, *last),
        [only] => (*only, 0),
        [] => (0, 0),
    };
    let mixed =
        name.len().wrapping_add(usize::from(first) * 5).wrapping_add(usize::from(last) * 11);
    1 << (mixed % 64)
}

//! A set of pattern indexes, inline, so that a hit costs no allocation.

/// The number of a pattern in its `PathSet`, in the order given to `PathSet::new`.
pub type PatternIndex = u16;

/// The most patterns that one `PathSet` can hold. A set that is given more refuses every document.
pub const PATTERNS_MAX: usize = WORDS * 64;

const WORDS: usize = 8;

/// A set of `PatternIndex`, each below `PATTERNS_MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PatternBits {
    words: [u64; WORDS],
}

impl PatternBits {
    /// The set of nothing.
    pub const EMPTY: Self = Self { words: [0; WORDS] };

    /// Puts `index` in. An index that is not below `PATTERNS_MAX` has no place and is left out;
    /// `PathSet` never hands one out.
    pub fn insert(&mut self, index: PatternIndex) {
        if let Some(word) = self.words.get_mut(usize::from(index / 64)) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether `index` is in.
    pub fn contains(&self, index: PatternIndex) -> bool {
        let word = self.words.get(usize::from(index / 64)).copied().unwrap_or(0);
        word & (1 << (index % 64)) != 0
    }

    /// Whether nothing is in.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many indexes are in.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds everything in `other`.
    pub fn union_with(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(other.words) {
            *word |= more;
        }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = *self;
        for (word, more) in both.words.iter_mut().zip(other.words) {
            *word &= more;
        }
        both
    }

    /// Whether something is in both.
    pub fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(other.words).any(|(word, more)| word & more != 0)
    }

    /// The indexes, ascending.
    pub fn iter(&self) -> impl Iterator<Item = PatternIndex> {
        let words = (0..).step_by(64).zip(self.words).filter(|(_, word)| *word != 0);
        words.flat_map(|(first, word)| Ones { first, word })
    }
}

/// The indexes of one word.
struct Ones {
    first: PatternIndex,
    word: u64,
}

impl Iterator for Ones {
    type Item = PatternIndex;

    fn next(&mut self) -> Option<PatternIndex> {
        if self.word == 0 {
            return None;
        }
        let lowest = self.word.trailing_zeros() as PatternIndex;
        self.word &= self.word - 1;
        Some(self.first + lowest)
    }
}

impl FromIterator<PatternIndex> for PatternBits {
    fn from_iter<I: IntoIterator<Item = PatternIndex>>(indexes: I) -> Self {
        let mut bits = Self::EMPTY;
        for index in indexes {
            bits.insert(index);
        }
        bits
    }
}

impl std::fmt::Debug for PatternBits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

//! The answers of one segment, found by the row that they complete.

use std::collections::BTreeMap;

use crate::audit::Answered;

/// Sixteen bytes for each answer of a segment, so the rows of a segment bound the memory.
#[derive(Default)]
pub struct Answers {
    first_seq: u64,
    answers: Vec<Packed>,
    /// Only answers that create topics have these.
    topic_ids: BTreeMap<u32, [u8; 16]>,
}

struct Packed {
    /// Rows behind the segment's first one.
    place: u32,
    error_code: i16,
    /// -1 where nothing was written.
    first_offset: i64,
}

impl Answers {
    /// None yet, for the segment that starts with `first_seq`.
    pub fn new(first_seq: u64) -> Self {
        Answers { first_seq, ..Answers::default() }
    }

    /// Adds one.
    pub fn add(&mut self, answer: &Answered) {
        let Some(place) = self.place(answer.seq) else { return };
        let first_offset = answer.first_offset.unwrap_or(-1);
        self.answers.push(Packed { place, error_code: answer.error_code, first_offset });
        if let Some(id) = answer.topic_id {
            self.topic_ids.insert(place, id);
        }
    }

    /// Makes them ready to be asked.
    pub fn sort(&mut self) {
        self.answers.sort_by_key(|answer| answer.place);
    }

    /// The answer to a row.
    pub fn of(&self, seq: u64) -> Option<Answered> {
        let place = self.place(seq)?;
        let at = self.answers.binary_search_by_key(&place, |answer| answer.place).ok()?;
        let Packed { error_code, first_offset, .. } = *self.answers.get(at)?;
        let first_offset = (first_offset >= 0).then_some(first_offset);
        let topic_id = self.topic_ids.get(&place).copied();
        Some(Answered { seq, error_code, first_offset, topic_id })
    }

    fn place(&self, seq: u64) -> Option<u32> {
        u32::try_from(seq.checked_sub(self.first_seq)?).ok()
    }
}

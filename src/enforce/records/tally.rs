//! What happened to the records of one partition, counted for its audit rows. Counts and selectors
//! only: never a value.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::audit::{AuditDecision, AuditEvent, EventKind, MaskCount, Mode};
use crate::policy::{Effect, MaskRule, Plan, Verdict};
use crate::record::Batch;

/// Rows of single records that one partition of one request may cause; the rest is counted.
const RECORD_ROWS_MAX: usize = 16;

/// The counts of one partition.
#[derive(Default)]
pub struct Tally {
    records: u32,
    pub dropped: u32,
    masked_records: u32,
    masked_values: u32,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    masks: Vec<(Arc<str>, &'static str, u32)>,
    rules: SmallVec<[Arc<str>; 4]>,
    shadow: Vec<(Arc<str>, u32)>,
    shadow_effect: Effect,
    notes: Vec<Note>,
    suppressed: u32,
}

/// One record that deserves a row of its own.
struct Note {
    offset: i64,
    decision: AuditDecision,
    rules: SmallVec<[Arc<str>; 2]>,
    message: Cow<'static, str>,
}

impl Tally {
    /// Offsets of a batch that is passed on.
    pub fn reach(&mut self, first: i64, last: i64) {
        self.first_offset.get_or_insert(first);
        self.last_offset = Some(last);
    }

    /// Counts one record and what was decided.
    pub fn note(&mut self, plan: &Plan, verdict: &Verdict, offset: i64, effect: Effect) {
        self.records = self.records.saturating_add(1);
        for index in &verdict.shadow_rules {
            let Some(id) = plan.rule_id(*index) else { continue };
            match self.shadow.iter_mut().find(|(known, _)| known == id) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => self.shadow.push((Arc::clone(id), 1)),
            }
        }
        self.shadow_effect = self.shadow_effect.max(verdict.shadow_effect);
        let (decision, message) = match (effect, verdict.undecodable, verdict.eval_errors) {
            (Effect::Deny, ..) => (AuditDecision::Deny, "the record is refused"),
            (Effect::Drop, ..) => (AuditDecision::Drop, "the record is left out"),
            (Effect::Redact, ..) => (AuditDecision::Mask, "the whole value is replaced"),
            (Effect::Allow | Effect::Mask, 0, 0) => return,
            (Effect::Mask, ..) => (AuditDecision::Mask, "a condition could not be evaluated"),
            (Effect::Allow, ..) => (AuditDecision::Allow, "the record could not be read"),
        };
        let message = if verdict.undecodable > 0 { "undecodable" } else { message };
        self.blame(plan, verdict);
        if self.notes.len() >= RECORD_ROWS_MAX {
            self.suppressed = self.suppressed.saturating_add(1);
            return;
        }
        let rules = verdict.rules.iter().filter_map(|index| plan.rule_id(*index)).cloned();
        let rules = rules.collect();
        self.notes.push(Note { offset, decision, rules, message: Cow::Borrowed(message) });
    }

    /// Counts a batch that could not be read, and why.
    pub fn left_out(&mut self, batch: &Batch<'_>, reason: String) {
        let header = batch.header();
        self.dropped = self.dropped.saturating_add(u32::try_from(header.record_count).unwrap_or(1));
        if self.notes.len() >= RECORD_ROWS_MAX {
            self.suppressed = self.suppressed.saturating_add(1);
            return;
        }
        self.notes.push(Note {
            offset: header.base_offset,
            decision: AuditDecision::Drop,
            rules: SmallVec::new(),
            message: Cow::Owned(reason),
        });
    }

    fn blame(&mut self, plan: &Plan, verdict: &Verdict) {
        for id in verdict.rules.iter().filter_map(|index| plan.rule_id(*index)) {
            if !self.rules.contains(id) {
                self.rules.push(Arc::clone(id));
            }
        }
    }

    /// Counts one value that was masked.
    pub fn masked(&mut self, rule: &MaskRule) {
        self.masked_values = self.masked_values.saturating_add(1);
        if !self.rules.contains(&rule.rule) {
            self.rules.push(Arc::clone(&rule.rule));
        }
        let method = rule.mask.name();
        let known = |mask: &&mut (Arc<str>, &'static str, u32)| {
            Arc::ptr_eq(&mask.0, &rule.selector) && mask.1 == method
        };
        match self.masks.iter_mut().find(known) {
            Some((.., count)) => *count = count.saturating_add(1),
            None => self.masks.push((Arc::clone(&rule.selector), method, 1)),
        }
    }

    /// Counts a record in which at least one value was masked.
    pub fn masked_record(&mut self) {
        self.masked_records = self.masked_records.saturating_add(1);
    }

    /// Counts a value that was replaced whole because it could not be read.
    pub fn redacted(&mut self, marker: &Arc<str>) {
        self.masked_values = self.masked_values.saturating_add(1);
        match self.masks.iter_mut().find(|(.., method, _)| *method == "redact_value") {
            Some((.., count)) => *count = count.saturating_add(1),
            None => self.masks.push((Arc::clone(marker), "redact_value", 1)),
        }
    }

    /// What the partition's row says of it all.
    #[must_use]
    pub fn decision(&self) -> AuditDecision {
        if self.dropped > 0 {
            AuditDecision::Drop
        } else if self.masked_values > 0 {
            AuditDecision::Mask
        } else {
            AuditDecision::Allow
        }
    }

    /// Puts the counts into the partition's row.
    pub fn put(&self, row: &mut AuditEvent) {
        row.records = Some(self.records);
        row.first_offset = row.first_offset.or(self.first_offset);
        row.last_offset = row.last_offset.or(self.last_offset);
        row.masked_records = self.masked_records;
        row.masked_values = self.masked_values;
        row.mask_summary = self
            .masks
            .iter()
            .map(|(selector, method, count)| MaskCount {
                selector: Arc::clone(selector),
                method,
                count: *count,
            })
            .collect();
        row.rule_ids.extend(self.rules.iter().cloned());
    }

    /// Rows of single records and of shadow rules, from the partition's own.
    pub fn rows(&self, base: &AuditEvent, rows: &mut Vec<AuditEvent>) {
        for (index, note) in self.notes.iter().enumerate() {
            let mut row = base.clone();
            row.event = EventKind::RecordDecision;
            row.decision = Some(note.decision);
            row.first_offset = Some(note.offset);
            row.last_offset = Some(note.offset);
            row.records = Some(1);
            row.bytes = None;
            row.rule_ids = note.rules.clone();
            row.message = Some(Arc::from(&*note.message));
            if index + 1 == self.notes.len() {
                row.suppressed = self.suppressed;
            }
            rows.push(row);
        }
        for (rule, count) in &self.shadow {
            let mut row = base.clone();
            row.mode = Some(Mode::Shadow);
            row.decision = Some(match self.shadow_effect {
                Effect::Deny => AuditDecision::Deny,
                Effect::Drop => AuditDecision::Drop,
                Effect::Mask | Effect::Redact => AuditDecision::Mask,
                Effect::Allow => AuditDecision::Allow,
            });
            row.records = Some(*count);
            row.rule_ids.push(Arc::clone(rule));
            rows.push(row);
        }
    }
}

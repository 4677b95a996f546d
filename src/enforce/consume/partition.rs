//! One partition of a response: what the reader gets of it.

use std::sync::Arc;

use bytes::Bytes;

use super::Reading;
use super::walk::FoundPartition;
use crate::audit::{AuditDecision, AuditEvent};
use crate::enforce::error_code;
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::{Facts, Limits, Notice, TopicName};
use crate::enforce::outcome::Slices;
use crate::enforce::records::{self, Read, Tally, Tools, Unreadable};
use crate::policy::{Action, Decision, Plan};
use crate::record::{Item, items};
use crate::wire::{ErrorCode, TopicId};

/// Why a partition is answered with an error and no bytes.
pub(in crate::enforce) struct Fault {
    pub code: ErrorCode,
    /// The rule's message, for responses that have room for it.
    pub message: Option<String>,
}

impl Fault {
    fn plain(code: ErrorCode) -> Self {
        Self { code, message: None }
    }
}

/// What becomes of the partition's entry.
pub(super) enum Fate {
    Unchanged,
    /// Other record bytes.
    Records(Slices),
    /// The reader may not read the topic.
    Denied(Fault),
    /// The whole entry is an error.
    Refused(Fault),
}

/// A partition of which the policy has said what is to be done.
pub(super) enum Weighed {
    Settled(Fate),
    /// Its records are to be read.
    Open(Box<Work>),
}

/// Content work on one partition, before and after it is done.
pub(super) struct Work {
    plan: Arc<Plan>,
    topic: Arc<str>,
    partition: i32,
    records: Bytes,
    unreadable: Unreadable,
    row: AuditEvent,
    done: Option<(Read, Tally)>,
}

impl Work {
    pub fn bytes(&self) -> usize {
        self.records.len()
    }

    /// Reads the records: the only step that takes long.
    pub fn carry_out(&mut self, tools: &mut Tools, limits: Limits) {
        let place = records::Place { topic: &self.topic, partition: self.partition };
        let terms = (limits, self.unreadable);
        self.done = Some(records::consume(tools, &self.plan, &self.records, place, terms));
    }
}

/// Says what the policy wants with one partition, and leaves its row where that is all.
pub(super) fn weigh(
    facts: &mut Facts<'_>,
    reading: &Reading<'_>,
    (name, topic_id): (&TopicName, Option<TopicId>),
    partition: &FoundPartition,
    records: Bytes,
) -> Weighed {
    let Reading { evidence, .. } = reading;
    let TopicName::Known(topic) = name else {
        if partition.error_code != ErrorCode::NONE.0 && records.is_empty() {
            return Weighed::Settled(Fate::Unchanged);
        }
        let mut row = evidence.topic_row(AuditDecision::Deny, None, topic_id);
        row.partition = Some(partition.index);
        row.error_code = Some(ErrorCode::UNKNOWN_TOPIC_ID.0);
        facts.effects.evidence.rows.push(row);
        return Weighed::Settled(Fate::Refused(Fault::plain(ErrorCode::UNKNOWN_TOPIC_ID)));
    };
    let Some(plan) = facts.plan(Action::Consume, topic, reading.client_id) else {
        let fault = Fault::plain(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        return Weighed::Settled(Fate::Denied(fault));
    };
    let mut row = evidence.topic_row(AuditDecision::Allow, Some(topic), topic_id);
    row.partition = Some(partition.index);
    if let Decision::Deny(denial) = plan.access() {
        let code = error_code(denial.code);
        let message = denial.message.render(topic, None);
        Evidence::refuse(&mut row, denial, code, &message);
        facts.effects.evidence.rows.push(row);
        facts.effects.notices.push(Notice::Refused { api: reading.key });
        return Weighed::Settled(Fate::Denied(Fault { code, message: Some(message) }));
    }
    if records.is_empty() {
        return Weighed::Settled(Fate::Unchanged);
    }
    row.error_code = Some(partition.error_code);
    row.bytes = u64::try_from(records.len()).ok();
    for denial in plan.shadow_access() {
        facts.effects.evidence.rows.push(Evidence::shadow_denial(&row, denial));
    }
    if !plan.reads_records() {
        count(&records, &mut row);
        facts.effects.evidence.rows.push(row);
        return Weighed::Settled(Fate::Unchanged);
    }
    let (topic, partition) = (Arc::clone(topic), partition.index);
    let unreadable = reading.unreadable;
    let work = Work { plan, topic, partition, records, unreadable, row, done: None };
    Weighed::Open(Box::new(work))
}

/// Leaves the rows of what was done.
pub(super) fn settle(facts: &mut Facts<'_>, weighed: Weighed) -> Fate {
    let work = match weighed {
        Weighed::Settled(fate) => return fate,
        Weighed::Open(work) => work,
    };
    let Work { mut row, done, .. } = *work;
    let Some((read, tally)) = done else {
        // Work that was not done has shown nothing to anybody.
        return Fate::Refused(Fault::plain(ErrorCode::CORRUPT_MESSAGE));
    };
    tally.rows(&row, &mut facts.effects.evidence.rows);
    tally.put(&mut row);
    let fate = match read {
        Read::Unchanged => Fate::Unchanged,
        Read::Changed(slices) => {
            row.decision = Some(tally.decision());
            Fate::Records(slices)
        }
        Read::Unreadable { code, reason } => {
            row.decision = Some(AuditDecision::Deny);
            row.error_code = Some(code.0);
            row.message = Some(Arc::from(reason.as_str()));
            Fate::Refused(Fault { code, message: Some(reason) })
        }
    };
    facts.effects.evidence.rows.push(row);
    fate
}

/// Counts records and offsets by the batches' headers alone.
fn count(records: &Bytes, row: &mut AuditEvent) {
    let mut total = 0_u32;
    for item in items(records) {
        let Ok(Item::Batch(batch)) = item else { break };
        let header = batch.header();
        row.first_offset.get_or_insert(header.base_offset);
        row.last_offset =
            Some(header.base_offset.saturating_add(i64::from(header.last_offset_delta)));
        total = total.saturating_add(u32::try_from(header.record_count).unwrap_or(0));
    }
    row.records = Some(total);
}

//! One partition's batch: may it go, and as what.

use std::sync::Arc;

use bytes::Bytes;

use super::walk::{Partition, Topic};
use crate::audit::{AuditDecision, AuditEvent, Ticket};
use crate::enforce::error_code;
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::{Facts, Limits, TopicName};
use crate::enforce::outcome::Request;
use crate::enforce::records::{self, Judged, Refusal, Tally, Tools};
use crate::policy::{Action, Decision, Plan};
use crate::record::{self, FaultKind, ProduceFault};
use crate::wire::ErrorCode;

/// What became of a partition of the request.
pub(super) enum Fate {
    Unchanged,
    Changed(Bytes),
    Refused(Refusal),
}

/// A partition, judged, with its rows: the first speaks of the whole batch.
pub(super) struct Part {
    pub fate: Fate,
    pub rows: Vec<AuditEvent>,
    /// The reserved row of what goes to the broker.
    pub ticket: Option<Ticket>,
}

impl Part {
    fn new(fate: Fate, row: AuditEvent) -> Self {
        Self { fate, rows: vec![row], ticket: None }
    }

    /// Whether it goes to the broker.
    pub fn stays(&self) -> bool {
        match self.fate {
            Fate::Unchanged | Fate::Changed(_) => true,
            Fate::Refused(_) => false,
        }
    }
}

/// A partition of which the policy has said what is to be done.
pub(super) enum Weighed {
    Settled(Part),
    /// Its records are to be read.
    Open(Box<Work>),
}

/// Content work on one partition, before and after it is done.
pub(super) struct Work {
    plan: Arc<Plan>,
    topic: Arc<str>,
    partition: i32,
    records: Bytes,
    row: AuditEvent,
    shadows: Vec<AuditEvent>,
    done: Option<(Judged, Tally)>,
}

impl Work {
    pub fn bytes(&self) -> usize {
        self.records.len()
    }

    /// Reads the records: the only step that takes long.
    pub fn carry_out(&mut self, tools: &mut Tools, limits: Limits) {
        let place = records::Place { topic: &self.topic, partition: self.partition };
        self.done = Some(match record::produced(&self.records) {
            Ok(batch) => records::produce(tools, &self.plan, &batch, place, limits),
            Err(fault) => (Judged::Refused(of_fault(&fault)), Tally::default()),
        });
    }
}

impl Weighed {
    /// What became of the partition, with its rows.
    pub fn settle(self) -> Part {
        let work = match self {
            Self::Settled(part) => return part,
            Self::Open(work) => work,
        };
        let Work { mut row, shadows, done, .. } = *work;
        let Some((judged, tally)) = done else {
            // Work that was not done lets nothing through.
            let refusal = Refusal::plain(ErrorCode::INVALID_RECORD, "the records were not read");
            return with_rows(refused(refusal, row), shadows);
        };
        let mut rows = shadows;
        tally.rows(&row, &mut rows);
        tally.put(&mut row);
        let part = match judged {
            Judged::Unchanged => Part::new(Fate::Unchanged, row),
            Judged::Changed(bytes) => {
                row.decision = Some(AuditDecision::Mask);
                Part::new(Fate::Changed(bytes), row)
            }
            Judged::Refused(refusal) => refused(refusal, row),
        };
        with_rows(part, rows)
    }
}

/// Says what the policy wants with one partition.
pub(super) fn weigh(
    facts: &mut Facts<'_>,
    request: &Request,
    (topic, partition): (&Topic, &Partition),
    evidence: &Evidence,
) -> Weighed {
    let settled = |part: Part| Weighed::Settled(part);
    let body = request.body();
    let TopicName::Known(name) = topic.named.resolve(facts, &body) else {
        let mut row = evidence.topic_row(AuditDecision::Deny, None, topic.named.id);
        row.partition = Some(partition.index);
        let refusal = Refusal::plain(ErrorCode::UNKNOWN_TOPIC_ID, "no topic has this id");
        return settled(refused(refusal, row));
    };
    let mut row = evidence.topic_row(AuditDecision::Allow, Some(&name), topic.named.id);
    row.partition = Some(partition.index);
    let records = body.slice(partition.records.clone());
    row.bytes = u64::try_from(records.len()).ok();
    let Some(plan) = facts.plan(Action::Produce, &name, request.header.client_id()) else {
        let refusal = Refusal::plain(ErrorCode::TOPIC_AUTHORIZATION_FAILED, "nobody is logged in");
        return settled(refused(refusal, row));
    };
    let mut shadows = Vec::new();
    for denial in plan.shadow_access() {
        shadows.push(Evidence::shadow_denial(&row, denial));
    }
    if let Decision::Deny(denial) = plan.access() {
        let refusal = Refusal::of(denial, &name, None, error_code(denial.code));
        return settled(with_rows(refused(refusal, row), shadows));
    }
    let batch = match record::produced(&records) {
        Ok(batch) => batch,
        Err(fault) => return settled(with_rows(refused(of_fault(&fault), row), shadows)),
    };
    row.records = u32::try_from(batch.header().record_count).ok();
    if !plan.reads_records() {
        return settled(with_rows(Part::new(Fate::Unchanged, row), shadows));
    }
    let (topic, partition) = (name, partition.index);
    let work = Work { plan, topic, partition, records, row, shadows, done: None };
    Weighed::Open(Box::new(work))
}

/// A partition of a request that may not go at all.
pub(super) fn barred(
    facts: &mut Facts<'_>,
    body: &Bytes,
    (topic, partition): (&Topic, &Partition),
    evidence: &Evidence,
    refusal: &Refusal,
) -> Part {
    let name = match topic.named.resolve(facts, body) {
        TopicName::Known(name) => Some(name),
        TopicName::Nobody | TopicName::Ask => None,
    };
    let mut row = evidence.topic_row(AuditDecision::Deny, name.as_ref(), topic.named.id);
    row.partition = Some(partition.index);
    refused(refusal.clone(), row)
}

fn refused(refusal: Refusal, mut row: AuditEvent) -> Part {
    refusal.put(&mut row);
    Part::new(Fate::Refused(refusal), row)
}

fn with_rows(mut part: Part, rows: Vec<AuditEvent>) -> Part {
    part.rows.extend(rows);
    part
}

/// Kafka's own code for a record set that no broker would take.
fn of_fault(fault: &ProduceFault) -> Refusal {
    let code = match fault.kind() {
        FaultKind::Corrupt => ErrorCode::CORRUPT_MESSAGE,
        FaultKind::Invalid => ErrorCode::INVALID_RECORD,
    };
    Refusal::plain(code, &fault.to_string())
}

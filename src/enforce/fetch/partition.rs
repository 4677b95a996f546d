//! One partition of a Fetch response: what the reader gets of it.

use std::sync::Arc;

use bytes::Bytes;

use super::walk::FoundPartition;
use crate::audit::{AuditDecision, AuditEvent};
use crate::enforce::error_code;
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::{Facts, Notice, TopicName};
use crate::enforce::outcome::Slices;
use crate::enforce::records::{self, Read};
use crate::policy::{Action, Decision};
use crate::record::{Item, items};
use crate::wire::{ApiKey, ErrorCode, TopicId};

/// What becomes of the partition's entry.
pub(super) enum Fate {
    Unchanged,
    /// Other record bytes.
    Records(Slices),
    /// The whole entry is an error.
    Refused(ErrorCode),
}

/// What judging one partition needs beside the facts.
pub(super) struct Judgement<'j> {
    pub evidence: &'j Evidence,
    pub client_id: &'j str,
    pub topic_id: Option<TopicId>,
    pub partition: &'j FoundPartition,
}

pub(super) fn judge_partition(
    facts: &mut Facts<'_>,
    judgement: &mut Judgement<'_>,
    name: &TopicName,
    records: &Bytes,
) -> Fate {
    let Judgement { evidence, topic_id, partition, .. } = judgement;
    let TopicName::Known(topic) = name else {
        if partition.error_code != ErrorCode::NONE.0 && records.is_empty() {
            return Fate::Unchanged;
        }
        let mut row = evidence.topic_row(AuditDecision::Deny, None, *topic_id);
        row.partition = Some(partition.index);
        row.error_code = Some(ErrorCode::UNKNOWN_TOPIC_ID.0);
        facts.effects.evidence.rows.push(row);
        return Fate::Refused(ErrorCode::UNKNOWN_TOPIC_ID);
    };
    let Some(plan) = facts.plan(Action::Consume, topic, judgement.client_id) else {
        return Fate::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    };
    let mut row = evidence.topic_row(AuditDecision::Allow, Some(topic), *topic_id);
    row.partition = Some(partition.index);
    if let Decision::Deny(denial) = plan.access() {
        let code = error_code(denial.code);
        Evidence::refuse(&mut row, denial, code, &denial.message.render(topic, None));
        facts.effects.evidence.rows.push(row);
        facts.effects.notices.push(Notice::Refused { api: ApiKey::FETCH });
        return Fate::Refused(code);
    }
    if records.is_empty() {
        return Fate::Unchanged;
    }
    row.error_code = Some(partition.error_code);
    row.bytes = u64::try_from(records.len()).ok();
    for denial in plan.shadow_access() {
        facts.effects.evidence.rows.push(Evidence::shadow_denial(&row, denial));
    }
    if !plan.reads_records() {
        count(records, &mut row);
        facts.effects.evidence.rows.push(row);
        return Fate::Unchanged;
    }
    let limits = facts.cluster.limits;
    let place = records::Place { topic, partition: partition.index };
    let (read, tally) = facts
        .cluster
        .tools
        .work(records.len(), |tools| records::consume(tools, &plan, records, place, limits));
    tally.rows(&row, &mut facts.effects.evidence.rows);
    tally.put(&mut row);
    match read {
        Read::Unchanged => {
            facts.effects.evidence.rows.push(row);
            Fate::Unchanged
        }
        Read::Changed(slices) => {
            row.decision = Some(tally.decision());
            facts.effects.evidence.rows.push(row);
            Fate::Records(slices)
        }
        Read::Unreadable { code, reason } => {
            row.decision = Some(AuditDecision::Deny);
            row.error_code = Some(code.0);
            row.message = Some(Arc::from(reason));
            facts.effects.evidence.rows.push(row);
            Fate::Refused(code)
        }
    }
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

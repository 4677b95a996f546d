//! ShareFetch and ShareAcknowledge (keys 78 and 79, KIP-932): records by the road of share groups.
//!
//! What a share group is given counts as a delivery, so a topic that may not be read is taken out
//! of the request and answered as Kafka's own authorizer does it (`handleShareFetchRequest` of
//! `KafkaApis`): error 29 for the partition and for its acknowledgements, which the broker never
//! sees. What comes back is judged as in Fetch; offsets that are acquired and have no
//! record are gaps to a client, which says so to the broker.
//!
//! A request names only what has changed since the one before it. What this connection took out of
//! its session is kept with it, and answered each time, as the broker would. Once that may be read,
//! or what is in the session no longer may, the session is said to be unknown (122), and the client
//! begins another.

mod answer;
mod session;
mod walk;
mod write;

use std::collections::HashSet;
use std::sync::Arc;

pub use session::ShareSessions;

use super::access::Access;
use super::consume::Fault;
use super::evidence::Evidence;
use super::facts::{Facts, Notice, TopicName};
use super::outcome::{Answer, CloseReason, Forward, Outcome, Request};
use super::splice::{Edits, length_prefix};
use super::{Enforcement, error_code, spans};
use crate::audit::AuditDecision;
use crate::policy::{Action, Decision, Denial, Operation, Resource};
use crate::wire::{ApiKey, ErrorCode, TopicId};

use answer::Answered;
use session::{Partition, SessionKey};
use walk::Asked;
use write::Gone;

/// Epochs of share sessions: one that begins, and one that ends. Those between go on.
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;

/// Both messages; a ShareAcknowledge is a ShareFetch that wants no records.
pub struct Share;

impl Enforcement for Share {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let header = &request.header;
    let body = request.body();
    let asked = walk::asked(header, &body, &facts.cluster.limits.shape())
        .map_err(|fault| CloseReason::RequestShape { api: header.key, fault })?;
    let session = SessionKey {
        group: facts.connection.names.intern(asked.group(&body)),
        member: facts.connection.names.intern(asked.member(&body)),
    };
    let group = Resource::ConsumerGroup(&session.group);
    if let Err(refusal) = Access::of(facts, request).check(Operation::Read, group) {
        let answer = write::whole(header, refusal.code, &refusal.message);
        return Ok(Outcome::Respond(answer));
    }
    if let Some(needs) = spans::unnamed(facts, asked.topics.iter().map(|topic| &topic.named)) {
        return Ok(Outcome::Wait(needs));
    }
    let goes_on = !matches!(asked.epoch, INITIAL_EPOCH | FINAL_EPOCH);
    if goes_on && let Some(reason) = unusable(facts, request, &session) {
        facts.connection.share_sessions.forget(&session);
        return Ok(refuse_session(facts, request, reason));
    }
    let (gone, kept) = sort_out(facts, request, &asked, &session);
    let evidence = Evidence::of(facts, request);
    leave_rows(facts, request, &evidence, (&session, &gone));
    let slices = edited(request, &asked, &kept);
    let client_id: Arc<str> = facts.connection.names.intern(header.client_id());
    let judge = Answered { version: header.version, client_id, evidence, session, asked, gone };
    let answer = Answer::Judged(Box::new(judge));
    Ok(Outcome::Forward(Forward { slices, answer, version: None, then_close: None }))
}

/// Why the client must begin another session, if it must.
fn unusable(
    facts: &mut Facts<'_>,
    request: &Request,
    session: &SessionKey,
) -> Option<&'static str> {
    let Some(known) = facts.connection.share_sessions.find(session) else {
        return Some("the share session is not this connection's");
    };
    if request.header.key == ApiKey::SHARE_ACKNOWLEDGE {
        return None;
    }
    let mut topics: Vec<TopicId> = known.removed.iter().map(|(topic, _)| *topic).collect();
    topics.dedup();
    let changed =
        known.is_stale || topics.into_iter().any(|topic| denial(facts, request, topic).is_none());
    changed.then_some("what may be read in the share session has changed")
}

/// The topic's name and the denial of reading it, if it is denied.
fn denial(facts: &mut Facts<'_>, request: &Request, topic: TopicId) -> Option<(Arc<str>, Denial)> {
    let TopicName::Known(name) = facts.topic_name(topic) else { return None };
    let plan = facts.plan(Action::Consume, &name, request.header.client_id());
    match plan.as_deref().map(|plan| plan.access()) {
        Some(Decision::Allow) => None,
        Some(Decision::Deny(denial)) => Some((name, denial.clone())),
        None => Some((name, Denial::nobody())),
    }
}

/// What the broker must not see of the request, and for each topic whether it goes on.
///
/// A topic that nobody can name goes on: it may have a name when its records come.
fn sort_out(
    facts: &mut Facts<'_>,
    request: &Request,
    asked: &Asked,
    session: &SessionKey,
) -> (Vec<Gone>, Vec<bool>) {
    let mut gone = Vec::new();
    let mut kept = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let Some(id) = topic.named.id else { continue };
        let denied = denial(facts, request, id);
        kept.push(denied.is_none());
        let Some((name, denial)) = denied else { continue };
        for partition in &topic.partitions {
            let fault = fault_of(&name, &denial);
            let (name, rule) = (Arc::clone(&name), Arc::clone(&denial.rule));
            let acknowledges = partition.acknowledges;
            gone.push(Gone { partition: (id, partition.index), name, rule, fault, acknowledges });
        }
    }
    if request.header.key == ApiKey::SHARE_ACKNOWLEDGE || asked.epoch == FINAL_EPOCH {
        return (gone, kept);
    }
    let Some(known) = facts.connection.share_sessions.find(session) else { return (gone, kept) };
    if asked.epoch == INITIAL_EPOCH {
        return (gone, kept);
    }
    let said: HashSet<Partition> = asked
        .forgotten
        .iter()
        .copied()
        .chain(gone.iter().map(|gone: &Gone| gone.partition))
        .collect();
    let still: Vec<Partition> =
        known.removed.iter().filter(|partition| !said.contains(partition)).copied().collect();
    for partition in still {
        let Some((name, denial)) = denial(facts, request, partition.0) else { continue };
        let (fault, rule) = (fault_of(&name, &denial), Arc::clone(&denial.rule));
        gone.push(Gone { partition, name, rule, fault, acknowledges: false });
    }
    (gone, kept)
}

fn fault_of(name: &str, denial: &Denial) -> Fault {
    Fault { code: error_code(denial.code), message: Some(denial.message.render(name, None)) }
}

fn refuse_session(facts: &mut Facts<'_>, request: &Request, reason: &'static str) -> Outcome {
    let mut row = Evidence::of(facts, request).row(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::SHARE_SESSION_NOT_FOUND.0);
    row.message = Some(reason.into());
    facts.effects.evidence.rows.push(row);
    facts.effects.notices.push(Notice::Refused { api: request.header.key });
    Outcome::Respond(write::whole(&request.header, ErrorCode::SHARE_SESSION_NOT_FOUND, reason))
}

/// A row for each partition that is taken out, and one for acknowledgements that go on.
fn leave_rows(
    facts: &mut Facts<'_>,
    request: &Request,
    evidence: &Evidence,
    (session, gone): (&SessionKey, &[Gone]),
) {
    for Gone { partition: (topic, index), name, rule, fault, .. } in gone {
        let mut row = evidence.topic_row(AuditDecision::Deny, Some(name), Some(*topic));
        row.partition = Some(*index);
        row.rule_ids.push(Arc::clone(rule));
        row.error_code = Some(fault.code.0);
        row.message = fault.message.as_deref().map(Arc::from);
        facts.effects.evidence.rows.push(row);
    }
    if !gone.is_empty() {
        facts.effects.notices.push(Notice::Refused { api: request.header.key });
    }
    if request.header.key == ApiKey::SHARE_ACKNOWLEDGE {
        let group = Resource::ConsumerGroup(&session.group);
        let row = Access::of(facts, request).row(AuditDecision::Allow, &group);
        facts.effects.evidence.rows.push(row);
    }
}

/// The request without the topics that are not kept.
fn edited(request: &Request, asked: &Asked, kept: &[bool]) -> super::Slices {
    let base = request.header.body_at;
    let at = |range: &std::ops::Range<usize>| range.start + base..range.end + base;
    let mut edits = Edits::default();
    let count = kept.iter().filter(|kept| **kept).count();
    if count < kept.len() {
        edits.replace(at(&asked.count), [length_prefix(true, count)]);
        for (topic, kept) in asked.topics.iter().zip(kept) {
            if !kept {
                edits.remove(at(&topic.element));
            }
        }
    }
    edits.apply(&request.frame)
}

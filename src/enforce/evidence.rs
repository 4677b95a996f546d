//! Audit rows of an enforcement, begun from what the request and the plan say.

use std::sync::Arc;

use super::facts::Facts;
use super::outcome::Request;
use crate::audit::{AuditDecision, AuditEvent, EventKind, Mode, SessionFacts, Ulid};
use crate::policy::Denial;
use crate::wire::{ApiKey, ErrorCode, RequestHeader, TopicId};

/// What all rows of one request share.
#[derive(Clone)]
pub struct Evidence {
    session: Arc<SessionFacts>,
    decision_id: Ulid,
    key: ApiKey,
    version: i16,
    revision: Arc<str>,
}

impl Evidence {
    /// Begins the rows of `request`.
    pub fn of(facts: &mut Facts<'_>, request: &Request) -> Self {
        Self::of_header(facts, &request.header)
    }

    /// As [`Self::of`], where only the header is left.
    pub fn of_header(facts: &mut Facts<'_>, header: &RequestHeader) -> Self {
        let client_id = header.client_id();
        if facts.connection.evidence.client_id.as_deref().unwrap_or("") != client_id {
            let mut changed = SessionFacts::clone(&facts.connection.evidence);
            changed.client_id = Some(Arc::from(client_id));
            facts.connection.evidence = Arc::new(changed);
        }
        Self {
            session: Arc::clone(&facts.connection.evidence),
            decision_id: facts.connection.ids.next_id(facts.now_ms),
            key: header.key,
            version: header.version,
            revision: Arc::clone(facts.policy.revision()),
        }
    }

    /// The policy set may have changed since the request: a response's rows name the one that
    /// judged.
    pub fn judged_under(&mut self, facts: &Facts<'_>) {
        if !Arc::ptr_eq(&self.revision, facts.policy.revision()) {
            self.revision = Arc::clone(facts.policy.revision());
        }
    }

    /// A row of the whole request.
    #[must_use]
    pub fn row(&self, decision: AuditDecision) -> AuditEvent {
        let mut row = AuditEvent::new(EventKind::Decision, Arc::clone(&self.session));
        row.decision_id = Some(self.decision_id);
        row.api = Some(self.key.name());
        row.api_version = Some(self.version);
        row.decision = Some(decision);
        row.mode = Some(Mode::Enforce);
        row.policy_revision = Some(Arc::clone(&self.revision));
        row
    }

    /// A row of one topic.
    #[must_use]
    pub fn topic_row(
        &self,
        decision: AuditDecision,
        topic: Option<&Arc<str>>,
        id: Option<TopicId>,
    ) -> AuditEvent {
        let mut row = self.row(decision);
        row.topic = topic.map(Arc::clone);
        row.topic_id = id.filter(|id| !id.is_zero()).map(|id| id.0);
        row
    }

    /// What `row` would say if `denial` were enforced.
    pub fn shadow_denial(row: &AuditEvent, denial: &Denial) -> AuditEvent {
        let mut shadow = row.clone();
        shadow.mode = Some(Mode::Shadow);
        shadow.decision = Some(AuditDecision::Deny);
        shadow.rule_ids.push(Arc::clone(&denial.rule));
        shadow
    }

    /// Marks `row` as refused by `denial`, with the code and the text that the client gets.
    pub fn refuse(row: &mut AuditEvent, denial: &Denial, code: ErrorCode, message: &str) {
        row.decision = Some(AuditDecision::Deny);
        row.rule_ids.push(Arc::clone(&denial.rule));
        row.error_code = Some(code.0);
        row.message = Some(Arc::from(message));
    }
}

/// A row that no request caused: of a login, a session's start or its end.
#[must_use]
pub fn session_row(event: EventKind, session: &Arc<SessionFacts>) -> AuditEvent {
    AuditEvent::new(event, Arc::clone(session))
}

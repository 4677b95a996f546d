//! What a subject may do to a resource, asked of the policy, with the rows that say it was refused.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;

use super::evidence::Evidence;
use super::facts::{Facts, Notice};
use super::outcome::Request;
use super::reservations::Reservations;
use crate::audit::{AuditDecision, AuditEvent};
use crate::policy::{
    AccessQuery, Decision, Denial, DenyCode, Operation, PolicySet, Resource, Wanted,
};
use crate::wire::{ApiKey, ErrorCode, RequestHeader, codec};

/// Decisions kept for one connection; they are forgotten when the second or the policy changes.
const DECISIONS_MAX: usize = 4_096;

/// Asks the policy in the name of one request.
pub struct Access<'a, 'f> {
    pub facts: &'a mut Facts<'f>,
    header: &'a RequestHeader,
    /// The API that the policy is asked about; not the request's own where it would do the work of
    /// another (a Metadata request that creates).
    api: ApiKey,
    evidence: Option<Evidence>,
    pub(super) reserved: Reservations,
}

/// Why something was refused, in the form of Kafka's own errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    /// The rule's id and message, for responses that have room for it.
    pub message: StrBytes,
}

/// Decisions of the policy for one connection, by API, operation and resource.
#[derive(Default)]
pub struct Decisions {
    policy: Option<Arc<PolicySet>>,
    client_id: String,
    at_seconds: i64,
    kept: HashMap<(ApiKey, Operation, Kind, Arc<str>), Decision>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Topic,
    ConsumerGroup,
    TransactionalId,
    Cluster,
}

impl Decisions {
    /// Forgets everything: the subject has changed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets what was decided under another policy, for another client id, or in another second.
    fn renew(&mut self, policy: &Arc<PolicySet>, client_id: &str, now_seconds: i64) {
        let same = self.policy.as_ref().is_some_and(|known| Arc::ptr_eq(known, policy))
            && self.client_id == client_id
            && self.at_seconds == now_seconds
            && self.kept.len() < DECISIONS_MAX;
        if !same {
            self.kept.clear();
            self.policy = Some(Arc::clone(policy));
            client_id.clone_into(&mut self.client_id);
            self.at_seconds = now_seconds;
        }
    }
}

fn parts<'q>(resource: &Resource<'q>) -> (Kind, &'q str) {
    match *resource {
        Resource::Topic(name) => (Kind::Topic, name),
        Resource::ConsumerGroup(name) => (Kind::ConsumerGroup, name),
        Resource::TransactionalId(name) => (Kind::TransactionalId, name),
        Resource::Cluster => (Kind::Cluster, ""),
    }
}

/// The error of Kafka's authorizer for one kind of resource.
#[must_use]
pub fn authorization_error(resource: &Resource<'_>) -> ErrorCode {
    match resource {
        Resource::Topic(_) => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        Resource::ConsumerGroup(_) => ErrorCode::GROUP_AUTHORIZATION_FAILED,
        Resource::TransactionalId(_) => ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        Resource::Cluster => ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
    }
}

impl<'a, 'f> Access<'a, 'f> {
    /// Asks in the name of `request`.
    pub fn of(facts: &'a mut Facts<'f>, request: &'a Request) -> Self {
        Self::of_header(facts, &request.header)
    }

    /// As [`Self::of`], for the judge of an answer.
    pub fn of_header(facts: &'a mut Facts<'f>, header: &'a RequestHeader) -> Self {
        Self { api: header.key, facts, header, evidence: None, reserved: Reservations::default() }
    }

    /// Asks about another API than the request's own.
    pub fn as_api(facts: &'a mut Facts<'f>, request: &'a Request, api: ApiKey) -> Self {
        Self { api, ..Self::of(facts, request) }
    }

    /// The version of the request.
    #[must_use]
    pub fn version(&self) -> i16 {
        self.header.version
    }

    /// Whether it may; leaves no row. For listings, which leave out what may not be seen.
    pub fn may(&mut self, operation: Operation, resource: Resource<'_>) -> bool {
        matches!(self.decide(operation, resource), Decision::Allow)
    }

    /// As [`Self::may`], about another API than the request's own.
    pub fn may_as(&mut self, api: ApiKey, operation: Operation, resource: Resource<'_>) -> bool {
        let own = std::mem::replace(&mut self.api, api);
        let may = self.may(operation, resource);
        self.api = own;
        may
    }

    /// As [`Self::may`], with a row of the refusal.
    ///
    /// # Errors
    /// The [`Refusal`] that the client is told.
    pub fn check(&mut self, operation: Operation, resource: Resource<'_>) -> Result<(), Refusal> {
        match self.decide(operation, resource) {
            Decision::Allow => Ok(()),
            Decision::Deny(denial) => Err(self.refuse(&resource, &denial)),
        }
    }

    /// As [`Self::check`], for a request that says what a resource is to become. Rules on trial
    /// leave their rows too.
    ///
    /// # Errors
    /// The [`Refusal`] that the client is told.
    pub fn check_wanted(
        &mut self,
        operation: Operation,
        resource: Resource<'_>,
        wanted: Wanted<'_>,
    ) -> Result<(), Refusal> {
        let Some(subject) = self.facts.connection.subject.clone() else {
            return Err(nobody(&resource));
        };
        let query = self.query(&subject, operation, resource, wanted);
        let shadow = self.facts.policy.access_shadow(&query);
        let decision = self.facts.policy.access(&query);
        for denial in shadow {
            let row = self.row(AuditDecision::Deny, &resource);
            self.facts.effects.evidence.rows.push(Evidence::shadow_denial(&row, &denial));
        }
        match decision {
            Decision::Allow => Ok(()),
            Decision::Deny(denial) => Err(self.refuse(&resource, &denial)),
        }
    }

    /// The operations on a resource that the policy allows, as KIP-430 counts them: to be joined
    /// with the broker's own by `&`.
    pub fn operations(&mut self, resource: Resource<'_>) -> i32 {
        let Some(subject) = self.facts.connection.subject.clone() else { return 0 };
        let query = self.query(&subject, Operation::Describe, resource, Wanted::default());
        self.facts.policy.operations(&query)
    }

    /// A row of this request about one resource. Names other than a topic's stand in its message.
    pub fn row(&mut self, decision: AuditDecision, resource: &Resource<'_>) -> AuditEvent {
        let evidence = match self.evidence.take() {
            Some(evidence) => evidence,
            None => Evidence::of_header(self.facts, self.header),
        };
        let mut row = match *resource {
            Resource::Topic(name) => {
                let topic = self.facts.connection.names.intern(name);
                evidence.topic_row(decision, Some(&topic), None)
            }
            Resource::ConsumerGroup(_) | Resource::TransactionalId(_) | Resource::Cluster => {
                evidence.row(decision)
            }
        };
        row.message = match *resource {
            Resource::ConsumerGroup(name) => Some(format!("consumer group {name}").into()),
            Resource::TransactionalId(name) => Some(format!("transactional id {name}").into()),
            Resource::Topic(_) | Resource::Cluster => None,
        };
        self.evidence = Some(evidence);
        row
    }

    fn query<'q>(
        &'q self,
        subject: &'q crate::identity::Subject,
        operation: Operation,
        resource: Resource<'q>,
        wanted: Wanted<'q>,
    ) -> AccessQuery<'q> {
        AccessQuery {
            subject,
            client_id: self.header.client_id(),
            api: self.api.name(),
            operation,
            resource,
            wanted,
            broker_knows_user: self.facts.cluster.broker_knows_user,
            now_seconds: self.facts.now_seconds(),
        }
    }

    /// What the policy says; leaves no row.
    pub fn decide(&mut self, operation: Operation, resource: Resource<'_>) -> Decision {
        let Some(subject) = self.facts.connection.subject.clone() else {
            return Decision::Deny(Denial::nobody());
        };
        let (kind, name) = parts(&resource);
        let name = self.facts.connection.names.intern(name);
        let now_seconds = self.facts.now_seconds();
        let decisions = &mut self.facts.connection.decisions;
        decisions.renew(self.facts.policy, self.header.client_id(), now_seconds);
        let key = (self.api, operation, kind, name);
        if let Some(known) = decisions.kept.get(&key) {
            return known.clone();
        }
        let query = self.query(&subject, operation, resource, Wanted::default());
        let decision = self.facts.policy.access(&query);
        self.facts.connection.decisions.kept.insert(key, decision.clone());
        decision
    }

    fn refuse(&mut self, resource: &Resource<'_>, denial: &Denial) -> Refusal {
        let code = match denial.code {
            DenyCode::TopicAuthorizationFailed => authorization_error(resource),
            other @ (DenyCode::InvalidRecord
            | DenyCode::PolicyViolation
            | DenyCode::MessageTooLarge) => super::error_code(other),
        };
        let (_, name) = parts(resource);
        let message = denial.message.render(name, None);
        let mut row = self.row(AuditDecision::Deny, resource);
        let told = match row.message.take() {
            Some(about) => format!("{about}: {message}"),
            None => message.clone(),
        };
        Evidence::refuse(&mut row, denial, code, &told);
        self.facts.effects.evidence.rows.push(row);
        self.facts.effects.notices.push(Notice::Refused { api: self.header.key });
        Refusal { code, message: codec::text(&message) }
    }
}

fn nobody(resource: &Resource<'_>) -> Refusal {
    Refusal { code: authorization_error(resource), message: StrBytes::from_static_str("no login") }
}

//! A login that was proven: the connection is given to its subject, with the rows that say so.

use std::sync::Arc;

use super::{Login, Refusal};
use crate::audit::{AuditDecision, EventKind, SessionFacts, groups_id};
use crate::enforce::evidence::session_row;
use crate::enforce::facts::{Facts, Notice};
use crate::enforce::outcome::CloseReason;
use crate::identity::{Groups, Mechanism, Principal, Subject};
use crate::wire::ErrorCode;

/// What a login showed.
#[derive(Clone, Debug)]
pub struct Proven {
    pub subject: Subject,
    /// When it ends by itself, in milliseconds since the Unix epoch.
    pub ends_at_ms: Option<i64>,
    /// Of a token: correlates events without showing anything.
    pub token_id_hash: Option<Arc<str>>,
}

impl Proven {
    /// By a password, which has no end.
    pub fn by_password(facts: &Facts<'_>, name: &str, mechanism: Mechanism, own: Groups) -> Self {
        let principal = Principal::user(None, name);
        let groups = own.union(directory_groups(facts, &principal));
        let subject = Subject { principal, groups, mechanism };
        Self { subject, ends_at_ms: None, token_id_hash: None }
    }

    /// Shortens it to so many milliseconds from now; 0 says nothing (KIP-368).
    pub fn ends_within(&mut self, now_ms: i64, lifetime_ms: i64) {
        if lifetime_ms > 0 {
            let end = now_ms.saturating_add(lifetime_ms);
            self.ends_at_ms = Some(self.ends_at_ms.map_or(end, |own| own.min(end)));
        }
    }
}

/// What the directory says of a principal.
pub fn directory_groups(facts: &Facts<'_>, principal: &Principal) -> Groups {
    let directory = facts.cluster.identity.directory.as_ref();
    directory.and_then(|source| source.groups(principal)).map_or(Groups::Unknown, Groups::Known)
}

/// A login again keeps principal and mechanism (`SaslServerAuthenticator.ReauthInfo`).
pub fn unchanged(facts: &Facts<'_>, proven: &Proven) -> Result<(), Refusal> {
    let Some(before) = &facts.connection.subject else { return Ok(()) };
    let same = before.principal == proven.subject.principal
        && before.mechanism == proven.subject.mechanism;
    if same {
        return Ok(());
    }
    let reason = format!("{} is not who had logged in here", proven.subject.principal);
    let message = "Cannot change principals during re-authentication";
    Err(Refusal::new(reason, "principal_changed", message))
}

/// Takes a place for one more connection of `principal`, unless this one has it already.
///
/// # Errors
/// [`CloseReason::Seats`].
pub fn take_seat(facts: &mut Facts<'_>, principal: &Principal) -> Result<(), CloseReason> {
    if facts.connection.seat.is_none() {
        let seats = &facts.cluster.identity.seats;
        let limit = seats.limit();
        let full = || CloseReason::Seats { principal: principal.to_string().into(), limit };
        facts.connection.seat = Some(seats.take(principal).ok_or_else(full)?);
    }
    Ok(())
}

pub fn no_seat(reason: &CloseReason) -> Refusal {
    let message = "Too many connections of this principal";
    Refusal::new(reason.to_string(), "connections", message)
}

/// Completes a login, the first or one more. Returns the session's lifetime in milliseconds, 0 for
/// one without an end.
pub fn complete(facts: &mut Facts<'_>, mut proven: Proven) -> i64 {
    proven.ends_within(facts.now_ms, facts.cluster.identity.session_ms_max.unwrap_or(0));
    facts.connection.expires_at_ms = proven.ends_at_ms;
    let again = facts.connection.subject.is_some();
    if again {
        enter_again(facts, proven.subject, proven.token_id_hash);
    } else {
        enter(facts, proven.subject, proven.token_id_hash);
    }
    // 0 would say that there is no end.
    proven.ends_at_ms.map_or(0, |end| end.saturating_sub(facts.now_ms).max(1))
}

/// Gives the connection to `subject`, with the rows that say so.
pub fn enter(facts: &mut Facts<'_>, subject: Subject, token_id_hash: Option<Arc<str>>) {
    let (evidence, principal) = evidence_of(facts, &subject, token_id_hash);
    if subject.mechanism != Mechanism::Anonymous {
        note_login(facts, &evidence, None);
    }
    let mut start = session_row(EventKind::SessionStart, &evidence);
    start.policy_revision = Some(Arc::clone(facts.policy.revision()));
    facts.effects.evidence.rows.push(start);
    facts.effects.notices.push(Notice::LoggedIn { principal, groups: subject.groups.clone() });
    give(facts, subject);
}

/// The same principal has logged in again: whatever comes from now on is judged with its groups of
/// now (T23).
fn enter_again(facts: &mut Facts<'_>, subject: Subject, token_id_hash: Option<Arc<str>>) {
    let (evidence, principal) = evidence_of(facts, &subject, token_id_hash);
    note_login(facts, &evidence, Some("logged in again on a live connection"));
    facts.effects.notices.push(Notice::LoggedInAgain { principal, groups: subject.groups.clone() });
    give(facts, subject);
}

fn give(facts: &mut Facts<'_>, subject: Subject) {
    facts.connection.plans.clear();
    facts.connection.decisions.clear();
    facts.connection.subject = Some(Arc::new(subject));
    facts.connection.login = Login::Complete;
}

/// What every row of the connection says from now on, and the principal as text.
fn evidence_of(
    facts: &mut Facts<'_>,
    subject: &Subject,
    token_id_hash: Option<Arc<str>>,
) -> (Arc<SessionFacts>, Arc<str>) {
    let mut evidence = SessionFacts::clone(&facts.connection.evidence);
    let principal: Arc<str> = Arc::from(subject.principal.to_string());
    evidence.principal = Some(Arc::clone(&principal));
    evidence.principal_type = Some(Arc::clone(&subject.principal.kind));
    evidence.auth_mech = Some(subject.mechanism.as_str());
    evidence.token_jti_hash = token_id_hash;
    evidence.groups_id = match &subject.groups {
        Groups::Known(groups) => Some(Arc::from(groups_id(groups))),
        Groups::Unknown => None,
    };
    let evidence = Arc::new(evidence);
    facts.connection.evidence = Arc::clone(&evidence);
    (evidence, principal)
}

fn note_login(facts: &mut Facts<'_>, evidence: &Arc<SessionFacts>, message: Option<&str>) {
    let mut row = session_row(EventKind::Auth, evidence);
    row.decision = Some(AuditDecision::Allow);
    row.error_code = Some(ErrorCode::NONE.0);
    row.message = message.map(Arc::from);
    facts.effects.evidence.rows.push(row);
}

/// A login that was refused leaves a row, and is counted by `code`.
pub fn note_refusal(facts: &mut Facts<'_>, reason: Arc<str>, code: &'static str) {
    let mut row = session_row(EventKind::Auth, &facts.connection.evidence);
    row.decision = Some(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::SASL_AUTHENTICATION_FAILED.0);
    row.message = Some(Arc::clone(&reason));
    facts.effects.evidence.rows.push(row);
    facts.effects.notices.push(Notice::LoginRefused { reason, code });
}

/// A login that comes where none may: the connection ends, and a row says why.
pub fn note_out_of_order(facts: &mut Facts<'_>) {
    let mut row = session_row(EventKind::Auth, &facts.connection.evidence);
    row.decision = Some(AuditDecision::Deny);
    row.error_code = Some(ErrorCode::ILLEGAL_SASL_STATE.0);
    row.message = Some(CloseReason::SecondLogin.to_string().into());
    facts.effects.evidence.rows.push(row);
}

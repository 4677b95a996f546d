//! What operators see of a session: which counters its outputs move, and what the log says. The
//! only labels are those of the metrics' own tables.

use super::Gateway;
use crate::audit::{AuditDecision, AuditEvent, EventKind, Mode};
use crate::enforce::{CloseReason, Notice};
use crate::identity::Groups;
use crate::io::metrics::Side as MessageSide;
use crate::io::metrics::{Closure, Direction, LoginFailure, Metrics, UpstreamFailure, Verdict};
use crate::session::Side;
use crate::wire::{ApiKey, FrameFault, shape};

/// Counts what rows say.
pub(super) fn count_rows<'e>(metrics: &Metrics, rows: impl Iterator<Item = &'e AuditEvent>) {
    for row in rows.filter(|row| row.event == EventKind::Decision) {
        let verdict = match row.decision {
            Some(AuditDecision::Allow | AuditDecision::Tag) | None => Verdict::Allow,
            Some(AuditDecision::Mask) => Verdict::Mask,
            Some(AuditDecision::Drop) => Verdict::Drop,
            Some(AuditDecision::Deny | AuditDecision::Hold) => Verdict::Deny,
        };
        let api = row.api.and_then(ApiKey::named).unwrap_or(ApiKey(-1));
        match row.mode {
            Some(Mode::Shadow) => metrics.shadow_decisions.of(api, verdict).inc(),
            Some(Mode::Enforce) | None => metrics.decisions.of(api, verdict).inc(),
        };
        metrics.masked_values.inc_by(u64::from(row.masked_values));
    }
}

/// Counts tagged fields that nobody here knows.
pub(super) fn tags_stripped(metrics: &Metrics, direction: shape::Direction, count: u32) {
    let side = match direction {
        shape::Direction::Request => MessageSide::Request,
        shape::Direction::Response => MessageSide::Response,
    };
    metrics.unknown_tags_stripped.of(side).inc_by(u64::from(count));
}

/// Counts bytes that were read from a side.
pub(super) fn received(metrics: &Metrics, side: Side, bytes: usize) {
    let direction = match side {
        Side::Downstream => Direction::FromClient,
        Side::Upstream => Direction::FromBroker,
    };
    metrics.bytes.of(direction).inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
}

/// Counts bytes that were handed to a side's socket.
pub(super) fn sent(metrics: &Metrics, side: Side, bytes: usize) {
    let direction = match side {
        Side::Downstream => Direction::ToClient,
        Side::Upstream => Direction::ToBroker,
    };
    metrics.bytes.of(direction).inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
}

/// Counts a refused login by the code of its reason.
pub(super) fn login_refused(metrics: &Metrics, code: &str) {
    metrics.login_failures.of(login_failure(code)).inc();
}

fn login_failure(code: &str) -> LoginFailure {
    match code {
        "mechanism" => LoginFailure::Mechanism,
        "credentials" => LoginFailure::Credentials,
        "principal_changed" => LoginFailure::PrincipalChanged,
        "connections" => LoginFailure::Connections,
        "issuer" => LoginFailure::Issuer,
        "audience" => LoginFailure::Audience,
        "algorithm" | "unsigned" | "key_mismatch" => LoginFailure::Algorithm,
        "unknown_key" | "key_id" => LoginFailure::UnknownKey,
        "signature" => LoginFailure::Signature,
        "expired" | "lifetime_too_long" => LoginFailure::Expired,
        "not_yet_valid" => LoginFailure::NotYetValid,
        "keys_unavailable" => LoginFailure::KeysUnavailable,
        "upstream" => LoginFailure::Broker,
        "sasl" | "malformed" | "too_large" | "encrypted_or_nested" => LoginFailure::Malformed,
        _ => LoginFailure::Claims,
    }
}

/// The counter of the reason why a connection ended.
#[must_use]
pub fn closure(reason: &CloseReason) -> Closure {
    match reason {
        CloseReason::Frame(FrameFault::TooLarge { .. }) => Closure::FrameTooLarge,
        CloseReason::Frame(_)
        | CloseReason::Header(_)
        | CloseReason::RequestShape { .. }
        | CloseReason::Codec(_)
        | CloseReason::ReplicaFetch
        | CloseReason::Unsettled => Closure::Malformed,
        CloseReason::UnknownApi(_) | CloseReason::HiddenApi(_) | CloseReason::Version { .. } => {
            Closure::UnknownApi
        }
        CloseReason::ResponseShape { .. }
        | CloseReason::CorrelationId { .. }
        | CloseReason::UnexpectedResponse => Closure::BrokerMalformed,
        CloseReason::NotLoggedIn(_)
        | CloseReason::SecondLogin
        | CloseReason::UnfinishedLogin(_)
        | CloseReason::Seats { .. }
        | CloseReason::LoginRefused(_) => Closure::LoginFailed,
        CloseReason::NotAdmitted(_) => Closure::NotAdmitted,
        CloseReason::RefusedWithoutAnswer => Closure::Refused,
        CloseReason::TokenEnded | CloseReason::LoginEnded => Closure::TokenExpired,
        CloseReason::ClientClosed => Closure::Client,
        CloseReason::BrokerClosed | CloseReason::BrokerLogin(_) | CloseReason::Io(_) => {
            Closure::Upstream
        }
        CloseReason::Audit(_) => Closure::Audit,
        CloseReason::Idle(_) => Closure::Idle,
        CloseReason::SlowFrame(_) | CloseReason::Stalled(_) => Closure::Slow,
        CloseReason::LoginTime(_) => Closure::LoginTimeout,
        CloseReason::Drained => Closure::Draining,
    }
}

/// Tells operators what the session found worth a word.
///
/// # Errors
/// [`CloseReason::Audit`] where the groups behind a login cannot be evidenced.
pub(super) fn noticed(gateway: &Gateway, notice: &Notice) -> Result<(), CloseReason> {
    match notice {
        Notice::Taken { api } => {
            gateway.metrics.requests.of(*api).inc();
        }
        Notice::TagsStripped { side, count } => {
            tags_stripped(&gateway.metrics, *side, *count);
        }
        Notice::UnmappedNode { node_id } => {
            gateway.metrics.unmapped_nodes.inc();
            tracing::error!(
                node_id,
                "a broker has no port in `addresses`, so clients are not told of it"
            );
        }
        Notice::NodeCollision { first, second, port } => {
            gateway.metrics.unmapped_nodes.inc();
            tracing::error!(
                first,
                second,
                port,
                "two brokers would share a port; write the ports out in `addresses.ports`"
            );
        }
        Notice::LoggedIn { principal, groups } => {
            gateway.metrics.logins.inc();
            tracing::debug!(%principal, "logged in");
            evidenced(gateway, groups)?;
        }
        Notice::LoggedInAgain { principal, groups } => {
            gateway.metrics.logins_again.inc();
            tracing::debug!(%principal, "logged in again");
            evidenced(gateway, groups)?;
        }
        Notice::LoginRefused { reason, code } => {
            login_refused(&gateway.metrics, code);
            tracing::info!(%reason, "login refused");
        }
        Notice::BrokerLoggedIn => {
            gateway.metrics.upstream_logins.inc();
        }
        Notice::BrokerLoginFailed { reason } => {
            gateway.metrics.upstream_failures.of(UpstreamFailure::Login).inc();
            tracing::warn!(%reason, "the broker did not take Lockgate's own login");
        }
        Notice::Refused { api } => tracing::debug!(%api, "refused in whole or in part"),
    }
    Ok(())
}

/// The groups behind an id in a login's row are known to the audit.
fn evidenced(gateway: &Gateway, groups: &Groups) -> Result<(), CloseReason> {
    let Groups::Known(groups) = groups else { return Ok(()) };
    let known = gateway.audit.groups_id(groups);
    known.map(drop).map_err(|error| CloseReason::Audit(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::auth::{KeyId, Rejection};

    #[test]
    fn refused_logins_are_counted_by_what_was_wrong() {
        for (rejection, expected) in [
            (Rejection::Unsigned, LoginFailure::Algorithm),
            (Rejection::SymmetricAlgorithm, LoginFailure::Algorithm),
            (Rejection::KeyMismatch, LoginFailure::Algorithm),
            (Rejection::KeyIdMissing, LoginFailure::UnknownKey),
            (Rejection::UnknownKey { key_id: KeyId::new("k").unwrap() }, LoginFailure::UnknownKey),
            (Rejection::Signature, LoginFailure::Signature),
            (Rejection::UnknownIssuer, LoginFailure::Issuer),
            (Rejection::AudienceMissing, LoginFailure::Audience),
            (Rejection::Expired { ago_seconds: 1 }, LoginFailure::Expired),
            (Rejection::IssuedInFuture { ahead_seconds: 60 }, LoginFailure::NotYetValid),
            (Rejection::KeysUnavailable, LoginFailure::KeysUnavailable),
            (Rejection::TooLarge, LoginFailure::Malformed),
            (Rejection::GroupsOverage, LoginFailure::Claims),
        ] {
            assert_eq!(login_failure(rejection.code()), expected, "{rejection}");
        }
    }
}

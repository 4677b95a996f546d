//! Requests that are refused whole or go on as they are: one error is the whole answer.

use std::marker::PhantomData;

use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use crate::audit::AuditDecision;
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

/// A request with one answer.
pub trait Whole: Decodable + Encodable + Sync + 'static {
    type Answer: Decodable + Encodable;

    const EVIDENT: Evident;

    /// Asks for everything that the request wants, in the order of Kafka's own questions.
    ///
    /// # Errors
    /// The first refusal.
    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal>;

    /// Kafka's own answer with this error (`AbstractRequest.getErrorResponse`).
    fn refused(version: i16, refusal: Refusal) -> Self::Answer;
}

/// The [`Exchange`] of a [`Whole`] request.
pub struct AsWhole<M>(PhantomData<fn() -> M>);

impl<M: Whole> Exchange for AsWhole<M> {
    type Request = M;
    type Response = M::Answer;
    type Kept = ();

    const EVIDENT: Evident = M::EVIDENT;
    const LIGHT: bool = true;

    fn request(access: &mut Access<'_, '_>, message: &mut M) -> Course<(), M::Answer> {
        match message.judge(access) {
            Ok(()) => Course::Pass,
            Err(refusal) => Course::Answer(M::refused(access.version(), refusal)),
        }
    }

    fn response(_: &mut Access<'_, '_>, (): &mut (), _: &mut M::Answer) -> Touch {
        Touch::Unchanged
    }
}

/// Asks for `Describe` on every topic of a subscription, as KIP-848 and KIP-932 want it: one topic
/// that may not be seen refuses the heartbeat.
///
/// # Errors
/// The refusal of the first such topic; each has its row.
pub fn check_subscription<'n>(
    access: &mut Access<'_, '_>,
    topics: impl Iterator<Item = &'n str>,
) -> Result<(), Refusal> {
    let mut outcome = Ok(());
    for topic in topics {
        let checked = access.check(Operation::Describe, Resource::Topic(topic));
        outcome = outcome.and(checked);
    }
    outcome
}

/// A refusal that no rule makes: of what only brokers may ask, or what cannot be judged.
pub fn refuse_plainly(
    access: &mut Access<'_, '_>,
    resource: &Resource<'_>,
    code: ErrorCode,
    message: &'static str,
) -> Refusal {
    let mut row = access.row(AuditDecision::Deny, resource);
    row.error_code = Some(code.0);
    row.message = Some(match row.message.take() {
        Some(about) => format!("{about}: {message}").into(),
        None => message.into(),
    });
    access.facts.effects.evidence.rows.push(row);
    Refusal { code, message: StrBytes::from_static_str(message) }
}

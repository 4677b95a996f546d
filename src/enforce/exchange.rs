//! A request and its answer in one place: what the APIs of small messages have in common.
//!
//! An [`Exchange`] looks at a decoded request and says how it goes on; what it keeps is what it
//! needs to put into the broker's answer. Messages that were not changed leave byte for byte.

use std::marker::PhantomData;

use bytes::BytesMut;
use kafka_protocol::protocol::{Decodable, Encodable};
use smallvec::SmallVec;

use super::access::Access;
use super::beyond::Beyond;
use super::facts::Facts;
use super::outcome::{Answer, CloseReason, Forward, Judge, Need, Outcome, Request, Response};
use super::outcome::{ResponseOutcome, Slices};
use super::reservations::Reservations;
use super::{Enforcement, Evident, Judged, settled};
use crate::audit::{AuditDecision, Ticket};
use crate::policy::{INTERNAL_TOPIC_PREFIX, Resource};
use crate::wire::RequestHeader;
use crate::wire::shape::Direction;

/// One API whose messages the protocol crate decodes.
pub trait Exchange: Sync + 'static {
    type Request: Decodable + Encodable;
    type Response: Decodable + Encodable;
    /// What lives between the request and its answer.
    type Kept: Send + 'static;

    /// Whether a request that goes on leaves a row of its own, where it has reserved none.
    const EVIDENT: Evident;

    /// How versions are read that the protocol crate does not know.
    const BEYOND: Beyond = Beyond::Nothing;

    /// Whether a request goes on undecoded, and its answer too, while no rule denies its client
    /// access to anything: for what clients send all the time.
    const LIGHT: bool = false;

    /// Judges a request; runs again from the start after a [`Course::Wait`].
    fn request(
        access: &mut Access<'_, '_>,
        message: &mut Self::Request,
    ) -> Course<Self::Kept, Self::Response>;

    /// Judges the broker's answer; runs again from the start, on a message decoded anew, after a
    /// [`Touch::Wait`].
    fn response(
        access: &mut Access<'_, '_>,
        kept: &mut Self::Kept,
        message: &mut Self::Response,
    ) -> Touch;
}

/// How a request goes on.
pub enum Course<K, R> {
    /// As it is, and its answer too. Not for a request that has reserved rows: somebody must see
    /// the answer that completes them.
    Pass,
    /// As it is; the answer is judged.
    Watch(K),
    /// The message as it was changed; the answer is judged.
    Amend(K),
    /// Lockgate answers it.
    Answer(R),
    /// Something is missing.
    Wait(SmallVec<[Need; 2]>),
}

impl<K, R> Course<K, R> {
    /// The same, with more beside what is kept.
    pub fn keeping<L>(self, more: impl FnOnce(K) -> L) -> Course<L, R> {
        match self {
            Self::Pass => Course::Pass,
            Self::Watch(kept) => Course::Watch(more(kept)),
            Self::Amend(kept) => Course::Amend(more(kept)),
            Self::Answer(answer) => Course::Answer(answer),
            Self::Wait(needs) => Course::Wait(needs),
        }
    }
}

/// What was done to an answer.
pub enum Touch {
    /// Nothing: the broker's own bytes go on.
    Unchanged,
    /// It was changed.
    Changed,
    /// Something is missing.
    Wait(SmallVec<[Need; 2]>),
}

/// The [`Enforcement`] of an [`Exchange`].
pub struct Of<E>(PhantomData<fn() -> E>);

impl<E> Of<E> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E: Exchange> Enforcement for Of<E> {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge::<E>(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge<E: Exchange>(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    if E::LIGHT && !E::BEYOND.names_ids(request.header.version) && is_free(facts, request) {
        note_allowed::<E>(&mut Access::of(facts, request));
        return Ok(Outcome::Forward(Forward::unchanged(request)));
    }
    let (key, version) = (request.header.key, request.header.version);
    let limits = facts.cluster.limits.shape();
    let place = (Direction::Request, key, version);
    let mut message: E::Request = E::BEYOND.decode(place, &request.body(), &limits)?;
    let mut access = Access::of(facts, request);
    let course = E::request(&mut access, &mut message);
    let mut reserved = std::mem::take(&mut access.reserved);
    match &course {
        Course::Pass | Course::Watch(_) | Course::Amend(_) => {
            if reserved.is_empty() {
                note_allowed::<E>(&mut access);
            }
        }
        Course::Answer(_) | Course::Wait(_) => {
            reserved.withdraw(access.facts.effects);
        }
    }
    let kept = |kept| Kept::<E> { header: request.header.clone(), kept, reserved };
    Ok(match course {
        Course::Pass => Outcome::Forward(Forward::unchanged(request)),
        Course::Watch(between) => Outcome::Forward(Forward::judged(request, kept(between))),
        Course::Amend(between) => {
            let mut head = BytesMut::new();
            request.header.put(version, &mut head);
            let body = E::BEYOND.encode(place, &message, &limits)?;
            Outcome::Forward(Forward {
                slices: Slices::from_iter([head.freeze(), body]),
                answer: Answer::Judged(Box::new(kept(between))),
                version: None,
                then_close: None,
            })
        }
        Course::Answer(answer) => {
            let place = (Direction::Response, key, version);
            Outcome::Respond(E::BEYOND.encode(place, &answer, &limits)?)
        }
        Course::Wait(needs) => Outcome::Wait(needs),
    })
}

fn note_allowed<E: Exchange>(access: &mut Access<'_, '_>) {
    if E::EVIDENT == Evident::Row {
        let row = access.row(AuditDecision::Allow, &Resource::Cluster);
        access.facts.effects.evidence.rows.push(row);
    }
}

/// Whether nothing that the request could name is denied to its client. Lockgate's own topics are
/// denied to everybody, so their names may not be in it.
fn is_free(facts: &Facts<'_>, request: &Request) -> bool {
    let subject = facts.connection.subject.as_ref();
    subject.is_some_and(|subject| !facts.policy.restricts_access(subject))
        && memchr::memmem::find(&request.frame, INTERNAL_TOPIC_PREFIX.as_bytes()).is_none()
}

/// The judge of an exchange's answer.
struct Kept<E: Exchange> {
    header: RequestHeader,
    kept: E::Kept,
    reserved: Reservations,
}

impl<E: Exchange> Judge for Kept<E> {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.answered(facts, response))
    }

    fn unanswered(&mut self) -> Vec<Ticket> {
        self.reserved.release()
    }
}

impl<E: Exchange> Kept<E> {
    fn answered(&mut self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let (key, version) = (response.key, response.version);
        let limits = facts.cluster.limits.shape();
        let place = (Direction::Response, key, version);
        let mut message: E::Response = E::BEYOND.decode(place, &response.body(), &limits)?;
        let mut access = Access::of_header(facts, &self.header);
        // Evidence of a run that ends in a wait is not kept, so the tickets are.
        access.reserved = self.reserved.clone();
        let touch = E::response(&mut access, &mut self.kept, &mut message);
        access.leave_unanswered();
        if !matches!(touch, Touch::Wait(_)) {
            self.reserved = Reservations::default();
        }
        Ok(match touch {
            Touch::Unchanged => ResponseOutcome::unchanged(response),
            Touch::Changed => {
                let body = E::BEYOND.encode(place, &message, &limits)?;
                ResponseOutcome::Forward(response.with_body(body))
            }
            Touch::Wait(needs) => ResponseOutcome::Wait(needs),
        })
    }
}

//! A frame from the client: closed by default, then shape, then the enforcement of its API.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::inflight::{Entry, Exchange};
use super::leftovers;
use super::{Output, Progress, Session, Side, Stage};
use crate::enforce::facts::Answers;
use crate::enforce::{
    Answer, CloseReason, Effects, Facts, Forward, Notice, Outcome, Request, Row, Slices, Treatment,
    enter, is_open_before_login, login_keys, row, take_seat, unknown_version_answer,
};
use crate::policy::PolicySet;
use crate::wire::shape::{self, Direction};
use crate::wire::{ApiKey, RequestHeader, codec};

/// Runs of one frame before it is refused (DESIGN.md §2).
pub(super) const RUNS_MAX: u32 = 4;

/// A request that waits for what it asked for; nothing behind it passes.
pub(super) struct Parked {
    pub request: Request,
    pub row: &'static Row,
    /// The one set that the whole frame is judged under.
    pub policy: Arc<PolicySet>,
    pub answers: Answers,
    pub open_needs: usize,
    pub runs: u32,
}

impl Session {
    /// The limit of the frame that the client has begun to send, as far as its start tells.
    pub(super) fn request_limit_bytes(&self) -> usize {
        if self.connection.subject.is_none() && !self.needs_no_login() {
            return self.limits.unauthenticated_frame_bytes_max;
        }
        match self.downstream.peek_after_length() {
            Some(key) if key == ApiKey::PRODUCE.0.to_be_bytes() => self.limits.request_bytes_max,
            Some(_) => self.limits.control_frame_bytes_max,
            None => self.limits.request_bytes_max,
        }
    }

    pub(super) fn take_request(&mut self, policy: &Arc<PolicySet>, now_ms: i64) -> Progress {
        if !self.wants_bytes(Side::Downstream) || self.stage != Stage::Open {
            return Progress::Idle;
        }
        if self.renews_login(now_ms) {
            return Progress::Idle;
        }
        let limit = self.request_limit_bytes();
        let frame = match self.downstream.next_frame(limit) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Progress::Idle,
            Err(fault) => return self.refuse_frame(None, fault.into()),
        };
        match self.admit(&frame, now_ms, policy) {
            Ok(Admitted::Answered) => Progress::Frame,
            Ok(Admitted::Request(request, row)) => {
                self.note(Notice::Taken { api: request.header.key });
                let parked = Parked {
                    request,
                    row,
                    policy: Arc::clone(policy),
                    answers: Answers::default(),
                    open_needs: 0,
                    runs: 0,
                };
                self.run_request(parked, now_ms);
                Progress::Frame
            }
            Err(reason) => {
                let named = RequestHeader::peek(&frame).map(|(key, version, _)| (key, version));
                self.refuse_frame(named, reason)
            }
        }
    }

    /// Everything that is not offered, not at a judged version, not allowed yet or not well formed
    /// ends here.
    fn admit(
        &mut self,
        frame: &Bytes,
        now_ms: i64,
        policy: &Arc<PolicySet>,
    ) -> Result<Admitted, CloseReason> {
        let Some((key, version, correlation_id)) = RequestHeader::peek(frame) else {
            return Err(crate::wire::HeaderFault::Truncated.into());
        };
        let row = row(key).ok_or(CloseReason::UnknownApi(key.0))?;
        if let Treatment::Hidden { .. } = row.treatment {
            return Err(CloseReason::HiddenApi(key));
        }
        if !row.versions().contains(&version) {
            if key == ApiKey::API_VERSIONS {
                let head = codec::response_head(correlation_id, key, 0);
                let slices = Slices::from_iter([head, unknown_version_answer(&row.versions())?]);
                self.inflight.push(Entry::Ready(slices, None));
                self.flush(now_ms, policy);
                return Ok(Admitted::Answered);
            }
            return Err(CloseReason::Version { api: key, version });
        }
        if let Some(offered) = &self.connection.offered
            && key != ApiKey::API_VERSIONS
            && !offered.get(&key.0).is_some_and(|(min, max)| (*min..=*max).contains(&version))
        {
            return Err(CloseReason::Version { api: key, version });
        }
        self.admit_subject(key, now_ms, policy)?;
        let request = self.proved(frame, key, version)?;
        Ok(Admitted::Request(request, row))
    }

    fn admit_subject(
        &mut self,
        key: ApiKey,
        now_ms: i64,
        policy: &Arc<PolicySet>,
    ) -> Result<(), CloseReason> {
        if self.connection.subject.is_some() {
            return self.admit_again(key, now_ms);
        }
        if is_open_before_login(key) {
            return Ok(());
        }
        if !self.needs_no_login() {
            return Err(CloseReason::NotLoggedIn(key));
        }
        let identity = &self.cluster.identity;
        let subject = match (&self.connection.certified, &identity.anonymous) {
            (Some(name), _) => identity.certified(name),
            (None, Some(anonymous)) => anonymous.as_ref().clone(),
            (None, None) => return Err(CloseReason::NotLoggedIn(key)),
        };
        let cluster = Arc::clone(&self.cluster);
        let mut effects = Effects::default();
        let mut facts = Facts {
            cluster: &cluster,
            connection: &mut self.connection,
            policy,
            answers: &Answers::default(),
            effects: &mut effects,
            now_ms,
        };
        take_seat(&mut facts, &subject.principal)?;
        enter(&mut facts, subject, None);
        self.publish(effects);
        Ok(())
    }

    /// Whether one who has logged in may send this now: while a login again is open, and when the
    /// last has ended, only what belongs to a login (KIP-368).
    fn admit_again(&self, key: ApiKey, now_ms: i64) -> Result<(), CloseReason> {
        if login_keys().contains(&key) {
            return Ok(());
        }
        if self.connection.login.is_open() {
            return Err(CloseReason::UnfinishedLogin(key));
        }
        match self.connection.expires_at_ms {
            Some(end) if now_ms >= end => Err(self.login_ended()),
            Some(_) | None => Ok(()),
        }
    }

    /// Header and body have their shape; tags that nobody here knows are spliced out.
    fn proved(&mut self, frame: &Bytes, key: ApiKey, version: i16) -> Result<Request, CloseReason> {
        let header = RequestHeader::parse(frame)?;
        let limits = self.cluster.limits.shape();
        let body = frame.slice(header.body_at.min(frame.len())..);
        let (body, is_as_sent) = match leftovers::without(key, version, &body, &limits) {
            Some(read) => (read, false),
            None => (body, true),
        };
        let fault = |fault| CloseReason::RequestShape { api: key, fault };
        let checked = shape::check(Direction::Request, key.0, version, &body, &limits, &mut |_| {})
            .map_err(fault)?;
        if is_as_sent && checked.unknown_tags == 0 && !header.has_tags {
            return Ok(Request { header, frame: frame.clone() });
        }
        let clean = shape::without_unknown_tags(Direction::Request, key.0, version, &body, &limits)
            .map_err(fault)?;
        let count = checked.unknown_tags;
        if count > 0 || header.has_tags {
            self.note(Notice::TagsStripped { side: Direction::Request, count });
        }
        let mut rebuilt = BytesMut::new();
        header.put(version, &mut rebuilt);
        rebuilt.extend_from_slice(&clean);
        let frame = rebuilt.freeze();
        Ok(Request { header: RequestHeader::parse(&frame)?, frame })
    }

    /// Runs a request's enforcement, from the start.
    pub(super) fn run_request(&mut self, mut parked: Parked, now_ms: i64) {
        parked.runs += 1;
        let cluster = Arc::clone(&self.cluster);
        let mut effects = Effects::default();
        let mut facts = Facts {
            cluster: &cluster,
            connection: &mut self.connection,
            policy: &parked.policy,
            answers: &parked.answers,
            effects: &mut effects,
            now_ms,
        };
        let outcome = match &parked.row.treatment {
            Treatment::Enforced(enforcement) => enforcement.request(&mut facts, &parked.request),
            Treatment::Hidden { .. } => {
                Outcome::Close(CloseReason::HiddenApi(parked.request.header.key))
            }
        };
        self.settle_request(parked, outcome, effects, now_ms);
    }

    fn settle_request(
        &mut self,
        mut parked: Parked,
        outcome: Outcome,
        mut effects: Effects,
        now_ms: i64,
    ) {
        let header = &parked.request.header;
        let (key, version, correlation_id) = (header.key, header.version, header.correlation_id);
        match outcome {
            Outcome::Forward(forward) => {
                self.publish(effects);
                self.forward(&parked, forward);
            }
            Outcome::Respond(body) => {
                self.publish(effects);
                let head = codec::response_head(correlation_id, key, version);
                self.inflight.push(Entry::Ready(Slices::from_iter([head, body]), None));
                self.flush(now_ms, &parked.policy);
            }
            Outcome::RespondThenClose(body, reason) => {
                self.publish(effects);
                let head = codec::response_head(correlation_id, key, version);
                let slices = Slices::from_iter([head, body]);
                self.stage = Stage::Draining;
                self.inflight.push(Entry::Ready(slices, Some(reason)));
                self.flush(now_ms, &parked.policy);
            }
            Outcome::Wait(needs) => {
                // Evidence belongs to the final outcome only.
                effects.evidence = crate::audit::Posting::default();
                self.publish(effects);
                if parked.runs >= RUNS_MAX {
                    self.refuse_frame(Some((key, version)), CloseReason::Unsettled);
                    return;
                }
                parked.open_needs = needs.len();
                self.parked = Some(parked);
                self.ask_for_request(needs);
            }
            Outcome::Close(reason) => {
                let told = effects.evidence.is_empty();
                self.publish(effects);
                if told {
                    self.refuse_frame(Some((key, version)), reason);
                } else {
                    self.end(reason);
                }
            }
        }
    }

    fn forward(&mut self, parked: &Parked, forward: Forward) {
        let header = &parked.request.header;
        let exchange = |judge| {
            Entry::Sent(Exchange {
                key: header.key,
                version: forward.version.unwrap_or(header.version),
                correlation_id: header.correlation_id,
                judge,
                answers: Answers::default(),
                open_needs: 0,
                runs: 0,
                policy: None,
            })
        };
        match forward.answer {
            Answer::Unjudged => self.inflight.push(exchange(None)),
            Answer::Judged(judge) => self.inflight.push(exchange(Some(judge))),
            Answer::Nothing => {}
        }
        self.send(Side::Upstream, forward.slices);
        if let Some(reason) = forward.then_close {
            if self.inflight.is_empty() {
                self.end(reason);
            } else {
                // Answers that are owed come first.
                self.stage = Stage::Draining;
                self.inflight.push(Entry::Ready(Slices::new(), Some(reason)));
            }
        }
    }

    /// Answers that are due, in order.
    pub(super) fn give_out(&mut self, slices: Slices, then_close: Option<CloseReason>) {
        if !slices.is_empty() {
            self.send(Side::Downstream, slices);
        }
        if let Some(reason) = then_close {
            self.end(reason);
        }
    }

    /// A question for `io`.
    pub(super) fn ask(&mut self, ask: super::Ask) {
        self.outputs.push_back(Output::Ask(ask));
    }
}

enum Admitted {
    /// Answered without an enforcement.
    Answered,
    Request(Request, &'static Row),
}

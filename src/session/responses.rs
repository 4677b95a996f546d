//! A frame from the broker: matched by position, its shape proved, judged, and given out in order.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::inflight::{Entry, Exchange};
use super::requests::RUNS_MAX;
use super::{Output, Progress, Session};
use crate::audit::{Completion, Posting};
use crate::enforce::{
    CloseReason, Effects, Facts, Notice, Response, ResponseOutcome, unknown_version_answer,
};
use crate::policy::PolicySet;
use crate::wire::shape::{self, Direction};
use crate::wire::{ApiKey, ErrorCode, ResponseHeader};

impl Session {
    pub(super) fn take_response(&mut self, policy: &Arc<PolicySet>, now_ms: i64) -> Progress {
        let frame = match self.upstream.next_frame(self.limits.response_bytes_max) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Progress::Idle,
            Err(fault) => return self.refuse_frame(None, fault.into()),
        };
        let Some(place) = self.inflight.next_answered() else {
            return self.refuse_frame(None, CloseReason::UnexpectedResponse);
        };
        let expected = match self.inflight.at(place) {
            Some(Entry::Sent(exchange)) => {
                (exchange.key, exchange.version, exchange.correlation_id)
            }
            Some(Entry::Errand(errand)) => errand.expected(),
            Some(Entry::Arrived(..) | Entry::Ready(..)) | None => {
                return self.refuse_frame(None, CloseReason::UnexpectedResponse);
            }
        };
        let (key, version, _) = expected;
        let response = match self.proved_response(&frame, expected) {
            Ok(response) => response,
            Err(reason) => return self.refuse_frame(Some((key, version)), reason),
        };
        match self.inflight.take(place) {
            Some(Entry::Sent(exchange)) => {
                self.inflight.insert(place, Entry::Arrived(exchange, response));
                self.flush(now_ms, policy);
            }
            Some(Entry::Errand(errand)) => self.errand_done(errand, &response, policy, now_ms),
            Some(Entry::Arrived(..) | Entry::Ready(..)) | None => {}
        }
        Progress::Frame
    }

    fn proved_response(
        &mut self,
        frame: &Bytes,
        (key, version, correlation_id): (ApiKey, i16, i32),
    ) -> Result<Response, CloseReason> {
        let header = ResponseHeader::parse(frame, key, version)?;
        if header.correlation_id != correlation_id {
            let (expected, actual) = (correlation_id, header.correlation_id);
            return Err(CloseReason::CorrelationId { expected, actual });
        }
        let carries_records = matches!(key, ApiKey::FETCH | ApiKey::SHARE_FETCH);
        if !carries_records && frame.len() > self.limits.control_frame_bytes_max {
            let limit_bytes = self.limits.control_frame_bytes_max;
            let length = frame.len();
            return Err(crate::wire::FrameFault::TooLarge { length, limit_bytes }.into());
        }
        let body = frame.slice(header.body_at.min(frame.len())..);
        // A broker that does not know an ApiVersions version answers in the shape of v0 (KIP-511).
        let refused = key == ApiKey::API_VERSIONS
            && body.first_chunk() == Some(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes());
        let shape_version = if refused { 0 } else { version };
        let limits = self.cluster.limits.shape();
        let fault = |fault| CloseReason::ResponseShape { api: key, fault };
        let checked =
            shape::check(Direction::Response, key.0, shape_version, &body, &limits, &mut |_| {});
        if refused && checked.is_err() {
            // librdkafka's mock cluster has a shape of its own here. That it refused is all that
            // can be known; v0 is what every broker answers.
            let answer = unknown_version_answer(&(0..=0))?;
            return Ok(rebuilt((key, version, correlation_id), &answer));
        }
        let checked = checked.map_err(fault)?;
        if checked.unknown_tags == 0 {
            return Ok(Response { key, version, frame: frame.clone(), body_at: header.body_at });
        }
        let clean =
            shape::without_unknown_tags(Direction::Response, key.0, shape_version, &body, &limits)
                .map_err(fault)?;
        let count = checked.unknown_tags;
        self.note(Notice::TagsStripped { side: Direction::Response, count });
        Ok(rebuilt((key, version, correlation_id), &clean))
    }

    /// Judges and gives out what stands at the front, as far as it goes.
    pub(super) fn flush(&mut self, now_ms: i64, policy: &Arc<PolicySet>) {
        loop {
            let due = match self.inflight.front() {
                Some(Entry::Ready(..)) => true,
                Some(Entry::Arrived(exchange, _)) => exchange.open_needs == 0,
                Some(Entry::Sent(_) | Entry::Errand(_)) | None => false,
            };
            if !due || self.has_ended() {
                return;
            }
            match self.inflight.pop() {
                Some(Entry::Ready(slices, then_close)) => self.give_out(slices, then_close),
                Some(Entry::Arrived(exchange, response)) => {
                    self.run_response(exchange, response, policy, now_ms);
                }
                Some(Entry::Sent(_) | Entry::Errand(_)) | None => return,
            }
        }
    }

    fn run_response(
        &mut self,
        mut exchange: Exchange,
        response: Response,
        policy: &Arc<PolicySet>,
        now_ms: i64,
    ) {
        exchange.runs += 1;
        let mut effects = Effects::default();
        let outcome = match &mut exchange.judge {
            None => ResponseOutcome::unchanged(&response),
            Some(judge) => {
                let cluster = Arc::clone(&self.cluster);
                let pinned = Arc::clone(exchange.policy.get_or_insert_with(|| Arc::clone(policy)));
                let mut facts = Facts {
                    cluster: &cluster,
                    connection: &mut self.connection,
                    policy: &pinned,
                    answers: &exchange.answers,
                    effects: &mut effects,
                    now_ms,
                };
                judge.judge(&mut facts, &response)
            }
        };
        match outcome {
            ResponseOutcome::Forward(slices) => {
                self.publish(effects);
                self.give_out(slices, None);
            }
            ResponseOutcome::Wait(needs) => {
                effects.evidence = crate::audit::Posting::default();
                self.publish(effects);
                if exchange.runs >= RUNS_MAX {
                    self.give_up(&mut exchange);
                    let frame = Some((exchange.key, exchange.version));
                    self.refuse_frame(frame, CloseReason::Unsettled);
                    return;
                }
                exchange.open_needs = needs.len();
                self.inflight.put_back(Entry::Arrived(exchange, response));
                self.ask_for_response(needs);
            }
            ResponseOutcome::Close(reason) => {
                self.publish(effects);
                self.give_up(&mut exchange);
                self.refuse_frame(Some((exchange.key, exchange.version)), reason);
            }
        }
    }

    /// Completes the rows of a request whose answer cannot be passed on.
    fn give_up(&mut self, exchange: &mut Exchange) {
        let open = exchange.judge.iter_mut().flat_map(|judge| judge.unanswered());
        let completed: Vec<_> = open.map(|ticket| (ticket, Completion::Unanswered)).collect();
        if !completed.is_empty() {
            self.outputs.push_back(Output::Audit(Posting { completed, ..Posting::default() }));
        }
    }
}

/// A response with another body, in a frame of its own.
fn rebuilt((key, version, correlation_id): (ApiKey, i16, i32), body: &[u8]) -> Response {
    let mut frame = BytesMut::new();
    ResponseHeader::put(correlation_id, key, version, &mut frame);
    let body_at = frame.len();
    frame.extend_from_slice(body);
    Response { key, version, frame: frame.freeze(), body_at }
}

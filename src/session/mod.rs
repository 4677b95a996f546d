//! One client connection and its broker connection as a state machine, without a socket or a clock.
//!
//! `io` reads into [`Session::read_buffer`], says so with [`Session::handle_input`], and does what
//! [`Session::poll_output`] asks, in that order: evidence first, then bytes. One call takes one
//! frame.
//!
//! The session knows no API and no policy: a table names the enforcement, and the enforcement
//! decides. It waits in one way only: a frame is parked with what it asked for, and its enforcement
//! runs again.

mod asking;
mod broker_login;
mod ending;
#[doc(hidden)]
pub mod fuzzing;
mod inflight;
mod leftovers;
mod requests;
mod responses;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::audit::{AuditDecision, Completion, EventKind, Posting, SessionFacts};
use crate::auth::KeyId;
use crate::auth::plain::Salting;
use crate::auth::scram::Secret;
use crate::enforce::broker_login::Credential;
use crate::enforce::facts::{FetchSessions, IdSource, Node};
use crate::enforce::{
    CloseReason, Cluster, Connection, Decisions, Effects, Login, NameCache, Notice, Plans,
};
use crate::enforce::{ShareSessions, Slices, login_keys, session_row};
use crate::policy::PolicySet;
use crate::wire::{ApiKey, FrameDecoder};
use broker_login::OwnLogin;
#[doc(hidden)]
pub use fuzzing::fuzz_one;
use inflight::Inflight;
use requests::Parked;

/// The two ends of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The client.
    Downstream,
    /// The broker.
    Upstream,
}

/// What happened.
pub enum Input {
    /// Bytes were appended to the side's read buffer, or a frame in it may now go on.
    Received(Side),
    /// The side closed its connection.
    Ended(Side),
    /// [`Ask::FreshKeys`] is done, whether or not it helped.
    KeysRefreshed,
    /// [`Ask::Route`] is done: the upstream connection is the one to log in on.
    Routed,
    /// [`Ask::Route`] ended before that: the broker that was asked did not take the login.
    LoginRefused { reason: String },
    /// [`Ask::Credential`] is done: what to log in with at the broker, or why there is nothing.
    Credential(Result<Credential, String>),
    /// [`Ask::Salt`] is done.
    Salted(Secret),
    /// [`Ask::Pause`] is over.
    Paused,
    /// Time has passed.
    Tick,
    /// No new request is to be taken; the connection ends when all are answered.
    Drain,
}

/// Whether calling again with the same input would do more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    Frame,
    Idle,
}

/// What is to be done, in the order given.
pub enum Output {
    /// Evidence that must be accepted before any later byte leaves.
    Audit(Posting),
    /// A frame, its length prefix first.
    Send(Side, Slices),
    /// A question that is answered with an [`Input`].
    Ask(Ask),
    Notice(Notice),
    /// Brokers that an answer of the cluster named.
    Nodes(Vec<Node>),
    /// The end, once all that came before has left.
    Close(CloseReason),
}

/// A question to `io`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Fetch an issuer's keys, because of this `kid` or because there are none.
    FreshKeys { issuer: usize, key_id: Option<KeyId> },
    /// See to it that the upstream connection goes to the right broker, asking with this SASL
    /// message where nobody else can ask.
    Route { message: Bytes },
    /// What to log in with at the broker: a credential of Lockgate's own.
    Credential,
    /// Salt a password where that may take its time.
    Salt(Salting),
    /// Let the time pass that whoever fails to log in has to wait.
    Pause,
}

/// Limits of a session; each has its unit in its name.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    pub request_bytes_max: usize,
    pub response_bytes_max: usize,
    pub control_frame_bytes_max: usize,
    pub unauthenticated_frame_bytes_max: usize,
    pub inflight_requests_max: usize,
    pub login_ms_max: i64,
}

/// One client connection and its broker connection.
pub struct Session {
    cluster: Arc<Cluster>,
    limits: SessionLimits,
    connection: Connection,
    downstream: FrameDecoder,
    upstream: FrameDecoder,
    inflight: Inflight,
    parked: Option<Parked>,
    own_login: OwnLogin,
    outputs: VecDeque<Output>,
    stage: Stage,
    /// Why the session ends once all that is owed is answered.
    ending: CloseReason,
    began_at_ms: i64,
    /// Until when an ended login is borne, because it was in the middle of something.
    borne_until_ms: i64,
}

/// How far the session is from its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Open,
    /// No new request is taken.
    Draining,
    /// [`Output::Close`] was given out, or is about to be.
    Ended,
}

impl Session {
    /// A session for a client that has just connected. `seed` is random.
    #[must_use]
    pub fn new(
        cluster: Arc<Cluster>,
        limits: SessionLimits,
        evidence: SessionFacts,
        seed: u64,
        now_ms: i64,
    ) -> Self {
        let connection = Connection {
            login: Login::Fresh,
            login_began_at_ms: now_ms,
            subject: None,
            certified: None,
            expires_at_ms: None,
            seat: None,
            evidence: Arc::new(evidence),
            offered: None,
            fetch_sessions: FetchSessions::default(),
            share_sessions: ShareSessions::default(),
            plans: Plans::default(),
            decisions: Decisions::default(),
            names: NameCache::default(),
            ids: IdSource::new(seed),
            reserved: 0,
        };
        Self {
            cluster,
            limits,
            connection,
            downstream: FrameDecoder::default(),
            upstream: FrameDecoder::default(),
            inflight: Inflight::default(),
            parked: None,
            own_login: OwnLogin::default(),
            outputs: VecDeque::new(),
            stage: Stage::Open,
            ending: CloseReason::Drained,
            began_at_ms: now_ms,
            borne_until_ms: now_ms,
        }
    }

    /// The client's certificate names this principal: who does not log in otherwise is that.
    pub fn certify(&mut self, principal: Arc<str>) {
        self.connection.certified = Some(principal);
    }

    /// Whether the client may go on without a login.
    fn needs_no_login(&self) -> bool {
        self.connection.login.is_fresh()
            && (self.connection.certified.is_some() || self.cluster.identity.anonymous.is_some())
    }

    /// Where bytes of `side` are read into.
    pub fn read_buffer(&mut self, side: Side) -> &mut BytesMut {
        self.decoder(side).buffer()
    }

    /// Gives back the memory of read buffers that nothing is in.
    pub fn rest(&mut self) {
        self.downstream.rest();
        self.upstream.rest();
    }

    fn decoder(&mut self, side: Side) -> &mut FrameDecoder {
        match side {
            Side::Downstream => &mut self.downstream,
            Side::Upstream => &mut self.upstream,
        }
    }

    /// The whole length of the frame that `side` has begun to send, prefix included, if it is known
    /// and allowed.
    #[must_use]
    pub fn announced_bytes(&self, side: Side) -> Option<usize> {
        match side {
            Side::Downstream => self.downstream.announced_bytes(self.request_limit_bytes()),
            Side::Upstream => self.upstream.announced_bytes(self.limits.response_bytes_max),
        }
        .ok()
        .flatten()
    }

    /// Bytes of `side` that wait in its read buffer.
    #[must_use]
    pub fn buffered_bytes(&self, side: Side) -> usize {
        match side {
            Side::Downstream => self.downstream.buffered_bytes(),
            Side::Upstream => self.upstream.buffered_bytes(),
        }
    }

    /// Whether a frame of `side` was taken and waits here: its memory is still in use.
    #[must_use]
    pub fn holds_frame(&self, side: Side) -> bool {
        match side {
            Side::Downstream => self.parked.is_some(),
            Side::Upstream => self.inflight.holds_response(),
        }
    }

    /// Whether more bytes of `side` are of use now.
    #[must_use]
    pub fn wants_bytes(&self, side: Side) -> bool {
        match (side, self.stage) {
            (_, Stage::Ended) => false,
            (Side::Upstream, _) => true,
            (Side::Downstream, Stage::Draining) => false,
            (Side::Downstream, Stage::Open) => {
                self.parked.is_none()
                    && !self.own_login.is_under_way()
                    && !self.login_waits()
                    && self.inflight.len() < self.limits.inflight_requests_max
            }
        }
    }

    /// Whether the client's next frame belongs to a login that the broker sees, and answers are
    /// due: a question that one of them brings up would come between two messages of the login, and
    /// the login may move to another broker connection.
    fn login_waits(&self) -> bool {
        let is_login = |key: [u8; 2]| login_keys().iter().any(|own| own.0.to_be_bytes() == key);
        self.cluster.broker_knows_user
            && !self.inflight.is_empty()
            && self.downstream.peek_after_length().is_some_and(is_login)
    }

    /// Whether the session has ended and only its outputs are left.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Takes one input, and at most one frame.
    pub fn handle_input(
        &mut self,
        input: &Input,
        policy: &Arc<PolicySet>,
        now_ms: i64,
    ) -> Progress {
        if self.stage == Stage::Ended {
            return Progress::Idle;
        }
        let progress = match input {
            Input::Received(Side::Downstream) => self.take_request(policy, now_ms),
            Input::Received(Side::Upstream) => self.take_response(policy, now_ms),
            // What the client sent still goes to the broker, and its answers are evidence.
            Input::Ended(Side::Downstream) => self.drain(CloseReason::ClientClosed),
            Input::Ended(Side::Upstream) => self.end(CloseReason::BrokerClosed),
            Input::KeysRefreshed => self.answered(now_ms, |answers| answers.keys_refreshed = true),
            Input::Routed => self.routed(),
            Input::LoginRefused { reason } => self.login_refused(reason, now_ms),
            Input::Credential(found) => self.credential_found(found),
            Input::Salted(salted) => self.answered(now_ms, |answers| {
                answers.salted = Some(salted.clone());
            }),
            Input::Paused => self.answered(now_ms, |answers| answers.paused = true),
            Input::Tick => self.tick(now_ms),
            Input::Drain => self.drain(CloseReason::Drained),
        };
        if self.stage == Stage::Draining && self.inflight.is_empty() && self.parked.is_none() {
            self.end(self.ending.clone());
        }
        progress
    }

    fn drain(&mut self, reason: CloseReason) -> Progress {
        if self.stage == Stage::Open {
            self.stage = Stage::Draining;
            self.ending = reason;
        }
        Progress::Idle
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Notes how long the last input took, in the rows that it brought about.
    pub fn note_time(&mut self, eval_us: u32) {
        for output in &mut self.outputs {
            if let Output::Audit(posting) = output {
                for row in posting.events_mut().filter(|row| row.api.is_some()) {
                    row.eval_us = row.eval_us.or(Some(eval_us));
                }
            }
        }
    }

    /// Whether nothing is to be done right now.
    #[must_use]
    pub fn poll_is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Ends the session for a reason that lies outside of it.
    pub fn fail(&mut self, reason: CloseReason) {
        if self.stage != Stage::Ended {
            self.end(reason);
        }
    }

    /// Ends the session because its outputs cannot be carried out: what is left of them is not
    /// done, so that no byte leaves behind evidence that was not accepted.
    pub fn abort(&mut self, reason: CloseReason) {
        self.outputs.clear();
        self.fail(reason);
    }

    fn note(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    /// Puts a frame on its way.
    fn send(&mut self, side: Side, slices: Slices) {
        let length: usize = slices.iter().map(Bytes::len).sum();
        let mut prefix = BytesMut::with_capacity(4);
        prefix.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
        let mut frame = Slices::new();
        frame.push(prefix.freeze());
        frame.extend(slices);
        self.outputs.push_back(Output::Send(side, frame));
    }

    /// Hands on what judging a frame brought about.
    fn publish(&mut self, effects: Effects) {
        let Effects { evidence, nodes, notices } = effects;
        self.outputs.extend(notices.into_iter().map(Output::Notice));
        if !evidence.is_empty() {
            self.outputs.push_back(Output::Audit(evidence));
        }
        if !nodes.is_empty() {
            self.outputs.push_back(Output::Nodes(nodes));
        }
    }

    /// Ends the session: evidence of the end, then the end.
    fn end(&mut self, reason: CloseReason) -> Progress {
        self.stage = Stage::Ended;
        self.parked = None;
        let mut posting = Posting::default();
        let open = self.inflight.abandon().into_iter();
        posting.completed.extend(open.map(|ticket| (ticket, Completion::Unanswered)));
        if self.connection.subject.is_some() {
            let mut row = session_row(EventKind::SessionEnd, &self.connection.evidence);
            row.message = Some(reason.to_string().into());
            posting.rows.push(row);
        }
        if !posting.is_empty() {
            self.outputs.push_back(Output::Audit(posting));
        }
        self.outputs.push_back(Output::Close(reason));
        Progress::Idle
    }

    /// Ends the session because of a frame that may not go on; a row says which.
    fn refuse_frame(&mut self, frame: Option<(ApiKey, i16)>, reason: CloseReason) -> Progress {
        let mut row = session_row(EventKind::Decision, &self.connection.evidence);
        row.decision = Some(AuditDecision::Deny);
        if let Some((key, version)) = frame {
            row.api = Some(key.name());
            row.api_version = Some(version);
        }
        row.message = Some(reason.to_string().into());
        self.outputs.push_back(Output::Audit(Posting::of(vec![row])));
        self.end(reason)
    }
}

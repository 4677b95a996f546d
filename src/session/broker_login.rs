//! Lockgate's own login on the broker connection: before the first frame of the client goes up, and
//! again, between two frames, before the broker's session ends (KIP-368).
//!
//! It is made of errands. While it is under way nothing else may come between its messages, which a
//! broker would take for a violation: the client's frames stay unread, other questions are held.

use std::collections::VecDeque;

use super::asking::{Asker, Errand};
use super::{Ask, Input, Progress, Session, Side};
use crate::enforce::broker_login::{BrokerLogin, Credential};
use crate::enforce::errand::Question;
use crate::enforce::facts::UpstreamLogin;
use crate::enforce::{CloseReason, Notice};

/// How much of its session's life Lockgate uses before it renews it: late enough to be rare, early
/// enough for a broker that is slow to answer.
const RENEW_AT_PERCENT: i64 = 85;

/// Where the login stands, and what waits for it.
#[derive(Default)]
pub(super) struct OwnLogin {
    stage: Stage,
    held: VecDeque<(Asker, Question)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// The broker asks for none, or the client's own login is forwarded.
    #[default]
    NotOurs,
    /// Until then the first login must be done.
    First { deadline_ms: i64 },
    /// The broker's session is being renewed.
    Renewal,
    /// Accepted; renewed before the first request after that time.
    Accepted { renew_at_ms: Option<i64> },
}

impl OwnLogin {
    /// Whether nothing else may be said to the broker.
    pub fn is_under_way(&self) -> bool {
        matches!(self.stage, Stage::First { .. } | Stage::Renewal)
    }

    /// When the first login must be done.
    pub fn deadline_ms(&self) -> Option<i64> {
        match self.stage {
            Stage::First { deadline_ms } => Some(deadline_ms),
            Stage::NotOurs | Stage::Renewal | Stage::Accepted { .. } => None,
        }
    }

    fn is_due(&self, now_ms: i64) -> bool {
        match self.stage {
            Stage::Accepted { renew_at_ms } => renew_at_ms.is_some_and(|at| now_ms >= at),
            Stage::NotOurs | Stage::First { .. } | Stage::Renewal => false,
        }
    }
}

impl Session {
    /// Logs in at the broker with a credential of Lockgate's own before anything else is said
    /// there.
    pub fn log_in_first(&mut self, now_ms: i64) {
        let deadline_ms = now_ms.saturating_add(self.limits.login_ms_max);
        self.own_login.stage = Stage::First { deadline_ms };
        self.ask(Ask::Credential);
    }

    /// Renews the login where that is due and a request waits for it.
    pub(super) fn renews_login(&mut self, now_ms: i64) -> bool {
        let due = self.own_login.is_due(now_ms) && self.buffered_bytes(Side::Downstream) > 0;
        if due {
            self.own_login.stage = Stage::Renewal;
            self.ask(Ask::Credential);
        }
        due
    }

    pub(super) fn credential_found(&mut self, found: &Result<Credential, String>) -> Progress {
        if !self.own_login.is_under_way() {
            return Progress::Idle;
        }
        match found {
            Ok(credential) => {
                let login = Question::Handshake(BrokerLogin::own(credential));
                self.send_now(Asker::Session, login);
                Progress::Idle
            }
            Err(reason) => self.own_login_failed(reason),
        }
    }

    /// The broker's last word on the login.
    pub(super) fn own_login_answered(&mut self, login: UpstreamLogin, now_ms: i64) {
        match login {
            UpstreamLogin::Accepted { session_lifetime_ms } => {
                let renew_at_ms = (session_lifetime_ms > 0).then(|| {
                    let used = session_lifetime_ms.saturating_mul(RENEW_AT_PERCENT) / 100;
                    now_ms.saturating_add(used)
                });
                self.own_login.stage = Stage::Accepted { renew_at_ms };
                self.note(Notice::BrokerLoggedIn);
            }
            UpstreamLogin::Refused { reason } => {
                self.own_login_failed(&reason);
            }
        }
    }

    /// The first login took too long.
    pub(super) fn own_login_timed_out(&mut self) -> Progress {
        self.own_login_failed(&format!("no answer in {} ms", self.limits.login_ms_max))
    }

    /// Keeps a question for later while a login is under way, Lockgate's own or a client's that is
    /// forwarded.
    pub(super) fn hold_question(&mut self, asker: Asker, question: Question) -> Option<Question> {
        let forwarding = self.inflight.errands().any(Errand::is_login);
        if self.own_login.is_under_way() || (forwarding && !question.is_login()) {
            self.own_login.held.push_back((asker, question));
            return None;
        }
        Some(question)
    }

    /// The broker has said its last word on a login: what was held is asked.
    pub(super) fn release_questions(&mut self) {
        if self.own_login.is_under_way() || self.has_ended() {
            return;
        }
        for (asker, question) in std::mem::take(&mut self.own_login.held) {
            self.send_now(asker, question);
        }
    }

    fn own_login_failed(&mut self, reason: &str) -> Progress {
        self.note(Notice::BrokerLoginFailed { reason: reason.into() });
        self.refuse_frame(None, CloseReason::BrokerLogin(reason.into()))
    }
}

impl Input {
    /// The answer to [`Ask::Credential`].
    #[must_use]
    pub fn credential<E: ToString>(found: Result<Credential, E>) -> Self {
        Self::Credential(found.map_err(|error| error.to_string()))
    }
}

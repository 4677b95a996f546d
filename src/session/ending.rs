//! When the time of a login is over: one that does not come, and one that has ended.

use super::{Progress, Session};
use crate::enforce::CloseReason;
use crate::identity::Mechanism;

/// How long a client whose login has ended may take to log in again once it has its last answers.
const AGAIN_MS: i64 = 2_000;
/// How long after its end a login is borne for the sake of answers that are due: consumer groups
/// let their members wait for minutes.
const ANSWERS_MS: i64 = 300_000;

impl Session {
    /// When [`super::Input::Tick`] is due, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        let due = match (&self.connection.subject, self.connection.expires_at_ms) {
            // A connection that need not log in has no time to do it in.
            (None, _) if self.needs_no_login() => None,
            (None, _) => Some(self.began_at_ms.saturating_add(self.limits.login_ms_max)),
            (Some(_), end) => end.map(|end| end.max(self.borne_until_ms)),
        };
        [due, self.own_login.deadline_ms()].into_iter().flatten().min()
    }

    pub(super) fn tick(&mut self, now_ms: i64) -> Progress {
        if self.own_login.deadline_ms().is_some_and(|at| now_ms >= at) {
            return self.own_login_timed_out();
        }
        let due = self.poll_timeout().is_some_and(|at| now_ms >= at);
        match (&self.connection.subject, due) {
            (_, false) => Progress::Idle,
            (None, true) => {
                let limit = u64::try_from(self.limits.login_ms_max).unwrap_or(0);
                self.end(CloseReason::LoginTime(limit))
            }
            (Some(_), true) => self.login_over(now_ms),
        }
    }

    /// The login has ended. Answers to what was asked in time still leave, as with Kafka, and then
    /// it is the client's turn to log in again; who has nothing in flight has had its turn.
    fn login_over(&mut self, now_ms: i64) -> Progress {
        if self.connection.login.is_open() {
            let began_at_ms = self.connection.login_began_at_ms;
            self.borne_until_ms = began_at_ms.saturating_add(self.limits.login_ms_max);
        } else if !self.inflight.is_empty() {
            let end = self.connection.expires_at_ms.unwrap_or(now_ms);
            let last = end.saturating_add(ANSWERS_MS);
            self.borne_until_ms = now_ms.saturating_add(AGAIN_MS).min(last);
        }
        if now_ms < self.borne_until_ms { Progress::Idle } else { self.end(self.login_ended()) }
    }

    /// What has ended.
    pub(super) fn login_ended(&self) -> CloseReason {
        match self.connection.subject.as_ref().map(|subject| subject.mechanism) {
            Some(Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512) => {
                CloseReason::LoginEnded
            }
            Some(Mechanism::Anonymous | Mechanism::OauthBearer | Mechanism::Ssl) | None => {
                CloseReason::TokenEnded
            }
        }
    }
}

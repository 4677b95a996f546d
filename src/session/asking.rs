//! What a frame asked for, and how it is found out: on the client's own broker connection, or by
//! `io`.
//!
//! A question that goes to the broker is an in-flight entry like any other, with a correlation id
//! of Lockgate's own.

use std::sync::Arc;

use smallvec::SmallVec;

use super::inflight::Entry;
use super::requests::Parked;
use super::{Ask, Progress, Session, Side};
use crate::enforce::broker_login::BrokerLogin;
use crate::enforce::errand::{Knowledge, Learned, Question};
use crate::enforce::facts::{Answers, UpstreamLogin};
use crate::enforce::{Effects, Need, Response};
use crate::policy::PolicySet;
use crate::wire::ApiKey;

/// A question of Lockgate's own that the broker will answer.
pub(super) struct Errand {
    asker: Asker,
    question: Question,
}

/// Which frame waits for it.
#[derive(Clone, Copy)]
pub(super) enum Asker {
    /// Nobody: it is Lockgate's own login at the broker.
    Session,
    /// The parked request.
    Request,
    /// The response at the front.
    Response,
}

impl Errand {
    /// Key, version and correlation id of the answer.
    pub fn expected(&self) -> (ApiKey, i16, i32) {
        self.question.expected()
    }

    /// Whether it is part of a login.
    pub fn is_login(&self) -> bool {
        self.question.is_login()
    }
}

impl Session {
    pub(super) fn ask_for_request(&mut self, needs: SmallVec<[Need; 2]>) {
        for need in needs {
            self.ask_need(Asker::Request, need);
        }
    }

    pub(super) fn ask_for_response(&mut self, needs: SmallVec<[Need; 2]>) {
        for need in needs {
            self.ask_need(Asker::Response, need);
        }
    }

    fn ask_need(&mut self, asker: Asker, need: Need) {
        match need {
            Need::TopicNames(ids) => self.send_question(asker, Question::TopicNames(ids)),
            Need::AllTopics => self.send_question(asker, Question::AllTopics),
            Need::AutoCreation(names) => self.send_question(asker, Question::AutoCreation(names)),
            Need::FreshKeys { issuer, key_id } => self.ask(Ask::FreshKeys { issuer, key_id }),
            // Who logs in again does it where it is (KIP-368).
            Need::UpstreamLogin { mechanism, message } if self.connection.subject.is_some() => {
                let login = BrokerLogin::forwarded(mechanism, message);
                self.send_question(asker, Question::Handshake(login));
            }
            Need::UpstreamLogin { message, .. } => self.ask(Ask::Route { message }),
            Need::Salted(salting) => self.ask(Ask::Salt(salting)),
            Need::Pause => self.ask(Ask::Pause),
        }
    }

    fn send_question(&mut self, asker: Asker, question: Question) {
        if let Some(question) = self.hold_question(asker, question) {
            self.send_now(asker, question);
        }
    }

    pub(super) fn send_now(&mut self, asker: Asker, question: Question) {
        match question.frame() {
            Ok(slices) => {
                self.send(Side::Upstream, slices);
                self.inflight.push(Entry::Errand(Errand { asker, question }));
            }
            Err(fault) => self.fail(fault.into()),
        }
    }

    /// What the parked request asked `io` for is known.
    pub(super) fn answered(&mut self, now_ms: i64, put: impl FnOnce(&mut Answers)) -> Progress {
        if let Some(mut parked) = self.parked.take() {
            put(&mut parked.answers);
            parked.open_needs = parked.open_needs.saturating_sub(1);
            self.resume(parked, now_ms);
        }
        Progress::Idle
    }

    /// The upstream connection is the right one: log in on it with the client's message.
    pub(super) fn routed(&mut self) -> Progress {
        match self.parked.as_ref().map(|parked| Question::login(&parked.request)) {
            Some(Ok(question)) => self.send_question(Asker::Request, question),
            Some(Err(fault)) => self.fail(fault.into()),
            None => {}
        }
        Progress::Idle
    }

    /// The broker refused the login while it was asked which brokers there are.
    pub(super) fn login_refused(&mut self, reason: &str, now_ms: i64) -> Progress {
        let reason = reason.to_owned();
        let refused = Knowledge::Login(UpstreamLogin::Refused { reason });
        self.settle(Asker::Request, refused, now_ms);
        Progress::Idle
    }

    fn resume(&mut self, parked: Parked, now_ms: i64) {
        if parked.open_needs == 0 {
            self.run_request(parked, now_ms);
        } else {
            self.parked = Some(parked);
        }
    }

    /// Takes the broker's answer to a question of Lockgate's own.
    pub(super) fn errand_done(
        &mut self,
        errand: Errand,
        response: &Response,
        policy: &Arc<PolicySet>,
        now_ms: i64,
    ) {
        let Errand { asker, question } = errand;
        let mut effects = Effects::default();
        let learned = question.answered(response, &self.cluster.topics, &mut effects);
        self.publish(effects);
        match learned {
            Ok(Learned::Ask(next)) => self.send_now(asker, next),
            Ok(Learned::Known(knowledge)) => {
                let login_ended = matches!(knowledge, Knowledge::Login(_));
                self.settle(asker, knowledge, now_ms);
                if login_ended {
                    self.release_questions();
                }
                self.flush(now_ms, policy);
            }
            Err(reason) => self.fail(reason),
        }
    }

    fn settle(&mut self, asker: Asker, knowledge: Knowledge, now_ms: i64) {
        match asker {
            Asker::Session => {
                if let Knowledge::Login(login) = knowledge {
                    self.own_login_answered(login, now_ms);
                }
            }
            Asker::Request => {
                if let Some(mut parked) = self.parked.take() {
                    knowledge.put(&mut parked.answers);
                    parked.open_needs = parked.open_needs.saturating_sub(1);
                    self.resume(parked, now_ms);
                }
            }
            Asker::Response => {
                if let Some(Entry::Arrived(exchange, _)) = self.inflight.front() {
                    knowledge.put(&mut exchange.answers);
                    exchange.open_needs = exchange.open_needs.saturating_sub(1);
                }
            }
        }
    }
}

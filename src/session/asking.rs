//! What a frame asked for, and how it is found out: on the client's own broker connection, or by `io`.
//!
//! A question that goes to the broker is an in-flight entry like any other, with a correlation id of
//! Lockgate's own; it needs no credential but the client's.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    MetadataRequest, MetadataResponse, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;

use super::inflight::Entry;
use super::{Ask, Progress, Session, Side};
use crate::enforce::facts::UpstreamLogin;
use crate::enforce::{CloseReason, Effects, Need, Response, Slices, learn};
use crate::policy::PolicySet;
use crate::wire::codec::{self, CodecFault};
use crate::wire::{ApiKey, ErrorCode, RequestHeader, TopicId};

/// First Metadata version that answers topic ids with names (KIP-516).
const METADATA_BY_ID_VERSION: i16 = 12;
/// A Metadata version of every broker in use that creates topics by name.
const METADATA_BY_NAME_VERSION: i16 = 4;
const SASL_HANDSHAKE_VERSION: i16 = 1;
/// First SaslAuthenticate version that tells the session's lifetime (KIP-368).
const SASL_AUTHENTICATE_VERSION: i16 = 1;
const CORRELATION_ID: i32 = -1;
const CLIENT_ID: &str = "lockgate";

/// A question of Lockgate's own that the broker will answer.
pub(super) struct Errand {
    asker: Asker,
    question: Question,
}

/// Which frame waits for it.
#[derive(Clone, Copy)]
enum Asker {
    /// The parked request.
    Request,
    /// The response at the front.
    Response,
}

enum Question {
    TopicNames(Vec<TopicId>),
    AutoCreation(Vec<StrBytes>),
    /// The broker's login, first step; the message is for the second.
    Handshake(Bytes),
    Authenticate,
}

impl Errand {
    /// Key, version and correlation id of the answer.
    pub fn expected(&self) -> (ApiKey, i16, i32) {
        let (key, version) = self.question.api();
        (key, version, CORRELATION_ID)
    }
}

impl Question {
    fn api(&self) -> (ApiKey, i16) {
        match self {
            Self::TopicNames(_) => (ApiKey::METADATA, METADATA_BY_ID_VERSION),
            Self::AutoCreation(_) => (ApiKey::METADATA, METADATA_BY_NAME_VERSION),
            Self::Handshake(_) => (ApiKey::SASL_HANDSHAKE, SASL_HANDSHAKE_VERSION),
            Self::Authenticate => (ApiKey::SASL_AUTHENTICATE, SASL_AUTHENTICATE_VERSION),
        }
    }

    fn body(&self, message: &Bytes) -> Result<Bytes, CodecFault> {
        let (key, version) = self.api();
        match self {
            Self::TopicNames(ids) => {
                let topics = ids.iter().map(|id| {
                    let id = uuid::Uuid::from_bytes(id.0);
                    MetadataRequestTopic::default().with_name(None).with_topic_id(id)
                });
                let mut request = MetadataRequest::default();
                request.topics = Some(topics.collect());
                request.allow_auto_topic_creation = false;
                codec::encode(key, version, &request)
            }
            Self::AutoCreation(names) => {
                let topics = names.iter().map(|name| {
                    MetadataRequestTopic::default().with_name(Some(TopicName(name.clone())))
                });
                let mut request = MetadataRequest::default();
                request.topics = Some(topics.collect());
                request.allow_auto_topic_creation = true;
                codec::encode(key, version, &request)
            }
            Self::Handshake(_) => {
                let mut request = SaslHandshakeRequest::default();
                request.mechanism = codec::text("OAUTHBEARER");
                codec::encode(key, version, &request)
            }
            Self::Authenticate => {
                let mut request = SaslAuthenticateRequest::default();
                request.auth_bytes = message.clone();
                codec::encode(key, version, &request)
            }
        }
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
            Need::AutoCreation(names) => self.send_question(asker, Question::AutoCreation(names)),
            Need::FreshKeys { issuer, key_id } => self.ask(Ask::FreshKeys { issuer, key_id }),
            Need::UpstreamLogin { message, .. } => self.ask(Ask::Route { message }),
        }
    }

    fn send_question(&mut self, asker: Asker, question: Question) {
        let message = Bytes::new();
        self.send_question_with(asker, question, &message);
    }

    fn send_question_with(&mut self, asker: Asker, question: Question, message: &Bytes) {
        let (key, version) = question.api();
        let header = RequestHeader {
            key,
            version,
            correlation_id: CORRELATION_ID,
            client_id: Some(Bytes::from_static(CLIENT_ID.as_bytes())),
            body_at: 0,
            has_tags: false,
        };
        let mut head = BytesMut::new();
        header.put(version, &mut head);
        match question.body(message) {
            Ok(body) => {
                self.send(Side::Upstream, Slices::from_iter([head.freeze(), body]));
                self.inflight.push(Entry::Errand(Errand { asker, question }));
            }
            Err(fault) => self.fail(fault.into()),
        }
    }

    pub(super) fn keys_refreshed(&mut self, now_ms: i64) -> Progress {
        if let Some(mut parked) = self.parked.take() {
            parked.answers.keys_refreshed = true;
            parked.open_needs = parked.open_needs.saturating_sub(1);
            self.resume(parked, now_ms);
        }
        Progress::Idle
    }

    /// The upstream connection is the right one: log in on it with the client's message.
    pub(super) fn routed(&mut self) -> Progress {
        let message = self.parked.as_ref().and_then(|parked| {
            let body = parked.request.body();
            let version = parked.request.header.version;
            codec::decode::<SaslAuthenticateRequest>(ApiKey::SASL_AUTHENTICATE, version, &body)
                .ok()
                .map(|request| request.auth_bytes)
        });
        if let Some(message) = message {
            self.send_question(Asker::Request, Question::Handshake(message));
        }
        Progress::Idle
    }

    fn resume(&mut self, parked: super::requests::Parked, now_ms: i64) {
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
        match self.learn_from(errand, response) {
            Ok(Learned::More) => {}
            Ok(Learned::Done(Asker::Request, answer)) => {
                if let Some(mut parked) = self.parked.take() {
                    answer.put(&mut parked.answers);
                    parked.open_needs = parked.open_needs.saturating_sub(1);
                    self.resume(parked, now_ms);
                }
                self.flush(now_ms, policy);
            }
            Ok(Learned::Done(Asker::Response, answer)) => {
                if let Some(Entry::Arrived(exchange, _)) = self.inflight.front() {
                    answer.put(&mut exchange.answers);
                    exchange.open_needs = exchange.open_needs.saturating_sub(1);
                }
                self.flush(now_ms, policy);
            }
            Err(reason) => self.fail(reason),
        }
    }

    fn learn_from(&mut self, errand: Errand, response: &Response) -> Result<Learned, CloseReason> {
        let (key, version) = errand.question.api();
        let body = response.body();
        let asker = errand.asker;
        match errand.question {
            Question::TopicNames(ids) => {
                self.learn_metadata(key, version, &body)?;
                let topics = &self.cluster.topics;
                let unnamed = ids.into_iter().filter(|id| topics.name(*id).is_none()).collect();
                Ok(Learned::Done(asker, Answered::Unnamed(unnamed)))
            }
            Question::AutoCreation(names) => {
                self.learn_metadata(key, version, &body)?;
                Ok(Learned::Done(asker, Answered::Created(names)))
            }
            Question::Handshake(message) => {
                let answer: SaslHandshakeResponse = codec::decode(key, version, &body)?;
                if answer.error_code == ErrorCode::NONE.0 {
                    self.send_question_with(asker, Question::Authenticate, &message);
                    return Ok(Learned::More);
                }
                let reason = format!("error {} to SaslHandshake", answer.error_code);
                Ok(Learned::Done(asker, Answered::Login(UpstreamLogin::Refused { reason })))
            }
            Question::Authenticate => {
                let answer: SaslAuthenticateResponse = codec::decode(key, version, &body)?;
                let login =
                    if answer.error_code == ErrorCode::NONE.0 && answer.auth_bytes.is_empty() {
                        let session_lifetime_ms = answer.session_lifetime_ms;
                        UpstreamLogin::Accepted { session_lifetime_ms }
                    } else {
                        let reason = format!("error {} to SaslAuthenticate", answer.error_code);
                        UpstreamLogin::Refused { reason }
                    };
                Ok(Learned::Done(asker, Answered::Login(login)))
            }
        }
    }

    fn learn_metadata(
        &mut self,
        key: ApiKey,
        version: i16,
        body: &Bytes,
    ) -> Result<(), CloseReason> {
        let message: MetadataResponse = codec::decode(key, version, body)?;
        let mut effects = Effects::default();
        learn(&self.cluster.topics, &mut effects, &message);
        self.publish(effects);
        Ok(())
    }
}

enum Learned {
    /// Another question was sent.
    More,
    Done(Asker, Answered),
}

enum Answered {
    Unnamed(Vec<TopicId>),
    Created(Vec<StrBytes>),
    Login(UpstreamLogin),
}

impl Answered {
    fn put(self, answers: &mut crate::enforce::facts::Answers) {
        match self {
            Self::Unnamed(ids) => answers.unnamed.extend(ids),
            Self::Created(names) => answers.created.extend(names),
            Self::Login(login) => answers.upstream_login = Some(login),
        }
    }
}

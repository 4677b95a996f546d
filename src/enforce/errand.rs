//! Questions of Lockgate's own that the client's broker connection answers: what they say, and what
//! their answers teach.
//!
//! A question is a frame between the client's own ones. Lockgate's own login at the broker is made
//! of questions too, before the first of those frames and again when the broker's session ends.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiVersionsResponse, MetadataRequest, MetadataResponse, SaslAuthenticateRequest,
    SaslHandshakeRequest, SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::broker_login::{self, BrokerLogin, LoginStep};
use super::facts::{Answers, Effects, Offered, UpstreamLogin};
use super::metadata::learn;
use super::outcome::{CloseReason, Request, Response, Slices};
use super::topics::TopicNames;
use crate::identity::Mechanism;
use crate::wire::codec::{self, CodecFault};
use crate::wire::{ApiKey, ErrorCode, RequestHeader, TopicId};

/// First Metadata version that answers topic ids with names (KIP-516).
const METADATA_BY_ID_VERSION: i16 = 12;
/// A Metadata version of every broker in use that can say whether topics are created, and ask for
/// none.
const METADATA_BY_NAME_VERSION: i16 = 4;
const SASL_HANDSHAKE_VERSION: i16 = 1;
/// First SaslAuthenticate version that tells the session's lifetime (KIP-368).
const SASL_AUTHENTICATE_VERSION: i16 = 1;
/// No client uses it, so an answer cannot be taken for one of the client's.
const CORRELATION_ID: i32 = -1;
const CLIENT_ID: &str = "lockgate";

/// One question.
pub enum Question {
    /// What are these topics called?
    TopicNames(Vec<TopicId>),
    /// Which topics are there?
    AllTopics,
    /// Create these topics, as for a client that may.
    AutoCreation(Vec<StrBytes>),
    /// Which APIs are there, at which versions?
    Versions,
    /// Which brokers are there?
    Brokers,
    /// May somebody log in? The SASL message is for the next question.
    Handshake(BrokerLogin),
    /// Is this SASL message good?
    Authenticate(BrokerLogin),
}

/// What an answer is good for.
pub enum Learned {
    /// The next question.
    Ask(Question),
    /// What the waiting frame wanted to know.
    Known(Knowledge),
}

/// An answer to a frame that waits.
pub enum Knowledge {
    /// Ids that the broker could not name.
    Unnamed(Vec<TopicId>),
    /// The names of all topics.
    AllTopics(Vec<StrBytes>),
    /// Topics that it was asked to create.
    Created(Vec<StrBytes>),
    /// The version ranges of a broker, by API key.
    Versions(Offered),
    /// The brokers, which are among the effects.
    Brokers,
    /// What it said to the login.
    Login(UpstreamLogin),
}

impl Knowledge {
    /// Keeps it with what is known of the frame.
    pub fn put(self, answers: &mut Answers) {
        match self {
            Self::Unnamed(ids) => answers.unnamed.extend(ids),
            Self::AllTopics(names) => answers.all_topics = Some(names),
            Self::Created(names) => answers.created.extend(names),
            // No frame waits for them.
            Self::Brokers | Self::Versions(_) => {}
            Self::Login(login) => answers.upstream_login = Some(login),
        }
    }
}

impl Question {
    /// The broker's login with the SASL message of a parked request.
    ///
    /// # Errors
    /// [`CodecFault`] where the request is no SaslAuthenticate.
    pub fn login(request: &Request) -> Result<Self, CodecFault> {
        let version = request.header.version;
        let message: SaslAuthenticateRequest =
            codec::decode(ApiKey::SASL_AUTHENTICATE, version, &request.body())?;
        let mechanism = Mechanism::OauthBearer.as_str();
        Ok(Self::Handshake(BrokerLogin::forwarded(mechanism, message.auth_bytes)))
    }

    /// Key, version and correlation id of the answer.
    #[must_use]
    pub fn expected(&self) -> (ApiKey, i16, i32) {
        let (key, version) = self.api();
        (key, version, CORRELATION_ID)
    }

    /// Whether it is part of a login, between whose parts nothing else may be said.
    #[must_use]
    pub const fn is_login(&self) -> bool {
        matches!(self, Self::Handshake(_) | Self::Authenticate(_))
    }

    fn api(&self) -> (ApiKey, i16) {
        match self {
            Self::TopicNames(_) => (ApiKey::METADATA, METADATA_BY_ID_VERSION),
            Self::AllTopics | Self::AutoCreation(_) | Self::Brokers => {
                (ApiKey::METADATA, METADATA_BY_NAME_VERSION)
            }
            Self::Versions => (ApiKey::API_VERSIONS, 0),
            Self::Handshake(_) => (ApiKey::SASL_HANDSHAKE, SASL_HANDSHAKE_VERSION),
            Self::Authenticate(_) => (ApiKey::SASL_AUTHENTICATE, SASL_AUTHENTICATE_VERSION),
        }
    }

    /// The question as a request.
    ///
    /// # Errors
    /// [`CodecFault`] where the protocol crate cannot write it.
    pub fn frame(&self) -> Result<Slices, CodecFault> {
        let (key, version) = self.api();
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
        Ok(Slices::from_iter([head.freeze(), self.body()?]))
    }

    fn body(&self) -> Result<Bytes, CodecFault> {
        let (key, version) = self.api();
        match self {
            Self::TopicNames(ids) => {
                let topics = ids.iter().map(|id| {
                    let id = codec::uuid(*id);
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
            Self::AllTopics => {
                let mut request = MetadataRequest::default();
                request.topics = None;
                request.allow_auto_topic_creation = false;
                codec::encode(key, version, &request)
            }
            // v0 has no body.
            Self::Versions => Ok(Bytes::new()),
            Self::Brokers => {
                let mut request = MetadataRequest::default();
                request.topics = Some(Vec::new());
                request.allow_auto_topic_creation = false;
                codec::encode(key, version, &request)
            }
            Self::Handshake(login) => {
                let mut request = SaslHandshakeRequest::default();
                request.mechanism = codec::text(login.mechanism());
                codec::encode(key, version, &request)
            }
            Self::Authenticate(login) => {
                let mut request = SaslAuthenticateRequest::default();
                request.auth_bytes = login.message();
                codec::encode(key, version, &request)
            }
        }
    }

    /// Reads the answer, and keeps what it says of topics and brokers.
    ///
    /// # Errors
    /// [`CloseReason::Codec`] where it cannot be read.
    pub fn answered(
        self,
        response: &Response,
        topics: &TopicNames,
        effects: &mut Effects,
    ) -> Result<Learned, CloseReason> {
        let (key, version) = self.api();
        let body = response.body();
        let known = match self {
            Self::TopicNames(mut ids) => {
                let message: MetadataResponse = codec::decode(key, version, &body)?;
                learn(topics, effects, &message);
                ids.retain(|id| topics.name(*id).is_none());
                Knowledge::Unnamed(ids)
            }
            Self::AutoCreation(names) => {
                let message: MetadataResponse = codec::decode(key, version, &body)?;
                learn(topics, effects, &message);
                Knowledge::Created(names)
            }
            Self::AllTopics => {
                let message: MetadataResponse = codec::decode(key, version, &body)?;
                learn(topics, effects, &message);
                let named = message.topics.into_iter().filter_map(|topic| topic.name);
                Knowledge::AllTopics(named.map(|name| name.0).collect())
            }
            Self::Versions => {
                let message: ApiVersionsResponse = codec::decode(key, version, &body)?;
                let ranges = message.api_keys.iter();
                Knowledge::Versions(
                    ranges.map(|api| (api.api_key, (api.min_version, api.max_version))).collect(),
                )
            }
            Self::Brokers => {
                let message: MetadataResponse = codec::decode(key, version, &body)?;
                learn(topics, effects, &message);
                Knowledge::Brokers
            }
            Self::Handshake(login) => {
                let answer: SaslHandshakeResponse = codec::decode(key, version, &body)?;
                if answer.error_code == ErrorCode::NONE.0 {
                    return Ok(Learned::Ask(Self::Authenticate(login)));
                }
                Knowledge::Login(handshake_refused(&login, &answer))
            }
            Self::Authenticate(login) => {
                match login.answered(&codec::decode(key, version, &body)?) {
                    LoginStep::Next(login) => return Ok(Learned::Ask(Self::Authenticate(login))),
                    LoginStep::Done(login) => Knowledge::Login(login),
                }
            }
        };
        Ok(Learned::Known(known))
    }
}

fn handshake_refused(login: &BrokerLogin, answer: &SaslHandshakeResponse) -> UpstreamLogin {
    let (mechanism, code) = (login.mechanism(), answer.error_code);
    let offered: Vec<&str> = answer.mechanisms.iter().map(|offered| &**offered).collect();
    let reason = format!("error {code} to SaslHandshake with {mechanism}");
    broker_login::refused(reason, &format!("the broker offers {}", offered.join(", ")))
}

//! What an enforcement says about a frame, and what it may ask for first.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;
use thiserror::Error;

use super::facts::Facts;
use crate::audit::Ticket;
use crate::auth::KeyId;
use crate::auth::plain::Salting;
use crate::wire::{ApiKey, FrameFault, HeaderFault, RequestHeader, TopicId, codec, shape};

/// A frame as slices, without its length prefix: what is untouched still lies in the buffer that it
/// was read into.
pub type Slices = SmallVec<[Bytes; 4]>;

/// A request whose header was read and whose shape was proved.
#[derive(Clone)]
pub struct Request {
    pub header: RequestHeader,
    /// Header and body, without the length prefix.
    pub frame: Bytes,
}

impl Request {
    /// The body, which lies in the frame's buffer.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.frame.slice(self.header.body_at.min(self.frame.len())..)
    }
}

/// A response whose header was read and whose shape was proved.
#[derive(Clone)]
pub struct Response {
    pub key: ApiKey,
    pub version: i16,
    /// Header and body, without the length prefix.
    pub frame: Bytes,
    pub body_at: usize,
}

impl Response {
    /// The body, which lies in the frame's buffer.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.frame.slice(self.body_at.min(self.frame.len())..)
    }

    /// This response's header with another body.
    #[must_use]
    pub fn with_body(&self, body: Bytes) -> Slices {
        let head = self.frame.slice(..self.body_at.min(self.frame.len()));
        Slices::from_iter([head, body])
    }
}

/// What happens to a request.
pub enum Outcome {
    /// It goes to the broker, changed or not.
    Forward(Forward),
    /// Lockgate answers it: a response's body. It waits for its turn.
    Respond(Bytes),
    /// Lockgate answers it, and the connection ends once the answer has left.
    RespondThenClose(Bytes, CloseReason),
    /// Something is missing; the same function runs again when it is known.
    Wait(SmallVec<[Need; 2]>),
    /// The connection ends, after what was answered before has left.
    Close(CloseReason),
}

/// A request on its way to the broker.
pub struct Forward {
    pub slices: Slices,
    pub answer: Answer,
    /// The version that the broker is asked with, where it is not the client's.
    pub version: Option<i16>,
    /// Ends the connection once this request has left (Kafka does so on a refused `acks=0`).
    pub then_close: Option<CloseReason>,
}

impl Forward {
    /// The client's own bytes, and nothing to judge in the answer.
    #[must_use]
    pub fn unchanged(request: &Request) -> Self {
        Self {
            slices: Slices::from_iter([request.frame.clone()]),
            answer: Answer::Unjudged,
            version: None,
            then_close: None,
        }
    }

    /// The client's own bytes, with a judge for the answer.
    #[must_use]
    pub fn judged(request: &Request, judge: impl Judge + 'static) -> Self {
        Self { answer: Answer::Judged(Box::new(judge)), ..Self::unchanged(request) }
    }
}

/// What the broker will send back.
pub enum Answer {
    /// A response that goes to the client as it is.
    Unjudged,
    /// A response that is judged first.
    Judged(Box<dyn Judge>),
    /// Nothing: a produce with `acks=0`.
    Nothing,
}

/// Judges one response. Lives in the in-flight entry and dies with it.
pub trait Judge: Send {
    /// Runs again from the start after a [`ResponseOutcome::Wait`].
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome;

    /// The rows that were reserved for the request and are still open: the connection has ended.
    fn unanswered(&mut self) -> Vec<Ticket> {
        Vec::new()
    }
}

/// What happens to a response.
pub enum ResponseOutcome {
    /// It goes to the client, changed or not.
    Forward(Slices),
    /// Something is missing; the same function runs again when it is known.
    Wait(SmallVec<[Need; 2]>),
    /// It cannot be passed on, and the connection ends.
    Close(CloseReason),
}

impl ResponseOutcome {
    /// The broker's own bytes.
    #[must_use]
    pub fn unchanged(response: &Response) -> Self {
        Self::Forward(Slices::from_iter([response.frame.clone()]))
    }
}

/// What an enforcement may ask for. Each is answered at most once for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The names of these topics, asked on the client's own broker connection.
    TopicNames(Vec<TopicId>),
    /// The names of all topics, asked on the client's own broker connection.
    AllTopics,
    /// The broker creates these topics as it does for a client that may (`Metadata` with
    /// `allow_auto_topic_creation`).
    AutoCreation(Vec<StrBytes>),
    /// The key set of the issuer at this index, fetched anew.
    FreshKeys { issuer: usize, key_id: Option<KeyId> },
    /// The broker's own login with this SASL message (`upstream.auth: forward`).
    UpstreamLogin { mechanism: &'static str, message: Bytes },
    /// A password, salted.
    Salted(Salting),
    /// The time that whoever fails to log in has to wait for the answer.
    Pause,
}

/// Why a connection ends. The text is for the log and the audit row.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum CloseReason {
    #[error("{0}")]
    Frame(#[from] FrameFault),
    #[error("{0}")]
    Header(#[from] HeaderFault),
    #[error("api key {0} is not in the table")]
    UnknownApi(i16),
    #[error("{0} is not open to clients here")]
    HiddenApi(ApiKey),
    #[error("{api} version {version} is outside what was offered")]
    Version { api: ApiKey, version: i16 },
    #[error("the client's {api} does not have its shape: {fault}")]
    RequestShape { api: ApiKey, fault: shape::ShapeError },
    #[error("the broker's {api} response does not have its shape: {fault}")]
    ResponseShape { api: ApiKey, fault: shape::ShapeError },
    #[error("{0}")]
    Codec(String),
    #[error("the broker answered correlation id {actual}, expected {expected}")]
    CorrelationId { expected: i32, actual: i32 },
    #[error("the broker sent a response that no request waits for")]
    UnexpectedResponse,
    #[error("{0} before login")]
    NotLoggedIn(ApiKey),
    #[error("a second login on one connection")]
    SecondLogin,
    #[error("{0} in the middle of a login")]
    UnfinishedLogin(ApiKey),
    #[error("{principal} has {limit} connections, which is the limit")]
    Seats { principal: Arc<str>, limit: usize },
    #[error("login refused: {0}")]
    LoginRefused(Arc<str>),
    #[error("Lockgate's own login at the broker failed: {0}")]
    BrokerLogin(Arc<str>),
    #[error("a produce with acks=0 was refused")]
    RefusedWithoutAnswer,
    #[error("a fetch names a replica id, which only brokers may")]
    ReplicaFetch,
    #[error("the token has ended")]
    TokenEnded,
    #[error("the time of the login has ended")]
    LoginEnded,
    #[error("four runs did not settle a frame")]
    Unsettled,
    #[error("the client closed the connection")]
    ClientClosed,
    #[error("the broker closed the connection")]
    BrokerClosed,
    #[error("the evidence could not be written: {0}")]
    Audit(String),
    #[error("idle for {0} ms")]
    Idle(u64),
    #[error("a frame was not whole after {0} ms")]
    SlowFrame(u64),
    #[error("took no byte for {0} ms while others wait for memory")]
    Stalled(u64),
    #[error("not logged in after {0} ms")]
    LoginTime(u64),
    #[error("shutting down")]
    Drained,
    /// It did not get past the listener.
    #[error("{0}")]
    NotAdmitted(String),
    #[error("{0}")]
    Io(String),
}

impl From<codec::CodecFault> for CloseReason {
    fn from(fault: codec::CodecFault) -> Self {
        Self::Codec(fault.to_string())
    }
}

//! One session with a client and a broker that a test speaks for.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::{Decodable, Encodable};

use super::frames;
use crate::audit::{AuditEvent, Completion, SessionFacts};
use crate::enforce::facts::{Checker, Cluster, Identity, Limits};
use crate::enforce::{Addresses, CloseReason, ToolPool, TopicNames};
use crate::identity::{Groups, Mechanism, Principal, Subject};
use crate::policy::{Ground, PolicySet, Secrets, Source, load};
use crate::session::{Ask, Input, Output, Progress, Session, SessionLimits, Side};
use crate::wire::{ApiKey, codec};

pub const NOW_MS: i64 = 1_700_000_000_000;

/// What a session did, in order.
#[derive(Debug)]
pub enum Did {
    Audit(Vec<AuditEvent>),
    /// A frame without its length prefix.
    ToClient(Bytes),
    ToBroker(Bytes),
    Ask(Ask),
    Close(CloseReason),
}

/// A session, and what it has done that no test has looked at yet.
pub struct Talk {
    pub session: Session,
    pub policy: Arc<PolicySet>,
    pub now_ms: i64,
    pub done: VecDeque<Did>,
    /// How reserved rows ended.
    pub completed: Vec<Completion>,
    /// Frames of either side that wait, length prefix included.
    waiting: [BytesMut; 2],
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, key_ref: &str) -> Result<Vec<u8>, String> {
        Ok(format!("{key_ref:0>32}").into_bytes())
    }
}

/// The policies of these rules (YAML, four spaces in); none of an empty text.
pub fn policies(rules: &str) -> Arc<PolicySet> {
    if rules.is_empty() {
        return Arc::new(PolicySet::empty());
    }
    let head = "apiVersion: policy/v1\nkind: Policy\nmetadata: {name: t}\nspec:\n  rules:\n";
    let source = Source { file: "t.yaml".to_owned(), text: format!("{head}{rules}") };
    let loaded = load(&[source], &NoSecrets, &Ground::default());
    Arc::new(loaded.unwrap_or_else(|problems| panic!("{problems}")))
}

pub fn cluster(identity: Identity) -> Arc<Cluster> {
    let broker_knows_user = identity.checker == Checker::Broker;
    Arc::new(Cluster {
        name: "test".into(),
        addresses: Addresses::Keep,
        topics: TopicNames::default(),
        identity,
        limits: Limits {
            request_bytes_max: 1 << 20,
            control_frame_bytes_max: 1 << 17,
            inflated_batch_bytes_max: 1 << 20,
            elements_max: 10_000,
        },
        tools: ToolPool::default(),
        broker_knows_user,
    })
}

/// An anonymous client of a broker that still tells users apart.
pub fn knowing(rules: &str) -> Talk {
    let mut cluster = Arc::into_inner(cluster(anonymous())).expect("nobody else has it yet");
    cluster.broker_knows_user = true;
    let mut talk = Talk::under(rules);
    talk.session = Session::new(Arc::new(cluster), limits(), SessionFacts::default(), 7, NOW_MS);
    talk
}

pub fn anonymous() -> Identity {
    let subject = Subject {
        principal: Principal::user(None, "jane"),
        groups: Groups::known(["readers"]),
        mechanism: Mechanism::Anonymous,
    };
    Identity { anonymous: Some(Arc::new(subject)), ..Identity::default() }
}

pub fn limits() -> SessionLimits {
    SessionLimits {
        request_bytes_max: 1 << 20,
        response_bytes_max: 1 << 20,
        control_frame_bytes_max: 1 << 17,
        unauthenticated_frame_bytes_max: 1 << 14,
        inflight_requests_max: 128,
        login_ms_max: 10_000,
    }
}

impl Talk {
    /// An anonymous client under these rules.
    pub fn under(rules: &str) -> Self {
        Self::with(anonymous(), rules)
    }

    pub fn with(identity: Identity, rules: &str) -> Self {
        let evidence = SessionFacts::default();
        let session = Session::new(cluster(identity), limits(), evidence, 7, NOW_MS);
        Self {
            session,
            policy: policies(rules),
            now_ms: NOW_MS,
            done: VecDeque::new(),
            completed: Vec::new(),
            waiting: [BytesMut::new(), BytesMut::new()],
        }
    }

    /// The same, behind the first request, so that the rows of the session's start are over.
    pub fn begun(rules: &str) -> Self {
        let mut talk = Self::under(rules);
        talk.client(&frames::request(ApiKey::METADATA, 12, -9, &frames::metadata_request()));
        talk.broker(&frames::response(ApiKey::METADATA, 12, -9, &frames::metadata(&[])));
        assert_eq!(talk.to_client().len(), 1);
        talk.done.clear();
        talk
    }

    pub fn input(&mut self, input: &Input) -> Progress {
        let policy = Arc::clone(&self.policy);
        let progress = self.session.handle_input(input, &policy, self.now_ms);
        self.collect();
        progress
    }

    /// Bytes from the client, as they come.
    pub fn client(&mut self, bytes: &[u8]) {
        self.waiting[0].extend_from_slice(bytes);
        self.pump();
    }

    /// Bytes from the broker.
    pub fn broker(&mut self, bytes: &[u8]) {
        self.waiting[1].extend_from_slice(bytes);
        self.pump();
    }

    /// As `io` does it: reads what is wanted, and takes frames until nothing moves.
    fn pump(&mut self) {
        loop {
            let mut moved = false;
            for (place, side) in [(0, Side::Downstream), (1, Side::Upstream)] {
                if self.session.wants_bytes(side) {
                    let bytes = self.waiting[place].split();
                    self.session.read_buffer(side).extend_from_slice(&bytes);
                }
                moved |= self.input(&Input::Received(side)) == Progress::Frame;
            }
            if !moved {
                return;
            }
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.session.poll_output() {
            self.done.push_back(match output {
                Output::Audit(posting) => {
                    self.completed.extend(posting.completed.iter().map(|(_, how)| *how));
                    Did::Audit(posting.events().cloned().collect())
                }
                Output::Send(side, slices) => {
                    let mut frame: Bytes = slices.concat().into();
                    let length = usize::try_from(frame.get_i32()).unwrap();
                    assert_eq!(length, frame.len(), "the length prefix is right");
                    match side {
                        Side::Downstream => Did::ToClient(frame),
                        Side::Upstream => Did::ToBroker(frame),
                    }
                }
                Output::Ask(ask) => Did::Ask(ask),
                Output::Close(reason) => Did::Close(reason),
                Output::Notice(_) | Output::Nodes(_) => continue,
            });
        }
    }

    /// Frames that left towards the client, without their length.
    pub fn to_client(&self) -> Vec<Bytes> {
        let sent = |did: &Did| match did {
            Did::ToClient(frame) => Some(frame.clone()),
            Did::Audit(_) | Did::ToBroker(_) | Did::Ask(_) | Did::Close(_) => None,
        };
        self.done.iter().filter_map(sent).collect()
    }

    pub fn to_broker(&self) -> Vec<Bytes> {
        let sent = |did: &Did| match did {
            Did::ToBroker(frame) => Some(frame.clone()),
            Did::Audit(_) | Did::ToClient(_) | Did::Ask(_) | Did::Close(_) => None,
        };
        self.done.iter().filter_map(sent).collect()
    }

    pub fn rows(&self) -> Vec<AuditEvent> {
        let rows = |did: &Did| match did {
            Did::Audit(rows) => rows.clone(),
            Did::ToBroker(_) | Did::ToClient(_) | Did::Ask(_) | Did::Close(_) => Vec::new(),
        };
        self.done.iter().flat_map(rows).collect()
    }

    pub fn closed(&self) -> Option<CloseReason> {
        self.done.iter().find_map(|did| match did {
            Did::Close(reason) => Some(reason.clone()),
            Did::Audit(_) | Did::ToBroker(_) | Did::ToClient(_) | Did::Ask(_) => None,
        })
    }

    /// Whether it waits for an answer from elsewhere.
    pub fn asks(&self) -> bool {
        self.done.iter().any(|did| matches!(did, Did::Ask(_)))
    }

    /// Correlation ids of what left towards the client, in order.
    pub fn answered(&self) -> Vec<i32> {
        self.to_client().iter().map(|frame| frames::correlation_id(frame)).collect()
    }

    /// The only answer to the client, decoded.
    #[track_caller]
    pub fn answer<M: Decodable>(&self, key: ApiKey, version: i16) -> M {
        let frames = self.to_client();
        assert_eq!(frames.len(), 1, "one answer: {:?}", self.done);
        frames::decoded(key, version, &frames[0])
    }

    /// The request was refused with a row and the end of the connection, and nothing went on.
    #[track_caller]
    pub fn refused(&self) -> CloseReason {
        assert!(self.to_broker().is_empty(), "nothing is forwarded: {:?}", self.done);
        assert!(self.to_client().is_empty(), "nothing is answered: {:?}", self.done);
        let told = self.rows().iter().any(|row| {
            row.decision == Some(crate::audit::AuditDecision::Deny) && row.message.is_some()
        });
        assert!(told, "there is a row: {:?}", self.done);
        assert!(matches!(self.done.back(), Some(Did::Close(_))), "the end is last");
        self.closed().unwrap()
    }
}

/// ApiVersions as every client begins.
pub fn hello(correlation_id: i32, version: i16) -> Bytes {
    let message = ApiVersionsRequest::default()
        .with_client_software_name(codec::text("test"))
        .with_client_software_version(codec::text("1"));
    encoded_or_empty(correlation_id, version, &message)
}

fn encoded_or_empty<M: Encodable>(correlation_id: i32, version: i16, message: &M) -> Bytes {
    if version < 3 {
        frames::raw_request(ApiKey::API_VERSIONS.0, version, correlation_id, &[])
    } else {
        frames::request(ApiKey::API_VERSIONS, version, correlation_id, message)
    }
}

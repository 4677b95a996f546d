//! What is known while a frame is judged: of the cluster, of the connection, of the frame itself.
//!
//! Facts are read; what an enforcement finds out on the way goes into [`Effects`], which the
//! session hands to the edges. Nothing here waits, and nothing here knows a socket or a clock.

use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;

use super::access::Decisions;
use super::addresses::Addresses;
use super::plans::Plans;
use super::records::ToolPool;
pub use super::sasl::Login;
use super::seats::{Seat, Seats};
use super::share::ShareSessions;
use super::topics::{NameCache, TopicNames};
use crate::audit::{AuditEvent, Posting, SessionFacts, Ticket, Ulid};
use crate::auth::scram::{ScramHash, Secret};
use crate::auth::users::Users;
use crate::auth::{IssuerRules, KeySet};
use crate::identity::{Groups, Mechanism, Principal, Subject};
use crate::policy::{Action, Plan, PolicySet};
use crate::wire::{ApiKey, TopicId, shape};

/// One cluster behind Lockgate, and what every connection to it shares.
pub struct Cluster {
    pub name: Arc<str>,
    pub addresses: Addresses,
    pub topics: TopicNames,
    pub identity: Identity,
    pub limits: Limits,
    /// Codecs and buffers for content work, shared by all connections.
    pub tools: ToolPool,
    /// The client's own credential goes to the broker, so the broker's ACLs still see the user
    /// (`upstream.auth: forward`).
    pub broker_knows_user: bool,
}

/// Limits that enforcement itself keeps.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A produce request's whole frame, and so one rewritten batch.
    pub request_bytes_max: usize,
    /// What everything the protocol crate decodes must fit in.
    pub control_frame_bytes_max: usize,
    /// One batch, inflated.
    pub inflated_batch_bytes_max: usize,
    /// Elements of all arrays of one frame together.
    pub elements_max: usize,
}

impl Limits {
    #[must_use]
    pub fn shape(&self) -> shape::Limits {
        shape::Limits { elements_max: self.elements_max }
    }
}

/// How clients prove who they are.
#[derive(Default)]
pub struct Identity {
    pub checker: Checker,
    pub issuers: Vec<Issuer>,
    /// Who may log in by PLAIN.
    pub plain: Option<Arc<dyn UserSource>>,
    /// Who may log in by SCRAM.
    pub scram: Option<ScramUsers>,
    /// Whom a connection without a login belongs to, if it may have none.
    pub anonymous: Option<Arc<Subject>>,
    /// Groups by principal, beside those of the token.
    pub directory: Option<Arc<dyn GroupSource>>,
    /// Random and this process's own: what nonces are made of.
    pub secret: [u8; 32],
    /// How long a login is good for at the most, whatever its token says.
    pub session_ms_max: Option<i64>,
    pub seats: Arc<Seats>,
}

/// Who checks a login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checker {
    /// Lockgate.
    #[default]
    Lockgate,
    /// The broker; Lockgate looks on and learns who it was.
    Broker,
}

/// Users of SCRAM, and by which hashes they may log in.
pub struct ScramUsers {
    pub users: Arc<dyn UserSource>,
    pub hashes: Vec<ScramHash>,
}

/// The last good content of a users file.
pub trait UserSource: Send + Sync {
    fn current(&self) -> Arc<Users>;
}

impl Identity {
    /// Whether a user of that name is in a users file: a token for the same name, written without
    /// an issuer, would be somebody else under this name.
    #[must_use]
    pub fn has_local_user(&self, name: &str) -> bool {
        let scram = self.scram.as_ref().map(|scram| &scram.users);
        let mut sources = self.plain.iter().chain(scram);
        sources.any(|source| source.current().user(name).is_some())
    }
}

impl Identity {
    /// The subject of a client that proved its name by its certificate; groups are the directory's.
    #[must_use]
    pub fn certified(&self, name: &Arc<str>) -> Subject {
        let principal = Principal::user(None, Arc::clone(name));
        let groups = self.directory.as_ref().and_then(|source| source.groups(&principal));
        let groups = groups.map_or(Groups::Unknown, Groups::Known);
        Subject { principal, groups, mechanism: Mechanism::Ssl }
    }
}

/// One token issuer: its rules, and where its keys are.
pub struct Issuer {
    pub rules: IssuerRules,
    pub keys: Arc<dyn KeyCache>,
}

/// The last good key set of an issuer; `None` where there is none young enough to trust.
pub trait KeyCache: Send + Sync {
    fn current(&self) -> Option<Arc<KeySet>>;
}

/// Groups of a principal from somewhere else than its token.
pub trait GroupSource: Send + Sync {
    fn groups(&self, principal: &Principal) -> Option<Arc<[Arc<str>]>>;
}

/// What is known of one connection.
pub struct Connection {
    pub login: Login,
    /// When the last login began, in milliseconds since the Unix epoch.
    pub login_began_at_ms: i64,
    pub subject: Option<Arc<Subject>>,
    /// Whom the client's certificate names, where that counts as a login.
    pub certified: Option<Arc<str>>,
    /// When the login ends, in milliseconds since the Unix epoch.
    pub expires_at_ms: Option<i64>,
    /// Its place among the connections of its principal.
    pub seat: Option<Seat>,
    /// What every audit row of this connection says.
    pub evidence: Arc<SessionFacts>,
    /// What this connection's broker said it speaks, clamped to ours.
    pub offered: Option<Offered>,
    /// Fetch sessions that this connection was given (KIP-227), newest last.
    pub fetch_sessions: FetchSessions,
    /// Share sessions that this connection opened (KIP-932).
    pub share_sessions: ShareSessions,
    pub plans: Plans,
    pub decisions: Decisions,
    pub names: NameCache,
    pub ids: IdSource,
    /// Rows that this connection has reserved.
    pub reserved: u64,
}

/// Version ranges that the client of a connection was offered, by API key.
pub type Offered = std::collections::BTreeMap<i16, (i16, i16)>;

/// The ids of fetch sessions that a connection may name with an epoch above 0.
#[derive(Default)]
pub struct FetchSessions {
    ids: SmallVec<[i32; 4]>,
}

/// A client keeps one session a broker; a few more are kept for clients that begin anew.
const FETCH_SESSIONS_MAX: usize = 16;

impl FetchSessions {
    #[must_use]
    pub fn contains(&self, id: i32) -> bool {
        self.ids.contains(&id)
    }

    pub fn remember(&mut self, id: i32) {
        if id == 0 || self.contains(id) {
            return;
        }
        if self.ids.len() >= FETCH_SESSIONS_MAX {
            self.ids.remove(0);
        }
        self.ids.push(id);
    }
}

/// Ids for decisions: a SplitMix64 sequence from a random seed that `io` drew.
pub struct IdSource {
    state: u64,
}

impl IdSource {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next_word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A nonce that nobody can foresee who does not know `secret`: printable, without a comma.
    pub fn nonce(&mut self, secret: &[u8; 32]) -> String {
        let seed = [self.next_word().to_be_bytes(), self.next_word().to_be_bytes()].concat();
        let tag = ScramHash::Sha256.hmac(secret, &seed);
        tag.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A fresh decision id.
    pub fn next_id(&mut self, now_ms: i64) -> Ulid {
        let [a, b, c, d, e, f, g, h] = self.next_word().to_be_bytes();
        let [i, j, ..] = self.next_word().to_be_bytes();
        Ulid::from_parts(u64::try_from(now_ms).unwrap_or(0), [a, b, c, d, e, f, g, h, i, j])
    }
}

/// Answers to what this frame asked for in earlier runs.
#[derive(Default)]
pub struct Answers {
    /// Ids that the broker could not name for this client.
    pub unnamed: Vec<TopicId>,
    /// The names of all topics of the cluster, if they were asked for.
    pub all_topics: Option<Vec<StrBytes>>,
    /// Topics that the broker was asked to create.
    pub created: Vec<StrBytes>,
    /// The key set was fetched anew, or could not be.
    pub keys_refreshed: bool,
    /// What the broker said to the client's token.
    pub upstream_login: Option<UpstreamLogin>,
    /// The client's password, salted.
    pub salted: Option<Secret>,
    /// The client has waited for its refusal.
    pub paused: bool,
}

/// The broker's answer to a login that was forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamLogin {
    /// Taken, for so many milliseconds (0: no limit, KIP-368).
    Accepted { session_lifetime_ms: i64 },
    /// Not taken.
    Refused { reason: String },
}

/// What came of judging a frame, beside the outcome.
#[derive(Default)]
pub struct Effects {
    /// Evidence; it is accepted before any byte of the outcome leaves.
    pub evidence: Posting,
    /// Brokers that an answer named.
    pub nodes: Vec<Node>,
    pub notices: Vec<Notice>,
}

/// A broker and where it listens, as the cluster says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: i32,
    pub host: StrBytes,
    pub port: i32,
}

/// What an operator should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A request was let in.
    Taken { api: ApiKey },
    /// Tagged fields that no message definition has were taken out.
    TagsStripped { side: shape::Direction, count: u32 },
    /// A broker has no port here, so clients cannot be told of it.
    UnmappedNode { node_id: i32 },
    /// Two brokers would share a port.
    NodeCollision { first: i32, second: i32, port: u16 },
    /// A connection belongs to somebody now.
    LoggedIn { principal: Arc<str>, groups: Groups },
    /// Somebody logged in again on a live connection.
    LoggedInAgain { principal: Arc<str>, groups: Groups },
    /// A login was refused.
    LoginRefused { reason: Arc<str>, code: &'static str },
    /// The broker took Lockgate's own login, the first or a renewal.
    BrokerLoggedIn,
    /// Lockgate's own login at the broker failed.
    BrokerLoginFailed { reason: Arc<str> },
    /// A request was refused whole or in part.
    Refused { api: ApiKey },
}

/// Everything an enforcement may know, and where it puts what it finds.
pub struct Facts<'a> {
    pub cluster: &'a Cluster,
    pub connection: &'a mut Connection,
    /// The one set that this frame is judged under, from its first run on.
    pub policy: &'a Arc<PolicySet>,
    pub answers: &'a Answers,
    pub effects: &'a mut Effects,
    pub now_ms: i64,
}

impl Facts<'_> {
    #[must_use]
    pub fn now_seconds(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// How long a request of this connection may wait at the broker: until the login ends.
    #[must_use]
    pub fn wait_ms_max(&self) -> i32 {
        let end = self.connection.expires_at_ms;
        let left = end.map_or(i64::MAX, |end| end.saturating_sub(self.now_ms).max(0));
        i32::try_from(left).unwrap_or(i32::MAX)
    }

    /// Reserves the row of a request that is about to leave; the judge of its answer completes it.
    pub fn reserve(&mut self, row: AuditEvent) -> Ticket {
        let ticket = Ticket(self.connection.reserved);
        self.connection.reserved = self.connection.reserved.wrapping_add(1);
        self.effects.evidence.reserved.push((ticket, row));
        ticket
    }

    /// The plan for this connection's subject, from the cache where the policy is still the same.
    pub fn plan(&mut self, action: Action, topic: &Arc<str>, client_id: &str) -> Option<Arc<Plan>> {
        let subject = self.connection.subject.as_ref()?;
        let now_seconds = self.now_ms.div_euclid(1000);
        Some(self.connection.plans.plan(
            self.policy,
            subject,
            (action, topic),
            client_id,
            now_seconds,
        ))
    }

    /// The name of a topic id: known, or refused by the broker in an earlier run of this frame.
    #[must_use]
    pub fn topic_name(&self, id: TopicId) -> TopicName {
        if let Some(name) = self.cluster.topics.name(id) {
            return TopicName::Known(name);
        }
        if id.is_zero() || self.answers.unnamed.contains(&id) {
            TopicName::Nobody
        } else {
            TopicName::Ask
        }
    }
}

/// What is known of a topic id.
pub enum TopicName {
    Known(Arc<str>),
    /// Nobody can name it for this client.
    Nobody,
    /// It must be asked.
    Ask,
}

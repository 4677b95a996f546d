//! The event that an enforcement, a session or an edge hands to the audit log.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::ulid::Ulid;

/// One row of evidence before it is stamped: a typed field for every column of `audit.v1` but
/// `seq`, `time` and `node_id`. What does not apply is `None`, empty or 0.
///
/// Cheap to make: shared text is counted, not copied, and nothing is formatted here.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// What kind of event this is.
    pub event: EventKind,
    /// The id that the client sees in a refusal; rows of one request share it.
    pub decision_id: Option<Ulid>,
    /// Who, from where, on which cluster.
    pub session: Arc<SessionFacts>,
    /// Kafka's name of the API, such as `Fetch`.
    pub api: Option<&'static str>,
    /// The request's version of that API.
    pub api_version: Option<i16>,
    /// The topic's name.
    pub topic: Option<Arc<str>>,
    /// Kafka's id of the topic.
    pub topic_id: Option<[u8; 16]>,
    /// The partition.
    pub partition: Option<i32>,
    /// Offset of the first record that the row speaks of.
    pub first_offset: Option<i64>,
    /// Offset of the last one, included.
    pub last_offset: Option<i64>,
    /// How many records.
    pub records: Option<u32>,
    /// Their size on the wire, in bytes.
    pub bytes: Option<u64>,
    /// Ids of the schemas met.
    pub schema_ids: Vec<i32>,
    /// What was done.
    pub decision: Option<AuditDecision>,
    /// Whether it was done, or would have been.
    pub mode: Option<Mode>,
    /// The rules that decided, the first one first.
    pub rule_ids: SmallVec<[Arc<str>; 2]>,
    /// The policy set under which the whole frame was judged.
    pub policy_revision: Option<Arc<str>>,
    /// What was masked, by which method, how often.
    pub mask_summary: Vec<MaskCount>,
    /// Values masked, all together.
    pub masked_values: u32,
    /// Records in which at least one value was masked.
    pub masked_records: u32,
    /// Kafka's error code in the answer; 0 is success.
    pub error_code: Option<i16>,
    /// What the client was told, or what an operator should know. Never a value of a field.
    pub message: Option<Arc<str>>,
    /// The hold.
    pub hold_id: Option<Arc<str>>,
    /// The grant that was used.
    pub grant_id: Option<Arc<str>>,
    /// The exception of a rule that applied.
    pub exception_id: Option<Arc<str>>,
    /// How long judging the frame took, in microseconds; the rows of a frame share it. What a
    /// reserved row says is of its request.
    pub eval_us: Option<u32>,
    /// Time added to the request, in microseconds. Empty in this version: a row is written before
    /// its bytes leave, so how long they have waited is not known when it is written.
    pub added_latency_us: Option<u32>,
    /// Rows like this one that were not written, by the rate limit.
    pub suppressed: u32,
}

impl AuditEvent {
    /// An event of which only the kind and the session are known.
    pub fn new(event: EventKind, session: Arc<SessionFacts>) -> Self {
        AuditEvent {
            event,
            decision_id: None,
            session,
            api: None,
            api_version: None,
            topic: None,
            topic_id: None,
            partition: None,
            first_offset: None,
            last_offset: None,
            records: None,
            bytes: None,
            schema_ids: Vec::new(),
            decision: None,
            mode: None,
            rule_ids: SmallVec::new(),
            policy_revision: None,
            mask_summary: Vec::new(),
            masked_values: 0,
            masked_records: 0,
            error_code: None,
            message: None,
            hold_id: None,
            grant_id: None,
            exception_id: None,
            eval_us: None,
            added_latency_us: None,
            suppressed: 0,
        }
    }
}

/// What is the same for every row of a connection between two logins. Shared, never copied.
#[derive(Clone, Debug, Default)]
pub struct SessionFacts {
    /// 16 random bytes; `None` for what Lockgate does on its own.
    pub session_id: Option<[u8; 16]>,
    /// The name of the principal; `None` before the login.
    pub principal: Option<Arc<str>>,
    /// Kafka's principal type, such as `User`.
    pub principal_type: Option<Arc<str>>,
    /// The id of the list of groups, see [`super::groups_id`].
    pub groups_id: Option<Arc<str>>,
    /// `OAUTHBEARER`, `SSL`, `ANONYMOUS`.
    pub auth_mech: Option<&'static str>,
    /// A hash of the token's id, never the token.
    pub token_jti_hash: Option<Arc<str>>,
    /// The client id of the request header.
    pub client_id: Option<Arc<str>>,
    /// Name and version of the client library, from `ApiVersions`.
    pub client_software: Option<Arc<str>>,
    /// The address that the connection came from.
    pub src_ip: Option<IpAddr>,
    /// Its port.
    pub src_port: Option<u16>,
    /// The cluster's name in the configuration.
    pub cluster: Arc<str>,
}

impl SessionFacts {
    /// The facts of events that belong to no connection.
    pub fn gateway(cluster: Arc<str>) -> Self {
        SessionFacts { cluster, ..SessionFacts::default() }
    }
}

/// One selector's part in what was masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MaskCount {
    /// The selector as the rule writes it, such as `$.card.number`.
    pub selector: Arc<str>,
    /// The name of the mask, such as `hmac`.
    pub method: &'static str,
    /// How many values.
    pub count: u32,
}

/// Declares an enum of words, each with its spelling in the rows. The order is the order in the
/// log's segments: new words go to the end.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* $word,)+ }

        impl $name {
            /// Every word.
            pub const ALL: &[$name] = &[$($name::$word,)+];

            /// The spelling in the rows.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$word => $text,)+ }
            }
        }
    };
}

words! {
    /// The kinds of events.
    EventKind {
        /// A request was decided, for one partition or whole.
        Decision = "decision",
        /// One record was refused, dropped, held, or could not be judged.
        RecordDecision = "record_decision",
        /// A client is logged in.
        SessionStart = "session_start",
        /// Its connection ended.
        SessionEnd = "session_end",
        /// A login, good or bad.
        Auth = "auth",
        /// A produce waits for a person.
        HoldCreated = "hold_created",
        /// A person said yes.
        HoldApproved = "hold_approved",
        /// A person said no.
        HoldDenied = "hold_denied",
        /// Nobody answered in time.
        HoldExpired = "hold_expired",
        /// The held records went to the broker.
        HoldReleased = "hold_released",
        /// A grant let something through.
        GrantUsed = "grant_used",
        /// A policy set took effect.
        PolicyActivated = "policy_activated",
        /// A policy set could not be loaded; the last good one goes on.
        PolicyFailed = "policy_failed",
        /// Somebody looked at a recorded session.
        RecordingViewed = "recording_viewed",
        /// Rows are known to be missing; the message says which and why.
        AuditGap = "audit_gap",
        /// The configuration changed.
        ConfigChange = "config_change",
        /// Nothing happened, and the log works.
        Heartbeat = "heartbeat",
    }
}

words! {
    /// What was done with a request or a record.
    AuditDecision {
        /// Passed as it was.
        Allow = "allow",
        /// Passed with values masked.
        Mask = "mask",
        /// Passed with a mark.
        Tag = "tag",
        /// Waits for a person.
        Hold = "hold",
        /// Left out.
        Drop = "drop",
        /// Refused.
        Deny = "deny",
    }
}

words! {
    /// Whether a decision took effect.
    Mode {
        /// It did.
        Enforce = "enforce",
        /// It would have: the rule is on trial.
        Shadow = "shadow",
    }
}

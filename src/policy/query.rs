//! What the policy is asked, and how it looks at a record without knowing what a record is.

use crate::field::{Fact, PatternIndex, Scope};
use crate::identity::Subject;

/// What a data request wants from a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Write to it.
    Produce,
    /// Read from it.
    Consume,
}

/// May this subject do this with this topic, and under which rules?
#[derive(Clone, Copy, Debug)]
pub struct Query<'q> {
    /// Who asks.
    pub subject: &'q Subject,
    /// The client id as the client sent it; empty if it sent none.
    pub client_id: &'q str,
    /// What for.
    pub action: Action,
    /// The topic's name.
    pub topic: &'q str,
    /// Now, in seconds since 1970, against which exceptions expire.
    pub now_seconds: i64,
}

/// What a request touches, in the words of Kafka's `ResourceType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource<'q> {
    /// A topic by its name.
    Topic(&'q str),
    /// A consumer group (classic, consumer, share or streams) by its id.
    ConsumerGroup(&'q str),
    /// A producer's `transactional.id`.
    TransactionalId(&'q str),
    /// The cluster as a whole.
    Cluster,
}

/// What a request does to a resource, in the words of Kafka's `AclOperation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Fetch records of a topic; join a consumer group and commit its offsets.
    Read,
    /// Produce to a topic; use a transactional id.
    Write,
    /// See that it is there and in what state. Whoever may read, write, delete or alter may.
    Describe,
    /// Create it.
    Create,
    /// Delete it, its records, or its offsets.
    Delete,
    /// Change it: partitions, access lists, quotas.
    Alter,
    /// Read its settings.
    DescribeConfigs,
    /// Change its settings.
    AlterConfigs,
    /// Ask for a producer id without a transactional id.
    IdempotentWrite,
    /// Take part in transactions of another coordinator (KIP-939).
    TwoPhaseCommit,
}

/// What an admin request wants a topic to be; conditions of admin rules read it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'q> {
    /// The number of partitions, where the request says one.
    pub partitions: Option<i32>,
    /// The replication factor, where the request says one.
    pub replication_factor: Option<i32>,
    /// The settings that are named, with their new values (null: back to the default).
    pub configs: &'q [(&'q str, Option<&'q str>)],
}

/// May this subject do this to this resource?
#[derive(Clone, Copy, Debug)]
pub struct AccessQuery<'q> {
    /// Who asks.
    pub subject: &'q Subject,
    /// The client id as the client sent it; empty if it sent none.
    pub client_id: &'q str,
    /// Kafka's name of the API: `CreateTopics`, also where a Metadata request would create.
    pub api: &'q str,
    /// What it does.
    pub operation: Operation,
    /// To what.
    pub resource: Resource<'q>,
    /// What is to become of it.
    pub wanted: Wanted<'q>,
    /// Whether the broker behind can still tell this user from others (`upstream.auth: forward`).
    /// Then topics are left to the broker's own access control, unless a rule restricts.
    pub broker_knows_user: bool,
    /// Now, in seconds since 1970, against which exceptions expire.
    pub now_seconds: i64,
}

/// One record, as much of it as a [`super::Plan`] says it needs.
///
/// A key or value that is null is decodable, and every fact of it is `Missing`.
pub trait RecordView {
    /// The size of the record as it was written, uncompressed, in bytes.
    fn size_bytes(&self) -> u64;
    /// Its timestamp in milliseconds since 1970.
    fn timestamp_ms(&self) -> i64;
    /// Its offset; on a produce the offset delta in its batch.
    fn offset(&self) -> i64;
    /// Its partition.
    fn partition(&self) -> i32;
    /// Whether it has no key.
    fn key_is_null(&self) -> bool;
    /// Whether it has no value (a tombstone).
    fn value_is_null(&self) -> bool;
    /// The whole key as text: `Null`, `Text`, or `Undecodable` where it is no UTF-8.
    fn key_text(&self) -> Fact<'_>;
    /// A header's value as text: `Missing`, `Null`, `Text`, `Ambiguous` where the name occurs
    /// twice, or `Undecodable` where it is no UTF-8.
    fn header(&self, name: &str) -> Fact<'_>;
    /// Whether a header of that name is there, once or more.
    fn has_header(&self, name: &str) -> bool;
    /// What the pattern of `Plan::paths(scope)` with that number reaches. For headers: what
    /// `PathPattern::reaches_member` says of their names.
    fn fact(&self, scope: Scope, pattern: PatternIndex) -> Fact<'_>;
    /// Whether that part could be read in its format.
    fn decodable(&self, scope: Scope) -> bool;
}

//! The number that names a Kafka API, and the names of those that the code speaks of.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::shape;

/// Every API's key by its name: rows of the audit log are counted by it.
static KEYS: LazyLock<HashMap<&'static str, ApiKey>> =
    LazyLock::new(|| shape::apis().map(|api| (api.name, ApiKey(api.key))).collect());

/// A Kafka API key as it stands in bytes 0..2 of a request header. Any value may arrive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKey(pub i16);

impl ApiKey {
    pub const PRODUCE: Self = Self(0);
    pub const FETCH: Self = Self(1);
    pub const LIST_OFFSETS: Self = Self(2);
    pub const METADATA: Self = Self(3);
    pub const OFFSET_COMMIT: Self = Self(8);
    pub const OFFSET_FETCH: Self = Self(9);
    pub const FIND_COORDINATOR: Self = Self(10);
    pub const JOIN_GROUP: Self = Self(11);
    pub const HEARTBEAT: Self = Self(12);
    pub const LEAVE_GROUP: Self = Self(13);
    pub const SYNC_GROUP: Self = Self(14);
    pub const DESCRIBE_GROUPS: Self = Self(15);
    pub const LIST_GROUPS: Self = Self(16);
    pub const SASL_HANDSHAKE: Self = Self(17);
    pub const API_VERSIONS: Self = Self(18);
    pub const CREATE_TOPICS: Self = Self(19);
    pub const DELETE_TOPICS: Self = Self(20);
    pub const DELETE_RECORDS: Self = Self(21);
    pub const INIT_PRODUCER_ID: Self = Self(22);
    pub const OFFSET_FOR_LEADER_EPOCH: Self = Self(23);
    pub const ADD_PARTITIONS_TO_TXN: Self = Self(24);
    pub const ADD_OFFSETS_TO_TXN: Self = Self(25);
    pub const END_TXN: Self = Self(26);
    pub const TXN_OFFSET_COMMIT: Self = Self(28);
    pub const DESCRIBE_ACLS: Self = Self(29);
    pub const CREATE_ACLS: Self = Self(30);
    pub const DELETE_ACLS: Self = Self(31);
    pub const DESCRIBE_CONFIGS: Self = Self(32);
    pub const ALTER_CONFIGS: Self = Self(33);
    pub const ALTER_REPLICA_LOG_DIRS: Self = Self(34);
    pub const DESCRIBE_LOG_DIRS: Self = Self(35);
    pub const SASL_AUTHENTICATE: Self = Self(36);
    pub const CREATE_PARTITIONS: Self = Self(37);
    pub const CREATE_DELEGATION_TOKEN: Self = Self(38);
    pub const RENEW_DELEGATION_TOKEN: Self = Self(39);
    pub const EXPIRE_DELEGATION_TOKEN: Self = Self(40);
    pub const DESCRIBE_DELEGATION_TOKEN: Self = Self(41);
    pub const DELETE_GROUPS: Self = Self(42);
    pub const ELECT_LEADERS: Self = Self(43);
    pub const INCREMENTAL_ALTER_CONFIGS: Self = Self(44);
    pub const ALTER_PARTITION_REASSIGNMENTS: Self = Self(45);
    pub const LIST_PARTITION_REASSIGNMENTS: Self = Self(46);
    pub const OFFSET_DELETE: Self = Self(47);
    pub const DESCRIBE_CLIENT_QUOTAS: Self = Self(48);
    pub const ALTER_CLIENT_QUOTAS: Self = Self(49);
    pub const DESCRIBE_USER_SCRAM_CREDENTIALS: Self = Self(50);
    pub const ALTER_USER_SCRAM_CREDENTIALS: Self = Self(51);
    pub const DESCRIBE_QUORUM: Self = Self(55);
    pub const UPDATE_FEATURES: Self = Self(57);
    pub const FETCH_SNAPSHOT: Self = Self(59);
    pub const DESCRIBE_CLUSTER: Self = Self(60);
    pub const DESCRIBE_PRODUCERS: Self = Self(61);
    pub const UNREGISTER_BROKER: Self = Self(64);
    pub const DESCRIBE_TRANSACTIONS: Self = Self(65);
    pub const LIST_TRANSACTIONS: Self = Self(66);
    pub const CONSUMER_GROUP_HEARTBEAT: Self = Self(68);
    pub const CONSUMER_GROUP_DESCRIBE: Self = Self(69);
    pub const LIST_CONFIG_RESOURCES: Self = Self(74);
    pub const DESCRIBE_TOPIC_PARTITIONS: Self = Self(75);
    pub const SHARE_GROUP_HEARTBEAT: Self = Self(76);
    pub const SHARE_GROUP_DESCRIBE: Self = Self(77);
    pub const SHARE_FETCH: Self = Self(78);
    pub const SHARE_ACKNOWLEDGE: Self = Self(79);
    pub const ADD_RAFT_VOTER: Self = Self(80);
    pub const REMOVE_RAFT_VOTER: Self = Self(81);
    pub const STREAMS_GROUP_HEARTBEAT: Self = Self(88);
    pub const STREAMS_GROUP_DESCRIBE: Self = Self(89);
    pub const DESCRIBE_SHARE_GROUP_OFFSETS: Self = Self(90);
    pub const ALTER_SHARE_GROUP_OFFSETS: Self = Self(91);
    pub const DELETE_SHARE_GROUP_OFFSETS: Self = Self(92);

    /// The key of the API that Kafka calls `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        KEYS.get(name).copied()
    }

    /// Kafka's name for this API, or `Unknown` where no message definition has the key.
    #[must_use]
    pub fn name(self) -> &'static str {
        shape::api(self.0).map_or("Unknown", |api| api.name)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

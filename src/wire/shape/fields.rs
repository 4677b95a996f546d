//! The fields that the gateway looks at: everything else is walked over in silence.

use super::Direction;
use super::marks::MARKS;

/// A field of some message that the gateway judges, patches or records. The same name is used in
/// every message that has such a field, whatever Kafka calls it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// string
    TransactionalId,
    /// array of structs
    Transactions,
    /// int16
    Acks,
    /// int32
    TimeoutMs,
    /// array: of structs, or of names where older versions list names only
    Topics,
    /// string
    TopicName,
    /// string: a topic that the broker creates where it is missing (KIP-1071)
    CreatedTopicName,
    /// uuid, 16 bytes
    TopicId,
    /// array of structs
    Partitions,
    /// int32
    PartitionIndex,
    /// records: the record set of one partition
    Records,
    /// int32, -1 for a consumer: at the top of a Fetch request, or in its tagged ReplicaState
    ReplicaId,
    /// int32
    MaxWaitMs,
    /// int32
    MinBytes,
    /// int32
    MaxBytes,
    /// int8
    IsolationLevel,
    /// int32
    SessionId,
    /// int32
    SessionEpoch,
    /// array of structs
    ForgottenTopics,
    /// string
    ForgottenTopicName,
    /// uuid, 16 bytes
    ForgottenTopicId,
    /// int32: an element of the partitions of a forgotten topic
    ForgottenPartition,
    /// array of structs: ranges of offsets that a share group is done with (KIP-932)
    Acknowledgements,
    /// int16: what became of a partition's acknowledgements (ShareFetch)
    AcknowledgeError,
    /// int32
    ThrottleTimeMs,
    /// int64: what is left in a directory
    UsableBytes,
    /// bool: whether a directory gets no new partitions (KIP-1066)
    IsCordoned,
    /// int16: the error of the whole response
    TopLevelError,
    /// int16: the error of one topic, partition or group
    ErrorCode,
    /// string
    ErrorMessage,
    /// array of structs: the records that Produce refused
    RecordErrors,
    /// int64
    BaseOffset,
    /// int64
    HighWatermark,
    /// int64
    LogStartOffset,
    /// int32: a node id
    PreferredReadReplica,
    /// tagged struct
    CurrentLeader,
    /// int32: a node id
    LeaderId,
    /// array of structs, tagged in Produce and Fetch (KIP-951): events of the tag and of the array
    NodeEndpoints,
    /// array of structs: the nodes in Metadata and DescribeCluster
    Brokers,
    /// array of structs: the answers of FindCoordinator v4 and later
    Coordinators,
    /// int32
    NodeId,
    /// string
    Host,
    /// int32
    Port,
    /// string
    Rack,
    /// int8: 1 brokers, 2 controllers (DescribeCluster)
    EndpointType,
    /// bool
    AllowAutoTopicCreation,
    /// int32: a set of bits (KIP-430)
    TopicAuthorizedOperations,
    /// int32: a set of bits (KIP-430)
    GroupAuthorizedOperations,
    /// array: of structs, or of group ids
    Groups,
    /// string
    GroupId,
    /// string
    MemberId,
    /// array of strings
    SubscribedTopicNames,
    /// string: an element of SubscribedTopicNames
    SubscribedTopicName,
    /// string: evaluated by the broker (KIP-848, KIP-1071)
    SubscribedTopicRegex,
    /// string
    SaslMechanism,
    /// bytes
    SaslAuthBytes,
    /// int8: 0 group, 1 transaction, 2 share (FindCoordinator)
    KeyType,
    /// string: a group or transactional id, by KeyType
    CoordinatorKey,
    /// int8: 2 topic (DescribeConfigs and the like)
    ResourceType,
    /// string
    ResourceName,
}

/// The marks of one message: dotted path of the field, `[]` behind it for an array's elements.
pub(super) fn marks(direction: Direction, api: &str) -> &'static [(&'static str, Field)] {
    let found = MARKS.iter().find(|(to, name, _)| *to == direction && *name == api);
    found.map(|(_, _, marks)| *marks).unwrap_or_default()
}

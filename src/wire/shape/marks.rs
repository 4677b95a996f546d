//! Which fields of which messages are marked. A path that no version has fails a test, and so
//! does a topic, group or transaction named in a request to a broker that is not marked.

use super::Direction::{self, Request, Response};
use super::fields::Field::{self, *};

/// A message, and the paths of its marked fields.
pub(super) type Marks = (Direction, &'static str, &'static [(&'static str, Field)]);

macro_rules! marks {
    ($($direction:ident $api:literal { $($path:literal => $field:ident,)* })*) => {
        &[$(($direction, $api, &[$(($path, $field),)*])),*]
    };
}

pub(super) static MARKS: &[Marks] = marks! {
    Request "Produce" {
        "TransactionalId" => TransactionalId, "Acks" => Acks, "TimeoutMs" => TimeoutMs,
        "TopicData" => Topics, "TopicData.Name" => TopicName, "TopicData.TopicId" => TopicId,
        "TopicData.PartitionData" => Partitions,
        "TopicData.PartitionData.Index" => PartitionIndex,
        "TopicData.PartitionData.Records" => Records,
    }
    Response "Produce" {
        "Responses" => Topics, "Responses.Name" => TopicName, "Responses.TopicId" => TopicId,
        "Responses.PartitionResponses" => Partitions,
        "Responses.PartitionResponses.Index" => PartitionIndex,
        "Responses.PartitionResponses.ErrorCode" => ErrorCode,
        "Responses.PartitionResponses.BaseOffset" => BaseOffset,
        "Responses.PartitionResponses.LogStartOffset" => LogStartOffset,
        "Responses.PartitionResponses.RecordErrors" => RecordErrors,
        "Responses.PartitionResponses.ErrorMessage" => ErrorMessage,
        "Responses.PartitionResponses.CurrentLeader" => CurrentLeader,
        "Responses.PartitionResponses.CurrentLeader.LeaderId" => LeaderId,
        "ThrottleTimeMs" => ThrottleTimeMs, "NodeEndpoints" => NodeEndpoints,
        "NodeEndpoints.NodeId" => NodeId, "NodeEndpoints.Host" => Host,
        "NodeEndpoints.Port" => Port, "NodeEndpoints.Rack" => Rack,
    }
    Request "Fetch" {
        "ReplicaId" => ReplicaId, "ReplicaState.ReplicaId" => ReplicaId, "MaxWaitMs" => MaxWaitMs,
        "MinBytes" => MinBytes, "MaxBytes" => MaxBytes, "IsolationLevel" => IsolationLevel,
        "SessionId" => SessionId, "SessionEpoch" => SessionEpoch, "Topics" => Topics,
        "Topics.Topic" => TopicName, "Topics.TopicId" => TopicId,
        "Topics.Partitions" => Partitions, "Topics.Partitions.Partition" => PartitionIndex,
        "ForgottenTopicsData" => ForgottenTopics,
        "ForgottenTopicsData.Topic" => ForgottenTopicName,
        "ForgottenTopicsData.TopicId" => ForgottenTopicId,
    }
    Response "Fetch" {
        "ThrottleTimeMs" => ThrottleTimeMs, "ErrorCode" => TopLevelError,
        "SessionId" => SessionId, "Responses" => Topics, "Responses.Topic" => TopicName,
        "Responses.TopicId" => TopicId, "Responses.Partitions" => Partitions,
        "Responses.Partitions.PartitionIndex" => PartitionIndex,
        "Responses.Partitions.ErrorCode" => ErrorCode,
        "Responses.Partitions.HighWatermark" => HighWatermark,
        "Responses.Partitions.LogStartOffset" => LogStartOffset,
        "Responses.Partitions.CurrentLeader" => CurrentLeader,
        "Responses.Partitions.CurrentLeader.LeaderId" => LeaderId,
        "Responses.Partitions.PreferredReadReplica" => PreferredReadReplica,
        "Responses.Partitions.Records" => Records, "NodeEndpoints" => NodeEndpoints,
        "NodeEndpoints.NodeId" => NodeId, "NodeEndpoints.Host" => Host,
        "NodeEndpoints.Port" => Port, "NodeEndpoints.Rack" => Rack,
    }
    Request "ListOffsets" {
        "ReplicaId" => ReplicaId, "IsolationLevel" => IsolationLevel, "Topics" => Topics,
        "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
    }
    Response "ListOffsets" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.ErrorCode" => ErrorCode,
    }
    Request "Metadata" {
        "Topics" => Topics, "Topics.TopicId" => TopicId, "Topics.Name" => TopicName,
        "AllowAutoTopicCreation" => AllowAutoTopicCreation,
    }
    Response "Metadata" {
        "Brokers" => Brokers, "Brokers.NodeId" => NodeId, "Brokers.Host" => Host,
        "Brokers.Port" => Port, "Brokers.Rack" => Rack, "Topics" => Topics,
        "Topics.ErrorCode" => ErrorCode, "Topics.Name" => TopicName, "Topics.TopicId" => TopicId,
        "Topics.TopicAuthorizedOperations" => TopicAuthorizedOperations,
        "ErrorCode" => TopLevelError,
    }
    Request "OffsetCommit" {
        "GroupId" => GroupId, "Topics" => Topics, "Topics.Name" => TopicName,
        "Topics.TopicId" => TopicId, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
    }
    Response "OffsetCommit" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.TopicId" => TopicId,
        "Topics.Partitions" => Partitions, "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.ErrorCode" => ErrorCode,
    }
    Request "OffsetFetch" {
        "GroupId" => GroupId, "Topics" => Topics, "Topics.Name" => TopicName, "Groups" => Groups,
        "Groups.GroupId" => GroupId, "Groups.Topics" => Topics, "Groups.Topics.Name" => TopicName,
        "Groups.Topics.TopicId" => TopicId,
    }
    Response "OffsetFetch" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.ErrorCode" => ErrorCode, "ErrorCode" => TopLevelError,
        "Groups" => Groups, "Groups.GroupId" => GroupId, "Groups.Topics" => Topics,
        "Groups.Topics.Name" => TopicName, "Groups.Topics.TopicId" => TopicId,
        "Groups.Topics.Partitions" => Partitions,
        "Groups.Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Groups.Topics.Partitions.ErrorCode" => ErrorCode,
    }
    Request "FindCoordinator" {
        "Key" => CoordinatorKey, "KeyType" => KeyType, "CoordinatorKeys[]" => CoordinatorKey,
    }
    Response "FindCoordinator" {
        "ErrorCode" => TopLevelError, "NodeId" => NodeId, "Host" => Host, "Port" => Port,
        "Coordinators" => Coordinators, "Coordinators.Key" => CoordinatorKey,
        "Coordinators.NodeId" => NodeId, "Coordinators.Host" => Host, "Coordinators.Port" => Port,
        "Coordinators.ErrorCode" => ErrorCode,
    }
    Request "JoinGroup" { "GroupId" => GroupId, }
    Request "Heartbeat" { "GroupId" => GroupId, }
    Request "LeaveGroup" { "GroupId" => GroupId, }
    Request "SyncGroup" { "GroupId" => GroupId, }
    Request "DescribeGroups" { "Groups" => Groups, "Groups[]" => GroupId, }
    Response "DescribeGroups" { "Groups" => Groups, "Groups.GroupId" => GroupId, }
    Response "ListGroups" { "Groups" => Groups, "Groups.GroupId" => GroupId, }
    Request "SaslHandshake" { "Mechanism" => SaslMechanism, }
    Response "SaslHandshake" { "ErrorCode" => TopLevelError, "Mechanisms[]" => SaslMechanism, }
    Request "SaslAuthenticate" { "AuthBytes" => SaslAuthBytes, }
    Response "SaslAuthenticate" {
        "ErrorCode" => TopLevelError, "ErrorMessage" => ErrorMessage,
        "AuthBytes" => SaslAuthBytes,
    }
    Request "CreateTopics" {
        "Topics" => Topics, "Topics.Name" => TopicName, "timeoutMs" => TimeoutMs,
    }
    Response "CreateTopics" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.TopicId" => TopicId,
        "Topics.ErrorCode" => ErrorCode, "Topics.ErrorMessage" => ErrorMessage,
    }
    Request "DeleteTopics" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.TopicId" => TopicId,
        "TopicNames" => Topics, "TopicNames[]" => TopicName, "TimeoutMs" => TimeoutMs,
    }
    Response "DeleteTopics" {
        "Responses" => Topics, "Responses.Name" => TopicName, "Responses.TopicId" => TopicId,
        "Responses.ErrorCode" => ErrorCode, "Responses.ErrorMessage" => ErrorMessage,
    }
    Request "DeleteRecords" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex, "TimeoutMs" => TimeoutMs,
    }
    Response "DeleteRecords" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.ErrorCode" => ErrorCode,
    }
    Request "InitProducerId" { "TransactionalId" => TransactionalId, }
    Request "OffsetForLeaderEpoch" {
        "ReplicaId" => ReplicaId, "Topics" => Topics, "Topics.Topic" => TopicName,
        "Topics.Partitions" => Partitions, "Topics.Partitions.Partition" => PartitionIndex,
    }
    Response "OffsetForLeaderEpoch" {
        "Topics" => Topics, "Topics.Topic" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.ErrorCode" => ErrorCode,
        "Topics.Partitions.Partition" => PartitionIndex,
    }
    Request "AddPartitionsToTxn" {
        "Transactions" => Transactions, "Transactions.TransactionalId" => TransactionalId,
        "Transactions.Topics" => Topics, "Transactions.Topics.Name" => TopicName,
        "V3AndBelowTransactionalId" => TransactionalId, "V3AndBelowTopics" => Topics,
        "V3AndBelowTopics.Name" => TopicName,
    }
    Response "AddPartitionsToTxn" {
        "ErrorCode" => TopLevelError, "ResultsByTransaction" => Transactions,
        "ResultsByTransaction.TransactionalId" => TransactionalId,
        "ResultsByTransaction.TopicResults" => Topics,
        "ResultsByTransaction.TopicResults.Name" => TopicName,
        "ResultsByTransaction.TopicResults.ResultsByPartition" => Partitions,
        "ResultsByTransaction.TopicResults.ResultsByPartition.PartitionIndex" => PartitionIndex,
        "ResultsByTransaction.TopicResults.ResultsByPartition.PartitionErrorCode" => ErrorCode,
        "ResultsByTopicV3AndBelow" => Topics, "ResultsByTopicV3AndBelow.Name" => TopicName,
        "ResultsByTopicV3AndBelow.ResultsByPartition" => Partitions,
        "ResultsByTopicV3AndBelow.ResultsByPartition.PartitionIndex" => PartitionIndex,
        "ResultsByTopicV3AndBelow.ResultsByPartition.PartitionErrorCode" => ErrorCode,
    }
    Request "AddOffsetsToTxn" { "TransactionalId" => TransactionalId, "GroupId" => GroupId, }
    Request "EndTxn" { "TransactionalId" => TransactionalId, }
    Request "WriteTxnMarkers" {
        "Markers.Topics" => Topics, "Markers.Topics.Name" => TopicName,
    }
    Request "TxnOffsetCommit" {
        "TransactionalId" => TransactionalId, "GroupId" => GroupId, "Topics" => Topics,
        "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
    }
    Response "TxnOffsetCommit" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.ErrorCode" => ErrorCode,
    }
    Request "DescribeConfigs" {
        "Resources.ResourceType" => ResourceType, "Resources.ResourceName" => ResourceName,
    }
    Request "AlterConfigs" {
        "Resources.ResourceType" => ResourceType, "Resources.ResourceName" => ResourceName,
    }
    Request "IncrementalAlterConfigs" {
        "Resources.ResourceType" => ResourceType, "Resources.ResourceName" => ResourceName,
    }
    Request "AlterReplicaLogDirs" { "Dirs.Topics" => Topics, "Dirs.Topics.Name" => TopicName, }
    Request "DescribeLogDirs" { "Topics" => Topics, "Topics.Topic" => TopicName, }
    Response "DescribeLogDirs" {
        "Results.UsableBytes" => UsableBytes, "Results.IsCordoned" => IsCordoned,
    }
    Request "CreatePartitions" {
        "Topics" => Topics, "Topics.Name" => TopicName, "TimeoutMs" => TimeoutMs,
    }
    Response "CreatePartitions" {
        "Results" => Topics, "Results.Name" => TopicName, "Results.ErrorCode" => ErrorCode,
        "Results.ErrorMessage" => ErrorMessage,
    }
    Request "DeleteGroups" { "GroupsNames" => Groups, "GroupsNames[]" => GroupId, }
    Request "ElectLeaders" {
        "TopicPartitions" => Topics, "TopicPartitions.Topic" => TopicName,
    }
    Request "AlterPartitionReassignments" { "Topics" => Topics, "Topics.Name" => TopicName, }
    Request "ListPartitionReassignments" { "Topics" => Topics, "Topics.Name" => TopicName, }
    Request "OffsetDelete" {
        "GroupId" => GroupId, "Topics" => Topics, "Topics.Name" => TopicName,
    }
    Request "DescribeQuorum" { "Topics" => Topics, "Topics.TopicName" => TopicName, }
    Request "DescribeCluster" { "EndpointType" => EndpointType, }
    Response "DescribeCluster" {
        "ErrorCode" => TopLevelError, "EndpointType" => EndpointType, "Brokers" => Brokers,
        "Brokers.BrokerId" => NodeId, "Brokers.Host" => Host, "Brokers.Port" => Port,
        "Brokers.Rack" => Rack,
    }
    Request "DescribeProducers" { "Topics" => Topics, "Topics.Name" => TopicName, }
    Request "DescribeTransactions" {
        "TransactionalIds" => Transactions, "TransactionalIds[]" => TransactionalId,
    }
    Request "ConsumerGroupHeartbeat" {
        "GroupId" => GroupId, "SubscribedTopicNames" => SubscribedTopicNames,
        "SubscribedTopicNames[]" => SubscribedTopicName,
        "SubscribedTopicRegex" => SubscribedTopicRegex, "TopicPartitions" => Topics,
        "TopicPartitions.TopicId" => TopicId,
    }
    Request "ConsumerGroupDescribe" { "GroupIds" => Groups, "GroupIds[]" => GroupId, }
    Request "DescribeTopicPartitions" {
        "Topics" => Topics, "Topics.Name" => TopicName, "Cursor.TopicName" => TopicName,
    }
    Response "DescribeTopicPartitions" {
        "Topics" => Topics, "Topics.ErrorCode" => ErrorCode, "Topics.Name" => TopicName,
        "Topics.TopicId" => TopicId,
        "Topics.TopicAuthorizedOperations" => TopicAuthorizedOperations,
    }
    Request "ShareGroupHeartbeat" {
        "GroupId" => GroupId, "SubscribedTopicNames" => SubscribedTopicNames,
        "SubscribedTopicNames[]" => SubscribedTopicName,
    }
    Request "ShareGroupDescribe" { "GroupIds" => Groups, "GroupIds[]" => GroupId, }
    Request "ShareFetch" {
        "GroupId" => GroupId, "MemberId" => MemberId, "ShareSessionEpoch" => SessionEpoch,
        "Topics" => Topics, "Topics.TopicId" => TopicId, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.AcknowledgementBatches" => Acknowledgements,
        "ForgottenTopicsData" => ForgottenTopics,
        "ForgottenTopicsData.TopicId" => ForgottenTopicId,
        "ForgottenTopicsData.Partitions[]" => ForgottenPartition,
    }
    Response "ShareFetch" {
        "ErrorCode" => TopLevelError, "Responses" => Topics, "Responses.TopicId" => TopicId,
        "Responses.Partitions" => Partitions,
        "Responses.Partitions.PartitionIndex" => PartitionIndex,
        "Responses.Partitions.ErrorCode" => ErrorCode,
        "Responses.Partitions.AcknowledgeErrorCode" => AcknowledgeError,
        "Responses.Partitions.Records" => Records,
        "NodeEndpoints" => NodeEndpoints, "NodeEndpoints.NodeId" => NodeId,
        "NodeEndpoints.Host" => Host, "NodeEndpoints.Port" => Port, "NodeEndpoints.Rack" => Rack,
    }
    Request "ShareAcknowledge" {
        "GroupId" => GroupId, "MemberId" => MemberId, "ShareSessionEpoch" => SessionEpoch,
        "Topics" => Topics, "Topics.TopicId" => TopicId, "Topics.Partitions" => Partitions,
        "Topics.Partitions.PartitionIndex" => PartitionIndex,
        "Topics.Partitions.AcknowledgementBatches" => Acknowledgements,
    }
    Response "ShareAcknowledge" {
        "ErrorCode" => TopLevelError, "Responses" => Topics, "Responses.TopicId" => TopicId,
        "NodeEndpoints" => NodeEndpoints, "NodeEndpoints.NodeId" => NodeId,
        "NodeEndpoints.Host" => Host, "NodeEndpoints.Port" => Port, "NodeEndpoints.Rack" => Rack,
    }
    Request "StreamsGroupHeartbeat" {
        "GroupId" => GroupId, "Topology.Subtopologies.SourceTopics[]" => TopicName,
        "Topology.Subtopologies.SourceTopicRegex[]" => SubscribedTopicRegex,
        "Topology.Subtopologies.StateChangelogTopics.Name" => CreatedTopicName,
        "Topology.Subtopologies.RepartitionSinkTopics[]" => TopicName,
        "Topology.Subtopologies.RepartitionSourceTopics.Name" => CreatedTopicName,
    }
    Request "StreamsGroupDescribe" { "GroupIds" => Groups, "GroupIds[]" => GroupId, }
    Response "StreamsGroupDescribe" {
        "Groups" => Groups, "Groups.ErrorCode" => ErrorCode, "Groups.GroupId" => GroupId,
        "Groups.Topology.Subtopologies.SourceTopics[]" => TopicName,
        "Groups.Topology.Subtopologies.RepartitionSinkTopics[]" => TopicName,
        "Groups.Topology.Subtopologies.StateChangelogTopics.Name" => TopicName,
        "Groups.Topology.Subtopologies.RepartitionSourceTopics.Name" => TopicName,
        "Groups.AuthorizedOperations" => GroupAuthorizedOperations,
    }
    Request "DescribeShareGroupOffsets" {
        "Groups" => Groups, "Groups.GroupId" => GroupId, "Groups.Topics" => Topics,
        "Groups.Topics.TopicName" => TopicName,
    }
    Response "DescribeShareGroupOffsets" {
        "Groups" => Groups, "Groups.GroupId" => GroupId, "Groups.Topics" => Topics,
        "Groups.Topics.TopicName" => TopicName, "Groups.ErrorCode" => ErrorCode,
    }
    Request "AlterShareGroupOffsets" {
        "GroupId" => GroupId, "Topics" => Topics, "Topics.TopicName" => TopicName,
    }
    Request "DeleteShareGroupOffsets" {
        "GroupId" => GroupId, "Topics" => Topics, "Topics.TopicName" => TopicName,
    }
};

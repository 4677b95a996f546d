//! The protocol crate's messages by API key. It may see only what the shape check accepted.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, Message};
use lockgate::wire::shape::Direction;

/// What the crate makes of a frame.
#[derive(Debug)]
pub enum Decoded {
    /// It does not know the API or the version.
    Unknown,
    Refused(String),
    /// It left so many bytes unread, and this is the message encoded again.
    Read {
        left: usize,
        encoded: Bytes,
    },
}

macro_rules! messages {
    ($($key:literal $request:ident $response:ident,)*) => {
        /// The APIs that the crate knows.
        pub const KEYS: &[i16] = &[$($key),*];

        pub fn decode(direction: Direction, key: i16, version: i16, body: Bytes) -> Decoded {
            match (key, direction) {
                $(
                    ($key, Direction::Request) => read::<$request>(version, body),
                    ($key, Direction::Response) => read::<$response>(version, body),
                )*
                _ => Decoded::Unknown,
            }
        }

        /// The message with its default values, as the crate writes it.
        pub fn default_frame(direction: Direction, key: i16, version: i16) -> Option<Vec<u8>> {
            match (key, direction) {
                $(
                    ($key, Direction::Request) => written::<$request>(version),
                    ($key, Direction::Response) => written::<$response>(version),
                )*
                _ => None,
            }
        }
    };
}

fn knows<M: Message>(version: i16) -> bool {
    (M::VERSIONS.min..=M::VERSIONS.max).contains(&version)
}

fn read<M: Message + Decodable + Encodable>(version: i16, mut body: Bytes) -> Decoded {
    if !knows::<M>(version) {
        return Decoded::Unknown;
    }
    let message = match M::decode(&mut body, version) {
        Ok(message) => message,
        Err(error) => return Decoded::Refused(error.to_string()),
    };
    let mut encoded = BytesMut::new();
    match message.encode(&mut encoded, version) {
        Ok(()) => Decoded::Read { left: body.len(), encoded: encoded.freeze() },
        Err(error) => Decoded::Refused(error.to_string()),
    }
}

fn written<M: Message + Encodable + Default>(version: i16) -> Option<Vec<u8>> {
    let mut body = BytesMut::new();
    knows::<M>(version).then(|| M::default().encode(&mut body, version).ok())??;
    Some(body.to_vec())
}

messages! {
    0 ProduceRequest ProduceResponse,
    1 FetchRequest FetchResponse,
    2 ListOffsetsRequest ListOffsetsResponse,
    3 MetadataRequest MetadataResponse,
    8 OffsetCommitRequest OffsetCommitResponse,
    9 OffsetFetchRequest OffsetFetchResponse,
    10 FindCoordinatorRequest FindCoordinatorResponse,
    11 JoinGroupRequest JoinGroupResponse,
    12 HeartbeatRequest HeartbeatResponse,
    13 LeaveGroupRequest LeaveGroupResponse,
    14 SyncGroupRequest SyncGroupResponse,
    15 DescribeGroupsRequest DescribeGroupsResponse,
    16 ListGroupsRequest ListGroupsResponse,
    17 SaslHandshakeRequest SaslHandshakeResponse,
    18 ApiVersionsRequest ApiVersionsResponse,
    19 CreateTopicsRequest CreateTopicsResponse,
    20 DeleteTopicsRequest DeleteTopicsResponse,
    21 DeleteRecordsRequest DeleteRecordsResponse,
    22 InitProducerIdRequest InitProducerIdResponse,
    23 OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
    24 AddPartitionsToTxnRequest AddPartitionsToTxnResponse,
    25 AddOffsetsToTxnRequest AddOffsetsToTxnResponse,
    26 EndTxnRequest EndTxnResponse,
    27 WriteTxnMarkersRequest WriteTxnMarkersResponse,
    28 TxnOffsetCommitRequest TxnOffsetCommitResponse,
    29 DescribeAclsRequest DescribeAclsResponse,
    30 CreateAclsRequest CreateAclsResponse,
    31 DeleteAclsRequest DeleteAclsResponse,
    32 DescribeConfigsRequest DescribeConfigsResponse,
    33 AlterConfigsRequest AlterConfigsResponse,
    34 AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse,
    35 DescribeLogDirsRequest DescribeLogDirsResponse,
    36 SaslAuthenticateRequest SaslAuthenticateResponse,
    37 CreatePartitionsRequest CreatePartitionsResponse,
    38 CreateDelegationTokenRequest CreateDelegationTokenResponse,
    39 RenewDelegationTokenRequest RenewDelegationTokenResponse,
    40 ExpireDelegationTokenRequest ExpireDelegationTokenResponse,
    41 DescribeDelegationTokenRequest DescribeDelegationTokenResponse,
    42 DeleteGroupsRequest DeleteGroupsResponse,
    43 ElectLeadersRequest ElectLeadersResponse,
    44 IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse,
    45 AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse,
    46 ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse,
    47 OffsetDeleteRequest OffsetDeleteResponse,
    48 DescribeClientQuotasRequest DescribeClientQuotasResponse,
    49 AlterClientQuotasRequest AlterClientQuotasResponse,
    50 DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse,
    51 AlterUserScramCredentialsRequest AlterUserScramCredentialsResponse,
    52 VoteRequest VoteResponse,
    53 BeginQuorumEpochRequest BeginQuorumEpochResponse,
    54 EndQuorumEpochRequest EndQuorumEpochResponse,
    55 DescribeQuorumRequest DescribeQuorumResponse,
    56 AlterPartitionRequest AlterPartitionResponse,
    57 UpdateFeaturesRequest UpdateFeaturesResponse,
    58 EnvelopeRequest EnvelopeResponse,
    59 FetchSnapshotRequest FetchSnapshotResponse,
    60 DescribeClusterRequest DescribeClusterResponse,
    61 DescribeProducersRequest DescribeProducersResponse,
    62 BrokerRegistrationRequest BrokerRegistrationResponse,
    63 BrokerHeartbeatRequest BrokerHeartbeatResponse,
    64 UnregisterBrokerRequest UnregisterBrokerResponse,
    65 DescribeTransactionsRequest DescribeTransactionsResponse,
    66 ListTransactionsRequest ListTransactionsResponse,
    67 AllocateProducerIdsRequest AllocateProducerIdsResponse,
    68 ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse,
    69 ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse,
    70 ControllerRegistrationRequest ControllerRegistrationResponse,
    71 GetTelemetrySubscriptionsRequest GetTelemetrySubscriptionsResponse,
    72 PushTelemetryRequest PushTelemetryResponse,
    73 AssignReplicasToDirsRequest AssignReplicasToDirsResponse,
    74 ListConfigResourcesRequest ListConfigResourcesResponse,
    75 DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse,
    76 ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse,
    77 ShareGroupDescribeRequest ShareGroupDescribeResponse,
    78 ShareFetchRequest ShareFetchResponse,
    79 ShareAcknowledgeRequest ShareAcknowledgeResponse,
    80 AddRaftVoterRequest AddRaftVoterResponse,
    81 RemoveRaftVoterRequest RemoveRaftVoterResponse,
    82 UpdateRaftVoterRequest UpdateRaftVoterResponse,
    83 InitializeShareGroupStateRequest InitializeShareGroupStateResponse,
    84 ReadShareGroupStateRequest ReadShareGroupStateResponse,
    85 WriteShareGroupStateRequest WriteShareGroupStateResponse,
    86 DeleteShareGroupStateRequest DeleteShareGroupStateResponse,
    87 ReadShareGroupStateSummaryRequest ReadShareGroupStateSummaryResponse,
    90 DescribeShareGroupOffsetsRequest DescribeShareGroupOffsetsResponse,
    91 AlterShareGroupOffsetsRequest AlterShareGroupOffsetsResponse,
    92 DeleteShareGroupOffsetsRequest DeleteShareGroupOffsetsResponse,
}

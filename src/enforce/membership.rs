//! JoinGroup, Heartbeat, LeaveGroup and SyncGroup (keys 11 to 14): membership of a classic consumer
//! group.
//!
//! Kafka asks for `Read` on the group and answers the whole request with one error
//! (`KafkaApis.handleJoinGroupRequest` and its neighbours). The topics of a subscription lie in
//! bytes that belong to the clients of a group among themselves: a member that names a topic it may
//! not read gets nothing of it from Fetch.

use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::{Access, Refusal};
use super::whole::Whole;
use crate::policy::{Operation, Resource};

/// First JoinGroup version whose answer may have no protocol (KIP-559).
const NULL_PROTOCOL_VERSION: i16 = 7;

fn check(access: &mut Access<'_, '_>, group: &str) -> Result<(), Refusal> {
    access.check(Operation::Read, Resource::ConsumerGroup(group))
}

impl Whole for JoinGroupRequest {
    type Answer = JoinGroupResponse;

    const EVIDENT: Evident = Evident::Row;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        check(access, &self.group_id)
    }

    fn refused(version: i16, refusal: Refusal) -> JoinGroupResponse {
        let mut answer = JoinGroupResponse::default();
        answer.error_code = refusal.code.0;
        answer.protocol_name =
            (version < NULL_PROTOCOL_VERSION).then(|| StrBytes::from_static_str(""));
        answer
    }
}

impl Whole for HeartbeatRequest {
    type Answer = HeartbeatResponse;

    const EVIDENT: Evident = Evident::Quiet;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        check(access, &self.group_id)
    }

    fn refused(_version: i16, refusal: Refusal) -> HeartbeatResponse {
        HeartbeatResponse::default().with_error_code(refusal.code.0)
    }
}

impl Whole for LeaveGroupRequest {
    type Answer = LeaveGroupResponse;

    const EVIDENT: Evident = Evident::Row;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        check(access, &self.group_id)
    }

    fn refused(_version: i16, refusal: Refusal) -> LeaveGroupResponse {
        LeaveGroupResponse::default().with_error_code(refusal.code.0)
    }
}

impl Whole for SyncGroupRequest {
    type Answer = SyncGroupResponse;

    const EVIDENT: Evident = Evident::Quiet;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        check(access, &self.group_id)
    }

    fn refused(_version: i16, refusal: Refusal) -> SyncGroupResponse {
        SyncGroupResponse::default().with_error_code(refusal.code.0)
    }
}

//! DescribeAcls (key 29), CreateAcls (key 30) and DeleteAcls (key 31): the broker's own access
//! lists.
//!
//! Kafka asks for `Describe` or `Alter` on the cluster (`AclApis`). Source: KIP-140, KIP-290.

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsRequest, DescribeAclsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::reservations::first_error;
use crate::policy::{Operation, Resource};
use crate::wire::codec;

pub struct DescribeAcls;

impl Exchange for DescribeAcls {
    type Request = DescribeAclsRequest;
    type Response = DescribeAclsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        _message: &mut DescribeAclsRequest,
    ) -> Course<(), DescribeAclsResponse> {
        let Err(refusal) = access.check(Operation::Describe, Resource::Cluster) else {
            return Course::Pass;
        };
        let mut answer = DescribeAclsResponse::default();
        answer.error_code = refusal.code.0;
        answer.error_message = Some(refusal.message);
        Course::Answer(answer)
    }

    fn response(
        _access: &mut Access<'_, '_>,
        (): &mut (),
        _message: &mut DescribeAclsResponse,
    ) -> Touch {
        Touch::Unchanged
    }
}

/// Results have no name; they stand in the order of the request.
fn place(index: usize) -> StrBytes {
    codec::text(&index.to_string())
}

pub struct CreateAcls;

impl Exchange for CreateAcls {
    type Request = CreateAclsRequest;
    type Response = CreateAclsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut CreateAclsRequest,
    ) -> Course<(), CreateAclsResponse> {
        if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
            let mut result = AclCreationResult::default();
            result.error_code = refusal.code.0;
            result.error_message = Some(refusal.message);
            let mut answer = CreateAclsResponse::default();
            answer.results = vec![result; message.creations.len()];
            return Course::Answer(answer);
        }
        for (index, acl) in message.creations.iter().enumerate() {
            access.reserve(&place(index), &Resource::Cluster, Some(&told(acl)));
        }
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut CreateAclsResponse,
    ) -> Touch {
        for (index, result) in message.results.iter().enumerate() {
            access.settle(&place(index), result.error_code);
        }
        Touch::Unchanged
    }
}

fn told(acl: &AclCreation) -> String {
    let verb = if acl.permission_type == DENY { "deny" } else { "allow" };
    format!(
        "{verb} {} from {}: {} on {} {}{}",
        &*acl.principal,
        &*acl.host,
        operation(acl.operation),
        resource_type(acl.resource_type),
        &*acl.resource_name,
        if acl.resource_pattern_type == PREFIXED { "*" } else { "" },
    )
}

pub struct DeleteAcls;

impl Exchange for DeleteAcls {
    type Request = DeleteAclsRequest;
    type Response = DeleteAclsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut DeleteAclsRequest,
    ) -> Course<(), DeleteAclsResponse> {
        if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
            // Nothing is matched, so the answer says nothing of what there is.
            let mut result = DeleteAclsFilterResult::default();
            result.error_code = refusal.code.0;
            result.error_message = Some(refusal.message);
            let mut answer = DeleteAclsResponse::default();
            answer.filter_results = vec![result; message.filters.len()];
            return Course::Answer(answer);
        }
        for (index, filter) in message.filters.iter().enumerate() {
            access.reserve(&place(index), &Resource::Cluster, Some(&matched(filter)));
        }
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut DeleteAclsResponse,
    ) -> Touch {
        for (index, result) in message.filter_results.iter().enumerate() {
            let each = result.matching_acls.iter().map(|acl| acl.error_code);
            let code = first_error([result.error_code].into_iter().chain(each));
            access.settle(&place(index), code);
        }
        Touch::Unchanged
    }
}

fn matched(filter: &DeleteAclsFilter) -> String {
    let any = |text: &Option<StrBytes>| text.as_deref().unwrap_or("any").to_owned();
    format!(
        "whatever matches {} from {}: {} on {} {}",
        any(&filter.principal_filter),
        any(&filter.host_filter),
        operation(filter.operation),
        resource_type(filter.resource_type_filter),
        any(&filter.resource_name_filter),
    )
}

/// `AclPermissionType.DENY` and `PatternType.PREFIXED`.
const DENY: i8 = 2;
const PREFIXED: i8 = 4;

/// `AclOperation` by its code.
fn operation(code: i8) -> &'static str {
    const NAMES: [&str; 16] = [
        "unknown",
        "any",
        "all",
        "read",
        "write",
        "create",
        "delete",
        "alter",
        "describe",
        "cluster action",
        "describe configs",
        "alter configs",
        "idempotent write",
        "create tokens",
        "describe tokens",
        "two-phase commit",
    ];
    named(code, &NAMES)
}

/// `ResourceType` by its code.
fn resource_type(code: i8) -> &'static str {
    const NAMES: [&str; 8] = [
        "unknown",
        "any",
        "topic",
        "group",
        "cluster",
        "transactional id",
        "delegation token",
        "user",
    ];
    named(code, &NAMES)
}

fn named(code: i8, names: &[&'static str]) -> &'static str {
    usize::try_from(code).ok().and_then(|code| names.get(code)).copied().unwrap_or("unknown")
}

//! `authorizedOperations` of answers (KIP-430): what the broker allows and the policy too.

use super::access::Access;
use crate::policy::{Operation, Resource};

/// What a broker sends where nobody asked.
const OMITTED: i32 = i32::MIN;

/// Kafka's `AclOperation` codes, which are the numbers of the bits.
const BITS: [(Operation, u32); 8] = [
    (Operation::Read, 3),
    (Operation::Write, 4),
    (Operation::Create, 5),
    (Operation::Delete, 6),
    (Operation::Alter, 7),
    (Operation::Describe, 8),
    (Operation::DescribeConfigs, 10),
    (Operation::AlterConfigs, 11),
];

/// The bits of `told` that the client may use.
pub fn narrow(access: &mut Access<'_, '_>, resource: Resource<'_>, told: i32) -> i32 {
    if told == OMITTED {
        return told;
    }
    let denied = BITS
        .into_iter()
        .filter(|(_, bit)| told & (1 << bit) != 0)
        .filter(|(operation, _)| !access.may(*operation, resource))
        .fold(0, |denied, (_, bit)| denied | (1 << bit));
    told & !denied
}

//! `authorizedOperations` of an answer (KIP-430): what the broker allows and Lockgate allows too.

use super::access::Access;
use crate::policy::{Operation, Resource};

/// What the field is where nobody asked for it.
const NOT_ASKED: i32 = i32::MIN;

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

fn denied(access: &mut Access<'_, '_>, resource: Resource<'_>) -> i32 {
    let denied = BITS.into_iter().filter(|(operation, _)| !access.may(*operation, resource));
    denied.fold(0, |bits, (_, bit)| bits | (1 << bit))
}

/// Takes the operations out of `field` that this subject may not use on a topic.
pub fn narrow_topic(access: &mut Access<'_, '_>, field: &mut i32, topic: &str) {
    if *field != NOT_ASKED {
        *field &= !denied(access, Resource::Topic(topic));
    }
}

/// As [`narrow_topic`], for the cluster. Kafka tells them to those only who may describe it.
pub fn narrow_cluster(access: &mut Access<'_, '_>, field: &mut i32) {
    if *field == NOT_ASKED {
        return;
    }
    if access.may(Operation::Describe, Resource::Cluster) {
        *field &= !denied(access, Resource::Cluster);
    } else {
        *field = 0;
    }
}

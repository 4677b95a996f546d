//! `authorizedOperations` of an answer (KIP-430): what the broker allows and Lockgate allows too.

use super::access::Access;
use crate::policy::{Operation, Resource};

/// What the field is where nobody asked for it.
const NOT_ASKED: i32 = i32::MIN;

/// Takes the operations out of `field` that this subject may not use on a topic.
pub fn narrow_topic(access: &mut Access<'_, '_>, field: &mut i32, topic: &str) {
    if *field != NOT_ASKED {
        *field &= access.operations(Resource::Topic(topic));
    }
}

/// As [`narrow_topic`], for the cluster. Kafka tells them to those only who may describe it.
pub fn narrow_cluster(access: &mut Access<'_, '_>, field: &mut i32) {
    if *field == NOT_ASKED {
        return;
    }
    let allowed = access.operations(Resource::Cluster);
    let describes = allowed & (1 << Operation::Describe.code()) != 0;
    *field = if describes { *field & allowed } else { 0 };
}

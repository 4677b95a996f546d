//! `authorizedOperations` of answers (KIP-430): what the broker allows and the policy too.

use super::access::Access;
use crate::policy::Resource;

/// What a broker sends where nobody asked.
const OMITTED: i32 = i32::MIN;

/// The bits of `told` that the client may use.
pub fn narrow(access: &mut Access<'_, '_>, resource: Resource<'_>, told: i32) -> i32 {
    if told == OMITTED { told } else { told & access.operations(resource) }
}

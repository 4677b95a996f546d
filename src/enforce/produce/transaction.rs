//! May the transactional batches of a request join the transaction that it names?

use bytes::Bytes;

use super::walk::Walked;
use crate::enforce::access::Access;
use crate::enforce::facts::Facts;
use crate::enforce::outcome::Request;
use crate::enforce::records::Refusal;
use crate::policy::{Decision, Operation, Resource};
use crate::wire::ErrorCode;

/// Where a batch of magic 2 has its magic, and the low byte of its attributes.
const MAGIC_AT: usize = 16;
const ATTRIBUTES_AT: usize = 22;
const MAGIC: u8 = 2;
const TRANSACTIONAL: u8 = 0x10;

const NO_ID: &str = "a transactional batch in a request without a transactional id";

/// Why no partition of the request may go; nothing if none is transactional
/// (`KafkaApis.handleProduceRequest`).
pub(super) fn refusal(
    facts: &mut Facts<'_>,
    request: &Request,
    walked: &Walked,
) -> Option<Refusal> {
    let body = request.body();
    let mut partitions = walked.topics.iter().flat_map(|topic| &topic.partitions);
    if !partitions.any(|partition| is_transactional(&body, partition.records.start)) {
        return None;
    }
    let code = ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    let Some(range) = &walked.transactional_id else { return Some(Refusal::plain(code, NO_ID)) };
    let id = String::from_utf8_lossy(body.get(range.clone()).unwrap_or_default()).into_owned();
    let mut access = Access::of(facts, request);
    match access.decide(Operation::Write, Resource::TransactionalId(&id)) {
        Decision::Allow => None,
        Decision::Deny(denial) => Some(Refusal::of(&denial, &id, None, code)),
    }
}

/// What is no batch of magic 2 is refused for itself.
fn is_transactional(body: &Bytes, at: usize) -> bool {
    let byte = |place: usize| at.checked_add(place).and_then(|place| body.get(place)).copied();
    byte(MAGIC_AT) == Some(MAGIC)
        && byte(ATTRIBUTES_AT).is_some_and(|attributes| attributes & TRANSACTIONAL != 0)
}

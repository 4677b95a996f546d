//! FindCoordinator (key 10): where a group's or a transaction's coordinator is, by Lockgate's
//! address.
//!
//! Kafka asks for `Describe` on the group or the transactional id (`KafkaApis.getCoordinator`).
//! Coordinators of share partitions are found by brokers only. One coordinator up to v3, an array
//! from v4 on (KIP-699). Where there is none the node id is −1 and stays so.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use super::whole::refuse_plainly;
use super::{Evident, endpoints};
use crate::policy::{Operation, Resource};
use crate::wire::ErrorCode;

/// `COORDINATOR_NOT_AVAILABLE`: retriable, so that a client asks again.
const COORDINATOR_NOT_AVAILABLE: i16 = 15;

/// First version that answers with an array (KIP-699).
const ARRAY_VERSION: i16 = 4;

/// `FindCoordinatorRequest.CoordinatorType`.
mod key_type {
    pub const GROUP: i8 = 0;
    pub const TRANSACTION: i8 = 1;
    pub const SHARE: i8 = 2;
}

const NO_NODE: i32 = -1;
const NO_PORT: i32 = -1;

pub struct FindCoordinator;

/// The keys of a request in its order, those that were refused with their answer.
pub type Asked = Vec<(StrBytes, Option<Coordinator>)>;

impl Exchange for FindCoordinator {
    type Request = FindCoordinatorRequest;
    type Response = FindCoordinatorResponse;
    type Kept = Asked;

    const EVIDENT: Evident = Evident::Quiet;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut FindCoordinatorRequest,
    ) -> Course<Asked, FindCoordinatorResponse> {
        if access.version() < ARRAY_VERSION {
            let Err(refusal) = check(access, message.key_type, &message.key) else {
                return Course::Watch(Asked::new());
            };
            let mut answer = FindCoordinatorResponse::default();
            answer.error_code = refusal.code.0;
            answer.error_message = Some(refusal.message);
            (answer.node_id, answer.port) = (NO_NODE.into(), NO_PORT);
            return Course::Answer(answer);
        }
        let mut asked = Asked::new();
        let key_type = message.key_type;
        message.coordinator_keys.retain(|key| {
            let refused = check(access, key_type, key).err().map(|refusal| nowhere(key, refusal));
            let stays = refused.is_none();
            asked.push((key.clone(), refused));
            stays
        });
        if message.coordinator_keys.len() == asked.len() {
            Course::Watch(Asked::new())
        } else if message.coordinator_keys.is_empty() {
            let mut answer = FindCoordinatorResponse::default();
            answer.coordinators = asked.into_iter().filter_map(|(_, refused)| refused).collect();
            Course::Answer(answer)
        } else {
            Course::Amend(asked)
        }
    }

    fn response(
        access: &mut Access<'_, '_>,
        asked: &mut Asked,
        message: &mut FindCoordinatorResponse,
    ) -> Touch {
        rewrite(access, message);
        if !asked.is_empty() {
            let mut answered = std::mem::take(&mut message.coordinators);
            for (key, refused) in asked.iter() {
                let place = answered.iter().position(|coordinator| coordinator.key == *key);
                let found = refused.clone().or_else(|| place.map(|place| answered.remove(place)));
                message.coordinators.extend(found);
            }
        }
        Touch::Changed
    }
}

fn check(access: &mut Access<'_, '_>, key_type: i8, key: &str) -> Result<(), Refusal> {
    match key_type {
        key_type::GROUP => access.check(Operation::Describe, Resource::ConsumerGroup(key)),
        key_type::TRANSACTION => access.check(Operation::Describe, Resource::TransactionalId(key)),
        key_type::SHARE => {
            let code = ErrorCode::CLUSTER_AUTHORIZATION_FAILED;
            let message = "coordinators of share partitions are found by brokers only";
            Err(refuse_plainly(access, &Resource::Cluster, code, message))
        }
        _ => {
            let message = "no coordinator has this type";
            Err(refuse_plainly(access, &Resource::Cluster, ErrorCode::INVALID_REQUEST, message))
        }
    }
}

fn nowhere(key: &StrBytes, refusal: Refusal) -> Coordinator {
    Coordinator::default()
        .with_key(key.clone())
        .with_node_id(NO_NODE.into())
        .with_port(NO_PORT)
        .with_error_code(refusal.code.0)
        .with_error_message(Some(refusal.message))
}

fn rewrite(access: &mut Access<'_, '_>, message: &mut FindCoordinatorResponse) {
    let is_single = access.version() < ARRAY_VERSION;
    let facts = &mut *access.facts;
    let node_id = message.node_id.0;
    let (host, port) = (&mut message.host, &mut message.port);
    if is_single && node_id >= 0 && !endpoints::rewrite(facts, node_id, host, port) {
        message.error_code = COORDINATOR_NOT_AVAILABLE;
        message.node_id = NO_NODE.into();
        message.host = StrBytes::from_static_str("");
        message.port = NO_PORT;
    }
    for coordinator in &mut message.coordinators {
        let node_id = coordinator.node_id.0;
        if node_id < 0 {
            continue;
        }
        if !endpoints::rewrite(facts, node_id, &mut coordinator.host, &mut coordinator.port) {
            coordinator.error_code = COORDINATOR_NOT_AVAILABLE;
            coordinator.node_id = NO_NODE.into();
            coordinator.host = StrBytes::from_static_str("");
            coordinator.port = NO_PORT;
        }
    }
}

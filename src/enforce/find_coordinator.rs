//! FindCoordinator (key 10): where a group's or a transaction's coordinator is, by Lockgate's
//! address.
//!
//! Source: `FindCoordinatorResponse.json`; one coordinator up to v3, an array from v4 on (KIP-699).
//! Where there is none the node id is −1 and stays so.

use kafka_protocol::messages::FindCoordinatorResponse;
use kafka_protocol::protocol::StrBytes;

use super::endpoints;
use super::facts::Facts;
use super::outcome::{Forward, Judge, Outcome, Request, Response, ResponseOutcome};
use super::{Enforcement, Judged, settled};
use crate::wire::codec;

/// `COORDINATOR_NOT_AVAILABLE`: retriable, so that a client asks again.
const COORDINATOR_NOT_AVAILABLE: i16 = 15;

/// First version that answers with an array (KIP-699).
const ARRAY_VERSION: i16 = 4;

pub struct FindCoordinator;

impl Enforcement for FindCoordinator {
    fn request(&self, _facts: &mut Facts<'_>, request: &Request) -> Outcome {
        Outcome::Forward(Forward::judged(request, Coordinators))
    }
}

struct Coordinators;

impl Judge for Coordinators {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(rewrite(facts, response))
    }
}

fn rewrite(facts: &mut Facts<'_>, response: &Response) -> Judged {
    let (key, version) = (response.key, response.version);
    let mut message: FindCoordinatorResponse = codec::decode(key, version, &response.body())?;
    let (host, port) = (&mut message.host, &mut message.port);
    let node_id = message.node_id.0;
    let is_single = version < ARRAY_VERSION;
    if is_single && node_id >= 0 && !endpoints::rewrite(facts, node_id, host, port) {
        message.error_code = COORDINATOR_NOT_AVAILABLE;
        message.node_id = (-1).into();
        message.host = StrBytes::from_static_str("");
        message.port = -1;
    }
    for coordinator in &mut message.coordinators {
        let node_id = coordinator.node_id.0;
        if node_id < 0 {
            continue;
        }
        if !endpoints::rewrite(facts, node_id, &mut coordinator.host, &mut coordinator.port) {
            coordinator.error_code = COORDINATOR_NOT_AVAILABLE;
            coordinator.node_id = (-1).into();
            coordinator.host = StrBytes::from_static_str("");
            coordinator.port = -1;
        }
    }
    Ok(ResponseOutcome::Forward(response.with_body(codec::encode(key, version, &message)?)))
}

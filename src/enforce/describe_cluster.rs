//! DescribeCluster (key 60): the brokers by Lockgate's addresses.
//!
//! Source: KIP-700, KIP-919. With endpoint type 2 the broker would list controllers; clients do not
//! speak to those through Lockgate, so that list is emptied.

use kafka_protocol::messages::DescribeClusterResponse;

use super::endpoints;
use super::facts::Facts;
use super::outcome::{Forward, Judge, Outcome, Request, Response, ResponseOutcome};
use super::{Enforcement, Judged, settled};
use crate::wire::codec;

/// `EndpointType` of controllers (KIP-919).
const CONTROLLERS: i8 = 2;

pub struct DescribeCluster;

impl Enforcement for DescribeCluster {
    fn request(&self, _facts: &mut Facts<'_>, request: &Request) -> Outcome {
        Outcome::Forward(Forward::judged(request, Brokers))
    }
}

struct Brokers;

impl Judge for Brokers {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(rewrite(facts, response))
    }
}

fn rewrite(facts: &mut Facts<'_>, response: &Response) -> Judged {
    let (key, version) = (response.key, response.version);
    let mut message: DescribeClusterResponse = codec::decode(key, version, &response.body())?;
    if message.endpoint_type == CONTROLLERS {
        message.brokers.clear();
    }
    endpoints::rewrite_all(facts, &mut message.brokers, |broker| {
        (broker.broker_id.0, &mut broker.host, &mut broker.port)
    });
    Ok(ResponseOutcome::Forward(response.with_body(codec::encode(key, version, &message)?)))
}

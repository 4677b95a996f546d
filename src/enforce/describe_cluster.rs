//! DescribeCluster (key 60): the brokers by Lockgate's addresses.
//!
//! With endpoint type 2 the broker would list controllers; clients do not speak to those through
//! Lockgate, so that list is emptied. Source: KIP-700, KIP-919, KIP-430.

use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::{endpoints, operations};

/// `EndpointType` of controllers (KIP-919).
const CONTROLLERS: i8 = 2;

pub struct DescribeCluster;

impl Exchange for DescribeCluster {
    type Request = DescribeClusterRequest;
    type Response = DescribeClusterResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Quiet;

    fn request(
        _access: &mut Access<'_, '_>,
        _message: &mut DescribeClusterRequest,
    ) -> Course<(), DescribeClusterResponse> {
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut DescribeClusterResponse,
    ) -> Touch {
        if message.endpoint_type == CONTROLLERS {
            message.brokers.clear();
        }
        endpoints::rewrite_all(access.facts, &mut message.brokers, |broker| {
            (broker.broker_id.0, &mut broker.host, &mut broker.port)
        });
        operations::narrow_cluster(access, &mut message.cluster_authorized_operations);
        Touch::Changed
    }
}

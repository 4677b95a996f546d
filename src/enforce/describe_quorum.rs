//! DescribeQuorum (key 55): the state of the metadata quorum, without where its members listen.
//!
//! Clients do not speak to controllers through Lockgate, so `Nodes` (v2) tells ids alone.
//!
//! Kafka asks for `Describe` on the cluster. Source: KIP-595, KIP-853.

use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};

pub struct DescribeQuorum;

impl Exchange for DescribeQuorum {
    type Request = DescribeQuorumRequest;
    type Response = DescribeQuorumResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        _message: &mut DescribeQuorumRequest,
    ) -> Course<(), DescribeQuorumResponse> {
        let Err(refusal) = access.check(Operation::Describe, Resource::Cluster) else {
            return Course::Watch(());
        };
        let mut answer = DescribeQuorumResponse::default();
        answer.error_code = refusal.code.0;
        answer.error_message = Some(refusal.message);
        Course::Answer(answer)
    }

    fn response(
        _access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut DescribeQuorumResponse,
    ) -> Touch {
        let mut touch = Touch::Unchanged;
        for node in &mut message.nodes {
            if !node.listeners.is_empty() {
                node.listeners.clear();
                touch = Touch::Changed;
            }
        }
        touch
    }
}

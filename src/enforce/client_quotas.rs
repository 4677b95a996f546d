//! DescribeClientQuotas (key 48) and AlterClientQuotas (key 49): how much of a broker a user, a
//! client id or an address may have.
//!
//! Kafka asks for `DescribeConfigs` or `AlterConfigs` on the cluster. Source: KIP-546.

use kafka_protocol::messages::alter_client_quotas_request::EntryData as Asked;
use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::{Access, Refusal};
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};
use crate::wire::codec;

pub struct DescribeClientQuotas;

impl Exchange for DescribeClientQuotas {
    type Request = DescribeClientQuotasRequest;
    type Response = DescribeClientQuotasResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        _message: &mut DescribeClientQuotasRequest,
    ) -> Course<(), DescribeClientQuotasResponse> {
        let Err(refusal) = access.check(Operation::DescribeConfigs, Resource::Cluster) else {
            return Course::Pass;
        };
        let mut answer = DescribeClientQuotasResponse::default();
        answer.error_code = refusal.code.0;
        answer.error_message = Some(refusal.message);
        answer.entries = None;
        Course::Answer(answer)
    }

    fn response(
        _access: &mut Access<'_, '_>,
        (): &mut (),
        _message: &mut DescribeClientQuotasResponse,
    ) -> Touch {
        Touch::Unchanged
    }
}

pub struct AlterClientQuotas;

impl Exchange for AlterClientQuotas {
    type Request = AlterClientQuotasRequest;
    type Response = AlterClientQuotasResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;

    fn request(
        access: &mut Access<'_, '_>,
        message: &mut AlterClientQuotasRequest,
    ) -> Course<(), AlterClientQuotasResponse> {
        if let Err(refusal) = access.check(Operation::AlterConfigs, Resource::Cluster) {
            let mut answer = AlterClientQuotasResponse::default();
            answer.entries = message.entries.iter().map(|entry| refused(entry, &refusal)).collect();
            return Course::Answer(answer);
        }
        for entry in &message.entries {
            let parts = entry.entity.iter();
            let entity = told(parts.map(|part| (&part.entity_type, part.entity_name.as_ref())));
            access.reserve(&entity, &Resource::Cluster, Some(&format!("quotas of {entity}")));
        }
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut AlterClientQuotasResponse,
    ) -> Touch {
        for entry in &message.entries {
            let parts = entry.entity.iter();
            let entity = told(parts.map(|part| (&part.entity_type, part.entity_name.as_ref())));
            access.settle(&entity, entry.error_code);
        }
        Touch::Unchanged
    }
}

/// An entity in one text, whatever the order of its parts: `client-id=app, user=<default>`.
fn told<'p>(parts: impl Iterator<Item = (&'p StrBytes, Option<&'p StrBytes>)>) -> StrBytes {
    let name = |name: Option<&'p StrBytes>| name.map_or("<default>", |name| &**name);
    let mut told: Vec<String> =
        parts.map(|(kind, entity)| format!("{}={}", &**kind, name(entity))).collect();
    told.sort();
    codec::text(&told.join(", "))
}

fn refused(entry: &Asked, refusal: &Refusal) -> EntryData {
    let mut result = EntryData::default();
    result.error_code = refusal.code.0;
    result.error_message = Some(refusal.message.clone());
    result.entity = entry
        .entity
        .iter()
        .map(|part| {
            let mut named = EntityData::default();
            named.entity_type = part.entity_type.clone();
            named.entity_name = part.entity_name.clone();
            named
        })
        .collect();
    result
}

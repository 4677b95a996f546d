//! InitProducerId, AddOffsetsToTxn and EndTxn (keys 22, 25, 26): the requests of a transaction that
//! one error refuses.
//!
//! Kafka asks for `Write` on the transactional id; where offsets join the transaction, for `Read`
//! on their group too, and for `IdempotentWrite` on the cluster where a producer id is for no
//! transaction.

use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, EndTxnRequest, EndTxnResponse,
    InitProducerIdRequest, InitProducerIdResponse,
};

use super::Evident;
use super::access::{Access, Refusal};
use super::whole::Whole;
use crate::policy::{Operation, Resource};

const NO_PRODUCER_EPOCH: i16 = -1;

impl Whole for InitProducerIdRequest {
    type Answer = InitProducerIdResponse;

    const EVIDENT: Evident = Evident::Row;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        match &self.transactional_id {
            Some(id) => access.check(Operation::Write, Resource::TransactionalId(id)),
            None => access.check(Operation::IdempotentWrite, Resource::Cluster),
        }
    }

    fn refused(_version: i16, refusal: Refusal) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(refusal.code.0)
            .with_producer_epoch(NO_PRODUCER_EPOCH)
    }
}

impl Whole for AddOffsetsToTxnRequest {
    type Answer = AddOffsetsToTxnResponse;

    const EVIDENT: Evident = Evident::Row;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        access.check(Operation::Write, Resource::TransactionalId(&self.transactional_id))?;
        access.check(Operation::Read, Resource::ConsumerGroup(&self.group_id))
    }

    fn refused(_version: i16, refusal: Refusal) -> AddOffsetsToTxnResponse {
        AddOffsetsToTxnResponse::default().with_error_code(refusal.code.0)
    }
}

impl Whole for EndTxnRequest {
    type Answer = EndTxnResponse;

    const EVIDENT: Evident = Evident::Row;

    fn judge(&self, access: &mut Access<'_, '_>) -> Result<(), Refusal> {
        access.check(Operation::Write, Resource::TransactionalId(&self.transactional_id))
    }

    fn refused(_version: i16, refusal: Refusal) -> EndTxnResponse {
        EndTxnResponse::default().with_error_code(refusal.code.0)
    }
}

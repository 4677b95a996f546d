//! ListGroups (key 16) and ListTransactions (key 66): whatever the client may see.
//!
//! Kafka leaves out what may not be described. It shows all groups to whoever may describe the
//! cluster; here a group that a rule hides is hidden from them too.

use kafka_protocol::messages::{
    ListGroupsRequest, ListGroupsResponse, ListTransactionsRequest, ListTransactionsResponse,
};

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use crate::policy::{Operation, Resource};

pub struct ListGroups;

impl Exchange for ListGroups {
    type Request = ListGroupsRequest;
    type Response = ListGroupsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;
    const LIGHT: bool = true;

    fn request(
        _access: &mut Access<'_, '_>,
        _message: &mut ListGroupsRequest,
    ) -> Course<(), ListGroupsResponse> {
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut ListGroupsResponse,
    ) -> Touch {
        let told = message.groups.len();
        message.groups.retain(|group| {
            access.may(Operation::Describe, Resource::ConsumerGroup(&group.group_id))
        });
        if message.groups.len() == told { Touch::Unchanged } else { Touch::Changed }
    }
}

pub struct ListTransactions;

impl Exchange for ListTransactions {
    type Request = ListTransactionsRequest;
    type Response = ListTransactionsResponse;
    type Kept = ();

    const EVIDENT: Evident = Evident::Row;
    const LIGHT: bool = true;

    fn request(
        _access: &mut Access<'_, '_>,
        _message: &mut ListTransactionsRequest,
    ) -> Course<(), ListTransactionsResponse> {
        Course::Watch(())
    }

    fn response(
        access: &mut Access<'_, '_>,
        (): &mut (),
        message: &mut ListTransactionsResponse,
    ) -> Touch {
        let told = message.transaction_states.len();
        message.transaction_states.retain(|state| {
            let id = Resource::TransactionalId(&state.transactional_id);
            access.may(Operation::Describe, id)
        });
        if message.transaction_states.len() == told { Touch::Unchanged } else { Touch::Changed }
    }
}

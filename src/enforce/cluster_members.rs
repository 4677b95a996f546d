//! UpdateFeatures (key 57), UnregisterBroker (key 64), AddRaftVoter (key 80) and RemoveRaftVoter
//! (key 81): what the cluster is made of and what it can do.
//!
//! Kafka asks for `Alter` on the cluster. The listeners of a new voter are the caller's own words
//! and go on as they are. Source: KIP-584, KIP-631, KIP-853.

use kafka_protocol::messages::{
    AddRaftVoterRequest, AddRaftVoterResponse, RemoveRaftVoterRequest, RemoveRaftVoterResponse,
    UnregisterBrokerRequest, UnregisterBrokerResponse, UpdateFeaturesRequest,
    UpdateFeaturesResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Evident;
use super::access::Access;
use super::exchange::{Course, Exchange, Touch};
use super::reservations::{first_error, listed};
use crate::policy::{Operation, Resource};

/// What the one row of such a request is called by.
const CHANGE: &str = "change";

macro_rules! exchange {
    ($exchange:ident, $request:ident, $response:ident, $about:expr, $error:expr) => {
        pub struct $exchange;

        impl Exchange for $exchange {
            type Request = $request;
            type Response = $response;
            type Kept = ();

            const EVIDENT: Evident = Evident::Row;

            fn request(
                access: &mut Access<'_, '_>,
                message: &mut $request,
            ) -> Course<(), $response> {
                if let Err(refusal) = access.check(Operation::Alter, Resource::Cluster) {
                    let mut answer = $response::default();
                    answer.error_code = refusal.code.0;
                    answer.error_message = Some(refusal.message);
                    return Course::Answer(answer);
                }
                let about: fn(&$request) -> String = $about;
                let about = about(message);
                let key = StrBytes::from_static_str(CHANGE);
                access.reserve(&key, &Resource::Cluster, Some(&about));
                Course::Watch(())
            }

            fn response(
                access: &mut Access<'_, '_>,
                (): &mut (),
                message: &mut $response,
            ) -> Touch {
                let error: fn(&$response) -> i16 = $error;
                access.settle_all(error(message));
                Touch::Unchanged
            }
        }
    };
}

exchange!(
    UpdateFeatures,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
    |message| listed("features", message.feature_updates.iter().map(|update| &*update.feature)),
    |message| {
        let each = message.results.iter().map(|result| result.error_code);
        first_error([message.error_code].into_iter().chain(each))
    }
);
exchange!(
    UnregisterBroker,
    UnregisterBrokerRequest,
    UnregisterBrokerResponse,
    |message| format!("broker {}", message.broker_id.0),
    |message| message.error_code
);
exchange!(
    AddRaftVoter,
    AddRaftVoterRequest,
    AddRaftVoterResponse,
    |message| format!("voter {}", message.voter_id),
    |message| message.error_code
);
exchange!(
    RemoveRaftVoter,
    RemoveRaftVoterRequest,
    RemoveRaftVoterResponse,
    |message| format!("voter {}", message.voter_id),
    |message| message.error_code
);

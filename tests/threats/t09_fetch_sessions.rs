//! T09: fetch sessions of others, and partitions that a request does not name.

use kafka_protocol::messages::FetchResponse;

use crate::frames::{self, Named, batch};
use crate::packing::shows;
use crate::stage::{CANARY, stage};
use crate::wire::ApiKey;

#[test]
fn t09_a_session_of_another_connection_is_refused_and_its_own_goes_on_masked() {
    let stage = stage();
    stage.topic("masked.t09", 1);
    let mut owner = stage.client();
    let full = frames::fetch(&[(Named::Name("masked.t09"), &[0])], (0, 0));
    let answer: FetchResponse = owner.ask(ApiKey::FETCH, 12, &full);
    let session = answer.session_id;
    assert_ne!(session, 0);
    let record = batch(&[&format!("{{\"secret\":\"{CANARY}\"}}")]);
    assert_eq!(stage.broker().produce("masked.t09", &record).0, 0);
    let incremental = frames::fetch(&[], (session, 1));
    let stolen: FetchResponse = stage.client().ask(ApiKey::FETCH, 12, &incremental);
    assert_eq!((stolen.error_code, stolen.responses.len()), (70, 0));
    let answer: FetchResponse = owner.ask(ApiKey::FETCH, 12, &incremental);
    assert_eq!((answer.error_code, answer.session_id), (0, session));
    let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
    assert!(!records.is_empty() && !shows(&records, CANARY));
    // A client that comes back names its old session with epoch 0: a new one begins.
    let again = frames::fetch(&[(Named::Name("masked.t09"), &[0])], (session, 0));
    let answer: FetchResponse = stage.client().ask(ApiKey::FETCH, 12, &again);
    assert_eq!(answer.error_code, 0);
}

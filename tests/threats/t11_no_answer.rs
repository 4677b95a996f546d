//! T11: a refused produce that wants no answer.

use crate::frames::{self, batch};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t11_a_refused_produce_with_acks_0_closes_and_is_not_stored() {
    let stage = stage();
    stage.topic("checked.t11", 1);
    let bad = batch(&["{\"bad\":true}"]);
    let produce = frames::produce(0, &[("checked.t11", &[(0, bad)])]);
    stage.client().refused(&frames::request(ApiKey::PRODUCE, 9, 1, &produce));
    let rows = stage.rows(|row| row["topic"] == "checked.t11" && row["event"] == "decision");
    assert_eq!((rows.len(), rows[0]["decision"].as_str()), (1, Some("deny")));
    assert_eq!(rows[0]["error_code"], 87);
    // A good one has no answer either, and the connection goes on.
    let good = batch(&["{\"bad\":false}"]);
    let produce = frames::produce(0, &[("checked.t11", &[(0, good)])]);
    let mut client = stage.client();
    client.send(&frames::request(ApiKey::PRODUCE, 9, 1, &produce));
    client.brokers();
    assert_eq!(stage.broker().end_offset("checked.t11"), 1);
}

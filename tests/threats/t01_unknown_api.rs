//! T01: an API key that no table has.

use crate::frames::raw_request;
use crate::stage::stage;

#[test]
fn t01_an_unknown_key_ends_that_connection_alone_and_leaves_a_row() {
    let stage = stage();
    let mut other = stage.client();
    other.brokers();
    for key in [10_000, 20_000, 93, 200, i16::MAX, -5] {
        let mut client = stage.client();
        client.brokers();
        client.refused(&raw_request(key, 0, 1, &[0; 16]));
    }
    other.brokers();
    let rows = stage.rows(|row| {
        row["message"]
            .as_str()
            .is_some_and(|text| text.contains("api key 10000 is not in the table"))
    });
    assert_eq!(rows[0]["decision"], "deny");
    assert_eq!(rows[0]["principal"], "jane");
    stage.unharmed();
}

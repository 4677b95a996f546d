//! T32: payloads that are not of the declared format.

use crate::frames::batch;
use crate::packing::{inflated, shows};
use crate::stage::{CANARY, stage};

#[test]
fn t32_what_is_not_json_is_left_out_for_a_reader_and_has_a_row() {
    let stage = stage();
    stage.topic("strict.t32", 1);
    // Avro in Confluent's framing, and text.
    let framed = format!("\0\0\0\0\u{7}\u{12}{CANARY}");
    let values = ["{\"a\":1}", &framed, CANARY, "{\"a\":2}"];
    assert_eq!(stage.client().produce("strict.t32", &batch(&values)).0, 0);
    let (error, records) = stage.client().fetch("strict.t32", 0);
    assert_eq!((error, inflated(&records).1), (0, 2));
    assert!(!shows(&records, CANARY));
    let rows = stage.rows(|row| row["topic"] == "strict.t32" && row["event"] == "record_decision");
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0]["decision"].as_str(), rows[0]["message"].as_str()),
        (Some("drop"), Some("undecodable"))
    );
}

#[test]
fn t32_a_producer_is_refused_with_87() {
    let stage = stage();
    stage.topic("checked.t32", 1);
    for value in ["\0\0\0\0\u{7}avro", "not json", "\"text\" \"twice\""] {
        assert_eq!(stage.client().produce("checked.t32", &batch(&[value])).0, 87, "{value:?}");
    }
    assert_eq!(stage.broker().end_offset("checked.t32"), 0);
}

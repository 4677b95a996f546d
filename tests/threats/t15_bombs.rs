//! T15: batches that inflate a thousandfold.

use crate::packing::{GZIP, ZSTD, bomb};
use crate::stage::stage;

/// The Lockgate of these tests inflates a batch up to 4 MiB.
const BOMB_BYTES: usize = 12 << 20;

#[test]
fn t15_a_bomb_is_refused_at_the_cap() {
    let stage = stage();
    stage.topic("checked.t15", 1);
    for codec in [GZIP, ZSTD] {
        let batch = bomb(codec, BOMB_BYTES);
        assert!(batch.len() < BOMB_BYTES / 500, "{} bytes", batch.len());
        let (error, message) = stage.client().produce("checked.t15", &batch);
        assert_eq!(error, 87, "{message:?}");
    }
    assert_eq!(stage.broker().end_offset("checked.t15"), 0);
    stage.unharmed();
}

#[test]
fn t15_a_stored_bomb_is_not_passed_on_where_a_rule_looks() {
    let stage = stage();
    stage.topic("masked.t15", 1);
    for codec in [GZIP, ZSTD] {
        assert_eq!(stage.broker().produce("masked.t15", &bomb(codec, BOMB_BYTES)).0, 0);
    }
    let (error, records) = stage.client().fetch("masked.t15", 0);
    assert!(error != 0 && records.is_empty(), "error {error}, {} bytes", records.len());
    stage.unharmed();
}

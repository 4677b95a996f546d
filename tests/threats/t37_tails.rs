//! T37: offsets and sizes chosen so that a batch is cut.

use crate::packing::{ZSTD, inflated, packed, shows};
use crate::stage::{CANARY, stage};

#[test]
fn t37_no_cut_shows_a_secret_and_every_fetch_moves_on() {
    let stage = stage();
    for (codec, topic) in [(0, "masked.t37"), (ZSTD, "masked.t37z")] {
        stage.topic(topic, 1);
        let secret = format!("{{\"secret\":\"{CANARY}\",\"pad\":\"{}\"}}", "p".repeat(200));
        let values = vec![secret.as_str(); 5];
        for _ in 0..4 {
            assert_eq!(stage.client().produce(topic, &packed(codec, &values)).0, 0);
        }
        let whole = i32::try_from(stage.broker().fetch(topic, 0).1.len()).unwrap();
        for bytes_max in (1..whole + 40).step_by(61) {
            for offset in [0, 3, 7, 19] {
                let (error, records) = stage.client().fetch_at_most(topic, offset, bytes_max);
                assert_eq!(error, 0);
                assert!(!shows(&records, CANARY), "{topic}: {bytes_max} bytes from {offset}");
                assert!(inflated(&records).1 >= 5, "{topic}: {bytes_max} bytes from {offset}");
            }
        }
    }
}

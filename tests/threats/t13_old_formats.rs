//! T13: message sets of before 0.11.

use crate::frames::{self, legacy_message};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t13_old_messages_are_refused_at_any_version_of_produce() {
    let stage = stage();
    stage.topic("open.t13", 1);
    assert_eq!(stage.client().produce("open.t13", &legacy_message()).0, 87);
    // Versions below 3 are listed for librdkafka's sake, and never served.
    let set = legacy_message();
    let mut body = vec![0xff, 0xff, 0, 0, 3, 0xe8, 0, 0, 0, 1, 0, 8];
    body.extend(b"open.t13");
    body.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    body.extend(i32::try_from(set.len()).unwrap().to_be_bytes());
    body.extend(&set);
    for version in [0, 1, 2] {
        stage.client().refused(&frames::raw_request(ApiKey::PRODUCE.0, version, 1, &body));
    }
    assert_eq!(stage.broker().end_offset("open.t13"), 0);
}

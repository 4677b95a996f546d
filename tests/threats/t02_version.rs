//! T02: a version that was not offered.

use crate::frames::raw_request;
use crate::stage::stage;

#[test]
fn t02_a_version_that_was_not_offered_is_never_forwarded() {
    let stage = stage();
    for (key, version) in [(0, 2), (0, 99), (1, 3), (1, 77), (3, 14), (8, 99), (36, 9), (3, -1)] {
        let mut client = stage.client();
        client.brokers();
        client.refused(&raw_request(key, version, 1, &[0; 32]));
    }
    stage.unharmed();
}

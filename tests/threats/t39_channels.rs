//! T39: telemetry is no way for bytes of a client's choice.

use crate::frames::raw_request;
use crate::stage::stage;

#[test]
fn t39_telemetry_is_neither_offered_nor_served() {
    let stage = stage();
    for key in [71, 72] {
        stage.client().refused(&raw_request(key, 0, 1, &[0; 64]));
    }
    stage.unharmed();
}

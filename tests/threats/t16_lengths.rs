//! T16: lengths and counts that are not true.

use std::time::{Duration, Instant};

use crate::frames::raw_request;
use crate::stage::stage;

#[test]
fn t16_a_frame_of_two_gibibytes_is_refused_before_its_body() {
    let stage = stage();
    for length in [i32::MAX, 1 << 30, -1, i32::MIN, 0, 3] {
        let began = Instant::now();
        stage.client().refused(&length.to_be_bytes());
        assert!(began.elapsed() < Duration::from_secs(10), "{length}");
    }
    stage.unharmed();
}

#[test]
fn t16_counts_beyond_the_frame_are_refused() {
    let stage = stage();
    for count in [i32::MAX, 100_000_000, -2] {
        stage.client().refused(&raw_request(3, 1, 1, &count.to_be_bytes()));
    }
    // Compact arrays of 2^32 - 2 elements, and a string that is longer than the frame.
    stage.client().refused(&raw_request(3, 12, 1, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0]));
    stage.client().refused(&raw_request(3, 1, 1, &[0, 0, 0, 1, 0x7f, 0xff, b'x']));
    stage.unharmed();
}

#[test]
fn t16_other_protocols_are_named_in_the_log() {
    let stage = stage();
    stage.client().refused(b"GET / HTTP/1.1\r\nHost: kafka\r\n\r\n");
    stage.lockgate.wait_for_line("speaks HTTP", Duration::from_secs(20));
    stage.client().refused(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
    stage.lockgate.wait_for_line("speaks TLS", Duration::from_secs(20));
    stage.unharmed();
}

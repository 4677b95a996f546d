//! T52: many hostile clients, and one that goes on.

use std::io::Write;
use std::net::TcpStream;

use crate::frames::batch;
use crate::stage::stage;

#[test]
fn t52_a_crowd_that_sends_noise_disturbs_nobody() {
    let stage = stage();
    stage.topic("open.t52", 1);
    let mut good = stage.client();
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..300_u32 {
        let mut socket = TcpStream::connect(stage.address()).unwrap();
        let mut bytes = Vec::new();
        for _ in 0..64 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            bytes.extend(noise.to_be_bytes());
        }
        // Half of them announce a small frame, so that the noise gets as far as the header.
        if round % 2 == 0 {
            bytes[..4].copy_from_slice(&300_i32.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0, u8::try_from(round % 20).unwrap(), 0, 1]);
        }
        let _ = socket.write_all(&bytes);
        if round % 10 == 0 {
            assert_eq!(good.produce("open.t52", &batch(&["{}"])).0, 0);
        }
    }
    assert_eq!(stage.broker().end_offset("open.t52"), 30);
    stage.unharmed();
}

#[test]
fn t52_the_admin_listener_is_on_loopback_and_nobody_elses() {
    let stage = stage();
    let line = stage.lockgate.wait_for_line("ready", std::time::Duration::from_secs(5));
    assert!(line.contains("admin=127.0.0.1:"), "{line}");
}

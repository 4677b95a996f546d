//! Conversations with a session without a socket or a clock: hostile clients, odd brokers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod access;
mod admin;
mod bodies;
mod broker_login;
mod ends;
mod evidence;
mod fetching;
mod frames;
mod grid;
mod groups;
mod inspecting;
mod logins;
mod order;
mod producing;
mod sharing;
mod streams;
mod streams_messages;
mod surface;
mod talk;
mod transactions;

/// Frames that are nearly right, and the broker's with them, cut and mutated.
#[test]
fn no_mutation_of_a_conversation_breaks_a_promise() {
    use crate::wire::ApiKey;
    let ask = frames::fetch(&[(frames::Named::Id([1; 16]), &[0])], (0, 0));
    let produce = frames::produce(-1, &[("t", &[(0, frames::batch(&["{}"]))])]);
    let pieces = [
        (0xf0, frames::request(ApiKey::FETCH, 13, 1, &ask)),
        (0xf1, frames::response(ApiKey::METADATA, 12, -1, &frames::metadata(&[("t", [1; 16])]))),
        (0xf0, frames::request(ApiKey::PRODUCE, 9, 2, &produce)),
        (0xf1, frames::response(ApiKey::FETCH, 13, 1, &frames::fetched(7, &[]))),
        (0xf1, frames::response(ApiKey::PRODUCE, 9, 2, &frames::produced(&[("t", &[(0, 1)])]))),
    ];
    let mut data = Vec::new();
    for (selector, piece) in pieces {
        data.push(selector);
        data.push(u8::try_from(piece.len()).unwrap());
        data.extend_from_slice(&piece);
    }
    super::fuzz_one(&data);
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut mutated = data.clone();
        for _ in 0..=noise % 4 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let at = usize::try_from(noise).unwrap() % mutated.len();
            mutated[at] = noise.to_be_bytes()[3];
        }
        super::fuzz_one(&mutated);
    }
}

//! The shape check beside the protocol crate, on millions of frames that are nearly right.
//!
//! `LOCKGATE_FRAMES=10000000 cargo test --release --test shape_differential -- --nocapture` is the
//! long run. What is held: no panic; the check allocates nothing; what the check accepts, the
//! crate decodes, wholly, within a bound on memory, and encodes to the same bytes. The crate never
//! sees what the check refused: as published it aborts the process on four bytes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "what is not as expected must fail the test"
)]

mod allocation;
mod definitions;
mod messages;
mod mutation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use lockgate::wire::shape::{
    Checked, Direction, Event, Limits, ShapeError, apis, check, fuzz_one, without_unknown_tags,
};

use allocation::measured;
use definitions::{Definitions, Frame, Kind};
use messages::{Decoded, decode, default_frame};
use mutation::{Random, mutate};

const LIMITS: Limits = Limits { elements_max: 10_000 };

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(Definitions::read);

/// Mutated frames of a usual run; the long run sets `LOCKGATE_FRAMES`.
const FRAMES: u64 = 200_000;

/// Bytes that the crate may hold for each byte of a frame (and a little for the message itself).
/// Its structs are that much larger than what they are read from; a count that was believed
/// before its elements were there would need more by many orders.
const DECODED_BYTES_MAX: usize = 128;

fn check_quietly(frame: &Frame) -> Result<Checked, ShapeError> {
    let (result, allocated) = measured(|| {
        let mut events = 0_u64;
        let mut visit = |_: Event| events += 1;
        check(frame.direction, frame.key, frame.version, &frame.body, &LIMITS, &mut visit)
    });
    assert_eq!(allocated.count, 0, "the check allocates: {frame:?}");
    result
}

/// What became of one frame, as a word for the tally.
fn compare(frame: &Frame) -> &'static str {
    let checked = match check_quietly(frame) {
        Ok(checked) => checked,
        Err(error) => return error.reason(),
    };
    let mut body = frame.body.clone();
    if checked.unknown_tags > 0 {
        let (spliced, allocated) = measured(|| {
            without_unknown_tags(frame.direction, frame.key, frame.version, &body, &LIMITS)
        });
        let spliced = spliced.expect("what was accepted is spliced");
        let bound = 64 * (body.len() + 16);
        assert!(allocated.peak_bytes <= bound, "splicing takes {allocated:?}: {frame:?}");
        body = spliced;
    }
    let bytes = Bytes::from(body);
    let (decoded, allocated) =
        measured(|| decode(frame.direction, frame.key, frame.version, bytes.clone()));
    assert!(
        allocated.peak_bytes <= DECODED_BYTES_MAX * (bytes.len() + 16),
        "the crate takes {allocated:?} for {} bytes: {frame:?}",
        bytes.len()
    );
    match decoded {
        Decoded::Unknown => "accepted, unknown to the crate",
        Decoded::Refused(error) => panic!("accepted, but the crate says {error:?}: {frame:?}"),
        Decoded::Read { left: 0, encoded } if encoded == bytes => "accepted, same bytes",
        Decoded::Read { left: 0, encoded } => {
            // The crate leaves out a known tag that carries its default value.
            let Frame { direction, key, version, .. } = *frame;
            let may_leave_out = DEFINITIONS.has_tagged_fields(direction, key, version);
            assert!(may_leave_out && encoded.len() < bytes.len(), "written otherwise: {frame:?}");
            "accepted, default tags left out"
        }
        Decoded::Read { left, .. } => panic!("the crate leaves {left} bytes: {frame:?}"),
    }
}

/// Every message at every version, as the crate writes it and with random values of ours.
fn frames(random: &mut Random, each: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    for api in apis() {
        for version in api.versions.clone() {
            for direction in [Direction::Request, Direction::Response] {
                // The first check of a message reads its definition, and that does allocate.
                let _ = check(direction, api.key, version, &[], &LIMITS, &mut |_| {});
                if let Some(body) = default_frame(direction, api.key, version) {
                    frames.push(Frame { direction, key: api.key, version, body, unknown_tags: 0 });
                }
                for _ in 0..each {
                    for kind in [Kind::Known, Kind::WithUnknownTags] {
                        frames.push(DEFINITIONS.frame(direction, api.key, version, kind, random));
                    }
                }
            }
        }
    }
    frames
}

#[test]
fn what_is_written_by_the_definitions_is_accepted_and_decoded() {
    let mut random = Random::new(1);
    let (mut known, mut unknown) = (0, 0);
    for frame in frames(&mut random, 20) {
        let checked = check_quietly(&frame).unwrap_or_else(|error| panic!("{error}: {frame:?}"));
        assert_eq!(checked.unknown_tags, frame.unknown_tags, "{frame:?}");
        match compare(&frame) {
            "accepted, unknown to the crate" => unknown += 1,
            _ => known += 1,
        }
    }
    println!("{known} frames decoded by the crate, {unknown} newer than it");
    assert!(known > 20 * unknown);
}

#[test]
fn the_crate_and_the_table_name_the_same_apis() {
    let missing: Vec<i16> = apis()
        .filter(|api| !api.versions.is_empty() && !messages::KEYS.contains(&api.key))
        .map(|api| api.key)
        .collect();
    assert_eq!(missing, [88, 89], "APIs that only the table knows (streams groups)");
    assert!(messages::KEYS.iter().all(|key| apis().any(|api| api.key == *key)));
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let mut random = Random::new(2);
    for mut frame in frames(&mut random, 1) {
        let body = std::mem::take(&mut frame.body);
        for length in (0..body.len()).rev().step_by(1 + body.len() / 64) {
            frame.body = body[..length].to_vec();
            assert!(check_quietly(&frame).is_err(), "cut to {length}: {frame:?}");
        }
        for more in [&[0][..], &[0xff, 0xff]] {
            frame.body = [&body[..], more].concat();
            let error = check_quietly(&frame).expect_err("trailing bytes");
            assert_eq!(error, ShapeError::TrailingBytes { at: body.len() as u32 });
        }
    }
}

#[test]
fn mutated_frames_do_no_harm_and_both_readers_agree() {
    let setting = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect(name));
    let frames_max: u64 = setting("LOCKGATE_FRAMES").unwrap_or(FRAMES);
    let seed = setting("LOCKGATE_SEED").unwrap_or(3);
    let mut random = Random::new(seed);
    let originals = frames(&mut random, 2);
    for frame in &originals {
        let _ = compare(frame);
    }
    let mut tally: BTreeMap<&'static str, u64> = BTreeMap::new();
    for count in 0..frames_max {
        let mut frame = originals[random.below(originals.len())].clone();
        let other = &originals[random.below(originals.len())];
        mutate(&mut frame.body, &other.body, &mut random);
        *tally.entry(compare(&frame)).or_default() += 1;
        if count % 8 == 0 {
            fuzz_one(&frame.for_fuzzing());
        }
    }
    let mut report = format!("{frames_max} mutated frames, seed {seed}\n");
    for (outcome, count) in &tally {
        let _ = writeln!(report, "{count:>12}  {outcome}");
    }
    let largest = allocation::largest_bytes();
    println!("{report}{largest:>12}  bytes in the largest allocation");
    assert!(largest <= 1 << 20, "{largest} bytes at once for frames of a few KiB");
    assert!(tally["accepted, same bytes"] > frames_max / 20, "{report}");
}

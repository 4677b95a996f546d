//! T14: compressed streams of several members, of which a careless reader sees the first.

use bytes::Bytes;

use crate::frames::batch_around;
use crate::packing::{self, GZIP, LZ4, SNAPPY, ZSTD, first_member, inflated, section, shows};
use crate::stage::{CANARY, stage};

/// Two records whose second lies in the second member.
fn two_members(codec: i16, second: &str) -> Bytes {
    let (plain, count) = section(&["{\"a\":1}", second]);
    let (first, _) = section(&["{\"a\":1}"]);
    let (head, tail) = plain.split_at(first.len());
    let pack = |bytes: &[u8]| match codec {
        GZIP => packing::gzip(bytes),
        LZ4 => packing::lz4(bytes),
        _ => packing::zstd(bytes),
    };
    batch_around(codec, count, &[pack(head), pack(tail)].concat())
}

#[test]
fn t14_a_second_member_is_masked_for_a_reader_and_one_member_leaves() {
    let stage = stage();
    for (codec, topic) in [(GZIP, "masked.t14gzip"), (ZSTD, "masked.t14zstd")] {
        stage.topic(topic, 1);
        let batch = two_members(codec, &format!("{{\"secret\":\"{CANARY}\"}}"));
        assert_eq!(stage.broker().produce(topic, &batch).0, 0, "the broker takes it");
        let (error, records) = stage.client().fetch(topic, 0);
        assert_eq!((error, inflated(&records).1), (0, 2), "{topic}");
        assert!(!shows(&records, CANARY), "{topic}");
        if codec == GZIP {
            assert_eq!(first_member(&records[61..]), inflated(&records).0, "one member");
        }
    }
}

#[test]
fn t14_a_second_member_is_judged_on_produce() {
    let stage = stage();
    for (codec, topic) in
        [(GZIP, "checked.t14gzip"), (ZSTD, "checked.t14zstd"), (LZ4, "checked.t14lz4")]
    {
        stage.topic(topic, 1);
        let (error, _) = stage.client().produce(topic, &two_members(codec, "{\"bad\":true}"));
        assert_eq!(error, 87, "{topic}");
        assert_eq!(stage.broker().end_offset(topic), 0);
    }
}

#[test]
fn t14_dictionaries_and_skippable_frames_hide_nothing() {
    let stage = stage();
    stage.topic("checked.t14skip", 1);
    let (plain, count) = section(&["{\"bad\":true}"]);
    // A skippable frame of zstd (RFC 8878 §3.1.2) before the real one.
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let hidden = [&skippable[..], &packing::zstd(&plain)].concat();
    let (error, _) = stage.client().produce("checked.t14skip", &batch_around(ZSTD, count, &hidden));
    assert_eq!(error, 87);
    // Raw snappy without xerial's framing is read as what it is, or refused.
    let raw = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    let (error, _) = stage.client().produce("checked.t14skip", &batch_around(SNAPPY, count, &raw));
    assert_eq!(error, 87);
    assert_eq!(stage.broker().end_offset("checked.t14skip"), 0);
}

#[test]
fn t14_every_codec_is_masked() {
    let stage = stage();
    for (codec, topic) in [
        (0, "masked.t14plain"),
        (GZIP, "masked.t14g"),
        (SNAPPY, "masked.t14s"),
        (LZ4, "masked.t14l"),
        (ZSTD, "masked.t14z"),
    ] {
        stage.topic(topic, 1);
        let secret = format!("{{\"n\":7,\"secret\":\"{CANARY}\"}}");
        let batch = packing::packed(codec, &[&secret, "{\"n\":8}", &secret]);
        assert_eq!(stage.client().produce(topic, &batch).0, 0, "{topic}");
        let (error, records) = stage.client().fetch(topic, 0);
        assert_eq!((error, inflated(&records).1), (0, 3), "{topic}");
        assert!(!shows(&records, CANARY) && shows(&records, "[hidden]"), "{topic}");
        assert!(shows(&stage.broker().fetch(topic, 0).1, CANARY), "{topic}: it is stored");
    }
}

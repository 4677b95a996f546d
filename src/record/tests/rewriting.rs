//! A rewrite changes what it is told to and keeps everything else.

use super::super::{
    Batch, BatchError, BatchHeader, Codec, Codecs, Edit, InflateLimits, Record, Replacement,
    Rewritten,
};
use super::building::{
    LIMITS, Pair, batch, five_records, only_batch, raw_batch, record, with_field,
};

/// Rewrites behind other bytes, which must stay; gives the new batch.
fn rewritten(
    codecs: &mut Codecs,
    bytes: &[u8],
    edit: impl FnMut(&Record<'_>, &mut Replacement) -> Edit,
) -> (Rewritten, Vec<u8>) {
    let mut out = b"front".to_vec();
    let result = codecs.rewrite(&only_batch(bytes), LIMITS, &mut out, edit).unwrap();
    assert_eq!(&out[..5], b"front");
    (result, out.split_off(5))
}

/// Checks everything of the header that must be kept; gives the plain section.
fn section_of(codecs: &mut Codecs, old: &[u8], new: &[u8], count: i32) -> Vec<u8> {
    let (old, new): (Batch<'_>, Batch<'_>) = (only_batch(old), only_batch(new));
    assert_eq!(new.verify_checksum(), Ok(()));
    let expected = BatchHeader {
        batch_length: new.header().batch_length,
        crc: new.header().crc,
        record_count: count,
        ..*old.header()
    };
    assert_eq!(*new.header(), expected);
    codecs.inflate(&new, LIMITS).unwrap().bytes().to_vec()
}

#[test]
fn unchanged_writes_nothing() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        let bytes = batch(codec, 0, 5, &five_records());
        let mut asked = 0;
        let (result, out) = rewritten(&mut codecs, &bytes, |_, _| {
            asked += 1;
            Edit::Keep
        });
        assert_eq!((result, out.len(), asked), (Rewritten::Unchanged, 0, 5));
        let (result, out) = rewritten(&mut codecs, &bytes, |_, replacement| {
            replacement.set_value(Some(b"set and taken back"));
            replacement.keep_value();
            Edit::Replace
        });
        assert_eq!((result, out.len()), (Rewritten::Unchanged, 0));
    }
}

#[test]
fn a_changed_value_leaves_all_other_bytes() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        for attributes in [0, 0x08, 0x10, 0x40, 0x7f00u16 as i16] {
            let bytes = batch(codec, attributes, 5, &five_records());
            let (result, out) = rewritten(&mut codecs, &bytes, |record, replacement| {
                if record.offset_delta != 3 {
                    return Edit::Keep;
                }
                replacement.value_buffer().extend_from_slice(b"masked");
                Edit::Replace
            });
            assert_eq!(result, Rewritten::Changed { records: 5, dropped: 0 });
            let long = b"x".repeat(300);
            let expected = [
                record(0, Some(b"k0"), Some(b"{\"a\":1}"), &[]),
                record(1, None, Some(b""), &[(b"h", Some(b"1")), (b"h", Some(b"2"))]),
                record(2, Some(b"k2"), None, &[(b"", None), (b"\xff\xfe", Some(b"\x00"))]),
                record(3, Some(b""), Some(b"masked"), &[(b"trace", Some(&long))]),
                record(4, None, None, &[]),
            ];
            assert_eq!(section_of(&mut codecs, &bytes, &out, 5), expected.concat());
        }
    }
}

/// What is set, and the record that it gives.
type Case<'a> = (&'a dyn Fn(&mut Replacement), Vec<u8>);

/// Three headers, two of one name.
const HEADERS: &[Pair<'_>] = &[(b"a", Some(b"1")), (b"b", None), (b"a", Some(b"3"))];

fn check_cases(cases: &[Case<'_>]) {
    let section = record(0, Some(b"key"), Some(b"value"), HEADERS);
    let bytes = batch(Codec::None, 0, 1, &section);
    let mut codecs = Codecs::new();
    for (index, (set, expected)) in cases.iter().enumerate() {
        let (_, out) = rewritten(&mut codecs, &bytes, |_, replacement| {
            assert!(replacement.is_empty(), "each record starts with an empty one");
            set(replacement);
            Edit::Replace
        });
        assert_eq!(&section_of(&mut codecs, &bytes, &out, 1), expected, "case {index}");
    }
}

#[test]
fn key_and_value_are_replaced_each_on_its_own() {
    check_cases(&[
        (&|r| r.set_key(None), record(0, None, Some(b"value"), HEADERS)),
        (&|r| r.set_value(None), record(0, Some(b"key"), None, HEADERS)),
        (&|r| r.set_key(Some(b"")), record(0, Some(b""), Some(b"value"), HEADERS)),
        (&|r| _ = r.value_buffer(), record(0, Some(b"key"), Some(b""), HEADERS)),
        (
            &|r| {
                r.key_buffer().extend_from_slice(b"new");
                r.set_value(Some(b"other"));
            },
            record(0, Some(b"new"), Some(b"other"), HEADERS),
        ),
    ]);
}

#[test]
fn headers_are_replaced_each_on_its_own() {
    let with = |headers: &[Pair<'_>]| record(0, Some(b"key"), Some(b"value"), headers);
    check_cases(&[
        (
            &|r| r.set_header(0, Some(b"xx")),
            with(&[(b"a", Some(b"xx")), (b"b", None), (b"a", Some(b"3"))]),
        ),
        (
            &|r| {
                r.remove_header(2);
                r.set_header(1, Some(b"y"));
                r.set_header(0, Some(b"first"));
                r.set_header(0, None);
                r.set_header(77, Some(b"nowhere"));
                r.remove_header(78);
            },
            with(&[(b"a", None), (b"b", Some(b"y"))]),
        ),
        (&|r| (0..3).for_each(|index| r.remove_header(index)), with(&[])),
        (
            &|r| {
                r.remove_header(1);
                r.set_header(1, Some(b"kept after all"));
            },
            with(&[(b"a", Some(b"1")), (b"b", Some(b"kept after all")), (b"a", Some(b"3"))]),
        ),
    ]);
}

#[test]
fn record_attributes_are_kept() {
    let mut section = record(0, None, Some(b"v"), &[]);
    section[1] = 0x5a;
    let bytes = batch(Codec::None, 0, 1, &section);
    let mut codecs = Codecs::new();
    let (_, out) = rewritten(&mut codecs, &bytes, |record, replacement| {
        assert_eq!(record.attributes, 0x5a);
        replacement.set_value(Some(b"w"));
        Edit::Replace
    });
    assert_eq!(section_of(&mut codecs, &bytes, &out, 1)[1], 0x5a);
}

#[test]
fn a_dropped_record_leaves_a_hole_as_compaction_does() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        // What compaction left: offsets 2, 5 and 9 of 0..=9.
        let section = [2, 5, 9].map(|delta| record(delta, Some(b"k"), Some(b"v"), &[])).concat();
        let bytes = batch(codec, 0x10, 3, &section);
        let bytes = with_field(bytes, 23, &9i32.to_be_bytes());
        for gone in [2, 5, 9] {
            let (result, out) = rewritten(&mut codecs, &bytes, |record, _| {
                if record.offset_delta == gone { Edit::Drop } else { Edit::Keep }
            });
            assert_eq!(result, Rewritten::Changed { records: 2, dropped: 1 });
            let left: Vec<u8> = [2, 5, 9]
                .into_iter()
                .filter(|delta| *delta != i64::from(gone))
                .flat_map(|delta| record(delta, Some(b"k"), Some(b"v"), &[]))
                .collect();
            assert_eq!(section_of(&mut codecs, &bytes, &out, 2), left);
            assert_eq!(only_batch(&out).header().last_offset_delta, 9);
        }
    }
}

#[test]
fn a_batch_that_loses_all_is_an_empty_header() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        let bytes = batch(codec, 0x18, 5, &five_records());
        let (result, out) = rewritten(&mut codecs, &bytes, |_, _| Edit::Drop);
        assert_eq!(result, Rewritten::Changed { records: 0, dropped: 5 });
        assert_eq!(out.len(), 61);
        let (old, new) = (*only_batch(&bytes).header(), *only_batch(&out).header());
        let expected = BatchHeader {
            batch_length: 49,
            crc: new.crc,
            record_count: 0,
            attributes: 0x18,
            ..old
        };
        assert_eq!(new, expected);
        assert_eq!(only_batch(&out).verify_checksum(), Ok(()));
        let (result, _) = rewritten(&mut codecs, &out, |_, _| panic!("no record to ask about"));
        assert_eq!(result, Rewritten::Unchanged);
    }
}

#[test]
fn control_batches_pass_untouched() {
    let bytes = raw_batch(0x30, 1, b"not even records");
    let (result, _) = rewritten(&mut Codecs::new(), &bytes, |_, _| panic!("not asked"));
    assert_eq!(result, Rewritten::Unchanged);
}

#[test]
fn an_error_leaves_the_output_as_it_was() {
    let mut codecs = Codecs::new();
    let mut flipped = batch(Codec::None, 0, 5, &five_records());
    flipped[65] ^= 1;
    let extra = [five_records(), b"extra".to_vec()].concat();
    let cases = [flipped, batch(Codec::None, 0, 5, &extra), batch(Codec::Gzip, 0, 6, &extra)];
    for bytes in cases {
        let mut out = b"front".to_vec();
        let result = codecs.rewrite(&only_batch(&bytes), LIMITS, &mut out, |_, replacement| {
            replacement.set_value(Some(b"masked"));
            Edit::Replace
        });
        assert!(result.is_err());
        assert_eq!(out, b"front");
    }
    let bytes = batch(Codec::Lz4, 0, 5, &five_records());
    let limits = InflateLimits { bytes_max: 100 };
    let result = codecs.rewrite(&only_batch(&bytes), limits, &mut Vec::new(), |_, _| Edit::Keep);
    assert_eq!(result, Err(BatchError::TooLarge { bytes_max: 100 }));
}

#[test]
fn the_same_edit_gives_the_same_bytes() {
    let mut used = Codecs::new();
    for codec in Codec::ALL {
        let bytes = batch(codec, 0, 5, &five_records());
        let mask = |_: &Record<'_>, replacement: &mut Replacement| {
            replacement.set_value(Some(b"masked, and longer than what was there before"));
            Edit::Replace
        };
        let (_, first) = rewritten(&mut used, &bytes, mask);
        let (_, again) = rewritten(&mut used, &bytes, mask);
        let (_, fresh) = rewritten(&mut Codecs::new(), &bytes, mask);
        assert!(first == again && first == fresh, "{codec}");
    }
}

#[test]
fn masks_that_grow_a_batch_stop_at_the_cap() {
    let section: Vec<u8> =
        (0..1000).flat_map(|delta| record(delta, None, Some(b"1"), &[])).collect();
    let limits = InflateLimits { bytes_max: section.len() + 50_000 };
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        let bytes = batch(codec, 0, 1000, &section);
        for (mask_bytes, fits) in [(51, true), (52, false), (5000, false)] {
            let mut out = Vec::new();
            let mask = vec![b'm'; mask_bytes];
            let mut asked = 0;
            let result = codecs.rewrite(&only_batch(&bytes), limits, &mut out, |_, replacement| {
                asked += 1;
                replacement.set_value(Some(&mask));
                Edit::Replace
            });
            assert_eq!(result.is_ok(), fits, "{codec} {mask_bytes}: {result:?}");
            assert!(fits || out.is_empty());
            assert!(mask_bytes < 5000 || asked < 20, "it stops where the cap is met");
        }
    }
}

//! Tests of the masks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

const KINDS: [FieldKind; 6] = [
    FieldKind::Null,
    FieldKind::Bool,
    FieldKind::Number,
    FieldKind::Text,
    FieldKind::List,
    FieldKind::Object,
];

fn apply(spec: &MaskSpec, kind: FieldKind, text: &str) -> String {
    let mut scratch = "left over".to_owned();
    match build(spec).apply(kind, text, &mut scratch) {
        Masked::Null => "null".to_owned(),
        Masked::Remove => "removed".to_owned(),
        Masked::Text(text) => format!("'{text}'"),
        Masked::Number(text) => {
            assert!(is_number(text), "{text}");
            text.to_owned()
        }
    }
}

fn partial(keep_first: u32, keep_last: u32) -> MaskSpec {
    MaskSpec::Partial { keep_first, keep_last, character: '*' }
}

fn hmac(key: &[u8], prefix: &str) -> MaskSpec {
    MaskSpec::Hmac { key: SecretBytes::new(key), prefix: prefix.to_owned() }
}

fn size(size: f64) -> MaskSpec {
    MaskSpec::Bucket { buckets: Buckets::Size(size) }
}

#[test]
fn every_row_keeps_its_promises() {
    for row in MASKS {
        let spec = (row.example)();
        assert_eq!(spec.check(), Ok(()), "{}", row.name);
        let mask = build(&spec);
        assert_eq!((row.name, row.name), (mask.name(), spec.name()));
        assert_eq!((row.strength, row.allowed_on_key), (mask.strength(), mask.allowed_on_key()));
        assert!(!row.doc.is_empty() && row.parameters.iter().all(|p| !p.doc.is_empty()));
        for kind in KINDS {
            let masked = apply(&spec, kind, "17");
            assert_eq!(masked, apply(&spec, kind, "17"), "{} is deterministic", row.name);
            if row.strength >= Strength::Constant {
                assert_eq!(masked, apply(&spec, FieldKind::Text, "other"), "{}", row.name);
            }
            assert_ne!(masked, "17", "{} lets a {kind:?} through", row.name);
            assert_ne!(masked, "'17'", "{} lets a {kind:?} through", row.name);
        }
    }
    assert!(MASKS.windows(2).all(|pair| pair[0].strength >= pair[1].strength));
}

#[test]
fn partial_shows_the_ends_and_never_more_than_half() {
    let show = |spec: &MaskSpec, text: &str| apply(spec, FieldKind::Text, text);
    assert_eq!(show(&partial(0, 4), "4111111111111111"), "'************1111'");
    assert_eq!(show(&partial(1, 1), "abcd"), "'a**d'");
    assert_eq!(show(&partial(1, 1), "abc"), "'***'");
    assert_eq!(show(&partial(0, 4), "1234567"), "'*******'");
    assert_eq!(show(&partial(0, 4), "12345678"), "'****5678'");
    assert_eq!(show(&partial(1, 0), "é😀"), "'é*'");
    assert_eq!(show(&partial(2, 0), "é😀"), "'**'");
    assert_eq!(show(&partial(u32::MAX, u32::MAX), "abcdef"), "'******'");
    assert_eq!(show(&partial(0, 0), ""), "''");
    assert_eq!(apply(&partial(0, 2), FieldKind::Number, "12345"), "'***45'");
    assert_eq!(apply(&partial(0, 2), FieldKind::Bool, "true"), "'[redacted]'");
    assert_eq!(apply(&partial(0, 2), FieldKind::Object, "{\"a\":1}"), "'[redacted]'");
    assert_eq!(apply(&partial(0, 2), FieldKind::Null, "null"), "null");
}

#[test]
fn hmac_is_hmac_sha_256_cut_to_128_bits() {
    // RFC 4231, test case 6, with a key longer than a block.
    let spec = hmac(&[0xaa; 131], "tok_");
    let text = "Test Using Larger Than Block-Size Key - Hash Key First";
    let expected = "'tok_60e431591ee0b67f0d8a26aacbf5b77f'";
    assert_eq!(apply(&spec, FieldKind::Text, text), expected);
    let spec = hmac(b"0123456789abcdef", "");
    let five = apply(&spec, FieldKind::Number, "5");
    assert_eq!(five, apply(&spec, FieldKind::Text, "5"));
    assert_ne!(five, apply(&hmac(b"0123456789abcdeg", ""), FieldKind::Text, "5"));
    assert_eq!(five.len(), 34);
    assert_eq!(apply(&spec, FieldKind::Bool, "true"), "'[redacted]'");
    assert_eq!(apply(&spec, FieldKind::List, "[1]"), "'[redacted]'");
    assert_eq!(apply(&spec, FieldKind::Null, "null"), "null");
}

#[test]
fn buckets_are_exact() {
    let number = |bucket: f64, text: &str| apply(&size(bucket), FieldKind::Number, text);
    assert_eq!(number(10.0, "37"), "30");
    assert_eq!(number(10.0, "30"), "30");
    assert_eq!(number(10.0, "-1"), "-10");
    assert_eq!(number(10.0, "-10"), "-10");
    assert_eq!(number(10.0, "-0"), "0");
    assert_eq!(number(10.0, "0.999"), "0");
    assert_eq!(number(0.1, "0.3"), "0.3");
    assert_eq!(number(0.1, "0.30000000000000004"), "0.3");
    assert_eq!(number(0.1, "0.29999999999999999"), "0.2");
    assert_eq!(number(0.25, "-0.1"), "-0.25");
    assert_eq!(number(0.05, "-0.01"), "-0.05");
    assert_eq!(number(1000.0, "7.5e4"), "75000");
    assert_eq!(number(1000.0, "75999E0"), "75000");
    assert_eq!(number(1e6, "12345678901234567890123"), "12345678901234567000000");
    assert_eq!(apply(&size(10.0), FieldKind::Text, "37.5"), "'30'");
    for text in ["1e400", "1e-400", "abc", "", "0x10", "1e99999999999", &"9".repeat(60)] {
        assert_eq!(apply(&size(10.0), FieldKind::Text, text), "'[redacted]'", "{text}");
    }
    assert_eq!(number(10.0, "true"), "'[redacted]'");
    assert_eq!(apply(&size(10.0), FieldKind::Bool, "true"), "'[redacted]'");
    let edges = MaskSpec::Bucket { buckets: Buckets::Edges(vec![0.0, 18.0, 65.5]) };
    for (text, end) in [("-5", "0"), ("0", "0"), ("17.9", "0"), ("18", "18"), ("65.5", "65.5")] {
        assert_eq!(apply(&edges, FieldKind::Number, text), end);
    }
    assert_eq!(apply(&edges, FieldKind::Number, "1e30"), "65.5");
}

#[test]
fn specs_that_would_not_hide_are_refused_and_redact() {
    let refused = [
        hmac(b"short", "p"),
        size(0.0),
        size(-1.0),
        size(f64::NAN),
        size(f64::INFINITY),
        size(1e-300),
        MaskSpec::Bucket { buckets: Buckets::Edges(vec![]) },
        MaskSpec::Bucket { buckets: Buckets::Edges(vec![1.0, 1.0]) },
        MaskSpec::Bucket { buckets: Buckets::Edges(vec![1.0, f64::NAN]) },
        MaskSpec::Fixed { value: FixedValue::Number("1,".to_owned()) },
        MaskSpec::Partial { keep_first: 1, keep_last: 0, character: '\u{8}' },
    ];
    for spec in refused {
        assert!(spec.check().is_err(), "{spec:?}");
        assert_eq!(apply(&spec, FieldKind::Number, "123456"), "'[redacted]'");
    }
}

#[test]
fn keys_and_texts_do_not_show() {
    let spec = hmac(b"canary canary canary", "");
    assert!(!format!("{spec:?}").contains("canary"));
    assert!(format!("{spec:?}").contains("SecretBytes(20 bytes)"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn partial_hides_at_least_half(text in any::<String>(), first in 0..9_u32, last in 0..9_u32) {
        let spec = MaskSpec::Partial { keep_first: first, keep_last: last, character: '\u{2022}' };
        let mut scratch = String::new();
        let mask = build(&spec);
        let Masked::Text(masked) = mask.apply(FieldKind::Text, &text, &mut scratch) else {
            panic!("no text");
        };
        let covered = masked.chars().filter(|character| *character == '\u{2022}').count();
        prop_assert_eq!(masked.chars().count(), text.chars().count());
        prop_assert!(covered * 2 >= text.chars().count());
    }

    #[test]
    fn buckets_hold_their_number(number in -1_000_000..1_000_000_i64, places in 0..6_u32) {
        let value = number as f64 / 10_f64.powi(places as i32);
        let end: f64 = apply(&size(2.5), FieldKind::Number, &value.to_string()).parse().unwrap();
        prop_assert!(end <= value && value < end + 2.5 && end % 2.5 == 0.0);
    }

    #[test]
    fn numbers_are_what_serde_json_takes_for_numbers(text in "[-+0-9.eE]{0,8}") {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(is_number(&text), theirs);
        prop_assert!(super::decimal::Decimal::parse(&text).is_none() || theirs);
    }

    #[test]
    fn no_mask_panics(text in any::<String>(), n in any::<f64>()) {
        for kind in KINDS {
            for row in MASKS {
                apply(&(row.example)(), kind, &text);
            }
            apply(&size(n), kind, &text);
            apply(&size(2.5), kind, &n.to_string());
            apply(&MaskSpec::Bucket { buckets: Buckets::Edges(vec![n]) }, kind, &n.to_string());
        }
    }
}

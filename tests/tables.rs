//! Every row of every static table keeps the promises of its kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lockgate::config::LIMITS;
use lockgate::enforce::{Treatment, hidden, row, rows};
use lockgate::field::{FieldKind, Masked, PathPattern, PathSet};
use lockgate::format::{FORMATS, Hits, format_named};
use lockgate::io::directory::{DIRECTORIES, DirectorySettings};
use lockgate::io::sink::{Place, SINKS};
use lockgate::mask::{MASKS, Strength, build};
use lockgate::wire::{ApiKey, shape};

/// Kafka's own definitions, as the product reads them.
const DEFINITIONS: &str = include_str!("../src/wire/shape/kafka-4.3.1.txt");

fn unique<'n>(names: impl Iterator<Item = &'n str>) -> BTreeSet<&'n str> {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(!name.is_empty(), "a row without a name");
        assert!(seen.insert(name), "`{name}` is there twice");
    }
    seen
}

/// The keys of the APIs with a field of record batches in either message.
fn record_carriers() -> BTreeSet<i16> {
    let mut key = -1;
    let mut carriers = BTreeSet::new();
    for line in DEFINITIONS.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["api", number, ..] => key = number.parse().unwrap(),
            [_, "records", ..] => {
                carriers.insert(key);
            }
            _ => {}
        }
    }
    carriers
}

#[test]
fn every_api_of_kafka_has_exactly_one_row() {
    let mut counts: BTreeMap<i16, usize> = BTreeMap::new();
    for row in rows() {
        *counts.entry(row.key.0).or_default() += 1;
    }
    let defined: BTreeSet<i16> = shape::apis().map(|api| api.key).collect();
    assert!(counts.values().all(|count| *count == 1), "an API has two rows: {counts:?}");
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), defined);
    assert!(rows().all(|row| ApiKey(row.key.0).name() != "Unknown"));
}

#[test]
fn no_api_that_carries_records_passes_unjudged() {
    let carriers = record_carriers();
    // Produce, Fetch, FetchSnapshot, ShareFetch.
    assert_eq!(carriers, BTreeSet::from([0, 1, 59, 78]));
    let hidden =
        |key: &i16| matches!(row(ApiKey(*key)).unwrap().treatment, Treatment::Hidden { .. });
    assert!(carriers.iter().filter(|key| hidden(key)).eq([&59]), "FetchSnapshot is for brokers");
    assert!(hidden::HIDDEN.iter().all(|row| matches!(row.treatment, Treatment::Hidden { .. })));
}

#[test]
fn what_is_offered_lies_within_kafkas_own_definitions() {
    for row in rows() {
        let api = shape::api(row.key.0).unwrap();
        let versions = row.versions();
        match &row.treatment {
            Treatment::Hidden { why } => assert!(!why.is_empty()),
            Treatment::Enforced(_) => {
                assert!(!versions.is_empty(), "{} offers nothing", row.key);
                assert!(api.on_brokers, "{} is no broker's API", row.key);
                assert!(*versions.start() >= *api.versions.start(), "{}", row.key);
                assert!(*versions.end() <= *api.versions_stable.end(), "{}", row.key);
            }
        }
    }
}

#[test]
fn every_format_finds_replaces_and_refuses() {
    unique(FORMATS.iter().map(|row| row.name));
    let paths = PathSet::new(vec![PathPattern::path("$").unwrap()]);
    let document = br#""a text, which every format can read""#;
    for row in FORMATS {
        assert!(row.doc.ends_with('.'), "{}: no sentence", row.name);
        assert_eq!(row.format.name(), row.name);
        assert_eq!(format_named(row.name).unwrap().name(), row.name);
        let mut hits = Hits::default();
        row.format.scan(document, &paths, &mut hits).unwrap();
        assert_eq!(hits.iter().count(), 1, "{}", row.name);
        let mut out = Vec::new();
        row.format.splice(document, &hits, &[], &mut out).unwrap();
        assert_eq!(out, document, "{}: nothing edited, yet other bytes", row.name);
        out.clear();
        row.format.splice(document, &hits, &[(0, Masked::Text("x"))], &mut out).unwrap();
        assert!(!out.windows(4).any(|bytes| bytes == b"text"), "{}", row.name);
        row.format.scan(b"\"\xff\"", &paths, &mut hits).unwrap_err();
        assert_eq!(hits.iter().count(), 0, "{}: hits in what it cannot read", row.name);
    }
    assert!(format_named("no such format").is_none());
}

#[test]
fn every_mask_is_what_its_row_says() {
    unique(MASKS.iter().map(|row| row.name));
    let strengths: Vec<Strength> = MASKS.iter().map(|row| row.strength).collect();
    assert!(strengths.is_sorted_by(|a, b| a >= b), "strongest first: {strengths:?}");
    for row in MASKS {
        assert!(row.doc.ends_with('.'), "{}: no sentence", row.name);
        unique(row.parameters.iter().map(|parameter| parameter.name));
        assert!(row.parameters.iter().all(|parameter| parameter.doc.ends_with('.')));
        let spec = (row.example)();
        spec.check().unwrap();
        let mask = build(&spec);
        assert_eq!(mask.name(), row.name);
        assert_eq!((mask.strength(), mask.allowed_on_key()), (row.strength, row.allowed_on_key));
    }
}

#[test]
fn every_mask_hides_every_kind_and_gives_the_same_again() {
    let values = [
        (FieldKind::Text, "a value that nobody may see"),
        (FieldKind::Number, "4111111111111111"),
        (FieldKind::Bool, "true"),
        (FieldKind::List, r#"["a value"]"#),
        (FieldKind::Object, r#"{"a": "value"}"#),
    ];
    for row in MASKS {
        let mask = build(&(row.example)());
        for (kind, clear) in values {
            let shown = || {
                let mut scratch = "left over".to_owned();
                match mask.apply(kind, clear, &mut scratch) {
                    Masked::Null | Masked::Remove => None,
                    Masked::Text(text) | Masked::Number(text) => Some(text.to_owned()),
                }
            };
            assert_ne!(shown().as_deref(), Some(clear), "{} shows {kind:?}", row.name);
            assert_eq!(shown(), shown(), "{} is not a function", row.name);
        }
    }
}

#[test]
fn every_sink_has_its_name_and_touches_nothing_before_it_stores() {
    unique(SINKS.iter().map(|row| row.name));
    let directory = tempfile::tempdir().unwrap();
    let place = Place { dir: directory.path().to_owned(), node_id: "node".into() };
    for row in SINKS {
        assert!(!row.doc.is_empty());
        let sink = (row.build)(&place);
        assert_eq!(sink.name(), row.name);
        sink.store(&directory.path().join("no-such.wal")).unwrap_err();
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn every_directory_has_its_name_and_refuses_what_is_not_there() {
    unique(DIRECTORIES.iter().map(|row| row.name));
    for row in DIRECTORIES {
        assert!(!row.doc.is_empty());
        let path = PathBuf::from("no/such/place");
        let error = (row.open)(&DirectorySettings { path }).err().unwrap().to_string();
        assert!(error.contains("no/such/place"), "{}: {error}", row.name);
    }
}

#[test]
fn every_limit_has_its_unit_in_its_name_and_a_default_in_its_range() {
    unique(LIMITS.iter().map(|row| row.name));
    for row in LIMITS {
        let units = ["_bytes", "_ms", "connections", "requests", "elements"];
        assert!(units.iter().any(|unit| row.name.contains(unit)), "{}: no unit", row.name);
        assert!((row.least..=row.most).contains(&row.default), "{}", row.name);
        assert!(row.doc.contains(&format!("Default {}", row.default)), "{}: {}", row.name, row.doc);
    }
}

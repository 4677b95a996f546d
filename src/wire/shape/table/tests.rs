//! The table is whole, and every program made of it is sound.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test says so by failing"
)]

use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::wire::shape::fields::Field;
use crate::wire::shape::marks::MARKS;
use crate::wire::shape::program::Operation;
use crate::wire::shape::{api, apis, request_header_is_flexible, response_header_is_flexible};

fn programs() -> impl Iterator<Item = (Direction, &'static ApiDefinition, &'static [Operation])> {
    apis().flat_map(|api| {
        api.versions.clone().flat_map(move |version| {
            [Direction::Request, Direction::Response].map(|direction| {
                let program = table().program(direction, api.key, version);
                let program = program.unwrap_or_else(|error| panic!("{api:?}: {error}"));
                (direction, api, &*program.operations)
            })
        })
    })
}

#[test]
fn the_table_is_whole() {
    Table::committed().expect("the committed table can be read");
    let keys: Vec<i16> = apis().map(|api| api.key).collect();
    assert!(keys.is_sorted() && keys.first() == Some(&0) && keys.last() == Some(&92));
    assert_eq!(keys.len(), 93);
    let produce = api(0).expect("Produce");
    assert_eq!((produce.name, &produce.versions), ("Produce", &(3..=13)));
    assert_eq!(produce.flexible_from, Some(9));
    let init = api(22).expect("InitProducerId");
    assert_eq!((&init.versions, &init.versions_stable), (&(0..=6), &(0..=5)));
    assert!(api(7).expect("ControlledShutdown").versions.is_empty());
    assert_eq!(api(-1), None);
    assert_eq!(api(i16::MAX), None);
    let versions: usize = apis().map(|api| api.versions.clone().count()).sum();
    assert_eq!(programs().count(), 2 * versions);
}

#[test]
fn headers_are_flexible_where_kafka_says_so() {
    assert!(!request_header_is_flexible(18, 2));
    assert!(request_header_is_flexible(18, 3));
    assert!(request_header_is_flexible(18, 99), "an unknown version has a header too");
    assert!(!response_header_is_flexible(18, 4));
    assert!(response_header_is_flexible(1, 12));
    assert!(!response_header_is_flexible(1, 11));
    assert!(!request_header_is_flexible(17, 1), "SaslHandshake never is");
    assert!(!request_header_is_flexible(9999, 0));
    let shutdown = api(7).expect("ControlledShutdown");
    assert!(!shutdown.request_header_has_client_id(0));
    assert!(shutdown.request_header_has_client_id(1));
}

/// An element of no bytes would let a count of two billion through.
#[test]
fn no_array_has_elements_of_no_bytes() {
    for (direction, api, operations) in programs() {
        for operation in operations {
            if let Operation::Array { element_bytes_min, .. } = operation {
                assert!(*element_bytes_min > 0, "{direction:?} {}", api.name);
            }
        }
    }
}

/// Path, what it names, and whether some valid version has it.
fn paths(direction: Direction, api: &ApiDefinition) -> Vec<(String, Option<&'static str>, bool)> {
    fn below(
        message: &Message,
        fields: &[FieldDefinition],
        parent: &str,
        paths: &mut Vec<(String, Option<&'static str>, Versions)>,
    ) {
        for field in fields {
            let path = format!("{parent}{}", field.name);
            let below_it = format!("{path}.");
            match (&field.fields, field.base) {
                (Fields::Own(fields), _) => below(message, fields, &below_it, paths),
                (Fields::Shared, Base::Struct(name)) => {
                    let fields = message.structure(name).expect("a struct of the message");
                    below(message, fields, &below_it, paths);
                }
                _ if field.array => {
                    paths.push((format!("{path}[]"), field.entity, field.versions));
                    paths.push((path, None, field.versions));
                    continue;
                }
                _ => {}
            }
            paths.push((path, field.entity, field.versions));
        }
    }
    let message = table().api(api.key).expect("a known API").message(direction);
    let mut paths = Vec::new();
    below(message, &message.fields, "", &mut paths);
    let valid = |versions: Versions| api.versions.clone().any(|v| versions.contains(v));
    paths.into_iter().map(|(path, entity, versions)| (path, entity, valid(versions))).collect()
}

#[test]
fn every_mark_is_the_path_of_a_field() {
    for (direction, name, marked) in MARKS {
        let api = apis().find(|api| api.name == *name).unwrap_or_else(|| panic!("no {name}"));
        let paths = paths(*direction, api);
        let once: BTreeSet<&str> = marked.iter().map(|(path, _)| *path).collect();
        assert_eq!(once.len(), marked.len(), "{direction:?} {name}: a path twice");
        assert_eq!(marked.len(), marks(*direction, name).len(), "{direction:?} {name} twice");
        for (mark, _) in *marked {
            let found = paths.iter().find(|(path, _, valid)| path == mark && *valid);
            assert!(found.is_some(), "{direction:?} {name} has no {mark}");
        }
    }
}

/// A rule on topics, consumer groups or transactions must see every place that names one.
#[test]
fn no_name_in_a_request_to_a_broker_goes_unmarked() {
    for api in apis().filter(|api| api.on_brokers) {
        let marked = marks(Direction::Request, api.name);
        for (path, entity, valid) in paths(Direction::Request, api) {
            let judged = matches!(entity, Some("topicName" | "groupId" | "transactionalId"));
            if judged && valid {
                let mark = marked.iter().find(|(marked, _)| *marked == path);
                assert!(mark.is_some(), "{}Request: {path} names a {entity:?}", api.name);
            }
        }
    }
}

#[test]
fn every_mark_becomes_a_step() {
    for (direction, name, marked) in MARKS {
        let met: HashSet<Field> = programs()
            .filter(|(to, api, _)| to == direction && api.name == *name)
            .flat_map(|(_, _, operations)| operations)
            .filter_map(|operation| match operation {
                Operation::Fixed { field, .. } => Some(*field),
                Operation::Boolean { field }
                | Operation::Text { field, .. }
                | Operation::Blob { field, .. }
                | Operation::Array { field, .. }
                | Operation::Tag { field, .. } => *field,
                Operation::Skip { .. } | Operation::Optional { .. } | Operation::Tags { .. } => {
                    None
                }
            })
            .collect();
        let wanted: HashSet<Field> = marked.iter().map(|(_, field)| *field).collect();
        assert_eq!(met, wanted, "{direction:?} {name}");
    }
}

//! T12: record sets that hide records.

use bytes::Bytes;

use crate::frames::{batch, batch_around};
use crate::packing::section;
use crate::stage::stage;

const GOOD: &str = "{\"bad\":false}";

#[track_caller]
fn refused(topic: &str, records: &Bytes, code: i16) {
    let stage = stage();
    assert_eq!(stage.client().produce(topic, records).0, code);
    assert_eq!(stage.broker().end_offset(topic), 0, "nothing is forwarded");
}

#[test]
fn t12_two_batches_in_one_partition_are_refused() {
    stage().topic("checked.t12two", 1);
    let good = batch(&[GOOD]);
    refused("checked.t12two", &[&good[..], &good[..]].concat().into(), 87);
}

#[test]
fn t12_two_batches_are_refused_where_no_rule_looks_too() {
    stage().topic("open.t12", 1);
    let good = batch(&[GOOD]);
    refused("open.t12", &[&good[..], &good[..]].concat().into(), 87);
    refused("open.t12", &[&good[..], b"\0"].concat().into(), 87);
}

#[test]
fn t12_records_behind_the_count_are_refused() {
    stage().topic("checked.t12count", 1);
    let (two, _) = section(&[GOOD, "{\"bad\":true}"]);
    refused("checked.t12count", &batch_around(0, 1, &two), 87);
    refused("checked.t12count", &batch_around(0, 3, &two), 87);
}

#[test]
fn t12_control_batches_and_wrong_checksums_are_refused() {
    stage().topic("checked.t12control", 1);
    let (one, _) = section(&[GOOD]);
    refused("checked.t12control", &batch_around(0x20, 1, &one), 87);
    let mut wrong = batch(&[GOOD]).to_vec();
    *wrong.last_mut().unwrap() ^= 0xff;
    refused("checked.t12control", &wrong.into(), 2);
}

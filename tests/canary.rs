//! A secret in 100,000 records, written with all codecs and kinds of producers: not one byte of it
//! leaves towards a reader who may not see it, and the reader who may sees all of it; the same for
//! share groups.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use lockgate::record::{Codecs, InflateLimits, Item, items};

#[path = "../testcontainers/mod.rs"]
mod testcontainers;

use testcontainers::gateway::GatewaySettings;
use testcontainers::{ClientProperties, JavaTools, Kafka, KafkaSettings, Python};

const RECORDS: usize = 100_000;
/// 128 bits, as 32 hexadecimal digits.
const CANARY: &str = "5f2d8e0b71c94a36d08be1573f6ac924";
const TOPIC: &str = "canary.records";
const LIMIT: Duration = Duration::from_mins(4);

const RULES: &str = r#"apiVersion: policy/v1
kind: Policy
metadata: {name: canary}
spec:
  rules:
    - id: hide
      match:
        direction: consume
        topics: ["canary.**"]
        principals: {groups: {none_of: [cleared]}}
      select:
        - {path: "$.secret"}
        - {path: "$.people[*].name"}
        - {name: "x-secret*", in: [headers]}
      action: {mask: {with: redact}}
    - id: hide-key
      match:
        direction: consume
        topics: ["canary.**"]
        principals: {groups: {none_of: [cleared]}}
      select: [{path: "$", in: [key]}]
      action: {mask: {with: hmac, key_ref: "file:keys/k", prefix: "k_"}}
"#;

/// Every record batch in a stream of answers, inflated: its bytes and how many records it has.
fn batches(stream: &[u8], mut look: impl FnMut(&[u8], usize)) {
    const HEADER: usize = 61;
    let mut codecs = Codecs::new();
    let limits = InflateLimits { bytes_max: 64 << 20 };
    let mut at = 0;
    while at + HEADER <= stream.len() {
        // The first half of an offset is zero here, and a batch says that it is of format 2.
        if stream[at..at + 4] != [0; 4] || stream[at + 16] != 2 {
            at += 1;
            continue;
        }
        let length = u32::from_be_bytes(stream[at + 8..at + 12].try_into().unwrap());
        let end = at.saturating_add(12).saturating_add(usize::try_from(length).unwrap());
        let found = stream.get(at..end).and_then(|bytes| match items(bytes).next() {
            Some(Ok(Item::Batch(batch))) if batch.verify_checksum().is_ok() => Some(batch),
            Some(_) | None => None,
        });
        let Some(batch) = found else {
            at += 1;
            continue;
        };
        let plain = codecs.inflate(&batch, limits).expect("what a client gets can be read");
        look(plain.bytes(), plain.records().count());
        at = end;
    }
}

#[test]
fn a_secret_in_100_000_records_reaches_the_reader_who_may_see_it_alone() {
    let kafka = Kafka::start(&KafkaSettings::one_node());
    let gateway = |groups: &[&str]| {
        GatewaySettings::before(&kafka)
            .groups(groups)
            .policy("canary.yaml", RULES)
            .policy("keys/k", "0123456789abcdef0123456789abcdef")
            .tapped()
            .start()
    };
    let (masked, clear) = (gateway(&["readers"]), gateway(&["cleared"]));
    let python = Python::environment().limit(LIMIT);
    let count = RECORDS.to_string();
    let run = |action: &str, bootstrap: &str| {
        let done = python.run("canary.py", &[action, bootstrap, TOPIC, CANARY, &count]);
        assert!(done.succeeded(), "{}", done.explain());
        done.stdout.trim().to_owned()
    };
    assert_eq!(run("write", &kafka.bootstrap()), count);
    assert_eq!(run("read", &masked.bootstrap()), format!("{count} 0 {count}"));
    assert_eq!(run("read", &clear.bootstrap()), format!("{count} {count} {count}"));
    // The same by the road of share groups: how many records show it, of how many.
    let share = |group: &str, bootstrap: &str| {
        let direct = kafka.bootstrap();
        JavaTools::new(kafka.jars(), &direct, ClientProperties::plain())
            .share_from_earliest(group)
            .expect_success();
        let read = JavaTools::new(kafka.jars(), bootstrap, ClientProperties::plain())
            .limit(LIMIT)
            .java_program("ShareGroup.java", &[group, "accept", &count, CANARY, TOPIC])
            .expect_success();
        let line = read.json_lines().remove(0);
        (line["canaries"].as_u64().unwrap(), line["done"].as_u64().unwrap())
    };
    let all = RECORDS as u64;
    assert_eq!(share("masked", &masked.bootstrap()), (0, all));
    assert_eq!(share("clear", &clear.bootstrap()), (all, all));
    let finder = memchr::memmem::Finder::new(CANARY);
    let (mut hidden, mut seen) = ((0, 0), (0, 0));
    masked.tap().each(|stream| {
        assert_eq!(finder.find_iter(stream).count(), 0, "as it left");
        batches(stream, |bytes, records| {
            hidden.0 += records;
            hidden.1 += finder.find_iter(bytes).count();
        });
    });
    clear.tap().each(|stream| {
        batches(stream, |bytes, records| {
            seen.0 += records;
            seen.1 += finder.find_iter(bytes).count();
        });
    });
    assert!(hidden.0 >= RECORDS * 2, "{} records were looked at", hidden.0);
    assert_eq!(hidden.1, 0, "canaries towards the reader who may not see them");
    // Each record has it in its key, in three values and in a header.
    assert!(seen.1 >= RECORDS * 10, "{} records, {} canaries", seen.0, seen.1);
}

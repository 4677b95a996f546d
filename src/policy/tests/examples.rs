//! The policies that are shipped, and the examples of the language's own description.

use std::fs;
use std::path::Path;

use super::*;
use crate::policy::{Decision, Effect, Mode, Stage};

fn shipped() -> PolicySet {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/policies"));
    let mut sources = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            sources.push(Source { file: path.to_string_lossy().into_owned(), text });
        }
    }
    loaded(&sources).unwrap_or_else(|problems| panic!("{problems}"))
}

fn pan_mask(groups: Option<&[&str]>) -> Option<(String, &'static str)> {
    let set = shipped();
    let plan = plan(&set, groups, Action::Consume, "payments.eu.captured");
    let verdict = record(&plan, &[]).judged();
    masked_by(&plan, &verdict, &["$.card.pan"])
}

#[test]
fn card_numbers_are_for_pci_ops_and_for_nobody_whose_groups_are_not_known() {
    assert_eq!(pan_mask(Some(&["analytics"])).unwrap().1, "partial");
    assert_eq!(pan_mask(Some(&["support-leads"])).unwrap().1, "partial");
    assert_eq!(pan_mask(None).unwrap().1, "partial");
    assert_eq!(pan_mask(Some(&["pci-ops"])), None);
    assert_eq!(pan_mask(Some(&["external-audit"])), None);
}

#[test]
fn every_vector_of_the_groups_that_are_named_keeps_card_numbers_in() {
    let atoms = ["pci-ops", "external-audit", "support-leads", "analytics"];
    for vector in 0..16_u32 {
        let groups: Vec<&str> = atoms
            .iter()
            .enumerate()
            .filter(|(n, _)| vector & (1 << n) != 0)
            .map(|(_, g)| *g)
            .collect();
        let may_see = groups.contains(&"pci-ops") || groups.contains(&"external-audit");
        assert_eq!(pan_mask(Some(&groups)).is_none(), may_see, "{groups:?}");
    }
}

#[test]
fn tickets_hide_customers_but_not_their_country() {
    let set = shipped();
    let plan = plan(&set, Some(&["analytics"]), Action::Consume, "support.tickets.opened");
    let verdict = record(&plan, &[]).judged();
    assert_eq!(masked_by(&plan, &verdict, &["$.customer.**"]).unwrap().0, "ticket-customer");
    assert_eq!(masked_by(&plan, &verdict, &["$.customer.**", "$.customer.country"]), None);
    assert_eq!(masked_by(&plan, &verdict, &["$.note"]).unwrap().1, "redact");
    let header = plan.header_patterns("X-Customer-Id");
    assert!(plan.mask_for(&verdict, Scope::Headers, &header).is_some());
    let escalated = super::plan(&set, Some(&[]), Action::Consume, "support.tickets.escalated");
    assert!(matches!(escalated.access(), Decision::Deny(_)));
}

#[test]
fn a_ticket_with_a_card_number_is_refused() {
    let set = shipped();
    let plan = plan(&set, Some(&[]), Action::Produce, "support.tickets.opened");
    let effect = |value: &[(&str, Fact<'static>)]| {
        let verdict = record(&plan, value).judged();
        assert_eq!(verdict.shadow_effect, Effect::Deny, "the header is missing");
        verdict.effect
    };
    assert_eq!(effect(&[("$.text", text("please call me back on 0151 000000"))]), Effect::Allow);
    assert_eq!(effect(&[]), Effect::Allow);
    assert_eq!(effect(&[("$.text", text("it is 4111 1111 1111 1111, thanks"))]), Effect::Deny);
    assert_eq!(effect(&[("$.text", text("4111111111111111"))]), Effect::Deny);
    // Two texts: one reader sees the number.
    assert_eq!(effect(&[("$.text", Fact::Ambiguous)]), Effect::Deny);
}

#[test]
fn payments_sizes_and_names_are_judged() {
    let set = shipped();
    let payments = plan(&set, Some(&[]), Action::Produce, "payments.eu.captured");
    let effect = |amount: Fact<'static>| record(&payments, &[("$.amount", amount)]).judged().effect;
    assert_eq!(effect(Fact::Number("12.5")), Effect::Allow);
    assert_eq!(effect(Fact::Number("-0.01")), Effect::Deny);
    assert_eq!(effect(text("12.5")), Effect::Deny);
    assert_eq!(record(&payments, &[]).judged().effect, Effect::Deny);
    let mut large = record(&payments, &[("$.amount", Fact::Number("1"))]);
    large.size_bytes = 1_048_577;
    assert_eq!(large.judged().denial.unwrap().code.number(), 10);
    let platform = subject("ops", Some(&["platform"]));
    assert_eq!(set.access(&admin(&platform, "payments.eu.captured")), Decision::Allow);
    assert!(matches!(set.access(&admin(&platform, "Payments")), Decision::Deny(_)));
    let other = subject("jane", Some(&["analytics"]));
    assert!(matches!(set.access(&admin(&other, "payments.eu.captured")), Decision::Deny(_)));
}

#[test]
fn owners_of_a_prefix_do_there_what_others_may_not() {
    let set = shipped();
    let may =
        |groups: &[&str], api: &str, resource: Resource<'_>, configs: &[(&str, Option<&str>)]| {
            let subject = subject("jane", Some(groups));
            let operation = Operation::Alter;
            let wanted = Wanted { configs, ..Wanted::default() };
            let query = AccessQuery { api, operation, resource, wanted, ..admin(&subject, "") };
            set.access(&query) == Decision::Allow
        };
    let (owners, others) = (&["inventory-owners"][..], &["analytics"][..]);
    let topic = Resource::Topic("inventory.eu.captured");
    for api in ["CreateTopics", "DeleteTopics", "DeleteRecords", "CreatePartitions"] {
        assert!(may(owners, api, topic, &[]) && !may(others, api, topic, &[]), "{api}");
        assert!(!may(owners, api, Resource::Topic("crm.eu.changed"), &[]), "{api}");
    }
    assert!(!may(&["inventory-owners", "machines"], "DeleteTopics", topic, &[]));
    let alter = "IncrementalAlterConfigs";
    assert!(may(owners, alter, topic, &[("retention.ms", Some("1"))]));
    assert!(!may(owners, alter, topic, &[("segment.bytes", Some("1"))]));
    let (group, id) = (
        Resource::ConsumerGroup("inventory.ledger"),
        Resource::TransactionalId("inventory.writer"),
    );
    assert!(may(owners, "OffsetCommit", group, &[]) && !may(others, "OffsetCommit", group, &[]));
    assert!(may(owners, "EndTxn", id, &[]) && !may(others, "EndTxn", id, &[]));
    assert!(may(others, "OffsetCommit", Resource::ConsumerGroup("analytics.x"), &[]));
    assert!(may(&["platform"], "ElectLeaders", Resource::Cluster, &[]));
    assert!(!may(owners, "ElectLeaders", Resource::Cluster, &[]));
}

#[test]
fn limits_of_topics_refuse_what_they_say() {
    let set = shipped();
    let refusal = |api: &str, topic: &str, partitions: Option<i32>, configs: &[(&str, &str)]| {
        let subject = subject("ops", Some(&["platform"]));
        let configs: Vec<(&str, Option<&str>)> =
            configs.iter().map(|(key, value)| (*key, Some(*value))).collect();
        let wanted = Wanted { partitions, replication_factor: None, configs: &configs };
        let query = AccessQuery { api, wanted, ..admin(&subject, topic) };
        match set.access(&query) {
            Decision::Allow => "allow".to_owned(),
            Decision::Deny(denial) => denial.rule.to_string(),
        }
    };
    let create =
        |topic, partitions, configs: &[_]| refusal("CreateTopics", topic, partitions, configs);
    assert_eq!(create("crm.eu.changed", Some(48), &[]), "allow");
    assert_eq!(create("crm.eu.changed", None, &[("retention.ms", "7776000000")]), "allow");
    assert_eq!(create("crm.eu.changed", Some(49), &[]), "partitions-limit");
    for retention in ["7776000001", "-1", "90d"] {
        let configs = [("retention.ms", retention)];
        assert_eq!(create("crm.eu.changed", None, &configs), "crm-retention");
        let altered = refusal("IncrementalAlterConfigs", "crm.eu.changed", None, &configs);
        assert_eq!(altered, "crm-retention");
    }
    assert_eq!(create("a.b.c", None, &[("compression.type", "gzip")]), "compression");
    assert_eq!(create("a.b.c", None, &[("compression.type", "zstd")]), "allow");
    let time = [("message.timestamp.type", "LogAppendTime")];
    assert_eq!(create("audit.eu.logins", None, &time), "allow");
    assert_eq!(create("audit.eu.logins", None, &[]), "audit-time");
    let altered = refusal("IncrementalAlterConfigs", "audit.eu.logins", None, &time);
    assert_eq!(altered, "audit-time-stays");
}

#[test]
fn stages_and_counts_are_told() {
    let set = shipped();
    let stage = |id: &str| set.rules().iter().find(|rule| &**rule.id() == id).unwrap().stage();
    assert_eq!(stage("tickets-not-for-machines"), Stage::S1);
    assert_eq!(stage("topic-name"), Stage::S1);
    assert_eq!(stage("max-record-1mib"), Stage::S2);
    assert_eq!(stage("retention-header-required"), Stage::S2);
    assert_eq!(stage("pan-last-four"), Stage::S3);
    let shadow = set.rules().iter().filter(|rule| rule.mode() == Mode::Shadow).count();
    assert_eq!(shadow, 2);
    let counts: Vec<(&str, usize, usize, usize)> = set
        .files()
        .iter()
        .map(|file| (file.policy.name.as_str(), file.rules, file.exceptions, file.permits))
        .collect();
    assert_eq!(counts[0], ("payments", 4, 1, 0));
    assert!(counts.contains(&("topic-naming", 1, 0, 1)));
    assert!(set.revision().starts_with("dir:"));
}

#[test]
fn the_examples_of_the_description_load_where_they_are_built() {
    set_of(
        r#"
    - id: retention-tag-required
      severity: high
      mode: shadow
      match: {direction: produce, topics: ["crm.**"]}
      when: "!('x-retention' in record.headers)"
      action: {deny: {code: INVALID_RECORD, message: "crm.* records need an x-retention header"}}
    - id: max-record-1mib
      match: {direction: produce, topics: ["**"]}
      when: "record.size > 1048576"
      action: {deny: {code: MESSAGE_TOO_LARGE, message: "records are limited to 1 MiB here"}}
    - id: ns-naming
      match: {direction: admin, apis: [CreateTopics], topics: ["**"]}
      when: "!topic.name.matches('^[a-z0-9]+(\\\\.[a-z0-9-]+){2,4}$')"
      action: {deny: {code: POLICY_VIOLATION, message: "topic names are domain.entity.event"}}
    - id: pan-partial
      match:
        direction: consume
        topics: ["payments.**"]
        principals: {groups: {none_of: [pci-ops]}}
      select: [{path: "$.card.pan"}]
      action: {mask: {with: partial, keep_last: 4, char: "*"}}
    - id: fields
      match:
        direction: consume
        topics: ["payments.**", "crm.**", "!crm.public.**"]
        principals: {groups: {none_of: [pii-readers]}}
      select:
        - {name: "*email*"}
        - {path: "$.customer.address.**"}
      except:
        - {path: "$.customer.address.country"}
      action:
        mask: {with: hmac, key_ref: "file:/run/secrets/tok-2026", prefix: "tok_"}
"#,
    );
}

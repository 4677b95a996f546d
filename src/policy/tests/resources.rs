//! Access to resources: groups, transactional ids, settings, the cluster; permits and visibility.

use super::*;
use crate::policy::{ACCESS, Decision, DenyCode, PERMITTED_APIS, ResourceKind};

/// Rules and permits of one file.
fn set_with(rules: &str, permits: &str) -> PolicySet {
    let text = format!(
        "apiVersion: policy/v1\nkind: Policy\nmetadata: {{name: t}}\nspec:\n  rules:{}\n  \
         permits:{}\n",
        if rules.is_empty() { " []" } else { rules },
        if permits.is_empty() { " []" } else { permits },
    );
    loaded(&[source("t.yaml", &text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What jane gets: `allow`, or the code and the rule of the refusal.
struct Asking<'s> {
    set: &'s PolicySet,
    groups: &'s [&'s str],
}

impl Asking<'_> {
    fn decide(
        &self,
        api: &str,
        operation: Operation,
        resource: Resource<'_>,
        wanted: Wanted<'_>,
    ) -> Result<(), (DenyCode, String)> {
        let subject = subject("jane", Some(self.groups));
        let query = AccessQuery { api, operation, resource, wanted, ..admin(&subject, "unused") };
        match self.set.access(&query) {
            Decision::Allow => Ok(()),
            Decision::Deny(denial) => Err((denial.code, denial.rule.to_string())),
        }
    }

    fn may(&self, api: &str, operation: Operation, resource: Resource<'_>) -> bool {
        self.decide(api, operation, resource, Wanted::default()).is_ok()
    }

    fn operations(&self, resource: Resource<'_>) -> Vec<&'static str> {
        let subject = subject("jane", Some(self.groups));
        let bits = self.set.operations(&AccessQuery { resource, ..admin(&subject, "unused") });
        let kind = resource.kind();
        let rows = ACCESS.iter().filter(|row| row.resource == kind);
        rows.filter(|row| bits & (1 << row.operation.code()) != 0)
            .map(|row| row.operation.as_str())
            .collect()
    }
}

const OTHERS: &str = "principals: {groups: {none_of: [team]}}";

#[test]
fn groups_are_denied_by_consume_rules_and_transactional_ids_by_produce_rules() {
    let set = set_with(
        &format!(
            "
    - id: groups
      match: {{direction: consume, consumer_groups: [\"team.**\"], {OTHERS}}}
      action: {{deny: {{}}}}
    - id: transactions
      match: {{direction: produce, transactional_ids: [\"team.**\", \"!team.open\"], {OTHERS}}}
      action: {{deny: {{code: TRANSACTIONAL_ID_AUTHORIZATION_FAILED}}}}
"
        ),
        "",
    );
    let (team, other) =
        (Asking { set: &set, groups: &["team"] }, Asking { set: &set, groups: &[] });
    let group = Resource::ConsumerGroup("team.billing");
    for operation in [Operation::Read, Operation::Describe, Operation::Delete] {
        assert!(team.may("JoinGroup", operation, group));
        assert!(other.may("JoinGroup", operation, Resource::ConsumerGroup("else")));
        let refused = other.decide("JoinGroup", operation, group, Wanted::default());
        let code = DenyCode::TopicAuthorizationFailed;
        assert_eq!(refused, Err((code, "groups".to_owned())));
    }
    let id = Resource::TransactionalId("team.writer");
    assert!(team.may("EndTxn", Operation::Write, id));
    assert!(!other.may("EndTxn", Operation::Write, id));
    assert!(!other.may("FindCoordinator", Operation::Describe, id));
    assert!(other.may("EndTxn", Operation::Write, Resource::TransactionalId("team.open")));
    // Neither is about a topic.
    assert!(other.may("Fetch", Operation::Read, Resource::Topic("team.billing")));
    assert_eq!(plan(&set, Some(&[]), Action::Consume, "team.billing").access(), &Decision::Allow);
    assert!(!set.restricts_topics(&subject("jane", Some(&[]))));
    assert_eq!(team.operations(group), ["Read", "Describe", "Delete", "DescribeConfigs"]);
    assert!(other.operations(group).is_empty());
    assert_eq!(team.operations(id), ["Write", "Describe", "TwoPhaseCommit"]);
}

#[test]
fn a_topic_is_seen_by_whoever_may_read_write_or_administer_it() {
    let set = set_with(
        "
    - id: readers
      match: {direction: consume, topics: [\"a.**\"], principals: {groups: {none_of: [reader]}}}
      action: {deny: {}}
    - id: writers
      match: {direction: produce, topics: [\"a.**\"], principals: {groups: {none_of: [writer]}}}
      action: {deny: {}}
    - id: content
      match: {direction: produce, topics: [\"a.**\"]}
      when: \"record.size > 10\"
      action: {deny: {}}
    - id: unlisted
      match: {direction: admin, apis: [Metadata], topics: [\"a.unlisted\"]}
      action: {deny: {}}
",
        "
    - {id: keeper, principals: {groups: {any_of: [keeper]}}, apis: [DeleteTopics],
       topics: [\"a.**\"]}",
    );
    let sees = |group: &str, api: &str, topic: &str| {
        let asking = Asking { set: &set, groups: &[group] };
        asking.may(api, Operation::Describe, Resource::Topic(topic))
    };
    for group in ["reader", "writer", "keeper"] {
        assert!(sees(group, "Metadata", "a.x"), "{group}");
    }
    assert!(!sees("none", "Metadata", "a.x") && sees("none", "Metadata", "b"));
    assert!(!sees("none", "DeleteTopics", "a.x"));
    assert!(!sees("reader", "Metadata", "a.unlisted"));
    assert!(sees("reader", "ListOffsets", "a.unlisted"));
    let none = Asking { set: &set, groups: &[] };
    let refused =
        none.decide("Metadata", Operation::Describe, Resource::Topic("a.x"), Wanted::default());
    assert_eq!(refused, Err((DenyCode::TopicAuthorizationFailed, "readers".to_owned())));
    let of =
        |group: &str| Asking { set: &set, groups: &[group] }.operations(Resource::Topic("a.x"));
    assert_eq!(of("reader"), ["Read", "Describe", "DescribeConfigs"]);
    assert_eq!(of("writer"), ["Write", "Describe", "DescribeConfigs"]);
    assert_eq!(of("keeper"), ["Describe", "Delete", "DescribeConfigs"]);
    assert!(of("none").is_empty());
    assert!(set.restricts_topics(&subject("jane", Some(&["reader"]))), "by the admin rule");
}

#[test]
fn permits_name_apis_topics_and_keys() {
    let set = set_with(
        "",
        "
    - {id: one, principals: {users: [jane]}, apis: [CreateTopics, IncrementalAlterConfigs],
       topics: [\"a.**\"], configs: [\"retention.*\", \"!retention.bytes\"]}
    - {id: two, principals: {users: [jane]}, apis: [IncrementalAlterConfigs],
       topics: [\"a.x\"], configs: [cleanup.policy]}
    - {id: all, principals: {groups: {any_of: [root]}}, apis: [CreateAcls, AlterClientQuotas]}
    - {id: stars, principals: {groups: {any_of: [stars]}}, apis: [ElectLeaders], topics: [\"**\"]}
",
    );
    let jane = Asking { set: &set, groups: &[] };
    let alters = |topic: &str, keys: &[&str]| {
        let configs: Vec<(&str, Option<&str>)> = keys.iter().map(|key| (*key, Some("1"))).collect();
        let wanted = Wanted { configs: &configs, ..Wanted::default() };
        let resource = Resource::Topic(topic);
        jane.decide("IncrementalAlterConfigs", Operation::AlterConfigs, resource, wanted).is_ok()
    };
    assert!(alters("a.x", &["retention.ms", "cleanup.policy"]) && alters("a.x", &[]));
    assert!(!alters("a.y", &["retention.ms", "cleanup.policy"]));
    assert!(!alters("a.x", &["retention.bytes"]) && !alters("b", &["retention.ms"]));
    let missing = jane.decide(
        "AlterConfigs",
        Operation::AlterConfigs,
        Resource::Topic("a.x"),
        Wanted::default(),
    );
    let built_in = "builtin:cluster-change".to_owned();
    assert_eq!(missing, Err((DenyCode::TopicAuthorizationFailed, built_in)));
    // A permit for some topics says nothing of the cluster.
    assert!(!jane.may("CreateTopics", Operation::Create, Resource::Cluster));
    let root = Asking { set: &set, groups: &["root"] };
    assert!(root.may("CreateAcls", Operation::Alter, Resource::Cluster));
    assert!(!jane.may("CreateAcls", Operation::Alter, Resource::Cluster));
    assert!(!root.may("ElectLeaders", Operation::Alter, Resource::Cluster));
    let stars = Asking { set: &set, groups: &["stars"] };
    assert!(stars.may("ElectLeaders", Operation::Alter, Resource::Cluster));
    assert_eq!(
        root.operations(Resource::Cluster),
        ["Alter", "Describe", "DescribeConfigs", "AlterConfigs", "IdempotentWrite"]
    );
    for api in PERMITTED_APIS {
        let kinds = ACCESS.iter().filter(|row| row.apis.contains(&api));
        let cluster = kinds.clone().any(|row| row.resource == ResourceKind::Cluster);
        if cluster {
            assert!(!jane.may(api, Operation::Alter, Resource::Cluster), "{api}");
        }
        assert!(kinds.count() > 0, "{api} has no row");
    }
}

#[test]
fn admin_rules_deny_any_api_for_what_they_are_about() {
    let set = set_with(
        "
    - {id: offsets, match: {direction: admin, apis: [OffsetFetch], consumer_groups: [\"a.*\"]},
       action: {deny: {}}}
    - {id: dirs, match: {direction: admin, apis: [DescribeLogDirs]}, action: {deny: {}}}
    - {id: brokers, match: {direction: admin, apis: [DescribeConfigs]},
       when: \"request.resource == 'cluster'\", action: {deny: {}}}
    - {id: keep, match: {direction: admin, consumer_groups: [\"kept\"]}, action: {deny: {}}}
    - {id: no-deletes, match: {direction: admin, apis: [DeleteTopics], topics: [\"a.**\"]},
       action: {deny: {}}}
",
        "
    - {id: p, principals: {users: [jane]}, apis: [DeleteTopics]}
",
    );
    let jane = Asking { set: &set, groups: &[] };
    let group = Resource::ConsumerGroup;
    assert!(!jane.may("OffsetFetch", Operation::Describe, group("a.b")));
    assert!(jane.may("OffsetFetch", Operation::Describe, group("a.b.c")));
    assert!(jane.may("DescribeGroups", Operation::Describe, group("a.b")));
    assert!(!jane.may("DescribeLogDirs", Operation::Describe, Resource::Cluster));
    assert!(jane.may("DescribeQuorum", Operation::Describe, Resource::Cluster));
    let configs = Operation::DescribeConfigs;
    assert!(!jane.may("DescribeConfigs", configs, Resource::Cluster));
    assert!(jane.may("DescribeConfigs", configs, Resource::Topic("a.b")));
    assert!(!jane.may("DeleteGroups", Operation::Delete, group("kept")));
    assert!(jane.may("JoinGroup", Operation::Read, group("kept")));
    // Who may see a topic does not depend on who may delete it.
    let topic = Resource::Topic("a.b");
    assert!(jane.may("DeleteTopics", Operation::Describe, topic));
    let refused = jane.decide("DeleteTopics", Operation::Delete, topic, Wanted::default());
    let code = DenyCode::TopicAuthorizationFailed;
    assert_eq!(refused, Err((code, "no-deletes".to_owned())));
    assert!(jane.may("DeleteTopics", Operation::Delete, Resource::Topic("b")));
}

const LIMITS: &str = "
    - id: few-partitions
      match: {direction: admin, topics: [\"**\"]}
      when: \"has(request.partitions) && request.partitions > 12\"
      action: {deny: {}}
    - id: replicated
      match: {direction: admin, apis: [CreateTopics], topics: [\"**\"]}
      when: \"request.replication_factor < 3\"
      action: {deny: {}}
    - id: one-week
      match: {direction: admin, topics: [\"**\"]}
      when: \"'retention.ms' in request.configs \
        && int(request.configs['retention.ms']) > 604800000\"
      action: {deny: {}}
    - id: no-lz4
      match: {direction: admin, apis: [CreateTopics], topics: [\"**\"]}
      when: \"request.api == 'CreateTopics' && 'compression.type' in request.configs && \
        !(request.configs['compression.type'] in ['zstd', 'producer'])\"
      action: {deny: {}}
    - id: own-time
      match: {direction: admin, topics: [\"**\"], configs: [\"message.timestamp.*\"]}
      action: {deny: {}}
";

#[test]
fn conditions_read_what_a_topic_is_to_be() {
    let set = set_with(
        LIMITS,
        "
    - {id: p, principals: {users: [jane]},
       apis: [CreateTopics, CreatePartitions, AlterConfigs, IncrementalAlterConfigs, DeleteTopics]}
",
    );
    let jane = Asking { set: &set, groups: &[] };
    let decide = |api: &str, partitions: i32, replicas: i32, configs: &[(&str, Option<&str>)]| {
        let some = |number: i32| (number > 0).then_some(number);
        let wanted =
            Wanted { partitions: some(partitions), replication_factor: some(replicas), configs };
        let refused = jane.decide(api, Operation::Alter, Resource::Topic("a"), wanted);
        refused.err().map(|(code, rule)| (code.number(), rule))
    };
    let by = |rule: &str| Some((44, rule.to_owned()));
    assert_eq!(decide("CreateTopics", 12, 3, &[]), None);
    assert_eq!(decide("CreateTopics", 13, 3, &[]), by("few-partitions"));
    assert_eq!(decide("CreatePartitions", 13, 0, &[]), by("few-partitions"));
    assert_eq!(decide("CreateTopics", 1, 2, &[]), by("replicated"));
    // The broker's default is not known, and the rule does not ask whether it is there.
    assert_eq!(decide("CreateTopics", 0, 0, &[]), by("replicated"));
    let retention = |value| [("retention.ms", value)];
    for api in ["AlterConfigs", "IncrementalAlterConfigs"] {
        let alters = |value| decide(api, 0, 0, &retention(value));
        if api == "AlterConfigs" {
            assert_eq!(alters(Some("1")), by("own-time"), "it resets what it leaves out");
            continue;
        }
        assert_eq!(alters(Some("604800000")), None);
        assert_eq!(alters(Some(" 604800001 ")), by("one-week"));
        // Not a number, or back to the default: not evaluable, so it restricts.
        assert_eq!(alters(Some("a week")), by("one-week"));
        assert_eq!(alters(None), by("one-week"));
        let twice = [("retention.ms", Some("1")), ("retention.ms", Some("2"))];
        assert_eq!(decide(api, 0, 0, &twice), by("one-week"));
    }
    let compression = [("compression.type", Some("lz4"))];
    assert_eq!(decide("CreateTopics", 1, 3, &compression), by("no-lz4"));
    assert_eq!(decide("CreateTopics", 1, 3, &[("compression.type", Some("zstd"))]), None);
    let time = [("message.timestamp.type", Some("LogAppendTime"))];
    assert_eq!(decide("CreateTopics", 1, 3, &time), by("own-time"));
    assert_eq!(decide("DeleteTopics", 0, 0, &[]), None);
    let bits = jane.operations(Resource::Topic("a"));
    assert_eq!(bits.len(), ACCESS.iter().filter(|r| r.resource == ResourceKind::Topic).count());
}

#[test]
fn a_broker_that_knows_the_user_judges_topics_and_partitions() {
    let set = PolicySet::empty();
    let subject = subject("jane", Some(&[]));
    for api in PERMITTED_APIS {
        let operation = Operation::Alter;
        let query = AccessQuery { api, operation, broker_knows_user: true, ..admin(&subject, "a") };
        let left = ["CreateTopics", "DeleteTopics", "CreatePartitions"].contains(&api);
        assert_eq!(set.access(&query) == Decision::Allow, left, "{api}");
    }
}

//! Who is meant: groups, users, clients, exceptions, permits, plans that can be shared.

use super::*;
use crate::policy::{Decision, DenyCode, INTERNAL_TOPIC};

fn group_rule(groups: &str) -> PolicySet {
    set_of(&format!(
        "
    - id: r
      match: {{direction: consume, topics: [\"t.**\"], principals: {{groups: {{{groups}}}}}}}
      select: [{{path: $.x}}]
      action: {{mask: {{with: redact}}}}
"
    ))
}

fn live(set: &PolicySet, groups: Option<&[&str]>) -> bool {
    plan(set, groups, Action::Consume, "t.x").reads_records()
}

#[test]
fn groups_that_are_not_known_satisfy_every_condition_of_a_rule() {
    for condition in ["any_of: [a]", "all_of: [a, b]", "none_of: [a]", "any_of: [a], none_of: [b]"]
    {
        assert!(live(&group_rule(condition), None), "{condition}");
    }
}

#[test]
fn group_conditions_mean_what_they_say() {
    let any = group_rule("any_of: [a, b]");
    assert!(live(&any, Some(&["b"])) && !live(&any, Some(&["c"])) && !live(&any, Some(&[])));
    let all = group_rule("all_of: [a, b]");
    assert!(live(&all, Some(&["a", "b", "c"])) && !live(&all, Some(&["a"])));
    let none = group_rule("none_of: [a, b]");
    assert!(live(&none, Some(&["c"])) && live(&none, Some(&[])) && !live(&none, Some(&["b"])));
    let both = group_rule("any_of: [a], none_of: [b]");
    assert!(live(&both, Some(&["a"])) && !live(&both, Some(&["a", "b"])));
}

#[test]
fn unknown_groups_in_a_condition_restrict() {
    let set = set_of(
        "
    - id: r
      match: {direction: consume, topics: [\"**\"]}
      when: \"!('a' in principal.groups)\"
      select: [{path: $.x}]
      action: {mask: {with: redact}}
",
    );
    assert!(live(&set, None) && live(&set, Some(&["b"])) && !live(&set, Some(&["a"])));
}

const EXCEPTED: &str = "apiVersion: policy/v1
kind: Policy
metadata: {name: t}
spec:
  rules:
    - id: r
      match: {direction: consume, topics: [\"t.**\"]}
      select: [{path: $.x}]
      action: {mask: {with: redact}}
  exceptions:
    - id: exc
      rules: [r]
      principals: {PRINCIPALS}
      expires: 2023-12-31T00:00:00Z
      ticket: SEC-1
";
const EXPIRES: i64 = 1_703_980_800;

fn excepted(principals: &str) -> PolicySet {
    loaded(&[source("e.yaml", &EXCEPTED.replace("PRINCIPALS", principals))]).unwrap()
}

#[test]
fn an_exception_lifts_a_rule_until_it_expires_and_never_for_unknown_groups() {
    let set = excepted("groups: {any_of: [oncall]}");
    let plan_of = |groups: Option<&[&str]>, now_seconds: i64| {
        let subject = subject("jane", groups);
        set.plan(&Query { now_seconds, ..query(&subject, Action::Consume, "t.x") })
    };
    let lifted = plan_of(Some(&["oncall"]), EXPIRES - 1);
    assert!(!lifted.reads_records());
    assert_eq!(lifted.valid_until_seconds(), Some(EXPIRES));
    assert_eq!(lifted.exceptions()[0].as_ref(), "exc");
    assert!(plan_of(Some(&["oncall"]), EXPIRES).reads_records());
    assert_eq!(plan_of(Some(&["oncall"]), EXPIRES).valid_until_seconds(), None);
    assert!(plan_of(Some(&["other"]), 0).reads_records());
    assert!(plan_of(None, 0).reads_records());
    // Whom it names for certain is known without any groups.
    assert!(!live(&excepted("users: [jane]"), None));
    assert!(live(&excepted("groups: {none_of: [x]}"), None));
}

#[test]
fn users_clients_and_logins_are_all_asked_for() {
    let set = set_of(
        "
    - id: r
      match:
        direction: consume
        topics: [\"**\"]
        principals: {users: [jane, joe], clients: [\"app*\"], auth: [OAUTHBEARER]}
      select: [{path: $.x}]
      action: {mask: {with: redact}}
",
    );
    let jane = subject("jane", None);
    let restricted = |query: &Query<'_>| set.plan(query).reads_records();
    assert!(restricted(&query(&jane, Action::Consume, "t")));
    assert!(!restricted(&query(&subject("eve", None), Action::Consume, "t")));
    assert!(!restricted(&Query { client_id: "x", ..query(&jane, Action::Consume, "t") }));
    let anonymous = Subject { mechanism: Mechanism::Anonymous, ..jane.clone() };
    assert!(!restricted(&query(&anonymous, Action::Consume, "t")));
    assert!(!restricted(&query(&jane, Action::Produce, "t")));
}

#[test]
fn users_of_several_issuers_are_written_with_the_issuer() {
    let rule = |user: &str| {
        file_of(&format!(
            "
    - id: r
      match: {{direction: consume, topics: [\"**\"], principals: {{users: [\"{user}\"]}}}}
      select: [{{path: $.x}}]
      action: {{mask: {{with: redact}}}}
"
        ))
    };
    let issuers = vec!["corp".to_owned(), "partners".to_owned()];
    let ground = Ground { issuers, local_users: false };
    let load_one = |user: &str| load(&[rule(user)], &TestKeys, &ground);
    let set = load_one("corp|jane").unwrap();
    let mut jane = subject("jane", None);
    jane.principal = Principal::user(Some("corp".into()), "jane");
    assert!(set.plan(&query(&jane, Action::Consume, "t")).reads_records());
    jane.principal = Principal::user(Some("partners".into()), "jane");
    assert!(!set.plan(&query(&jane, Action::Consume, "t")).reads_records());
    assert!(load_one("jane").unwrap_err().to_string().contains("write corp|jane"));
    let typo = load_one("crop|jane").unwrap_err().to_string();
    assert!(typo.contains("did you mean `corp|jane`?"), "{typo}");
}

const ACCESS: &str = "
    - id: leads-only
      match: {direction: consume, topics: [\"t.**\", \"!t.open.**\"], \
                principals: {groups: {none_of: [leads]}}}
      action: {deny: {}}
    - id: read-only
      match: {direction: produce, topics: [\"t.old\"]}
      action: {deny: {message: \"{principal} cannot write to {topic}\"}}
";

#[test]
fn a_rule_that_looks_at_no_record_decides_about_the_topic() {
    let set = set_of(ACCESS);
    let denied = consume(&set);
    let Decision::Deny(denial) = denied.access() else { panic!() };
    assert_eq!(denial.code, DenyCode::TopicAuthorizationFailed);
    assert!(!denied.reads_records());
    assert_eq!(plan(&set, Some(&["leads"]), Action::Consume, "t.x").access(), &Decision::Allow);
    assert_eq!(plan(&set, Some(&[]), Action::Consume, "t.open.x").access(), &Decision::Allow);
    let written = plan(&set, Some(&[]), Action::Produce, "t.old");
    let Decision::Deny(denial) = written.access() else { panic!() };
    assert_eq!(denial.code, DenyCode::PolicyViolation);
    let message = denial.message.render("t.old", None);
    assert_eq!(message, "read-only: jane cannot write to t.old");
    assert!(set.restricts_topics(&subject("jane", Some(&["x"]))));
    assert!(set.restricts_topics(&subject("jane", None)));
    assert!(!set.restricts_topics(&subject("jane", Some(&["leads"]))));
    assert!(!PolicySet::empty().restricts_topics(&subject("jane", None)));
}

#[test]
fn topics_of_lockgate_itself_are_denied_to_everybody() {
    let set = PolicySet::empty();
    for action in [Action::Produce, Action::Consume] {
        let plan = plan(&set, Some(&[]), action, "__lockgate_holds");
        let Decision::Deny(denial) = plan.access() else { panic!() };
        assert_eq!(denial.rule.as_ref(), INTERNAL_TOPIC);
    }
    let subject = subject("jane", Some(&[]));
    let query = AccessQuery { broker_knows_user: true, ..admin(&subject, "__lockgate_x") };
    assert!(matches!(set.access(&query), Decision::Deny(_)));
    assert_eq!(plan(&set, None, Action::Produce, "lockgate").access(), &Decision::Allow);
}

#[test]
fn creating_a_topic_needs_a_permit_and_no_rule_against_it() {
    let text = "apiVersion: policy/v1
kind: Policy
metadata: {name: t}
spec:
  rules:
    - id: naming
      match: {direction: admin, topics: [\"**\"]}
      when: \"!topic.name.matches('^[a-z.]+$')\"
      action: {deny: {message: \"bad name {topic}\"}}
  permits:
    - id: platform
      principals: {groups: {any_of: [platform]}}
      apis: [CreateTopics]
      topics: [\"a.**\"]
";
    let set = loaded(&[source("t.yaml", text)]).unwrap();
    let decide = |groups: Option<&[&str]>, topic: &str| {
        let subject = subject("jane", groups);
        match set.access(&admin(&subject, topic)) {
            Decision::Allow => "allow".to_owned(),
            Decision::Deny(denial) => denial.message.render(topic, None),
        }
    };
    assert_eq!(decide(Some(&["platform"]), "a.b"), "allow");
    assert_eq!(decide(Some(&["platform"]), "a.B"), "naming: bad name a.B");
    let missing = decide(Some(&["platform"]), "b");
    assert!(missing.contains("`permits` for jane with apis: [CreateTopics]"), "{missing}");
    assert!(decide(Some(&[]), "a.b").starts_with("builtin:cluster-change"));
    assert!(decide(None, "a.b").starts_with("builtin:cluster-change"));
    // Where the broker knows the user, its own access control decides; rules still restrict.
    let subject = subject("jane", Some(&[]));
    let forwarded = |topic| AccessQuery { broker_knows_user: true, ..admin(&subject, topic) };
    assert_eq!(set.access(&forwarded("a.b")), Decision::Allow);
    assert!(matches!(set.access(&forwarded("A")), Decision::Deny(_)));
    let other = AccessQuery { api: "DeleteRecords", ..forwarded("a.b") };
    assert!(matches!(set.access(&other), Decision::Deny(_)));
}

#[test]
fn plans_with_one_key_judge_alike_and_plans_that_differ_have_two() {
    let set = set_of(
        "
    - id: mixed
      match: {direction: consume, topics: [\"**\"]}
      when: \"value.owner != principal.name\"
      select: [{path: $.x}]
      action: {mask: {with: redact}}
    - id: plain
      match: {direction: consume, topics: [\"a\"], principals: {groups: {none_of: [g]}}}
      when: \"value.n > 1\"
      select: [{path: $.y}]
      action: {mask: {with: redact}}
",
    );
    let plan_of = |name: &str, groups: &[&str], topic: &str| {
        set.plan(&query(&subject(name, Some(groups)), Action::Consume, topic))
    };
    let jane = plan_of("jane", &[], "a");
    assert!(jane.reads_identity());
    assert_eq!(jane.key(), plan_of("jane", &["h"], "a").key());
    assert_ne!(jane.key(), plan_of("joe", &[], "a").key());
    assert_ne!(jane.key(), plan_of("jane", &["g"], "a").key());
    assert_eq!(plan_of("jane", &["g"], "a").key(), plan_of("jane", &["x"], "b").key());
    let own = record(&jane, &[("$.owner", text("jane")), ("$.n", Fact::Number("1"))]).judged();
    assert!(own.rules.is_empty());
    let other = record(&jane, &[("$.owner", text("joe")), ("$.n", Fact::Number("2"))]).judged();
    assert_eq!(other.rules.len(), 2);
}

#[test]
fn what_a_subject_or_topic_decides_is_decided_once() {
    let set = set_of(
        "
    - id: a
      match: {direction: produce, topics: [\"**\"]}
      when: \"topic.name.startsWith('x.') && record.size > 10\"
      action: {deny: {}}
    - id: b
      match: {direction: produce, topics: [\"**\"]}
      when: \"topic.name == 'y' || value.a == 1\"
      action: {deny: {}}
",
    );
    let other = plan(&set, Some(&[]), Action::Produce, "z");
    let judged = record(&other, &[("$.a", Fact::Number("2"))]).judged();
    assert_eq!((judged.rules.len(), judged.eval_errors), (0, 0));
    assert_eq!(other.paths(Scope::Value).len(), 1);
    let denied = plan(&set, Some(&[]), Action::Produce, "y");
    assert!(matches!(denied.access(), Decision::Deny(_)));
    assert!(!denied.reads_records() && !denied.needs().value);
}

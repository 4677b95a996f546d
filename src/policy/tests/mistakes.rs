//! What does not load, what is said about it, and where.

use super::*;

/// A rule whose parts can be replaced one at a time.
fn rule_with(part: &str) -> String {
    let mut parts = vec![
        ("match", "match: {direction: consume, topics: [\"**\"]}"),
        ("select", "select: [{path: $.x}]"),
        ("action", "action: {mask: {with: redact}}"),
    ];
    let key = part.split(':').next().unwrap();
    parts.retain(|(name, _)| *name != key);
    parts.push((key, part));
    let body: String = parts.iter().map(|(_, text)| format!("      {text}\n")).collect();
    format!("    - id: r\n{body}")
}

/// Asserts that a rule does not load, and that everything in `expected` is said.
fn refused(rule: &str, expected: &[&str]) {
    let shown = match loaded(&[file_of(rule)]) {
        Ok(_) => panic!("this loaded:\n{rule}"),
        Err(problems) => problems.to_string(),
    };
    for part in expected {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
}

#[test]
fn typos_get_a_place_and_a_suggestion() {
    refused(
        &rule_with("macth: {}"),
        &["unknown key `macth`", "did you mean `match`?", "p/t.yaml:"],
    );
    refused(
        &rule_with("match: {direction: consum, topics: [\"**\"]}"),
        &["unknown value `consum`", "did you mean `consume`?"],
    );
    refused(&rule_with("select: [{pth: $.x}]"), &["unknown key `pth`", "did you mean `path`?"]);
    refused(
        &rule_with("action: {mask: {with: redct}}"),
        &["`redct` is no mask", "did you mean `redact`?", "p/t.yaml:9:29"],
    );
    refused(&rule_with("on_undecodable: dorp"), &["unknown value `dorp`", "did you mean `drop`?"]);
    refused(&rule_with("mode: shadwo"), &["did you mean `shadow`?"]);
    refused(
        &rule_with(
            "match: {direction: consume, topics: [\"**\"], principals: {auth: [OAUTHBEARR]}}",
        ),
        &["did you mean `OAUTHBEARER`?"],
    );
    refused(&rule_with("select: [{path: $.x, in: [valu]}]"), &["did you mean `value`?"]);
}

#[test]
fn a_mistake_in_a_condition_is_shown_at_its_own_column() {
    let when = |when: &str| rule_with(&format!("when: {when}"));
    refused(
        &when("\"record.sise > 10\""),
        &["`record` has no `sise`", "did you mean `size`?", "p/t.yaml:10:14", "^^^^^^^^^^^"],
    );
    refused(
        &when("'topic.name == ''x'' && vale.a == 1'"),
        &["`vale`", "p/t.yaml:10:37", "did you mean `value`?"],
    );
    refused(&when("record.size + 1"), &["must be a bool", "p/t.yaml:10:13"]);
    refused(&when("record.size > 'a'"), &["cannot be compared", "p/t.yaml:10:13"]);
    refused(
        &when("\"topic.name.matches('(')\""),
        &["this pattern cannot be read", "p/t.yaml:10:33"],
    );
    refused(&when("\"a\\u0062 == 1\""), &["`ab` is not a known name", "p/t.yaml:10:14"]);
    refused(
        &when("|\n        topic.name == 'a'\n        && topc.name == 'b'"),
        &["`topc`", "p/t.yaml:12:12"],
    );
    refused(
        &when(">-\n        topic.name == 'a'\n        && topc.name == 'b'"),
        &["`topc`", "p/t.yaml:12:12"],
    );
    refused(
        &when("topic.name == 'a'\n          && topc.name == 'b'"),
        &["`topc`", "p/t.yaml:11:14"],
    );
    refused(&when("\"size(value.x\""), &["expected `)`"]);
    refused(&when("value.x.tolower() == 'a'"), &["there is no function `tolower`"]);
    refused(&when("value.x = 1"), &["did you mean `==`?"]);
}

#[test]
fn what_is_not_built_yet_is_refused_by_name() {
    for (part, name) in [
        ("match: {direction: consume, labels: {pii: true}}", "labels"),
        ("match: {direction: consume, topics: [\"**\"], window: 1h}", "window"),
        ("select: [{tag: PII}]", "tag"),
        ("select: [{detect: [EMAIL]}]", "detect"),
        ("action: {hold: {ttl: 4h}}", "hold"),
        ("action: {drop: {}}", "drop"),
        ("action: {tag: {header: a}}", "tag"),
        ("action: {audit: {}}", "audit"),
        ("on_schema_drift: deny", "on_schema_drift"),
        ("rollout: {percent: 10}", "rollout"),
        ("action: {mask: {with: tokenize}}", "tokenize"),
        ("action: {mask: {with: redact, label: \"[{detector}]\"}}", "{detector}"),
        ("when: \"usage.records > 10\"", "usage"),
        ("when: \"vars.limit > 10\"", "vars"),
        ("when: \"now > timestamp('2026-01-01T00:00:00Z')\"", "now"),
        ("when: \"client.ip == 'a'\"", "client.ip"),
        ("when: \"principal.claims.dept == 'a'\"", "principal.claims"),
        ("when: \"record.schema_id == 1\"", "record.schema_id"),
        ("when: \"'a' in topic.labels\"", "topic.labels"),
        ("when: \"request.acks == 1\"", "request"),
        ("when: \"ip('10.0.0.1') == ip('10.0.0.1')\"", "ip()"),
        ("when: \"uint(value.x) > 1\"", "uint()"),
    ] {
        refused(&rule_with(part), &["not built yet", name]);
    }
    for kind in ["PolicyTest", "Vocabulary", "Bundle"] {
        let text = format!("apiVersion: policy/v1\nkind: {kind}\ncases: []\n");
        let problems = loaded(&[source("a.yaml", &text)]).unwrap_err().to_string();
        assert!(
            problems.contains("not built yet") && problems.contains("a.yaml:2:7"),
            "{problems}"
        );
    }
}

#[test]
fn rules_that_could_not_do_what_they_say_are_refused() {
    let consume_deny = |part: &str| {
        format!(
            "    - id: r\n      match: {{direction: consume, topics: [\"**\"]}}\n      \
             {part}\n      \
             action: {{deny: {{}}}}\n"
        )
    };
    refused(&consume_deny("when: value.x == 1"), &["cannot deny a consume", "mask what must not"]);
    refused(&consume_deny("select: [{path: $.x}]"), &["cannot deny a consume"]);
    refused(&consume_deny("when: \"'a' in record.headers\""), &["cannot deny a consume"]);
    refused(&rule_with("on_undecodable: deny"), &["stuck at that offset", "on_undecodable: drop"]);
    refused(&rule_with("on_undecodable: pass"), &["acknowledge: true"]);
    refused(
        "    - id: r\n      match: {direction: produce, topics: [\"**\"]}\n      \
         when: value.x == 1\n      \
         on_undecodable: drop\n      action: {deny: {}}\n",
        &["breaks idempotent producers"],
    );
    let large = |when: &str| {
        format!(
            "    - id: r\n      match: {{direction: produce, topics: [\"**\"]}}\n      \
             when: {when}\n      \
             action: {{deny: {{code: MESSAGE_TOO_LARGE}}}}\n"
        )
    };
    refused(&large("value.x == 1"), &["MESSAGE_TOO_LARGE is for", "splitting the batch"]);
    refused(&large("record.size > 1 && value.x == 1"), &["MESSAGE_TOO_LARGE is for"]);
    refused(&large("topic.name == 'a'"), &["MESSAGE_TOO_LARGE is for"]);
    refused(&large("topic.name == 'a' || record.size > 1"), &["MESSAGE_TOO_LARGE is for"]);
    refused(&rule_with("select: [{path: $.x, in: [key]}]"), &["on a key", "on keys use hmac"]);
    refused(&rule_with("select: [{path: $.a.b, in: [headers]}]"), &["headers are flat"]);
    refused(&rule_with("select: []"), &["selects nothing"]);
    refused(&rule_with("match: {direction: consume}"), &["names no topics"]);
    refused(
        &rule_with("match: {direction: consume, topics: [\"!a\"]}"),
        &["nothing would ever match"],
    );
    refused(&rule_with("match: {direction: admin, topics: [\"**\"]}"), &["no record"]);
    refused(&rule_with("action: {mask: {with: redact}, deny: {}}"), &["exactly one"]);
    refused(&rule_with("action: {}"), &["exactly one"]);
    refused(&rule_with("action: {mask: {with: redact, prefix: a}}"), &["`redact` has no `prefix`"]);
    refused(&rule_with("action: {mask: {with: hmac}}"), &["needs a key"]);
    refused(
        &rule_with("action: {mask: {with: hmac, key_ref: \"file:absent\"}}"),
        &["file:p/absent"],
    );
    refused(&rule_with("action: {mask: {with: hmac, key_ref: secret}}"), &["key_ref: \"file:"]);
    refused(&rule_with("action: {mask: {with: partial}}"), &["keeps something"]);
    refused(&rule_with("action: {mask: {with: bucket}}"), &["one of size and edges"]);
    refused(&rule_with("action: {mask: {with: bucket, size: 0}}"), &["above zero"]);
    refused(
        "    - id: r\n      match: {direction: produce, topics: [\"**\"]}\n      action: {deny: \
         {message: \"{value}\"}}\n",
        &["`{value}` is no placeholder"],
    );
    refused(
        "    - id: r\n      match: {direction: consume, topics: [\"**\"]}\n      action: {deny: \
         {code: INVALID_RECORD}}\n",
        &["no answer to this direction", "TOPIC_AUTHORIZATION_FAILED"],
    );
}

#[test]
fn principals_that_name_nobody_are_refused() {
    let people = |people: &str| {
        let part = format!("match: {{direction: consume, topics: [\"**\"], principals: {people}}}");
        rule_with(&part)
    };
    refused(&people("{}"), &["names nobody"]);
    refused(&people("{groups: {}}"), &["names no group"]);
    refused(&people("{groups: {any_of: []}}"), &["names nobody"]);
    refused(&people("{users: [\"User:jane\"]}"), &["without `User:`", "write jane"]);
    refused(&people("{users: [\"*\"]}"), &["not globs"]);
    refused(&people("{groups: {anyof: [a]}}"), &["did you mean `any_of`?"]);
}

#[test]
fn ids_are_unique_over_all_files() {
    let rule = rule_with("mode: enforce");
    let mut other = file_of(&rule);
    other.file = "p/u.yaml".to_owned();
    let problems = loaded(&[other, file_of(&rule)]).unwrap_err().to_string();
    assert!(problems.contains("the id `r` is used twice"), "{problems}");
    assert!(problems.contains("p/u.yaml:6:11"), "{problems}");
    assert!(problems.contains("the other one is at p/t.yaml:6:11"), "{problems}");
    refused(&rule.replace("id: r", "id: \"builtin:x\""), &["belong to built-in"]);
    refused(&rule.replace("id: r", "id: \"a b\""), &["an id has"]);
}

#[test]
fn exceptions_need_an_end_a_ticket_and_somebody() {
    let exception = |part: &str| {
        let mut parts = vec![
            ("id", "id: e"),
            ("rules", "rules: [r]"),
            ("principals", "principals: {users: [jane]}"),
            ("expires", "expires: 2030-01-01T00:00:00Z"),
            ("ticket", "ticket: SEC-1"),
        ];
        let (key, value) = part.split_once(':').unwrap();
        parts.retain(|(name, _)| *name != key);
        if !value.is_empty() {
            parts.push((key, part));
        }
        let body: Vec<&str> = parts.iter().map(|(_, text)| *text).collect();
        format!("{}  exceptions:\n    - {{{}}}\n", rule_with("mode: enforce"), body.join(", "))
    };
    assert!(loaded(&[file_of(&exception("id: x"))]).is_ok());
    refused(&exception("expires:"), &["`expires` is missing"]);
    refused(&exception("ticket:"), &["`ticket` is missing"]);
    refused(&exception("principals:"), &["`principals` is missing"]);
    refused(&exception("ticket: \" \""), &["names the ticket"]);
    refused(&exception("expires: tomorrow"), &["2026-12-31T00:00:00Z"]);
    refused(&exception("principals: {clients: [a]}"), &["any client can send any id"]);
    refused(&exception("rules: [rr]"), &["there is no rule `rr`"]);
    refused(&exception("id: r"), &["used twice"]);
}

#[test]
fn every_mistake_is_listed_and_bombs_are_refused() {
    let two =
        format!("{}{}", rule_with("action: {}"), rule_with("select: []").replace("id: r", "id: s"));
    assert_eq!(problems_of(&two).count(), 2);
    let many = "    - *r\n".repeat(10_001);
    let text = many.replacen("*r", "&r {id: a}", 1);
    assert!(loaded(&[file_of(&text)]).is_err());
    let large = source("a.yaml", &"#".repeat(1024 * 1024 + 1));
    assert!(loaded(&[large]).is_err());
    let aliases = "apiVersion: policy/v1\nkind: Policy\na: &a [x,x,x,x,x,x,x,x,x,x]\n\
                   b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                   d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    assert!(loaded(&[source("a.yaml", aliases)]).is_err());
    refused(
        &rule_with("when: \"topic.name.matches('(a{1000}){1000}')\""),
        &["too large once compiled"],
    );
}

/// Every cut of the shipped policies, and many mutations of them, come back.
#[test]
fn mutated_files_come_back() {
    let file =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/payments.yaml")).unwrap();
    for round in 0..400_usize {
        let mut bytes = file.clone();
        let at = (round * 7919) % bytes.len();
        match round % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at] = b"{}[]:-\"'|>&*!#\n \t\x00\xff"[round % 18],
            _ => drop(bytes.splice(at..at, file[(at / 2)..(at / 2 + 40).min(file.len())].to_vec())),
        }
        crate::policy::fuzz_one(&bytes);
    }
}

#[test]
fn resources_that_do_not_fit_together_are_told() {
    let deny =
        |matched: &str| format!("    - {{id: r, match: {{{matched}}}, action: {{deny: {{}}}}}}\n");
    for (matched, expected) in [
        (
            "direction: consume, topics: [a], consumer_groups: [b]",
            &["about topics and consumer_groups", "write two rules", "p/t.yaml:6:"][..],
        ),
        (
            "direction: admin, transactional_ids: [a], consumer_groups: [b], apis: [OffsetFetch]",
            &["about transactional_ids and consumer_groups"],
        ),
        ("direction: produce, consumer_groups: [b]", &["write direction: consume"]),
        ("direction: consume, transactional_ids: [b]", &["write direction: produce"]),
        ("direction: admin, transactional_ids: [b]", &["apis: [InitProducerId]"]),
        ("direction: consume, topics: [a], configs: [x]", &["`configs` belongs to admin rules"]),
        ("direction: admin, apis: [CreateTopic]", &["did you mean `CreateTopics`?"]),
        ("direction: admin, apis: [Fetch]", &["write direction: produce or direction: consume"]),
        ("direction: admin, apis: [DeleteGroups], topics: [a]", &["write consumer_groups"]),
        ("direction: admin, apis: [ElectLeaders], topics: [a]", &["cluster as a whole"]),
        (
            "direction: admin, apis: [DeleteTopics], configs: [x]",
            &["a request of DeleteTopics does not say", "CreateTopics"],
        ),
        ("direction: consume, consumer_groups: []", &["an empty list of consumer groups"]),
        ("direction: admin, consumer_group: [a]", &["did you mean `consumer_groups`?"]),
    ] {
        refused(&deny(matched), expected);
    }
    let when = |matched: &str, when: &str| {
        format!("    - {{id: r, match: {{{matched}}}, when: \"{when}\", action: {{deny: {{}}}}}}\n")
    };
    refused(
        &when("direction: produce, topics: [a]", "request.partitions > 1"),
        &["write direction: admin"],
    );
    refused(
        &when("direction: admin, apis: [DeleteTopics]", "request.partitions > 1"),
        &["such a rule is about CreateTopics, CreatePartitions"],
    );
    refused(
        &when("direction: consume, consumer_groups: [a]", "topic.name == 'a'"),
        &["topic.name is never known"],
    );
    refused(
        &when("direction: admin, topics: [a]", "request.partition > 1"),
        &["did you mean `partitions`?"],
    );
    refused(
        &when("direction: admin, topics: [a]", "request.configs['a'].b == 1"),
        &["there is no `b` in this"],
    );
}

#[test]
fn permits_are_checked_too() {
    let permit = |rest: &str| {
        format!("    []\n  permits:\n    - {{id: p, principals: {{users: [a]}}, {rest}}}\n")
    };
    for (rest, expected) in [
        ("apis: [DeleteTopic]", "did you mean `DeleteTopics`?"),
        ("apis: [OffsetCommit]", "it needs no permit"),
        ("apis: []", "permits nothing"),
        ("apis: [ElectLeaders], topics: [a]", "cluster as a whole"),
        ("apis: [AlterConfigs], configs: [a]", "write IncrementalAlterConfigs"),
        ("apis: [CreateTopics], configs: [\"!a\"]", "only exclusions"),
        ("apis: [CreateTopics], topic: [a]", "did you mean `topics`?"),
    ] {
        refused(&permit(rest), &[expected, "p/t.yaml:"]);
    }
}

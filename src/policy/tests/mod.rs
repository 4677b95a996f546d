//! What the policy promises, rule by rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod access;
mod examples;
mod mistakes;
mod resources;
mod semantics;

use std::collections::HashMap;

use super::{
    AccessQuery, Action, Ground, Operation, Plan, PolicySet, Problems, Query, RecordView, Resource,
    Secrets, Source, Verdict, Wanted, load,
};
use crate::field::{Fact, PatternBits, PatternIndex, Scope};
use crate::identity::{Groups, Mechanism, Principal, Subject};

struct TestKeys;

impl Secrets for TestKeys {
    fn secret(&self, key_ref: &str) -> Result<Vec<u8>, String> {
        if key_ref.contains("absent") {
            return Err(format!("{key_ref} cannot be read"));
        }
        Ok(format!("{key_ref:0>32}").into_bytes())
    }
}

fn source(file: &str, text: &str) -> Source {
    Source { file: file.to_owned(), text: text.to_owned() }
}

/// A file around a list of rules; the rules start at line 6.
fn file_of(rules: &str) -> Source {
    let head = "apiVersion: policy/v1\nkind: Policy\nmetadata: {name: t}\nspec:\n  rules:\n";
    source("p/t.yaml", &format!("{head}{rules}"))
}

fn loaded(sources: &[Source]) -> Result<PolicySet, Problems> {
    load(sources, &TestKeys, &Ground::default())
}

fn set_of(rules: &str) -> PolicySet {
    loaded(&[file_of(rules)]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems_of(rules: &str) -> Problems {
    loaded(&[file_of(rules)]).unwrap_err()
}

fn subject(name: &str, groups: Option<&[&str]>) -> Subject {
    let groups = match groups {
        Some(names) => Groups::known(names.iter().copied()),
        None => Groups::Unknown,
    };
    Subject { principal: Principal::user(None, name), groups, mechanism: Mechanism::OauthBearer }
}

fn query<'q>(subject: &'q Subject, action: Action, topic: &'q str) -> Query<'q> {
    Query { subject, client_id: "app", action, topic, now_seconds: 1_700_000_000 }
}

fn plan(set: &PolicySet, groups: Option<&[&str]>, action: Action, topic: &str) -> Plan {
    let subject = subject("jane", groups);
    std::sync::Arc::try_unwrap(set.plan(&query(&subject, action, topic))).unwrap()
}

fn produce(set: &PolicySet) -> Plan {
    plan(set, Some(&[]), Action::Produce, "t.x")
}

fn consume(set: &PolicySet) -> Plan {
    plan(set, Some(&[]), Action::Consume, "t.x")
}

fn admin<'q>(subject: &'q Subject, topic: &'q str) -> AccessQuery<'q> {
    AccessQuery {
        subject,
        client_id: "app",
        api: "CreateTopics",
        operation: Operation::Create,
        resource: Resource::Topic(topic),
        wanted: Wanted::default(),
        broker_knows_user: false,
        now_seconds: 1_700_000_000,
    }
}

/// What a test says of one part of a record.
enum Part {
    Readable(HashMap<String, Fact<'static>>),
    Undecodable,
}

/// A record of facts, keyed by the text of the pattern.
struct TestRecord<'p> {
    plan: &'p Plan,
    value: Part,
    key: Part,
    headers: HashMap<String, Fact<'static>>,
    key_text: Fact<'static>,
    size_bytes: u64,
    value_is_null: bool,
}

fn facts(facts: &[(&str, Fact<'static>)]) -> HashMap<String, Fact<'static>> {
    facts.iter().map(|(path, fact)| ((*path).to_owned(), fact.clone())).collect()
}

fn text(text: &'static str) -> Fact<'static> {
    Fact::Text(text.into())
}

fn record<'p>(plan: &'p Plan, value: &[(&str, Fact<'static>)]) -> TestRecord<'p> {
    TestRecord {
        plan,
        value: Part::Readable(facts(value)),
        key: Part::Readable(HashMap::new()),
        headers: HashMap::new(),
        key_text: Fact::Null,
        size_bytes: 100,
        value_is_null: false,
    }
}

impl TestRecord<'_> {
    fn judged(&self) -> Verdict {
        let mut verdict = Verdict::default();
        self.plan.judge(self, &mut verdict);
        verdict
    }
}

impl RecordView for TestRecord<'_> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn timestamp_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn offset(&self) -> i64 {
        7
    }

    fn partition(&self) -> i32 {
        3
    }

    fn key_is_null(&self) -> bool {
        self.key_text == Fact::Null
    }

    fn value_is_null(&self) -> bool {
        self.value_is_null
    }

    fn key_text(&self) -> Fact<'_> {
        self.key_text.clone()
    }

    fn header(&self, name: &str) -> Fact<'_> {
        self.headers.get(name).cloned().unwrap_or(Fact::Missing)
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    fn fact(&self, scope: Scope, pattern: PatternIndex) -> Fact<'_> {
        let written = self.plan.paths(scope).pattern(pattern);
        match scope {
            Scope::Headers => {
                let mut reached =
                    self.headers.iter().filter(|(name, _)| written.reaches_member(name));
                reached.next().map_or(Fact::Missing, |(_, fact)| fact.clone())
            }
            Scope::Value | Scope::Key => {
                let part = if scope == Scope::Value { &self.value } else { &self.key };
                match part {
                    Part::Undecodable => Fact::Undecodable,
                    Part::Readable(facts) => {
                        facts.get(written.as_str()).cloned().unwrap_or(Fact::Missing)
                    }
                }
            }
        }
    }

    fn decodable(&self, scope: Scope) -> bool {
        let part = match scope {
            Scope::Value => &self.value,
            Scope::Key => &self.key,
            Scope::Headers => return true,
        };
        matches!(part, Part::Readable(_))
    }
}

/// The bits of the patterns of a plan with these texts.
fn bits(plan: &Plan, scope: Scope, texts: &[&str]) -> PatternBits {
    let numbered = plan.paths(scope).patterns().iter().zip(0..);
    numbered.filter(|(p, _)| texts.contains(&p.as_str())).map(|(_, n)| n).collect()
}

/// The id and the name of the mask that a value under these patterns gets.
fn masked_by(plan: &Plan, verdict: &Verdict, texts: &[&str]) -> Option<(String, &'static str)> {
    let bits = bits(plan, Scope::Value, texts);
    let mask = plan.mask_for(verdict, Scope::Value, &bits)?;
    Some((mask.rule.to_string(), mask.mask.name()))
}

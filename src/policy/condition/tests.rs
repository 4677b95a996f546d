//! Conditions: what they mean, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::evaluate::Scene;
use super::{Condition, DEPTH_MAX, EXPRESSION_CHARACTERS_MAX};
use crate::field::{Fact, PatternIndex, Scope};
use crate::identity::{Groups, Mechanism, Principal, Subject};
use crate::policy::query::{Action, Query, RecordView};

/// Facts by the paths of the condition under test.
struct Facts<'c>(&'c Condition);

impl RecordView for Facts<'_> {
    fn size_bytes(&self) -> u64 {
        120
    }

    fn timestamp_ms(&self) -> i64 {
        1_767_225_600_000
    }

    fn offset(&self) -> i64 {
        42
    }

    fn partition(&self) -> i32 {
        3
    }

    fn key_is_null(&self) -> bool {
        false
    }

    fn value_is_null(&self) -> bool {
        false
    }

    fn key_text(&self) -> Fact<'_> {
        Fact::Text("k-1".into())
    }

    fn header(&self, name: &str) -> Fact<'_> {
        match name {
            "h" => Fact::Text("v".into()),
            "null" => Fact::Null,
            "twice" => Fact::Ambiguous,
            _ => Fact::Missing,
        }
    }

    fn has_header(&self, name: &str) -> bool {
        matches!(name, "h" | "null" | "twice")
    }

    fn fact(&self, scope: Scope, pattern: PatternIndex) -> Fact<'_> {
        let path = self.0.patterns(scope)[usize::from(pattern)].as_str();
        match (scope, path) {
            (Scope::Key, "$.id") => Fact::Number("7"),
            (Scope::Value, "$.n") => Fact::Number("10"),
            (Scope::Value, "$.d") => Fact::Number("10.5"),
            (Scope::Value, "$.big") => Fact::Number("9007199254740993"),
            (Scope::Value, "$.s" | "$.a.b['odd name']" | "$.size") => Fact::Text("Grüße".into()),
            (Scope::Value, "$.t") => Fact::Bool(true),
            (Scope::Value, "$.null") => Fact::Null,
            (Scope::Value, "$.list") => Fact::List,
            (Scope::Value, "$.twice") => Fact::Ambiguous,
            (Scope::Value, "$.broken") => Fact::Undecodable,
            _ => Fact::Missing,
        }
    }

    fn decodable(&self, _: Scope) -> bool {
        true
    }
}

fn with_groups(expression: &str, groups: Groups) -> Option<bool> {
    let condition =
        Condition::compile(expression).unwrap_or_else(|fault| panic!("{expression}: {fault:?}"));
    let principal = Principal::user(None, "jane");
    let subject = Subject { principal, groups, mechanism: Mechanism::OauthBearer };
    let query = Query {
        subject: &subject,
        client_id: "app-1",
        action: Action::Consume,
        topic: "payments.eu.captured",
        now_seconds: 0,
    };
    // A plan evaluates in two steps: first what needs no record, then the rest.
    let residue = condition.root.residue(&Scene::of_query(&query), &|_, pattern| pattern);
    let record = Facts(&condition);
    let answer = residue.holds(&Scene::of_record(&record)).ok();
    let whole = Scene { query: Some(&query), ..Scene::of_record(&record) };
    assert_eq!(condition.root.holds(&whole).ok(), answer, "both ways agree on {expression}");
    answer
}

/// `Some(truth)`, or `None` where it cannot be evaluated.
fn answer(expression: &str) -> Option<bool> {
    with_groups(expression, Groups::known(["analytics", "humans"]))
}

#[test]
fn compares_exactly_and_within_one_kind() {
    for truth in [
        "value.n == 10",
        "value.n == 10.0",
        "value.d > 10",
        "value.n < 10.25",
        "value.n >= 10",
        "value.big == 9007199254740993",
        "value.big != 9007199254740992.0",
        "value.big > 9007199254740992.0",
        "value.s == 'Grüße'",
        "value.s > 'A'",
        "value.t == true",
        "value.t",
        "value.null == null",
        "value.s != null",
        "value.null != 'a'",
        "record.key == 'k-1'",
        "record.key.id == 7",
        "record.size == 120",
        "record.partition == 3",
        "record.offset == 42",
        "record.timestamp >= timestamp('2026-01-01T00:00:00Z')",
        "!record.value_is_null",
        "topic.name == 'payments.eu.captured'",
        "client.id == 'app-1'",
        "principal.name == 'jane'",
        "principal.auth == 'OAUTHBEARER'",
        "principal.groups_known",
        "value.a.b['odd name'] == 'Grüße'",
        "record.headers['h'] == 'v'",
        "record.headers.h == 'v'",
        "record.headers['null'] == null",
        "-value.n == -10",
        "value.n + 1 == 11",
        "7 / 2 == 3",
        "7 % 4 == 3",
        "value.d * 2 == 21.0",
        "value.n - 0.5 == 9.5",
        "1e3 == 1000",
        "r'\\d' == '\\\\d'",
    ] {
        assert_eq!(answer(truth), Some(true), "{truth}");
        assert_eq!(answer(&format!("!({truth})")), Some(false), "{truth}");
    }
}

#[test]
fn what_cannot_be_compared_cannot_be_evaluated() {
    for error in [
        "value.absent == 1",
        "value.s == 1",
        "value.s > 1",
        "value.n == 'x'",
        "value.t == 1",
        "value.list == 'x'",
        "value.twice == 1",
        "value.broken == 1",
        "value.null < 1",
        "value.n",
        "!value.n",
        "value.n / 0 == 1",
        "value.n % 0 == 1",
        "value.s + 1 == 2",
        "value.absent != 1",
        "record.headers['absent'] == 'x'",
        "record.headers['twice'] == 'x'",
        "size(value.n) > 0",
        "value.n.startsWith('1')",
        "value.n in ['a']",
        "has(value.twice)",
        "has(value.broken)",
        "value.absent ? true : true",
        "value.absent in [1, 2]",
        "170141183460469231731687 * 170141183460469231731687 * 1000000000 > 0",
    ] {
        let Ok(condition) = Condition::compile(error) else { continue };
        drop(condition);
        assert_eq!(answer(error), None, "{error}");
    }
}

#[test]
fn and_or_decide_in_any_order() {
    for (expression, expected) in [
        ("value.absent == 1 && false", Some(false)),
        ("false && value.absent == 1", Some(false)),
        ("value.absent == 1 || true", Some(true)),
        ("true || value.absent == 1", Some(true)),
        ("value.absent == 1 && true", None),
        ("value.absent == 1 || false", None),
        ("value.n == 10 && (value.absent == 1 || value.t)", Some(true)),
        ("value.n == 10 ? value.t : value.absent == 1", Some(true)),
        ("topic.name == 'x' && value.absent == 1", Some(false)),
    ] {
        assert_eq!(answer(expression), expected, "{expression}");
    }
}

#[test]
fn presence_lists_and_texts() {
    for (expression, expected) in [
        ("has(value.n)", Some(true)),
        ("has(value.absent)", Some(false)),
        ("has(value.null)", Some(true)),
        ("has(record.key.id)", Some(true)),
        ("has(record.headers.h)", Some(true)),
        ("'h' in record.headers", Some(true)),
        ("'twice' in record.headers", Some(true)),
        ("'H' in record.headers", Some(false)),
        ("value.s in record.headers", Some(false)),
        ("value.n in [1, 10]", Some(true)),
        ("value.n in [1, 2]", Some(false)),
        ("value.n in []", Some(false)),
        ("value.n in ['x', 10]", Some(true)),
        ("value.null in ['x', null]", Some(true)),
        ("'humans' in principal.groups", Some(true)),
        ("'x' in principal.groups", Some(false)),
        ("principal.name in ['jane', 'joe']", Some(true)),
        ("principal.groups.exists(g, g.startsWith('hum'))", Some(true)),
        ("principal.groups.all(g, g != value.s)", Some(true)),
        ("['Gr', 'x'].exists(p, value.s.startsWith(p))", Some(true)),
        ("['a', 'b'].exists(p, topic.name.contains(p + '.'))", None),
        ("size(principal.groups) == 2", Some(true)),
        ("size(value.s) == 5", Some(true)),
        ("value.s.size() == 5", Some(true)),
        ("size(['a']) == 1", Some(true)),
        ("value.size == 'Grüße'", Some(true)),
        ("topic.name.endsWith('.captured')", Some(true)),
        ("topic.name.matches('eu')", Some(true)),
        ("topic.name.matches('^eu')", Some(false)),
        ("value.s.contains('ü')", Some(true)),
    ] {
        if Condition::compile(expression).is_err() {
            assert_eq!(expected, None, "{expression}");
            continue;
        }
        assert_eq!(answer(expression), expected, "{expression}");
    }
}

#[test]
fn groups_that_are_not_known_cannot_be_evaluated() {
    let unknown = |expression: &str| with_groups(expression, Groups::Unknown);
    assert_eq!(unknown("'a' in principal.groups"), None);
    assert_eq!(unknown("!('a' in principal.groups)"), None);
    assert_eq!(unknown("principal.groups.exists(g, value.s == g)"), None);
    assert_eq!(unknown("size(principal.groups) == 0"), None);
    assert_eq!(unknown("value.s in principal.groups"), None);
    assert_eq!(unknown("principal.groups_known"), Some(false));
    assert_eq!(unknown("principal.groups_known && 'a' in principal.groups"), Some(false));
}

#[test]
fn mistakes_are_found_when_a_policy_is_loaded() {
    for (expression, start, part) in [
        ("", 0, "ends too early"),
        ("1", 0, "must be a bool"),
        ("record.size > 'a'", 0, "cannot be compared"),
        ("principal.name > 5", 0, "cannot be compared"),
        ("topic.name == null", 0, "cannot be compared"),
        ("record.timestamp > 5", 0, "cannot be compared"),
        ("a < b < c", 6, "do not chain"),
        ("value == 1", 0, "alone"),
        ("record == 1", 0, "alone"),
        ("principal.groups == 1", 0, "no value by itself"),
        ("value.tags[0] == 1", 0, "by name"),
        ("'x' in value.tags", 7, "looks into"),
        ("5 in principal.groups", 0, "never among them"),
        ("record.size in ['a']", 16, "never"),
        ("value.a in [value.b]", 12, "literals only"),
        ("record.size.x == 1", 0, "there is no `x`"),
        ("topic.name.matches(value.re)", 19, "written out"),
        ("has(topic.name)", 4, "asks for a field"),
        ("nosuch(1)", 0, "no function `nosuch`"),
        ("startsWith('a')", 0, "no function"),
        ("value.a.exists(x, true)", 0, "over a written list"),
        ("['a'].exists(x, ['b'].exists(y, x == y))", 16, "do not nest"),
        ("x == 1", 0, "not a known name"),
        ("['a'].exists(x, true) && x == 'a'", 25, "not a known name"),
        ("'open", 0, "no closing quote"),
        ("'\\q' == 'q'", 1, "escape"),
        ("99999999999999999999 > 1", 0, "whole numbers"),
        ("12abc > 1", 0, "neither"),
        ("value.a == 1 value.b", 13, "should have ended"),
        ("value.a & true", 8, "means nothing"),
        ("(value.a == 1", 13, "expected `)`"),
        ("timestamp('soon') > timestamp('2026-01-01T00:00:00Z')", 10, "no point in time"),
        ("'a' + 'b' == 'ab'", 0, "needs a number"),
    ] {
        let fault = match Condition::compile(expression) {
            Ok(_) => panic!("{expression} compiled"),
            Err(fault) => fault,
        };
        assert!(fault.message.contains(part), "{expression}: {fault:?}");
        assert_eq!(fault.start, start, "{expression}: {fault:?}");
    }
}

#[test]
fn size_and_depth_are_limited() {
    let long = format!("topic.name == '{}'", "x".repeat(EXPRESSION_CHARACTERS_MAX));
    assert!(Condition::compile(&long).unwrap_err().message.contains("at most"));
    let deep = |open: &str, close: &str| format!("{}true{}", open.repeat(900), close.repeat(900));
    for expression in [deep("(", ")"), deep("!", ""), deep("[", "]"), deep("true ? ", " : false")] {
        if expression.chars().count() <= EXPRESSION_CHARACTERS_MAX {
            let fault = Condition::compile(&expression).unwrap_err();
            assert!(fault.message.contains("nested deeper"), "{fault:?}");
        }
    }
    let sum = format!("1{} > 0", "+1".repeat(DEPTH_MAX + 1));
    assert!(Condition::compile(&sum).unwrap_err().message.contains("nested deeper"));
    let members = format!("value{} == 1", ".a".repeat(DEPTH_MAX + 1));
    assert!(Condition::compile(&members).unwrap_err().message.contains("nested deeper"));
    // A long list of conditions is not a deep one.
    let wide = vec!["value.a == 1"; 100].join(" && ");
    assert!(Condition::compile(&wide).is_ok());
    let within = format!("{}true{}", "(".repeat(DEPTH_MAX - 1), ")".repeat(DEPTH_MAX - 1));
    assert!(Condition::compile(&within).is_ok());
}

/// Mutations of conditions that compile, from a fixed seed: none of them may panic.
#[test]
fn mutated_conditions_come_back() {
    const SEEDS: [&str; 6] = [
        "value.amount >= 50000.0 && value.currency in ['EUR', 'USD']",
        "!('x-retention' in record.headers) || record.headers['a'].matches('^[0-9]+$')",
        "principal.groups.exists(g, g.startsWith('hum') && value.s != g) ? value.t : false",
        "has(value.a['b c']) && size(record.key) % 2 == -1",
        "record.timestamp > timestamp('2026-01-01T00:00:00Z')",
        "topic.name.matches('^[a-z0-9]+(\\\\.[a-z0-9-]+){2,4}$')",
    ];
    const SPLICE: &[u8] = b"()[]{}'\"\\.!&|<>=?:,+-*/% inxr0189e_\xc3\xa9\x00";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..20_000 {
        let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(4) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, SPLICE[random(SPLICE.len())]),
                2 => bytes[at] = SPLICE[random(SPLICE.len())],
                _ => {
                    let from = random(bytes.len());
                    let piece: Vec<u8> = bytes[from..].iter().copied().take(12).collect();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'1');
            }
        }
        crate::policy::fuzzing::condition(&String::from_utf8_lossy(&bytes));
    }
}

//! What the reader refuses, and what it says.
#![allow(clippy::unwrap_used)]

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Rule {
    id: At<String>,
    #[serde(default)]
    mask: OneOrMany<Form>,
    when: Option<Kind>,
    password: Option<u16>,
    nested: Option<Box<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Kind {
    Redact,
    Remove,
}

#[derive(Debug)]
#[allow(dead_code)]
enum Form {
    Text(String),
    Map(Inner),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    hmac: At<String>,
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(deserializer, "a mask", |text| Ok(Form::Text(text)), Form::Map)
    }
}

fn error(text: &str) -> String {
    read::<Rule>("a.yaml", text).unwrap_err().to_string()
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_a_suggestion() {
    assert_eq!(
        error("id: x\nmaskk: []\n"),
        "error: unknown key `maskk`\n  --> a.yaml:2:1\n   | maskk: []\n   | ^^^^^\n  \
         help: did you mean `mask`?"
    );
    assert_eq!(
        error("id: x\nzebra: 1\n"),
        "error: unknown key `zebra`\n  --> a.yaml:2:1\n   | zebra: 1\n   | ^^^^^\n  \
         help: the keys here are id, mask, when, password, nested"
    );
}

#[test]
fn an_unknown_value_is_named_with_its_place_and_a_suggestion() {
    assert_eq!(
        error("id: x\nwhen: redcat\n"),
        "error: unknown value `redcat`\n  --> a.yaml:2:7\n   | when: redcat\n   |       ^^^^^^\n  \
         help: did you mean `redact`?"
    );
}

#[test]
fn places_survive_in_either_form() {
    let rule: Rule = read("a.yaml", "id: x\nmask: [clear, {hmac: k}]\n").unwrap();
    let Some(Form::Map(inner)) = rule.mask.0.get(1).map(|at| &at.value) else { unreachable!() };
    assert_eq!((inner.hmac.referenced.line(), inner.hmac.referenced.column()), (2, 22));
    let rule: Rule = read("a.yaml", "id: x\nmask: {hmac: k}\n").unwrap();
    let Some(Form::Map(inner)) = rule.mask.0.first().map(|at| &at.value) else { unreachable!() };
    assert_eq!(inner.hmac.referenced.column(), 14);
    let rule: Rule = read("a.yaml", "id: x\nmask: clear\n").unwrap();
    assert_eq!(rule.mask.0.first().unwrap().referenced.column(), 7);
    assert_eq!(
        error("id: x\nmask:\n  - hmca: k\n"),
        "error: unknown key `hmca`\n  --> a.yaml:3:5\n   |   - hmca: k\n   |     ^^^^\n  \
         help: did you mean `hmac`?"
    );
}

#[test]
fn duplicate_and_missing_keys_merges_and_second_documents_are_refused() {
    assert!(error("id: x\nid: y\n").contains("the key `id` is written twice\n  --> a.yaml:2:1"));
    assert!(error("mask: a\n").contains("the key `id` is missing"));
    assert!(error("id: x\nnested: {<<: {id: y}}\n").contains("merge keys"));
    assert!(error("id: x\n---\nid: y\n").contains("more than one document"));
    assert!(error("id: !foo x\n").contains("tag"));
    assert!(error("id: [a\n").contains("a.yaml:"));
    assert!(error("").contains("a.yaml"));
}

#[test]
fn bombs_are_refused() {
    let wide = "x: &a [1,1,1,1,1,1,1,1,1]\n";
    let mut bomb = wide.to_owned();
    for (name, of) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip("abcdefg".chars()) {
        bomb.push_str(&format!("{name}x: &{name} [{}]\n", vec![format!("*{of}"); 9].join(",")));
    }
    let refused = read::<serde_json::Value>("a.yaml", &bomb).unwrap_err();
    assert!(refused.line > 0, "{refused}");
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(read::<serde_json::Value>("a.yaml", &deep).is_err());
    let block: String = (0..60).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect();
    assert!(read::<serde_json::Value>("a.yaml", &block).is_err());
    let nodes = format!("[{}]", "1,".repeat(NODES_MAX + 1));
    assert!(read::<serde_json::Value>("a.yaml", &nodes).is_err());
    let long = format!("id: {}", "x".repeat(FILE_BYTES_MAX));
    assert!(error(&long).starts_with("error: the file has 1048580 bytes"));
}

#[test]
fn a_secret_is_never_shown() {
    for text in [
        "id: x\npassword: hunter2\n",
        "id: x\npassword:\n  hunter2\n",
        "id: x\nnested: {id: y, password: hunter2}\n",
        "id: x\n\"password\": 'hunter2'\n",
    ] {
        let shown = error(text);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("(not shown)"), "{shown}");
    }
}

#[test]
fn a_terminal_escape_is_not_passed_on() {
    assert!(!error("id: x\n\"k\u{7f}\": 1 # \u{1b}[31m\n").contains('\u{1b}'));
}

#[test]
fn nearest_prefers_the_closest_and_gives_up_far_away() {
    assert_eq!(nearest("listn", ["listen", "limits"]), Some("listen"));
    assert_eq!(nearest("policy", ["policies", "audit"]), None);
    assert_eq!(nearest("limit", ["limits", "listen"]), Some("limits"));
    assert_eq!(nearest("xyz", ["abc"]), None);
}

#[test]
fn a_place_can_be_given_by_hand() {
    let rule: Rule = read("a.yaml", "id: wrong\n").unwrap();
    let text = "id: wrong\n";
    let shown = Diagnostic::at("a.yaml", text, &rule.id, "no such rule")
        .did_you_mean("wrong", ["wring"])
        .to_string();
    assert_eq!(
        shown,
        "error: no such rule\n  --> a.yaml:1:5\n   | id: wrong\n   |     ^^^^^\n  \
         help: did you mean `wring`?"
    );
    assert_eq!(
        Diagnostic::of_file("a.yaml", "cannot be read").to_string(),
        "error: cannot be read\n  --> a.yaml"
    );
}

//! What patterns reach, and what conditions learn from it.

use super::*;
use crate::field::FieldKind;
use crate::format::{FORMATS, Opaque, format_named};

#[test]
fn paths_reach_members_elements_and_everything_below() {
    let document = r#"{"a":{"b":1,"c":[2,{"b":"x"}]},"b":null,"é":[[3]]}"#;
    let expect = |pattern: &str, values: &[&str]| {
        assert_eq!(reached(&[pattern], document).unwrap(), values, "{pattern}");
    };
    expect("$", &[document]);
    expect("$.a.b", &["1"]);
    expect("$.b", &["null"]);
    expect("$.b.c.d", &[]);
    expect("$.a.c", &[r#"[2,{"b":"x"}]"#]);
    expect("$.a.c[*]", &["2", r#"{"b":"x"}"#]);
    expect("$.a.**", &["1", "2", "\"x\""]);
    expect("$.**", &["1", "2", "\"x\"", "null", "3"]);
    expect("$.**.b", &["1", "\"x\"", "null"]);
    expect("$.*", &[r#"{"b":1,"c":[2,{"b":"x"}]}"#, "null", "[[3]]"]);
    expect("$.é", &["[[3]]"]);
    expect("$.é[*]", &["[3]"]);
    expect("$.é[*][*]", &["3"]);
    expect("$.é.*", &["3"]);
    expect("B", &["1", "\"x\"", "null"]);
    expect(
        "?",
        &[r#"{"b":1,"c":[2,{"b":"x"}]}"#, "1", r#"[2,{"b":"x"}]"#, "\"x\"", "null", "[[3]]"],
    );
}

#[test]
fn lists_are_transparent_to_names() {
    let flat = r#"[{"items":[{"email":"x"},{"email":"y"},[{"email":"z"}]]}]"#;
    for pattern in ["$.items.email", "$.items[*].email", "$[*].items.email", "*MAIL"] {
        assert_eq!(reached(&[pattern], flat).unwrap(), ["\"x\"", "\"y\"", "\"z\""], "{pattern}");
    }
}

#[test]
fn elements_are_those_of_the_outer_list_only() {
    let document = r#"{"a":[[{"c":1}]]}"#;
    let expected = [r#"[{"c":1}]"#, "1"];
    assert_eq!(reached(&["$.a[*]", "$.a.c"], document).unwrap(), expected);
}

#[test]
fn one_value_has_one_hit_that_names_every_pattern() {
    let patterns = ["$.a.b", "$['a'].b", "$.a.*", "$.a.**", "*b*", "$.c", "$.a"];
    let document = br#"{"a":{"b":1}}"#;
    let mut hits = Hits::new();
    Json.scan(document, &paths(&patterns), &mut hits).unwrap();
    let found: Vec<Vec<u16>> = hits.iter().map(|hit| hit.patterns.iter().collect()).collect();
    assert_eq!(found, [vec![6], vec![0, 1, 2, 3, 4]]);
    assert_eq!(
        hits.iter().map(|hit| hit.kind).collect::<Vec<_>>(),
        [FieldKind::Object, FieldKind::Number]
    );
}

#[test]
fn hundreds_of_patterns_are_told_apart() {
    let patterns: Vec<String> = (0..500).map(|n| format!("$.group{}.name{n}", n % 7)).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let set = paths(&patterns);
    let mut hits = Hits::new();
    for n in [0, 63, 64, 127, 499] {
        let document = format!(r#"{{"group{}":{{"name{n}":{n}}}}}"#, n % 7);
        Json.scan(document.as_bytes(), &set, &mut hits).unwrap();
        let found: Vec<_> = hits.iter().flat_map(|hit| hit.patterns.iter()).collect();
        assert_eq!(found, [n]);
        let duplicate = format!(r#"{{"group{}":{{"name{n}":1,"name{n}":2}}}}"#, n % 7);
        Json.scan(duplicate.as_bytes(), &set, &mut hits).unwrap();
        assert_eq!(hits.fact(duplicate.as_bytes(), n), Fact::Ambiguous);
        assert_eq!(hits.fact(duplicate.as_bytes(), n ^ 1), Fact::Missing);
    }
    let too_many: Vec<_> = (0..513).map(|_| PathPattern::path("$.a").unwrap()).collect();
    let outcome = Json.scan(b"{}", &PathSet::new(too_many), &mut hits);
    assert_eq!(outcome, Err(Undecodable::TooManyPatterns));
}

#[test]
fn facts_are_what_is_written() {
    assert_eq!(
        fact("$.a", r#"{"a":12345678901234567890.10}"#),
        Fact::Number("12345678901234567890.10")
    );
    assert_eq!(fact("$.a", r#"{"a":"x\u00e9\n\ud83d\ude00"}"#), Fact::Text("xé\n😀".into()));
    assert_eq!(fact("$.a", r#"{"a":true}"#), Fact::Bool(true));
    assert_eq!(fact("$.a", r#"{"a":false}"#), Fact::Bool(false));
    assert_eq!(fact("$.a", r#"{"a":null}"#), Fact::Null);
    assert_eq!(fact("$.a", r#"{"a":[]}"#), Fact::List);
    assert_eq!(fact("$.a", r#"{"a":{}}"#), Fact::Object);
    assert_eq!(fact("$.a", r#"{"b":1}"#), Fact::Missing);
    assert_eq!(fact("$.a.b", r#"{"a":null}"#), Fact::Missing);
    assert_eq!(fact("$.a.b", r#"{"a":{}}"#), Fact::Missing);
    assert_eq!(fact("$.a.b", r#"{"a":[{"b":1},{}]}"#), Fact::Number("1"));
    assert_eq!(fact("$.a.b", r#"{"a":[{"b":1},{"b":1}]}"#), Fact::Ambiguous);
}

#[test]
fn facts_of_another_document_or_a_failed_scan_are_undecodable() {
    let mut hits = Hits::new();
    assert_eq!(hits.fact(b"{}", 0), Fact::Undecodable);
    Json.scan(br#"{"a":1}"#, &paths(&["$.a"]), &mut hits).unwrap();
    assert_eq!(hits.fact(br#"{"a":1 }"#, 0), Fact::Undecodable);
    Json.scan(br#"{"a":1"#, &paths(&["$.a"]), &mut hits).unwrap_err();
    assert_eq!(hits.fact(br#"{"a":1"#, 0), Fact::Undecodable);
    assert!(hits.is_empty());
}

#[test]
fn opaque_documents_are_one_text() {
    let mut hits = Hits::new();
    Opaque.scan(b"a \"b\" \\n", &paths(&["$", "$.**"]), &mut hits).unwrap();
    assert_eq!(hits.fact(b"a \"b\" \\n", 0), Fact::Text("a \"b\" \\n".into()));
    let mut out = Vec::new();
    Opaque.splice(b"a \"b\" \\n", &hits, &[(0, Masked::Text("\"t"))], &mut out).unwrap();
    assert_eq!(out, b"\"t");
    Opaque.scan(b"", &paths(&["$"]), &mut hits).unwrap();
    assert_eq!(hits.fact(b"", 0), Fact::Text("".into()));
    for pattern in ["$.a", "$[*]", "$.**.a", "*a*"] {
        let outcome = Opaque.scan(b"x", &paths(&[pattern]), &mut hits);
        assert_eq!(outcome, Err(Undecodable::UnknownShape), "{pattern}");
    }
    let outcome = Opaque.scan(b"x\xff", &paths(&["$"]), &mut hits);
    assert_eq!(outcome, Err(Undecodable::NotUtf8 { at: 1 }));
}

#[test]
fn every_row_keeps_its_name() {
    for row in FORMATS {
        assert_eq!(row.name, row.format.name());
        assert!(format_named(row.name).is_some() && !row.doc.is_empty());
    }
    assert!(format_named("yaml").is_none());
}

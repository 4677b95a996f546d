//! Threat T31: documents that two readers read differently, and documents made to hurt.

use super::*;
use crate::format::{DEPTH_MAX, HITS_MAX};

fn refused(document: impl AsRef<[u8]>) -> Undecodable {
    for patterns in [&["$.a"] as &[&str], &["*a*"], &["$.**"], &[]] {
        let mut hits = Hits::new();
        let outcome = Json.scan(document.as_ref(), &paths(patterns), &mut hits);
        assert!(outcome.is_err(), "{patterns:?}");
    }
    Json.scan(document.as_ref(), &paths(&[]), &mut Hits::new()).unwrap_err()
}

#[test]
fn t31_every_duplicate_is_a_hit_and_the_fact_is_ambiguous() {
    let document = r#"{"ssn":"A","x":1,"ssn":"B"}"#;
    assert_eq!(reached(&["$.ssn"], document).unwrap(), ["\"A\"", "\"B\""]);
    assert_eq!(fact("$.ssn", r#"{"ssn":"A","ssn":"A"}"#), Fact::Ambiguous);
    assert_eq!(masked(&["$.ssn"], document, Masked::Null), r#"{"ssn":null,"x":1,"ssn":null}"#);
    assert_eq!(masked(&["$.ssn"], document, Masked::Remove), r#"{"x":1}"#);
}

#[test]
fn t31_a_duplicate_on_the_way_makes_the_fact_ambiguous() {
    assert_eq!(fact("$.a.b", r#"{"a":{"b":1},"a":{}}"#), Fact::Ambiguous);
    assert_eq!(fact("$.a.b", r#"{"a":{},"a":{}}"#), Fact::Ambiguous);
    assert_eq!(fact("$.a.b", r#"{"a":{"b":1},"a":null}"#), Fact::Ambiguous);
    assert_eq!(fact("$.a.b", r#"{"a":{"b":1},"\u0061":{}}"#), Fact::Ambiguous);
    assert_eq!(fact("$.a.b", r#"[{"a":{"b":1}},{"a":{}}]"#), Fact::Number("1"));
    assert_eq!(fact("$.a.b", r#"{"x":1,"x":2,"a":{"b":1,"y":1,"y":2}}"#), Fact::Number("1"));
    assert_eq!(reached(&["$.a.b"], r#"{"a":{"b":1},"a":{"b":2}}"#).unwrap(), ["1", "2"]);
}

#[test]
fn t31_facts_of_patterns_that_wander_are_ambiguous() {
    assert_eq!(fact("$.*.b", r#"{"x":{"b":1},"x":{}}"#), Fact::Ambiguous);
    assert_eq!(fact("*b", r#"{"x":{"b":1},"x":{}}"#), Fact::Ambiguous);
    assert_eq!(fact("$.**.b", r#"{"x":{"b":1},"x":{}}"#), Fact::Ambiguous);
    assert_eq!(fact("$.**.b", r#"{"x":{}}"#), Fact::Missing);
}

#[test]
fn t31_names_are_compared_without_their_escapes() {
    for document in
        [r#"{"\u0065mail":1}"#, r#"{"ema\u0069l":1}"#, r#"{"\u0065\u006d\u0061\u0069\u006C":1}"#]
    {
        assert_eq!(reached(&["$.email"], document).unwrap(), ["1"]);
        assert_eq!(reached(&["E*L"], document).unwrap(), ["1"]);
        assert_eq!(reached(&["$.Email"], document).unwrap(), [""; 0]);
    }
    assert_eq!(reached(&[r"$['a\'\\b']"], r#"{"a'\\b":1}"#).unwrap(), ["1"]);
    assert_eq!(reached(&["$['😀/']"], r#"{"\ud83d\ude00\/":1}"#).unwrap(), ["1"]);
    assert_eq!(reached(&["$['']"], r#"{"":1}"#).unwrap(), ["1"]);
}

#[test]
fn t31_another_shape_on_the_way_is_undecodable() {
    let unknown = |pattern: &str, document: &str| {
        let outcome = reached(&[pattern], document);
        assert_eq!(outcome, Err(Undecodable::UnknownShape), "{pattern} {document}");
    };
    unknown("$.a.b", r#"{"a":"{\"b\":1}"}"#);
    unknown("$.a.b", r#"{"a":1}"#);
    unknown("$.a.b", r#"{"a":[1]}"#);
    unknown("$.a.b", r#"{"a":[{"b":1},true]}"#);
    unknown("$.a.b", r#""text""#);
    unknown("$.a[*]", r#"{"a":{"b":1}}"#);
    unknown("$.a[*].b", r#"{"a":"x"}"#);
    unknown("$.a.*", r#"{"a":"x"}"#);
    unknown("$.a.*.b", r#"{"a":{"x":"y"}}"#);
    unknown("$.a.*.b", r#"{"a":["y"]}"#);
    unknown("$.**.a.b", r#"{"x":{"a":1}}"#);
    assert_eq!(fact("$.a.b", r#"{"a":1}"#), Fact::Undecodable);
    // `.**` takes the scalar itself, and null hides nothing.
    assert_eq!(reached(&["$.a.**"], r#"{"a":"x"}"#).unwrap(), ["\"x\""]);
    assert_eq!(reached(&["$.a.b"], r#"{"a":null}"#).unwrap(), [""; 0]);
    assert_eq!(reached(&["$.a.b"], r#"{"a":[null]}"#).unwrap(), [""; 0]);
}

#[test]
fn t31_a_malformed_document_is_malformed_whatever_else_it_is() {
    assert_eq!(reached(&["$.a.b"], r#"{"a":1,"#), Err(Undecodable::Malformed { at: 7 }));
    assert_eq!(refused(r#"{"ssn":"A","x":[1,}"#), Undecodable::Malformed { at: 18 });
}

#[test]
fn t31_byte_order_marks_and_other_encodings_are_refused() {
    assert_eq!(refused(b"\xef\xbb\xbf{}"), Undecodable::ByteOrderMark);
    refused(b"{\0\"\0a\0");
    refused(b"\xfe\xff\0{\0}");
    assert_eq!(refused(b"{\"a\":\"\xff\"}"), Undecodable::NotUtf8 { at: 6 });
    assert_eq!(refused(b"\"\xed\xa0\x80\""), Undecodable::NotUtf8 { at: 1 });
    assert_eq!(refused(b"\"\xc0\x80\""), Undecodable::NotUtf8 { at: 1 });
}

#[test]
fn t31_bytes_behind_the_document_are_refused() {
    assert_eq!(refused("{} {}"), Undecodable::TrailingBytes { at: 3 });
    assert_eq!(refused("{}\0"), Undecodable::TrailingBytes { at: 2 });
    assert_eq!(refused("1,"), Undecodable::TrailingBytes { at: 1 });
    assert_eq!(refused("null]"), Undecodable::TrailingBytes { at: 4 });
    assert_eq!(reached(&["$"], " \t\r\n1 \t\r\n").unwrap(), ["1"]);
}

#[test]
fn t31_what_is_not_json_is_refused() {
    for document in [
        "",
        " ",
        "NaN",
        "Infinity",
        "-Infinity",
        "+1",
        "-",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "True",
        "nul",
        "nullx",
        "tru",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{]",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        "{a:1}",
        "{'a':1}",
        r#"{"a":1 "b":2}"#,
        r#"{"a" 1}"#,
        r#"{1:2}"#,
        "\"",
        "\"a",
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\""#,
        "\"a\nb\"",
        "\"\u{0}\"",
        "\"\u{1f}\"",
        "// c\n1",
        "/**/1",
        "[\u{b}1]",
        "\u{a0}1",
        r#"{"a":[}"#,
        r#"{"\u":1}"#,
        "[[]",
        "{\"a\":{}",
        "[]]",
    ] {
        refused(document);
        refused(format!(r#"{{"a":{document}"#));
    }
}

#[test]
fn t31_half_a_surrogate_pair_is_refused() {
    for text in [r"\ud83d", r"\ude00", r"\ud83d\u0041", r"\ud83dx", r"\ude00\ud83d", r"\ud83d\n"] {
        refused(format!("\"{text}\""));
        refused(format!("{{\"{text}\":1}}"));
        refused(format!("{{\"x\":[\"{text}\"]}}"));
    }
}

#[test]
fn t31_depth_is_limited_on_the_way_and_beside_it() {
    let nested = |depth: usize, open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    };
    let wrapped = |text: String| format!(r#"{{"x":{text}}}"#);
    for patterns in [&["$.x.**"] as &[&str], &["$.y"], &["y"], &[]] {
        for (open, close) in [("[", "]"), (r#"{"k":"#, "}")] {
            let deep = wrapped(nested(DEPTH_MAX - 1, open, "1", close));
            assert!(reached(patterns, &deep).is_ok(), "{patterns:?} {open}");
            let deeper = wrapped(nested(DEPTH_MAX, open, "1", close));
            assert_eq!(reached(patterns, &deeper), Err(Undecodable::TooDeep), "{patterns:?}");
            let empty = wrapped(nested(DEPTH_MAX, open, "", close).replace(":}", ":{}}"));
            assert_eq!(reached(patterns, &empty), Err(Undecodable::TooDeep), "{patterns:?}");
            let bomb = open.repeat(1_000_000);
            assert_eq!(reached(patterns, &bomb), Err(Undecodable::TooDeep), "{patterns:?}");
        }
    }
}

#[test]
fn t31_hits_are_limited() {
    let many = |count: usize| format!("[{}1]", "1,".repeat(count - 1));
    assert_eq!(reached(&["$[*]"], &many(HITS_MAX)).unwrap().len(), HITS_MAX);
    assert_eq!(reached(&["$[*]"], &many(HITS_MAX + 1)), Err(Undecodable::TooManyHits));
}

#[test]
fn long_strings_stop_at_their_own_quote_wherever_it_lies() {
    for length in 0..40 {
        for special in ["\\\"", "\\\\", "é", "\\u0041", "😀", "\u{7f}", "\u{80}", "!", "#", "]"]
        {
            let text = format!("{}{special}{}", "x".repeat(length), "y".repeat(length % 9));
            let document = format!(r#"{{"{text}":"{text}","a":"{text}"}}"#);
            assert_eq!(reached(&["$.a"], &document).unwrap(), [format!("\"{text}\"")]);
        }
    }
}

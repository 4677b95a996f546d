//! What a splice changes, and that it changes nothing else.

use super::*;

const PRETTY: &str = "{\n  \"a\": 1,\n  \"b\": 2.50,\n  \"c\": [ 1e2 , { } ]\n}\n";

#[test]
fn everything_not_edited_stays_byte_for_byte() {
    assert_eq!(masked(&[], PRETTY, Masked::Null), PRETTY);
    assert_eq!(
        masked(&["$.b"], PRETTY, Masked::Text("x")),
        "{\n  \"a\": 1,\n  \"b\": \"x\",\n  \"c\": [ 1e2 , { } ]\n}\n"
    );
    let big = r#"{ "n" : 123456789012345678901234567890.000 ,"n":-0.0,"s":"\u00e9\/" , "a":"x"}"#;
    assert_eq!(masked(&["$.a"], big, Masked::Number("-1.5e3")), big.replace("\"x\"", "-1.5e3"));
}

#[test]
fn removed_members_take_their_comma_along() {
    let document = r#"{"a":1, "b":2,"c":3 }"#;
    let removed = |patterns: &[&str]| masked(patterns, document, Masked::Remove);
    assert_eq!(removed(&["$.a"]), r#"{"b":2,"c":3 }"#);
    assert_eq!(removed(&["$.b"]), r#"{"a":1, "c":3 }"#);
    assert_eq!(removed(&["$.c"]), r#"{"a":1, "b":2 }"#);
    assert_eq!(removed(&["$.a", "$.b"]), r#"{"c":3 }"#);
    assert_eq!(removed(&["$.b", "$.c"]), r#"{"a":1 }"#);
    assert_eq!(removed(&["$.a", "$.c"]), r#"{"b":2 }"#);
    assert_eq!(removed(&["$.*"]), r#"{ }"#);
    assert_eq!(masked(&["$.c"], PRETTY, Masked::Remove), "{\n  \"a\": 1,\n  \"b\": 2.50\n}\n");
    let nested = r#"{"x":{"y":",{"},"z":[]}"#;
    assert_eq!(masked(&["$.x.y"], nested, Masked::Remove), r#"{"x":{},"z":[]}"#);
    let listed = r#"[",",{"a":1},{"b":",","a":1}]"#;
    assert_eq!(masked(&["a"], listed, Masked::Remove), r#"[",",{},{"b":","}]"#);
}

#[test]
fn removed_elements_and_documents_become_null() {
    assert_eq!(masked(&["$.a[*]"], r#"{"a":[1, 2]}"#, Masked::Remove), r#"{"a":[null, null]}"#);
    assert_eq!(masked(&["$"], " {} ", Masked::Remove), " null ");
}

#[test]
fn the_outermost_edit_wins() {
    let document = r#"{"a":{"b":{"c":1}},"d":2}"#;
    for patterns in [["$.a", "$.a.b.c", "$.d"], ["$.a.b.c", "$.d", "$.a"], ["$.d", "$.a", "*c*"]] {
        assert_eq!(masked(&patterns, document, Masked::Null), r#"{"a":null,"d":null}"#);
        assert_eq!(masked(&patterns, document, Masked::Remove), r#"{}"#);
    }
}

#[test]
fn edits_may_come_in_any_order_and_the_first_of_one_hit_counts() {
    let document = br#"{"a":1,"b":2,"c":3}"#;
    let mut hits = Hits::new();
    Json.scan(document, &paths(&["$.a", "$.b", "$.c"]), &mut hits).unwrap();
    let edits = [(2, Masked::Text("z")), (0, Masked::Remove), (2, Masked::Null), (0, Masked::Null)];
    let mut out = Vec::new();
    Json.splice(document, &hits, &edits, &mut out).unwrap();
    assert_eq!(out, br#"{"b":2,"c":"z"}"#);
}

#[test]
fn hits_of_another_document_are_refused_and_nothing_is_written() {
    let mut hits = Hits::new();
    let mut out = b"kept".to_vec();
    let refused = Err(Undecodable::ForeignHits);
    assert_eq!(Json.splice(b"{}", &hits, &[], &mut out), refused);
    Json.scan(b"{\"a\":1}", &paths(&["$.a"]), &mut hits).unwrap();
    assert_eq!(Json.splice(b"{}", &hits, &[(0, Masked::Null)], &mut out), refused);
    assert_eq!(Json.splice(b"{\"a\":1}", &hits, &[(1, Masked::Null)], &mut out), refused);
    assert_eq!(out, b"kept");
}

#[test]
fn masked_texts_are_escaped_and_numbers_are_numbers() {
    let hostile = "\",\"admin\":true,\"x\":\"\\ \n\r\t\u{0}\u{1f}\u{7f}é😀\u{2028}";
    let document = masked(&["$.a"], r#"{"a":1}"#, Masked::Text(hostile));
    let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(parsed, serde_json::json!({ "a": hostile }));
    for number in ["", "1,", "NaN", "01", "1 ", " 1", "\"", "true", "1.e"] {
        let document = masked(&["$.a"], r#"{"a":1}"#, Masked::Number(number));
        let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(parsed, serde_json::json!({ "a": number }));
    }
}

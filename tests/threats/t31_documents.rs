//! T31: documents that two readers would read differently.

use crate::frames::batch;
use crate::packing::{inflated, shows};
use crate::stage::{CANARY, stage};

#[test]
fn t31_no_spelling_of_a_document_shows_the_secret() {
    let stage = stage();
    stage.topic("masked.t31", 1);
    let c = CANARY;
    let documents = [
        format!(r#"{{"secret":"x","secret":"{c}"}}"#),
        format!(r#"{{"secret":"{c}","secret":"x"}}"#),
        format!(r#"{{"s\u0065cret":"{c}"}}"#),
        format!(r#"{{"a":{{"b":[{{"my_ssn_no":"{c}"}}]}}}}"#),
        format!(r#"{{"SSN":"{c}"}}"#),
        format!(r#"{{"people":[{{"name":"{c}"}},{{"name":"{c}","name":"{c}"}}]}}"#),
        format!(r#"{{"secret":{{"deep":["{c}",{{"x":"{c}"}}]}}}}"#),
        format!(r#"{{"secret":["{c}"]}}"#),
        format!("{{\"secret\" \n:\t\"{c}\" , \"n\": 1e400}}"),
        format!(r#"{{"secret":"\u0063{}"}}"#, &c[1..]),
        // Not JSON: the record is left out.
        format!(r#"{{"secret":"{c}"}} x"#),
        format!("\u{feff}{{\"secret\":\"{c}\"}}"),
        format!(r#"{{'secret':'{c}'}}"#),
        format!(r#"{{"secret":"{c}","x":[1,}}"#),
        format!("{}\"{c}\"{}", "[".repeat(200), "]".repeat(200)),
        format!(r#"{{"secret":NaN,"b":"{c}"}}"#),
    ];
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    assert_eq!(stage.client().produce("masked.t31", &batch(&documents)).0, 0);
    let (error, records) = stage.client().fetch("masked.t31", 0);
    assert_eq!(error, 0);
    assert!(!shows(&records, CANARY) && !shows(&records, &CANARY[1..]));
    assert_eq!(inflated(&records).1, 10, "what is JSON is masked, the rest is left out");
    assert!(shows(&records, "1e400"), "numbers keep their text");
}

#[test]
fn t31_a_duplicate_does_not_evade_a_condition() {
    let stage = stage();
    stage.topic("checked.t31", 1);
    for document in [
        r#"{"bad":true,"bad":false}"#,
        r#"{"bad":false,"bad":true}"#,
        r#"{"b\u0061d":true}"#,
        "{\"bad\":true",
        "",
        "\u{feff}{\"bad\":false}",
        r#"{"bad":"true"}"#,
    ] {
        let (error, _) = stage.client().produce("checked.t31", &batch(&[document]));
        assert_eq!(error, 87, "{document}");
    }
    assert_eq!(stage.broker().end_offset("checked.t31"), 0);
}

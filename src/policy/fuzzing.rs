//! Bodies of fuzz targets: they must come back, whatever they are given.

use crate::field::{Fact, PatternIndex, Scope};
use crate::identity::{Groups, Mechanism, Principal, Subject};

use super::condition::{Condition, Scene};
use super::load::{Ground, Secrets, Source, load};
use super::query::{Action, Query, RecordView};

/// Compiles `data` as a condition, makes its residue, and evaluates both over a small record; then
/// loads it as a policy file.
pub fn fuzz_one(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    condition(&text);
    let source = Source { file: "fuzz.yaml".to_owned(), text: text.into_owned() };
    // Only that it comes back matters.
    let _ = load(&[source], &NoSecrets, &Ground::default());
}

pub(super) fn condition(text: &str) {
    let Ok(condition) = Condition::compile(text) else { return };
    let groups = Groups::known(["a", "platform"]);
    for groups in [groups, Groups::Unknown] {
        let principal = Principal::user(None, "jane");
        let subject = Subject { principal, groups, mechanism: Mechanism::OauthBearer };
        let query = Query {
            subject: &subject,
            client_id: "client",
            action: Action::Produce,
            topic: "payments.eu.captured",
            now_seconds: 0,
        };
        let scene = Scene::of_query(&query);
        let _ = condition.root.holds(&scene);
        let residue = condition.root.residue(&scene, &|_, pattern| pattern);
        let _ = residue.holds(&Scene::of_record(&FuzzRecord));
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(vec![7; 32])
    }
}

/// Each field is of another kind, by its number.
struct FuzzRecord;

impl RecordView for FuzzRecord {
    fn size_bytes(&self) -> u64 {
        u64::MAX
    }

    fn timestamp_ms(&self) -> i64 {
        i64::MIN
    }

    fn offset(&self) -> i64 {
        i64::MAX
    }

    fn partition(&self) -> i32 {
        i32::MIN
    }

    fn key_is_null(&self) -> bool {
        false
    }

    fn value_is_null(&self) -> bool {
        false
    }

    fn key_text(&self) -> Fact<'_> {
        Fact::Text("key".into())
    }

    fn header(&self, name: &str) -> Fact<'_> {
        if name.len().is_multiple_of(2) { Fact::Missing } else { Fact::Text("header".into()) }
    }

    fn has_header(&self, name: &str) -> bool {
        !name.len().is_multiple_of(2)
    }

    fn fact(&self, _: Scope, pattern: PatternIndex) -> Fact<'_> {
        match pattern % 8 {
            0 => Fact::Number("170141183460469231731687303715884105727"),
            1 => Fact::Number("-1.7976931348623157e308"),
            2 => Fact::Text("text".into()),
            3 => Fact::Bool(true),
            4 => Fact::Null,
            5 => Fact::List,
            6 => Fact::Ambiguous,
            _ => Fact::Missing,
        }
    }

    fn decodable(&self, _: Scope) -> bool {
        true
    }
}

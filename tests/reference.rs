//! docs/reference is what the tables say.
//!
//! `LOCKGATE_UPDATE=1 cargo test --test reference` writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lockgate::config::{self, LIMITS};
use lockgate::enforce::{Row, Treatment, rows};
use lockgate::format::FORMATS;
use lockgate::io::directory::DIRECTORIES;
use lockgate::io::metrics::{LabelValue, Metrics, Verdict};
use lockgate::io::sink::SINKS;
use lockgate::mask::{MASKS, Strength};
use lockgate::policy::{ACCESS, PERMITTED_APIS, ResourceKind};
use lockgate::wire::{ApiKey, shape};
use serde_json::Value;

const HEAD: &str =
    "<!-- Written by tests/reference.rs from the product's own tables; do not edit. -->\n";

/// Compares a page with what the tables say, or writes it.
fn check(name: &str, body: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    let text = format!("{HEAD}\n{}\n", body.trim_end());
    if std::env::var_os("LOCKGATE_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/{name} is stale: run `LOCKGATE_UPDATE=1 cargo test --test reference`"
    );
}

/// One line of a table; a cell is one line, and `|` would end it.
fn line(out: &mut String, cells: &[&str]) {
    let clean = |cell: &&str| cell.split_whitespace().collect::<Vec<_>>().join(" ");
    let cells: Vec<String> = cells.iter().map(|cell| clean(cell).replace('|', "\\|")).collect();
    writeln!(out, "| {} |", cells.join(" | ")).unwrap();
}

fn heading(out: &mut String, cells: &[&str]) {
    line(out, cells);
    line(out, &vec!["---"; cells.len()]);
}

#[test]
fn limits() {
    let mut out = String::from(
        "# Limits\n\nThe keys of `limits` in the configuration. The last words of a name are its \
         unit; what has no unit is a count.\n\n",
    );
    heading(&mut out, &["key", "default", "least", "most", "what it limits"]);
    for row in LIMITS {
        let (least, most) = (row.least.to_string(), row.most.to_string());
        let name = format!("`{}`", row.name);
        line(&mut out, &[&name, &row.default.to_string(), &least, &most, row.doc]);
    }
    check("limits.md", &out);
}

fn versions(row: &Row) -> String {
    let range = row.versions();
    format!("{}–{}", range.start(), range.end())
}

#[test]
fn api() {
    let mut out = String::from(
        "# Kafka APIs\n\nEvery API key of Kafka 4.3.1's own message definitions, and what Lockgate \
         does with it. The versions are those that clients are offered, before the broker's own \
         range and the policies narrow them. A request for what is hidden, or of another version, \
         closes the connection.\n\n## Judged\n\nEach has a file in `src/enforce/`.\n\n",
    );
    heading(&mut out, &["key", "API", "versions"]);
    for row in rows() {
        if let Treatment::Enforced(_) = row.treatment {
            line(&mut out, &[&row.key.0.to_string(), row.key.name(), &versions(row)]);
        }
    }
    out.push_str("\n## Hidden\n\nNot offered.\n\n");
    heading(&mut out, &["key", "API", "why"]);
    for row in rows() {
        if let Treatment::Hidden { why } = row.treatment {
            line(&mut out, &[&row.key.0.to_string(), row.key.name(), why]);
        }
    }
    assert_eq!(rows().count(), shape::apis().count());
    check("api.md", &out);
}

#[test]
fn access() {
    let mut out = String::from(
        "# Access\n\nKafka's access control list in the words of the policies: what a request does \
         to a resource, which APIs ask for it, and which rule or permit says whether it may. An \
         exception lifts a rule, a permit lifts the built-in denial only. What is denied is \
         answered as Kafka's own authorizer makes it answer; the message names the rule or the \
         missing permit. `tests/equivalence` compares the two, API by API.\n\n\
         An admin rule may name every API below but Produce, Fetch and ShareFetch. It then \
         denies that API for the resources of its `match`: `topics`, `consumer_groups` or \
         `transactional_ids`, or everything if it names none. `topics: [\"**\"]` is everything \
         too, unless the condition reads `topic.name`; `when: \"request.resource == \
         'cluster'\"` leaves the topics and groups out.\n",
    );
    for kind in ResourceKind::ALL {
        let mut name = kind.as_str().to_owned();
        name[..1].make_ascii_uppercase();
        writeln!(out, "\n## {name}\n").unwrap();
        heading(&mut out, &["operation", "asked by", "allowed"]);
        for row in ACCESS.iter().filter(|row| row.resource == kind) {
            line(&mut out, &[row.operation.as_str(), &row.apis.join(", "), row.rule]);
        }
    }
    out.push_str(
        "\nClusterAction is what brokers do to each other: it is never allowed, and never among \
         `authorizedOperations`.\n\n## APIs that need a permit\n\n",
    );
    for api in PERMITTED_APIS {
        writeln!(out, "- {api}").unwrap();
    }
    let asked: BTreeSet<&str> = ACCESS.iter().flat_map(|row| row.apis).copied().collect();
    for api in &asked {
        let known = shape::apis().any(|known| ApiKey(known.key).name() == *api);
        assert!(known, "{api} is no API of Kafka");
    }
    assert!(PERMITTED_APIS.iter().all(|api| asked.contains(api)));
    check("access.md", &out);
}

#[test]
fn masks() {
    let mut out = String::from(
        "# Masks\n\nWhat `mask: {with: …}` may name, strongest first; of two masks on one field \
         the stronger one wins. A value that a mask does not fit is redacted.\n\n",
    );
    heading(&mut out, &["mask", "what it does", "parameters", "strength", "on keys"]);
    for row in MASKS {
        let parameters: Vec<String> = row
            .parameters
            .iter()
            .map(|parameter| format!("`{}`: {}", parameter.name, parameter.doc))
            .collect();
        let strength = match row.strength {
            Strength::Weak => "weak",
            Strength::Keyed => "keyed",
            Strength::Constant => "constant",
            Strength::Removal => "removal",
        };
        let on_key = if row.allowed_on_key { "yes" } else { "no" };
        let name = format!("`{}`", row.name);
        line(&mut out, &[&name, row.doc, &parameters.join(" "), strength, on_key]);
    }
    out.push_str("\n## Formats\n\nWhat values and keys are read as.\n\n");
    heading(&mut out, &["format", "what it is"]);
    for row in FORMATS {
        line(&mut out, &[&format!("`{}`", row.name), row.doc]);
    }
    out.push_str("\n## Directories\n\nWhere groups come from, beside the token.\n\n");
    heading(&mut out, &["directory", "what it is"]);
    for row in DIRECTORIES {
        line(&mut out, &[&format!("`{}`", row.name), row.doc]);
    }
    out.push_str("\n## Sinks\n\nWhere audit rows go from the write-ahead log.\n\n");
    heading(&mut out, &["sink", "what it is"]);
    for row in SINKS {
        line(&mut out, &[&format!("`{}`", row.name), row.doc]);
    }
    check("masks.md", &out);
}

/// Label name to its values, for the samples of one metric.
type LabelsOf = BTreeMap<String, BTreeSet<String>>;

fn take_labels(sample: &str, labels: &mut LabelsOf) {
    let Some(inside) = sample.split('{').nth(1).and_then(|rest| rest.split('}').next()) else {
        return;
    };
    for pair in inside.split(',') {
        let (name, value) = pair.split_once('=').unwrap();
        labels.entry(name.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
    }
}

#[test]
fn metrics() {
    let metrics = Metrics::new();
    // The rows of these are made when an API is first used.
    let _ = metrics.requests.of(ApiKey::PRODUCE);
    for verdict in Verdict::ALL {
        let _ = metrics.decisions.of(ApiKey::PRODUCE, *verdict);
        let _ = metrics.shadow_decisions.of(ApiKey::PRODUCE, *verdict);
    }
    metrics.policy_activated("dir:0123456789ab");
    let text = metrics.text().unwrap();
    let mut out = String::from(
        "# Metrics\n\n`GET /metrics` of the admin listener, in the OpenMetrics text format. No \
         label holds what a client chose: no topic, no principal, no client id.\n\n",
    );
    heading(&mut out, &["metric", "type", "what it says", "labels"]);
    let mut lines = text.lines().peekable();
    while let Some(first) = lines.next() {
        let Some((name, help)) = first.strip_prefix("# HELP ").and_then(|l| l.split_once(' '))
        else {
            continue;
        };
        let kind = lines.next().unwrap().rsplit(' ').next().unwrap();
        let mut labels = LabelsOf::new();
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            take_labels(sample, &mut labels);
        }
        let labels = labels.iter().map(|(label, values)| match label.as_str() {
            "api" => "`api`: the API's name".to_owned(),
            "revision" => "`revision`: the revision's name".to_owned(),
            _ => {
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("`{label}`: {}", values.join(", "))
            }
        });
        let labels: Vec<String> = labels.collect();
        let suffix = if kind == "counter" { "_total" } else { "" };
        line(&mut out, &[&format!("`{name}{suffix}`"), kind, help, &labels.join("; ")]);
    }
    check("metrics.md", &out);
}

/// The definition that a schema refers to, with its name.
fn definition<'s>(root: &'s Value, schema: &Value) -> Option<(String, &'s Value)> {
    let name = schema["$ref"].as_str()?.strip_prefix("#/$defs/")?.to_owned();
    let definition = &root["$defs"][&name];
    Some((name, definition))
}

/// What a value may be, in words; mappings are links to their section.
fn kind(root: &Value, schema: &Value) -> String {
    if let Some((name, definition)) = definition(root, schema) {
        if definition.get("properties").is_some() {
            return format!("[{name}](#{})", name.to_lowercase());
        }
        return kind(root, definition);
    }
    if let Some(constant) = schema["const"].as_str() {
        return format!("`{constant}`");
    }
    for either in ["anyOf", "oneOf"] {
        if let Some(forms) = schema[either].as_array() {
            let mut kinds: Vec<String> = Vec::new();
            for form in forms.iter().map(|form| kind(root, form)) {
                if form != "null" && !kinds.contains(&form) {
                    kinds.push(form);
                }
            }
            return one_or_many(&kinds);
        }
    }
    // `null` stands beside the type of every key that may be left out.
    let name = schema["type"].as_str().or_else(|| {
        let names = schema["type"].as_array()?.iter();
        names.filter_map(Value::as_str).find(|name| *name != "null")
    });
    match name.unwrap_or("any") {
        "array" => format!("list of {}", kind(root, &schema["items"])),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "object" => "mapping".to_owned(),
        other => other.to_owned(),
    }
}

/// `a or b`; where the last is a list of the others, that it is.
fn one_or_many(kinds: &[String]) -> String {
    if let Some((last, others)) = kinds.split_last() {
        let one = others.join(" or ");
        if !one.is_empty() && *last == format!("list of {one}") {
            return format!("{one}, or a list of them");
        }
    }
    kinds.join(" or ")
}

fn keys(out: &mut String, root: &Value, schema: &Value) {
    heading(out, &["key", "value", "meaning"]);
    for (name, key) in schema["properties"].as_object().unwrap() {
        let meaning = key["description"].as_str().unwrap_or_default();
        line(out, &[&format!("`{name}`"), &kind(root, key), meaning]);
    }
}

#[test]
fn configuration() {
    let root = config::schema();
    let mut out = String::from("# The configuration file\n\n");
    let about = root["description"].as_str().unwrap();
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
    writeln!(
        out,
        "{about} An unknown key is an error with its line, its column and a suggestion; \
         `lockgate config check` reads the file, `lockgate config schema` prints its JSON Schema.\n"
    )
    .unwrap();
    keys(&mut out, &root, &root);
    for (name, section) in root["$defs"].as_object().unwrap() {
        if section.get("properties").is_none() {
            continue;
        }
        let about = section["description"].as_str().unwrap_or_default().replace('\n', " ");
        writeln!(out, "\n## {name}\n\n{about}\n").unwrap();
        if name == "Limits" {
            out.push_str("The table of all limits is in [limits.md](limits.md).\n");
        } else {
            keys(&mut out, &root, section);
        }
    }
    check("config.md", &out);
}

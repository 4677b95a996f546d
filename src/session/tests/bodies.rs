//! Well-formed request bodies for every API and version, from Kafka's own message definitions: each
//! array has one element, each text and each number is small.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Kafka's own definitions, as the product reads them.
const DEFINITIONS: &str = include_str!("../../wire/shape/kafka-4.3.1.txt");
const TEXT: &[u8] = b"grid";

/// One field and those below it, or a struct that several fields have in common.
#[derive(Clone)]
struct Field {
    /// Of a struct, `struct` and its name.
    kind: String,
    versions: (i16, i16),
    nullable: (i16, i16),
    is_tagged: bool,
    below: Vec<Self>,
}

struct Api {
    flexible: (i16, i16),
    newest: i16,
    request: Vec<Field>,
}

static APIS: LazyLock<BTreeMap<i16, Api>> = LazyLock::new(read);

/// A body of this API at this version. Where no definition has the version, its newest version's;
/// nothing where none has the API.
pub fn request_body(key: i16, version: i16) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(api) = APIS.get(&key) {
        let version = version.min(api.newest);
        let flexible = holds(api.flexible, version);
        put_struct(&mut body, &api.request, version, flexible);
    }
    body
}

fn holds((first, last): (i16, i16), version: i16) -> bool {
    (first..=last).contains(&version)
}

/// `3+`, `0-12`, `7`, or `none`.
fn range(text: &str) -> (i16, i16) {
    let number = |text: &str| text.parse().unwrap();
    match (text.strip_suffix('+'), text.split_once('-')) {
        _ if text == "none" => (1, 0),
        (Some(first), _) => (number(first), i16::MAX),
        (None, Some((first, last))) => (number(first), number(last)),
        (None, None) => (number(text), number(text)),
    }
}

fn read() -> BTreeMap<i16, Api> {
    let mut apis = BTreeMap::new();
    let mut lines = DEFINITIONS.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["api", key, _, versions, "flexible", flexible, ..] = words[..] else { continue };
        let mut fields: Vec<(usize, Field)> = Vec::new();
        if lines.next_if_eq(&"request").is_some() {
            while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
                fields.push((line.len() - line.trim_start().len(), field(line)));
            }
        }
        let (flexible, newest) = (range(flexible), range(versions).1);
        let mut request = nested(&mut fields.into_iter().peekable(), 1);
        let common = request.clone();
        fill(&mut request, &common);
        apis.insert(key.parse().unwrap(), Api { flexible, newest, request });
    }
    apis
}

fn field(line: &str) -> Field {
    let words: Vec<&str> = line.split_whitespace().collect();
    let behind = |word: &str| words.iter().skip(3).position(|w| *w == word).map(|at| words[at + 4]);
    if words[0] == "struct" {
        let (kind, never) = (words.join(" "), range("none"));
        return Field { kind, versions: never, nullable: never, is_tagged: false, below: vec![] };
    }
    Field {
        kind: words[1].to_owned(),
        versions: range(words[2]),
        nullable: range(behind("null").unwrap_or("none")),
        is_tagged: behind("tag").is_some(),
        below: Vec::new(),
    }
}

type Fields = std::iter::Peekable<std::vec::IntoIter<(usize, Field)>>;

fn nested(fields: &mut Fields, depth: usize) -> Vec<Field> {
    let mut level = Vec::new();
    while let Some((_, mut field)) = fields.next_if(|(at, _)| *at == depth) {
        field.below = nested(fields, depth + 1);
        level.push(field);
    }
    level
}

/// Gives fields of a common struct its fields.
fn fill(fields: &mut [Field], common: &[Field]) {
    for field in fields {
        let wanted = format!("struct {}", field.kind.trim_start_matches("[]"));
        if let Some(found) = common.iter().find(|struct_| struct_.kind == wanted) {
            field.below = found.below.clone();
        }
        fill(&mut field.below, common);
    }
}

fn put_struct(out: &mut Vec<u8>, fields: &[Field], version: i16, flexible: bool) {
    for field in fields {
        if holds(field.versions, version) && !(field.is_tagged && flexible) {
            put_field(out, field, version, flexible);
        }
    }
    if flexible {
        out.push(0);
    }
}

fn put_field(out: &mut Vec<u8>, field: &Field, version: i16, flexible: bool) {
    if let Some(kind) = field.kind.strip_prefix("[]") {
        put_length(out, 1, 4, flexible);
        put_value(out, kind, field, version, flexible);
    } else if !field.below.is_empty() && holds(field.nullable, version) {
        out.push(0xff); // A struct that is not there.
    } else {
        put_value(out, &field.kind, field, version, flexible);
    }
}

fn put_value(out: &mut Vec<u8>, kind: &str, field: &Field, version: i16, flexible: bool) {
    match kind {
        "bool" | "int8" => out.push(0),
        "int16" | "uint16" => out.extend([0, 1]),
        "int32" => out.extend([0, 0, 0, 1]),
        "int64" | "float64" => out.extend([0, 0, 0, 0, 0, 0, 0, 1]),
        "uuid" => out.extend([7; 16]),
        "string" => {
            put_length(out, TEXT.len(), 2, flexible);
            out.extend(TEXT);
        }
        "bytes" | "records" => put_length(out, 0, 4, flexible),
        _ => put_struct(out, &field.below, version, flexible),
    }
}

/// A length in compact form, or in so many bytes.
fn put_length(out: &mut Vec<u8>, length: usize, classic_bytes: usize, flexible: bool) {
    let length = u8::try_from(length).unwrap();
    if flexible {
        out.push(length + 1);
    } else {
        out.extend(std::iter::repeat_n(0, classic_bytes - 1));
        out.push(length);
    }
}

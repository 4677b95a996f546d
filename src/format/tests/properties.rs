//! Generated documents, against a plain reading of what paths mean and against `serde_json`.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::format::{Opaque, fuzz_one};

#[derive(Debug, Clone)]
enum Tree {
    Scalar(&'static str),
    List(Vec<Tree>),
    Object(Vec<(&'static str, Tree)>),
}

/// Where a value is: the number of the child at each level.
type Place = Vec<usize>;

const NAMES: &[(&str, &str)] =
    &[("a", "a"), ("b", "b"), (r"\u0061", "a"), ("c", "c"), (r"\u0062", "b"), ("cab", "cab")];

const SCALARS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-1.50e+2",
    "12345678901234567890",
    r#""""#,
    r#""text""#,
    r#""\"\\\/\u00e9\ud83d\ude00""#,
    r#""é ,:[]{}""#,
];

const PATTERNS: &[&str] = &[
    "$",
    "$.a",
    "$.a.b",
    "$.a.b.c",
    "$.*",
    "$.*.b",
    "$.a.*",
    "$.a[*]",
    "$.a[*].b",
    "$[*]",
    "$[*].a",
    "$.a.**",
    "$.**",
    "$.**.b",
    "$.**.a.b",
    "$.**.*",
    "$.**[*]",
    "$.a.**.b.**",
    "*a*",
    "c",
    "?",
];

fn tree() -> impl Strategy<Value = Tree> {
    let scalar = prop::sample::select(SCALARS).prop_map(Tree::Scalar);
    scalar.prop_recursive(5, 40, 5, |inner| {
        let name = prop::sample::select(NAMES).prop_map(|(written, _)| written);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::List),
            prop::collection::vec((name, inner), 0..5).prop_map(Tree::Object),
        ]
    })
}

fn plain(written: &str) -> &'static str {
    NAMES.iter().find(|(name, _)| *name == written).unwrap().1
}

/// The tree as text, with `edit` deciding what stands in the place of a value.
fn render(
    tree: &Tree,
    space: &str,
    place: &mut Place,
    edit: &dyn Fn(&Place) -> Option<Masked<'static>>,
) -> Option<String> {
    match edit(place) {
        Some(Masked::Null) => return Some("null".to_owned()),
        Some(Masked::Text(text)) => return Some(format!("\"{text}\"")),
        Some(Masked::Number(text)) => return Some(text.to_owned()),
        Some(Masked::Remove) => return None,
        None => {}
    }
    let (open, close, children) = match tree {
        Tree::Scalar(text) => return Some((*text).to_owned()),
        Tree::List(list) => ("[", "]", list.iter().map(|child| (None, child)).collect::<Vec<_>>()),
        Tree::Object(members) => {
            ("{", "}", members.iter().map(|(name, child)| (Some(*name), child)).collect())
        }
    };
    let mut texts = Vec::new();
    for (number, (name, child)) in children.into_iter().enumerate() {
        place.push(number);
        let text = render(child, space, place, edit);
        place.pop();
        match (name, text) {
            (Some(name), Some(text)) => texts.push(format!("\"{name}\"{space}:{space}{text}")),
            (Some(_), None) => {}
            (None, text) => texts.push(text.unwrap_or_else(|| "null".to_owned())),
        }
    }
    Some(format!("{open}{space}{}{space}{close}", texts.join(&format!("{space},{space}"))))
}

/// What a pattern reaches, told the slow way.
#[derive(Default)]
struct Reached {
    places: BTreeSet<Place>,
    unknown: bool,
}

impl Reached {
    fn pattern(&mut self, pattern: &str, tree: &Tree) {
        match pattern.strip_prefix('$') {
            Some(path) => {
                let path = path.replace("[*]", ".[]");
                let steps: Vec<&str> = path.split('.').skip(1).collect();
                self.walk(tree, &steps, false, &mut Vec::new());
            }
            None => self.named(pattern.trim_matches('*'), tree, &mut Vec::new()),
        }
    }

    fn named(&mut self, word: &str, tree: &Tree, place: &mut Place) {
        for (number, (name, child)) in children(tree).into_iter().enumerate() {
            place.push(number);
            let fits = match (word, name.map(plain)) {
                (_, None) => false,
                ("?", Some(name)) => name.len() == 1,
                ("c", Some(name)) => name == "c",
                (word, Some(name)) => name.contains(word),
            };
            if fits {
                self.places.insert(place.clone());
            }
            self.named(word, child, place);
            place.pop();
        }
    }

    fn walk(&mut self, tree: &Tree, steps: &[&str], lenient: bool, place: &mut Place) {
        let Some((step, rest)) = steps.split_first() else {
            self.places.insert(place.clone());
            return;
        };
        if *step == "**" {
            match (rest.is_empty(), tree) {
                (true, Tree::Scalar(_)) => drop(self.places.insert(place.clone())),
                (true, _) => {}
                (false, _) => self.walk(tree, rest, true, place),
            }
        } else if let Tree::Scalar(text) = tree {
            self.unknown |= *text != "null" && !lenient;
            return;
        }
        let object = matches!(tree, Tree::Object(_));
        self.unknown |= *step == "[]" && object && !lenient;
        for (number, (name, child)) in children(tree).into_iter().enumerate() {
            place.push(number);
            match (*step, name.map(plain)) {
                ("**", _) => self.walk(child, steps, lenient, place),
                ("[]", None) | ("*", Some(_)) => self.walk(child, rest, false, place),
                ("*", None) if matches!(child, Tree::Scalar(_)) => {
                    self.walk(child, rest, false, place);
                }
                ("[]", Some(_)) => {}
                (_, None) => self.walk(child, steps, lenient, place),
                (wanted, Some(name)) if wanted == name => self.walk(child, rest, false, place),
                _ => {}
            }
            place.pop();
        }
    }
}

fn children(tree: &Tree) -> Vec<(Option<&'static str>, &Tree)> {
    match tree {
        Tree::Scalar(_) => Vec::new(),
        Tree::List(list) => list.iter().map(|child| (None, child)).collect(),
        Tree::Object(members) => members.iter().map(|(name, child)| (Some(*name), child)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 2_000,
        ..Default::default()
    })]

    #[test]
    fn a_scan_reaches_what_the_paths_mean_and_a_splice_changes_only_that(
        tree in tree(),
        patterns in prop::sample::subsequence(PATTERNS, 1..4),
        masked in prop::sample::select(&[
            Masked::Null, Masked::Text("x"), Masked::Number("-7"), Masked::Remove,
        ] as &[Masked<'static>]),
        space in prop::sample::select(&["", " ", "\n\t "] as &[&str]),
    ) {
        let space = if masked == Masked::Remove { "" } else { space };
        let document = render(&tree, space, &mut Vec::new(), &|_| None).unwrap();
        let mut expected = Reached::default();
        for pattern in &patterns {
            expected.pattern(pattern, &tree);
        }
        let mut hits = Hits::new();
        let outcome = Json.scan(document.as_bytes(), &paths(&patterns), &mut hits);
        if expected.unknown {
            prop_assert_eq!(outcome, Err(Undecodable::UnknownShape), "{} {:?}", document, patterns);
            return Ok(());
        }
        prop_assert_eq!(outcome, Ok(()), "{} {:?}", document, patterns);
        prop_assert_eq!(hits.len(), expected.places.len(), "{} {:?}", document, patterns);
        let edits: Vec<_> = (0..hits.len()).map(|number| (number, masked)).collect();
        let mut out = Vec::new();
        Json.splice(document.as_bytes(), &hits, &edits, &mut out).unwrap();
        let edit = |place: &Place| expected.places.contains(place).then_some(masked);
        let wanted = render(&tree, space, &mut Vec::new(), &edit).unwrap_or("null".to_owned());
        prop_assert_eq!(String::from_utf8(out).unwrap(), wanted, "{} {:?}", document, patterns);
    }

    #[test]
    fn a_splice_without_edits_is_the_same_document(tree in tree()) {
        let document = render(&tree, " ", &mut Vec::new(), &|_| None).unwrap();
        let mut hits = Hits::new();
        let mut out = Vec::new();
        Json.scan(document.as_bytes(), &paths(&["$.**", "*a*"]), &mut hits).unwrap();
        Json.splice(document.as_bytes(), &hits, &[], &mut out).unwrap();
        prop_assert_eq!(out, document.as_bytes());
    }

    #[test]
    fn a_mutated_document_is_accepted_exactly_if_serde_json_accepts_it(
        tree in tree(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8),
            0..4,
        ),
    ) {
        let mut document = render(&tree, " ", &mut Vec::new(), &|_| None).unwrap().into_bytes();
        for (place, byte, how) in changes {
            let place = place.index(document.len() + 1);
            let telling = TELLING.get(usize::from(byte) % (TELLING.len() + 8));
            let byte = telling.copied().unwrap_or(byte);
            match how {
                0 => document.insert(place, byte),
                1 if place < document.len() => drop(document.remove(place)),
                2 if place < document.len() => document[place] = byte,
                _ => document.truncate(place.max(1)),
            }
        }
        agrees_with_serde_json(&document);
        fuzz_one(&document);
    }

    #[test]
    fn grammar_soup_is_accepted_exactly_if_serde_json_accepts_it(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..12),
    ) {
        agrees_with_serde_json(tokens.concat().as_bytes());
        fuzz_one(tokens.concat().as_bytes());
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_one(&bytes);
    }

    #[test]
    fn any_text_survives_being_masked_in_and_read_out(text in any::<String>()) {
        let document = masked(&["$.a"], r#"{"a":1}"#, Masked::Text(&text));
        let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
        prop_assert_eq!(parsed["a"].as_str().unwrap(), &text);
        let mut hits = Hits::new();
        Json.scan(document.as_bytes(), &paths(&["$.a"]), &mut hits).unwrap();
        prop_assert_eq!(hits.fact(document.as_bytes(), 0), Fact::Text(text.clone().into()));
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let document = format!("{{\"a\":\"{escaped}\"}}");
        Json.scan(document.as_bytes(), &paths(&["$.a"]), &mut hits).unwrap();
        prop_assert_eq!(hits.fact(document.as_bytes(), 0), Fact::Text(text.clone().into()));
        Opaque.scan(text.as_bytes(), &paths(&["$"]), &mut hits).unwrap();
        prop_assert_eq!(hits.fact(text.as_bytes(), 0), Fact::Text(text.clone().into()));
    }
}

const TELLING: &[u8] = b"\"\\{}[]:,0123456789.eE+-tfnu \n\x00\x1f\x7f\xc3\xa9\xed\xa0\xff/";

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"a\"",
    "\"\\ud83d\"",
    "\"\\ud83d\\ude00\"",
    "\"",
    "\\",
    "0",
    "1",
    "-",
    ".",
    "e",
    "E",
    "+",
    "true",
    "null",
    " ",
    "\n",
    "\u{b}",
    "é",
    "\"\t\"",
];

/// `IgnoredAny` knows the grammar but lets half surrogate pairs pass; `Value` does not, but its
/// numbers have a range. The documents here have no numbers beyond it.
fn agrees_with_serde_json(document: &[u8]) {
    let grammar = serde_json::from_slice::<serde::de::IgnoredAny>(document).is_ok();
    let strict = grammar && serde_json::from_slice::<serde_json::Value>(document).is_ok();
    let beyond = |text: &[u8]| text.contains(&b'e') || text.contains(&b'E');
    for patterns in [&[] as &[&str], &["$.**"], &["*a*", "$.**.b"]] {
        let ours = Json.scan(document, &paths(patterns), &mut Hits::new());
        let shown = String::from_utf8_lossy(document);
        if strict || !beyond(document) {
            assert_eq!(ours.is_ok(), strict, "{ours:?} {shown}");
        } else {
            assert!(ours.is_err() || grammar, "{ours:?} {shown}");
        }
    }
}

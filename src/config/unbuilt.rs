//! Words that the design knows and this version does not: refused by name, never ignored, and told
//! apart from a typing error.

use crate::yaml::{UnknownKey, UnknownKind};

/// Rows of (a key that only this mapping has, the keys of it that are not built yet).
const KEYS: &[(&str, &[&str])] = &[
    ("upstream", &["holds", "schemas", "sessions"]),
    ("dir", &["git", "http", "s3"]),
    ("durability", &["store", "signing_key", "sinks"]),
    ("allow_remote", &["tls", "oidc", "roles"]),
];

/// Rows of (a value that only this choice has, the values of it that are not built yet).
const VALUES: &[(&str, &[&str])] = &[];

/// The message for a word that is not built yet; `None` for one that nobody knows.
pub(super) fn explain(unknown: &UnknownKey<'_>) -> Option<String> {
    let rows = match unknown.kind {
        UnknownKind::Key => KEYS,
        UnknownKind::Value => VALUES,
    };
    let listed = rows
        .iter()
        .any(|(marker, words)| unknown.known.contains(marker) && words.contains(&unknown.key));
    listed.then(|| message(unknown.key))
}

/// What is said about a word that is not built yet.
pub(super) fn message(word: &str) -> String {
    format!("`{word}` is not built yet: this version refuses it rather than ignore it")
}

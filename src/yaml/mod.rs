//! One way to read a YAML file: strict, bounded, and with an error that says where and what to do.
//!
//! Everything an operator writes (the configuration, policies, group mappings) passes through
//! [`read`]. It refuses a file above [`FILE_BYTES_MAX`], deep or aliased bombs, a key written
//! twice, YAML merge keys, tags and more than one document. What it refuses it reports as a
//! [`Diagnostic`] with file, line, column, the source line and, for an unknown word, the known
//! word nearest to it. A value that looks like a secret is blanked before it is shown.

mod diagnostic;
mod shapes;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

pub use diagnostic::{Diagnostic, nearest};
pub use shapes::{OneOrMany, text_or_map};

#[cfg(test)]
mod tests;

/// A value together with the place in the file where it was written.
///
/// The place is lost inside `untagged`, `flatten` and internally tagged serde types, because they
/// buffer: use [`OneOrMany`], [`text_or_map`] or an externally tagged enum instead.
pub type At<T> = serde_saphyr::Spanned<T>;

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// The deepest nesting of lists and mappings.
pub const DEPTH_MAX: usize = 32;
/// The most scalars, lists and mappings in one file.
pub const NODES_MAX: usize = 100_000;
/// The most events that aliases (`*name`) may add.
pub const ALIAS_EVENTS_MAX: usize = 10_000;

/// A word that the type being read does not have, as a caller of [`read_with`] sees it: a key of a
/// mapping, or a value that must be one of a few words.
#[derive(Clone, Copy, Debug)]
pub struct UnknownKey<'a> {
    /// Whether it stands where a key or where one of several values is expected.
    pub kind: UnknownKind,
    /// The word as written.
    pub key: &'a str,
    /// The words that are known at this place.
    pub known: &'a [&'static str],
}

/// Where an unknown word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownKind {
    /// The key of a mapping.
    Key,
    /// A value that must be one of a few words.
    Value,
}

/// Reads one YAML document from `text`. `file` is only used in errors.
///
/// # Errors
/// The first mistake in the file, as a [`Diagnostic`].
pub fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    read_with(file, text, &|_| None)
}

/// As [`read`], but `explain` may replace the message for an unknown word: the configuration says
/// "not built yet" where a word is known to the design and not to this version.
///
/// # Errors
/// The first mistake in the file, as a [`Diagnostic`].
pub fn read_with<T: DeserializeOwned>(
    file: &str,
    text: &str,
    explain: &dyn Fn(&UnknownKey<'_>) -> Option<String>,
) -> Result<T, Diagnostic> {
    if text.len() > FILE_BYTES_MAX {
        let message =
            format!("the file has {} bytes; at most {FILE_BYTES_MAX} are read", text.len());
        return Err(Diagnostic::of_file(file, message));
    }
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| describe(file, text, error.without_snippet(), explain))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(FILE_BYTES_MAX),
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: NODES_MAX * 3,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: ALIAS_EVENTS_MAX,
            max_recorded_anchor_bytes: FILE_BYTES_MAX,
            max_total_scalar_bytes: FILE_BYTES_MAX * 2,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIAS_EVENTS_MAX,
            max_replay_stack_depth: 8,
        },
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn describe(
    file: &str,
    text: &str,
    error: &Error,
    explain: &dyn Fn(&UnknownKey<'_>) -> Option<String>,
) -> Diagnostic {
    if let Error::AliasError { error, .. } = error {
        return describe(file, text, error, explain);
    }
    let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
    let secret = diagnostic::shows_secret(text, location.line());
    let here = |message: String| Diagnostic::here(file, text, location, message);
    let (kind, word, known) = if let Error::SerdeUnknownField { field, expected, .. } = error {
        (UnknownKind::Key, field, expected)
    } else if let Error::SerdeUnknownVariant { variant, expected, .. } = error {
        (UnknownKind::Value, variant, expected)
    } else {
        return here(message_of(error, secret));
    };
    if let Some(message) = explain(&UnknownKey { kind, key: word, known }) {
        return here(message).pointing_at(text, word);
    }
    let (message, lead) = match kind {
        UnknownKind::Key => (format!("unknown key `{word}`"), "the keys here are"),
        UnknownKind::Value if secret => ("unknown value".to_owned(), "the values are"),
        UnknownKind::Value => (format!("unknown value `{word}`"), "the values are"),
    };
    here(message).pointing_at(text, word).help_from(word, known, lead)
}

fn message_of(error: &Error, secret: bool) -> String {
    if let Error::SerdeMissingField { field, .. } = error {
        return format!("the key `{field}` is missing");
    }
    if let Error::DuplicateMappingKey { key, .. } = error {
        return match key {
            Some(key) => format!("the key `{key}` is written twice"),
            None => "a key is written twice".to_owned(),
        };
    }
    if let Error::SerdeInvalidType { unexpected, expected, .. }
    | Error::SerdeInvalidValue { unexpected, expected, .. } = error
    {
        return if secret {
            format!("expected {expected}")
        } else {
            format!("expected {expected}, found {unexpected}")
        };
    }
    if let Error::InvalidScalar { ty, .. } = error {
        return format!("expected {}", kind_of(ty));
    }
    if let Error::NullIntoString { .. } = error {
        return "expected text, found nothing".to_owned();
    }
    if let Error::Unexpected { expected, .. } = error {
        return format!("expected {expected}");
    }
    if let Error::MergeKeyNotAllowed { .. } = error {
        return "merge keys (`<<`) are not read: write the keys out".to_owned();
    }
    if let Error::MultipleDocuments { .. } = error {
        return "the file holds more than one document (`---`); write one per file".to_owned();
    }
    if let Error::Budget { breach, .. } = error {
        return format!("the file is too large, too deep or expands too far ({breach:?})");
    }
    UserMessageFormatter.format_message(error).into_owned()
}

/// What a Rust type is called in a file.
fn kind_of(rust_type: &str) -> &str {
    match rust_type {
        "bool" => "`true` or `false`",
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        other => other,
    }
}

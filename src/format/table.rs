//! Every format once: help, reference and configuration read this.

use super::{Format, Json, Opaque};

/// One format that a topic's values or keys can have.
#[derive(Clone, Copy)]
pub struct FormatRow {
    /// The word in configuration.
    pub name: &'static str,
    /// What it reads, for operators.
    pub doc: &'static str,
    /// What reads it.
    pub format: &'static dyn Format,
}

/// The formats.
pub static FORMATS: &[FormatRow] = &[
    FormatRow {
        name: "json",
        doc: "One JSON text (RFC 8259): UTF-8, no byte order mark, at most 64 levels deep.",
        format: &Json,
    },
    FormatRow {
        name: "opaque",
        doc: "UTF-8 text without structure: the path `$` is all of it.",
        format: &Opaque,
    },
];

/// The format called `name`.
pub fn format_named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().find(|row| row.name == name).map(|row| row.format)
}

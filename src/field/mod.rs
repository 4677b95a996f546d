//! Words for the values inside a record and for where they are: scopes, paths, kinds, facts.
//!
//! A policy names fields with patterns; a format finds the values that the patterns reach; a mask
//! replaces them. This module is the language the three share, so that none of them knows another.

mod bits;
mod glob;
mod path;
mod set;
mod topics;
mod trail;

use std::borrow::Cow;

pub use bits::{PATTERNS_MAX, PatternBits, PatternIndex};
pub use glob::{Case, GLOB_BYTES_MAX, Glob, GlobError};
pub use path::{PATH_BYTES_MAX, PathError, PathPattern, STEPS_MAX};
pub use set::PathSet;
pub use topics::TopicGlobs;
pub use trail::{Arrival, Follow, Trail};

/// The part of a record that a pattern looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The record's value.
    Value,
    /// The record's key.
    Key,
    /// The record's headers, by name.
    Headers,
}

impl Scope {
    /// Every scope, in the order in which records are judged.
    pub const ALL: [Self; 3] = [Self::Value, Self::Key, Self::Headers];

    /// The word that policies and audit rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Key => "key",
            Self::Headers => "headers",
        }
    }
}

/// What a value is, in any format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// An explicit null.
    Null,
    /// True or false.
    Bool,
    /// A number, of whatever precision it was written with.
    Number,
    /// A string.
    Text,
    /// A list of values.
    List,
    /// Named members.
    Object,
}

impl FieldKind {
    /// Whether values of this kind have no values below them.
    pub fn is_scalar(self) -> bool {
        match self {
            Self::Null | Self::Bool | Self::Number | Self::Text => true,
            Self::List | Self::Object => false,
        }
    }
}

/// What a condition learns about one pattern in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// The pattern reaches nothing.
    Missing,
    /// It reaches one null.
    Null,
    /// It reaches one truth value.
    Bool(bool),
    /// It reaches one number, here as it was written.
    Number(&'a str),
    /// It reaches one string, here without its escapes.
    Text(Cow<'a, str>),
    /// It reaches one list.
    List,
    /// It reaches one object.
    Object,
    /// Readers may disagree: a name on the way occurs twice, or several values are reached.
    Ambiguous,
    /// The document cannot be read.
    Undecodable,
}

/// What stands in the place of a masked value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Masked<'a> {
    /// An explicit null.
    Null,
    /// A string; the format escapes it.
    Text(&'a str),
    /// A number in JSON's grammar.
    Number(&'a str),
    /// Nothing: the member goes, with its name.
    Remove,
}

impl std::fmt::Debug for Masked<'_> {
    /// Lengths only: what a weak mask leaves is still data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => formatter.write_str("Null"),
            Self::Text(text) => write!(formatter, "Text({} bytes)", text.len()),
            Self::Number(text) => write!(formatter, "Number({} bytes)", text.len()),
            Self::Remove => formatter.write_str("Remove"),
        }
    }
}

#[cfg(test)]
mod tests;

//! An answer as a tree, without what two clusters never have in common.
//!
//! The protocol crate's messages print themselves; reading that text back is the one way to look at
//! all of them alike.

use std::fmt;

/// One value of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    Scalar(String),
    /// A list, a map, or a value in a wrapper.
    Many(String, Vec<Tree>),
    Named(String, Vec<(String, Tree)>),
}

/// Times, addresses, sentences and paths: each cluster has its own.
const DROPPED: &[&str] = &[
    "throttle_time_ms",
    "error_message",
    "unknown_tagged_fields",
    "host",
    "port",
    "client_host",
    "cluster_id",
    "log_dir",
    "total_bytes",
    "usable_bytes",
    "partition_size",
    "timestamp",
    "log_append_time_ms",
    "transaction_start_time_ms",
    "transaction_start_offset",
    "last_timestamp",
    "last_fetch_timestamp",
    "last_caught_up_timestamp",
    "log_end_offset",
    "high_watermark_of_quorum",
    // They change by themselves a moment later.
    "group_state",
    "transaction_state",
    "current_state",
];
/// Chosen by a broker at random or in the order of its life.
const CHOSEN: &[&str] = &["member_id", "leader", "producer_id", "session_id", "last_sequence"];

impl Tree {
    /// Of `{:?}`.
    pub fn of(message: &impl fmt::Debug) -> Self {
        let text = format!("{message:?}");
        let mut reader = Reader { rest: &text };
        let tree = reader.value();
        assert!(reader.rest.is_empty(), "left of {text}: {}", reader.rest);
        tree
    }

    pub fn word(text: impl Into<String>) -> Self {
        Self::Scalar(text.into())
    }

    /// Without what differs anyhow, lists in order of their elements.
    pub fn normal(self) -> Self {
        match self {
            Self::Scalar(text) if is_uuid(&text) => {
                let zero = text.bytes().all(|byte| b"0-".contains(&byte));
                Self::Scalar(if zero { "no-id" } else { "some-id" }.to_owned())
            }
            Self::Scalar(text) => Self::Scalar(text),
            Self::Many(name, parts) => {
                let mut parts: Vec<Self> = parts.into_iter().map(Self::normal).collect();
                parts.sort();
                Self::Many(name, parts)
            }
            Self::Named(name, fields) => {
                let kept = fields.into_iter().filter(|(field, _)| !DROPPED.contains(&&**field));
                let fields = kept.map(|(field, value)| {
                    let value = value.normal();
                    let value = if CHOSEN.contains(&&*field) { value.whether() } else { value };
                    (field, value)
                });
                Self::Named(name, fields.collect())
            }
        }
    }

    /// Whether something was chosen, not what.
    fn whether(self) -> Self {
        let text = self.to_string();
        let nothing = ["-1", "0", "\"\""].contains(&&*text);
        if nothing { self } else { Self::Scalar("some".to_owned()) }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(text) => out.write_str(text),
            Self::Many(name, parts) => {
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                write!(out, "{name}[{}]", parts.join(", "))
            }
            Self::Named(name, fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(field, value)| format!("{field}: {value}")).collect();
                write!(out, "{name}{{{}}}", fields.join(", "))
            }
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn value(&mut self) -> Tree {
        self.blanks();
        if let Some(text) = self.quoted() {
            return Tree::Scalar(text);
        }
        let end = self.rest.find(['[', '(', '{', ',', ')', ']', '}', ':']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let word = word.trim().to_owned();
        self.rest = rest;
        match rest.chars().next() {
            Some('[') => Tree::Many(word, self.many(']')),
            Some('(') => Tree::Many(word, self.many(')')),
            Some('{') => self.named(word),
            _ => Tree::Scalar(word),
        }
    }

    fn many(&mut self, end: char) -> Vec<Tree> {
        self.rest = &self.rest[1..];
        let mut parts = Vec::new();
        while !self.ends(end) {
            parts.push(self.value());
            self.separator();
        }
        parts
    }

    fn named(&mut self, name: String) -> Tree {
        self.rest = &self.rest[1..];
        let mut fields = Vec::new();
        while !self.ends('}') {
            let field = self.value().to_string();
            self.blanks();
            let Some(rest) = self.rest.strip_prefix(':') else {
                panic!("no value of {field} before {}", self.rest)
            };
            self.rest = rest;
            fields.push((field, self.value()));
            self.separator();
        }
        Tree::Named(name, fields)
    }

    fn ends(&mut self, end: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(end) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn separator(&mut self) {
        self.blanks();
        self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// `"…"` or `b"…"`, whole.
    fn quoted(&mut self) -> Option<String> {
        let prefix = if self.rest.starts_with("b\"") { 2 } else { 1 };
        if prefix == 1 && !self.rest.starts_with('"') {
            return None;
        }
        let mut escaped = false;
        let inside = &self.rest[prefix..];
        let end = inside.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        let length = prefix + end.expect("a quote ends") + 1;
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(text.to_owned())
    }
}

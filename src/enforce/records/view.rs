//! A record as the policy looks at it.

use std::borrow::Cow;

use crate::field::{Fact, PatternBits, PatternIndex, Scope};
use crate::format::Hits;
use crate::policy::{Plan, RecordView};
use crate::record::Record;

/// One record, with what was found in its documents.
pub(super) struct View<'r> {
    pub record: &'r Record<'r>,
    pub timestamp_ms: i64,
    pub offset: i64,
    pub partition: i32,
    pub value_hits: &'r Hits,
    pub value_readable: bool,
    pub key_hits: &'r Hits,
    pub key_readable: bool,
    pub plan: &'r Plan,
}

/// Which of the plan's header patterns reach a header of this name.
pub(super) fn header_facts(plan: &Plan, name: &[u8]) -> PatternBits {
    match std::str::from_utf8(name) {
        Ok(name) => plan.header_patterns(name),
        Err(_) => PatternBits::EMPTY,
    }
}

fn text(bytes: Option<&[u8]>) -> Fact<'_> {
    match bytes.map(std::str::from_utf8) {
        None => Fact::Null,
        Some(Ok(text)) => Fact::Text(Cow::Borrowed(text)),
        Some(Err(_)) => Fact::Undecodable,
    }
}

impl View<'_> {
    /// The only value among those that `is_meant` names.
    fn only(&self, is_meant: impl Fn(&[u8]) -> bool) -> Fact<'_> {
        let mut found = Fact::Missing;
        for (name, value) in self.record.headers.iter() {
            if !is_meant(name) {
                continue;
            }
            if found != Fact::Missing {
                return Fact::Ambiguous;
            }
            found = text(value);
        }
        found
    }
}

impl RecordView for View<'_> {
    fn size_bytes(&self) -> u64 {
        u64::try_from(self.record.size_bytes).unwrap_or(u64::MAX)
    }

    fn timestamp_ms(&self) -> i64 {
        self.timestamp_ms
    }

    fn offset(&self) -> i64 {
        self.offset
    }

    fn partition(&self) -> i32 {
        self.partition
    }

    fn key_is_null(&self) -> bool {
        self.record.key.is_none()
    }

    fn value_is_null(&self) -> bool {
        self.record.value.is_none()
    }

    fn key_text(&self) -> Fact<'_> {
        text(self.record.key)
    }

    fn header(&self, name: &str) -> Fact<'_> {
        self.only(|found| found == name.as_bytes())
    }

    fn has_header(&self, name: &str) -> bool {
        self.record.headers.iter().any(|(found, _)| found == name.as_bytes())
    }

    fn fact(&self, scope: Scope, pattern: PatternIndex) -> Fact<'_> {
        match scope {
            Scope::Value => match self.record.value {
                Some(value) => self.value_hits.fact(value, pattern),
                None => Fact::Missing,
            },
            Scope::Key => match self.record.key {
                Some(key) => self.key_hits.fact(key, pattern),
                None => Fact::Missing,
            },
            Scope::Headers => self.only(|name| header_facts(self.plan, name).contains(pattern)),
        }
    }

    fn decodable(&self, scope: Scope) -> bool {
        match scope {
            Scope::Value => self.value_readable,
            Scope::Key => self.key_readable,
            // A name that is no text could be any of those that a rule names.
            Scope::Headers => {
                self.record.headers.iter().all(|(name, _)| std::str::from_utf8(name).is_ok())
            }
        }
    }
}

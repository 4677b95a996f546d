//! Tests of the formats: hand-made documents first, generated ones in `properties`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod attacks;
mod edits;
mod facts;
mod properties;

use super::{Format, Hits, Json, Undecodable};
use crate::field::{Fact, Masked, PathPattern, PathSet};

/// Patterns that start with `$` are paths, others name globs.
fn paths(patterns: &[&str]) -> PathSet {
    let compile = |text: &&str| match text.starts_with('$') {
        true => PathPattern::path(text).unwrap(),
        false => PathPattern::name(text).unwrap(),
    };
    PathSet::new(patterns.iter().map(compile).collect())
}

/// The values that the patterns reach, as written.
fn reached(patterns: &[&str], document: &str) -> Result<Vec<String>, Undecodable> {
    let mut hits = Hits::new();
    Json.scan(document.as_bytes(), &paths(patterns), &mut hits)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok(hits.iter().map(|hit| text(hit.bytes(document.as_bytes()))).collect())
}

fn fact(pattern: &str, document: &'static str) -> Fact<'static> {
    let mut hits = Hits::new();
    let _ = Json.scan(document.as_bytes(), &paths(&[pattern]), &mut hits);
    hits.fact(document.as_bytes(), 0)
}

/// The document with everything that the patterns reach replaced.
fn masked(patterns: &[&str], document: &str, masked: Masked<'_>) -> String {
    let (mut hits, mut out) = (Hits::new(), b"before,".to_vec());
    Json.scan(document.as_bytes(), &paths(patterns), &mut hits).unwrap();
    let edits: Vec<_> = (0..hits.len()).map(|number| (number, masked)).collect();
    Json.splice(document.as_bytes(), &hits, &edits, &mut out).unwrap();
    String::from_utf8(out).unwrap().strip_prefix("before,").unwrap().to_owned()
}

//! JSON (RFC 8259): one validating pass finds the values, a splice replaces them.
//!
//! Nothing is parsed into a tree and nothing is written again: numbers keep their digits, members
//! their order, white space its place.

mod lexer;
mod scanner;
mod splice;
mod text;

use super::hits::Hits;
use super::{Format, Undecodable};
use crate::field::{Masked, PathSet};

pub(super) use text::unquote;

/// JSON text.
#[derive(Debug, Clone, Copy)]
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn scan(&self, document: &[u8], paths: &PathSet, hits: &mut Hits) -> Result<(), Undecodable> {
        hits.begin(document, paths)?;
        match scanner::scan(document, paths, hits) {
            Ok(()) => {
                hits.finish();
                Ok(())
            }
            Err(why) => {
                hits.fail();
                Err(why)
            }
        }
    }

    fn splice(
        &self,
        document: &[u8],
        hits: &Hits,
        edits: &[(usize, Masked<'_>)],
        out: &mut Vec<u8>,
    ) -> Result<(), Undecodable> {
        splice::splice(document, hits, edits, out)
    }
}

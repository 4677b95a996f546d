//! Batches built by hand, and the promises of this module held against them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod building;
mod codecs;
mod hostile;
mod producing;
mod reading;
mod rewriting;
mod vectors;

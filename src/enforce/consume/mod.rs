//! Records on their way to a reader: what Fetch and ShareFetch responses have in common.

mod answer;
mod partition;
mod walk;

pub(super) use answer::{Reading, judge, rewrite_endpoints};
pub(super) use partition::Fault;
pub(super) use walk::{Found, FoundPartition, found};

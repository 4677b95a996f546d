//! A response that carries records: every partition in it by the plan of the reader.

use bytes::Bytes;

use super::partition::{Fate, Fault, Weighed, settle, weigh};
use super::walk::{Endpoints, Found, FoundPartition};
use crate::enforce::endpoints;
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::Facts;
use crate::enforce::outcome::{CloseReason, Response};
use crate::enforce::records::Unreadable;
use crate::enforce::splice::{Edits, length_prefix};
use crate::wire::ApiKey;
use crate::wire::shape::api;

/// Who reads, and in which message.
pub(in crate::enforce) struct Reading<'r> {
    pub key: ApiKey,
    pub version: i16,
    pub client_id: &'r str,
    pub evidence: &'r Evidence,
    pub unreadable: Unreadable,
    /// The entry of a partition that is answered with an error.
    pub refused: &'r RefusedEntry<'r>,
}

type RefusedEntry<'r> = dyn Fn(&FoundPartition, &Fault) -> Result<Bytes, CloseReason> + 'r;

/// Judges every partition and writes what is to be changed into `edits`. Says whether a topic was
/// denied. The names of all topics are known or known to be nobody's.
///
/// # Errors
/// [`CloseReason::Codec`] where an entry does not fit the version.
pub(in crate::enforce) fn judge(
    facts: &mut Facts<'_>,
    response: &Response,
    found: &Found,
    reading: &Reading<'_>,
    edits: &mut Edits,
) -> Result<bool, CloseReason> {
    let body = response.body();
    let mut judged: Vec<(&FoundPartition, Weighed)> = Vec::new();
    for topic in &found.topics {
        let name = topic.named.resolve(facts, &body);
        for partition in &topic.partitions {
            let records = body.slice(partition.records.clone());
            let named = (&name, topic.named.id);
            judged.push((partition, weigh(facts, reading, named, partition, records)));
        }
    }
    read_all(facts, judged.iter_mut().map(|(_, weighed)| weighed).collect());
    let flexible = api(reading.key.0).is_some_and(|api| api.is_flexible(reading.version));
    let base = response.body_at;
    let mut any_denied = false;
    for (partition, weighed) in judged {
        let fate = settle(facts, weighed);
        any_denied |= matches!(fate, Fate::Denied(_));
        match fate {
            Fate::Unchanged => {}
            Fate::Records(slices) => {
                let length = slices.iter().map(Bytes::len).sum();
                let range = partition.prefix_start + base..partition.records.end + base;
                let prefix = length_prefix(flexible, length);
                edits.replace(range, std::iter::once(prefix).chain(slices));
            }
            Fate::Denied(fault) | Fate::Refused(fault) => {
                let entry = (reading.refused)(partition, &fault)?;
                let range = partition.element.start + base..partition.element.end + base;
                edits.replace(range, [entry]);
            }
        }
    }
    Ok(any_denied)
}

/// All content work of a frame in one go: what is large goes to the workshop once.
fn read_all(facts: &Facts<'_>, mut judged: Vec<&mut Weighed>) {
    let mut works: Vec<_> = judged
        .iter_mut()
        .filter_map(|weighed| match weighed {
            Weighed::Open(work) => Some(work),
            Weighed::Settled(_) => None,
        })
        .collect();
    if works.is_empty() {
        return;
    }
    let bytes = works.iter().map(|work| work.bytes()).fold(0, usize::saturating_add);
    let limits = facts.cluster.limits;
    facts.cluster.tools.work(bytes, |tools| {
        for work in &mut works {
            work.carry_out(tools, limits);
        }
    });
}

/// Puts Lockgate's addresses into the array that names new leaders (KIP-951).
///
/// # Errors
/// [`CloseReason::Codec`] where an endpoint cannot be decoded or encoded.
pub(in crate::enforce) fn rewrite_endpoints(
    facts: &mut Facts<'_>,
    response: &Response,
    found: Option<&Endpoints>,
    edits: &mut Edits,
) -> Result<(), CloseReason> {
    let Some(Endpoints { tag_size, array }) = found else { return Ok(()) };
    let rewritten = endpoints::rewrite_array(facts, &response.body().slice(array.clone()))?;
    let base = response.body_at;
    if let Some(size) = tag_size {
        // A compact length is one more than what it counts, the size of a tag is not.
        let bytes = length_prefix(true, rewritten.len().saturating_sub(1));
        edits.replace(size.start + base..size.end + base, [bytes]);
    }
    edits.replace(array.start + base..array.end + base, [rewritten]);
    Ok(())
}

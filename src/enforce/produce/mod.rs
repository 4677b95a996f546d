//! Produce (key 0): each partition's batch judged by itself, and refused by itself.
//!
//! What is refused is taken out of the request, the rest goes on, and the refusals are put back
//! into the broker's answer in the order of the request. A batch never loses a record (Kafka's
//! `LogValidator` would refuse it, and an idempotent producer's sequence would break): it is masked
//! in place or refused whole. With `acks=0` there is no answer to refuse in: what is allowed goes
//! on, then the connection closes, as a broker does it. Transactional batches need `Write` on the
//! request's transactional id; without it the request is refused whole, before its topics are
//! looked at. That is what joins a partition to a transaction where no AddPartitionsToTxn does
//! (KIP-890).

mod answer;
mod partition;
mod transaction;
mod walk;

use super::evidence::Evidence;
use super::facts::{Facts, Notice};
use super::outcome::{Answer, CloseReason, Forward, Outcome, Request};
use super::splice::{Edits, length_prefix};
use super::{Enforcement, spans};
use crate::wire::shape::api;

use answer::{Produced, refused_whole};
use partition::{Fate, Part, Weighed, barred, weigh};
use walk::Walked;

pub struct Produce;

impl Enforcement for Produce {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        judge(facts, request).unwrap_or_else(Outcome::Close)
    }
}

fn judge(facts: &mut Facts<'_>, request: &Request) -> Result<Outcome, CloseReason> {
    let body = request.body();
    let walked = walk::walk(request.header.version, &body, &facts.cluster.limits.shape())
        .map_err(|fault| CloseReason::RequestShape { api: request.header.key, fault })?;
    let topics = walked.topics.iter().map(|topic| &topic.named);
    if let Some(needs) = spans::unnamed(facts, topics) {
        return Ok(Outcome::Wait(needs));
    }
    let evidence = Evidence::of(facts, request);
    let refusal = transaction::refusal(facts, request, &walked);
    let mut weighed: Vec<Weighed> = Vec::new();
    for topic in &walked.topics {
        for partition in &topic.partitions {
            let place = (topic, partition);
            weighed.push(match &refusal {
                Some(refusal) => Weighed::Settled(barred(facts, &body, place, &evidence, refusal)),
                None => weigh(facts, request, place, &evidence),
            });
        }
    }
    read_all(facts, &mut weighed);
    let mut parts: Vec<Part> = weighed.into_iter().map(Weighed::settle).collect();
    let refused = parts.iter().filter(|part| matches!(part.fate, Fate::Refused(_))).count();
    if refused > 0 {
        facts.effects.notices.push(Notice::Refused { api: request.header.key });
    }
    let expects_answer = walked.acks != 0;
    for part in &mut parts {
        // The first row speaks of the whole batch: the broker's answer belongs to it.
        if expects_answer && part.stays() && !part.rows.is_empty() {
            part.ticket = Some(facts.reserve(part.rows.remove(0)));
        }
        facts.effects.evidence.rows.append(&mut part.rows);
    }
    if refused == parts.len() && refused > 0 {
        return Ok(if expects_answer {
            Outcome::Respond(refused_whole(request, &walked, &parts)?)
        } else {
            Outcome::Close(CloseReason::RefusedWithoutAnswer)
        });
    }
    let slices = edited(request, &walked, &parts);
    let then_close = (!expects_answer && refused > 0).then_some(CloseReason::RefusedWithoutAnswer);
    let answer = if expects_answer {
        Answer::Judged(Box::new(Produced::new(request, &walked, parts)))
    } else {
        Answer::Nothing
    };
    Ok(Outcome::Forward(Forward { slices, answer, version: None, then_close }))
}

/// All content work of a request in one go: what is large goes to the workshop once.
fn read_all(facts: &Facts<'_>, weighed: &mut [Weighed]) {
    let mut works: Vec<_> = weighed
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

/// The request with refused partitions taken out and rewritten batches put in.
fn edited(request: &Request, walked: &Walked, parts: &[Part]) -> super::Slices {
    let flexible = api(request.header.key.0)
        .is_some_and(|definition| definition.is_flexible(request.header.version));
    let base = request.header.body_at;
    let at = |range: &std::ops::Range<usize>| range.start + base..range.end + base;
    let mut edits = Edits::default();
    let mut judged = parts.iter();
    let fates: Vec<Vec<&Part>> = walked
        .topics
        .iter()
        .map(|topic| judged.by_ref().take(topic.partitions.len()).collect())
        .collect();
    let stays = |parts: &Vec<&Part>| parts.is_empty() || parts.iter().any(|part| part.stays());
    let kept = fates.iter().filter(|parts| stays(parts)).count();
    if kept < walked.topics.len() {
        edits.replace(at(&walked.count), [length_prefix(flexible, kept)]);
    }
    for (topic, parts) in walked.topics.iter().zip(&fates) {
        if !stays(parts) {
            edits.remove(at(&topic.element));
            continue;
        }
        let kept = parts.iter().filter(|part| part.stays()).count();
        if kept < topic.partitions.len() {
            edits.replace(at(&topic.count), [length_prefix(flexible, kept)]);
        }
        for (partition, part) in topic.partitions.iter().zip(parts) {
            match &part.fate {
                Fate::Unchanged => {}
                Fate::Changed(records) => {
                    let prefix = length_prefix(flexible, records.len());
                    let range = partition.prefix_start..partition.records.end;
                    edits.replace(at(&range), [prefix, records.clone()]);
                }
                Fate::Refused(_) => edits.remove(at(&partition.element)),
            }
        }
    }
    edits.apply(&request.frame)
}

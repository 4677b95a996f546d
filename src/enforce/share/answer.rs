//! The judge of both responses: records judged, refusals put back, addresses rewritten.

use std::sync::Arc;

use super::FINAL_EPOCH;
use super::session::{Partition, SessionKey};
use super::walk::Asked;
use super::write::{self, Gone};
use crate::enforce::consume::{self, Fault, Found, FoundPartition, Reading};
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::Facts;
use crate::enforce::outcome::{CloseReason, Judge, Response, ResponseOutcome};
use crate::enforce::records::Unreadable;
use crate::enforce::splice::{Edits, length_prefix};
use crate::enforce::{Judged, settled, spans};
use crate::wire::{ApiKey, ErrorCode};

pub(super) struct Answered {
    pub version: i16,
    pub client_id: Arc<str>,
    pub evidence: Evidence,
    pub session: SessionKey,
    pub asked: Asked,
    /// Partitions that the broker was not asked for.
    pub gone: Vec<Gone>,
}

impl Judge for Answered {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.answer(facts, response))
    }
}

impl Answered {
    fn answer(&mut self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let (key, version) = (response.key, self.version);
        let body = response.body();
        let found = consume::found((key, version), &body, &facts.cluster.limits.shape())
            .map_err(|fault| CloseReason::ResponseShape { api: key, fault })?;
        let topics = found.topics.iter().map(|topic| &topic.named);
        if let Some(needs) = spans::unnamed(facts, topics) {
            return Ok(ResponseOutcome::Wait(needs));
        }
        self.evidence.judged_under(facts);
        let is_taken = found.top_level_error == ErrorCode::NONE.0;
        if is_taken {
            self.remember(facts, key);
        }
        let mut edits = Edits::default();
        let gone = if is_taken { self.to_answer(key) } else { Vec::new() };
        let (entries, count) = write::topics(key, &gone, self.asked.epoch != FINAL_EPOCH);
        let base = response.body_at;
        if count > 0 {
            let range = found.count.start + base..found.count.end + base;
            edits.replace(range, [length_prefix(true, found.topics.len().saturating_add(count))]);
        }
        if key == ApiKey::SHARE_FETCH {
            self.judge_records(facts, response, &found, &mut edits)?;
        }
        if count > 0 {
            edits.replace(found.topics_end + base..found.topics_end + base, [entries]);
        }
        consume::rewrite_endpoints(facts, response, found.endpoints.as_ref(), &mut edits)?;
        Ok(ResponseOutcome::Forward(edits.apply(&response.frame)))
    }

    fn judge_records(
        &self,
        facts: &mut Facts<'_>,
        response: &Response,
        found: &Found,
        edits: &mut Edits,
    ) -> Result<(), CloseReason> {
        let body = response.body();
        let refused = |partition: &FoundPartition, fault: &Fault| {
            Ok(write::kept_back(&body, partition, fault))
        };
        let reading = Reading {
            key: response.key,
            version: self.version,
            client_id: &self.client_id,
            evidence: &self.evidence,
            unreadable: Unreadable::LeftOut,
            refused: &refused,
        };
        if consume::judge(facts, response, found, &reading, edits)? {
            facts.connection.share_sessions.doubt(&self.session);
        }
        Ok(())
    }

    /// The partitions that have an entry: at the end of a session, those with acknowledgements.
    fn to_answer(&self, key: ApiKey) -> Vec<&Gone> {
        let ends = key == ApiKey::SHARE_FETCH && self.asked.epoch == FINAL_EPOCH;
        self.gone.iter().filter(|gone| !ends || gone.acknowledges).collect()
    }

    /// The broker has taken the request: what the session is now.
    fn remember(&self, facts: &mut Facts<'_>, key: ApiKey) {
        let sessions = &mut facts.connection.share_sessions;
        if self.asked.epoch == FINAL_EPOCH {
            sessions.forget(&self.session);
        } else if key == ApiKey::SHARE_FETCH {
            let removed: Vec<Partition> = self.gone.iter().map(|gone| gone.partition).collect();
            sessions.keep(&self.session, removed);
        }
    }
}

//! The judge of a Fetch response.

use std::sync::Arc;

use bytes::BytesMut;
use kafka_protocol::messages::fetch_response::PartitionData;

use crate::enforce::consume::{self, Fault, FoundPartition, Reading};
use crate::enforce::evidence::Evidence;
use crate::enforce::facts::Facts;
use crate::enforce::outcome::{CloseReason, Judge, Response, ResponseOutcome};
use crate::enforce::records::Unreadable;
use crate::enforce::splice::Edits;
use crate::enforce::{Judged, settled, spans};
use crate::wire::{ErrorCode, codec};

/// The judge of a Fetch response.
pub(super) struct Fetched {
    pub version: i16,
    pub client_id: Arc<str>,
    pub evidence: Evidence,
}

impl Judge for Fetched {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(self.answer(facts, response))
    }
}

impl Fetched {
    fn answer(&mut self, facts: &mut Facts<'_>, response: &Response) -> Judged {
        let (key, version) = (response.key, self.version);
        let found = consume::found((key, version), &response.body(), &facts.cluster.limits.shape())
            .map_err(|fault| CloseReason::ResponseShape { api: key, fault })?;
        let topics = found.topics.iter().map(|topic| &topic.named);
        if let Some(needs) = spans::unnamed(facts, topics) {
            return Ok(ResponseOutcome::Wait(needs));
        }
        self.evidence.judged_under(facts);
        if found.top_level_error == ErrorCode::NONE.0 {
            facts.connection.fetch_sessions.remember(found.session_id);
        }
        let refused = |partition: &FoundPartition, fault: &Fault| {
            Ok(codec::encode(key, version, &refused_partition(partition.index, fault.code))?)
        };
        let reading = Reading {
            key,
            version,
            client_id: &self.client_id,
            evidence: &self.evidence,
            unreadable: Unreadable::Ends,
            refused: &refused,
        };
        let mut edits = Edits::default();
        consume::judge(facts, response, &found, &reading, &mut edits)?;
        consume::rewrite_endpoints(facts, response, found.endpoints.as_ref(), &mut edits)?;
        Ok(ResponseOutcome::Forward(edits.apply(&response.frame)))
    }
}

/// A partition as Kafka answers it with an error (`FetchResponse.partitionResponse`).
pub(super) fn refused_partition(index: i32, code: ErrorCode) -> PartitionData {
    let mut entry = PartitionData::default();
    entry.partition_index = index;
    entry.error_code = code.0;
    entry.high_watermark = -1;
    entry.records = Some(BytesMut::new().freeze());
    entry
}

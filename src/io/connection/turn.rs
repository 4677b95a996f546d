//! What one turn of a connection brings about: evidence first, then frames.

use smallvec::SmallVec;

use super::{Pump, telemetry};
use crate::audit::Posting;
use crate::enforce::{CloseReason, Slices};
use crate::session::{Output, Side};

/// What one turn brought about: frames that leave once the evidence is accepted.
#[derive(Default)]
struct Turn {
    evidence: Posting,
    frames: SmallVec<[(Side, Slices); 2]>,
}

impl Pump<'_> {
    /// Does what the session asks for, in order.
    pub(super) async fn carry_out(&mut self) -> Result<(), CloseReason> {
        let mut turn = Turn::default();
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Audit(posting) => {
                    if !turn.evidence.goes_with(&posting) {
                        self.accept(std::mem::take(&mut turn)).await?;
                    }
                    turn.evidence.append(posting);
                }
                Output::Send(side, slices) => turn.frames.push((side, slices)),
                Output::Ask(ask) => self.ask = Some(ask),
                Output::Notice(notice) => telemetry::noticed(self.gateway, &notice)?,
                Output::Nodes(nodes) => self.gateway.map.learn(&nodes),
                Output::Close(reason) => self.close = Some(reason),
            }
        }
        self.accept(turn).await
    }

    /// Has the evidence accepted, and only then puts the frames on their way.
    async fn accept(&mut self, turn: Turn) -> Result<(), CloseReason> {
        if !turn.evidence.is_empty() {
            telemetry::count_rows(&self.gateway.metrics, turn.evidence.events());
            let accepted = self.ledger.post(&turn.evidence).await;
            accepted.map_err(|error| CloseReason::Audit(error.to_string()))?;
        }
        for (side, slices) in turn.frames {
            let queue = match side {
                Side::Downstream => &mut self.client.queue,
                Side::Upstream => &mut self.broker.queue,
            };
            telemetry::sent(&self.gateway.metrics, side, queue.push(slices));
        }
        Ok(())
    }
}

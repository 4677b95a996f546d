//! Two byte budgets for the whole process: memory of large frames is taken before they are read, and
//! given back after they have left. When a budget is spent, sockets are not read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames up to this size are not charged: each connection may hold a few.
const FREE_FRAME_BYTES: usize = 64 * 1024;
/// Permits count units of this size, so that a budget of any size fits the semaphore.
const UNIT_BYTES: usize = 1024;

/// The budgets of requests and of responses.
pub struct Budgets {
    requests: Arc<Semaphore>,
    responses: Arc<Semaphore>,
}

impl Budgets {
    #[must_use]
    pub fn new(request_budget_bytes: usize, response_budget_bytes: usize) -> Self {
        let semaphore = |bytes: usize| Arc::new(Semaphore::new(bytes / UNIT_BYTES));
        Self {
            requests: semaphore(request_budget_bytes),
            responses: semaphore(response_budget_bytes),
        }
    }

    pub(super) fn requests(&self) -> Charge {
        Charge::new(Arc::clone(&self.requests))
    }

    pub(super) fn responses(&self) -> Charge {
        Charge::new(Arc::clone(&self.responses))
    }

    /// Bytes of each budget that are not taken: requests, responses.
    #[must_use]
    pub fn free_bytes(&self) -> (usize, usize) {
        let free = |semaphore: &Semaphore| semaphore.available_permits() * UNIT_BYTES;
        (free(&self.requests), free(&self.responses))
    }
}

type Waiting = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// What one direction of one connection has taken.
pub(super) struct Charge {
    budget: Arc<Semaphore>,
    held: Vec<OwnedSemaphorePermit>,
    /// The frame that `held` covers last, by its announced length.
    covered_bytes: usize,
    waiting: Option<Waiting>,
}

impl Charge {
    fn new(budget: Arc<Semaphore>) -> Self {
        Self { budget, held: Vec::new(), covered_bytes: 0, waiting: None }
    }

    /// Whether the frame that is being read may go on. If not, [`Self::granted`] is to be awaited.
    pub fn covers(&mut self, announced: Option<usize>) -> bool {
        let Some(bytes) = announced.filter(|bytes| *bytes > FREE_FRAME_BYTES) else { return true };
        if self.waiting.is_some() {
            return false;
        }
        if self.covered_bytes >= bytes {
            return true;
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        self.covered_bytes = bytes;
        match Arc::clone(&self.budget).try_acquire_many_owned(units) {
            Ok(permit) => {
                self.held.push(permit);
                true
            }
            Err(_) => {
                let budget = Arc::clone(&self.budget);
                self.waiting =
                    Some(Box::pin(async move { budget.acquire_many_owned(units).await.ok() }));
                false
            }
        }
    }

    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Ends when the budget that [`Self::covers`] asked for is there. Cancel-safe: a place in the queue
    /// is kept.
    pub async fn granted(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            let permit = waiting.await;
            self.held.extend(permit);
        }
        self.waiting = None;
    }

    /// Gives everything back: all frames have left.
    pub fn release(&mut self) {
        self.held.clear();
        self.covered_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_waits_until_another_has_left() {
        let budgets = Budgets::new(1024 * 1024, 0);
        let (mut first, mut second) = (budgets.requests(), budgets.requests());
        assert!(first.covers(Some(700 * 1024)));
        assert!(first.covers(Some(700 * 1024)), "one frame is charged once");
        assert!(second.covers(Some(60_000)), "small frames are free");
        assert!(!second.covers(Some(700 * 1024)));
        assert!(second.is_waiting());
        first.release();
        second.granted().await;
        assert!(second.covers(Some(700 * 1024)));
        drop(second);
        assert_eq!(budgets.free_bytes().0, 1024 * 1024);
    }
}

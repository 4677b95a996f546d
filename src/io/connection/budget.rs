//! Two byte budgets for the whole process: memory of large frames is taken before they are read,
//! and given back after they have left. When a budget is spent, sockets are not read.

use std::collections::VecDeque;
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
    /// For the frame that is being read, with its announced length.
    reading: Option<(usize, Option<OwnedSemaphorePermit>)>,
    /// For frames that were taken and have not left, with how many bytes will have been written to
    /// the other side once they have.
    taken: VecDeque<(OwnedSemaphorePermit, Option<u64>)>,
    waiting: Option<Waiting>,
}

impl Charge {
    fn new(budget: Arc<Semaphore>) -> Self {
        Self { budget, reading: None, taken: VecDeque::new(), waiting: None }
    }

    /// Whether the frame that is being read may go on. If not, [`Self::granted`] is to be awaited.
    pub fn covers(&mut self, announced: Option<usize>) -> bool {
        let Some(bytes) = announced.filter(|bytes| *bytes > FREE_FRAME_BYTES) else { return true };
        if self.waiting.is_some() {
            return false;
        }
        if self.reading.as_ref().is_some_and(|(covered, _)| *covered >= bytes) {
            return true;
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        self.reading = Some((bytes, None));
        match Arc::clone(&self.budget).try_acquire_many_owned(units) {
            Ok(permit) => {
                self.reading = Some((bytes, Some(permit)));
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

    /// Ends when the budget that [`Self::covers`] asked for is there. Cancel-safe: a place in the
    /// queue is kept.
    pub async fn granted(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            let granted = waiting.await;
            if let Some((_, permit)) = &mut self.reading {
                *permit = granted;
            }
        }
        self.waiting = None;
    }

    /// The frame that was read has been taken; its bytes are on their way.
    pub fn frame_taken(&mut self) {
        if let Some((_, Some(permit))) = self.reading.take() {
            self.taken.push_back((permit, None));
        }
    }

    /// Gives back what frames held that have left: `pushed` bytes were ever queued for the other
    /// side,
    /// `written` of them have been written.
    pub fn settle(&mut self, pushed: u64, written: u64) {
        for (_, leaves_at) in &mut self.taken {
            leaves_at.get_or_insert(pushed);
        }
        while self.taken.front().is_some_and(|(_, at)| at.is_some_and(|at| at <= written)) {
            self.taken.pop_front();
        }
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
        first.frame_taken();
        first.settle(700 * 1024, 100);
        first.settle(900 * 1024, 700 * 1024 - 1);
        assert!(!second.covers(Some(700 * 1024)), "its last byte has not left");
        first.settle(900 * 1024, 700 * 1024);
        second.granted().await;
        assert!(second.covers(Some(700 * 1024)));
        drop(second);
        assert_eq!(budgets.free_bytes().0, 1024 * 1024);
    }
}

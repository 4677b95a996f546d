//! Two byte budgets for the whole process: memory of large frames is taken before they are read,
//! and given back after they have left. When a budget is spent, sockets are not read.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reading::READ_BYTES_BUSY;

/// Each direction of a connection may hold so much without being charged, so that small frames cost
/// nothing here.
const FREE_BYTES: usize = 64 * 1024;
/// Permits count units of this size, so that a budget of any size fits the semaphore.
const UNIT_BYTES: usize = 1024;

/// The budgets of requests and of responses.
pub struct Budgets {
    requests: Arc<Budget>,
    responses: Arc<Budget>,
}

/// One of them, and how many connections wait for it.
struct Budget {
    units: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Budgets {
    #[must_use]
    pub fn new(request_budget_bytes: usize, response_budget_bytes: usize) -> Self {
        let budget = |bytes: usize| {
            let units = Arc::new(Semaphore::new(bytes / UNIT_BYTES));
            Arc::new(Budget { units, waiting: AtomicUsize::new(0) })
        };
        Self { requests: budget(request_budget_bytes), responses: budget(response_budget_bytes) }
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
        let free = |budget: &Budget| budget.units.available_permits() * UNIT_BYTES;
        (free(&self.requests), free(&self.responses))
    }

    /// Whether a connection waits for memory that others hold.
    pub(super) fn are_short(&self) -> bool {
        let waiting = |budget: &Budget| budget.waiting.load(Ordering::Relaxed) > 0;
        waiting(&self.requests) || waiting(&self.responses)
    }
}

/// A place among those who wait.
struct Place(Arc<Budget>);

impl Place {
    fn take(budget: &Arc<Budget>) -> Self {
        budget.waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(budget))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

type Waiting = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// What one direction of one connection has taken.
pub(super) struct Charge {
    budget: Arc<Budget>,
    /// For the frame that is being read, with its announced length.
    reading: Option<(usize, Option<OwnedSemaphorePermit>)>,
    /// For frames that were taken and have not left, with how many bytes will have been written to
    /// the other side once they have.
    taken: VecDeque<(OwnedSemaphorePermit, Option<u64>)>,
    waiting: Option<Waiting>,
}

impl Charge {
    fn new(budget: Arc<Budget>) -> Self {
        Self { budget, reading: None, taken: VecDeque::new(), waiting: None }
    }

    /// Whether the frame that is being read may go on, with `queued` bytes of earlier ones that
    /// have not left. If not, [`Self::granted`] is to be awaited.
    pub fn covers(&mut self, announced: Option<usize>, queued: usize) -> bool {
        let bytes = announced.unwrap_or(0);
        if bytes.saturating_add(queued) <= FREE_BYTES {
            return true;
        }
        // Small frames come many in one read.
        let bytes = bytes.max(READ_BYTES_BUSY);
        if self.waiting.is_some() {
            return false;
        }
        if self.reading.as_ref().is_some_and(|(covered, _)| *covered >= bytes) {
            return true;
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        self.reading = Some((bytes, None));
        let budget = &self.budget.units;
        match Arc::clone(budget).try_acquire_many_owned(units) {
            Ok(permit) => {
                self.reading = Some((bytes, Some(permit)));
                true
            }
            Err(_) => {
                let (budget, place) = (Arc::clone(budget), Place::take(&self.budget));
                self.waiting = Some(Box::pin(async move {
                    let _place = place;
                    budget.acquire_many_owned(units).await.ok()
                }));
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
    /// side, `written` of them have been written. A frame that the session still holds has not
    /// been queued.
    pub fn settle(&mut self, pushed: u64, written: u64, session_holds: bool) {
        for (_, leaves_at) in self.taken.iter_mut().filter(|_| !session_holds) {
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
        assert!(first.covers(Some(700 * 1024), 0));
        assert!(first.covers(Some(700 * 1024), 0), "one frame is charged once");
        assert!(second.covers(Some(60_000), 0), "small frames are free");
        assert!(!second.covers(Some(700 * 1024), 0));
        assert!(second.is_waiting());
        first.frame_taken();
        first.settle(700 * 1024, 100, false);
        first.settle(900 * 1024, 700 * 1024 - 1, false);
        assert!(!second.covers(Some(700 * 1024), 0), "its last byte has not left");
        first.settle(900 * 1024, 700 * 1024, false);
        second.granted().await;
        assert!(second.covers(Some(700 * 1024), 0));
        drop(second);
        assert_eq!(budgets.free_bytes().0, 1024 * 1024);
    }

    #[tokio::test]
    async fn small_frames_are_charged_once_many_wait_to_leave() {
        let budgets = Budgets::new(0, 1024 * 1024);
        let mut charge = budgets.responses();
        assert!(charge.covers(Some(1_000), 0));
        assert_eq!(budgets.free_bytes().1, 1024 * 1024);
        assert!(charge.covers(Some(1_000), 65_000));
        assert_eq!(budgets.free_bytes().1, 1024 * 1024 - READ_BYTES_BUSY);
    }

    #[tokio::test]
    async fn a_frame_that_the_session_holds_stays_charged() {
        let budgets = Budgets::new(1024 * 1024, 0);
        let (mut first, mut second) = (budgets.requests(), budgets.requests());
        assert!(first.covers(Some(700 * 1024), 0));
        first.frame_taken();
        first.settle(100, 100, true);
        assert!(!budgets.are_short());
        assert!(!second.covers(Some(700 * 1024), 0));
        assert!(budgets.are_short(), "somebody waits");
        first.settle(700 * 1024, 0, false);
        first.settle(700 * 1024, 700 * 1024, false);
        second.granted().await;
        assert!(!budgets.are_short());
    }
}

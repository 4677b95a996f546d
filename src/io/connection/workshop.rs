//! Where content work on large batches is done: off the threads that move everybody's bytes.

use parking_lot::{Condvar, Mutex};

use crate::enforce::Workshop;

/// As many benches as there are cores: content work is bounded by it, and so is inflated memory.
pub struct Benches {
    free: Mutex<usize>,
    left: Condvar,
}

impl Benches {
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), left: Condvar::new() }
    }
}

impl Workshop for Benches {
    /// Runs `work` where it may block; the other tasks of this thread go on elsewhere meanwhile.
    fn run(&self, work: &mut dyn FnMut()) {
        tokio::task::block_in_place(|| {
            let _bench = Bench::take(self);
            work();
        });
    }
}

/// A bench that is given back also where the work ends by a panic.
struct Bench<'b> {
    benches: &'b Benches,
}

impl<'b> Bench<'b> {
    fn take(benches: &'b Benches) -> Self {
        let mut free = benches.free.lock();
        while *free == 0 {
            benches.left.wait(&mut free);
        }
        *free = free.saturating_sub(1);
        Self { benches }
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        let mut free = self.benches.free.lock();
        *free = free.saturating_add(1);
        self.benches.left.notify_one();
    }
}

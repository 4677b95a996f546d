//! An allocator that counts, so that "allocates nothing" and "within the cap" are measured.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Largest single request of the whole process while something was measured.
static LARGEST_BYTES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MEASURING: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<isize> = const { Cell::new(0) };
}

/// What one call allocated on its thread.
#[derive(Debug, Clone, Copy)]
pub struct Allocated {
    pub count: u64,
    /// Most bytes that lived at once, beside those from before the call.
    pub peak_bytes: usize,
}

/// Runs `work` and says what it allocated.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    COUNT.set(0);
    LIVE_BYTES.set(0);
    PEAK_BYTES.set(0);
    MEASURING.set(true);
    let result = work();
    MEASURING.set(false);
    let peak_bytes = usize::try_from(PEAK_BYTES.get()).unwrap_or(0);
    (result, Allocated { count: COUNT.get(), peak_bytes })
}

pub fn largest_bytes() -> usize {
    LARGEST_BYTES.load(Ordering::Relaxed)
}

fn note(count: u64, difference: isize, size: usize) {
    if !MEASURING.get() {
        return;
    }
    COUNT.set(COUNT.get() + count);
    LIVE_BYTES.set(LIVE_BYTES.get() + difference);
    PEAK_BYTES.set(PEAK_BYTES.get().max(LIVE_BYTES.get()));
    LARGEST_BYTES.fetch_max(size, Ordering::Relaxed);
}

// SAFETY: every call goes to the system allocator unchanged; the counters are plain cells without
// destructors, so noting a call neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as isize, layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, -(layout.size() as isize), 0);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as isize - layout.size() as isize, size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

//! Counts what the program takes from the heap.
//!
//! Each program that links this package gets the counting allocator. It counts only while an [`Allocations`] exists:
//! at all other times an allocation and its release cost seven instructions more, for every contender alike.
#![allow(unsafe_code, reason = "the trait of a global allocator is unsafe; everything is passed on to the system's")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// Relaxed everywhere: these numbers guard no memory, and are read by a task that has heard of the end of all it counts.
static ON: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicI64 = AtomicI64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

/// Counts from its making to its drop. One at a time.
#[derive(Debug)]
#[must_use = "it counts only while it lives"]
pub struct Allocations(());

impl Allocations {
    /// Begins to count, from zero.
    #[expect(clippy::new_without_default, reason = "it has an effect, and a default has none")]
    pub fn new() -> Self {
        COUNT.store(0, Relaxed);
        BYTES.store(0, Relaxed);
        ON.store(true, Relaxed);
        Allocations(())
    }

    /// How many there were so far.
    pub fn count(&self) -> f64 {
        COUNT.load(Relaxed) as f64
    }

    /// How many bytes more are in use than at the beginning.
    pub fn live_bytes(&self) -> f64 {
        BYTES.load(Relaxed) as f64
    }
}

impl Drop for Allocations {
    fn drop(&mut self) {
        ON.store(false, Relaxed);
    }
}

fn note(allocations: i64, more: usize, less: usize) {
    if ON.load(Relaxed) {
        COUNT.fetch_add(allocations, Relaxed);
        BYTES.fetch_add(more as i64 - less as i64, Relaxed);
    }
}

struct Counting;

// SAFETY: each call goes to `System` as it came; nothing else is done with the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

//! How many may be inside at once: for an admission, which bounds that too.

#[derive(Debug)]
pub(crate) struct Room {
    capacity: usize,
    /// Counted by the limited ones only.
    in_use: usize,
    limited: bool,
}

impl Room {
    pub(crate) const UNLIMITED: Self = Self { capacity: 1, in_use: 0, limited: false };

    pub(crate) const fn limited(capacity: usize) -> Self {
        Self { capacity, in_use: 0, limited: true }
    }

    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn in_use(&self) -> usize {
        self.in_use
    }

    #[inline]
    pub(super) fn is_free(&self) -> bool {
        self.in_use < self.capacity
    }

    #[inline]
    pub(super) fn take(&mut self) {
        self.in_use += usize::from(self.limited);
    }

    pub(super) fn give_back(&mut self) {
        self.in_use -= usize::from(self.limited);
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }
}

//! What a body works with.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

/// A connection in a transaction; derefs to the connection.
///
/// It neither commits nor rolls back: the end of the body does.
pub struct Tx<'c, C> {
    connection: &'c mut C,
    depth: usize,
}

impl<'c, C> Tx<'c, C> {
    pub(super) fn new(connection: &'c mut C, depth: usize) -> Self {
        Tx { connection, depth }
    }

    /// How deep it is nested: 0 in a transaction, 1 in a savepoint of it, and so on.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

impl<C> Deref for Tx<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection
    }
}

impl<C> DerefMut for Tx<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection
    }
}

impl<C> fmt::Debug for Tx<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("depth", &self.depth).finish_non_exhaustive()
    }
}

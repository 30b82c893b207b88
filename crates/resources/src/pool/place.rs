//! A place in the pool: the right to one value.

use std::sync::Arc;

use super::{pooled::Pooled, shared::Shared, state::Phase, statistics::Cause, tenant::Item};

/// One of the places that is not idle (invariant 2 of the state). Dropped, it is free for the next.
pub(super) struct Place<R: Pooled> {
    shared: Arc<Shared<R>>,
    /// `None` once it was given back.
    phase: Option<Phase>,
}

const TAKEN: &str = "a place is given back once";

impl<R: Pooled> Place<R> {
    pub(super) fn in_use(shared: &Arc<Shared<R>>) -> Self {
        Place { shared: Arc::clone(shared), phase: Some(Phase::InUse) }
    }

    pub(super) fn creating(shared: &Arc<Shared<R>>) -> Self {
        Place { shared: Arc::clone(shared), phase: Some(Phase::Creating) }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<R>> {
        &self.shared
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        let from = self.phase.replace(phase).expect(TAKEN);
        if from != phase {
            self.shared.state().enter(from, phase);
        }
    }

    pub(super) fn begin_closing(&mut self, cause: Cause) {
        let from = self.phase.replace(Phase::Closing).expect(TAKEN);
        let mut state = self.shared.state();
        state.enter(from, Phase::Closing);
        state.destroyed.count(cause);
    }

    /// Gives the place back with its value, which a closed pool refuses.
    pub(super) fn put(mut self, item: Box<Item<R>>) -> Result<(), (Box<Item<R>>, Self)> {
        let from = self.phase.take().expect(TAKEN);
        let mut state = self.shared.state();
        match state.put(item, from) {
            Ok(next) => {
                self.shared.given_back(state, next);
                Ok(())
            }
            Err(item) => {
                drop(state);
                self.phase = Some(from);
                Err((item, self))
            }
        }
    }

    /// Gives the place back before anything was tried in it.
    pub(super) fn vacate(mut self) {
        let from = self.phase.take().expect(TAKEN);
        let mut state = self.shared.state();
        let next = state.vacate(from);
        self.shared.given_back(state, next);
    }
}

impl<R: Pooled> Drop for Place<R> {
    fn drop(&mut self) {
        if let Some(from) = self.phase.take() {
            let mut state = self.shared.state();
            let next = state.free(from);
            self.shared.given_back(state, next);
        }
    }
}

//! The right to proceed, as a guard.

use std::{fmt, num::NonZeroUsize, ops::Deref, sync::Arc};

use super::{Borrower, Limiter};
use crate::inspected::Holding;

/// The right to proceed, given back when it is dropped; from [`Limiter::acquire`] and its kin.
#[must_use = "a permit that is dropped at once limits nothing: bind it, `let _permit = …`"]
pub struct Permit<'a>(pub(super) Held<&'a Limiter>);

impl Permit<'_> {
    /// How many permits of the limiter it stands for.
    #[must_use]
    pub fn weight(&self) -> NonZeroUsize {
        self.0.weight
    }

    /// Takes a part out of it, to be given back earlier than the rest. `None` where nothing would be left: then drop it whole.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    ///
    /// use bowline_sync::Limiter;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let megabytes = Limiter::new(100);
    /// let mut both = megabytes.try_acquire_many(NonZeroUsize::try_from(60)?)?;
    /// let input = both.split(NonZeroUsize::try_from(40)?);
    /// drop(input); // it has been read
    /// assert_eq!((both.weight().get(), megabytes.statistics().in_use), (20, 20));
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(&mut self, permits: NonZeroUsize) -> Option<Self> {
        self.0.split(permits).map(Self)
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "Permit")
    }
}

/// A [`Permit`] that shares ownership of its limiter; from [`Limiter::acquire_owned`] and its kin.
#[must_use = "a permit that is dropped at once limits nothing: bind it, `let _permit = …`"]
pub struct OwnedPermit(pub(super) Held<Arc<Limiter>>);

impl OwnedPermit {
    /// How many permits of the limiter it stands for.
    #[must_use]
    pub fn weight(&self) -> NonZeroUsize {
        self.0.weight
    }

    /// Takes a part out of it, as [`Permit::split`] does.
    pub fn split(&mut self, permits: NonZeroUsize) -> Option<Self> {
        self.0.split(permits).map(Self)
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "OwnedPermit")
    }
}

/// Permits that are out, until it is dropped.
pub(super) struct Held<L: Deref<Target = Limiter>> {
    limiter: L,
    weight: NonZeroUsize,
    /// Whom the limiter has on record for it.
    borrower: Option<Borrower>,
    _holding: Holding,
}

impl<L: Deref<Target = Limiter>> Held<L> {
    /// Stands for permits that are counted already.
    pub(super) fn new(limiter: L, weight: NonZeroUsize) -> Self {
        let _holding = limiter.resource.hold();
        Self { limiter, weight, borrower: None, _holding }
    }

    /// Ends the record of the borrower together with it.
    pub(super) fn lent_to(mut self, borrower: &Borrower) -> Self {
        self.limiter.borrowers.hold(borrower);
        self.borrower = Some(borrower.clone());
        self
    }

    fn split(&mut self, permits: NonZeroUsize) -> Option<Self>
    where
        L: Clone,
    {
        self.weight = NonZeroUsize::new(self.weight.get().checked_sub(permits.get())?)?;
        Some(Self::new(self.limiter.clone(), permits))
    }

    fn fmt(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let mut debug = f.debug_struct(name);
        debug.field("weight", &self.weight);
        if let Some(borrower) = &self.borrower {
            debug.field("borrower", borrower);
        }
        debug.field("limiter", &*self.limiter).finish()
    }
}

impl<L: Deref<Target = Limiter>> Drop for Held<L> {
    fn drop(&mut self) {
        // First the record: else the borrower could be refused when there is a permit for it.
        if let Some(borrower) = &self.borrower {
            self.limiter.borrowers.leave(borrower);
        }
        self.limiter.permits.give_back(self.weight);
    }
}

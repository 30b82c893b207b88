//! Any number of resources as one.

use std::{fmt, time::Duration};

use bowline_concurrency::gather;

use crate::{exit::Exit, first_failure::FirstFailure, member::Member, resource::Resource};

/// Makes one [`Resource`] of any number of one type: all are acquired at once, and released at once, in one task.
///
/// The body gets a boxed slice of the values, in the order of the resources; of none an empty one.
///
/// What goes wrong is treated as by [`Resource::zip`]: if one acquisition fails or panics, the others are waited for and what they gave is
/// released; the first error is returned, and further ones go to the observer. The same holds for releases.
///
/// As many acquisitions run at once as there are resources. For two of different types use [`Resource::zip`]; for values that come and go, a stack.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, all, resource, with};
/// use std::io;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let replica = |name: &'static str| {
///     resource(async move || io::Result::Ok(name.len()), async |_: usize, _: Exit| Ok(()))
/// };
/// let sum = with(all(["north", "south", "overseas"].map(replica)), async |lengths| {
///     io::Result::Ok(lengths.iter().sum::<usize>())
/// })
/// .await?;
/// assert_eq!(sum, 18);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "actxgroup")]
#[doc(alias = "traverse")]
pub fn all<R: Resource>(resources: impl IntoIterator<Item = R>) -> All<R> {
    All { members: resources.into_iter().map(Member::new).collect() }
}

/// Any number of resources as one, by [`all`].
#[derive(Clone)]
pub struct All<R: Resource> {
    members: Vec<Member<R>>,
}

impl<R: Resource> Resource for All<R> {
    /// Its length cannot be changed: each value finds its way back.
    type Value = Box<[R::Value]>;
    type Error = R::Error;

    async fn acquire(&mut self) -> Result<Self::Value, R::Error> {
        let failures = FirstFailure::new();
        gather(self.members.iter_mut().map(|member| member.acquire(&failures))).await;
        if failures.is_some() {
            gather(self.members.iter_mut().map(|member| member.release_kept(Exit::Failed, &failures))).await;
        }
        failures.conclude()?;
        Ok(self.members.iter_mut().map(Member::take).collect())
    }

    async fn release(&mut self, values: Self::Value, exit: Exit) -> Result<(), R::Error> {
        let failures = FirstFailure::new();
        let pairs = self.members.iter_mut().zip(values);
        gather(pairs.map(|(member, value)| member.release(value, exit.clone(), &failures))).await;
        failures.conclude()
    }

    /// The longest one: they run side by side.
    fn release_within(&self) -> Duration {
        self.members.iter().map(|member| member.resource().release_within()).max().unwrap_or_default()
    }

    /// Without values all have been told, or have returned.
    fn abandon(&mut self, values: Option<Self::Value>) {
        for (member, value) in self.members.iter_mut().zip(values.into_iter().flatten()) {
            member.abandon(value);
        }
    }
}

impl<R: Resource + fmt::Debug> fmt::Debug for All<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(Member::resource)).finish()
    }
}

//! Children fail each for itself.

use std::{fmt, ops::ControlFlow};

use super::{Place, Policy};

/// A policy: an error of a child goes to a handler, once, and nobody else is concerned; the scope returns the result of its body. An error
/// of the body cancels the children; what they return then is dropped. See [`policy_scope`](crate::policy_scope()).
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{Supervise, policy_scope};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), String> {
/// let (tell, told) = std::sync::mpsc::channel();
/// let supervise = Supervise::new(move |name: Option<&str>, error: String| {
///     let _ = tell.send(format!("{}: {error}", name.unwrap_or("a task")));
/// });
/// let sum = policy_scope(supervise, async |group| -> Result<u32, String> {
///     group.named("mail").spawn(async { Err("no route".to_owned()) });
///     Ok(42)
/// })
/// .await?;
/// assert_eq!((sum, told.recv()), (42, Ok("mail: no route".to_owned())));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "supervisorScope")]
pub struct Supervise<F, E, T, B> {
    handler: F,
    result: Option<Result<T, B>>,
    error: std::marker::PhantomData<fn(E)>,
}

impl<F: FnMut(Option<&str>, E), E, T, B> Supervise<F, E, T, B> {
    /// `handler` gets the name of the child that failed, if it has one, and its error.
    pub fn new(handler: F) -> Self {
        Supervise { handler, result: None, error: std::marker::PhantomData }
    }
}

impl<F, E, T, B> Policy for Supervise<F, E, T, B>
where
    F: FnMut(Option<&str>, E) + Send + 'static,
    E: Send + 'static,
    T: Send + 'static,
    B: Send + 'static,
{
    type Task = Result<(), E>;
    type Body = Result<T, B>;
    type Output = Result<T, B>;

    fn completed(&mut self, place: Place<'_>, output: Result<(), E>) -> ControlFlow<()> {
        if let Err(error) = output {
            (self.handler)(place.name, error);
        }
        ControlFlow::Continue(())
    }

    fn returned(&mut self, body: Result<T, B>) -> ControlFlow<()> {
        let failed = body.is_err();
        self.result = Some(body);
        if failed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn conclude(self) -> Result<T, B> {
        self.result.expect("only the body's own result decides, so it is there")
    }
}

impl<F, E, T, B> fmt::Debug for Supervise<F, E, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervise").finish_non_exhaustive()
    }
}

//! What closing a stack returns if not all went well.

use std::{error::Error, fmt, slice};

use bowline_concurrency::Failure;

use super::{member::BoxError, outcome::release_of};

/// Why members of an [`ExitStack`](crate::ExitStack) were not released properly; all of them, in the order in which it happened.
///
/// It shows the first, and [`source`](Error::source) is the cause of that one.
#[derive(Debug)]
pub struct CloseError(Vec<ReleaseError>);

impl CloseError {
    pub(super) fn of(errors: Vec<ReleaseError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(CloseError(errors)) }
    }

    /// The one that happened first: that of the member that was entered last.
    pub fn first(&self) -> &ReleaseError {
        &self.0[0] // There is one, see `of`.
    }

    /// All, in the order in which they happened.
    pub fn iter(&self) -> slice::Iter<'_, ReleaseError> {
        self.0.iter()
    }

    /// All, in the order in which they happened; at least one.
    pub fn into_vec(self) -> Vec<ReleaseError> {
        self.0
    }
}

impl<'a> IntoIterator for &'a CloseError {
    type Item = &'a ReleaseError;
    type IntoIter = slice::Iter<'a, ReleaseError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for CloseError {
    type Item = ReleaseError;
    type IntoIter = std::vec::IntoIter<ReleaseError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() - 1 {
            0 => self.first().fmt(f),
            more => write!(f, "{}, and {more} more", self.first()),
        }
    }
}

impl Error for CloseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.first().source()
    }
}

/// Why one member of an [`ExitStack`](crate::ExitStack) was not released properly.
///
/// Its [`source`](Error::source) is the error of the release; downcast that to get at its details.
#[derive(Debug)]
pub struct ReleaseError {
    name: &'static str,
    /// `None`: the value was on loan.
    cause: Option<BoxError>,
}

impl ReleaseError {
    pub(super) fn failed(name: &'static str, error: BoxError) -> Self {
        ReleaseError { name, cause: Some(error) }
    }

    pub(super) fn on_loan(name: &'static str) -> Self {
        ReleaseError { name, cause: None }
    }

    /// The name of the type of the resource or of the callback.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the value was still on loan. It is released when its [`Loan`](crate::Loan) is dropped.
    pub fn is_on_loan(&self) -> bool {
        self.cause.is_none()
    }

    pub(super) fn report(self) {
        match self.cause {
            Some(error) => Failure::error(release_of(self.name), error).report(),
            None => Failure::error_text(release_of(self.name), &format_args!("{self}")).report(),
        }
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Some(_) => write!(f, "the release of {} failed", self.name),
            None => write!(f, "{} is still on loan: drop its loan before its stack is closed", self.name),
        }
    }
}

impl Error for ReleaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|error| &**error as &(dyn Error + 'static))
    }
}

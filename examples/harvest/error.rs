//! Why a run fails, in words for whoever started it.

use bowline_bridge::CallError;
use bowline_concurrency::Reason;
use bowline_pipeline::{NoConsumers, PutError};
use thiserror::Error;

use crate::{fetch::FetchError, page::NoList, paging::PagingError, store::StoreError};

/// A run failed. What it had stored is stored, and the run can be resumed.
#[derive(Debug, Error)]
pub enum Error {
    /// A page did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A page came, and is not what the options say.
    #[error("page {number}: {unexpected}")]
    Page {
        /// Which, from 1.
        number: u64,
        /// What is wrong with it.
        unexpected: Unexpected,
    },
    /// The API leads in a circle.
    #[error("page {page} leads back to a page that came before: the API's cursors go in a circle")]
    Loop {
        /// The page with the link, from 1.
        page: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The checkpoint of a run leads nowhere.
    #[error("the checkpoint says to go on at {0:?}, which is no URL: begin a new run with --fresh")]
    BadCheckpoint(String),
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[from] reqwest::Error),
    /// Our own server could not listen.
    #[error("the API of our own cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// The writer has gone.
    #[error("nobody stores the pages any more")]
    NoWriter,
    /// The work was cancelled from outside.
    #[error("cancelled: {0}")]
    Cancelled(Reason),
    /// The demonstration's figures are not those of the server.
    #[error("harvest and its server do not agree:\n  {}", .0.join("\n  "))]
    Disagree(Vec<String>),
}

/// What is wrong with a page that came.
#[derive(Debug, Error)]
pub enum Unexpected {
    /// No list of records.
    #[error(transparent)]
    NoList(#[from] NoList),
    /// No way to the next one.
    #[error(transparent)]
    Paging(#[from] PagingError),
}

impl Error {
    /// An error on page `index`, counted from 0.
    pub fn on_page(index: u64, error: impl Into<Unexpected>) -> Self {
        Error::Page { number: index + 1, unexpected: error.into() }
    }
}

impl<T> From<PutError<T>> for Error {
    fn from(_: PutError<T>) -> Self {
        Error::NoWriter
    }
}

impl From<NoConsumers> for Error {
    fn from(_: NoConsumers) -> Self {
        Error::NoWriter
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Error::Store(error.into())
    }
}

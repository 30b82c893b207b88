//! Streams over sources that answer in pages.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

/// Streams the items of all pages, one after the other; the next page is fetched only when its first item is asked for.
///
/// `fetch` gets a cursor, `first` to begin with, and answers with the items of that page and the cursor of the next one, or `None`
/// after the last. An error is the last item of the stream: to retry a page, retry inside of `fetch`. A source whose cursors
/// lead in a circle makes the stream endless; [`pages`](Paginate::pages) shows the cursors to who wants to check.
///
/// # Examples
///
/// ```
/// use bowline_streams::paginate;
/// use futures_util::TryStreamExt;
/// use std::io;
///
/// /// Two pages of two rows, and one of one.
/// async fn page(number: u32) -> io::Result<(Vec<u32>, Option<u32>)> {
///     let rows = (number * 2..5.min(number * 2 + 2)).collect();
///     Ok((rows, (number < 2).then_some(number + 1)))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let rows: Vec<u32> = paginate(0, page).try_collect().await?;
/// assert_eq!(rows, [0, 1, 2, 3, 4]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "cursor")]
#[doc(alias = "pages")]
pub fn paginate<C, F, Fut, I, E>(first: C, fetch: F) -> Paginate<C, F, Fut, I>
where
    F: FnMut(C) -> Fut,
    Fut: Future<Output = Result<(I, Option<C>), E>>,
    I: IntoIterator,
{
    Paginate { pages: Pages { cursor: Some(first), fetch, page: None }, items: None }
}

/// Stream of [`paginate`].
///
/// # Cancel safety
///
/// Dropping the future of `next` loses nothing: a page that is being fetched goes on with the next call. Dropping the
/// stream drops the fetch.
#[must_use = "streams do nothing unless polled"]
pub struct Paginate<C, F, Fut, I: IntoIterator> {
    pages: Pages<C, F, Fut>,
    items: Option<I::IntoIter>,
}

impl<C, F, Fut, I: IntoIterator> Paginate<C, F, Fut, I> {
    /// Streams whole pages, each with the cursor of the next one: for who stores a page and its cursor together.
    ///
    /// Items of a page that has been begun are dropped.
    pub fn pages(self) -> Pages<C, F, Fut> {
        self.pages
    }
}

// No field is pinned: the fetch is in a box.
impl<C, F, Fut, I: IntoIterator> Unpin for Paginate<C, F, Fut, I> {}

impl<C, F, Fut, I, E> Stream for Paginate<C, F, Fut, I>
where
    C: Clone,
    F: FnMut(C) -> Fut,
    Fut: Future<Output = Result<(I, Option<C>), E>>,
    I: IntoIterator,
{
    type Item = Result<I::Item, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.as_mut().and_then(Iterator::next) {
                return Poll::Ready(Some(Ok(item)));
            }
            self.items = None;
            match ready!(Pin::new(&mut self.pages).poll_next(cx)) {
                // A page may be empty and not be the last.
                Some(Ok((items, _))) => self.items = Some(items.into_iter()),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<C: fmt::Debug, F, Fut, I: IntoIterator> fmt::Debug for Paginate<C, F, Fut, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Paginate").field(&self.pages).finish()
    }
}

/// Stream of [`Paginate::pages`]: the items of a page and the cursor of the next one.
///
/// # Cancel safety
///
/// As [`Paginate`]: the fetch belongs to the stream, not to the future of `next`.
#[must_use = "streams do nothing unless polled"]
pub struct Pages<C, F, Fut> {
    /// Of the page to be fetched next.
    cursor: Option<C>,
    fetch: F,
    /// A box for each page keeps the stream `Unpin`; a page costs far more than that.
    page: Option<Pin<Box<Fut>>>,
}

// No field is pinned: the fetch is in a box.
impl<C, F, Fut> Unpin for Pages<C, F, Fut> {}

impl<C, F, Fut, I, E> Stream for Pages<C, F, Fut>
where
    C: Clone,
    F: FnMut(C) -> Fut,
    Fut: Future<Output = Result<(I, Option<C>), E>>,
{
    type Item = Result<(I, Option<C>), E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut page = match (this.page.take(), this.cursor.take()) {
            (Some(page), _) => page,
            (None, Some(cursor)) => Box::pin((this.fetch)(cursor)),
            (None, None) => return Poll::Ready(None),
        };
        // Taken out while it is polled: a fetch that panics ends the stream.
        match page.as_mut().poll(cx) {
            Poll::Ready(Ok((items, next))) => {
                this.cursor.clone_from(&next);
                Poll::Ready(Some(Ok((items, next))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            Poll::Pending => {
                this.page = Some(page);
                Poll::Pending
            }
        }
    }
}

impl<C: fmt::Debug, F, Fut> fmt::Debug for Pages<C, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("next", &self.cursor)
            .field("fetching", &self.page.is_some())
            .finish_non_exhaustive()
    }
}

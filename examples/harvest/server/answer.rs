//! Answers, and a body that can break off half-way.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::{
    Response, StatusCode,
    body::{Body, Bytes, Frame, SizeHint},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;

pub(super) type Answer = Response<Payload>;

pub(super) fn json(value: &Value) -> Answer {
    text("application/json", value.to_string())
}

pub(super) fn text(kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Payload { rest: text.into(), end: End::Whole });
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

pub(super) fn failure(status: StatusCode, message: &str) -> Answer {
    let mut answer = json(&serde_json::json!({ "error": message }));
    *answer.status_mut() = status;
    answer
}

/// A refusal: 429 or 503 with the header that says how long to wait.
pub(super) fn refusal(status: StatusCode, retry_after: &str) -> Answer {
    let mut answer = failure(status, "too many requests: wait as long as Retry-After says");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_str(retry_after).expect("digits or a date"));
    answer
}

/// Announces the whole body, sends half of it, and closes the connection.
pub(super) fn cut(mut answer: Answer) -> Answer {
    let announced = answer.body().rest.len();
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(announced));
    let payload = answer.body_mut();
    payload.rest.truncate(announced / 2);
    payload.end = End::Cut;
    answer
}

#[derive(Debug)]
pub(super) struct Payload {
    rest: Bytes,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Whole,
    /// The connection breaks, but not before the first half is on its way.
    Cut,
    Broken,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.rest)))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Cut => {
                // hyper throws away what it has not flushed when the body fails, and flushes when the body is pending.
                self.end = End::Broken;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::Broken => Poll::Ready(Some(Err(io::Error::other("the body is cut half-way, as planned")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && matches!(self.end, End::Whole)
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Whole => SizeHint::with_exact(self.rest.len() as u64),
            End::Cut | End::Broken => SizeHint::default(),
        }
    }
}

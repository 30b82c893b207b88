//! The error of an emit, inside the errors of others.

use std::{error::Error, io};

use bowline_streams::{Closed, try_generate};
use bowline_testing::on_both_runtimes;
use futures_util::StreamExt;
use thiserror::Error;

use crate::support::heard;

#[derive(Debug, Error)]
enum Own {
    #[error("cannot close the session")]
    Session,
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Takes the first item of a generator with errors of type `E` and drops the stream; gives what the observer heard.
async fn heard_after_first<E: std::fmt::Debug + Send + 'static>(
    end: impl FnOnce(Closed) -> Result<(), E> + Send + 'static,
) -> Vec<String> {
    heard(async || {
        let mut stream = try_generate(async move |out| {
            let refused = out.emit(1).await.expect_err("nobody asks again");
            tokio::task::yield_now().await;
            end(refused)
        });
        assert!(matches!(stream.next().await, Some(Ok(1))));
    })
    .await
}

#[test]
fn refusal_inside_of_any_error_is_no_failure() {
    on_both_runtimes(async || {
        let none: [&str; 0] = [];
        assert_eq!(heard_after_first::<Closed>(Err).await, none);
        assert_eq!(heard_after_first::<Own>(|closed| Err(closed.into())).await, none);
        assert_eq!(heard_after_first::<io::Error>(|closed| Err(closed.into())).await, none);
        assert_eq!(heard_after_first::<Box<dyn Error + Send + Sync>>(|closed| Err(closed.into())).await, none);
        assert_eq!(heard_after_first::<()>(|_| Ok(())).await, none);
    });
}

#[test]
fn gen_12_failure_of_an_abandoned_cleanup_is_reported_under_its_name() {
    on_both_runtimes(async || {
        let heard = heard_after_first(|_closed| Err(Own::Session)).await;
        assert_eq!(heard, ["the cleanup of a generator failed: Session"]);
    });
}

#[test]
fn error_that_does_not_carry_the_refusal_is_reported() {
    on_both_runtimes(async || {
        let heard = heard_after_first::<String>(|closed| Err(closed.to_string())).await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].contains("the consumer of the stream has gone"), "{heard:?}");
    });
}

#[test]
fn gen_07_failure_of_the_cleanup_is_returned_to_who_closes() {
    on_both_runtimes(async || {
        let mut stream = try_generate(async |out| {
            let mut result = Ok(());
            while result.is_ok() {
                result = out.emit(1).await;
            }
            // A helper task of the cleanup fails.
            tokio::spawn(async { Err(Own::Session) }).await.expect("no panic")?;
            Ok(result?)
        });
        assert!(matches!(stream.next().await, Some(Ok(1))));
        assert!(matches!(stream.aclose().await, Err(Own::Session)));
    });
}

#[test]
fn refusal_that_aclose_caused_is_not_returned() {
    on_both_runtimes(async || {
        let mut stream = try_generate(async |out| {
            loop {
                out.emit(1).await?
            }
        });
        assert!(matches!(stream.next().await, Some(Ok::<_, Own>(1))));
        assert!(stream.aclose().await.is_ok());
    });
}

#[test]
fn conversion_to_io_error_keeps_the_kind_and_the_text() {
    on_both_runtimes(async || {
        let heard = heard_after_first(|closed| {
            assert_eq!(closed, closed.clone());
            assert_eq!(closed.to_string(), "the consumer of the stream has gone; end the generator");
            let error = io::Error::from(closed.clone());
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
            assert_eq!(error.downcast::<Closed>().expect("carried"), closed);
            Ok::<_, ()>(())
        })
        .await;
        assert_eq!(heard, [""; 0]);
    });
}

//! The errors of scopes and the `?` of their users.

use std::{
    error::Error,
    fmt,
    num::{IntErrorKind, ParseIntError},
};

use bowline_concurrency::{FirstError, Reason, ScopeError, TaskGroup, try_scope};

use crate::support::on_both;

/// Like `anyhow::Error`: it can be printed and made from every error, and is none itself.
struct Anyhow(Box<dyn Error + Send + Sync>);

impl fmt::Debug for Anyhow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Anyhow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Anyhow {
    fn from(error: E) -> Self {
        Anyhow(error.into())
    }
}

#[derive(Debug)]
enum Own {
    Number(ParseIntError),
    Cancelled(Reason),
}

impl From<ParseIntError> for Own {
    fn from(error: ParseIntError) -> Self {
        Own::Number(error)
    }
}

impl From<Reason> for Own {
    fn from(reason: Reason) -> Self {
        Own::Cancelled(reason)
    }
}

async fn number(text: &str) -> Result<u8, ParseIntError> {
    text.parse()
}

#[test]
fn question_mark_works_for_a_dyn_error() {
    type Dyn = Box<dyn Error + Send + Sync>;
    async fn sum(text: &'static str) -> Result<u8, Dyn> {
        let sum = try_scope(async |group: &TaskGroup<Dyn>| {
            let child = group.try_spawn(async move { Ok(number(text).await?) });
            Ok(number("1").await? + child.await)
        });
        Ok(sum.await?)
    }
    on_both(|| async {
        assert_eq!(sum("2").await.unwrap(), 3);
        assert!(sum("x").await.unwrap_err().to_string().contains("invalid digit"));
    });
}

#[test]
fn question_mark_works_for_an_error_that_is_only_printable() {
    async fn sum(text: &'static str) -> Result<u8, Anyhow> {
        let sum = try_scope(async |group: &TaskGroup<Anyhow>| {
            let child = group.try_spawn(async move { Ok(number(text).await?) });
            Ok(number("1").await? + child.await)
        });
        Ok(sum.await?)
    }
    on_both(|| async {
        assert_eq!(sum("2").await.unwrap(), 3);
        let error = sum("x").await.unwrap_err();
        let inner = error.0.downcast_ref::<ScopeError<Anyhow>>().unwrap().errors().unwrap();
        assert!(inner.first().0.is::<ParseIntError>(), "{error:?}");
    });
}

#[test]
fn tg_64_owner_gets_the_type_of_error_that_its_tasks_have() {
    async fn sum(text: &'static str) -> Result<u8, Own> {
        try_scope(async |group: &TaskGroup<Own>| {
            let child = group.try_spawn(async move { Ok(number(text).await?) });
            Ok(number("1").await? + child.await)
        })
        .await
        .first_error()
    }
    on_both(|| async {
        assert_eq!(sum("2").await.unwrap(), 3);
        assert!(matches!(sum("x").await, Err(Own::Number(error)) if *error.kind() == IntErrorKind::InvalidDigit));
        assert_eq!(sum("4").await.unwrap(), 5, "the caller is alive");
    });
}

#[test]
fn reason_of_a_cancellation_becomes_an_error_of_the_users() {
    async fn cancelled(convert: bool) -> Result<(), Own> {
        let result = try_scope(async |group: &TaskGroup<Own>| {
            group.cancel("enough");
            std::future::pending().await
        })
        .await;
        if convert { result.first_error() } else { result.first_error_or_else(|_| Own::Cancelled(Reason::Shutdown)) }
    }
    on_both(|| async {
        assert!(matches!(cancelled(true).await, Err(Own::Cancelled(Reason::Explicit(text))) if text == "enough"));
        assert!(matches!(cancelled(false).await, Err(Own::Cancelled(Reason::Shutdown))));
    });
}

#[test]
fn nested_scopes_pass_their_bare_error_on() {
    async fn nested() -> Result<(), Own> {
        try_scope(async |outer: &TaskGroup<Own>| {
            outer
                .try_spawn(async {
                    try_scope(async |inner: &TaskGroup<Own>| {
                        inner.try_spawn(async { Ok(number("x").await?) }).await;
                        Ok(())
                    })
                    .await
                    .first_error()
                })
                .await;
            Ok(())
        })
        .await
        .first_error()
    }
    on_both(|| async { assert!(matches!(nested().await, Err(Own::Number(_)))) });
}

//! The traps of task groups: twenty ways in which other libraries, or first drafts of this one, went wrong.
//!
//! | | the trap | here |
//! |---|---|---|
//! | 1 | a drop cannot wait for tasks | `drops`: the scope around waits |
//! | 2 | tasks that borrow and run in parallel are unsound | does not compile: the page of `TaskGroup::spawn` |
//! | 3 | a wrapper that was never polled drops its guard before the future | `drops` |
//! | 4 | a spawn may drop the future inside the call | `drops` |
//! | 5 | a guard that needs a runtime when it is dropped | `drops` |
//! | 6 | panics of children, also in destructors | `failing` |
//! | 7 | an abort is a request | `failing` |
//! | 8 | telling a task does not win against one that never waits | `cancelling` |
//! | 9 | a thread cannot be aborted | `cancelling` |
//! | 10 | handles that use up the budget of their task make it quadratic | `waiting` |
//! | 11 | an open group without children is not at its end | `waiting` |
//! | 12 | waiting for a group inside it | `waiting`, and the page of `Task` |
//! | 13 | a scope dropped by a cancelled child leaves its own children to nobody | `drops` |
//! | 14 | a wait that is dropped loses what it had | `waiting` |
//! | 15 | wake-ups that are lost between the look and the wait | `cancelling` |
//! | 16 | a group and its parked children keep each other | `drops` |
//! | 17 | children that stay on their thread | `waiting` |
//! | 18 | what a child does not inherit | `waiting` |
//! | 19 | a key that is used again loses the old result | does not arise yet: there are no groups with keys |
//! | 20 | errors after the first | `failing` |

mod cancelling;
mod drops;
mod failing;
mod waiting;

//! The models: small programs, and what must hold in every interleaving of them.

mod adoption;
mod background;
mod cancels;
mod deadlines;
mod failures;
mod hand_offs;
mod in_task;
mod limits;
mod nested;
mod roots;
mod siblings;

use std::pin::Pin;

/// One program.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// What it asserts.
    pub(crate) promise: &'static str,
    pub(crate) run: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

pub(crate) const MODELS: &[Model] = &[
    Model {
        name: "lost_select",
        promise: "a scope returns after what a lost `select!` left behind is gone",
        run: || Box::pin(nested::lost_select()),
    },
    Model {
        name: "settled_in_a_loop",
        promise: "`settled` waits for everything that was dropped before it was called",
        run: || Box::pin(nested::settled_in_a_loop()),
    },
    Model {
        name: "scope_that_moves",
        promise: "a scope that is polled by one task and then by another leaves its children to a scope that waits",
        run: || Box::pin(nested::scope_that_moves()),
    },
    Model {
        name: "aborted_plain_task",
        promise: "a plain task that runs below a scope leaves its orphans there",
        run: || Box::pin(adoption::aborted_plain_task()),
    },
    Model {
        name: "chain_of_orphans",
        promise: "an orphan adopts, and whoever adopted it waits for both",
        run: || Box::pin(adoption::chain_of_orphans()),
    },
    Model {
        name: "settled_of_an_orphan",
        promise: "a handle to a scope that was dropped half-way waits for what that one left behind",
        run: || Box::pin(adoption::settled_of_an_orphan()),
    },
    Model {
        name: "below_a_settled_scope",
        promise: "what is left below a scope that has returned goes to the one above it",
        run: || Box::pin(adoption::below_a_settled_scope()),
    },
    Model {
        name: "failure_against_spawner",
        promise: "a child that spawns while a sibling fails is either cancelled and waited for, or refused",
        run: || Box::pin(siblings::failure_against_spawner()),
    },
    Model {
        name: "values_of_children",
        promise: "a child that is awaited gives its value, however late",
        run: || Box::pin(siblings::values_of_children()),
    },
    Model {
        name: "spawn_against_shutdown",
        promise: "a background task is refused, or shut down with the others and told of",
        run: || Box::pin(background::spawn_against_shutdown()),
    },
    Model {
        name: "told_of_shutdown",
        promise: "a task that asks learns of a shutdown, wherever it is",
        run: || Box::pin(background::told_of_shutdown()),
    },
    Model {
        name: "dropped_background",
        promise: "dropped background tasks are waited for by the enclosing scope",
        run: || Box::pin(background::dropped()),
    },
    Model {
        name: "hand_off_against_close",
        promise: "work that is handed to a scope at its end is waited for there, or above; settled is final",
        run: || Box::pin(hand_offs::hand_off_against_close()),
    },
    Model {
        name: "holds_in_threads",
        promise: "a scope waits for the holds on it and on those below it, whichever thread drops them",
        run: || Box::pin(hand_offs::holds_in_threads()),
    },
    Model {
        name: "blocking_call",
        promise: "a blocking call that has begun is over before the scope returns",
        run: || Box::pin(hand_offs::blocking_call()),
    },
    Model {
        name: "shield",
        promise: "shielded work that has begun is finished before the scope returns",
        run: || Box::pin(hand_offs::shielded()),
    },
    Model {
        name: "deadlines",
        promise: "a timeout, whenever it passes, returns after what is below is gone",
        run: || Box::pin(deadlines::nested()),
    },
    Model {
        name: "deadline_without_patience",
        promise: "what a timeout does not wait for is named, and the enclosing scope waits for it",
        run: || Box::pin(deadlines::without_patience()),
    },
    Model {
        name: "future_outlives_deadlines",
        promise: "a future that is given up by reference goes on when it is polled again",
        run: || Box::pin(deadlines::outlived()),
    },
    Model {
        name: "cancelled_child",
        promise: "a child that is cancelled alone is waited for with all that it leaves behind; its siblings go on",
        run: || Box::pin(cancels::one_child()),
    },
    Model {
        name: "group_cancelled_outside",
        promise: "who cancels a group from outside and waits, waits until nothing of it is left",
        run: || Box::pin(cancels::from_outside()),
    },
    Model {
        name: "deadline_grace_and_limit",
        promise: "a scope returns after what is below is gone, whenever its deadline and its grace end; its limit holds",
        run: || Box::pin(limits::all_at_once()),
    },
    Model {
        name: "in_task_values",
        promise: "the body and the children of an in-task scope are polled whenever another task has woken them",
        run: || Box::pin(in_task::values()),
    },
    Model {
        name: "in_task_lost_select",
        promise: "what in-task children leave behind is waited for by the enclosing scope",
        run: || Box::pin(in_task::lost_select()),
    },
    Model {
        name: "failures",
        promise: "every error and panic is returned, resumed or observed, once",
        run: || Box::pin(failures::all_are_heard_of()),
    },
    Model {
        name: "interrupted_root",
        promise: "a signal, whenever it comes, ends a root after what is below is gone",
        run: || Box::pin(roots::interrupted()),
    },
];

//! Feature `tower`: limits around a service, shared by all its clones, that wait or reject.

mod answer;
mod gate;
mod guarded;
mod reject;
mod wait;

pub use self::{
    answer::{AsError, Refused, Rejected, RespondWith},
    gate::Gate,
    reject::{RejectLayer, RejectResponse, RejectService},
    wait::{WaitLayer, WaitResponse, WaitService},
};

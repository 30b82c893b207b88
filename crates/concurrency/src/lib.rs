//! Scopes, task groups, deadlines and background tasks that cannot leak, for Tokio
#![forbid(unsafe_code)]

//! Rooms of real processes that talk, die, leave, come and freeze.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "the tests wait for events of other processes, with a deadline"
)]

#[path = "../support/mod.rs"]
mod support;

mod alike;
mod errors;
mod freeze;
mod identity;
mod join;
mod keys;
mod kill;
mod large;
mod leave;
mod log;
mod measure;
mod page;
mod print;
mod private;
mod sim;
mod slow;
mod soak;
mod strangers;
mod talk;
mod text;
mod trace;

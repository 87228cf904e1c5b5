//! The conformance suite over threads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[macro_use]
mod runtimes;

conformance!(runtimes::threads::Threads);

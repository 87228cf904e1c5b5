//! A room over async-std in a process that runs out of file descriptors. One test, so that it has the process for itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[macro_use]
mod runtimes;

#[test]
fn a_lack_of_descriptors_passes() {
    runtimes::descriptors::a_lack_of_descriptors_passes::<runtimes::async_std::AsyncStd>();
}

//! The only place that reads a clock.

#![allow(clippy::disallowed_methods, reason = "this is the one place that reads a clock")]

use std::time::Duration;

use ringchat_core::Instant;

/// Counts from its own start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO.after(self.0.elapsed())
    }

    /// How long it is until `at`; zero if that is over.
    pub(crate) fn until(self, at: Instant) -> Duration {
        at.since(self.now())
    }
}

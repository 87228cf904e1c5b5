//! The one clock of the benchmark. All processes of a machine share it.

#![allow(clippy::disallowed_methods, reason = "this is the one place of the benchmark that reads a clock")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some instant that is the same for all processes of a machine.
pub(crate) type Nanos = u64;

/// The time.
pub(crate) fn now() -> Nanos {
    read(ClockId::Monotonic)
}

/// How long it is until `at`; zero if that is over.
pub(crate) fn until(at: Nanos) -> Duration {
    Duration::from_nanos(at.saturating_sub(now()))
}

/// What any clock says.
pub(crate) fn read(clock: ClockId) -> Nanos {
    let time = Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

//! The one clock of the benchmark. All processes of a machine share it.

#![allow(clippy::disallowed_methods, reason = "this is the one place of the benchmark that reads a clock")]

use std::time::Duration;

use anyhow::{Context, Result};
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

/// The processor time that the threads of a process have used so far.
pub(crate) fn of_process(pid: u32) -> Result<Nanos> {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let statistics = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += statistics.split(' ').next().context("no statistics")?.parse::<Nanos>()?;
    }
    Ok(sum)
}

/// What any clock says.
pub(crate) fn read(clock: ClockId) -> Nanos {
    let time = Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

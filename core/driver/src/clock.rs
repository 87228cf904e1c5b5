//! The only place that reads a clock.

#![allow(clippy::disallowed_methods, reason = "this is the one place that reads a clock")]

use std::time::{Duration, SystemTime};

use ringchat_core::{Instant, UnixTime};

/// A clock that starts at zero. It goes on while the machine is suspended, where the system can tell.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Moment);

impl Clock {
    /// A clock at which it is zero now.
    pub fn start() -> Self {
        Self(Moment::now())
    }

    /// The time.
    pub fn now(self) -> Instant {
        Instant::ZERO.after(self.0.elapsed())
    }

    /// How long it is until `at`; zero if that has passed.
    pub fn until(self, at: Instant) -> Duration {
        at.since(self.now())
    }
}

/// The wall clock, which may leap.
pub(crate) fn wall_clock() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use since_boot::Moment;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use std::time::Instant as Moment;

/// Linux has a clock that counts suspended time; that of the standard library stands still meanwhile.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod since_boot {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    /// A point in time: how long the machine had been up.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Moment(Duration);

    impl Moment {
        pub(super) fn now() -> Self {
            // No machine has been up for less than no time.
            Self(clock_gettime(ClockId::Boottime).try_into().unwrap_or_default())
        }

        pub(super) fn elapsed(self) -> Duration {
            Self::now().0.saturating_sub(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_long_until_a_moment_as_has_not_passed_yet() {
        let (clock, day) = (Clock::start(), Duration::from_hours(24));
        assert_eq!(clock.until(Instant::ZERO), Duration::ZERO);
        let left = clock.until(Instant::ZERO.after(day));
        assert!(left <= day && left > day / 2, "{left:?}");
    }
}

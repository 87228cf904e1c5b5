//! How often something is done that takes a while.

use std::time::Duration;

use ringchat_core::Instant;

/// The least time between two beginnings.
const LEAST: Duration = Duration::from_millis(250);

/// A quarter of the time at most goes into it: after it comes a pause of so many times as long as it took.
const PAUSES: u32 = 3;

/// When it is time again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    next: Instant,
}

impl Pace {
    /// Whether it may be done.
    pub(super) fn is_due(self, now: Instant) -> bool {
        now >= self.next
    }

    /// It was done between these times.
    pub(super) fn took(&mut self, from: Instant, to: Instant) {
        let pause = to.since(from).saturating_mul(PAUSES);
        self.next = from.after(LEAST).max(to.after(pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quick_is_done_four_times_a_second_and_what_is_slow_takes_a_quarter_of_the_time() {
        let ms = |ms: u64| Instant(ms * 1000);
        let mut pace = Pace::default();
        assert!(pace.is_due(ms(0)));
        pace.took(ms(1000), ms(1010));
        assert_eq!([1249, 1250].map(|at| pace.is_due(ms(at))), [false, true]);
        pace.took(ms(2000), ms(2100));
        assert_eq!([2399, 2400].map(|at| pace.is_due(ms(at))), [false, true]);
    }
}

//! The Lamport clock (Lamport 1978, rules IR1 and IR2), and how far others can move it.

use crate::limits::{CLOCK_CREDIT, CLOCK_CREDIT_A_MICROSECOND};
use crate::numbers::Stamp;
use crate::time::Instant;

/// A Lamport clock. Stamps of others move it by no more than its credit, so that nobody takes it to its end, where it
/// could no longer tell what came first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LamportClock {
    stamp: Stamp,
    /// By how much stamps of others could move the clock at the time of the last that did.
    credit: u64,
    /// The most that the credit comes to.
    most: u64,
    moved: Instant,
}

impl LamportClock {
    pub(super) fn new(now: Instant) -> Self {
        Self { stamp: Stamp::default(), credit: CLOCK_CREDIT, most: CLOCK_CREDIT, moved: now }
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Moves past the stamp of a message received, as far as the credit goes (rule IR2).
    pub(super) fn observe(&mut self, stamp: Stamp, now: Instant) {
        let leap = stamp.since(self.stamp);
        if leap > 0 {
            let earned = now.0.saturating_sub(self.moved.0).saturating_mul(CLOCK_CREDIT_A_MICROSECOND);
            let credit = self.credit.saturating_add(earned).min(self.most);
            self.stamp = self.stamp.plus(leap.min(credit));
            self.credit = credit.saturating_sub(leap);
            self.moved = now;
        }
        self.stamp = self.stamp.next();
    }

    /// Moves by `count` events (rule IR1). Returns the stamp of the first.
    pub(super) fn tick(&mut self, count: u64) -> Stamp {
        let first = self.stamp.next();
        self.stamp = self.stamp.plus(count);
        first
    }

    /// Moves past any stamp from now on.
    #[cfg(feature = "ablation")]
    pub(super) fn unbind(&mut self) {
        (self.credit, self.most) = (u64::MAX, u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const START: Instant = Instant(5);

    #[test]
    fn a_stamp_moves_the_clock_past_it() {
        let mut clock = LamportClock::new(START);
        clock.observe(Stamp(7), START);
        assert_eq!(clock.stamp(), Stamp(8));
        clock.observe(Stamp(3), START);
        assert_eq!(clock.stamp(), Stamp(9));
        assert_eq!((clock.tick(3), clock.stamp()), (Stamp(10), Stamp(12)));
    }

    #[test]
    fn others_move_the_clock_no_further_than_its_credit() {
        let mut clock = LamportClock::new(START);
        for stamp in [Stamp(CLOCK_CREDIT), Stamp(u64::MAX), Stamp(u64::MAX)] {
            clock.observe(stamp, START);
        }
        assert_eq!(clock.stamp(), Stamp(CLOCK_CREDIT + 3));
    }

    #[test]
    fn credit_comes_back_with_time_up_to_its_bound() {
        let mut clock = LamportClock::new(START);
        clock.observe(Stamp(u64::MAX), START);
        let second = START.after(Duration::from_secs(1));
        clock.observe(Stamp(u64::MAX), second);
        assert_eq!(clock.stamp(), Stamp(CLOCK_CREDIT + 1_000_000 * CLOCK_CREDIT_A_MICROSECOND + 2));
        clock.observe(Stamp(u64::MAX), second.after(Duration::from_hours(1_000_000)));
        assert_eq!(clock.stamp(), Stamp(2 * CLOCK_CREDIT + 1_000_000 * CLOCK_CREDIT_A_MICROSECOND + 3));
    }
}

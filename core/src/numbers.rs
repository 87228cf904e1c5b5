//! Numbers that only go up, each of a kind of its own, so that a place in the log is never taken for the number of a
//! message. All arithmetic saturates.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                self.plus(1)
            }

            /// The one before this.
            #[must_use]
            pub const fn prev(self) -> Self {
                self.minus(1)
            }

            /// The one that comes `count` later.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add(count))
            }

            /// The one that came `count` earlier.
            #[must_use]
            pub const fn minus(self, count: u64) -> Self {
                Self(self.0.saturating_sub(count))
            }

            /// The last of `count`, at least one, that begin with this.
            #[must_use]
            pub const fn last_of(self, count: u64) -> Self {
                self.plus(count.saturating_sub(1))
            }

            /// This and all that follow, up to `last`.
            pub fn through(self, last: Self) -> impl DoubleEndedIterator<Item = Self> {
                (self.0..=last.0).map(Self)
            }

            /// How much later this is than `earlier`; zero if it is not.
            pub const fn since(self, earlier: Self) -> u64 {
                self.0.saturating_sub(earlier.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The number of an epoch: each election opens a higher one. Zero is before the first.
    Epoch
}

number! {
    /// A place in the log, counted from the first entry ever, which is 0. Also the length of a log: the place after
    /// its last.
    Index
}

number! {
    /// The number of a message among those of its origin. The first is 1; zero is before the first.
    Seq
}

number! {
    /// A Lamport time (Lamport 1978, "Time, Clocks, and the Ordering of Events", rules IR1 and IR2).
    Stamp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_within_their_bounds() {
        assert_eq!(
            (Seq(7).next(), Seq(7).prev(), Seq(7).plus(3), Seq(7).minus(3)),
            (Seq(8), Seq(6), Seq(10), Seq(4))
        );
        assert_eq!((Seq(u64::MAX).next(), Seq(0).prev()), (Seq(u64::MAX), Seq(0)));
        assert_eq!((Seq(7).since(Seq(3)), Seq(3).since(Seq(7))), (4, 0));
    }

    #[test]
    fn the_last_of_many_is_found_from_the_first() {
        assert_eq!((Index(5).last_of(1), Index(5).last_of(3)), (Index(5), Index(7)));
        assert_eq!(Index(u64::MAX).last_of(1), Index(u64::MAX));
    }
}

//! How those that fill a pool of memory share it.

/// Whether somebody who has `mine` of a pool of `most` bytes, of which `used` are used by all together, may have `more`.
///
/// Nobody may have more than eight times what is left (Choudhury and Hahne 1998, "Dynamic queue length thresholds for
/// shared-memory packet switches"). So those that flood the pool end up with equal parts, however many they are, and leave
/// a rest to all others.
pub const fn pool_has_room(most: u64, used: u64, mine: u64, more: u64) -> bool {
    let left = most.saturating_sub(used);
    more <= left && mine.saturating_add(more) <= left.saturating_mul(8)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const MOST: u64 = 64 * 1024;

    /// Lets each of so many take one byte after the other until nobody gets more. Gives what each has.
    fn flood(members: usize) -> vec::Vec<u64> {
        let mut all = vec![0; members];
        let mut took = true;
        while took {
            took = false;
            for at in 0..members {
                if pool_has_room(MOST, all.iter().sum(), all[at], 16) {
                    all[at] += 16;
                    took = true;
                }
            }
        }
        all
    }

    #[test]
    fn those_that_flood_a_pool_have_equal_parts_and_leave_a_rest() {
        for members in [1, 3, 40] {
            let all = flood(members);
            let (used, most) = (all.iter().sum::<u64>(), all.iter().max().unwrap());
            assert!(used > MOST / 10 * 8 && most - all.iter().min().unwrap() <= 16, "{members}: {all:?}");
            assert!(pool_has_room(MOST, used, 0, most / 10), "{members} leave nothing of {MOST}: {all:?}");
        }
    }

    #[test]
    fn nobody_gets_more_than_is_left() {
        assert!(pool_has_room(100, 90, 70, 10));
        assert!(!pool_has_room(100, 90, 0, 11));
        assert!(!pool_has_room(100, 90, 71, 10));
        assert!(!pool_has_room(100, u64::MAX, u64::MAX, 1));
    }
}

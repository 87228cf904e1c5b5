//! Faults of others, told so seldom that nobody can fill a log with them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::time::Duration;

use ringchat_core::secure::neighbourhood;
use ringchat_core::{Instant, Notice};

/// The least time between two lines about one address.
const PAUSE: Duration = Duration::from_secs(1);

/// For how long faults are counted before their number is told.
const COUNTED_FOR: Duration = Duration::from_secs(10);

/// Addresses of which faults are told one by one, at most.
const MAX_ADDRESSES: usize = 64;

/// What was told of faults lately, by address. Of version 6 the first half of an address counts, since one person can
/// have as many addresses with the same first half as they like.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    from: BTreeMap<IpAddr, Told>,
    /// Faults of further addresses.
    others: Option<Counting>,
}

/// What was told of one address.
#[derive(Debug)]
struct Told {
    at: Instant,
    counting: Option<Counting>,
}

/// Faults that were not told.
#[derive(Clone, Copy, Debug)]
struct Counting {
    since: Instant,
    count: u64,
}

impl Faults {
    /// Whether a fault of `from` is told by itself. Otherwise it counts.
    pub(crate) fn is_told(&mut self, from: IpAddr, now: Instant) -> bool {
        let is_full = self.from.len() >= MAX_ADDRESSES;
        match self.from.entry(neighbourhood(from)) {
            Entry::Vacant(_) if is_full => count(&mut self.others, now),
            Entry::Vacant(new) => {
                new.insert(Told { at: now, counting: None });
                return true;
            }
            Entry::Occupied(known) => {
                let told = known.into_mut();
                if told.counting.is_none() && now.since(told.at) >= PAUSE {
                    told.at = now;
                    return true;
                }
                count(&mut told.counting, now);
            }
        }
        false
    }

    /// The numbers that are due, of the faults that were not told. Forgets addresses of which nothing came for long.
    pub(crate) fn take_counts(&mut self, now: Instant) -> Vec<Notice> {
        let mut counts = Vec::new();
        for (from, told) in &mut self.from {
            if let Some(counted) = told.counting.take_if(|it| it.is_due(now)) {
                told.at = now;
                counts.push(counted.notice(Some(*from), now));
            }
        }
        counts.extend(self.others.take_if(|it| it.is_due(now)).map(|counted| counted.notice(None, now)));
        self.from.retain(|_, told| told.counting.is_some() || now.since(told.at) < COUNTED_FOR);
        counts
    }

    /// When the first number is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let counting = self.from.values().filter_map(|told| told.counting).chain(self.others);
        counting.map(|it| it.since.after(COUNTED_FOR)).min()
    }
}

impl Counting {
    fn is_due(&self, now: Instant) -> bool {
        now.since(self.since) >= COUNTED_FOR
    }

    fn notice(self, from: Option<IpAddr>, now: Instant) -> Notice {
        Notice::MoreFaults { from, count: self.count, within: now.since(self.since) }
    }
}

fn count(counting: &mut Option<Counting>, now: Instant) {
    let counting = counting.get_or_insert(Counting { since: now, count: 0 });
    counting.count = counting.count.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::START;

    fn at(millis: u64) -> Instant {
        START.after(Duration::from_millis(millis))
    }

    fn v4(last: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0xc000_0200 + last).into()
    }

    /// What is told of a thousand faults a second for a minute: single ones, and all numbers.
    fn a_minute_of(from: impl Fn(u32) -> IpAddr) -> (usize, Vec<Notice>) {
        let (mut faults, mut told, mut counts) = (Faults::default(), 0, Vec::new());
        for n in 0..60_000 {
            told += usize::from(faults.is_told(from(n), at(n.into())));
            counts.extend(faults.take_counts(at(n.into())));
        }
        counts.extend(faults.take_counts(faults.deadline().unwrap()));
        assert_eq!(faults.deadline(), None);
        (told, counts)
    }

    fn sum(counts: &[Notice]) -> u64 {
        let count = |notice: &Notice| if let Notice::MoreFaults { count, .. } = notice { *count } else { 0 };
        counts.iter().map(count).sum()
    }

    #[test]
    fn a_flood_from_one_address_is_told_in_one_line_and_then_as_a_number() {
        let (told, counts) = a_minute_of(|_| v4(1));
        assert_eq!((told, counts.len(), sum(&counts)), (1, 6, 59_999));
        let within = Duration::from_secs(10);
        assert_eq!(counts[0], Notice::MoreFaults { from: Some(v4(1)), count: 10_001, within });
    }

    #[test]
    fn a_flood_from_many_addresses_is_told_of_some_and_of_all_others_together() {
        let (told, counts) = a_minute_of(v4);
        assert!(told + counts.len() <= 6 * (MAX_ADDRESSES + 1), "{told} and {counts:?}");
        assert_eq!(sum(&counts), 60_000 - told as u64, "none is left out");
        assert!(counts.iter().any(|notice| matches!(notice, Notice::MoreFaults { from: None, .. })));
    }

    #[test]
    fn addresses_of_one_net_of_version_6_are_one() {
        let of_net = |n: u32| std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(n)).into();
        assert_eq!(a_minute_of(of_net).0, 1);
    }

    #[test]
    fn seldom_faults_are_told_one_by_one() {
        let mut faults = Faults::default();
        for n in 0..100 {
            assert!(faults.is_told(v4(1), at(1000 * n)));
            assert!(faults.take_counts(at(1000 * n)).is_empty() && faults.deadline().is_none());
        }
        faults.take_counts(at(120_000));
        assert!(faults.from.is_empty(), "an address is forgotten");
    }
}

//! Connections from strangers: how many wait, and which of them has to go.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use crate::ids::LinkId;
use crate::limits::{MAX_PROVING, MAX_SILENT, MAX_SILENT_AT_ONCE, SILENT_GRACE};
use crate::time::Instant;

/// The accepted connections whose other ends have not proven who they are.
///
/// Whoever knows the secret is not counted by its address: all members may be behind one.
#[derive(Debug)]
pub struct Strangers {
    /// How many may be silent, however shortly.
    most_silent: usize,
    /// How many may be proving.
    most_proving: usize,
    /// Those that have not proved that they know the secret.
    silent: BTreeMap<LinkId, Silent>,
    /// Those that know the secret, and have to prove who they are.
    proving: BTreeSet<LinkId>,
}

#[derive(Debug)]
struct Silent {
    from: IpAddr,
    since: Instant,
}

impl Silent {
    fn waits_for_long(&self, now: Instant) -> bool {
        now.since(self.since) >= SILENT_GRACE
    }
}

impl Strangers {
    /// No strangers yet, in a process that may have so many `descriptors` of connections and files. Half of these stay for
    /// members, dials and files.
    pub fn within(descriptors: usize) -> Self {
        let share = (descriptors / 4).max(1);
        Self {
            most_silent: MAX_SILENT_AT_ONCE.min(share),
            most_proving: MAX_PROVING.min(share),
            silent: BTreeMap::new(),
            proving: BTreeSet::new(),
        }
    }

    /// A connection was accepted `now`, later than all others. Gives those that have to be closed to make room for it.
    ///
    /// Of the silent ones the oldest goes, of those whose neighbourhood has most. A member sends its first message together
    /// with the connection, so whoever has been silent for longest is the least likely to be one, and only the neighbours of
    /// a crowd have to fear it.
    pub fn come(&mut self, link: LinkId, from: IpAddr, now: Instant) -> Vec<LinkId> {
        let mut closed = Vec::new();
        while self.is_crowded(now)
            && let Some(oldest) = self.pop_silent()
        {
            closed.push(oldest);
        }
        while self.proving.len() >= self.most_proving
            && let Some(oldest) = self.proving.pop_first()
        {
            closed.push(oldest);
        }
        self.silent.insert(link, Silent { from: neighbourhood(from), since: now });
        closed
    }

    /// The system takes no further connection. Gives the one that has to be closed to make room, if there is any: the one that
    /// [`come`](Self::come) would give first.
    pub fn crowd_out(&mut self) -> Option<LinkId> {
        self.pop_silent().or_else(|| self.proving.pop_first())
    }

    /// The other end of `link` knows the secret.
    pub fn knows_the_secret(&mut self, link: LinkId) {
        if self.silent.remove(&link).is_some() {
            self.proving.insert(link);
        }
    }

    /// `link` is open, or closed.
    pub fn go(&mut self, link: LinkId) {
        self.silent.remove(&link);
        self.proving.remove(&link);
    }

    fn is_crowded(&self, now: Instant) -> bool {
        let waiting = self.silent.values().filter(|silent| silent.waits_for_long(now)).count();
        waiting >= MAX_SILENT || self.silent.len() >= self.most_silent
    }

    /// Removes the oldest silent one of the neighbourhood with most.
    fn pop_silent(&mut self) -> Option<LinkId> {
        let mut crowds: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for Silent { from, .. } in self.silent.values() {
            let crowd = crowds.entry(*from).or_default();
            *crowd = crowd.saturating_add(1);
        }
        let most = crowds.values().copied().max()?;
        let in_crowd = |silent: &Silent| crowds.get(&silent.from) == Some(&most);
        let (&oldest, _) = self.silent.iter().find(|(_, silent)| in_crowd(silent))?;
        self.silent.remove(&oldest);
        Some(oldest)
    }
}

/// The part of an address that one person cannot choose freely: all of it in version 4, the first half in version 6.
pub fn neighbourhood(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(from) => from.into(),
        IpAddr::V6(from) => Ipv6Addr::from_bits(from.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const START: Instant = Instant(5_000_000);

    fn v4(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn v6(net: u16, host: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, 0, net, 0, 0, 0, host).into()
    }

    /// So many connections that say nothing, each from where `from` tells, and a moment after the grace of the last.
    fn silent(count: usize, from: impl Fn(u8) -> IpAddr) -> (Strangers, Instant) {
        let mut strangers = Strangers::within(usize::MAX);
        for number in 0..count {
            let from = from(u8::try_from(number).unwrap());
            assert_eq!(strangers.come(LinkId(number as u64), from, START), []);
        }
        (strangers, START.after(SILENT_GRACE))
    }

    #[test]
    fn the_oldest_of_the_address_with_most_makes_room() {
        let (mut strangers, now) = silent(MAX_SILENT, |number| v4(if number < 30 { number } else { 99 }));
        assert_eq!(strangers.come(LinkId(100), v4(200), now), [LinkId(30)]);
        assert_eq!(strangers.come(LinkId(101), v4(99), now), [], "the newest has not waited for long");
        let later = now.after(SILENT_GRACE);
        assert_eq!(strangers.come(LinkId(102), v4(99), later), [LinkId(31), LinkId(0)]);
        assert_eq!(strangers.silent.len(), MAX_SILENT);
    }

    #[test]
    fn half_an_address_of_version_6_counts_and_one_of_version_4_within_it_counts_whole() {
        let net = |number: u8| if number < 20 { number.into() } else { 99 };
        let (mut strangers, now) = silent(MAX_SILENT, |number| v6(net(number), number.into()));
        assert_eq!(strangers.come(LinkId(100), v4(1), now), [LinkId(20)]);
        assert_eq!(neighbourhood(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into()), v4(1));
    }

    #[test]
    fn many_that_come_together_are_no_crowd_up_to_a_bound() {
        let mut strangers = Strangers::within(usize::MAX);
        for number in 0..MAX_SILENT_AT_ONCE as u64 {
            assert_eq!(strangers.come(LinkId(number), v4(1), START), []);
        }
        assert_eq!(strangers.come(LinkId(1000), v4(1), START), [LinkId(0)]);
    }

    #[test]
    fn where_descriptors_are_few_strangers_get_half_of_them() {
        let mut strangers = Strangers::within(40);
        for number in 0..10 {
            assert_eq!(strangers.come(LinkId(number), v4(1), START), []);
        }
        assert_eq!(strangers.come(LinkId(10), v4(2), START), [LinkId(0)]);
        for number in 1..=10 {
            strangers.knows_the_secret(LinkId(number));
        }
        assert_eq!(strangers.come(LinkId(11), v4(1), START), [LinkId(1)]);
        assert_eq!(Strangers::within(0).come(LinkId(1), v4(1), START), [], "one may always come");
    }

    #[test]
    fn whoever_is_crowded_out_is_silent_if_anybody_is() {
        let mut strangers = Strangers::within(usize::MAX);
        for (number, from) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
            assert_eq!(strangers.come(LinkId(number), v4(from), START), []);
        }
        strangers.knows_the_secret(LinkId(1));
        let gone: [_; 5] = core::array::from_fn(|_| strangers.crowd_out().map(|link| link.0));
        assert_eq!(gone, [Some(2), Some(3), Some(4), Some(1), None]);
    }

    #[test]
    fn who_knows_the_secret_makes_no_room_for_the_silent() {
        let mut strangers = Strangers::within(usize::MAX);
        for number in 0..MAX_PROVING as u64 {
            assert_eq!(strangers.come(LinkId(number), v4(1), START), []);
            strangers.knows_the_secret(LinkId(number));
        }
        let late = START.after(SILENT_GRACE);
        assert_eq!(strangers.come(LinkId(1000), v4(1), late), [LinkId(0)], "but there is a bound");
        strangers.go(LinkId(1));
        assert_eq!(strangers.come(LinkId(1001), v4(1), late), []);
        strangers.go(LinkId(1000));
        strangers.knows_the_secret(LinkId(1000));
        assert_eq!(strangers.proving.len(), MAX_PROVING - 2, "who is gone does not come back");
    }
}

//! The oracle of dials: how many are under way, and how many go to third parties.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;

use ringchat_core::limits::MAX_DIALS;
use ringchat_core::{DialId, Instant};

use super::Violation;
use crate::{HostId, Property};

/// How many dials of one node may go to third parties at once.
const STRAYS_AT_ONCE: u64 = 100;

/// How many more of its dials may go there with each second.
const STRAYS_A_SECOND: u64 = 10;

/// The dials of all processes.
#[derive(Clone, Debug, Default)]
pub struct Dials {
    all: BTreeMap<HostId, DialsOfOne>,
}

#[derive(Clone, Debug)]
struct DialsOfOne {
    under_way: BTreeSet<DialId>,
    /// How many went to addresses where no process ever listened, and since when.
    strays: u64,
    since: Instant,
}

impl Dials {
    /// A process dials; `astray` if no process ever listened there. Checks [`Property::FewDials`].
    ///
    /// # Errors
    /// If it has more dials under way than it may, or dials third parties too often.
    pub fn begin(&mut self, host: HostId, now: Instant, dial: DialId, astray: bool) -> Result<(), Violation> {
        let none = || DialsOfOne { under_way: BTreeSet::new(), strays: 0, since: now };
        let dials = self.all.entry(host).or_insert_with(none);
        dials.under_way.insert(dial);
        dials.strays += u64::from(astray);
        let may = STRAYS_AT_ONCE + now.since(dials.since).as_secs() * STRAYS_A_SECOND;
        let detail = if dials.under_way.len() > MAX_DIALS {
            format!("{} dials are under way", dials.under_way.len())
        } else if dials.strays > may {
            format!("{} dials went to third parties", dials.strays)
        } else {
            return Ok(());
        };
        Err(Violation::new(now, Property::FewDials, detail))
    }

    /// A dial has led to a link, or failed.
    pub fn end(&mut self, host: HostId, dial: DialId) {
        if let Some(dials) = self.all.get_mut(&host) {
            dials.under_way.remove(&dial);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const ME: HostId = HostId(3);

    #[test]
    fn dials_that_have_ended_do_not_count() {
        let mut dials = Dials::default();
        let begin = |dials: &mut Dials, n| dials.begin(ME, Instant::ZERO, DialId(n), false).is_ok();
        assert!((0..MAX_DIALS as u64).all(|n| begin(&mut dials, n)));
        dials.end(ME, DialId(7));
        assert!(begin(&mut dials, 9000));
        assert!(!begin(&mut dials, 9001));
    }

    #[test]
    fn third_parties_are_dialed_more_often_only_as_time_goes_by() {
        let mut dials = Dials::default();
        let mut begin = |at, n| {
            let now = Instant::ZERO.after(Duration::from_secs(at));
            let result = dials.begin(ME, now, DialId(n), true);
            dials.end(ME, DialId(n));
            result.is_ok()
        };
        assert!((0..STRAYS_AT_ONCE).all(|n| begin(0, n)));
        assert!(!begin(0, STRAYS_AT_ONCE));
        assert!((0..STRAYS_A_SECOND - 1).all(|n| begin(1, 1000 + n)));
        assert!(!begin(1, 2000));
    }
}

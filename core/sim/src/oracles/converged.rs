//! The oracle of a room at rest: live members form rings in which all agree.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ringchat_core::{NodeId, Report};

use crate::HostId;

/// How many rings there may be at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One, of all live members.
    OneRing,
    /// Several, if none looks for a member of another. After deaths on both sides of a cut, each side may know only
    /// dead members of the other.
    Merged,
    /// Any number.
    SomeRings,
}

/// The rings that the live members form, by their reports.
///
/// # Errors
/// The first thing about which they do not agree, in words.
pub fn converged(reports: &[(HostId, Report)], shape: Shape) -> Result<Vec<Vec<HostId>>, String> {
    let mut rings: BTreeMap<(u64, NodeId), Vec<usize>> = BTreeMap::new();
    for (at, (_, report)) in reports.iter().enumerate() {
        let Some(leader) = &report.leader else { return Err(format!("{} has no leader", report.me)) };
        rings.entry((report.epoch.0, leader.id)).or_default().push(at);
    }
    if shape == Shape::OneRing && rings.len() > 1 {
        return Err(format!("there are {} rings", rings.len()));
    }
    rings.values().map(|ring| agree(&ring.iter().map(|&at| &reports[at]).collect::<Vec<_>>())).collect()
}

/// Checks that the members that follow one leader agree about their ring.
fn agree(ring: &[&(HostId, Report)]) -> Result<Vec<HostId>, String> {
    let live: BTreeSet<NodeId> = ring.iter().map(|(_, report)| report.me.id).collect();
    let Some((_, pattern)) = ring.first() else { return Ok(Vec::new()) };
    for (at, (_, report)) in ring.iter().enumerate() {
        let me = &report.me;
        let differs = report.members != pattern.members;
        // Equal rosters need one look.
        if at == 0 || differs {
            let members: BTreeSet<NodeId> = report.members.ids().collect();
            if members != live {
                return Err(format!("{me} counts {} members, {} are there", members.len(), live.len()));
            }
        }
        if differs {
            return Err(format!("{} and {me} have different rosters", pattern.me));
        }
        if !report.leader.as_ref().is_some_and(|leader| live.contains(&leader.id)) {
            return Err(format!("{me} follows one who is not there"));
        }
        let next = report.members.after(report.me.id).next().unwrap_or(report.me.id);
        let prev = report.members.after(report.me.id).next_back().unwrap_or(report.me.id);
        if (report.next.id, report.prev.id) != (next, prev) {
            return Err(format!("{me} stands between {} and {}", report.prev, report.next));
        }
        if report.stats.waiting > 0 {
            return Err(format!("{me} has {} messages waiting", report.stats.waiting));
        }
    }
    Ok(ring.iter().map(|(host, _)| *host).collect())
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;

    use super::*;
    use alloc::vec;

    use crate::{addr_of, id_of};
    use ringchat_core::{Epoch, Member, Name, Roster};

    type Break = fn(&mut Vec<(HostId, Report)>);

    fn member(n: u16) -> Member {
        let id = id_of(n.into(), NonZeroU64::MIN);
        Member::new(id, addr_of(n.into()), Name::new("m").unwrap())
    }

    fn ring(of: &[u16], leader: u16, epoch: u64) -> Vec<(HostId, Report)> {
        let members = Roster::new(of.iter().map(|&n| member(n)).collect()).unwrap();
        let report = |&n: &u16| {
            let me = member(n);
            let at = |id: NodeId| members.find(id).unwrap().clone();
            let report = Report {
                leader: Some(member(leader)),
                epoch: Epoch(epoch),
                members: members.clone(),
                prev: at(members.after(me.id).next_back().unwrap_or(me.id)),
                next: at(members.after(me.id).next().unwrap_or(me.id)),
                lamport: ringchat_core::Stamp::default(),
                stats: ringchat_core::Stats::default(),
                me,
            };
            (HostId(usize::from(n)), report)
        };
        of.iter().map(report).collect()
    }

    #[test]
    fn a_ring_that_agrees_has_converged() {
        let hosts = converged(&ring(&[1, 3, 2], 2, 4), Shape::OneRing);
        assert_eq!(hosts, Ok(vec![vec![HostId(1), HostId(3), HostId(2)]]));
        assert!(converged(&ring(&[5], 5, 1), Shape::OneRing).is_ok());
    }

    #[test]
    fn two_rings_are_one_too_many_unless_some_are_expected() {
        let both = [ring(&[1, 2], 1, 4), ring(&[3], 3, 4)].concat();
        assert!(converged(&both, Shape::OneRing).is_err());
        assert_eq!(converged(&both, Shape::SomeRings).map(|rings| rings.len()), Ok(2));
    }

    #[test]
    fn what_does_not_agree_is_told() {
        let breaks: [Break; 6] = [
            |r| drop(r.pop()),
            |r| r[0].1.leader = None,
            |r| r[1].1.next = member(1),
            |r| r[1].1.members = Roster::alone(member(3)),
            |r| r[2].1.stats.waiting = 1,
            |r| r.iter_mut().for_each(|(_, report)| report.leader = Some(member(9))),
        ];
        for (n, change) in breaks.iter().enumerate() {
            let mut reports = ring(&[1, 3, 2], 2, 4);
            change(&mut reports);
            assert!(converged(&reports, Shape::SomeRings).is_err(), "break {n}");
        }
    }
}

//! Invariants of every node after every input.

use core::fmt;

use super::super::Node;
use crate::limits::{
    MAX_DEPARTED, MAX_DIALS, MAX_HALF_OPEN, MAX_LINKS, MAX_ROSTER, MAX_VIEW_HISTORY, SUBMIT_WINDOW,
};
use crate::numbers::Seq;

/// An invariant that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenInvariant {
    /// A log has a hole, or its stamps do not increase within a view.
    LogOrder,
    /// The view's epoch is above what was promised.
    ViewAbovePromise,
    /// The configuration is newer than the route.
    RouteBehind,
    /// The own messages that wait are not numbered in a row up to the last one said.
    Submissions,
    /// The log counts more messages of this node than it has said.
    Overcounted,
    /// More was shown of an origin than the log holds.
    ShownAboveLog,
    /// Leads in a view of another, or while frozen.
    FalseLeader,
    /// More is stable than there is.
    StableAboveLog,
    /// The next has no link, or the member that this node seeks as next is not being dialed.
    RingInTheAir,
    /// The node has a link to itself.
    LinkToItself,
    /// A bound is exceeded.
    OverLimit,
}

impl fmt::Display for BrokenInvariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogOrder => "the log has a hole or stamps that do not increase",
            Self::ViewAbovePromise => "the view is above the promise",
            Self::RouteBehind => "the route is older than the configuration",
            Self::Submissions => "the own messages that wait are not in a row",
            Self::Overcounted => "the log counts more own messages than were said",
            Self::ShownAboveLog => "more was shown than the log holds",
            Self::FalseLeader => "leads where it does not",
            Self::StableAboveLog => "more is stable than there is",
            Self::RingInTheAir => "the next has no link, or the member sought as next is not being dialed",
            Self::LinkToItself => "the node has a link to itself",
            Self::OverLimit => "a bound is exceeded",
        })
    }
}

impl core::error::Error for BrokenInvariant {}

/// Checks one node between two inputs.
///
/// # Errors
/// The first violation found; none is ever expected.
pub fn check(node: &Node) -> Result<(), BrokenInvariant> {
    let holds = |condition: bool, violation| if condition { Ok(()) } else { Err(violation) };
    holds(node.replica.log().is_ordered(), BrokenInvariant::LogOrder)?;
    holds(node.membership.view().epoch <= node.membership.promised(), BrokenInvariant::ViewAbovePromise)?;
    holds(
        !node.is_normal()
            || node.membership.route_cfg() >= node.membership.cfg()
            || !node.membership.has_me(),
        BrokenInvariant::RouteBehind,
    )?;
    holds(submissions_in_row(node), BrokenInvariant::Submissions)?;
    let counted = node.replica.log().last_of(node.me.id);
    holds(counted <= node.own.last(), BrokenInvariant::Overcounted)?;
    let normal = node.is_normal();
    let leads = node.role.leadership().is_some() && !node.has_ended();
    holds(!leads || (normal && node.membership.view().leader == node.me.id), BrokenInvariant::FalseLeader)?;
    holds(!normal || node.replica.stable() <= node.replica.log().len(), BrokenInvariant::StableAboveLog)?;
    let next = node.ring.next().is_none_or(|next| node.links.is_linked(next));
    let sought = node.ring.seeking().is_none_or(|sought| node.links.dialing(sought).is_some());
    holds(node.has_ended() || (next && sought), BrokenInvariant::RingInTheAir)?;
    holds(!node.links.is_linked(node.me.id), BrokenInvariant::LinkToItself)?;
    let bounded = node.own.waiting() <= SUBMIT_WINDOW
        && node.links.half_open().count() <= MAX_HALF_OPEN.saturating_add(MAX_ROSTER)
        && node.links.len() <= MAX_LINKS
        && node.links.dials().count() <= MAX_DIALS
        && node.replica.departed().iter().all(|departed| departed.len() <= MAX_DEPARTED)
        && node.replica.log().history().len() <= MAX_VIEW_HISTORY
        && node.held().is_within_limits();
    holds(bounded, BrokenInvariant::OverLimit)
}

/// Checks one node in a room in which no leader lies.
///
/// # Errors
/// If more was shown of an origin than the log holds.
pub fn check_shown(node: &Node) -> Result<(), BrokenInvariant> {
    let last = |id| node.replica.log().last_of(id);
    let mut shown = node.replica.shown().iter();
    let holds = !node.is_normal() || shown.all(|(id, seq)| last(*id) >= *seq || last(*id) == Seq::default());
    if holds { Ok(()) } else { Err(BrokenInvariant::ShownAboveLog) }
}

fn submissions_in_row(node: &Node) -> bool {
    let mut last = node.own.signed();
    node.own.iter().rev().all(|said| core::mem::replace(&mut last, said.first.prev()) == said.last())
}

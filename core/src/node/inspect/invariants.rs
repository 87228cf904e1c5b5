//! What holds for every node after every input.

use core::fmt;

use super::super::Node;
use crate::limits::{MAX_DIALS, MAX_HALF_OPEN, MAX_VIEW_HISTORY, SUBMIT_WINDOW};
use crate::numbers::Seq;

/// What does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A log has a hole, or its stamps do not increase within a view.
    LogOrder,
    /// The view's epoch is above what was promised.
    ViewAbovePromise,
    /// The configuration is newer than the route.
    RouteBehind,
    /// The own messages that wait are not numbered in a row up to the last one said.
    Submissions,
    /// More was shown of an origin than the log holds.
    ShownAboveLog,
    /// Leads in a view of another, or while frozen.
    FalseLeader,
    /// More is stable than there is.
    StableAboveLog,
    /// The next is on no link, or nobody dials whom this node seeks.
    RingInTheAir,
    /// A link is to stand for the node itself.
    LinkToItself,
    /// Something is over its bound.
    OverLimit,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogOrder => "the log has a hole or stamps that do not increase",
            Self::ViewAbovePromise => "the view is above the promise",
            Self::RouteBehind => "the route is older than the configuration",
            Self::Submissions => "the own messages that wait are not in a row",
            Self::ShownAboveLog => "more was shown than the log holds",
            Self::FalseLeader => "leads where it does not",
            Self::StableAboveLog => "more is stable than there is",
            Self::RingInTheAir => "the next is on no link, or who is sought is not dialed",
            Self::LinkToItself => "a link is to stand for the node itself",
            Self::OverLimit => "something is over its bound",
        })
    }
}

impl core::error::Error for Violation {}

/// Checks one node between two inputs.
///
/// # Errors
/// The first violation found; none is ever expected.
pub fn check(node: &Node) -> Result<(), Violation> {
    let holds = |condition: bool, violation| if condition { Ok(()) } else { Err(violation) };
    holds(node.replica.log().is_ordered(), Violation::LogOrder)?;
    holds(node.membership.view().epoch <= node.membership.promised(), Violation::ViewAbovePromise)?;
    holds(
        !node.is_normal()
            || node.membership.route_cfg() >= node.membership.cfg()
            || !node.membership.has_me(),
        Violation::RouteBehind,
    )?;
    holds(submissions_in_row(node), Violation::Submissions)?;
    let normal = node.is_normal();
    let shown = node.replica.shown().iter().all(|(id, seq)| {
        node.replica.log().last_of(*id) >= *seq || node.replica.log().last_of(*id) == Seq::default()
    });
    holds(!normal || shown, Violation::ShownAboveLog)?;
    let leads = node.role.leadership().is_some() && !node.has_ended();
    holds(!leads || (normal && node.membership.view().leader == node.me.id), Violation::FalseLeader)?;
    holds(!normal || node.replica.stable() <= node.replica.log().len(), Violation::StableAboveLog)?;
    let next = node.ring.next().is_none_or(|next| node.links.is_linked(next));
    let sought = node.ring.seeking().is_none_or(|sought| node.links.dialing(sought).is_some());
    holds(node.has_ended() || (next && sought), Violation::RingInTheAir)?;
    holds(!node.links.is_linked(node.me.id), Violation::LinkToItself)?;
    let bounded = node.own.waiting() <= SUBMIT_WINDOW
        && node.links.half_open().count() <= MAX_HALF_OPEN
        && node.links.dials().count() <= MAX_DIALS
        && node.replica.log().history().len() <= MAX_VIEW_HISTORY;
    holds(bounded, Violation::OverLimit)
}

fn submissions_in_row(node: &Node) -> bool {
    let mut last = node.own.last();
    node.own.iter().rev().all(|said| core::mem::replace(&mut last, said.first.prev()) == said.last())
}

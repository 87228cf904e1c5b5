//! What follows from an input but is not done by its handler.
//!
//! A handler changes state, sends, and notes here what has to be done next. [`Node::settle`] does it once the handler
//! has returned. So no handler has to expect that a call makes this node win an election, follow another leader, or end.

use super::Node;
use crate::limits::MAX_ROSTER;

/// Something that handlers leave to [`Node::settle`]. What stands first is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum FollowUp {
    /// Append the membership without those that have to leave it.
    CommitRemovals,
    /// The log names this member otherwise than it is: begin a new life.
    NewLife,
    /// The leader says that it has removed this member: ask to be let in again.
    ComeBack,
    /// The leader is out of reach: prepare for an election.
    LoseLeader,
    /// Start an election of a new epoch.
    Elect,
    /// Answer greetings that waited for a route, or for this node's own dial to end.
    AnswerGreetings,
    /// See to it that the first reachable member after this one is next, or is being dialed.
    SeekNext,
    /// Send the next the token of the best candidate, if it was not sent yet.
    PassToken,
    /// Tell a new next who leads.
    Announce,
    /// Start an election if all members between the lost leader and this one are dead.
    ConsiderInitiative,
    /// Show the leader this log.
    Sync,
    /// Dial members behind the one that is being dialed as next.
    LookAhead,
    /// Count anew up to where all members have the log.
    Recount,
    /// Sequence what was held while too much was unstable.
    Release,
    /// Welcome newcomers whose entry all insiders have, and let in those that wait.
    Admit,
}

impl FollowUp {
    const ALL: [Self; 15] = [
        Self::CommitRemovals,
        Self::NewLife,
        Self::ComeBack,
        Self::LoseLeader,
        Self::Elect,
        Self::AnswerGreetings,
        Self::SeekNext,
        Self::PassToken,
        Self::Announce,
        Self::ConsiderInitiative,
        Self::Sync,
        Self::LookAhead,
        Self::Recount,
        Self::Release,
        Self::Admit,
    ];

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// A set of follow-ups. Empty between two calls of the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct FollowUps(u16);

impl FollowUps {
    pub(super) fn note(&mut self, follow_up: FollowUp) {
        self.0 |= follow_up.bit();
    }

    /// Drops what is owed to a leader that the node no longer has, or to an election that is over.
    pub(super) fn leave_role(&mut self) {
        let owed = [
            FollowUp::NewLife,
            FollowUp::ComeBack,
            FollowUp::LoseLeader,
            FollowUp::Elect,
            FollowUp::ConsiderInitiative,
            FollowUp::Sync,
        ];
        for follow_up in owed {
            self.0 &= !follow_up.bit();
        }
    }

    /// Takes out what has to be done first.
    fn take(&mut self) -> Option<FollowUp> {
        let first = FollowUp::ALL.get(usize::try_from(self.0.trailing_zeros()).ok()?).copied();
        self.0 &= self.0.wrapping_sub(1);
        first
    }
}

/// More than any input has to follow it. Most follow-ups make none that come before them. `SeekNext` makes itself again
/// for a member that cannot be dialed, at most once for each.
const LIMIT: usize = 8 * MAX_ROSTER;

impl Node {
    pub(super) fn note(&mut self, follow_up: FollowUp) {
        self.follow_ups.note(follow_up);
    }

    /// Does what handlers have noted, and what follows from that in turn, until nothing is left.
    pub(super) fn settle(&mut self) {
        for _ in 0..LIMIT {
            let Some(follow_up) = self.follow_ups.take() else { return };
            if self.has_ended() {
                continue;
            }
            match follow_up {
                FollowUp::CommitRemovals => self.commit_removals(),
                FollowUp::NewLife => self.begin_new_life(),
                FollowUp::ComeBack => self.on_dismissed(),
                FollowUp::LoseLeader => self.lose_leader(),
                FollowUp::Elect => self.start_election(),
                FollowUp::AnswerGreetings => self.answer_greetings(),
                FollowUp::SeekNext => self.seek_next(),
                FollowUp::PassToken => self.pass_token(),
                FollowUp::Announce => self.announce_leader(),
                FollowUp::ConsiderInitiative => self.consider_initiative(),
                FollowUp::Sync => self.sync_with_leader(),
                FollowUp::LookAhead => self.look_ahead(),
                FollowUp::Recount => self.recount(),
                FollowUp::Release => self.release(),
                FollowUp::Admit => self.admit_joiners(),
            }
        }
        debug_assert!(false, "follow-ups go on for ever: {self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follow_ups_are_taken_in_their_order_and_once() {
        let mut follow_ups = FollowUps::default();
        for follow_up in FollowUp::ALL.into_iter().rev().chain([FollowUp::SeekNext]) {
            follow_ups.note(follow_up);
        }
        let taken: alloc::vec::Vec<FollowUp> = core::iter::from_fn(|| follow_ups.take()).collect();
        assert_eq!(taken, FollowUp::ALL);
        assert!(FollowUp::ALL.is_sorted());
    }

    #[test]
    fn what_is_owed_to_a_leader_goes_with_the_role() {
        let mut follow_ups = FollowUps::default();
        follow_ups.note(FollowUp::Sync);
        follow_ups.note(FollowUp::SeekNext);
        follow_ups.leave_role();
        assert_eq!((follow_ups.take(), follow_ups.take()), (Some(FollowUp::SeekNext), None));
    }
}

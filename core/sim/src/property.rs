//! The properties of the protocol, by name.

use core::fmt;

/// A property that the oracles, the model checker and the tests check, under the name by which `docs/protocol.md`
/// defines it.
///
/// Those up to [`NoPanic`](Self::NoPanic) are safety properties that hold in every state of every run. Those up to
/// [`NoFalseAlarm`](Self::NoFalseAlarm) are safety properties that hold while no live member is taken for dead: in
/// runs in which members only crash, and in runs in which one member at a time sleeps while the others are well.
/// The others are liveness properties: they hold some time after the last fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// If two logs hold an entry of the same view at the same index, both hold the same entry there, and the same
    /// entries before it.
    LogMatching,
    /// Of two members that follow a leader in the same view, one's log is a prefix of the other's. A member that
    /// follows holds a log whose last entry is of its view.
    OneLogPerView,
    /// A message has one place in a log, and a member shows it once.
    NoDoubles,
    /// What a member shows was said, in these words and under this number, by the process to which it is ascribed.
    OnlyWhatWasSaid,
    /// No member shows words that their author did not sign, whoever lies, and whoever leads. Nobody is said to have lied
    /// that has not.
    NoForgedWords,
    /// A member shows the messages of one sender in the order in which they were said. Where messages are missing, it
    /// tells of a gap first. A newcomer starts with what is said when it comes in.
    NoSilentGap,
    /// What a node has promised, the epoch of its view, its configuration and the epoch of the leader that it tells of
    /// never decrease.
    MonotonicState,
    /// The Lamport time of a node never decreases, and is above the stamp of everything that the node shows.
    LamportOrder,
    /// In one epoch, each token that a member sends is for a better candidate than the one before it, or goes to
    /// another neighbour. So a member of an unchanging ring passes each candidate on once at most.
    TokensImprove,
    /// Every message that a node sends fits into a frame.
    WithinLimits,
    /// What `ringchat_core::invariants` lists holds for a node after each input.
    NodeInvariants,
    /// After each input the next deadline of a node is in the future.
    DeadlineAhead,
    /// A node takes every text that it said it would take.
    OfferedIsTaken,
    /// A node tells its user nothing after it has told how it ended.
    SilenceAfterEnd,
    /// A node takes no member of its room for a member of another room.
    OneRoom,
    /// No node that keeps to the protocol takes another that does so for one that breaks it, whatever a liar has told either.
    NobodyHonestIsAccused,
    /// The dials that a node has under way are few, and so are those that go to third parties, whatever a liar tells.
    FewDials,
    /// A node does not panic.
    NoPanic,

    /// All members show the messages in the same order: at each place of the log all show the same message.
    OneOrder,
    /// What a member has shown keeps its place: everything that it shows later has a later place in the log.
    NothingShownIsTakenBack,
    /// No member misses a message.
    NoGap,
    /// In each epoch one member at most leads.
    OneLeaderPerEpoch,
    /// The log of a candidate that wins contains the logs of all live members that froze for its election.
    WinnerHoldsAll,
    /// No live member is left behind, except one that slept.
    NoFalseAlarm,

    /// Each live process that asks to be let in becomes a member.
    NewcomersGetIn,
    /// All live members that can reach each other form one ring: they have the same leader, view, roster and log, each
    /// has the neighbours that the roster tells, no message waits, nobody is still leaving, and no ring looks for a
    /// member of another ring that it can reach.
    Convergence,
    /// Once all that lied have gone, all others that were members before are one room within the time of an election and a merge
    /// ([`Config::reunion`](ringchat_core::Config::reunion)).
    OneRoomAfterLies,
    /// All messages that a live member has said, or one that left in order, are shown by every other member of its
    /// ring that was there when they were said.
    NothingLost,
    /// At rest only heartbeats, and probes for lost members, are sent.
    QuietAtRest,
    /// At rest a member has links to its neighbours and to its leader alone, and the leader to all members.
    OnlyNeededLinks,
    /// Two members that can never link cost the room a few elections, and not one after another.
    NoElectionLoop,
}

impl Property {
    /// All properties, in the order above.
    pub const ALL: [Self; 31] = [
        Self::LogMatching,
        Self::OneLogPerView,
        Self::NoDoubles,
        Self::OnlyWhatWasSaid,
        Self::NoForgedWords,
        Self::NoSilentGap,
        Self::MonotonicState,
        Self::LamportOrder,
        Self::TokensImprove,
        Self::WithinLimits,
        Self::NodeInvariants,
        Self::DeadlineAhead,
        Self::OfferedIsTaken,
        Self::SilenceAfterEnd,
        Self::OneRoom,
        Self::NobodyHonestIsAccused,
        Self::FewDials,
        Self::NoPanic,
        Self::OneOrder,
        Self::NothingShownIsTakenBack,
        Self::NoGap,
        Self::OneLeaderPerEpoch,
        Self::WinnerHoldsAll,
        Self::NoFalseAlarm,
        Self::NewcomersGetIn,
        Self::Convergence,
        Self::OneRoomAfterLies,
        Self::NothingLost,
        Self::QuietAtRest,
        Self::OnlyNeededLinks,
        Self::NoElectionLoop,
    ];
}

/// The name of the variant.
impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_properties_are_listed_in_their_order() {
        assert!(Property::ALL.iter().enumerate().all(|(at, property)| *property as usize == at));
        assert_eq!(Property::ALL.last(), Some(&Property::NoElectionLoop), "the last variant");
    }
}

//! Rules of the protocol by name. With the feature `ablation` a test takes some away from a node, to prove
//! that the oracles see what follows. Without the feature every rule is kept, and nothing of this is left in
//! the program.

use super::Node;

/// A rule that can be taken away. Some are each other's second line: alone they are not missed.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A leader sequences a submission only if it is the origin's next.
    ExactNextSeq,
    /// A message is shown once, however often its log is installed.
    ShowOnce,
    /// Own messages without a place are submitted again to a new leader.
    Resubmit,
    /// What only a member's log holds is sequenced again.
    SequenceTails,
    /// A frozen member appends nothing of an older view.
    Freeze,
    /// The longest log wins an election, and only among equal logs the highest id.
    LongestLogFirst,
    /// A token seen before goes no further.
    SwallowRepeats,
    /// A token's holder that finds the candidate dead starts a new election.
    DeadCandidateStartsAnew,
    /// An election, and the wait for its winner, end after a time.
    ElectionTimeout,
    /// A successor that was passed over is tried again.
    RetrySkipped,
    /// The news of a newer ring makes a route, not a membership.
    MembersFromLogOnly,
    /// Who comes back says what it has promised.
    RejoinWithPromise,
    /// The leader opens an epoch above all that one who comes back has promised.
    EpochAboveReturners,
    /// A leader looks for the members that its ring has lost.
    ProbeLost,
    /// Nothing more is said by one who leaves.
    CloseInputWhenLeaving,
    /// One who leaves makes its messages stable first.
    DrainBeforeLeave,
    /// A member that has asked for its removal takes part in no election.
    LeaverEndsOnElection,
}

impl Node {
    /// Takes rules away from a node that is new.
    #[cfg(feature = "ablation")]
    #[doc(hidden)]
    pub fn ablate(&mut self, rules: &'static [Rule]) {
        self.ablated = rules;
    }

    #[cfg(feature = "ablation")]
    pub(super) fn keeps(&self, rule: Rule) -> bool {
        !self.ablated.contains(&rule)
    }

    #[cfg(not(feature = "ablation"))]
    #[allow(clippy::unused_self, reason = "the same call as with the feature")]
    pub(super) const fn keeps(&self, _rule: Rule) -> bool {
        true
    }
}

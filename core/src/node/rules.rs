//! Rules of the protocol by name. With the feature `ablation` a test takes some away from a node, to prove that the
//! oracles see what follows. Without the feature every rule is enforced, and nothing of this is left in the program.

#![cfg_attr(
    not(feature = "ablation"),
    allow(unreachable_pub, reason = "only ablations name rules elsewhere")
)]

use super::Node;

/// A rule that can be taken away. Some rules back each other up: without one of them alone nothing breaks, as their
/// comments say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A leader sequences only messages above all that their author has said in its log.
    OnlyNewNumbers,
    /// A message is shown once, however often its log is installed.
    ShowOnce,
    /// Own messages without a place are submitted again to a new leader.
    Resubmit,
    /// Messages that only a member's log holds are sequenced again.
    SequenceTails,
    /// A frozen member appends nothing of an older view.
    Freeze,
    /// The longest log wins an election, and only among equal logs the hash.
    LongestLogFirst,
    /// Among equal logs a hash decides, not the id.
    HashedTies,
    /// A token seen before goes no further.
    SwallowRepeats,
    /// A token that has met a member's next goes to its candidate, and from there to those that take part and that it has not
    /// met. Before that the candidate has not won.
    TokenMeetsAll,
    /// A token's holder that finds the candidate dead starts a new election.
    DeadCandidateStartsAnew,
    /// An election, and the wait for its winner, end after a time.
    ElectionTimeout,
    /// A successor that was passed over is tried again.
    RetrySkipped,
    /// The news of a newer ring changes the route, not the membership.
    MembersFromLogOnly,
    /// A member that comes back tells what it has promised.
    RejoinWithPromise,
    /// A leader opens an epoch above what a returning member has promised.
    EpochAboveReturners,
    /// A leader looks for the members that its ring has lost.
    ProbeLost,
    /// A member that leaves says nothing more.
    CloseInputWhenLeaving,
    /// A member that leaves makes its messages stable first.
    DrainBeforeLeave,
    /// A member that has asked for its removal takes part in no election.
    LeaverEndsOnElection,
    /// Heartbeats tell the newest configuration.
    CfgInBeats,
    /// Greetings tell the newest configuration.
    CfgInHellos,
    /// A newcomer is welcomed when every insider has its entry.
    WelcomeAfterAcks,
    /// A member that is refused passes over the member that refused it. The membership stays as it is.
    RefusalsOnlyRoute,
    /// A member that refuses to take part in an election is passed over in that one, and in no later one.
    RefusalsOfThisElection,
    /// A winner's ring is the path of its token without members known to be dead. Missed only if skipped members are not
    /// tried again, and unsynced ones neither reminded nor given up.
    PathWithoutDead,
    /// A member that does not show its log in time leaves the membership. Whole rooms miss it only without reminders.
    UnsyncedTimeout,
    /// A leader reminds a member that does not follow, and dials it if it is not linked. Missed only if such members are
    /// not given up in time either.
    RemindUnsynced,
    /// An elected leader that is out of reach is elected once more, not again and again. Missed only without reminders and without
    /// the hash: the leader's own dial finds the bad path too, and another member wins the next election.
    GiveUpUnlinkable,
    /// Nobody takes words that their author did not sign. It is not the node that enforces this, but its decoders.
    #[cfg(feature = "ablation")]
    SignedWords,
    /// Messages of a member that departed for good do not come back.
    RememberDeparted,
    /// A member of which the room counts more than it has said begins a new life.
    NewLife,
    /// A clock is patient with a late driver.
    PatientClock,
    /// A newcomer gets no more of the log than it needs to lead, and the last texts, of which its user may see some.
    ShortHistory,
    /// Stamps of others move a clock by no more than its credit.
    #[cfg(feature = "ablation")]
    BoundedClock,
    /// Epochs go up by small steps.
    BoundedEpochs,
    /// A log does not come to the last of all places, however far a leader counts.
    BoundedPlaces,
    /// A configuration that the log has not come to adds members to the ring, and takes none away.
    RouteOnlyAdds,
    /// A node tells others only of configurations that its log or its leader tells of.
    NoHearsay,
    /// Dials to members that a node was never linked to are few.
    FewStrangers,
    /// A ring that somebody tells of makes no election longer than the known members do.
    RingsOfKnownSize,
    /// Pauses between dials to a member that cannot be reached grow, also if its links to this node stand for a moment.
    GrowingPauses,
    /// A leader holds no more than it has room for, and members share the room.
    SharedHold,
    /// A leader takes no tail while too much is unstable.
    BoundedTails,
    /// A log that is installed has an end.
    BoundedInstalls,
    /// A log keeps no more than it has room for, whoever lacks it.
    BoundedLog,
    /// What comes too early or too late on a link on which a node asks to be let in is no fault.
    EarlyIsNoFault,
    /// A leader that slept appends nothing until all members have answered or are lost.
    DoubtAfterSleep,
    /// A member that the log has under another address or name comes in anew.
    TrueEntry,
    /// Whoever names the address of another member comes in only if the leader finds it there.
    FoundAtAddress,
    /// Lost members that nobody has met at their addresses are looked for more and more seldom.
    SeldomElsewhere,
    /// An admission does not wait for a member that takes nothing.
    AdmissionsGoOn,
    /// Elections that lead to nothing go on without some of the members, each in turn.
    LeaveOutInTurn,
    /// A member asks a leader that was at fault for its log only after a pause.
    PauseAfterFault,
    /// A member begins one life after the other only with pauses.
    PauseBetweenLives,
}

#[cfg(feature = "ablation")]
impl Rule {
    /// All rules.
    pub const ALL: [Self; 54] = [
        Self::OnlyNewNumbers,
        Self::ShowOnce,
        Self::Resubmit,
        Self::SequenceTails,
        Self::Freeze,
        Self::LongestLogFirst,
        Self::HashedTies,
        Self::SwallowRepeats,
        Self::TokenMeetsAll,
        Self::DeadCandidateStartsAnew,
        Self::ElectionTimeout,
        Self::RetrySkipped,
        Self::MembersFromLogOnly,
        Self::RejoinWithPromise,
        Self::EpochAboveReturners,
        Self::ProbeLost,
        Self::CloseInputWhenLeaving,
        Self::DrainBeforeLeave,
        Self::LeaverEndsOnElection,
        Self::CfgInBeats,
        Self::CfgInHellos,
        Self::WelcomeAfterAcks,
        Self::RefusalsOnlyRoute,
        Self::RefusalsOfThisElection,
        Self::PathWithoutDead,
        Self::UnsyncedTimeout,
        Self::RemindUnsynced,
        Self::GiveUpUnlinkable,
        Self::SignedWords,
        Self::RememberDeparted,
        Self::NewLife,
        Self::PatientClock,
        Self::ShortHistory,
        Self::BoundedClock,
        Self::BoundedEpochs,
        Self::BoundedPlaces,
        Self::RouteOnlyAdds,
        Self::NoHearsay,
        Self::FewStrangers,
        Self::RingsOfKnownSize,
        Self::GrowingPauses,
        Self::SharedHold,
        Self::BoundedTails,
        Self::BoundedInstalls,
        Self::BoundedLog,
        Self::EarlyIsNoFault,
        Self::DoubtAfterSleep,
        Self::TrueEntry,
        Self::FoundAtAddress,
        Self::SeldomElsewhere,
        Self::AdmissionsGoOn,
        Self::LeaveOutInTurn,
        Self::PauseAfterFault,
        Self::PauseBetweenLives,
    ];
}

/// The rules that a node enforces: all of them, but for those that a test took away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rules {
    #[cfg(feature = "ablation")]
    ablated: &'static [Rule],
}

impl Rules {
    #[cfg(feature = "ablation")]
    fn enforces(&self, rule: Rule) -> bool {
        !self.ablated.contains(&rule)
    }

    #[cfg(not(feature = "ablation"))]
    #[allow(clippy::unused_self, reason = "the same call as with the feature")]
    const fn enforces(&self, _rule: Rule) -> bool {
        true
    }
}

impl Node {
    /// Takes rules away from a node that is new.
    #[cfg(feature = "ablation")]
    pub fn ablate(&mut self, rules: &'static [Rule]) {
        self.rules = Rules { ablated: rules };
        if !self.enforces(Rule::BoundedClock) {
            self.effects.unbind_clock();
        }
    }

    pub(super) fn enforces(&self, rule: Rule) -> bool {
        self.rules.enforces(rule)
    }
}

//! The messages of the protocol.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::run::Run;
use crate::ids::{NodeId, RoomId};
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::roster::{ConfigId, Member, Roster, View};

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// The room, once it is known.
    pub room: RoomId,
    /// The sender's Lamport time at the sending; no two sendings of a node share it.
    pub stamp: Stamp,
    /// What is sent.
    pub message: Message,
}

/// All messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// First message of a member to a member; on a link that stands, it only tells the link's ring role.
    Hello(Hello),
    /// "You are no member here": refuses what a `RefusedKind` tells.
    NotMember(NotMember),
    /// "Your connection is older than the one that we have": dial again with more than this generation.
    Superseded {
        /// The generation of the connection that stands.
        generation: u64,
    },
    /// "I do not know the roster of your cfg; send it."
    WantRoster,
    /// The newest roster that the sender knows.
    Roster {
        /// Its configuration.
        cfg: ConfigId,
        /// The members.
        roster: Roster,
    },
    /// A sign of life that wants a `Pong`.
    Ping(Beat),
    /// A sign of life.
    Pong(Beat),
    /// A candidacy on its way round the ring.
    Elect(Elect),
    /// The winner's announcement on its way round the ring, or to a newcomer.
    Elected(Elected),
    /// Messages for the leader to put into the order.
    Submit {
        /// The view in which they are submitted.
        view: View,
        /// What is submitted, in order, all of the sender's.
        #[serde(with = "super::packed::many")]
        said: Vec<Run>,
    },
    /// Entries of the log, from the leader to a synced member.
    Deliver(Deliver),
    /// "My log reaches up to `index`."
    Ack {
        /// In which view.
        view: View,
        /// The log's length.
        index: Index,
    },
    /// A member shows its log to the leader, and what the leader's may lack.
    Sync(Sync),
    /// The leader's answer to `Sync`: what the member's log is to become.
    Install(Install),
    /// "This member is silent or gone, as far as I can see."
    Suspect {
        /// Who.
        id: NodeId,
    },
    /// "I leave once all that I said is stable."
    Draining,
    /// "I leave now."
    Leave,
    /// The leader leaves; who elects.
    Goodbye {
        /// Who is to begin the election.
        successor: Option<NodeId>,
    },
    /// The link is about to be closed by the sender, and why.
    Refused(Refusal),
    /// A newcomer, or the leader of another ring, wants in.
    Join(Join),
    /// A leader asks whether a lost member is in another ring.
    Probe {
        /// Who leads the ring that asks.
        me: Member,
        /// How many it has.
        size: u64,
    },
    /// "I lead another, greater ring; join it."
    ProbeReply {
        /// Who leads it.
        me: Member,
    },
    /// "I do not lead; ask this one."
    JoinVia {
        /// Who says so: the contact that a newcomer names to the leader.
        me: NodeId,
        /// Who leads.
        leader: Member,
    },
    /// A leader that slept asks whether it still leads: "What have you promised?"
    WantPromise {
        /// How often it has asked.
        round: u64,
    },
    /// "I append nothing of an older epoch any more."
    Promise {
        /// The round of the question that this answers.
        round: u64,
        /// Than which.
        epoch: Epoch,
    },
}

/// Introduces a member to a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hello {
    /// Who sends it.
    pub me: NodeId,
    /// Who is meant. Another incarnation than this answers `NotMember`: the one meant is dead.
    pub you: NodeId,
    /// Which of the pair's connections this is; a higher one supersedes.
    pub generation: u64,
    /// Whether the sender takes the receiver for its next.
    pub next: bool,
    /// Whether this answers a `Hello`.
    pub answer: bool,
    /// The sender's view, if it has one.
    pub view: Option<View>,
    /// The sender's newest known configuration.
    pub cfg: Option<ConfigId>,
}

/// What a `NotMember` refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefusedKind {
    /// A `Hello`.
    Hello,
    /// An `Elect`.
    Elect,
    /// A `Sync`.
    Sync,
    /// A `Ping`.
    Ping,
    /// A `WantPromise`.
    WantPromise,
}

/// "You are no member here."
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NotMember {
    /// The kind of the message refused.
    pub re: RefusedKind,
    /// The epoch of the message refused.
    pub epoch: Epoch,
    /// Who refuses.
    pub me: NodeId,
    /// The newest configuration known to who refuses.
    pub cfg: Option<ConfigId>,
}

/// What a heartbeat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Beat {
    /// The sender's view, if it is in one.
    pub view: Option<View>,
    /// The sender's configuration.
    pub cfg: Option<ConfigId>,
    /// Up to here every member has the log, as far as the sender knows.
    pub stable: Index,
}

/// How a candidate ranks: by the epoch of its log, the length of its log, then its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CandidateRank {
    /// The epoch of the view in which its log was written.
    pub epoch: Epoch,
    /// The length of its log.
    pub length: Index,
    /// Who.
    pub id: NodeId,
}

/// A candidacy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Elect {
    /// The epoch to be opened.
    pub epoch: Epoch,
    /// The candidate.
    pub candidate: CandidateRank,
    /// Whom it has passed, the candidate first.
    pub path: Vec<NodeId>,
    /// The newest configuration that the sender knows.
    pub cfg: ConfigId,
    /// Its members, unless the receiver is known to have them.
    pub roster: Option<Roster>,
}

/// The winner's announcement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Elected {
    /// The configuration to accept; its view is the new one.
    pub cfg: ConfigId,
    /// Its members.
    pub roster: Roster,
    /// The history of the leader's log.
    pub history: Vec<ViewSpan>,
}

/// Where the entries of one view end in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ViewSpan {
    /// The view.
    pub view: View,
    /// The index after its last entry.
    pub end: Index,
}

/// Entries on their way to a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deliver {
    /// The view in which they are delivered.
    pub view: View,
    /// Entries that follow one another.
    #[serde(with = "super::packed::many")]
    pub entries: Vec<Entry>,
    /// Up to here every member has the log.
    pub stable: Index,
}

/// A member shows its log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sync {
    /// The view that the member waits to be in.
    pub view: View,
    /// The history of its log.
    pub history: Vec<ViewSpan>,
    /// What it holds of chat above the common prefix, oldest first.
    #[serde(with = "super::packed::many")]
    pub tail: Vec<Run>,
    /// Whether more of the tail follows in another `Sync`.
    pub more: bool,
}

/// What a member's log is to become. The entries themselves follow in `Deliver`s.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Install {
    /// The configuration; its view is the one that this is for.
    pub cfg: ConfigId,
    /// Its members.
    pub roster: Roster,
    /// The member keeps its log up to here.
    pub common: Index,
    /// The entries that follow begin here; above `common` only if older ones are no longer kept.
    pub base: Index,
    /// The entries that follow end here.
    pub end: Index,
    /// The highest message number of each origin below `base`.
    pub origins: BTreeMap<NodeId, Seq>,
    /// The history of the log below `base`.
    pub history: Vec<ViewSpan>,
    /// Up to here every member has the log.
    pub stable: Index,
}

/// Wants in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Join {
    /// Who.
    pub me: Member,
    /// Whom it asked first; it comes right after that one in the ring.
    pub contact: Option<NodeId>,
    /// Zero for a newcomer; else the highest epoch promised by a member that comes back.
    pub epoch: Epoch,
    /// Which of the pair's connections this is.
    pub generation: u64,
    /// The other members of the ring that it leads, in order; none for a newcomer.
    pub ring: Vec<Member>,
}

/// Why somebody is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The room has all the members that it can have.
    RoomFull,
    /// It took in messages too slowly.
    Slow,
    /// There is no leader just now; ask again.
    Busy,
    /// It did not come in in time.
    TooLate,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoomFull => "the room is full",
            Self::Slow => "it takes in messages too slowly",
            Self::Busy => "the room has no leader just now",
            Self::TooLate => "it did not answer in time",
        })
    }
}

//! The messages of the protocol.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::proven::Proven;
use super::run::Run;
use crate::ids::{NodeId, RoomId};
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::roster::{ConfigId, Member, Roster, View};
use crate::secure::derive;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// The room, or [`RoomId::UNKNOWN`] from a sender that does not know it yet.
    pub room: RoomId,
    /// The sender's Lamport time at the sending. No two messages of a node share it, but for one sent on several links.
    pub stamp: Stamp,
    /// The message itself.
    pub message: Message,
}

/// The messages of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// The first message of a member to a member. On a link that stands, it only tells the link's role in the ring.
    Hello(Hello),
    /// "You are no member here": refuses a message.
    NotMember(NotMember),
    /// "Our connection is newer than yours": the dialer tries again with a higher generation.
    Superseded {
        /// The generation of the connection that stands.
        generation: u64,
    },
    /// "I do not know the roster of your configuration; send it."
    WantRoster,
    /// The roster of the sender's configuration.
    Roster {
        /// The configuration that the roster is of.
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
    /// Own messages of a member, for the leader to sequence.
    Submit {
        /// The view of the leader.
        view: View,
        /// The messages, in order.
        #[serde(with = "super::packed::many")]
        said: Vec<Proven<Run>>,
    },
    /// Entries of the log, from the leader to a synced member.
    Deliver(Deliver),
    /// "My log reaches up to `index`."
    Ack {
        /// The view of the leader.
        view: View,
        /// The length of the sender's log.
        index: Index,
    },
    /// A member shows its log to the leader, and what the leader's may lack.
    Sync(Sync),
    /// The leader's answer to `Sync`: what the member's log is to become.
    Install(Install),
    /// "This member is silent or gone, as far as I can see."
    Suspect {
        /// The suspected member.
        id: NodeId,
    },
    /// "I leave once all that I said is stable."
    Draining,
    /// "I leave now."
    Leave,
    /// The leader leaves.
    Goodbye {
        /// The member that shall begin the election.
        successor: Option<NodeId>,
    },
    /// The sender refuses a join, or cuts the receiver off.
    Refused(Refusal),
    /// A newcomer, or the leader of another ring, wants in.
    Join(Join),
    /// A leader asks whether a lost member is in another ring.
    Probe {
        /// The leader of the ring that asks.
        me: Member,
        /// How many members that ring has.
        size: u64,
    },
    /// "I lead another, greater ring; join it."
    ProbeReply {
        /// The leader of the greater ring.
        me: Member,
    },
    /// "I do not lead; ask this one."
    JoinVia {
        /// The sender, which a newcomer names to the leader as its contact.
        me: NodeId,
        /// The member that leads.
        leader: Member,
    },
    /// A leader that slept asks whether it still leads: "What have you promised?"
    WantPromise {
        /// How often the leader has asked.
        round: u64,
    },
    /// "I append nothing of an older epoch any more."
    Promise {
        /// The round of the question that this answers.
        round: u64,
        /// The epoch promised.
        epoch: Epoch,
    },
}

impl Message {
    /// Who the sender of the message says that it is, if it says so.
    pub(crate) fn sender(&self) -> Option<NodeId> {
        match self {
            Self::Hello(Hello { me, .. })
            | Self::NotMember(NotMember { me, .. })
            | Self::JoinVia { me, .. } => Some(*me),
            Self::Join(Join { me, .. }) | Self::Probe { me, .. } | Self::ProbeReply { me } => Some(me.id),
            Self::Superseded { .. }
            | Self::WantRoster
            | Self::Roster { .. }
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Elect(_)
            | Self::Elected(_)
            | Self::Submit { .. }
            | Self::Deliver(_)
            | Self::Ack { .. }
            | Self::Sync(_)
            | Self::Install(_)
            | Self::Suspect { .. }
            | Self::Draining
            | Self::Leave
            | Self::Goodbye { .. }
            | Self::Refused(_)
            | Self::WantPromise { .. }
            | Self::Promise { .. } => None,
        }
    }

    /// All runs in the message.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Proven<Run>> {
        let (said, entries): (&[Proven<Run>], &[Entry]) = match self {
            Self::Submit { said, .. } => (said, &[]),
            Self::Sync(sync) => (&sync.tail, &[]),
            Self::Deliver(deliver) => (&[], &deliver.entries),
            Self::Hello(_)
            | Self::NotMember(_)
            | Self::Superseded { .. }
            | Self::WantRoster
            | Self::Roster { .. }
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Elect(_)
            | Self::Elected(_)
            | Self::Ack { .. }
            | Self::Install(_)
            | Self::Suspect { .. }
            | Self::Draining
            | Self::Leave
            | Self::Goodbye { .. }
            | Self::Refused(_)
            | Self::Join(_)
            | Self::Probe { .. }
            | Self::ProbeReply { .. }
            | Self::JoinVia { .. }
            | Self::WantPromise { .. }
            | Self::Promise { .. } => (&[], &[]),
        };
        said.iter().chain(entries.iter().filter_map(Entry::said))
    }
}

/// The greeting of a member to a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hello {
    /// The sender.
    pub me: NodeId,
    /// The member that the sender dialed. A receiver that has begun a new life since closes the link.
    pub you: NodeId,
    /// Counts the connections of the pair. A connection of a higher generation supersedes the others.
    pub generation: u64,
    /// Whether the sender takes the receiver for its next.
    pub next: bool,
    /// Whether this answers a `Hello`.
    pub answer: bool,
    /// The sender's view, if it has one.
    pub view: Option<View>,
    /// The sender's configuration, if it has one.
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
    /// The member that refuses.
    pub me: NodeId,
    /// The refuser's configuration, if it has one.
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

/// What a candidate has to show. Its [`standing`](Self::standing) decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CandidateRank {
    /// The epoch of the last entry of its log.
    pub epoch: Epoch,
    /// The length of its log.
    pub length: Index,
    /// The candidate.
    pub id: NodeId,
}

impl CandidateRank {
    /// How the candidate compares with others in the room: by the epoch of its log, then by the length of its log, then by a
    /// hash of both, the room and the id. Which of equal logs wins differs from one election to the next, so nobody gains
    /// by the choice of a key.
    pub fn standing(&self, room: RoomId) -> Standing {
        let Self { epoch, length, id } = *self;
        let parts: [&[u8]; 5] = [
            &room.0,
            &epoch.0.to_be_bytes(),
            &length.0.to_be_bytes(),
            id.key(),
            &id.incarnation().get().to_be_bytes(),
        ];
        Standing { epoch, length, tie: derive("ringchat/3 tie", parts), id }
    }
}

/// How a candidate compares with others: the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standing {
    epoch: Epoch,
    length: Index,
    /// Decides between equal logs.
    tie: [u8; 16],
    /// Decides between equal hashes.
    id: NodeId,
}

impl Standing {
    /// The same, but among equal logs the greatest id wins.
    pub(crate) fn by_id(self) -> Self {
        Self { tie: [0; 16], ..self }
    }
}

/// A candidacy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Elect {
    /// The epoch that the winner opens.
    pub epoch: Epoch,
    /// The candidate.
    pub candidate: CandidateRank,
    /// The members that passed the token on, the candidate first.
    pub path: Vec<NodeId>,
    /// The sender's configuration.
    pub cfg: ConfigId,
    /// Its members, unless the receiver is known to have them.
    pub roster: Option<Roster>,
}

/// The winner's announcement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Elected {
    /// The configuration to follow. Its view is the winner's.
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
    pub tail: Vec<Proven<Run>>,
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
    /// The highest message number of each origin below `base`. If no history is missing (`base` is `common`), only that
    /// of the receiver in the whole log.
    pub origins: BTreeMap<NodeId, Seq>,
    /// The history of the log below `base`.
    pub history: Vec<ViewSpan>,
    /// Up to here every member has the log.
    pub stable: Index,
}

/// A request to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Join {
    /// The newcomer, or the leader of another ring.
    pub me: Member,
    /// The member that it asked first, and after which it comes in the ring.
    pub contact: Option<NodeId>,
    /// The highest epoch that a member that comes back has promised; zero for a newcomer.
    pub epoch: Epoch,
    /// Counts the connections of the pair.
    pub generation: u64,
    /// The other members of the ring that it leads, in order; empty for a newcomer.
    pub ring: Vec<Member>,
}

/// Why a node is refused or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The room has all the members that it can have.
    RoomFull,
    /// The node took in messages too slowly.
    Slow,
    /// The room has no leader just now, or its leader is occupied. The node may ask again.
    Busy,
    /// The node was not let in in time.
    TooLate,
    /// The node has promised an epoch that is too far above those of the room. As another life it may ask again.
    EpochTooHigh,
    /// Another member has the address that the node names as its own, and the leader did not find the node there.
    AddressTaken,
}

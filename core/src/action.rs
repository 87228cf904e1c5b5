//! All that a node can ask of its driver, and all that it can tell its user.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use thiserror::Error;

use crate::ids::{DialId, LinkId, NodeId, RoomId};
use crate::input::{DialFailure, DownReason};
use crate::name::Name;
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::report::Report;
use crate::roster::{Member, Roster};
use crate::text::Text;
use crate::time::UnixTime;
use crate::trace::Traced;
use crate::wire::{Envelope, Proven, Run};

/// Something for the driver to do, in order.
///
/// Exhaustive on purpose: a driver that leaves out a new action must not compile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Action {
    /// Connect. Exactly one `LinkUp` or `DialFailed` answers.
    Dial {
        /// A new name for the attempt, never used again.
        dial: DialId,
        /// The address to connect to.
        addr: SocketAddr,
        /// Who has to be there. Without an id, whoever answers will do.
        expected: Option<NodeId>,
    },
    /// From now on take frames of up to `MAX_FRAME` on this accepted link.
    Trust {
        /// The accepted link.
        link: LinkId,
    },
    /// Send a message. An unknown link is ignored.
    Send {
        /// The link to send on.
        link: LinkId,
        /// The message. Boxed, because most actions are notices, and smaller.
        envelope: Box<Envelope>,
    },
    /// Send one message on several links, to be encoded once.
    Multicast {
        /// The links to send on.
        links: Vec<LinkId>,
        /// The message.
        envelope: Box<Envelope>,
    },
    /// From now on the node has this id, with the key of before: prove it on each link that comes up. The links of before
    /// are closed already.
    NewLife {
        /// The new id of the node.
        id: NodeId,
    },
    /// Close a link. Exactly one `LinkDown` follows, at once or later.
    Close {
        /// The link to close.
        link: LinkId,
        /// What to do with what is queued.
        mode: CloseMode,
    },
    /// Tell the user.
    Notify {
        /// The node's Lamport time.
        lamport: Stamp,
        /// What to tell.
        notice: Notice,
    },
    /// Tell whoever keeps a trace, in its place among what the user is told. A node that is not traced never asks for it.
    Trace {
        /// The node's Lamport time.
        lamport: Stamp,
        /// What happened.
        traced: Box<Traced>,
    },
    /// The node has ended: close every link, hand it nothing more.
    Halt {
        /// How to close them. With `Abort`, do not wait either for links that are being closed already.
        mode: CloseMode,
    },
}

/// How to close a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseMode {
    /// Write what is queued, then close.
    Flush,
    /// Now; what is queued is dropped.
    Abort,
}

/// What a node tells its user, or a trace.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The node is a member now: for the first time, or again after it was left behind.
    Ready {
        /// This member.
        me: Arc<Member>,
        /// The member that leads.
        leader: Arc<Member>,
        /// All members in ring order.
        members: Roster,
        /// The room.
        room: RoomId,
    },
    /// Chat took its places in the one order.
    Chat(Chat),
    /// A message just said waits, because there is no leader, or none that is sure that it still leads.
    Held {
        /// Its number among this node's own messages.
        seq: Seq,
    },
    /// A text that was said is refused, because it was beyond [`Node::takes`](crate::Node::takes).
    NotTaken {
        /// The text.
        text: Text,
    },
    /// Messages that can no longer be had.
    Gap {
        /// The member that said them.
        from: Arc<Member>,
        /// How many messages they are.
        count: u64,
    },
    /// A gap swallowed messages of this node: the room has come to later ones, so a member that has not seen these will
    /// not see them any more. The user may say them again.
    Swallowed {
        /// The number of the first of them among this node's own messages.
        first: Seq,
        /// How many they are.
        count: u64,
        /// Those of them that had no place yet, in order.
        waiting: Vec<Proven<Run>>,
    },
    /// A member came in.
    Joined {
        /// The new member.
        member: Arc<Member>,
    },
    /// A member left the room or was lost.
    Left {
        /// The former member.
        member: Arc<Member>,
        /// Which of the two.
        reason: Departure,
    },
    /// The neighbours changed. Of a node that is alone, both are the node itself.
    Ring {
        /// The member before this one.
        prev: Arc<Member>,
        /// The member after this one.
        next: Arc<Member>,
        /// What changed the ring.
        reason: RingReason,
    },
    /// A step of an election.
    Election {
        /// The step.
        phase: ElectionPhase,
        /// The member whose candidacy it concerns.
        candidate: Arc<Member>,
        /// The epoch that the winner opens.
        epoch: Epoch,
    },
    /// No contact has let this node in yet, and the node tries again. Told once for each contact.
    NotYet {
        /// The address of the contact.
        contact: SocketAddr,
        /// What became of the last try at that address.
        failure: JoinFailure,
        /// How long this node goes on trying.
        left: Duration,
    },
    /// A member leads now.
    Leader {
        /// The leader.
        member: Arc<Member>,
        /// The epoch in which it leads.
        epoch: Epoch,
    },
    /// The answer to [`Command::Report`](crate::Command::Report).
    Report(Box<Report>),
    /// The room went on without this member, which tries to come back by itself.
    LeftBehind,
    /// The room counts more messages of this member than it has said, so that none of its own would be heard again. It has
    /// taken a new incarnation, joins again by itself, and says again what had no place yet.
    NewLife {
        /// This member from now on.
        me: Arc<Member>,
    },
    /// This member was too slow: the room ignores its messages until it has caught up.
    CutOff,
    /// Another ring of this room was found, but both together would have more than
    /// [`MAX_ROSTER`](crate::limits::MAX_ROSTER) members, so they stay apart. Told to the users of both leaders, once a
    /// view.
    TooManyToMerge,
    /// A member signed different words under one number, and this node has come across both. Nobody else is at fault, and
    /// the order of the leader decides which of them are shown. Told once for each author.
    Forked {
        /// The member that signed both.
        author: Arc<Member>,
    },
    /// A member passed on words that their author did not sign. They are not shown, and the link was closed.
    Forged {
        /// The member at the other end of the link.
        by: Arc<Member>,
        /// The member to which the words were ascribed.
        author: Arc<Member>,
    },
    /// A peer broke the protocol, and its link was closed. For a log.
    Fault {
        /// The address of the other end of the link.
        remote: SocketAddr,
        /// What the peer did.
        reason: Fault,
    },
    /// How many faults were not told one by one, because they came fast. For a log. A driver makes it.
    MoreFaults {
        /// The address from which they came, or the first half of one of version 6; none if they came from many.
        from: Option<IpAddr>,
        /// How many they were.
        count: u64,
        /// In which time they came.
        within: Duration,
    },
    /// The node has ended.
    Ended(Ending),
}

/// What one member said, line by line, each line in the next place of the one order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chat {
    /// The place of the first line in the log.
    pub index: Index,
    /// What was said, and who said it.
    pub said: Proven<Run>,
    /// Whether this node said it.
    pub mine: bool,
    /// What this node knows the sender as, if that is another name than the one it signed.
    pub known_as: Option<Name>,
    /// Where this node was when it was said.
    pub occasion: Occasion,
    /// How many of the first lines are not to be shown: a newcomer is shown no more lines than its user wants.
    pub hidden: usize,
}

impl Chat {
    /// How many lines are to be shown.
    pub fn count(&self) -> u64 {
        self.said.count().saturating_sub(self.hidden as u64)
    }

    /// Each line that is to be shown, in order.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = ChatLine<'_>> {
        let Self { index, said, mine, known_as, occasion, hidden } = self;
        said.lines().skip(*hidden).map(move |(seq, stamp, text)| ChatLine {
            index: index.plus(seq.since(said.first)),
            from: &said.origin,
            seq,
            text,
            stamp,
            at: said.at,
            mine: *mine,
            known_as: known_as.as_ref(),
            occasion: *occasion,
        })
    }
}

/// One line of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatLine<'a> {
    /// Its place in the log.
    pub index: Index,
    /// The member that said it, with the name that it signed.
    pub from: &'a Member,
    /// Its number among the sender's, one more than that of the sender's line before, unless a
    /// [`Notice::Gap`] came between.
    pub seq: Seq,
    /// What was said.
    pub text: &'a str,
    /// The sender's Lamport time.
    pub stamp: Stamp,
    /// The sender's wall clock when it signed.
    pub at: UnixTime,
    /// Whether this node said it.
    pub mine: bool,
    /// What this node knows the sender as, if that is another name than the one it signed.
    pub known_as: Option<&'a Name>,
    /// Where this node was when it was said.
    pub occasion: Occasion,
}

/// Where this node was when the line was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// In the ring in which the line was said.
    Live,
    /// Not yet in the room.
    BeforeJoin,
    /// Away and alone: stopped, given up by the room, or cut off from all others. It has come back since.
    WhileAway,
    /// In another ring, with others. The two rings have become one since.
    OtherRing,
}

impl Occasion {
    /// Whether the line was said in a ring that this node was not in then.
    pub fn is_replayed(self) -> bool {
        self != Self::Live
    }
}

/// How a member went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Departure {
    /// It left in order.
    Quit,
    /// It died or fell silent.
    Lost,
}

/// What changed the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RingReason {
    /// A member came in, perhaps this one.
    Join,
    /// A member left in order.
    Leave,
    /// A member was lost.
    Repair,
    /// Two rings became one.
    Merge,
}

/// A step of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElectionPhase {
    /// This node sent its own candidacy.
    Start,
    /// This node passed a better candidacy on.
    Forward,
    /// This node stopped a worse candidacy.
    Swallow,
    /// This node's own candidacy came back: it leads.
    Won,
    /// This node heard which member leads.
    Elected,
}

impl ElectionPhase {
    /// Its name in lower case, as in lines of JSON and in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Forward => "forward",
            Self::Swallow => "swallow",
            Self::Won => "won",
            Self::Elected => "elected",
        }
    }
}

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The link ended as none should.
    #[error(transparent)]
    Link(DownReason),
    /// The peer did not introduce itself in time, or too many others waited.
    #[error("did not introduce itself in time")]
    Silent,
    /// A message came for another room.
    #[error("speaks for another room")]
    OtherRoom,
    /// A message came that names another member as its sender than the one that sent it.
    #[error("speaks in the name of another member")]
    FalseName,
    /// A message came that has no place there.
    #[error("sent a message out of place")]
    Unexpected,
    /// Entries of the log came in an order that no leader writes.
    #[error("sent entries of the log out of order")]
    LogOrder,
    /// An acknowledgement or a log ends within a run, which is never cut.
    #[error("counts half of what was said together")]
    WithinRun,
    /// A leader won its election with a longer log than it has.
    #[error("won an election with a log that it does not have")]
    FalseClaim,
    /// A log comes that is longer than any member keeps one.
    #[error("sends a log without an end")]
    TooLong,
    /// A log came that lacks messages that the user has seen.
    #[error("would take back messages that were shown")]
    TakenBack,
}

/// How the node ended. Its `Display` is a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The node left the room.
    Left {
        /// How many own messages may not have reached all members.
        unsure: u64,
    },
    /// The node could not join within the time, or no contact can ever work.
    JoinFailed {
        /// What became of each contact, in the order of the config.
        tried: Vec<(SocketAddr, JoinFailure)>,
    },
    /// The room has all the members that it can have.
    RoomFull,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left { unsure: 0 } => f.write_str("left the room"),
            Self::Left { unsure: 1 } => {
                f.write_str("left the room; 1 message may not have reached all members; say it again")
            }
            Self::Left { unsure } => {
                write!(f, "left the room; {unsure} messages may not have reached all members; say them again")
            }
            Self::JoinFailed { tried } => {
                f.write_str("could not join the room")?;
                for (at, (contact, failure)) in tried.iter().enumerate() {
                    write!(f, "{} {contact}: {failure}", if at == 0 { ":" } else { ";" })?;
                }
                let has = |wanted| tried.iter().any(|(_, failure)| *failure == wanted);
                f.write_str(if has(JoinFailure::Dial(DialFailure::Unanswered)) {
                    "; it may be private: ask a member for its ticket. Or the ticket is wrong, or it speaks another version"
                } else if has(JoinFailure::AddressTaken) {
                    "; tell others an address at which only this member can be reached"
                } else {
                    "; check that a member runs there, and that this program can reach it"
                })
            }
            Self::RoomFull => f.write_str("the room is full; try again when a member has left"),
        }
    }
}

/// What became of one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum JoinFailure {
    /// The dial failed.
    #[error(transparent)]
    Dial(DialFailure),
    /// The contact does not answer in time, or does not let this node in.
    #[error("no answer from the room in time")]
    NoAnswer,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// The contact is a member, and the dial to the leader that it named failed.
    #[error("is a member, but its leader at {addr} cannot be reached: {failure}")]
    Leader {
        /// The address of the leader.
        addr: SocketAddr,
        /// Why the dial failed.
        failure: DialFailure,
    },
    /// Another member of the room has the address that this node tells others.
    #[error("another member has the address that this one tells others")]
    AddressTaken,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn an_ending_says_what_happened_and_what_helps() {
        let contact = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let tried = vec![
            (contact(1), JoinFailure::Dial(DialFailure::Refused)),
            (contact(2), JoinFailure::Dial(DialFailure::NoMember)),
        ];
        let said = Ending::JoinFailed { tried }.to_string();
        assert_eq!(
            said,
            "could not join the room: 127.0.0.1:1: nobody listens there; 127.0.0.1:2: what answers there is no \
             member of this room; check that a member runs there, and that this program can reach it"
        );
        let tried = vec![(contact(1), JoinFailure::Dial(DialFailure::Unanswered))];
        assert_eq!(
            Ending::JoinFailed { tried }.to_string(),
            "could not join the room: 127.0.0.1:1: connects, but does not answer; it may be private: ask a member \
             for its ticket. Or the ticket is wrong, or it speaks another version"
        );
        assert_eq!(Ending::Left { unsure: 0 }.to_string(), "left the room");
        assert!(Ending::Left { unsure: 1 }.to_string().contains("1 message may"));
        assert!(Ending::Left { unsure: 2 }.to_string().contains("2 messages may"));
        assert!(Ending::RoomFull.to_string().contains("full; try again"));
    }
}

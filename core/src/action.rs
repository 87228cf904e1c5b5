//! All that a node can ask of its driver, and all that it can tell its user.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::ids::{DialId, LinkId, Text};
use crate::input::{DialFailure, DownReason};
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::report::Report;
use crate::roster::{Member, Roster};
use crate::wire::{Envelope, Run};

/// Something for the driver to do, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Action {
    /// Connect. Exactly one `LinkUp` or `DialFailed` answers.
    Dial {
        /// Its name.
        dial: DialId,
        /// Where to.
        addr: SocketAddr,
    },
    /// From now on take frames of up to `MAX_FRAME` on this accepted link.
    Trust {
        /// Which.
        link: LinkId,
    },
    /// Send a message. An unknown link is ignored.
    Send {
        /// On which link.
        link: LinkId,
        /// What. Boxed, because most actions are notices, and smaller.
        envelope: Box<Envelope>,
    },
    /// Send one message on several links, to be encoded once.
    Multicast {
        /// On which links.
        links: Vec<LinkId>,
        /// What.
        envelope: Box<Envelope>,
    },
    /// Close a link. Exactly one `LinkDown` follows, at once or later.
    Close {
        /// Which.
        link: LinkId,
        /// How.
        mode: CloseMode,
    },
    /// Tell the user.
    Notify {
        /// The node's Lamport time.
        lamport: Stamp,
        /// What.
        notice: Notice,
    },
    /// The node has ended: close every link, hand it nothing more.
    Halt {
        /// How to close them. With `Abort` the end is not to wait for those that are being closed already either.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The node is a member now: for the first time, or again after having been left behind.
    Ready {
        /// This member.
        me: Arc<Member>,
        /// Who leads.
        leader: Arc<Member>,
        /// All members in ring order.
        members: Roster,
    },
    /// Chat took its places in the one order.
    Chat(Chat),
    /// Something just said cannot be sent yet, because there is no leader, or none that knows that it still leads; it
    /// waits.
    Held {
        /// Its number among this node's own messages.
        seq: Seq,
    },
    /// Something said that was more than `Node::takes`; it was not taken.
    NotTaken {
        /// What.
        text: Text,
    },
    /// Messages that can no longer be had.
    Gap {
        /// Whose.
        from: Arc<Member>,
        /// How many.
        count: u64,
    },
    /// Somebody came in.
    Joined {
        /// Who.
        member: Arc<Member>,
    },
    /// Somebody is a member no more.
    Left {
        /// Who.
        member: Arc<Member>,
        /// Why.
        reason: Departure,
    },
    /// The neighbours changed. Alone, both are oneself.
    Ring {
        /// The member before.
        prev: Arc<Member>,
        /// The member after.
        next: Arc<Member>,
        /// Why.
        reason: RingReason,
    },
    /// A step of an election.
    Election {
        /// Which step.
        phase: ElectionPhase,
        /// Whose candidacy.
        candidate: Arc<Member>,
        /// Of which epoch.
        epoch: Epoch,
    },
    /// No contact lets this node in yet, this one for that reason. It tries again. Told once for each contact.
    NotYet {
        /// Where it listens, or is to.
        contact: SocketAddr,
        /// What became of it.
        failure: JoinFailure,
        /// How long this node goes on trying.
        left: Duration,
    },
    /// Somebody leads now.
    Leader {
        /// Who.
        member: Arc<Member>,
        /// In which epoch.
        epoch: Epoch,
    },
    /// The answer to `Command::Report`.
    Report(Box<Report>),
    /// The room went on without this member; it tries to come back by itself.
    LeftBehind,
    /// The room reads this member's messages no more until it has caught up.
    CutOff,
    /// Another ring of this room was found, and both together would be too many; they stay apart. Told to the
    /// users of both leaders, once a reign.
    TooManyToMerge,
    /// A peer's fault; its link was closed. For a log.
    Fault {
        /// The other end of the link.
        remote: SocketAddr,
        /// What it did.
        reason: Fault,
    },
    /// The node has ended.
    Ended(Ending),
}

/// What one member said, one line right after the other, each with its place in the one order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chat {
    /// The place of the first line in the log.
    pub index: Index,
    /// Who said what.
    pub said: Run,
    /// Whether this node said it.
    pub mine: bool,
    /// Where this node was when it was said.
    pub occasion: Occasion,
}

impl Chat {
    /// Each line, in order.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = ChatLine<'_>> {
        let Self { index, said, mine, occasion } = self;
        said.lines().map(move |(seq, stamp, text)| ChatLine {
            index: index.plus(seq.since(said.first)),
            from: &said.origin,
            seq,
            text,
            stamp,
            mine: *mine,
            occasion: *occasion,
        })
    }
}

/// One line of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatLine<'a> {
    /// Its place in the log.
    pub index: Index,
    /// Who said it.
    pub from: &'a Member,
    /// Its number among the sender's, without holes but for gaps.
    pub seq: Seq,
    /// What was said.
    pub text: &'a str,
    /// The sender's Lamport time.
    pub stamp: Stamp,
    /// Whether this node said it.
    pub mine: bool,
    /// Where this node was when it was said.
    pub occasion: Occasion,
}

/// Where the node was when something that it shows was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// In the same ring.
    Live,
    /// Away and alone: stopped, given up by the room, or cut off from everybody. It has come back since.
    WhileAway,
    /// In one ring with others, while it was said in another; the two have become one since.
    OtherRing,
}

impl Occasion {
    /// Whether it was said in a ring that the node was not in.
    pub fn is_replayed(self) -> bool {
        self != Self::Live
    }
}

/// Why somebody is a member no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Departure {
    /// Left in order.
    Quit,
    /// Died or fell silent.
    Lost,
}

/// Why the neighbours changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RingReason {
    /// Somebody came in (or this node did).
    Join,
    /// Somebody left in order.
    Leave,
    /// Somebody was lost.
    Repair,
    /// Two rings became one.
    Merge,
}

/// A step of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElectionPhase {
    /// This node sent its own candidacy.
    Start,
    /// It passed a better one on.
    Forward,
    /// It stopped a worse one.
    Swallow,
    /// Its own came back: it leads.
    Won,
    /// It heard who leads.
    Elected,
}

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The link ended in a way that it should not.
    Link(DownReason),
    /// It did not introduce itself in time, or too many others waited.
    Silent,
    /// A message of another room.
    OtherRoom,
    /// A message that has no place where it came.
    Unexpected,
    /// A Lamport time that nobody can have reached ([`crate::limits::MAX_CLOCK_LEAP`]).
    Clock,
    /// Entries of the log in an order that no leader writes.
    LogOrder,
    /// A log that lacks what the user has seen.
    TakenBack,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(reason) => reason.fmt(f),
            Self::Silent => f.write_str("did not introduce itself in time"),
            Self::OtherRoom => f.write_str("speaks for another room"),
            Self::Unexpected => f.write_str("sent a message out of place"),
            Self::Clock => f.write_str("its Lamport clock is far out of bounds"),
            Self::LogOrder => f.write_str("sent entries of the log out of order"),
            Self::TakenBack => f.write_str("would take back messages that were shown"),
        }
    }
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The room was left.
    Left {
        /// Own messages that may not have reached everybody.
        unsure: u64,
    },
    /// It could not be joined within the time, or no address can ever work.
    JoinFailed {
        /// Each address tried, in the order of the config, and what became of it.
        tried: Vec<(SocketAddr, JoinFailure)>,
    },
    /// The room has all the members that it can have.
    RoomFull,
}

/// What became of one contact address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JoinFailure {
    /// The dial came to nothing.
    Dial(DialFailure),
    /// It takes connections and does not answer, or not in time.
    NoAnswer,
    /// It answers, and is no ringchat.
    NotRingchat,
    /// It speaks another version of the protocol.
    Version {
        /// Theirs.
        theirs: u16,
    },
    /// The connection broke.
    Broken,
}

impl fmt::Display for JoinFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial(failure) => failure.fmt(f),
            Self::NoAnswer => f.write_str("no answer from the room in time"),
            Self::NotRingchat => f.write_str("what answers there is no ringchat"),
            Self::Version { theirs } => {
                write!(
                    f,
                    "speaks version {theirs} of the protocol, this program version {}",
                    crate::wire::VERSION
                )
            }
            Self::Broken => f.write_str("the connection broke"),
        }
    }
}

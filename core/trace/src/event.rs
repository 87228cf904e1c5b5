//! The events of a trace. A number stands for each member, which a [`WhoLine`] gives; times and counts are whole numbers.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use ringchat_core::trace::{DialReason, DropReason, MessageKind, Mode};
use ringchat_core::{Departure, NodeId, RoomId};
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub enum TraceEvent {
    /// A member has this number from now on, or its name is known now.
    Who(WhoLine),
    /// The room is known.
    Room(RoomLine),
    /// A message goes out.
    Send(SentLine),
    /// A message came in.
    Recv(ReceivedLine),
    /// A message that came in has no effect.
    Drop(DropLine),
    /// The member dials.
    Dial(DialLine),
    /// A dial leads to no link.
    Fail(FailLine),
    /// A link is open.
    Up(UpLine),
    /// A link has ended.
    Down(DownLine),
    /// What the member holds, if that has changed.
    State(StateLine),
    /// What the user is told.
    Note(NoteLine),
    /// Messages that are not told one by one.
    Sum(SumLine),
    /// Events are missing here.
    Missed(MissedLine),
    /// The file has almost reached its limit, or has reached it.
    Full(FullLine),
    /// The life ends, or what follows of it is not traced.
    End(EndLine),
    /// A fault strikes. Only a simulator knows it, and tells it in the trace of any member.
    Fault(FaultLine),
}

/// See [`TraceEvent::Who`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoLine {
    /// Its number.
    pub m: u32,
    /// Its id in 80 digits.
    #[serde(with = "crate::hex::node")]
    pub id: NodeId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<SocketAddr>,
}

/// See [`TraceEvent::Room`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLine {
    /// Its id in 32 digits.
    #[serde(with = "crate::hex::room")]
    pub room: RoomId,
}

/// What is told of a message, sent or received. What does not apply is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketched {
    /// What the message is.
    pub k: MessageKind,
    /// The epoch that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The member that it is about: the candidate, the leader of the view, the newcomer, the suspect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u32>,
    /// Of a candidate: the epoch of its last entry, and the length of its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<(u64, u64)>,
    /// The way of a token, or a ring in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<u32>,
    /// The first place in the log that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The place after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// How many texts it carries.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub texts: u64,
    /// How many bytes they have.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// What else it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The texts, if they are traced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
}

/// See [`TraceEvent::Send`]. The sender's Lamport time at the sending is that of the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentLine {
    /// The message.
    #[serde(flatten)]
    pub what: Sketched,
    /// The links, and the member at the other end of each.
    pub to: Vec<(u64, u32)>,
}

/// See [`TraceEvent::Recv`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceivedLine {
    /// The message.
    #[serde(flatten)]
    pub what: Sketched,
    /// The link.
    pub l: u64,
    /// Who sent it.
    pub from: u32,
    /// The sender's Lamport time at the sending.
    pub st: u64,
    /// Whether the message moved the Lamport clock of the receiver.
    #[serde(skip_serializing_if = "is_true")]
    pub counted: bool,
}

/// See [`TraceEvent::Drop`]. It is the last such message of that member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropLine {
    /// Who sent it.
    pub from: u32,
    /// What it is.
    pub k: MessageKind,
    /// Why nothing follows.
    pub why: DropReason,
}

/// See [`TraceEvent::Dial`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialLine {
    /// The dial.
    pub d: u64,
    /// The address.
    pub addr: SocketAddr,
    /// Who has to be there; none if anybody will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<u32>,
    /// What the dial is for.
    pub why: DialReason,
}

/// See [`TraceEvent::Fail`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailLine {
    /// The dial.
    pub d: u64,
    /// What became of it.
    pub why: String,
}

/// See [`TraceEvent::Up`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpLine {
    /// The link.
    pub l: u64,
    /// The dial, unless the other end asked for the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial: Option<u64>,
    /// Who is at the other end.
    pub m: u32,
    /// Its address on this link.
    pub remote: SocketAddr,
}

/// See [`TraceEvent::Down`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownLine {
    /// The link.
    pub l: u64,
    /// Who was at the other end.
    pub m: u32,
    /// What ended it.
    pub why: String,
}

/// See [`TraceEvent::State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateLine {
    /// What the member is doing.
    pub mode: Mode,
    /// No entry of an older epoch is appended any more.
    pub promised: u64,
    /// The epoch and the leader of the view in which the log was last written, once there is one.
    pub view: Option<(u64, u32)>,
    /// The configuration of the log: epoch, leader, and number within the view.
    pub cfg: (u64, u32, u64),
    /// The leader, or the one whose log is awaited.
    pub leader: Option<u32>,
    /// The next member.
    pub next: Option<u32>,
    /// The previous member.
    pub prev: Option<u32>,
    /// The length of the log.
    pub log: u64,
    /// Up to here all members have it.
    pub stable: u64,
    /// Own messages without a place.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waiting: u64,
    /// The members in ring order, if they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<Vec<u32>>,
}

/// See [`TraceEvent::Note`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "n", rename_all = "snake_case")]
pub enum NoteLine {
    /// It is a member now.
    Ready {
        /// Who leads.
        leader: u32,
        /// All members in order.
        ring: Vec<u32>,
    },
    /// Chat took its places in the log.
    Chat {
        /// The first place.
        first: u64,
        /// Who said it.
        from: u32,
        /// How many texts.
        texts: u64,
        /// Whether it was said where this member was not.
        #[serde(default, skip_serializing_if = "is_false")]
        replayed: bool,
        /// The texts, if they are traced.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        said: Vec<String>,
    },
    /// An own message waits for a leader.
    Held {
        /// Its number.
        seq: u64,
    },
    /// Messages that can no longer be had.
    Gap {
        /// Who said them.
        from: u32,
        /// How many.
        count: u64,
    },
    /// Own messages that the room will not see.
    Swallowed {
        /// The number of the first.
        first: u64,
        /// How many.
        count: u64,
    },
    /// A member came in.
    Joined {
        /// The new member.
        m: u32,
    },
    /// A member left or was lost.
    Left {
        /// The former member.
        m: u32,
        /// Whether it left or was lost.
        why: Departed,
    },
    /// The neighbours changed.
    Ring {
        /// The member before.
        prev: u32,
        /// The member after.
        next: u32,
        /// What changed them.
        why: String,
    },
    /// A step of an election.
    Election {
        /// The step.
        phase: String,
        /// The candidate.
        cand: u32,
        /// The epoch that the winner opens.
        epoch: u64,
    },
    /// No contact lets it in yet.
    NotYet {
        /// The contact.
        addr: SocketAddr,
        /// What became of the last try.
        why: String,
    },
    /// A member leads now.
    Leader {
        /// The leader.
        m: u32,
        /// The epoch in which it leads.
        epoch: u64,
    },
    /// The room went on without it.
    LeftBehind,
    /// It begins a new life.
    NewLife,
    /// It was too slow.
    CutOff,
    /// Another ring of the room was found, and both are too large for one.
    TooManyToMerge,
    /// A member signed different words under one number.
    Forked {
        /// The member that signed both.
        m: u32,
    },
    /// A member passed on words that their author did not sign.
    Forged {
        /// The member that passed them on.
        m: u32,
        /// The member to which they were ascribed.
        author: u32,
    },
    /// A peer broke the protocol.
    Fault {
        /// Its address.
        remote: SocketAddr,
        /// What it did.
        why: String,
    },
}

/// How a member went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Departed {
    /// It left in order.
    Quit,
    /// It died or fell silent.
    Lost,
}

impl From<Departure> for Departed {
    fn from(departure: Departure) -> Self {
        match departure {
            Departure::Quit => Self::Quit,
            Departure::Lost => Self::Lost,
        }
    }
}

/// See [`TraceEvent::Sum`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumLine {
    /// Which way they went.
    pub dir: SumDirection,
    /// What they are; none if they are texts that were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<MessageKind>,
    /// The link, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l: Option<u64>,
    /// Who is at its other end, or who said them.
    pub m: u32,
    /// How many messages.
    pub n: u64,
    /// How many texts they carry.
    pub texts: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// The Lamport times of the first and the last at their sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub st: Option<(u64, u64)>,
    /// The time of the first.
    pub since: u64,
}

/// Which way messages went that are told in a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SumDirection {
    /// They went out.
    Send,
    /// They came in.
    Recv,
    /// They were shown to the user.
    Show,
}

/// See [`TraceEvent::Missed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedLine {
    /// How many events.
    pub n: u64,
}

/// See [`TraceEvent::Full`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullLine {
    /// What is left out from here on.
    pub of: crate::step::Fullness,
}

/// See [`TraceEvent::End`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndLine {
    /// What ended: `left`, `join_failed`, `refused`; or `off` if the member lives on untraced.
    pub why: String,
    /// How many own messages may not have reached all members.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsure: u64,
}

/// See [`TraceEvent::Fault`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultLine {
    /// What happens.
    pub kind: FaultKind,
    /// The member that it happens to, if not to the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<u32>,
    /// The sides that cannot reach each other any more; of a cut, from where and to where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<Vec<u32>>,
}

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The process is killed.
    Crash,
    /// The machine loses power.
    Power,
    /// The process stands still.
    Freeze,
    /// It goes on.
    Thaw,
    /// Nothing gets through any more from one member to another.
    Cut,
    /// The room is split.
    Partition,
    /// All cuts end.
    Heal,
    /// A connection breaks.
    Break,
}

impl FaultKind {
    /// Whether the member does nothing after this.
    pub const fn is_death(self) -> bool {
        matches!(self, Self::Crash | Self::Power)
    }

    /// The word in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Power => "power",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::Cut => "cut",
            Self::Partition => "partition",
            Self::Heal => "heal",
            Self::Break => "break",
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_true(value: &bool) -> bool {
    *value
}

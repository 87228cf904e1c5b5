//! All that can happen to a node.

use core::net::SocketAddr;

use thiserror::Error;

use crate::ids::{DialId, LinkId, NodeId};
use crate::secure::LinkError;
use crate::text_run::TextRun;
use crate::time::UnixTime;
use crate::trace::Tracing;
use crate::wire::{DecodeError, Envelope};

/// Something that happened to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// [`Node::deadline`](crate::Node::deadline) has come. Before that, a tick does nothing.
    Tick,
    /// The user wants something.
    Command(Command),
    /// A link is open: both ends have proven who they are.
    LinkUp {
        /// A new name for the link, never used again.
        link: LinkId,
        /// Which end asked for the link.
        origin: Origin,
        /// The address of the other end, as the operating system tells it.
        remote: SocketAddr,
        /// The id that the other end has proven. Never this node's own, and the expected one if a dial expected one.
        peer: NodeId,
    },
    /// A dial failed.
    DialFailed {
        /// The dial that the node asked for.
        dial: DialId,
        /// What became of it.
        reason: DialFailure,
    },
    /// A message came in.
    Received {
        /// The link that the message came on.
        link: LinkId,
        /// The message.
        envelope: Envelope,
    },
    /// Records of a link came in that complete no message: the other end is alive.
    Heard {
        /// The link that the records came on.
        link: LinkId,
    },
    /// A link ended. This is the last input about it.
    LinkDown {
        /// The link that ended.
        link: LinkId,
        /// What ended it.
        reason: DownReason,
    },
}

/// What a user may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Say these texts to all, one after the other. Each of those beyond [`Node::takes`](crate::Node::takes) is
    /// refused by a [`Notice::NotTaken`](crate::Notice::NotTaken).
    Say {
        /// What to say.
        texts: TextRun,
        /// The user's wall clock.
        at: UnixTime,
    },
    /// Answer with a `Notice::Report`.
    Report,
    /// From now on, tell a trace so much.
    Trace(Tracing),
    /// Leave the room in order. Ends with `Notice::Ended` and `Action::Halt`.
    Leave,
}

/// Which end asked for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This node, by this dial.
    Dialed(DialId),
    /// The other end.
    Accepted,
}

/// What became of a dial that led to no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DialFailure {
    /// Nobody listens there.
    #[error("nobody listens there")]
    Refused,
    /// No answer came in the time that the operating system, the driver or the node allows.
    #[error("no answer")]
    TimedOut,
    /// There is no way there, or any other error occurred.
    #[error("not reachable from here")]
    Unreachable,
    /// The connection broke before the link was open.
    #[error("the connection broke")]
    Broken,
    /// The other end closed the connection without a byte, though a member was expected there. Mostly another life of that
    /// member is there now.
    #[error("the member that was there is there no more")]
    Absent,
    /// It connects, but does not answer in time. A member answers nobody that has another secret or another version.
    #[error("connects, but does not answer")]
    Unanswered,
    /// What came in answer was not made with the room's secret.
    #[error("what answers there is no member of this room")]
    NoMember,
    /// Another member than the expected one answers.
    #[error("another member answers there")]
    Another,
    /// This node answers its own dial.
    #[error("that is the address of this member itself")]
    Oneself,
}

impl DialFailure {
    /// What a node is told of its dial if the connection stood, and then ended for `reason` before the link was open.
    /// `expected` tells whether the dial expected an id.
    pub fn of_link(reason: DownReason, expected: bool) -> Self {
        match reason {
            DownReason::Eof if expected => Self::Absent,
            DownReason::Eof => Self::Unanswered,
            DownReason::Link(LinkError::OwnId) => Self::Oneself,
            DownReason::Link(LinkError::AnotherId { .. }) => Self::Another,
            DownReason::Link(
                LinkError::BadAnswer | LinkError::BadRecord | LinkError::ShortRecord | LinkError::BadProof,
            ) => Self::NoMember,
            _ => Self::Broken,
        }
    }
}

/// What ended a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DownReason {
    /// The other end closed it, perhaps inside a message.
    #[error("closed by the other end")]
    Eof,
    /// It broke: a reset, or any other error of input or output.
    #[error("broken")]
    Io,
    /// More bytes were queued for it than [`crate::limits::LINK_QUEUE_BYTES`].
    #[error("the other end reads too slowly")]
    Overflow,
    /// The bytes that came in are no message.
    #[error(transparent)]
    Protocol(DecodeError),
    /// Somebody changed what was under way, or the link was used up.
    #[error(transparent)]
    Link(LinkError),
    /// This node closed it.
    #[error("closed")]
    Closed,
}

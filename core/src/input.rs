//! All that can happen to a node.

use core::fmt;
use core::net::SocketAddr;

use crate::ids::{DialId, LinkId};
use crate::text_run::TextRun;
use crate::wire::{DecodeError, Envelope};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Some deadline is due. A spurious one does nothing.
    Tick,
    /// The user wants something.
    Command(Command),
    /// A connection stands. The greeting frame has been sent or queued by the driver.
    LinkUp {
        /// Its name, new and never to be used again.
        link: LinkId,
        /// How it came to be.
        origin: Origin,
        /// The other end, as the operating system tells it.
        remote: SocketAddr,
    },
    /// A dial came to nothing.
    DialFailed {
        /// Which.
        dial: DialId,
        /// Why.
        reason: DialFailure,
    },
    /// A message came in, after the greeting frame.
    Received {
        /// On which link.
        link: LinkId,
        /// What.
        envelope: Envelope,
    },
    /// A connection ended. The last input about its link.
    LinkDown {
        /// Which.
        link: LinkId,
        /// Why.
        reason: DownReason,
    },
}

/// What a user may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Say these to all, one after the other. What is more than `Node::takes` is refused by
    /// a notice each.
    Say(TextRun),
    /// Answer with a `Notice::Report`.
    Report,
    /// Leave the room in order. Ends with `Notice::Ended` and `Action::Halt`.
    Leave,
}

/// How a connection came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The node asked for it.
    Dialed(DialId),
    /// Somebody else connected.
    Accepted,
}

/// Why a dial came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialFailure {
    /// Nobody listens there.
    Refused,
    /// No answer in the time that the operating system or the driver allows.
    TimedOut,
    /// No way there, or any other error.
    Unreachable,
}

impl fmt::Display for DialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "nobody listens there",
            Self::TimedOut => "no answer",
            Self::Unreachable => "not reachable from here",
        })
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DownReason {
    /// The other end closed it between two frames.
    Eof,
    /// It broke: a reset or any other error of input or output.
    Io,
    /// More was queued for it than [`crate::limits::LINK_QUEUE_BYTES`].
    Overflow,
    /// What came in is no message.
    Protocol(DecodeError),
    /// This node closed it.
    Closed,
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eof => f.write_str("closed by the other end"),
            Self::Io => f.write_str("broken"),
            Self::Overflow => f.write_str("the other end reads too slowly"),
            Self::Protocol(error) => error.fmt(f),
            Self::Closed => f.write_str("closed"),
        }
    }
}

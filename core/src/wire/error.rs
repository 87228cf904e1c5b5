//! What can be wrong with bytes.

use core::fmt;

use super::VERSION;

/// Why bytes are no messages. The link that they came on is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// The first frame is not a greeting of this protocol.
    NotRingchat,
    /// The first frame greets in another version.
    Version {
        /// Theirs.
        theirs: u16,
    },
    /// A frame announces more bytes than are taken.
    TooLong {
        /// The bytes announced.
        length: usize,
        /// The bytes taken at that point.
        limit: usize,
    },
    /// A frame does not hold a message.
    Malformed,
    /// A frame holds more than a message.
    Trailing {
        /// How many bytes more.
        bytes: usize,
    },
    /// The input ended inside a frame.
    Truncated,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRingchat => f.write_str("is no ringchat"),
            Self::Version { theirs } => {
                write!(f, "speaks version {theirs} of the protocol, this program version {VERSION}")
            }
            Self::TooLong { length, limit } => {
                write!(f, "announced a frame of {length} bytes where {limit} are allowed")
            }
            Self::Malformed => f.write_str("sent a frame that is no message"),
            Self::Trailing { bytes } => write!(f, "sent a message with {bytes} bytes too many"),
            Self::Truncated => f.write_str("ended inside a frame"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// A message that fits no frame. The node's limits rule it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameTooLong;

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message does not fit a frame")
    }
}

impl core::error::Error for FrameTooLong {}

//! What can be wrong with bytes.

use thiserror::Error;

use crate::ids::NodeId;

/// What is wrong with the bytes of a link. The link is then of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A frame announces more bytes than are taken.
    #[error("announced a frame of {length} bytes where {limit} are allowed")]
    TooLong {
        /// The bytes announced.
        length: usize,
        /// The bytes taken at that point.
        limit: usize,
    },
    /// A frame holds no message.
    #[error("sent a frame that is no message")]
    Malformed,
    /// A frame holds more than a message.
    #[error("sent a message with {bytes} bytes too many")]
    Trailing {
        /// The bytes after the message.
        bytes: usize,
    },
    /// A message holds words that their author did not sign.
    #[error("passed on words that {author} did not sign")]
    Forged {
        /// The member that is named as the author.
        author: NodeId,
    },
}

/// A message does not fit a frame. The node's limits rule this out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("a message does not fit a frame")]
pub struct FrameTooLong;

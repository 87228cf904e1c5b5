//! Why a link cannot be used.

use thiserror::Error;

use crate::ids::NodeId;

/// Why a link has to be closed. The other end learns no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum LinkError {
    /// The dialer expects another id, which may have been here before.
    #[error("the other end looks for another member")]
    ForAnother,
    /// The first message was answered before: somebody recorded it.
    #[error("the first message of the other end came before")]
    Replayed,
    /// Too many were answered lately.
    #[error("too many others were answered lately")]
    TooMany,
    /// What came in answer was not made with the room's secret, or not for this dial.
    #[error("the other end does not know the room's secret, or speaks another version")]
    BadAnswer,
    /// A record was changed, or is not the next one.
    #[error("a record was changed on its way")]
    BadRecord,
    /// A record is too short to hold anything.
    #[error("a record holds nothing")]
    ShortRecord,
    /// The proof of the other end proves nothing for this link.
    #[error("the other end does not prove who it is")]
    BadProof,
    /// The other end has one's own id.
    #[error("the other end has the same id")]
    OwnId,
    /// The other end is not the one that was dialed.
    #[error("the other end is {peer}, not the member that was dialed")]
    AnotherId {
        /// What the other end is.
        peer: NodeId,
    },
    /// The link has carried as much as a link may.
    #[error("the link has carried its share and has to be dialed anew")]
    Worn,
    /// The implementation of Noise refused what it never refuses.
    #[error("the encryption failed")]
    Noise,
}

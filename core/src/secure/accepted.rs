//! Which first messages are answered, and those that were lately.

use alloc::collections::VecDeque;

use super::error::LinkError;
use crate::limits::MAX_RECENT_EPHEMERALS;

/// Decides whether a dialer that knows the secret is answered. All accepted links of a room share one, and none may hold
/// it for long: it is asked before the costly part of an answer.
pub trait Doorkeeper {
    /// Lets in the dialer that has made this ephemeral key for its first message.
    ///
    /// # Errors
    /// [`LinkError::Replayed`] or [`LinkError::TooMany`] if it is not to be answered.
    fn let_in(&mut self, ephemeral: [u8; 32]) -> Result<(), LinkError>;
}

/// The ephemeral keys of the dialers that were answered last, so that no recording is answered again. All accepted links
/// of a node share one.
#[derive(Debug, Default)]
pub struct AcceptedEphemerals(VecDeque<[u8; 32]>);

impl Doorkeeper for AcceptedEphemerals {
    /// Remembers the key. The oldest makes room.
    fn let_in(&mut self, ephemeral: [u8; 32]) -> Result<(), LinkError> {
        if self.insert(ephemeral) { Ok(()) } else { Err(LinkError::Replayed) }
    }
}

impl AcceptedEphemerals {
    fn insert(&mut self, ephemeral: [u8; 32]) -> bool {
        if self.0.contains(&ephemeral) {
            return false;
        }
        if self.0.len() >= MAX_RECENT_EPHEMERALS {
            self.0.pop_front();
        }
        self.0.push_back(ephemeral);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ephemeral(number: usize) -> [u8; 32] {
        let mut ephemeral = [0; 32];
        ephemeral[24..].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        ephemeral
    }

    #[test]
    fn the_oldest_ephemeral_makes_room() {
        let mut accepted = AcceptedEphemerals::default();
        assert!((0..MAX_RECENT_EPHEMERALS).all(|number| accepted.insert(ephemeral(number))));
        assert!(!accepted.insert(ephemeral(0)) && !accepted.insert(ephemeral(MAX_RECENT_EPHEMERALS - 1)));
        assert!(accepted.insert(ephemeral(MAX_RECENT_EPHEMERALS)));
        assert!(!accepted.insert(ephemeral(1)), "only one was forgotten");
        assert!(accepted.insert(ephemeral(0)));
        assert_eq!(accepted.0.len(), MAX_RECENT_EPHEMERALS);
    }
}

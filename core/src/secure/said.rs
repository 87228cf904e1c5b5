//! What an author signs of a run of texts, and what is checked of it.

use alloc::vec;

use crate::ids::{NodeId, RoomId};
use crate::limits::{MAX_SEQ, MAX_STAMP};
use crate::name::Name;
use crate::numbers::{Seq, Stamp};
use crate::text_run::TextRun;
use crate::wire::{MAX_RUN, weight};

use super::derive::derive;
use super::key::{Identity, Signature, verify};

/// What the signed bytes begin with: no signature of anything else passes for one of a run.
const PURPOSE: [u8; 16] = *b"ringchat/3 said\0";

/// Bytes that a processor with the widest vectors hashes side by side: sixteen chunks of BLAKE3.
const HASHED_AT_ONCE: usize = 16 * 1024;

/// Bytes that are signed of a run.
const SIGNED_BYTES: usize = 16 + RoomId::BYTES + 32 + 8 + 8 + 8 + 8 + 4 + 32;

/// All of a run that its author signs. No place and no view are among it, so that a run outlives elections and merges.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The room in which it is said.
    pub room: RoomId,
    /// The member that says it.
    pub author: NodeId,
    /// The name under which the texts are shown.
    pub name: &'a Name,
    /// The number of the first text among the author's.
    pub first: Seq,
    /// The author's Lamport time at the first text.
    pub stamp: Stamp,
    /// The author's clock, in seconds since the start of 1970.
    pub unix_seconds: u64,
    /// The texts.
    pub texts: &'a TextRun,
}

impl Said<'_> {
    /// The bytes that are signed: the purpose in 16, the room, key and incarnation of the author, the first number, the
    /// stamp, the clock, how many texts there are in 4, and the digest of the name and the texts. Integers are
    /// big-endian.
    ///
    /// `None` if it may not be said: its first number is 0, what would follow the last text has a number above
    /// [`MAX_SEQ`] or a stamp above [`MAX_STAMP`], or it is too heavy for a run.
    pub fn bytes(&self) -> Option<[u8; SIGNED_BYTES]> {
        let count = u32::try_from(self.texts.len()).ok()?;
        self.is_within_bounds().then_some(())?;
        let incarnation = self.author.incarnation().get().to_be_bytes();
        let parts: [&[u8]; 9] = [
            &PURPOSE,
            &self.room.0,
            self.author.key(),
            &incarnation,
            &self.first.0.to_be_bytes(),
            &self.stamp.0.to_be_bytes(),
            &self.unix_seconds.to_be_bytes(),
            &count.to_be_bytes(),
            &self.digest()?,
        ];
        let mut bytes = [0; SIGNED_BYTES];
        let mut rest = bytes.as_mut_slice();
        for part in parts {
            rest.split_off_mut(..part.len())?.copy_from_slice(part);
        }
        Some(bytes)
    }

    /// Whether the numbers and stamps of all texts can be counted, and the run is not too heavy.
    pub(crate) fn is_within_bounds(&self) -> bool {
        let count = self.texts.len() as u64;
        let up_to = |first: u64, most: u64| first.checked_add(count).is_some_and(|end| end <= most);
        self.first.0 >= 1
            && up_to(self.first.0, MAX_SEQ)
            && up_to(self.stamp.0, MAX_STAMP)
            && weight(self.texts, self.texts.len()) <= MAX_RUN
    }

    /// The digest of the name with its length, the lengths of all texts, and the texts.
    fn digest(&self) -> Option<[u8; 32]> {
        let name = self.name.as_str().as_bytes();
        let name_length = [u8::try_from(name.len()).ok()?];
        let mut lengths = vec![[0; 4]; self.texts.len()];
        lengths.iter_mut().zip(self.texts.lengths()).for_each(|(to, length)| *to = length.to_be_bytes());
        let letters = self.texts.joined().as_bytes();
        let mut start = [&name_length, name, lengths.as_flattened()].concat();
        // What follows a multiple of as many bytes as BLAKE3 hashes at once is hashed fastest.
        let missing = start.len().next_multiple_of(HASHED_AT_ONCE).saturating_sub(start.len());
        let (letters, rest) = letters.split_at(missing.min(letters.len()));
        start.extend_from_slice(letters);
        Some(derive("ringchat/3 letters", [start.as_slice(), rest]))
    }

    /// Signs it for its author, unless it may not be said or `identity` is another's.
    pub fn sign(&self, identity: &Identity) -> Option<Signature> {
        let bytes = self.bytes().filter(|_| identity.key() == *self.author.key())?;
        Some(identity.sign(&bytes))
    }

    /// Whether the author signed just this, and it may be said.
    pub fn is_signed(&self, signature: &Signature) -> bool {
        self.bytes().is_some_and(|bytes| verify(self.author.key(), &bytes, signature))
    }
}

#[cfg(test)]
mod tests;

//! What is proven to come from the member that is named as its author.

use core::ops::Deref;

use super::error::DecodeError;
use super::message::Envelope;
use super::run::Run;
use super::seen::{RunDigest, Seen};
use crate::ids::RoomId;
use crate::secure::Identity;

/// A value whose author's signature was verified, or that the author has just signed. Nothing else makes one, and the
/// value cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proven<T>(T);

impl<T> Proven<T> {
    /// Takes a value from a frame for proven. [`FrameDecoder::pop`](super::FrameDecoder::pop) verifies all of them
    /// before it hands out the message.
    pub(super) const fn to_be_verified(value: T) -> Self {
        Self(value)
    }
}

#[cfg(feature = "sham")]
impl<T> Proven<T> {
    /// Takes a value for proven, as a liar does. Whoever decodes it verifies it.
    pub const fn claimed(value: T) -> Self {
        Self(value)
    }
}

impl Proven<Run> {
    /// Signs a run for the room `room`, whatever signature stands there. `None` if it is not `identity` that says it, or if
    /// it is out of its bounds ([`Said::bytes`](crate::secure::Said::bytes)).
    pub fn sign(mut said: Run, room: RoomId, identity: &Identity) -> Option<Self> {
        said.signature = said.to_sign(room).sign(identity)?;
        Some(Self(said))
    }
}

impl<T> Deref for Proven<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Verifies everything in a message that somebody signed, unless `seen` has it.
///
/// # Errors
/// If a signature does not hold.
pub(super) fn verify(envelope: &Envelope, seen: &mut impl Seen) -> Result<(), DecodeError> {
    envelope.message.runs().try_for_each(|said| {
        let author = said.origin.id;
        let forged = DecodeError::Forged { author };
        // All texts are hashed once, here.
        let bytes = said.to_sign(envelope.room).bytes().ok_or(forged)?;
        let digest = RunDigest::new(&bytes, &said.signature);
        if !seen.has(digest) {
            seen.is_signed(author.key(), &bytes, &said.signature).then_some(()).ok_or(forged)?;
            seen.add(digest);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::super::ShamSeen;
    use super::super::{Body, Deliver, Entry, Message, SeenRuns, Sync};
    use super::*;
    use crate::numbers::{Epoch, Index, Seq, Stamp};
    use crate::roster::{Member, View};
    use crate::secure::Signature;
    use crate::text::Text;

    const ROOM: RoomId = RoomId([7; 16]);

    fn said() -> Proven<Run> {
        let texts = Text::new("hello").unwrap().into();
        Run::sham(ROOM, Member::numbered(1).into(), Seq(1), Stamp(1), texts)
    }

    /// A message of each kind that carries runs.
    fn all(said: &Proven<Run>) -> Vec<Envelope> {
        let view = View { epoch: Epoch(1), leader: Member::numbered(1).id };
        let body = Body::Chat { said: said.clone(), missing: 0, replayed: false };
        let entry = Entry { view, index: Index(0), stamp: Stamp(1), body };
        let messages = [
            Message::Submit { view, said: vec![said.clone()] },
            Message::Deliver(Deliver { view, entries: vec![entry], stable: Index(0) }),
            Message::Sync(Sync { view, history: Vec::new(), tail: vec![said.clone()], more: false }),
        ];
        messages.map(|message| Envelope { room: ROOM, stamp: Stamp(1), message }).into()
    }

    #[test]
    fn no_message_carries_words_that_their_author_did_not_sign() {
        let mut altered = said().0;
        altered.texts = Text::new("hullo").unwrap().into();
        let altered = Proven(altered);
        let forged = Err(DecodeError::Forged { author: altered.origin.id });
        for (good, bad) in all(&said()).iter().zip(all(&altered)) {
            assert_eq!(verify(good, &mut ShamSeen::default()), Ok(()));
            assert_eq!(verify(&bad, &mut ShamSeen::default()), forged);
            let elsewhere = Envelope { room: RoomId([8; 16]), ..good.clone() };
            assert_eq!(verify(&elsewhere, &mut ShamSeen::default()), forged, "signed for another room");
        }
    }

    #[test]
    fn a_run_that_was_verified_is_not_verified_again_and_another_signature_is() {
        let mut seen = ShamSeen::default();
        let bytes = said().to_sign(ROOM).bytes().unwrap();
        seen.add(RunDigest::new(&bytes, &said().signature));
        let mut other = said().0;
        other.signature = Signature::NONE;
        let [good, bad] = [said(), Proven(other)].map(|said| all(&said).remove(0));
        assert_eq!(verify(&good, &mut seen), Ok(()));
        assert!(verify(&bad, &mut seen).is_err());
    }

    #[test]
    fn nobody_but_a_test_takes_a_sham_signature() {
        let envelope = all(&said()).remove(0);
        assert!(verify(&envelope, &mut SeenRuns::default()).is_err());
    }

    #[test]
    fn nobody_signs_for_another() {
        let stranger = Identity::from_seed([1; 32]);
        assert_eq!(Proven::sign(said().0, ROOM, &stranger), None);
    }
}

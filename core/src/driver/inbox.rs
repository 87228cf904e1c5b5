//! The receiving side of a connection: bytes in, batches of messages out.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::input::{DownReason, Origin};
use crate::limits::{MAX_FRAME, MAX_GREETING};
use crate::wire::{Envelope, FrameDecoder};

/// Whether the node trusts a link with long frames: shared between the node's side, which says so, and the
/// reader's. The other end sends long frames only after an answer that is sent after this was said.
#[derive(Clone, Debug)]
pub struct Trust(Arc<AtomicBool>);

impl Trust {
    /// For a new link: a dialed one is trusted from the start.
    pub fn new(origin: Origin) -> Self {
        Self(Arc::new(AtomicBool::new(matches!(origin, Origin::Dialed(_)))))
    }

    /// From now on the link is trusted.
    pub fn give(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn limit(&self) -> usize {
        if self.0.load(Ordering::Acquire) { MAX_FRAME } else { MAX_GREETING }
    }
}

/// The receiving side of a connection.
#[derive(Debug)]
pub struct Inbox {
    decoder: FrameDecoder,
    trust: Trust,
    /// How many messages the last read completed; the next may bring as many.
    last: usize,
}

impl Inbox {
    /// For a new connection.
    pub fn new(trust: Trust) -> Self {
        Self { decoder: FrameDecoder::new(MAX_GREETING), trust, last: 0 }
    }

    /// Room to read into; never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        self.decoder.spare()
    }

    /// Tells that `read` bytes were read, 0 at the end. Gives the messages that are complete now, and why
    /// the link is of no more use, if so.
    pub fn advance(&mut self, read: usize) -> (Vec<Envelope>, Option<DownReason>) {
        if read == 0 {
            let end = self.decoder.finish().map_or_else(DownReason::Protocol, |()| DownReason::Eof);
            return (Vec::new(), Some(end));
        }
        self.decoder.advance(read);
        self.decoder.set_limit(self.trust.limit());
        let mut envelopes = Vec::with_capacity(self.last);
        let end = loop {
            match self.decoder.pop() {
                Ok(Some(envelope)) => envelopes.push(envelope),
                Ok(None) => break None,
                Err(error) => break Some(DownReason::Protocol(error)),
            }
        };
        self.last = envelopes.len();
        (envelopes, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RoomId;
    use crate::numbers::Stamp;
    use crate::wire::{DecodeError, GREETING, Message, encode};

    fn read(inbox: &mut Inbox, bytes: &[u8]) -> (Vec<Envelope>, Option<DownReason>) {
        inbox.spare()[..bytes.len()].copy_from_slice(bytes);
        inbox.advance(bytes.len())
    }

    fn leaves(count: u64) -> Vec<u8> {
        let mut bytes = GREETING.to_vec();
        for stamp in (0..count).map(Stamp) {
            encode(&Envelope { room: RoomId(1), stamp, message: Message::Leave }, &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn one_read_is_one_batch() {
        let mut inbox = Inbox::new(Trust::new(Origin::Accepted));
        let (envelopes, end) = read(&mut inbox, &leaves(3));
        assert_eq!(envelopes.iter().map(|e| e.stamp.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(end, None);
        assert_eq!(inbox.advance(0), (Vec::new(), Some(DownReason::Eof)));
    }

    #[test]
    fn messages_before_a_fault_are_still_given() {
        let mut inbox = Inbox::new(Trust::new(Origin::Accepted));
        let mut bytes = leaves(1);
        bytes.extend_from_slice(&u32::MAX.to_be_bytes());
        let (envelopes, end) = read(&mut inbox, &bytes);
        assert_eq!(envelopes.len(), 1);
        assert!(matches!(end, Some(DownReason::Protocol(DecodeError::TooLong { .. }))));
    }

    #[test]
    fn an_end_inside_a_frame_is_a_fault() {
        let mut inbox = Inbox::new(Trust::new(Origin::Accepted));
        let bytes = leaves(1);
        read(&mut inbox, &bytes[..bytes.len() - 1]);
        let (_, end) = inbox.advance(0);
        assert_eq!(end, Some(DownReason::Protocol(DecodeError::Truncated)));
    }

    #[test]
    fn long_frames_are_taken_once_the_link_is_trusted() {
        let mut header = GREETING.to_vec();
        header.extend_from_slice(&u32::try_from(MAX_FRAME).unwrap().to_be_bytes());
        let trust = Trust::new(Origin::Accepted);
        let (_, end) = read(&mut Inbox::new(trust.clone()), &header);
        assert!(matches!(end, Some(DownReason::Protocol(DecodeError::TooLong { .. }))));
        let mut inbox = Inbox::new(trust.clone());
        trust.give();
        assert_eq!(read(&mut inbox, &header), (Vec::new(), None));
    }
}

//! The receiving side of a connection: bytes in, batches of messages out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringchat_core::limits::{MAX_FRAME, MAX_GREETING};
use ringchat_core::wire::{Envelope, FrameDecoder};
use ringchat_core::{DownReason, Origin};

/// Whether the node trusts a link with long frames. The node's side sets it, the reader's side reads it. The other
/// end sends long frames only after an answer, which is sent after this was set.
#[derive(Clone, Debug)]
pub(crate) struct Trust(Arc<AtomicBool>);

impl Trust {
    /// For a new link: a dialed one is trusted from the start.
    pub(crate) fn new(origin: Origin) -> Self {
        Self(Arc::new(AtomicBool::new(matches!(origin, Origin::Dialed(_)))))
    }

    /// From now on the link is trusted.
    pub(crate) fn give(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn limit(&self) -> usize {
        if self.0.load(Ordering::Acquire) { MAX_FRAME } else { MAX_GREETING }
    }
}

/// The receiving side of a connection.
#[derive(Debug)]
pub(crate) struct FrameReader {
    decoder: FrameDecoder,
    trust: Trust,
    /// How many messages the last read completed; the next may bring as many.
    last: usize,
}

impl FrameReader {
    /// For a new connection.
    pub(crate) fn new(trust: Trust) -> Self {
        Self { decoder: FrameDecoder::new(MAX_GREETING), trust, last: 0 }
    }

    /// Room to read into; never empty.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.decoder.spare()
    }

    /// Takes in `read` bytes, 0 at the end. Gives the messages that are complete now, and why the link has ended,
    /// if it has.
    pub(crate) fn advance(&mut self, read: usize) -> (Vec<Envelope>, Option<DownReason>) {
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
    use ringchat_core::wire::{DecodeError, GREETING, Message, encode};
    use ringchat_core::{RoomId, Stamp};

    fn read(frame_reader: &mut FrameReader, bytes: &[u8]) -> (Vec<Envelope>, Option<DownReason>) {
        frame_reader.spare()[..bytes.len()].copy_from_slice(bytes);
        frame_reader.advance(bytes.len())
    }

    fn leaves(count: u64) -> Vec<u8> {
        let mut bytes = GREETING.to_vec();
        for stamp in (0..count).map(Stamp) {
            encode(&Envelope { room: RoomId([1; 16]), stamp, message: Message::Leave }, &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn one_read_is_one_batch() {
        let mut frame_reader = FrameReader::new(Trust::new(Origin::Accepted));
        let (envelopes, end) = read(&mut frame_reader, &leaves(3));
        assert_eq!(envelopes.iter().map(|e| e.stamp.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(end, None);
        assert_eq!(frame_reader.advance(0), (Vec::new(), Some(DownReason::Eof)));
    }

    #[test]
    fn messages_before_a_fault_are_still_given() {
        let mut frame_reader = FrameReader::new(Trust::new(Origin::Accepted));
        let mut bytes = leaves(1);
        bytes.extend_from_slice(&u32::MAX.to_be_bytes());
        let (envelopes, end) = read(&mut frame_reader, &bytes);
        assert_eq!(envelopes.len(), 1);
        assert!(matches!(end, Some(DownReason::Protocol(DecodeError::TooLong { .. }))));
    }

    #[test]
    fn an_end_inside_a_frame_is_a_fault() {
        let mut frame_reader = FrameReader::new(Trust::new(Origin::Accepted));
        let bytes = leaves(1);
        read(&mut frame_reader, &bytes[..bytes.len() - 1]);
        let (_, end) = frame_reader.advance(0);
        assert_eq!(end, Some(DownReason::Protocol(DecodeError::Truncated)));
    }

    #[test]
    fn long_frames_are_taken_once_the_link_is_trusted() {
        let mut header = GREETING.to_vec();
        header.extend_from_slice(&u32::try_from(MAX_FRAME).unwrap().to_be_bytes());
        let trust = Trust::new(Origin::Accepted);
        let (_, end) = read(&mut FrameReader::new(trust.clone()), &header);
        assert!(matches!(end, Some(DownReason::Protocol(DecodeError::TooLong { .. }))));
        let mut frame_reader = FrameReader::new(trust.clone());
        trust.give();
        assert_eq!(read(&mut frame_reader, &header), (Vec::new(), None));
    }
}

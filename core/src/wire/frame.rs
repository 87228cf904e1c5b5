//! Frames: `encode`, and a decoder that takes bytes in any chunks.

use alloc::vec::Vec;

use postcard::ser_flavors::Flavor;

use super::error::{DecodeError, FrameTooLong};
use super::incoming::Incoming;
use super::message::Envelope;
use super::proven::verify;
use super::seen::Seen;
use crate::limits::MAX_FRAME;

/// Bytes of a frame's length.
const HEADER: usize = 4;

/// Appends `envelope` as one frame to `bytes`.
///
/// # Errors
/// If the message does not fit a frame. Then `bytes` is left as it was.
pub fn encode(envelope: &Envelope, bytes: &mut Vec<u8>) -> Result<(), FrameTooLong> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; HEADER]);
    let body = bytes.len();
    let encoded = postcard::serialize_with_flavor(envelope, Body { bytes, start: body });
    let length = u32::try_from(bytes.len().saturating_sub(body));
    if let (Ok(()), Ok(length), Some(header)) = (encoded, length, bytes.get_mut(start..body)) {
        header.copy_from_slice(&length.to_be_bytes());
        Ok(())
    } else {
        bytes.truncate(start);
        Err(FrameTooLong)
    }
}

/// Where postcard writes a frame's body: the end of a vector, up to a frame's bound.
struct Body<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
}

impl Flavor for Body<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        let length = self.bytes.len().saturating_sub(self.start).saturating_add(data.len());
        if length > MAX_FRAME {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Turns the bytes of one link, which come out of records of any length, into messages.
///
/// Lend out [`spare`](Self::spare), read into it, tell [`advance`](Self::advance) how much came, then take
/// messages with [`pop`](Self::pop) until there is none. A decoder holds at most one frame and one chunk. The chunk
/// grows while reads fill it.
///
/// ```
/// use ringchat_core::wire::{Envelope, FrameDecoder, Message, SeenRuns, encode};
/// use ringchat_core::{RoomId, Stamp};
///
/// let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message: Message::Leave };
/// let mut frame = Vec::new();
/// encode(&envelope, &mut frame).unwrap();
/// let mut decoder = FrameDecoder::new(1024);
/// decoder.spare()[..frame.len()].copy_from_slice(&frame);
/// decoder.advance(frame.len());
/// assert_eq!(decoder.pop(&mut SeenRuns::default()), Ok(Some(envelope)));
/// ```
#[derive(Clone, Debug)]
pub struct FrameDecoder {
    incoming: Incoming,
    limit: usize,
}

impl FrameDecoder {
    /// A decoder for a new link that takes frames of up to `limit` bytes, at most [`MAX_FRAME`].
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(MAX_FRAME);
        Self { incoming: Incoming::new(), limit }
    }

    /// Takes frames of up to `limit` bytes from now on, at most [`MAX_FRAME`].
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(MAX_FRAME);
    }

    /// Room to read into; never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        self.incoming.spare()
    }

    /// Where the bytes wait that were not taken yet, to put more there.
    pub(crate) fn incoming(&mut self) -> &mut Incoming {
        &mut self.incoming
    }

    /// Tells that `read` bytes were put at the start of what [`spare`](Self::spare) lent.
    pub fn advance(&mut self, read: usize) {
        self.incoming.advance(read);
    }

    /// Takes the next message, if all its bytes are there. Everything in it that somebody signed is verified, unless `seen`
    /// has it.
    ///
    /// # Errors
    /// If the bytes are no message, or a signature does not hold. Later calls give the same error again, whatever follows.
    pub fn pop(&mut self, seen: &mut impl Seen) -> Result<Option<Envelope>, DecodeError> {
        let Some(length) = self.frame_length()? else { return Ok(None) };
        let Some(body) = self.body(length) else { return Ok(None) };
        let (envelope, rest) = postcard::take_from_bytes(body).map_err(|_| DecodeError::Malformed)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing { bytes: rest.len() });
        }
        verify(&envelope, seen)?;
        self.consume(length);
        Ok(Some(envelope))
    }

    /// The length of the next frame, checked before more of the frame is awaited.
    fn frame_length(&self) -> Result<Option<usize>, DecodeError> {
        let Some(&header) = self.incoming.waiting().first_chunk::<HEADER>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(DecodeError::TooLong { length, limit: self.limit });
        }
        Ok(Some(length))
    }

    fn body(&self, length: usize) -> Option<&[u8]> {
        self.incoming.waiting().get(HEADER..)?.get(..length)
    }

    fn consume(&mut self, length: usize) {
        self.incoming.consume(HEADER.saturating_add(length));
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::SeenRuns;
    use super::*;
    use crate::ids::RoomId;
    use crate::numbers::Stamp;
    use crate::wire::Message;
    use alloc::vec;

    fn envelope(stamp: u64) -> Envelope {
        Envelope { room: RoomId([7; 16]), stamp: Stamp(stamp), message: Message::Leave }
    }

    fn stream() -> Vec<u8> {
        let mut bytes = Vec::new();
        for stamp in 0..3 {
            encode(&envelope(stamp), &mut bytes).unwrap();
        }
        bytes
    }

    fn feed(decoder: &mut FrameDecoder, mut bytes: &[u8]) -> Result<Vec<Envelope>, DecodeError> {
        let mut came = Vec::new();
        while !bytes.is_empty() {
            let spare = decoder.spare();
            let now = bytes.len().min(spare.len());
            spare[..now].copy_from_slice(&bytes[..now]);
            decoder.advance(now);
            bytes = &bytes[now..];
            while let Some(envelope) = decoder.pop(&mut SeenRuns::default())? {
                came.push(envelope);
            }
        }
        Ok(came)
    }

    #[test]
    fn the_chunks_do_not_matter() {
        let expected = vec![envelope(0), envelope(1), envelope(2)];
        for size in 1..=stream().len() {
            let mut decoder = FrameDecoder::new(MAX_FRAME);
            let mut came = Vec::new();
            for chunk in stream().chunks(size) {
                came.extend(feed(&mut decoder, chunk).unwrap());
            }
            assert_eq!(came, expected, "chunks of {size}");
        }
    }

    #[test]
    fn a_flood_is_decoded_and_leaves_no_large_buffer_behind() {
        let frames = stream();
        let count = 240 * 1024 / frames.len();
        let mut decoder = FrameDecoder::new(MAX_FRAME);
        let at_rest = decoder.spare().len();
        let came = feed(&mut decoder, &frames.repeat(count)).unwrap();
        assert_eq!(came.len(), 3 * count);
        assert!(decoder.spare().len() > at_rest);
        for _ in 0..50 {
            feed(&mut decoder, &frames).unwrap();
        }
        assert!(decoder.spare().len() <= 2 * at_rest);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_header_alone() {
        let bytes = 1025u32.to_be_bytes();
        let refused = DecodeError::TooLong { length: 1025, limit: 1024 };
        let mut decoder = FrameDecoder::new(1024);
        assert_eq!(feed(&mut decoder, &bytes), Err(refused));
        decoder.set_limit(MAX_FRAME);
        assert_eq!(decoder.pop(&mut SeenRuns::default()), Ok(None));
    }

    #[test]
    fn a_message_with_bytes_too_many_is_refused() {
        let mut bytes = Vec::new();
        encode(&envelope(0), &mut bytes).unwrap();
        bytes[HEADER - 1] += 1;
        bytes.push(0);
        assert_eq!(feed(&mut FrameDecoder::new(MAX_FRAME), &bytes), Err(DecodeError::Trailing { bytes: 1 }));
    }
}

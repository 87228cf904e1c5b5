//! The wire format, given any bytes.

use alloc::vec::Vec;

use crate::limits::{MAX_FRAME, MAX_GREETING};
use crate::wire::{DecodeError, Envelope, FrameDecoder, ShamSeen, encode};

/// The messages that a decoder finds in the bytes of a link, and the error that ends them.
type Outcome = (Vec<Envelope>, Result<(), DecodeError>);

/// The bytes of a link decode to the same messages and the same error, however they are cut and whenever the link is
/// trusted. If they end too early, they decode to the messages before.
///
/// The first byte of `data` tells how to cut the rest.
///
/// # Panics
/// If that does not hold.
pub fn decode(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let size = usize::from(cut).saturating_add(1);
    let whole = decode_whole(bytes);
    assert_eq!(decode_in_chunks(bytes, |_| size), whole, "chunks of {size} made a difference");
    assert_eq!(decode_in_chunks(bytes, |before| before), whole, "growing chunks made a difference");
    let end = bytes.len().saturating_mul(size) / 256;
    ends_early(bytes.get(..end).unwrap_or_default(), &whole);
}

/// Decodes a prefix of the bytes that decode to `whole`.
fn ends_early(bytes: &[u8], (messages, end): &Outcome) {
    let (before, early_end) = decode_whole(bytes);
    assert!(messages.starts_with(&before), "what came before the end is another message");
    let as_late = early_end == *end && before == *messages;
    assert!(as_late || early_end.is_ok(), "{early_end:?} too early");
}

/// A frame that holds a message holds the same message after it is decoded and encoded, in no more bytes, and holds
/// none if it is a byte shorter or longer.
///
/// `data` is the frame without its length.
///
/// # Panics
/// If that does not hold.
pub fn roundtrip(data: &[u8]) {
    let Some(message) = decode_frame(data) else { return };
    let mut again = Vec::new();
    assert_eq!(encode(&message, &mut again), Ok(()), "what came in a frame fits a frame");
    let body = again.get(4..).unwrap_or_default().to_vec();
    assert!(body.len() <= data.len(), "encoded in more bytes than it came in");
    let expected = (Vec::from([message]), Ok(()));
    assert_eq!(decode_whole(&again), expected);
    for end in [0, body.len() / 2, body.len().saturating_sub(1)] {
        let part = decode_whole(&frame(body.get(..end).unwrap_or_default()));
        assert_eq!(part, (Vec::new(), Err(DecodeError::Malformed)), "{end} bytes of it are a message");
    }
    let longer = [body, Vec::from([0])].concat();
    let trailing = (Vec::new(), Err(DecodeError::Trailing { bytes: 1 }));
    assert_eq!(decode_whole(&frame(&longer)), trailing);
}

/// The message in `data`, a frame without its length, if there is one.
pub(super) fn decode_frame(data: &[u8]) -> Option<Envelope> {
    decode_whole(&frame(data)).0.pop()
}

/// A frame that holds `data`.
fn frame(data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    [length.as_slice(), data].concat()
}

/// What a new decoder finds in `bytes`.
fn decode_whole(bytes: &[u8]) -> Outcome {
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    let mut messages = Vec::new();
    let end = feed(&mut decoder, bytes, &mut messages);
    (messages, end)
}

/// What a new decoder finds in `bytes` if they come in chunks and the link is trusted only when that is needed. `next`
/// gives the size of a chunk from the number of chunks before.
fn decode_in_chunks(bytes: &[u8], next: impl Fn(usize) -> usize) -> Outcome {
    let mut decoder = FrameDecoder::new(MAX_GREETING);
    let mut messages = Vec::new();
    let (mut left, mut before) = (bytes, 0_usize);
    while !left.is_empty() {
        before = before.saturating_add(1);
        let (now, later) = left.split_at(next(before).min(left.len()));
        let mut end = feed(&mut decoder, now, &mut messages);
        if matches!(end, Err(DecodeError::TooLong { limit: MAX_GREETING, .. })) {
            decoder.set_limit(MAX_FRAME);
            end = feed(&mut decoder, &[], &mut messages);
        }
        if let Err(error) = end {
            let more = feed(&mut decoder, later, &mut messages);
            assert_eq!(more, Err(error), "what follows an error changes it");
            return (messages, Err(error));
        }
        left = later;
    }
    (messages, Ok(()))
}

/// Hands `bytes` to `decoder`, and takes the messages that it finds.
fn feed(
    decoder: &mut FrameDecoder,
    mut bytes: &[u8],
    messages: &mut Vec<Envelope>,
) -> Result<(), DecodeError> {
    loop {
        let spare = decoder.spare();
        let (now, later) = bytes.split_at(bytes.len().min(spare.len()));
        for (to, from) in spare.iter_mut().zip(now) {
            *to = *from;
        }
        decoder.advance(now.len());
        bytes = later;
        while let Some(message) = decoder.pop(&mut ShamSeen::default())? {
            messages.push(message);
        }
        if bytes.is_empty() {
            return Ok(());
        }
    }
}

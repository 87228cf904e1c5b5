//! The bodies of the fuzz targets. Ordinary tests replay their corpora.
//!
//! Each takes any bytes, and panics if a property does not hold for them: of the wire format here, of the
//! node in [`node()`].

mod node;

pub use node::{BIRTH, CAST, born, escape, node};

use alloc::vec::Vec;

use crate::limits::MAX_FRAME;
use crate::wire::{DecodeError, Envelope, FrameDecoder, GREETING, encode};

/// What a decoder made of a link's bytes.
type Outcome = (Vec<Envelope>, Result<(), DecodeError>);

/// Bytes of a link decode to the same messages and the same error, however they are cut.
///
/// The first byte of `data` is how to cut them (its low seven bits) and whether a greeting goes before the
/// rest (its highest bit).
pub fn decode(data: &[u8]) {
    let Some((&cut, rest)) = data.split_first() else { return };
    let mut bytes = if cut & 0x80 == 0 { Vec::new() } else { GREETING.to_vec() };
    bytes.extend_from_slice(rest);
    let whole = decode_in_chunks(&bytes, bytes.len().max(1));
    let chunked = decode_in_chunks(&bytes, usize::from(cut & 0x7f).saturating_add(1));
    assert_eq!(whole, chunked, "the chunks made a difference");
}

/// A frame that holds a message still holds the same message after decoding and encoding it.
///
/// `data` is the frame without its length.
pub fn roundtrip(data: &[u8]) {
    let messages = decode_frame(data);
    let mut again = GREETING.to_vec();
    for message in &messages {
        assert_eq!(encode(message, &mut again), Ok(()), "what came in a frame fits a frame");
    }
    assert_eq!(decode_in_chunks(&again, again.len()), (messages, Ok(())));
}

/// The message in a frame, if `data`, the frame without its length, is one.
fn decode_frame(data: &[u8]) -> Vec<Envelope> {
    let Ok(length) = u32::try_from(data.len()) else { return Vec::new() };
    let mut bytes = GREETING.to_vec();
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
    decode_in_chunks(&bytes, bytes.len()).0
}

/// What a new decoder makes of `bytes` if at most `size` of them come at once.
fn decode_in_chunks(bytes: &[u8], size: usize) -> Outcome {
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    let mut messages = Vec::new();
    let mut left = bytes;
    while !left.is_empty() {
        let spare = decoder.spare();
        let (now, later) = left.split_at(size.min(spare.len()).min(left.len()));
        for (to, from) in spare.iter_mut().zip(now) {
            *to = *from;
        }
        decoder.advance(now.len());
        left = later;
        loop {
            match decoder.pop() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    let end = decoder.finish();
    (messages, end)
}

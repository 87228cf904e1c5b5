//! The frames of the bare hub.

use super::{Came, Dialect};

pub(super) struct Frames;

impl Dialect for Frames {
    fn greet(&mut self, _me: u16, listens: bool, out: &mut Vec<u8>) {
        self.say(&[u8::from(listens)], out);
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        out.extend(length.to_be_bytes());
        out.extend(text);
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(usize, Came<'a>)> {
        let header = bytes.first_chunk()?;
        let end = 4 + u32::from_be_bytes(*header) as usize;
        let text = bytes.get(4..end)?;
        Some((end, if text.is_empty() { Came::Ready } else { Came::Text(text) }))
    }
}

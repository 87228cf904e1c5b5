//! The third version of Redis' protocol, in which one connection both publishes and subscribes.

use super::{Came, Dialect, line, lossy};

const PUBLISH: &[u8] = b"*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n";
const MESSAGE: &[u8] = b">3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$";

pub(super) struct Redis;

impl Dialect for Redis {
    fn greet(&mut self, _me: u16, listens: bool, out: &mut Vec<u8>) {
        out.extend(b"HELLO 3\r\n");
        if listens {
            out.extend(b"SUBSCRIBE room\r\n");
        }
        // With replies off a publisher hears no counts; what was subscribed to comes all the same.
        out.extend(b"PING\r\nCLIENT REPLY OFF\r\n");
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend(PUBLISH);
        out.extend(format!("${}\r\n", text.len()).into_bytes());
        out.extend(text);
        out.extend(b"\r\n");
    }

    /// Everything but a text is taken line by line, whatever it is a part of.
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(usize, Came<'a>)> {
        if bytes.starts_with(MESSAGE) {
            return message(bytes);
        }
        if MESSAGE.starts_with(bytes) {
            return None;
        }
        let (line, used) = line(bytes)?;
        let came = match line {
            b"+PONG" => Came::Ready,
            [b'-', error @ ..] => Came::Refusal(lossy(error)),
            _ => Came::Nothing,
        };
        Some((used, came))
    }
}

fn message(bytes: &[u8]) -> Option<(usize, Came<'_>)> {
    let (length, used) = line(bytes.get(MESSAGE.len()..)?)?;
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    let start = MESSAGE.len() + used;
    let text = bytes.get(start..start + length)?;
    let end = start + length + 2;
    (bytes.len() >= end).then_some((end, Came::Text(text)))
}

//! MQTT 3.1.1 at quality of service 0, for mosquitto.

use super::{Came, Dialect};

/// The kernel alone takes some ten thousand texts from each sender, which mosquitto needs minutes to pass on in a room
/// of fifty who all send. So a sender asks after this many texts whether it has come that far.
const WINDOW: usize = 100;

const TOPIC: &[u8] = b"\x00\x04room";

const CONNECTED: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBED: u8 = 0x90;
const ALIVE: u8 = 0xd0;

#[derive(Default)]
pub(super) struct Mqtt {
    listens: bool,
}

impl Dialect for Mqtt {
    fn greet(&mut self, me: u16, listens: bool, out: &mut Vec<u8>) {
        self.listens = listens;
        let name = format!("m{me:05}");
        // The protocol and its version, a clean session, no keep-alive, and the name with its length.
        packet(0x10, &[b"\x00\x04MQTT\x04\x02\x00\x00\x00\x06", name.as_bytes()], out);
        if listens {
            packet(0x82, &[b"\x00\x01", TOPIC, b"\x00"], out);
        }
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        packet(PUBLISH, &[TOPIC, text], out);
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(usize, Came<'a>)> {
        let (length, start) = remaining(bytes.get(1..)?)?;
        let end = 1 + start + length;
        let body = bytes.get(1 + start..end)?;
        let came = match (bytes[0] & 0xf0, body) {
            (CONNECTED, [_, 0]) if self.listens => Came::Nothing,
            (CONNECTED, [_, 0]) | (SUBSCRIBED, [_, _, 0]) => Came::Ready,
            (CONNECTED | SUBSCRIBED, _) => Came::Refusal(format!("{body:?}")),
            (PUBLISH, _) => Came::Text(body.get(TOPIC.len()..).unwrap_or_default()),
            (ALIVE, _) => Came::Synced,
            _ => Came::Nothing,
        };
        Some((end, came))
    }

    fn asks_after(&self) -> Option<usize> {
        Some(WINDOW)
    }

    fn ask(&self, out: &mut Vec<u8>) {
        packet(0xc0, &[], out);
    }
}

fn packet(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    out.push(kind);
    let mut length = parts.iter().map(|part| part.len()).sum::<usize>();
    while length >= 128 {
        out.push(u8::try_from(length % 128).unwrap_or(0) | 128);
        length /= 128;
    }
    out.push(u8::try_from(length).unwrap_or(0));
    out.extend(parts.concat());
}

/// The length of a packet's rest, and of the length itself.
fn remaining(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 127) << (7 * at);
        if byte & 128 == 0 {
            return Some((length, at + 1));
        }
    }
    None
}

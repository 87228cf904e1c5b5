//! The protocol of NATS.

use super::{Came, Dialect, line, lossy};

#[derive(Default)]
pub(super) struct Nats {
    ready: bool,
}

impl Dialect for Nats {
    fn greet(&mut self, _me: u16, listens: bool, out: &mut Vec<u8>) {
        out.extend(br#"CONNECT {"verbose":false,"pedantic":false,"lang":"rust","version":"0"}"#);
        out.extend(b"\r\n");
        if listens {
            out.extend(b"SUB room 1\r\n");
        }
        out.extend(b"PING\r\n");
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend(format!("PUB room {}\r\n", text.len()).into_bytes());
        out.extend(text);
        out.extend(b"\r\n");
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(usize, Came<'a>)> {
        let (line, used) = line(bytes)?;
        // `MSG room 1 LENGTH`, and the text on a line of its own.
        if let Some(length) = line.strip_prefix(b"MSG room 1 ") {
            let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
            let text = bytes.get(used..used + length)?;
            let end = used + length + 2;
            return (bytes.len() >= end).then_some((end, Came::Text(text)));
        }
        let came = match line {
            b"PING" => Came::Reply(b"PONG\r\n".to_vec()),
            b"PONG" if !self.ready => {
                self.ready = true;
                Came::Ready
            }
            [b'-', error @ ..] => Came::Refusal(lossy(error)),
            _ => Came::Nothing,
        };
        Some((used, came))
    }
}

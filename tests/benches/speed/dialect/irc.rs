//! IRC, for ngircd.

use super::{Came, Dialect, line, lossy};

/// ngircd closes a connection for which more than 32 KiB wait, whatever its configuration says. So a sender asks
/// after this many texts whether the server has come that far.
const WINDOW: usize = 100;

const SAY: &[u8] = b"PRIVMSG #room :";

pub(super) struct Irc;

impl Dialect for Irc {
    fn greet(&mut self, me: u16, _listens: bool, out: &mut Vec<u8>) {
        // Who is not in the channel cannot speak there.
        out.extend(format!("NICK m{me}\r\nUSER m{me} 0 * :m{me}\r\nJOIN #room\r\n").into_bytes());
    }

    fn say(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend(SAY);
        out.extend(text);
        out.extend(b"\r\n");
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(usize, Came<'a>)> {
        let (line, used) = line(bytes)?;
        Some((used, came(line)))
    }

    fn asks_after(&self) -> Option<usize> {
        Some(WINDOW)
    }

    fn ask(&self, out: &mut Vec<u8>) {
        out.extend(b"PING :sync\r\n");
    }
}

/// `:PREFIX COMMAND PARAMETERS`, the prefix left out by some.
fn came(line: &[u8]) -> Came<'_> {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let mut command = words.next().unwrap_or_default();
    if command.first() == Some(&b':') {
        command = words.next().unwrap_or_default();
    }
    match command {
        // `PRIVMSG #room :TEXT`
        b"PRIVMSG" => Came::Text(words.nth(1).and_then(|text| text.strip_prefix(b":")).unwrap_or_default()),
        b"PING" => Came::Reply([b"PONG ", words.next().unwrap_or_default(), b"\r\n"].concat()),
        b"PONG" => Came::Synced,
        // The end of the list of those who are in the channel.
        b"366" => Came::Ready,
        b"ERROR" | b"404" | b"433" | b"451" | b"471" => Came::Refusal(lossy(line)),
        _ => Came::Nothing,
    }
}

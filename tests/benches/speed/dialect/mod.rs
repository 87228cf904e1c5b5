//! What the clients of each server say.

mod frames;
mod irc;
mod mqtt;
mod nats;
mod redis;

use anyhow::{Result, bail};

use crate::control::System;

/// The protocol of a server, as its clients speak it. Pure: bytes in, bytes out.
pub(super) trait Dialect: Send {
    /// What a client says first, so that it can speak and, if it `listens`, hears all.
    fn greet(&mut self, me: u16, listens: bool, out: &mut Vec<u8>);

    /// A text for all who listen.
    fn say(&self, text: &[u8], out: &mut Vec<u8>);

    /// The first thing that came, and how many bytes it took; none if it is not whole yet.
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(usize, Came<'a>)>;

    /// After how many texts the server is to be asked whether it keeps up; none if it slows the sender by itself.
    fn asks_after(&self) -> Option<usize> {
        None
    }

    /// Asks it, to be answered by [`Came::Synced`].
    fn ask(&self, _out: &mut Vec<u8>) {}
}

/// What may come from a server.
pub(super) enum Came<'a> {
    /// A text.
    Text(&'a [u8]),
    /// The client can speak now and, if it wants to, hears all.
    Ready,
    /// Something that wants this reply.
    Reply(Vec<u8>),
    /// The server keeps up.
    Synced,
    /// The server refuses something.
    Refusal(String),
    /// Nothing that matters.
    Nothing,
}

/// The protocol of a system's server.
pub(super) fn of(system: System) -> Result<Box<dyn Dialect>> {
    Ok(match system {
        System::Hub => Box::new(frames::Frames),
        System::Ngircd => Box::new(irc::Irc),
        System::Redis => Box::new(redis::Redis),
        System::Nats => Box::new(nats::Nats::default()),
        System::Mosquitto => Box::new(mqtt::Mqtt::default()),
        System::Threads
        | System::ThreadsQueue
        | System::AsyncStd
        | System::AsyncStdQueue
        | System::Pipes
        | System::PipesTraced
        | System::Simulated => {
            bail!("{system:?} has no server")
        }
    })
}

/// The first line, without its end, and how many bytes it takes with it.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

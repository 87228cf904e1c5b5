//! The other end of a link, played by hand: without a socket, or over one that blocks.

#![allow(dead_code, reason = "each test that has this module uses a part of it")]

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU64;

use ringchat_core::NodeId;
use ringchat_core::limits::MAX_FRAME;
use ringchat_core::secure::{
    AcceptedEphemerals, Credentials, Ephemeral, Identity, Link, LinkError, Sealer, Secret,
};
use ringchat_core::wire::{Envelope, FrameDecoder, SeenRuns, encode};

/// Whoever has this number, in an open room.
pub(crate) fn somebody(number: u8) -> Credentials {
    Credentials::open(Identity::from_seed([number; 32]), NonZeroU64::MIN)
}

/// Whoever has this number, in the private room with this secret.
pub(crate) fn insider(number: u8, secret: &Secret) -> Credentials {
    Credentials::private(secret, Identity::from_seed([number; 32]), NonZeroU64::MIN)
}

fn fresh() -> Ephemeral {
    Ephemeral::draw(|bytes| File::open("/dev/urandom")?.read_exact(bytes)).unwrap()
}

/// One end of a link. Bytes in, bytes out.
pub(crate) struct OtherEnd {
    who: Credentials,
    accepted: AcceptedEphemerals,
    link: Link,
    /// Who is at the end that is tested, once that has proven it.
    peer: Option<NodeId>,
    incoming: FrameDecoder,
    outgoing: Option<Sealer>,
}

impl OtherEnd {
    /// The end that dials, and its first message.
    pub(crate) fn dial(who: Credentials, expected: Option<NodeId>) -> (Self, Vec<u8>) {
        let (link, first) = Link::dial(&who, fresh(), expected).unwrap();
        (Self::new(who, link), first)
    }

    /// The end that accepts.
    pub(crate) fn accept(who: Credentials) -> Self {
        let link = Link::accept(&who, fresh()).unwrap();
        Self::new(who, link)
    }

    fn new(who: Credentials, link: Link) -> Self {
        let accepted = AcceptedEphemerals::default();
        Self { who, accepted, link, peer: None, incoming: FrameDecoder::new(MAX_FRAME), outgoing: None }
    }

    /// Takes bytes, and gives those that have to go out.
    pub(crate) fn hear(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, LinkError> {
        let mut answer = Vec::new();
        while !bytes.is_empty() {
            let read = bytes.read(self.link.spare()).unwrap();
            self.link.advance(read);
            while let Some(progress) = self.link.progress(&self.who, &mut self.accepted)? {
                answer.extend_from_slice(&progress.send);
                if let Some(opened) = progress.opened {
                    (self.peer, self.outgoing) = (Some(opened.peer), Some(opened.sealer));
                }
            }
            while self.link.open(&mut self.incoming)? {}
        }
        Ok(answer)
    }

    /// Who is at the end that is tested, once that has proven it.
    pub(crate) fn peer(&self) -> Option<NodeId> {
        self.peer
    }

    /// The next message that came.
    pub(crate) fn next(&mut self) -> Option<Envelope> {
        self.incoming.pop(&mut SeenRuns::default()).unwrap()
    }

    /// The records that carry these bytes.
    pub(crate) fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.outgoing.as_mut().unwrap().seal(bytes, &mut Vec::new()).unwrap().to_vec()
    }

    /// The records that carry this message.
    pub(crate) fn say(&mut self, envelope: &Envelope) -> Vec<u8> {
        let mut frame = Vec::new();
        encode(envelope, &mut frame).unwrap();
        self.seal(&frame)
    }
}

/// An open link over a socket.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) end: OtherEnd,
}

impl Client {
    /// Opens a link over a connection that this end dialed.
    pub(crate) fn dial(
        mut stream: TcpStream,
        who: Credentials,
        expected: Option<NodeId>,
    ) -> io::Result<Self> {
        let (end, first) = OtherEnd::dial(who, expected);
        stream.write_all(&first)?;
        Self { stream, end }.open()
    }

    /// Opens a link over a connection that this end accepted.
    pub(crate) fn accept(stream: TcpStream, who: Credentials) -> io::Result<Self> {
        Self { stream, end: OtherEnd::accept(who) }.open()
    }

    fn open(mut self) -> io::Result<Self> {
        while self.end.peer.is_none() {
            self.read()?;
        }
        Ok(self)
    }

    fn read(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.read(&mut bytes)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let answer = self.end.hear(&bytes[..read]).map_err(io::Error::other)?;
        self.stream.write_all(&answer)
    }

    /// Waits for the next message.
    pub(crate) fn receive(&mut self) -> io::Result<Envelope> {
        loop {
            if let Some(envelope) = self.end.next() {
                return Ok(envelope);
            }
            self.read()?;
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, envelope: &Envelope) -> io::Result<()> {
        let records = self.end.say(envelope);
        self.stream.write_all(&records)
    }

    /// Two halves, for two threads: one that receives, and what it takes to send.
    pub(crate) fn split(mut self) -> io::Result<(Self, TcpStream, Sealer)> {
        let (stream, sealer) = (self.stream.try_clone()?, self.end.outgoing.take());
        Ok((self, stream, sealer.unwrap()))
    }
}

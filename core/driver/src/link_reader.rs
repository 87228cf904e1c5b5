//! The receiving side of a link: results of reads in, jobs out.

use std::io::{self, ErrorKind};

use ringchat_core::{DownReason, LinkId};

use crate::frame_reader::FrameReader;
use crate::transport::Job;

/// Turns what is read from a connection into jobs, until the connection ends.
#[derive(Debug)]
pub struct LinkReader {
    link: LinkId,
    frames: FrameReader,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes become messages.
    Reading,
    /// What came is no message. Bytes are dropped: left unread they would reset the connection, and the other end
    /// may still read our greeting.
    Discarding,
    /// The connection has ended.
    Done,
}

impl LinkReader {
    pub(crate) fn new(link: LinkId, frames: FrameReader) -> Self {
        Self { link, frames, state: State::Reading }
    }

    /// Room to read into; never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        self.frames.spare()
    }

    /// Whether there is nothing more to read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the result of a read into [`spare`](Self::spare): how many bytes came, 0 at the end. Gives the jobs to put,
    /// in order.
    pub fn advance<S>(&mut self, read: io::Result<usize>) -> impl Iterator<Item = Job<S>> + use<S> {
        let (envelopes, down) = match (self.state, read) {
            (_, Err(error)) if error.kind() == ErrorKind::Interrupted => (Vec::new(), None),
            (State::Reading, Ok(read)) => self.frames.advance(read),
            (State::Reading, Err(_)) => (Vec::new(), Some(DownReason::Io)),
            (State::Discarding, Ok(1..)) => (Vec::new(), None),
            (State::Discarding | State::Done, _) => (Vec::new(), Some(DownReason::Eof)),
        };
        if let Some(reason) = down {
            let garbage = matches!(reason, DownReason::Protocol(_));
            self.state = if garbage { State::Discarding } else { State::Done };
        }
        let link = self.link;
        let received = (!envelopes.is_empty()).then_some(Job::Received(link, envelopes));
        received.into_iter().chain(down.map(|reason| Job::Down(link, reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_reader::Trust;
    use crate::seen::SharedSeen;
    use ringchat_core::Origin;
    use ringchat_core::wire::{DecodeError, GREETING};

    fn reader() -> LinkReader {
        LinkReader::new(LinkId(1), FrameReader::new(Trust::new(Origin::Accepted), SharedSeen::default()))
    }

    fn read(reader: &mut LinkReader, bytes: &[u8]) -> Vec<Job<()>> {
        reader.spare()[..bytes.len()].copy_from_slice(bytes);
        reader.advance(Ok(bytes.len())).collect()
    }

    #[test]
    fn the_end_of_a_connection_is_the_last_job() {
        let mut reader = reader();
        assert!(read(&mut reader, &GREETING).is_empty());
        let interrupted = reader.advance::<()>(Err(ErrorKind::Interrupted.into()));
        assert_eq!(interrupted.count(), 0);
        let jobs: Vec<Job<()>> = reader.advance(Err(ErrorKind::ConnectionReset.into())).collect();
        assert!(matches!(jobs[..], [Job::Down(LinkId(1), DownReason::Io)]));
        assert!(reader.is_done());
    }

    #[test]
    fn what_follows_garbage_is_dropped_up_to_the_end() {
        let mut reader = reader();
        let jobs = read(&mut reader, b"GET / HTTP/1.1\r\n\r\n");
        assert!(matches!(jobs[..], [Job::Down(LinkId(1), DownReason::Protocol(DecodeError::NotRingchat))]));
        assert!(read(&mut reader, b"more").is_empty() && !reader.is_done());
        assert!(matches!(read(&mut reader, b"")[..], [Job::Down(LinkId(1), DownReason::Eof)]));
        assert!(reader.is_done());
    }
}

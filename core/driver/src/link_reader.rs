//! The receiving side of a link: opens the link, then its records; results of reads in, jobs out.

use std::io::{self, ErrorKind};
use std::iter;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringchat_core::limits::{MAX_FRAME, MAX_GREETING};
use ringchat_core::secure::{Link, Opened};
use ringchat_core::wire::{Envelope, FrameDecoder};
use ringchat_core::{DownReason, LinkId};

use crate::connection::SharedSocket;
use crate::door::Door;
use crate::seen::SharedSeen;
use crate::socket::Socket;
use crate::transport::Job;

/// Whether the node trusts a link with long frames. The node's side sets it, the reader's side reads it. The other
/// end sends long frames only after an answer, which is sent after this was set.
#[derive(Clone, Debug)]
pub(crate) struct Trust(Arc<AtomicBool>);

impl Trust {
    /// For a new link: a dialed one is trusted from the start.
    pub(crate) fn new(dialed: bool) -> Self {
        Self(Arc::new(AtomicBool::new(dialed)))
    }

    /// From now on the link is trusted.
    pub(crate) fn give(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn limit(&self) -> usize {
        if self.0.load(Ordering::Acquire) { MAX_FRAME } else { MAX_GREETING }
    }
}

/// Turns what is read from a connection into jobs, until the connection ends. Nothing that comes becomes a message before
/// the other end has proven who it is.
#[derive(Debug)]
pub struct LinkReader<S> {
    id: LinkId,
    link: Link,
    /// Takes what the records hold.
    decoder: FrameDecoder,
    trust: Trust,
    door: Door,
    seen: SharedSeen,
    /// Where the handshake's bytes go.
    socket: Arc<SharedSocket<S>>,
    /// Whether anything came.
    heard: bool,
    /// How many messages the last read completed; the next may bring as many.
    last: usize,
    /// How many bytes came since the last read that completed a message.
    bytes: usize,
    done: bool,
}

/// What a read has brought.
struct Came {
    /// Bytes wait that the socket did not take at once.
    unwritten: bool,
    opened: Option<Opened>,
    /// Whether a record was opened.
    record: bool,
    envelopes: Vec<Envelope>,
}

impl<S: Socket> LinkReader<S> {
    /// For a new connection, over which `link` is to open.
    pub(crate) fn new(
        id: LinkId,
        link: Link,
        trust: Trust,
        door: Door,
        socket: Arc<SharedSocket<S>>,
    ) -> Self {
        let (decoder, seen) = (FrameDecoder::new(MAX_GREETING), door.seen());
        Self { id, link, decoder, trust, door, seen, socket, heard: false, last: 0, bytes: 0, done: false }
    }

    /// Room to read into; never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        self.link.spare()
    }

    /// Whether there is nothing more to read.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Takes the result of a read into [`spare`](Self::spare): how many bytes came, 0 at the end. Gives the jobs to put,
    /// in order.
    pub fn advance(&mut self, read: io::Result<usize>) -> impl Iterator<Item = Job<S>> + use<S> {
        let mut came =
            Came { unwritten: false, opened: None, record: false, envelopes: Vec::with_capacity(self.last) };
        let end = match read {
            Ok(0) => Some(self.end_of_stream()),
            Ok(read) => {
                self.link.advance(read);
                self.bytes = self.bytes.saturating_add(read);
                self.heard = true;
                self.take(&mut came).err()
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => None,
            Err(_) => Some(DownReason::Io),
        };
        self.last = came.envelopes.len();
        self.done |= end.is_some();
        let (id, envelopes) = (self.id, came.envelopes);
        let bytes = if envelopes.is_empty() { 0 } else { mem::take(&mut self.bytes) };
        let unwritten = came.unwritten.then_some(Job::Unwritten(id));
        let opened = came.opened.map(|opened| Job::Opened(id, Box::new(opened)));
        let received = came.record.then_some(Job::Received { link: id, envelopes, bytes });
        let down = end.map(|reason| Job::Down(id, reason));
        iter::empty().chain(unwritten).chain(opened).chain(received).chain(down)
    }

    /// An end that came before the link was open is told apart from one before anything came, which says that the other
    /// end does not want to talk.
    fn end_of_stream(&self) -> DownReason {
        if self.heard && !self.link.is_open() { DownReason::Io } else { DownReason::Eof }
    }

    fn take(&mut self, came: &mut Came) -> Result<(), DownReason> {
        while !self.link.is_open() {
            let mut keeper = self.door.keeper(self.id);
            let progress = self.link.progress(&self.door.credentials(), &mut keeper);
            let Some(progress) = progress.map_err(DownReason::Link)? else { return Ok(()) };
            if !progress.send.is_empty() {
                came.unwritten |= self.socket.send(&progress.send)?;
            }
            came.opened = progress.opened;
        }
        while self.link.open(&mut self.decoder).map_err(DownReason::Link)? {
            came.record = true;
            self.decoder.set_limit(self.trust.limit());
            while let Some(envelope) = self.decoder.pop(&mut self.seen).map_err(DownReason::Protocol)? {
                came.envelopes.push(envelope);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! The links of a node: what is gathered for each in a turn, and connections that linger after their end.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem;
use std::ops::Range;
use std::time::Duration;

use ringchat_core::wire::{Envelope, GREETING};
use ringchat_core::{CloseMode, DownReason, Input, Instant, LinkId, Origin};

use crate::connection::Connection;
use crate::outgoing::{Outgoing, Parts};
use crate::seen::SharedSeen;
use crate::transport::Transport;

/// How long a connection that was closed in order may take to end.
const LINGER: Duration = Duration::from_secs(1);

/// Connections that linger, at most; a further one cuts off the oldest.
const MAX_LINGERING: usize = 64;

/// The links of a node, over a transport.
pub(crate) struct Links<T: Transport> {
    transport: T,
    seen: SharedSeen,
    open: BTreeMap<LinkId, Link<T>>,
    last: u64,
    outgoing: Outgoing,
    /// Links for which something was gathered in this turn.
    dirty: Vec<LinkId>,
    lingering: VecDeque<Lingering<T>>,
    /// Inputs for the node that closing links caused. They must not go through the bounded queue of jobs, which only a
    /// turn empties.
    pending: VecDeque<Input>,
}

/// A link and what was gathered for it in this turn.
struct Link<T: Transport> {
    connection: Connection<T::Socket>,
    gathered: Parts,
}

impl<T: Transport> Link<T> {
    fn write(&mut self, outgoing: &Outgoing, transport: &T) -> Result<(), DownReason> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        outgoing.write(&mut self.gathered, |bytes| self.connection.send(transport, bytes))
    }
}

/// A connection that was closed in order and has not ended yet. It is no link of the node.
struct Lingering<T: Transport> {
    link: LinkId,
    until: Instant,
    connection: Connection<T::Socket>,
}

impl<T: Transport> Links<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            seen: SharedSeen::default(),
            open: BTreeMap::new(),
            last: 0,
            outgoing: Outgoing::default(),
            dirty: Vec::new(),
            lingering: VecDeque::new(),
            pending: VecDeque::new(),
        }
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transport
    }

    /// Makes a link of a connected socket. The greeting goes out first.
    pub(crate) fn open(&mut self, origin: Origin, socket: T::Socket) -> io::Result<LinkId> {
        self.last = self.last.saturating_add(1);
        let id = LinkId(self.last);
        let connection = Connection::open(&self.transport, id, origin, socket, &self.seen)?;
        self.open.insert(id, Link { connection, gathered: Parts::default() });
        let greeting = self.outgoing.add_bytes(&GREETING);
        self.gather(id, greeting);
        Ok(id)
    }

    pub(crate) fn has(&self, id: LinkId) -> bool {
        self.open.contains_key(&id)
    }

    /// The next input for the node that closing links caused.
    pub(crate) fn next_pending(&mut self) -> Option<Input> {
        self.pending.pop_front()
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// From now on the link takes frames of every length.
    pub(crate) fn trust(&self, id: LinkId) {
        if let Some(link) = self.open.get(&id) {
            link.connection.trust();
        }
    }

    /// Gathers a message for several links, encoded once.
    pub(crate) fn send(&mut self, now: Instant, ids: &[LinkId], envelope: &Envelope) {
        let added = self.outgoing.add(envelope);
        debug_assert!(added.is_ok(), "the limits let every message fit a frame");
        for &id in ids {
            match &added {
                Ok(part) => self.gather(id, part.clone()),
                Err(_) => self.take_down(now, id, DownReason::Overflow),
            }
        }
        if self.outgoing.is_full() {
            self.write(now);
        }
    }

    fn gather(&mut self, id: LinkId, part: Range<usize>) {
        let Some(link) = self.open.get_mut(&id) else { return };
        if link.gathered.is_empty() {
            self.dirty.push(id);
        }
        link.gathered.push(part);
    }

    /// Writes what was gathered, once to each link.
    pub(crate) fn write(&mut self, now: Instant) {
        for id in mem::take(&mut self.dirty) {
            let Some(link) = self.open.get_mut(&id) else { continue };
            if let Err(reason) = link.write(&self.outgoing, &self.transport) {
                self.take_down(now, id, reason);
            }
        }
        self.outgoing.clear();
    }

    /// Closes a link, as the node asks.
    pub(crate) fn close(&mut self, now: Instant, id: LinkId, mode: CloseMode) {
        let Some(link) = self.open.remove(&id) else { return };
        self.pending.push_back(Input::LinkDown { link: id, reason: DownReason::Closed });
        self.end(now, id, link, mode);
        self.bound_lingering();
    }

    /// The receiving side of a connection has ended. Further calls for the same link do nothing.
    pub(crate) fn down(&mut self, now: Instant, id: LinkId, reason: DownReason) {
        if let Some(at) = self.lingering.iter().position(|lingering| lingering.link == id) {
            return self.cut(at);
        }
        self.take_down(now, id, reason);
    }

    /// Ends a link that failed, if it still stands, and lets the node know.
    fn take_down(&mut self, now: Instant, id: LinkId, reason: DownReason) {
        let Some(link) = self.open.remove(&id) else { return };
        self.pending.push_back(Input::LinkDown { link: id, reason });
        let mode = match reason {
            // The other end reads our greeting to know what it talks to; a reset could destroy the greeting.
            DownReason::Protocol(_) => CloseMode::Flush,
            _ => CloseMode::Abort,
        };
        self.end(now, id, link, mode);
        self.bound_lingering();
    }

    fn bound_lingering(&mut self) {
        if self.lingering.len() > MAX_LINGERING {
            self.cut(0);
        }
    }

    fn cut(&mut self, at: usize) {
        if let Some(lingering) = self.lingering.remove(at) {
            lingering.connection.abort();
        }
    }

    /// Closes all links. With `Abort` nothing lingers either.
    pub(crate) fn close_all(&mut self, now: Instant, mode: CloseMode) {
        for (id, link) in mem::take(&mut self.open) {
            self.end(now, id, link, mode);
        }
        if mode == CloseMode::Abort {
            self.lingering.clear();
        }
    }

    fn end(&mut self, now: Instant, id: LinkId, mut link: Link<T>, mode: CloseMode) {
        let written = mode == CloseMode::Flush && link.write(&self.outgoing, &self.transport).is_ok();
        // Otherwise dropping the connection aborts it.
        if written {
            link.connection.finish();
            let until = now.after(LINGER);
            self.lingering.push_back(Lingering { link: id, until, connection: link.connection });
        }
    }

    /// Cuts off the connections that have lingered long enough.
    pub(crate) fn cut_lingering(&mut self, now: Instant) {
        while self.lingering.front().is_some_and(|first| first.until <= now) {
            self.cut(0);
        }
    }

    /// When the first lingering connection is cut off.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.lingering.front().map(|first| first.until)
    }

    /// Whether no connection is left, lingering ones included.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.lingering.is_empty()
    }
}

#[cfg(test)]
mod tests;

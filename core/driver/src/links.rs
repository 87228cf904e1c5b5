//! The links of a node: connections over which links open, what is gathered for each link in a turn, and connections that
//! linger after their end.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use ringchat_core::limits::MAX_LINK_AGE;
use ringchat_core::secure::{LinkError, Opened, Sealer};
use ringchat_core::wire::Envelope;
use ringchat_core::{CloseMode, DialFailure, DialId, DownReason, Input, Instant, LinkId, NodeId, Origin};

use crate::connection::Connection;
use crate::dials::Dial;
use crate::door::Door;
use crate::outgoing::{Outgoing, Parts};
use crate::transport::Transport;

/// How long a connection that was closed in order may take to end.
const LINGER: Duration = Duration::from_secs(1);

/// Connections that linger, at most; a further one cuts off the oldest.
const MAX_LINGERING: usize = 64;

/// The links of a node, over a transport.
pub(crate) struct Links<T: Transport> {
    transport: T,
    door: Door,
    /// How long the other end of an accepted connection may take to prove who it is.
    patience: Duration,
    /// Connections over which a link opens. The node does not know of them.
    opening: BTreeMap<LinkId, Opening<T>>,
    open: BTreeMap<LinkId, Link<T>>,
    last: u64,
    outgoing: Outgoing,
    /// Links for which something was gathered in this turn.
    dirty: Vec<LinkId>,
    lingering: VecDeque<Lingering<T>>,
    /// Inputs for the node that the end of links and dials caused. They must not go through the bounded queue of jobs,
    /// which only a turn empties.
    pending: VecDeque<Input>,
}

/// A connection over which a link opens.
struct Opening<T: Transport> {
    connection: Connection<T::Socket>,
    end: End,
    /// When it is given up.
    until: Instant,
}

/// Which end of a connection this is.
enum End {
    /// The other end dialed, from this address.
    Accepted(SocketAddr),
    /// This node dialed.
    Dialed(Dial),
}

/// A link and what was gathered for it in this turn.
struct Link<T: Transport> {
    connection: Connection<T::Socket>,
    /// Only the node's side seals, one after the other, and each record goes to the write queue before the next is made.
    sealer: Sealer,
    gathered: Parts,
    /// When it has been used for so long that it has to be dialed anew.
    wears_out: Instant,
}

impl<T: Transport> Link<T> {
    /// Seals what was gathered, and writes it.
    fn write(&mut self, now: Instant, outgoing: &mut Outgoing, transport: &T) -> Result<(), DownReason> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        if self.wears_out <= now {
            return Err(DownReason::Link(LinkError::Worn));
        }
        let sealed = outgoing.seal(&mut self.gathered, &mut self.sealer).map_err(DownReason::Link)?;
        self.connection.send(transport, sealed)
    }
}

/// A connection that was closed in order and has not ended yet. It is no link of the node.
struct Lingering<T: Transport> {
    link: LinkId,
    until: Instant,
    connection: Connection<T::Socket>,
}

impl<T: Transport> Links<T> {
    pub(crate) fn new(transport: T, door: Door, patience: Duration) -> Self {
        Self {
            transport,
            door,
            patience,
            opening: BTreeMap::new(),
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

    /// Begins to open a link over a connection that was accepted. Without a reader the connection is closed.
    pub(crate) fn accept(&mut self, now: Instant, socket: T::Socket, remote: SocketAddr) {
        let id = self.next_id();
        for crowded_out in self.door.come(id, remote.ip(), now) {
            self.opening.remove(&crowded_out);
        }
        match Connection::accept(&self.transport, id, socket, &self.door) {
            Ok(connection) => {
                let (end, until) = (End::Accepted(remote), now.after(self.patience));
                self.opening.insert(id, Opening { connection, end, until });
            }
            Err(_) => self.door.go(id),
        }
    }

    /// The system takes no further connection: the stranger that has waited for longest goes.
    pub(crate) fn crowd_out(&mut self) {
        if let Some(oldest) = self.door.crowd_out() {
            self.opening.remove(&oldest);
        }
    }

    /// Begins to open a link over the connection that a dial has led to.
    pub(crate) fn dial(&mut self, dial: Dial, socket: T::Socket) -> io::Result<()> {
        let id = self.next_id();
        let connection = Connection::dial(&self.transport, id, socket, &self.door, dial.expected)?;
        self.opening.insert(id, Opening { connection, end: End::Dialed(dial), until: dial.until });
        Ok(())
    }

    fn next_id(&mut self) -> LinkId {
        self.last = self.last.saturating_add(1);
        LinkId(self.last)
    }

    /// A link is open. Gives what the node is to know, unless the connection was given up meanwhile.
    pub(crate) fn opened(&mut self, now: Instant, id: LinkId, opened: Opened) -> Option<Input> {
        let Opening { connection, end, .. } = self.opening.remove(&id)?;
        self.door.go(id);
        let (origin, remote) = match end {
            End::Accepted(remote) => (Origin::Accepted, remote),
            End::Dialed(dial) => (Origin::Dialed(dial.id), dial.addr),
        };
        let Opened { peer, sealer } = opened;
        let link =
            Link { connection, sealer, gathered: Parts::default(), wears_out: now.after(MAX_LINK_AGE) };
        self.open.insert(id, link);
        Some(Input::LinkUp { link: id, origin, remote, peer })
    }

    /// A link does not open. The node hears of it if it dialed.
    fn fail(&mut self, id: LinkId, end: &End, reason: DialFailure) {
        match end {
            End::Accepted(_) => self.door.go(id),
            End::Dialed(dial) => self.pending.push_back(Input::DialFailed { dial: dial.id, reason }),
        }
    }

    /// A dial is not even tried.
    pub(crate) fn refuse_dial(&mut self, dial: DialId) {
        self.pending.push_back(Input::DialFailed { dial, reason: DialFailure::Unreachable });
    }

    /// Starts the writer for bytes of a handshake that the socket did not take at once.
    pub(crate) fn start_writer(&mut self, id: LinkId) {
        let opening = self.opening.get(&id).map(|opening| &opening.connection);
        let Some(connection) = opening.or_else(|| self.open.get(&id).map(|link| &link.connection)) else {
            return;
        };
        if let Err(reason) = connection.start_writer(&self.transport) {
            self.down(id, reason);
        }
    }

    /// From now on links that open prove `id`.
    pub(crate) fn new_life(&self, id: NodeId) {
        self.door.new_life(id);
    }

    pub(crate) fn has(&self, id: LinkId) -> bool {
        self.open.contains_key(&id)
    }

    /// The next input for the node that the end of a link or of a dial caused.
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
                Err(_) => self.take_down(id, DownReason::Overflow),
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
            if let Err(reason) = link.write(now, &mut self.outgoing, &self.transport) {
                self.take_down(id, reason);
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
    pub(crate) fn down(&mut self, id: LinkId, reason: DownReason) {
        if let Some(at) = self.lingering.iter().position(|lingering| lingering.link == id) {
            return self.cut(at);
        }
        if let Some(failed) = self.opening.remove(&id) {
            if let End::Accepted(remote) = &failed.end {
                log::trace!("no link to {remote}: {reason}");
            }
            let expected = matches!(failed.end, End::Dialed(Dial { expected: Some(_), .. }));
            return self.fail(id, &failed.end, DialFailure::of_link(reason, expected));
        }
        self.take_down(id, reason);
    }

    /// Ends a link that failed, if it still stands, and lets the node know.
    fn take_down(&mut self, id: LinkId, reason: DownReason) {
        // Dropping the connection aborts it.
        if self.open.remove(&id).is_some() {
            self.pending.push_back(Input::LinkDown { link: id, reason });
        }
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
        self.opening.clear();
        for (id, link) in mem::take(&mut self.open) {
            self.end(now, id, link, mode);
        }
        if mode == CloseMode::Abort {
            self.lingering.clear();
        }
    }

    fn end(&mut self, now: Instant, id: LinkId, mut link: Link<T>, mode: CloseMode) {
        let written =
            mode == CloseMode::Flush && link.write(now, &mut self.outgoing, &self.transport).is_ok();
        // Otherwise dropping the connection aborts it.
        if written {
            link.connection.finish();
            let until = now.after(LINGER);
            self.lingering.push_back(Lingering { link: id, until, connection: link.connection });
        }
    }

    /// Cuts off the connections that have lingered long enough, and those over which no link has opened in time.
    pub(crate) fn cut_late(&mut self, now: Instant) {
        while self.lingering.front().is_some_and(|first| first.until <= now) {
            self.cut(0);
        }
        let late = self.opening.extract_if(.., |_, opening| opening.until <= now).collect::<Vec<_>>();
        for (id, opening) in late {
            self.fail(id, &opening.end, DialFailure::Unanswered);
        }
    }

    /// When the first connection is cut off.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let lingering = self.lingering.front().map(|first| first.until);
        self.opening.values().map(|opening| opening.until).chain(lingering).min()
    }

    /// Whether no connection is left, lingering ones included.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.opening.is_empty() && self.lingering.is_empty()
    }
}

#[cfg(test)]
mod tests;

//! What every driver does alike: the bookkeeping between the node and the connections of a runtime.
//!
//! A runtime reads clocks, sockets and queues, and tells [`Driver`] what happened; `Driver` runs the node,
//! executes its actions, and writes to the connections through [`Connection`]. Nothing in it waits.
//!
//! A runtime works in *turns*: it takes all that waits in the [`Scheduler`], tells it, then ends the turn with
//! [`Driver::flush`], which writes once to each connection. The scheduler says who runs the turn.

mod commands;
mod events;
mod frame_reader;
mod outgoing;
mod scheduler;
#[cfg(test)]
mod tests;
mod write_queue;

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use ringchat_core::Config;
use ringchat_core::Instant;
use ringchat_core::wire::{Envelope, GREETING};
use ringchat_core::{Action, CloseMode};
use ringchat_core::{Command, DialFailure, DownReason, Input, Origin};
use ringchat_core::{DialId, LinkId};
use ringchat_core::{Node, Outbox};

use events::KEPT_EVENTS;
use outgoing::{Outgoing, Parts};

pub use commands::{CommandQueue, Offer};
pub use events::{Ended, Event, EventQueue, NoEvent};
pub use frame_reader::{FrameReader, Trust};
pub use scheduler::{Scheduler, Step, TurnOwner};
pub use write_queue::WriteQueue;

/// How long a runtime tries one dial.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Dials that a runtime has under way at one time; further ones wait for their turn.
pub const DIALS_AT_ONCE: usize = 64;

/// How long a leaver waits for the room to take what was said before.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection that was closed in order may take to end.
const LINGER: Duration = Duration::from_secs(1);

/// Connections that linger, at most; the oldest is cut off for a new one.
const MAX_LINGERING: usize = 64;

/// The sending side of a connection, as a runtime provides it. No call waits.
pub trait Connection {
    /// Writes what the socket takes at once and leaves the rest to a writer.
    ///
    /// # Errors
    /// `Overflow` if too much waits already, `Io` if the connection is broken. The caller aborts it.
    fn send(&mut self, bytes: &[u8]) -> Result<(), DownReason>;

    /// From now on the receiving side takes frames of every length.
    fn trust(&mut self);

    /// Writes what waits, then ends the sending direction. The receiving side reads on to its end.
    fn finish(&mut self);

    /// Ends both directions now, so that whoever reads or writes stops.
    fn abort(&mut self);
}

/// A link and what was gathered for it in this turn.
struct Link<C> {
    connection: C,
    gathered: Parts,
}

impl<C: Connection> Link<C> {
    fn write(&mut self, outgoing: &Outgoing) -> Result<(), DownReason> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        outgoing.write(&mut self.gathered, |bytes| self.connection.send(bytes))
    }
}

/// A connection on its way to its end, no link of the node any more.
struct Lingering<C> {
    link: LinkId,
    until: Instant,
    connection: C,
}

/// A node and its links.
pub struct Driver<C> {
    node: Node,
    out: Outbox,
    /// Inputs that executing actions caused. They must not go through the runtime's bounded queue, which
    /// only the driver itself empties.
    echo: VecDeque<Input>,
    links: BTreeMap<LinkId, Link<C>>,
    last_link: u64,
    outgoing: Outgoing,
    /// Links for which something was gathered in this turn.
    dirty: Vec<LinkId>,
    lingering: VecDeque<Lingering<C>>,
    dials: VecDeque<(DialId, SocketAddr)>,
    dialing: usize,
    events: Vec<Event>,
    /// Whether something said waits until the node can take it.
    held: bool,
    /// When a user who leaves stops waiting for that.
    leave_by: Option<Instant>,
    halted: bool,
}

impl<C: Connection> Driver<C> {
    /// A new node without links. `config.addr` is the bound address.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        Self {
            node: Node::new(config, seed, now),
            out: Outbox::new(),
            echo: VecDeque::new(),
            links: BTreeMap::new(),
            last_link: 0,
            outgoing: Outgoing::default(),
            dirty: Vec::new(),
            lingering: VecDeque::new(),
            dials: VecDeque::new(),
            dialing: 0,
            events: Vec::new(),
            held: false,
            leave_by: None,
            halted: false,
        }
    }

    /// A name for a new connection, never given before.
    pub fn new_link(&mut self) -> LinkId {
        self.last_link = self.last_link.saturating_add(1);
        LinkId(self.last_link)
    }

    /// Time has passed: the deadline is due.
    pub fn tick(&mut self, now: Instant) {
        self.handle(now, Input::Tick);
    }

    /// The user wants something: what [`take_commands`](Self::take_commands) gave.
    pub fn commands(&mut self, now: Instant, commands: Vec<Command>) {
        self.step(now, commands.into_iter().map(Input::Command));
        self.run(now);
    }

    /// A connection stands, and its receiving side reads. `link` comes from [`new_link`](Self::new_link).
    pub fn link_up(
        &mut self,
        now: Instant,
        link: LinkId,
        origin: Origin,
        remote: SocketAddr,
        mut connection: C,
    ) {
        self.dial_answered(origin);
        if self.halted {
            connection.abort();
            return;
        }
        self.links.insert(link, Link { connection, gathered: Parts::default() });
        let greeting = self.outgoing.add_bytes(&GREETING);
        self.gather(link, greeting);
        self.handle(now, Input::LinkUp { link, origin, remote });
    }

    /// A dial from [`next_dial`](Self::next_dial) came to nothing.
    pub fn dial_failed(&mut self, now: Instant, dial: DialId, reason: DialFailure) {
        self.dial_answered(Origin::Dialed(dial));
        self.handle(now, Input::DialFailed { dial, reason });
    }

    /// Messages came in. Those of a link that is down are dropped.
    pub fn received(&mut self, now: Instant, link: LinkId, envelopes: Vec<Envelope>) {
        if self.links.contains_key(&link) {
            let inputs = envelopes.into_iter().map(|envelope| Input::Received { link, envelope });
            self.step(now, inputs);
            self.run(now);
        }
    }

    /// The receiving side of a connection came to its end. May be told more than once.
    pub fn link_down(&mut self, now: Instant, link: LinkId, reason: DownReason) {
        if let Some(at) = self.lingering.iter().position(|l| l.link == link) {
            if let Some(mut lingering) = self.lingering.remove(at) {
                lingering.connection.abort();
            }
            return;
        }
        self.take_down(now, link, reason);
        self.run(now);
    }

    /// The next dial that the runtime is to begin. Each is answered by one `link_up` or `dial_failed`.
    pub fn next_dial(&mut self) -> Option<(DialId, SocketAddr)> {
        if self.dialing >= DIALS_AT_ONCE {
            return None;
        }
        let dial = self.dials.pop_front()?;
        self.dialing = self.dialing.saturating_add(1);
        Some(dial)
    }

    /// The next commands that the node can take, for [`commands`](Self::commands). To be asked each turn until
    /// there is none.
    ///
    /// Something said waits until the node can take it. When the user leaves, that has an end: then the node
    /// gets it anyway, and refuses it by a notice.
    pub fn take_commands(&mut self, now: Instant, queue: &mut CommandQueue) -> Vec<Command> {
        if self.halted {
            return Vec::new();
        }
        if queue.is_closed() && self.leave_by.is_none() {
            self.leave_by = Some(now.after(PATIENCE));
        }
        let late = self.leave_by.is_some_and(|by| by <= now);
        let commands = queue.take(|texts| if late { texts.len() } else { self.node.takes(texts) });
        self.held = commands.is_empty() && !queue.is_empty();
        commands
    }

    /// Ends a turn: writes what was gathered, and cuts off what has lingered long enough.
    pub fn flush(&mut self, now: Instant) {
        while self.lingering.front().is_some_and(|first| first.until <= now) {
            self.cut_oldest();
        }
        loop {
            self.write(now);
            if self.echo.is_empty() {
                return;
            }
            self.run(now);
        }
    }

    /// Writes what was gathered.
    fn write(&mut self, now: Instant) {
        for id in mem::take(&mut self.dirty) {
            let written = self.links.get_mut(&id).map_or(Ok(()), |link| link.write(&self.outgoing));
            if let Err(reason) = written {
                self.take_down(now, id, reason);
            }
        }
        self.outgoing.clear();
    }

    /// What the user is to be told, in order.
    pub fn events(&mut self) -> &mut Vec<Event> {
        &mut self.events
    }

    /// When [`tick`](Self::tick) is to be called. To be read anew after each turn.
    pub fn deadline(&self) -> Option<Instant> {
        let node = self.node.deadline().map(|deadline| deadline.at).filter(|_| !self.halted);
        let lingering = self.lingering.front().map(|first| first.until);
        let leave = self.leave_by.filter(|_| self.held);
        node.into_iter().chain(lingering).chain(leave).min()
    }

    /// Whether the node has ended and every connection with it.
    pub fn ended(&self) -> bool {
        self.halted && self.lingering.is_empty()
    }

    /// Hands the node an input, and then what follows from it.
    fn handle(&mut self, now: Instant, input: Input) {
        self.step(now, [input]);
        self.run(now);
    }

    /// Hands the node what executing actions caused.
    fn run(&mut self, now: Instant) {
        while let Some(input) = self.echo.pop_front() {
            self.step(now, [input]);
        }
    }

    fn step(&mut self, now: Instant, inputs: impl IntoIterator<Item = Input>) {
        if self.halted {
            return;
        }
        if self.events.is_empty() {
            self.events.shrink_to(KEPT_EVENTS);
        }
        let mut actions = mem::take(&mut self.out);
        self.node.handle_all(now, inputs, &mut actions);
        for action in actions.drain(..) {
            self.execute(now, action);
        }
        actions.shrink_to(KEPT_EVENTS);
        self.out = actions;
    }

    fn execute(&mut self, now: Instant, action: Action) {
        match action {
            Action::Dial { dial, addr } => self.dials.push_back((dial, addr)),
            Action::Trust { link } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.connection.trust();
                }
            }
            Action::Send { link, envelope } => self.send(now, &[link], &envelope),
            Action::Multicast { links, envelope } => self.send(now, &links, &envelope),
            Action::Close { link, mode } => self.close(now, link, mode),
            Action::Notify { lamport, notice } => self.events.push(Event::Notice { lamport, notice }),
            Action::Halt { mode } => self.halt(now, mode),
        }
    }

    fn send(&mut self, now: Instant, links: &[LinkId], envelope: &Envelope) {
        let added = self.outgoing.add(envelope);
        debug_assert!(added.is_ok(), "the limits let every message fit a frame");
        for &link in links {
            match &added {
                Ok(part) => self.gather(link, part.clone()),
                Err(_) => self.take_down(now, link, DownReason::Overflow),
            }
        }
        if self.outgoing.is_full() {
            self.write(now);
        }
    }

    fn gather(&mut self, id: LinkId, part: Range<usize>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.gathered.is_empty() {
            self.dirty.push(id);
        }
        link.gathered.push(part);
    }

    fn close(&mut self, now: Instant, id: LinkId, mode: CloseMode) {
        let Some(mut link) = self.links.remove(&id) else { return };
        self.echo.push_back(Input::LinkDown { link: id, reason: DownReason::Closed });
        match mode {
            CloseMode::Flush => self.linger(now, id, link),
            CloseMode::Abort => link.connection.abort(),
        }
    }

    /// Ends a link that failed, if it still stands, and lets the node know.
    fn take_down(&mut self, now: Instant, id: LinkId, reason: DownReason) {
        let Some(mut link) = self.links.remove(&id) else { return };
        self.echo.push_back(Input::LinkDown { link: id, reason });
        match reason {
            // The other end is to read our greeting, to know whom it talks to; a reset could destroy it.
            DownReason::Protocol(_) => self.linger(now, id, link),
            _ => link.connection.abort(),
        }
    }

    fn linger(&mut self, now: Instant, id: LinkId, mut link: Link<C>) {
        if link.write(&self.outgoing).is_err() {
            link.connection.abort();
            return;
        }
        link.connection.finish();
        let until = now.after(LINGER);
        self.lingering.push_back(Lingering { link: id, until, connection: link.connection });
        if self.lingering.len() > MAX_LINGERING && !self.halted {
            self.cut_oldest();
        }
    }

    fn cut_oldest(&mut self) {
        if let Some(mut oldest) = self.lingering.pop_front() {
            oldest.connection.abort();
        }
    }

    fn halt(&mut self, now: Instant, mode: CloseMode) {
        self.halted = true;
        self.dials.clear();
        for (id, mut link) in mem::take(&mut self.links) {
            match mode {
                CloseMode::Flush => self.linger(now, id, link),
                CloseMode::Abort => link.connection.abort(),
            }
        }
        while mode == CloseMode::Abort && !self.lingering.is_empty() {
            self.cut_oldest();
        }
    }

    fn dial_answered(&mut self, origin: Origin) {
        if let Origin::Dialed(_) = origin {
            self.dialing = self.dialing.saturating_sub(1);
        }
    }
}

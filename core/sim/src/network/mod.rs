//! TCP in virtual time: hosts, connections, and everything that can go wrong with them.
//!
//! Bytes go through the real encoder and decoder. [`Network::poll`] returns the [`Input`]s that a driver would hand to
//! its node, in the order in which they happen. Each thing that a node asks of its driver has a method.

mod connection;
mod handshake;
mod outsider;
mod secure;
mod signature_check;
mod traffic;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use ringchat_core::limits::{LINK_QUEUE_BYTES, MAX_FRAME};
use ringchat_core::secure::Credentials;
use ringchat_core::wire::{self, Envelope};
use ringchat_core::{CloseMode, DialFailure, DialId, DownReason, Input, Instant, LinkId, NodeId};

use self::connection::{Connection, Packet, Phase, link, peer};
use self::outsider::Recordings;
pub use self::outsider::Tampering;
use self::secure::Keys;
pub use self::signature_check::SignatureCheck;
use super::rng::Rng;
use super::schedule::Schedule;

/// A process on the network. A restarted process has another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub usize);

/// The quality of the network. Delays are one-way.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// The shortest delay.
    pub least: Duration,
    /// The longest delay.
    pub most: Duration,
    /// How many of a thousand writes arrive in pieces.
    pub pieces: u32,
    /// How many of a thousand dials are refused although a process listens.
    pub refusals: u32,
    /// How many of a thousand dials time out.
    pub time_outs: u32,
}

impl Quality {
    /// A local network without faults.
    pub const GOOD: Self = Self {
        least: Duration::from_micros(100),
        most: Duration::from_millis(2),
        pieces: 50,
        refusals: 0,
        time_outs: 0,
    };
}

/// How a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process is killed: the kernel closes its connections, and refuses new ones.
    Killed,
    /// The machine loses power: nothing answers.
    PowerOff,
}

/// What becomes of connections across a cut when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heal {
    /// What the cut has held back is delivered.
    Deliver,
    /// The connections are reset.
    Reset,
}

/// Nothing ever answers at this port.
pub const SILENT_PORT: u16 = 9;

/// How many bytes the kernel holds for one direction of a connection: two socket buffers.
const KERNEL_BUFFER: usize = 256 * 1024;
/// How many connections wait to be accepted by a frozen process.
const BACKLOG: usize = 128;
/// The time after which a lost handshake packet is sent again.
const RETRY: Duration = Duration::from_secs(1);
/// The time after which a dial fails.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a closing end waits for the other end's close.
const LINGER: Duration = Duration::from_secs(1);
/// How many bytes a slow reader reads at a time.
const SIP: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    On,
    Frozen,
    Off,
    Gone,
}

#[derive(Debug)]
struct Host {
    addr: SocketAddr,
    /// Who its links prove it to be.
    id: NodeId,
    /// What it opens real links with, if links are real.
    keys: Option<Keys>,
    /// How long it waits for a link to open that it dialed, and for one that it accepted.
    patience: [Duration; 2],
    power: Power,
    /// What the kernel has taken while the process is frozen.
    backlog: VecDeque<Waiting>,
    /// How many bytes a second the process reads, if it is slow.
    pace: Option<u64>,
    next_read: Instant,
    /// How many bytes the driver queues for one link before the link fails.
    queue: usize,
    links: BTreeSet<LinkId>,
}

#[derive(Clone, Debug)]
enum Waiting {
    /// A dial has succeeded.
    Connected(usize),
    /// A packet has come for this end.
    Packet(LinkId, Packet),
    /// An event in the process itself.
    Event(Event),
}

impl Waiting {
    /// The link that it belongs to, as the waiting process knows it.
    fn link(&self) -> LinkId {
        match *self {
            Self::Packet(at, _)
            | Self::Event(
                Event::Sip(at)
                | Event::LingerOver(at)
                | Event::PatienceOver(at)
                | Event::Arrive(at)
                | Event::Release(at),
            ) => at,
            Self::Connected(number)
            | Self::Event(Event::Syn(number) | Event::SynAck(number) | Event::DialFails(number, _)) => {
                link(number, 0)
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The first handshake packet reaches its target.
    Syn(usize),
    /// The answer to the first handshake packet reaches the dialer.
    SynAck(usize),
    /// A dial fails.
    DialFails(usize, DialFailure),
    /// The next packet from this end arrives at the other.
    Arrive(LinkId),
    /// What a cut has held back from this end travels on.
    Release(LinkId),
    /// A slow reader reads at this end.
    Sip(LinkId),
    /// A closing end no longer waits for the other end.
    LingerOver(LinkId),
    /// A driver no longer waits for this end's link to open.
    PatienceOver(LinkId),
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "only a few wait at a time, and most are inputs")]
enum Ready {
    Input(HostId, Input),
    /// Frames may be complete at this end.
    Frames(LinkId),
    /// Nothing more comes to this end.
    End(LinkId),
    /// A reset, noticed after what arrived before it.
    Reset(LinkId),
}

/// The network.
#[derive(Debug)]
pub struct Network {
    now: Instant,
    rng: Rng,
    quality: Quality,
    hosts: Vec<Host>,
    listeners: BTreeMap<SocketAddr, HostId>,
    connections: Vec<Connection>,
    cuts: BTreeSet<(SocketAddr, SocketAddr)>,
    /// Nothing gets through between the hosts of one set and all others.
    walls: Vec<BTreeSet<SocketAddr>>,
    schedule: Schedule<Event>,
    ready: VecDeque<Ready>,
    dirty: Vec<LinkId>,
    /// The buffer in which frames are encoded.
    frame: Vec<u8>,
    overflows: u64,
    seen: SignatureCheck,
    recordings: Recordings,
}

/// Time.
impl Network {
    /// A network without hosts.
    pub fn new(rng: Rng, quality: Quality) -> Self {
        Self {
            now: Instant::ZERO,
            rng,
            quality,
            hosts: Vec::new(),
            listeners: BTreeMap::new(),
            connections: Vec::new(),
            cuts: BTreeSet::new(),
            walls: Vec::new(),
            schedule: Schedule::default(),
            ready: VecDeque::new(),
            dirty: Vec::new(),
            frame: Vec::new(),
            overflows: 0,
            seen: SignatureCheck::default(),
            recordings: Recordings::default(),
        }
    }

    /// How many links have failed because a driver's queue was full.
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// The time of the next event.
    pub fn next_at(&self) -> Option<Instant> {
        self.schedule.next_at()
    }

    /// Moves to `now`, which is not after [`next_at`](Self::next_at).
    pub fn set_now(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Lets the next event happen. [`poll`](Self::poll) returns what nodes learn of it.
    pub fn advance(&mut self) {
        let Some((at, event)) = self.schedule.pop() else { return };
        self.set_now(at);
        match event {
            Event::Syn(connection) => self.syn(connection),
            Event::SynAck(connection) => self.syn_ack(connection),
            Event::DialFails(connection, reason) => {
                if !self.frozen(Some(self.dialer(connection)), event) {
                    self.dial_fails(connection, reason);
                }
            }
            Event::Arrive(from) => self.arrive(from),
            Event::Release(from) => self.release(from),
            Event::Sip(at) | Event::LingerOver(at) | Event::PatienceOver(at)
                if self.frozen(self.end_host(at), event) => {}
            Event::Sip(at) => self.sip(at),
            Event::LingerOver(at) => self.linger_over(at),
            Event::PatienceOver(at) => self.patience_over(at),
        }
    }

    /// The next inputs for a node, in order. Execute the node's actions before the next call.
    pub fn poll(&mut self) -> Option<(HostId, Vec<Input>)> {
        loop {
            match self.ready.pop_front()? {
                Ready::Input(host, input) => return Some((host, vec![input])),
                Ready::Frames(at) => {
                    if let Some(ready) = self.pop_frames(at) {
                        return Some(ready);
                    }
                }
                Ready::End(at) => self.ended(at),
                Ready::Reset(at) => self.down(at, DownReason::Io),
            }
        }
    }

    /// Sends what drivers have written since the last call.
    pub fn flush(&mut self) {
        for from in core::mem::take(&mut self.dirty) {
            self.end(from).out.dirty = false;
            self.pump(from);
        }
    }
}

/// Processes and faults.
impl Network {
    /// Starts the process of `id`, which listens at `addr`, where an earlier process no longer does.
    pub fn start(&mut self, addr: SocketAddr, id: NodeId) -> HostId {
        let host = HostId(self.hosts.len());
        self.hosts.push(Host {
            addr,
            id,
            keys: None,
            patience: [Duration::from_secs(1), Duration::from_secs(2)],
            power: Power::On,
            backlog: VecDeque::new(),
            pace: None,
            next_read: self.now,
            queue: LINK_QUEUE_BYTES,
            links: BTreeSet::new(),
        });
        if let Some(earlier) = self.listeners.insert(addr, host) {
            self.hosts[earlier.0].power = Power::Gone;
        }
        host
    }

    /// From now on the process waits so long for a link to open that it dialed, and for one that it accepted.
    pub fn set_patience(&mut self, host: HostId, dialed: Duration, accepted: Duration) {
        self.hosts[host.0].patience = [dialed, accepted];
    }

    /// From now on the links of the process are real: encrypted, and opened with these credentials.
    pub fn secure(&mut self, host: HostId, credentials: Credentials) {
        self.hosts[host.0].keys = Some(Keys::new(credentials));
    }

    /// The links of the process prove another life from now on.
    pub fn new_life(&mut self, host: HostId, id: NodeId) {
        self.hosts[host.0].id = id;
        if let Some(keys) = &mut self.hosts[host.0].keys {
            keys.new_life(id);
        }
    }

    /// The process dies.
    pub fn kill(&mut self, host: HostId, death: Death) {
        match death {
            Death::PowerOff => self.hosts[host.0].power = Power::Off,
            Death::Killed => {
                self.disappear(host);
                for from in self.hosts[host.0].links.clone() {
                    self.orphan(from);
                }
            }
        }
        for from in core::mem::take(&mut self.hosts[host.0].links) {
            self.end(from).bury();
        }
    }

    /// The process has ended in order: every link is flushed and closed, new ones are refused.
    pub fn halt(&mut self, host: HostId) {
        self.disappear(host);
        for from in core::mem::take(&mut self.hosts[host.0].links) {
            if self.end(from).reads() {
                self.end(from).phase = Phase::Down;
                self.end(from).forget_link();
                self.finish(from);
            }
        }
    }

    /// The process stops; its kernel goes on taking connections and bytes.
    pub fn freeze(&mut self, host: HostId) {
        if self.hosts[host.0].power == Power::On {
            self.hosts[host.0].power = Power::Frozen;
        }
    }

    /// The process goes on, and finds what has arrived meanwhile.
    pub fn thaw(&mut self, host: HostId) {
        if self.hosts[host.0].power != Power::Frozen {
            return;
        }
        self.hosts[host.0].power = Power::On;
        for at in self.hosts[host.0].links.clone() {
            self.mark(at);
        }
        for waiting in self.in_order_of_readers(host) {
            match waiting {
                Waiting::Connected(connection) => self.connected(connection),
                Waiting::Packet(at, packet) => self.take(at, packet),
                Waiting::Event(event) => self.schedule.push(self.now, event),
            }
        }
    }

    /// From now on the process reads at most this many bytes a second; none means without limit.
    pub fn slow(&mut self, host: HostId, bytes_per_second: Option<u64>) {
        self.hosts[host.0].pace = bytes_per_second;
        self.hosts[host.0].next_read = self.now;
    }

    /// From now on a link of the process fails when so many bytes are queued for it.
    pub fn bound_queues(&mut self, host: HostId, bytes: usize) {
        self.hosts[host.0].queue = bytes;
    }

    /// From now on every signature is taken, whoever made it.
    #[cfg(feature = "ablation")]
    pub fn believe_all(&mut self) {
        self.seen.believes_all = true;
    }

    /// Sets the quality of the network from now on.
    pub fn set_quality(&mut self, quality: Quality) {
        self.quality = quality;
    }

    /// From now on nothing gets through from `from` to `to`.
    pub fn cut(&mut self, from: SocketAddr, to: SocketAddr) {
        self.cuts.insert((from, to));
    }

    /// From now on nothing gets through between `side` and all others, including later processes.
    pub fn wall(&mut self, side: BTreeSet<SocketAddr>) {
        self.walls.push(side);
    }

    /// Whether nothing gets through from `from` to `to`.
    pub fn is_cut(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let between = |wall: &BTreeSet<SocketAddr>| wall.contains(&from) != wall.contains(&to);
        (!self.cuts.is_empty() && self.cuts.contains(&(from, to))) || self.walls.iter().any(between)
    }

    /// Ends all cuts.
    pub fn heal(&mut self, how: Heal) {
        self.cuts.clear();
        self.walls.clear();
        for number in 0..self.connections.len() {
            for side in 0..2 {
                let from = link(number, side);
                if self.end(from).out.held.is_empty() {
                    continue;
                }
                match how {
                    Heal::Deliver => {
                        let at = self.now.after(self.rng.between(Duration::ZERO, RETRY / 2));
                        self.schedule.push(at, Event::Release(from));
                    }
                    Heal::Reset => self.break_link(from),
                }
            }
        }
    }

    /// Breaks the `n`th connection of `host`, counted round. Both ends are told.
    pub fn break_nth(&mut self, host: HostId, n: usize) {
        if let Some(from) = self.nth_link(host, n) {
            self.break_link(from);
        }
    }

    /// Breaks this end of the `n`th connection of `host`, counted round. The other end learns it when it next sends.
    pub fn half_open_nth(&mut self, host: HostId, n: usize) {
        if let Some(from) = self.nth_link(host, n) {
            self.half_open(from);
        }
    }

    fn nth_link(&self, host: HostId, n: usize) -> Option<LinkId> {
        let links = &self.hosts[host.0].links;
        links.iter().nth(n.checked_rem(links.len()).unwrap_or(0)).copied()
    }

    /// Whether a process listens at `addr`, or ever did.
    pub fn is_known(&self, addr: SocketAddr) -> bool {
        self.hosts.iter().any(|host| host.addr == addr)
    }

    /// The links of a process that its node uses.
    pub fn links_of(&self, host: HostId) -> Vec<LinkId> {
        let links = self.hosts[host.0].links.iter();
        links.copied().filter(|at| self.end_at(*at).phase == Phase::Up).collect()
    }

    /// Whether each connection stands at both ends, or nothing of it is left: no process is about to hear of one that came
    /// or went.
    pub fn is_settled(&self) -> bool {
        self.connections.iter().all(Connection::is_settled)
    }

    /// Whether nothing is under way on any connection.
    pub fn is_silent(&self) -> bool {
        self.connections.iter().all(Connection::is_silent)
    }

    /// The process at the other end of `at`, if it is known.
    pub fn other(&self, at: LinkId) -> Option<HostId> {
        self.knows(at).then(|| self.end_host(peer(at))).flatten()
    }
}

/// What drivers do.
impl Network {
    /// Connects, and opens a link to whoever is expected, or to anybody.
    pub fn dial(&mut self, host: HostId, dial: DialId, addr: SocketAddr, expected: Option<NodeId>) {
        let number = self.connections.len();
        self.connections.push(Connection::new(host, dial, addr, expected, self.now));
        let delay = self.delay();
        let (at, event) = if self.rng.chance(self.quality.refusals) {
            (delay * 2, Event::DialFails(number, DialFailure::Refused))
        } else if self.rng.chance(self.quality.time_outs) {
            (CONNECT_TIMEOUT, Event::DialFails(number, DialFailure::TimedOut))
        } else {
            (delay, Event::Syn(number))
        };
        self.schedule.push(self.now.after(at), event);
    }

    /// Accepts long frames at `at` from now on.
    pub fn trust(&mut self, at: LinkId) {
        if self.knows(at) {
            self.end(at).decoder.set_limit(MAX_FRAME);
        }
    }

    /// Sends a message on some links. Returns how many bytes it takes on each.
    ///
    /// # Errors
    /// If the message does not fit into a frame.
    pub fn send(&mut self, links: &[LinkId], envelope: &Envelope) -> Result<usize, wire::FrameTooLong> {
        let mut frame = core::mem::take(&mut self.frame);
        frame.clear();
        wire::encode(envelope, &mut frame)?;
        for &from in links {
            if self.knows(from) && self.end(from).phase == Phase::Up {
                self.write_frame(from, &frame);
            }
        }
        let length = frame.len();
        self.frame = frame;
        Ok(length)
    }

    /// Closes a link.
    pub fn close(&mut self, at: LinkId, mode: CloseMode) {
        if !self.knows(at) || self.end(at).phase != Phase::Up {
            return;
        }
        match mode {
            CloseMode::Abort => {
                self.reset(at);
                self.down(at, DownReason::Closed);
            }
            CloseMode::Flush => {
                self.end(at).phase = Phase::Closing;
                self.finish(at);
                // A driver may tell its node at once, or when the other end has closed too.
                let wait = if self.rng.chance(500) { LINGER } else { Duration::ZERO };
                self.schedule.push(self.now.after(wait), Event::LingerOver(at));
            }
        }
    }
}

#[cfg(test)]
mod tests;

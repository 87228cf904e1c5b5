//! The nodes, what is under way between them, and what an event makes of both.

use ringchat_core::secure::Identity;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use ringchat_core::{
    CloseMode, Config, DialFailure, DialId, DownReason, Input, Instant, LinkId, Name, Node, NodeId, Origin,
    RoomId, Seed, Start,
};

use ringchat_sim::SignatureCheck;
use ringchat_sim::oracles::Violation;

use crate::ablation::Ablation;

use super::host::{Ask, Event, Host, Letter, Life};
use super::properties::Marks;

/// What may still happen, each so many times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Nodes that crash.
    pub crashes: u8,
    /// Newcomers.
    pub joins: u8,
    /// Nodes that leave in order.
    pub leaves: u8,
    /// Messages that users say.
    pub messages: u8,
    /// Connections that break.
    pub breaks: u8,
    /// Cuts of the network in two, each with a heal.
    pub partitions: u8,
    /// Times that one node's clock runs ahead until a timer goes off.
    pub false_alarms: u8,
    /// Leaders that stop for a while.
    pub sleeps: u8,
    /// Logs that a member shows with words in them that nobody said.
    pub inventions: u8,
}

impl Budget {
    /// Nothing happens.
    pub const NONE: Self = Self {
        crashes: 0,
        joins: 0,
        leaves: 0,
        messages: 0,
        breaks: 0,
        partitions: 0,
        false_alarms: 0,
        sleeps: 0,
        inventions: 0,
    };

    /// Whether no live member may be taken for dead, except one that sleeps. Then more properties hold.
    pub(super) fn is_crash_only(self) -> bool {
        self.breaks == 0 && self.partitions == 0 && self.false_alarms == 0 && self.inventions == 0
    }

    /// Whether acknowledgements decide more than which newcomers are welcomed: only if a node leaves, or a timer races
    /// with an acknowledgement. So few messages do not reach the bounds of the history.
    pub(super) fn needs_stability(self) -> bool {
        self.leaves > 0 || self.false_alarms > 0
    }
}

/// What follows the last message in one direction of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Tail {
    /// More messages.
    #[default]
    Open,
    /// An end in order.
    Eof,
    /// A reset: what is under way may be lost.
    Broken,
}

/// A connection. Its dialer is at end 0, the other host at end 1.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) link: LinkId,
    pub(super) hosts: [usize; 2],
    /// What is under way to each end.
    pub(super) queues: [VecDeque<Arc<Letter>>; 2],
    /// What comes to each end after that.
    pub(super) tails: [Tail; 2],
    /// Whether an end has forgotten the connection.
    pub(super) gone: [bool; 2],
}

impl Wire {
    /// Whether `end` would notice if the connection broke: by its end, or by what is lost. A break loses what is still
    /// under way before an end in order, too.
    pub(super) fn is_breakable(&self, end: usize) -> bool {
        let loses = self.tails[end] == Tail::Eof && !self.queues[end].is_empty();
        !self.gone[end] && (self.tails[end] == Tail::Open || loses)
    }
}

/// An attempt to connect that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialing {
    pub(super) from: usize,
    pub(super) dial: DialId,
    pub(super) addr: SocketAddr,
    /// Who has to answer.
    pub(super) expected: Option<NodeId>,
}

/// The time at which a newcomer came, its number, its contact, and its first state.
type Newcomer = (Instant, usize, usize, Arc<Host>);

/// What all states of a search have in common.
#[derive(Debug)]
pub(super) struct Setup {
    /// What could happen at the beginning.
    allowed: Budget,
    /// The rules that the nodes lack.
    ablation: Ablation,
    /// The newcomers so far.
    newcomers: Mutex<Vec<Newcomer>>,
}

/// All nodes, all that is under way between them, and all that may still happen.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) hosts: Vec<Arc<Host>>,
    /// The clock of each host's driver.
    pub(super) clocks: Vec<Instant>,
    /// Sorted by their hosts and names.
    pub(super) wires: Vec<Arc<Wire>>,
    pub(super) dials: Vec<Dialing>,
    pub(super) budget: Budget,
    /// The hosts on one side of a partition.
    pub(super) cut: Option<u16>,
    /// The host that sleeps. What arrives for it waits; of heartbeats only those that arrived before.
    pub(super) asleep: Option<usize>,
    /// Connections that were made to the sleeping host, of which its node does not know yet.
    pub(super) knocks: Vec<LinkId>,
    /// The first property that a host breaks.
    pub(super) violation: Option<Arc<Violation>>,
    setup: Arc<Setup>,
}

impl State {
    /// A ring of `nodes` at rest, before anything happens.
    ///
    /// # Errors
    /// If the nodes find no rest.
    pub fn new(nodes: usize, budget: Budget) -> Result<Self, Violation> {
        Self::ablated(Ablation::NONE, nodes, budget)
    }

    /// A ring of `nodes` that lack some rules, at rest, before anything happens.
    ///
    /// # Errors
    /// If the nodes find no rest.
    pub fn ablated(ablation: Ablation, nodes: usize, budget: Budget) -> Result<Self, Violation> {
        let mut state = Self {
            hosts: Vec::new(),
            clocks: Vec::new(),
            wires: Vec::new(),
            dials: Vec::new(),
            budget: Budget::default(),
            cut: None,
            asleep: None,
            knocks: Vec::new(),
            violation: None,
            setup: Arc::new(Setup { allowed: budget, ablation, newcomers: Mutex::default() }),
        };
        for host in 0..nodes {
            let start = if host == 0 { Start::Create } else { Start::Join { contacts: vec![addr_of(0)] } };
            let mut host = state.newcomer(start);
            host.founder = true;
            state.admit(Arc::new(host));
            let restless = state.restless();
            state = state.at_rest(|_| false)?.ok_or(restless)?;
        }
        Ok(Self { budget, ..state })
    }

    /// A newcomer joins through `contact`.
    pub(super) fn join(&mut self, contact: usize) {
        let (now, number) = (self.clocks[contact], self.hosts.len());
        let setup = Arc::clone(&self.setup);
        let mut newcomers = setup.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = newcomers.iter().find(|(at, it, to, _)| (*at, *it, *to) == (now, number, contact));
        let host = if let Some((.., host)) = known {
            Arc::clone(host)
        } else {
            let host = Arc::new(self.newcomer(Start::Join { contacts: vec![addr_of(contact)] }));
            newcomers.push((now, number, contact, Arc::clone(&host)));
            host
        };
        drop(newcomers);
        self.admit(host);
    }

    fn newcomer(&self, start: Start) -> Host {
        let number = self.hosts.len();
        let config = Config::new(addr_of(number), name_of(number), start);
        let mut jitter = [0; 32];
        jitter[0] = u8::try_from(number).unwrap_or(u8::MAX);
        let room = RoomId([jitter[0].saturating_add(1); RoomId::BYTES]);
        let seed = Seed { identity: identity_of(number), incarnation: NonZeroU64::MIN, room, jitter };
        let mut node = Node::new(config, seed, self.now());
        self.setup.ablation.prepare_node(&mut node);
        Host::new(node, self.allowed())
    }

    /// Brings a new host to life.
    fn admit(&mut self, host: Arc<Host>) {
        self.clocks.push(self.now());
        self.hosts.push(host);
        self.input(self.hosts.len() - 1, Input::Tick);
    }

    pub(super) fn now(&self) -> Instant {
        self.clocks.first().copied().unwrap_or(Instant(1_000_000))
    }

    /// What a decoder takes for signed.
    pub(super) fn signature_check(&self) -> SignatureCheck {
        let mut check = SignatureCheck::default();
        check.believes_all = self.setup.ablation.believes_all();
        check
    }

    /// What could happen at the beginning.
    pub(super) fn allowed(&self) -> Budget {
        self.setup.allowed
    }

    pub(super) fn wire_mut(&mut self, wire: usize) -> &mut Wire {
        Arc::make_mut(&mut self.wires[wire])
    }

    /// The hosts that run.
    pub(super) fn live(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.hosts.len()).filter(|&host| self.is_live(host))
    }

    pub(super) fn is_live(&self, host: usize) -> bool {
        self.hosts[host].life == Life::Running
    }

    /// Whether a partition lies between two hosts.
    pub(super) fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.is_some_and(|side| (side >> a ^ side >> b) & 1 == 1)
    }

    /// The host that a dial reaches, if any.
    pub(super) fn reached_by(&self, dialing: &Dialing) -> Option<usize> {
        let host = self.dialed_by(dialing)?;
        (self.is_live(host) && !self.is_cut(dialing.from, host)).then_some(host)
    }

    /// The host, alive or not, whose address is dialed.
    pub(super) fn dialed_by(&self, dialing: &Dialing) -> Option<usize> {
        self.hosts.iter().position(|host| host.node.me().addr() == dialing.addr)
    }

    /// Hands an input to a host.
    pub(super) fn input(&mut self, host: usize, input: Input) {
        self.befall(host, &Event::Input(Box::new(input)));
    }

    /// Lets `event` happen to a host, and does what its node asks for.
    pub(super) fn befall(&mut self, host: usize, event: &Event) {
        if !self.is_live(host) {
            return;
        }
        let (now, before) = (self.clocks[host], Marks::of(&self.hosts[host]));
        match Arc::get_mut(&mut self.hosts[host]) {
            Some(unshared) => unshared.become_after(now, event),
            None => self.hosts[host] = self.hosts[host].after(now, event),
        }
        let asks = Arc::clone(&self.hosts[host].asks);
        for ask in asks.iter() {
            match ask {
                Ask::Dial { dial, addr, expected } => {
                    self.dial(Dialing { from: host, dial: *dial, addr: *addr, expected: *expected });
                }
                Ask::Send { link, letter } => self.send(host, *link, letter),
                Ask::Close { link, mode } => self.close(host, *link, *mode),
                Ask::HangUp => self.hang_up(host, Tail::Eof),
            }
        }
        // The outcome of a dial that was given up changes nothing: the dialed host sees a stranger come and go.
        let node = &self.hosts[host].node;
        self.dials.retain(|dialing| dialing.from != host || node.awaits(dialing.dial));
        self.check_step(host, &before);
    }

    fn dial(&mut self, dialing: Dialing) {
        let at = self.dials.partition_point(|it| (it.from, it.dial) < (dialing.from, dialing.dial));
        self.dials.insert(at, dialing);
    }

    /// The wire that `host` knows as `link`, and which end of it that is.
    fn find(&self, host: usize, link: LinkId) -> Option<(usize, usize)> {
        let at = self.wires.iter().position(|wire| wire.link == link)?;
        let end = self.wires[at].hosts.iter().position(|&end| end == host)?;
        (!self.wires[at].gone[end]).then_some((at, end))
    }

    fn send(&mut self, host: usize, link: LinkId, letter: &Arc<Letter>) {
        let Some((at, end)) = self.find(host, link) else { return };
        let wire = &self.wires[at];
        if letter.is_beat() && self.asleep == Some(wire.hosts[1 - end]) {
            return;
        }
        if !wire.gone[1 - end] && wire.tails[1 - end] == Tail::Open {
            self.wire_mut(at).queues[1 - end].push_back(Arc::clone(letter));
        }
    }

    fn close(&mut self, host: usize, link: LinkId, mode: CloseMode) {
        let Some((at, end)) = self.find(host, link) else { return };
        let tail = if mode == CloseMode::Flush { Tail::Eof } else { Tail::Broken };
        self.let_go(at, end, tail);
    }

    /// One end forgets the connection, and the other learns of that as `tail`.
    pub(super) fn let_go(&mut self, at: usize, end: usize, tail: Tail) {
        let wire = self.wire_mut(at);
        wire.gone[end] = true;
        wire.queues[end].clear();
        if wire.tails[1 - end] == Tail::Open {
            wire.tails[1 - end] = tail;
        }
        if wire.gone[1 - end] {
            self.wires.remove(at);
        }
    }

    /// The process of `host` ends, and with it all its connections.
    pub(super) fn hang_up(&mut self, host: usize, tail: Tail) {
        self.dials.retain(|dialing| dialing.from != host);
        for at in (0..self.wires.len()).rev() {
            let end = self.wires[at].hosts.iter().position(|&end| end == host);
            if let Some(end) = end.filter(|&end| !self.wires[at].gone[end]) {
                self.let_go(at, end, tail);
            }
        }
    }

    /// A connection breaks, for both ends.
    pub(super) fn break_wire(&mut self, at: usize) {
        let wire = self.wire_mut(at);
        for end in 0..2 {
            if wire.is_breakable(end) {
                wire.tails[end] = Tail::Broken;
            }
        }
    }

    /// The next thing under way to an end of a wire arrives.
    pub(super) fn deliver(&mut self, at: usize, end: usize) {
        let (host, link) = (self.wires[at].hosts[end], self.wires[at].link);
        match self.wire_mut(at).queues[end].pop_front() {
            Some(letter) => self.befall(host, &Event::Received { link, letter }),
            None => self.deliver_end(at, end),
        }
    }

    /// The end of a wire arrives, and what was under way is lost.
    pub(super) fn deliver_end(&mut self, at: usize, end: usize) {
        let wire = &self.wires[at];
        let (host, link, tail) = (wire.hosts[end], wire.link, wire.tails[end]);
        let reason = if tail == Tail::Eof { DownReason::Eof } else { DownReason::Io };
        self.let_go(at, end, tail);
        self.input(host, Input::LinkDown { link, reason });
    }

    /// A dial succeeds or fails.
    pub(super) fn settle_dial(&mut self, at: usize) {
        let dialing = self.dials.remove(at);
        let Dialing { from, dial, expected, .. } = dialing;
        let fails = |reason| Input::DialFailed { dial, reason };
        let Some(to) = self.reached_by(&dialing) else {
            return self.input(from, fails(DialFailure::Refused));
        };
        let (dialer, answers) = (self.id_of(from), self.id_of(to));
        if expected.is_some_and(|expected| expected != answers) {
            return self.input(from, fails(DialFailure::Absent));
        }
        let (link, hosts) = (link_of(from, dial), [from, to]);
        let at = self.wires.partition_point(|it| (it.hosts, it.link) < (hosts, link));
        let (queues, tails, gone) = Default::default();
        self.wires.insert(at, Arc::new(Wire { link, hosts, queues, tails, gone }));
        if self.asleep == Some(to) {
            self.knocks.push(link);
        } else {
            let (origin, remote, peer) = (Origin::Accepted, addr_of(from), dialer);
            self.input(to, Input::LinkUp { link, origin, remote, peer });
        }
        let (origin, remote, peer) = (Origin::Dialed(dial), addr_of(to), answers);
        self.input(from, Input::LinkUp { link, origin, remote, peer });
    }

    fn id_of(&self, host: usize) -> NodeId {
        self.hosts[host].node.me().id
    }
}

/// Sleep.
impl State {
    /// A host stops for a while.
    pub(super) fn sleep(&mut self, host: usize) {
        self.budget.sleeps -= 1;
        let mut sleeper = self.hosts[host].fork();
        sleeper.slept = true;
        self.hosts[host] = Arc::new(sleeper);
        self.asleep = Some(host);
    }

    /// The sleeping host goes on, and first learns of the connections that were made to it.
    pub(super) fn wake(&mut self) {
        let Some(host) = self.asleep.take() else { return };
        for link in std::mem::take(&mut self.knocks) {
            if let Some(wire) = self.wires.iter().find(|wire| wire.link == link) {
                let (remote, peer) = (addr_of(wire.hosts[0]), self.id_of(wire.hosts[0]));
                self.input(host, Input::LinkUp { link, origin: Origin::Accepted, remote, peer });
            }
        }
        self.input(host, Input::Tick);
    }

    /// Whether the sleeping host has slept for so long that it will notice.
    pub(super) fn is_overdue(&self) -> bool {
        self.asleep.is_some_and(|host| self.hosts[host].node.notices_sleep(self.clocks[host]))
    }
}

/// The link of the connection that a dial leads to, which does not depend on the order in which dials end.
fn link_of(from: usize, dial: DialId) -> LinkId {
    LinkId((from as u64) << 32 | dial.0)
}

/// The key pair of a host, which signs cheaply and proves nothing. Later hosts have greater keys.
fn identity_of(host: usize) -> Identity {
    Identity::sham([u8::try_from(host + 1).unwrap_or(u8::MAX); 32])
}

/// The address of a host.
pub(super) fn addr_of(host: usize) -> SocketAddr {
    let last = u8::try_from(host + 1).unwrap_or(u8::MAX);
    ([10, 0, 0, last], 4000).into()
}

#[allow(clippy::expect_used, reason = "a letter is a name")]
fn name_of(host: usize) -> Name {
    let letter = char::from(b'a'.saturating_add(u8::try_from(host).unwrap_or(25).min(25)));
    Name::new(&letter.to_string()).expect("a letter is a name")
}

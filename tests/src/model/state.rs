//! The nodes, what is under way between them, and what an input makes of both.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use ringchat_core::wire::{Envelope, Message};
use ringchat_core::{
    Action, CloseMode, Config, DialFailure, DialId, DownReason, Ending, Fault, Input, Instant, LinkId, Name,
    Node, NodeId, Notice, Origin, Seq, Start,
};

/// What may still befall the nodes, each so many times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Nodes that stop for good.
    pub crashes: u8,
    /// Newcomers.
    pub joins: u8,
    /// Nodes that leave in order.
    pub leaves: u8,
    /// Messages that people say.
    pub messages: u8,
    /// Connections that break.
    pub breaks: u8,
    /// Cuts of the network in two, each with a heal.
    pub partitions: u8,
    /// Timers of one node that go off while messages are under way.
    pub false_alarms: u8,
}

impl Budget {
    /// Whether all that may befall is what a correct network does: then nobody is suspected wrongly, and
    /// more is promised.
    pub(super) fn is_crash_only(self) -> bool {
        self.breaks == 0 && self.partitions == 0 && self.false_alarms == 0
    }
}

/// What became of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Life {
    Running,
    Crashed,
    Ended(Ending),
}

/// A node, and what its user saw.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) node: Node,
    /// Its driver's clock.
    pub(super) clock: Instant,
    pub(super) life: Life,
    /// Whether it was there from the beginning.
    pub(super) founder: bool,
    /// Whether its user wants to leave.
    pub(super) leaving: bool,
    /// The messages shown, in order: whose, and which number. Those of a gap are not among them.
    pub(super) shown: Vec<(NodeId, Seq)>,
    pub(super) gaps: bool,
    pub(super) said: Seq,
}

/// What follows the last message in one direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tail {
    /// More messages.
    Open,
    /// An end in order.
    Eof,
    /// A reset; what is under way may be lost.
    Broken,
}

/// A connection. Its two ends are told apart as 0, who dialed, and 1.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) link: LinkId,
    pub(super) hosts: [usize; 2],
    /// What is under way to each end.
    pub(super) queues: [VecDeque<Envelope>; 2],
    /// What comes to each end after that.
    pub(super) tails: [Tail; 2],
    /// Whether an end knows of the connection no more.
    pub(super) gone: [bool; 2],
}

/// An attempt to connect that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialing {
    pub(super) from: usize,
    pub(super) dial: DialId,
    pub(super) addr: SocketAddr,
}

/// All nodes, all that is under way between them, and all that may still befall them.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) hosts: Vec<Arc<Host>>,
    pub(super) wires: Vec<Arc<Wire>>,
    pub(super) dials: Vec<Dialing>,
    pub(super) budget: Budget,
    /// What could befall at the beginning.
    pub(super) allowed: Budget,
    /// The hosts on one side of a partition.
    pub(super) cut: Option<u16>,
    /// What must not be, and is.
    pub(super) wrong: Option<String>,
    links: u64,
}

impl State {
    /// A ring of `nodes` at rest, before anything befalls it.
    ///
    /// # Errors
    /// If the nodes find no rest.
    pub fn new(nodes: usize, budget: Budget) -> Result<Self, String> {
        let mut state = Self {
            hosts: Vec::new(),
            wires: Vec::new(),
            dials: Vec::new(),
            budget: Budget::default(),
            allowed: Budget::default(),
            cut: None,
            wrong: None,
            links: 0,
        };
        for host in 0..nodes {
            let start = if host == 0 { Start::Create } else { Start::Join { contacts: vec![addr_of(0)] } };
            state.start(start);
            state = state.at_rest(|_| false)?.ok_or("no rest")?;
        }
        for host in 0..nodes {
            state.host_mut(host).founder = true;
        }
        Ok(Self { budget, allowed: budget, ..state })
    }

    /// Brings a new host to life.
    pub(super) fn start(&mut self, start: Start) {
        let host = self.hosts.len();
        let mut config = Config::new(addr_of(host), name_of(host), start);
        config.detect = Config::DETECT;
        let mut seed = [0; 32];
        seed[0] = u8::try_from(host).unwrap_or(u8::MAX);
        let clock = self.hosts.first().map_or(Instant(1_000_000), |first| first.clock);
        self.hosts.push(Arc::new(Host {
            node: Node::new(config, seed, clock),
            clock,
            life: Life::Running,
            founder: false,
            leaving: false,
            shown: Vec::new(),
            gaps: false,
            said: 0,
        }));
        self.input(host, Input::Tick);
    }

    pub(super) fn host_mut(&mut self, host: usize) -> &mut Host {
        Arc::make_mut(&mut self.hosts[host])
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
        let host = self.hosts.iter().position(|host| host.node.me().id.addr() == dialing.addr)?;
        (self.is_live(host) && !self.is_cut(dialing.from, host)).then_some(host)
    }

    /// Hands an input to a node and does what it asks for; and again for what that causes at once.
    pub(super) fn input(&mut self, host: usize, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if !self.is_live(host) {
                return;
            }
            let before = Arc::clone(&self.hosts[host]);
            let state = self.host_mut(host);
            let mut out = Vec::new();
            state.node.handle(state.clock, input, &mut out);
            for action in out {
                self.act(host, action, &mut inputs);
            }
            self.check_step(host, &before);
        }
    }

    fn act(&mut self, host: usize, action: Action, inputs: &mut VecDeque<Input>) {
        match action {
            Action::Dial { dial, addr } => self.dials.push(Dialing { from: host, dial, addr }),
            Action::Trust { .. } => {}
            Action::Send { link, envelope } => self.send(host, link, envelope),
            Action::Multicast { links, envelope } => {
                for link in links {
                    self.send(host, link, envelope.clone());
                }
            }
            Action::Close { link, mode } => {
                self.close(host, link, mode);
                inputs.push_back(Input::LinkDown { link, reason: DownReason::Closed });
            }
            Action::Notify { notice, .. } => self.notice(host, notice),
            Action::Halt => self.hang_up(host, Tail::Eof),
        }
    }

    /// The wire that `host` knows as `link`, and which end of it that is.
    fn find(&self, host: usize, link: LinkId) -> Option<(usize, usize)> {
        let at = self.wires.iter().position(|wire| wire.link == link)?;
        let end = self.wires[at].hosts.iter().position(|&end| end == host)?;
        (!self.wires[at].gone[end]).then_some((at, end))
    }

    fn send(&mut self, host: usize, link: LinkId, envelope: Envelope) {
        let Some((at, end)) = self.find(host, link) else { return };
        let wire = &self.wires[at];
        if !wire.gone[1 - end] && wire.tails[1 - end] == Tail::Open {
            self.wire_mut(at).queues[1 - end].push_back(envelope);
        }
    }

    fn close(&mut self, host: usize, link: LinkId, mode: CloseMode) {
        let Some((at, end)) = self.find(host, link) else { return };
        let tail = if mode == CloseMode::Flush { Tail::Eof } else { Tail::Broken };
        self.let_go(at, end, tail);
    }

    /// One end knows of the connection no more; the other hears of it as `tail`.
    fn let_go(&mut self, at: usize, end: usize, tail: Tail) {
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

    /// The process of `host` is no more: all its connections end.
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
        for tail in &mut self.wire_mut(at).tails {
            if *tail == Tail::Open {
                *tail = Tail::Broken;
            }
        }
    }

    /// The next thing under way to an end of a wire arrives.
    pub(super) fn deliver(&mut self, at: usize, end: usize) {
        let (host, link) = (self.wires[at].hosts[end], self.wires[at].link);
        match self.wire_mut(at).queues[end].pop_front() {
            Some(envelope) => self.input(host, Input::Received { link, envelope }),
            None => self.deliver_end(at, end),
        }
    }

    /// The end of a wire arrives; what was under way is lost.
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
        let Dialing { from, dial, .. } = dialing;
        let Some(to) = self.reached_by(&dialing) else {
            let reason = DialFailure::Refused;
            return self.input(from, Input::DialFailed { dial, reason });
        };
        self.links += 1;
        let link = LinkId(self.links);
        self.wires.push(Arc::new(Wire {
            link,
            hosts: [from, to],
            queues: Default::default(),
            tails: [Tail::Open; 2],
            gone: [false; 2],
        }));
        self.input(to, Input::LinkUp { link, origin: Origin::Accepted, remote: addr_of(from) });
        self.input(from, Input::LinkUp { link, origin: Origin::Dialed(dial), remote: addr_of(to) });
    }

    fn notice(&mut self, host: usize, notice: Notice) {
        let founder = self.hosts[host].founder;
        let crash_only = self.allowed.is_crash_only();
        let state = self.host_mut(host);
        match notice {
            Notice::Message { from, oseq, .. } => {
                let last = state.shown.iter().rev().find(|(id, _)| *id == from.id).map(|(_, last)| *last);
                let first_of_newcomer = last.is_none() && !founder;
                if oseq != last.unwrap_or(0) + 1 && !first_of_newcomer && !state.gaps {
                    self.wrong = Some(format!("S5/S6: {host} shows {from}:{oseq} after {last:?}"));
                    return;
                }
                state.shown.push((from.id, oseq));
            }
            Notice::Gap { from, count } => {
                state.gaps = true;
                if crash_only {
                    self.wrong = Some(format!("S6: {host} misses {count} messages of {from}"));
                }
            }
            Notice::LeftBehind if crash_only => {
                self.wrong = Some(format!("no false alarm: {host} is left behind"));
            }
            Notice::Fault { remote, reason: Fault::OtherRoom } => {
                self.wrong = Some(format!("{host} takes {remote} for one of another room"));
            }
            Notice::Ended(ending) => state.life = Life::Ended(ending),
            _ => {}
        }
    }
}

/// Whether a message is only a sign of life.
pub(super) fn is_beat(message: &Message) -> bool {
    matches!(message, Message::Ping(_) | Message::Pong(_))
}

/// The address of a host. Later hosts have greater ids.
pub(super) fn addr_of(host: usize) -> SocketAddr {
    let last = u8::try_from(host + 1).unwrap_or(u8::MAX);
    ([10, 0, 0, last], 4000).into()
}

#[allow(clippy::expect_used, reason = "a letter is a name")]
fn name_of(host: usize) -> Name {
    let letter = char::from(b'a'.saturating_add(u8::try_from(host).unwrap_or(25).min(25)));
    Name::new(&letter.to_string()).expect("a letter is a name")
}

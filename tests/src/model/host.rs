//! One node with its user, and what an event makes of them.
//!
//! States in which the same has happened to a host share one [`Host`]. What an event makes of it is computed once, by
//! the node that ships, and remembered as long as a state needs the outcome.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use siphasher::sip128::{Hasher128, SipHasher13};

use ringchat_core::wire::{Body, Envelope, Message};
use ringchat_core::{
    Action, CloseMode, Command, DialId, DownReason, Ending, Fault, Input, Instant, LinkId, Node, NodeId,
    Notice, Seq, Text, TextRun, UnixTime, digest_message, invariants,
};

use ringchat_sim::Property;
use ringchat_sim::oracles::Violation;

use super::state::Budget;

/// The state of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Life {
    Running,
    Crashed,
    Ended(Ending),
}

/// A message under way, with its part in a fingerprint.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) envelope: Envelope,
    /// Tells the message from others, apart from its stamp and generation.
    pub(super) digest: u128,
    /// The generation of connections that the message names, if any.
    pub(super) generation: Option<u64>,
}

impl Letter {
    fn new(envelope: Envelope, stability: bool) -> Arc<Self> {
        let mut hasher = SipHasher13::new();
        envelope.room.hash(&mut hasher);
        let generation = digest_message(&envelope.message, stability, &mut hasher);
        Arc::new(Self { digest: hasher.finish128().as_u128(), generation, envelope })
    }

    /// Whether the two are the same message, with the same stamp.
    fn is(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || (self.digest == other.digest && self.envelope == other.envelope)
    }

    /// Whether it is a heartbeat.
    pub(super) fn is_beat(&self) -> bool {
        matches!(self.envelope.message, Message::Ping(_) | Message::Pong(_))
    }
}

/// What a node asks of the network.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Dial { dial: DialId, addr: SocketAddr, expected: Option<NodeId> },
    Send { link: LinkId, letter: Arc<Letter> },
    Close { link: LinkId, mode: CloseMode },
    HangUp,
}

/// What can happen to a host.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Received {
        link: LinkId,
        letter: Arc<Letter>,
    },
    Input(Box<Input>),
    /// The user says so many messages in one turn.
    Say(u8),
    Crash,
}

impl Event {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Received { link, letter }, Self::Received { link: link2, letter: letter2 }) => {
                link == link2 && letter.is(letter2)
            }
            (Self::Input(a), Self::Input(b)) => a == b,
            (Self::Say(a), Self::Say(b)) => a == b,
            (Self::Crash, Self::Crash) => true,
            _ => false,
        }
    }
}

/// What a fingerprint is made of.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    pub(super) hash: u128,
    /// The newest generation of connections with each peer.
    pub(super) generations: BTreeMap<NodeId, u64>,
}

/// An event at a time, and its outcome while a state needs it.
type Move = (Instant, Event, Weak<Host>);

/// A node, and what its user has seen.
#[allow(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
#[derive(Debug)]
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) life: Life,
    /// Whether the node was there from the beginning.
    pub(super) founder: bool,
    /// What could happen at the beginning. It decides which properties hold.
    pub(super) allowed: Budget,
    /// Whether the user wants to leave.
    pub(super) leaving: bool,
    /// Whether the process was stopped for a while.
    pub(super) slept: bool,
    /// The origins and numbers of the messages shown, in order, without those of gaps.
    pub(super) shown: Vec<(NodeId, Seq)>,
    pub(super) gaps: bool,
    pub(super) said: Seq,
    /// What the node has asked for in the last event.
    pub(super) asks: Arc<[Ask]>,
    /// The first property that this host breaks by itself.
    pub(super) violation: Option<Violation>,
    digest: OnceLock<Digest>,
    moves: Mutex<Vec<Move>>,
}

impl Host {
    pub(super) fn new(node: Node, allowed: Budget) -> Self {
        Self {
            node,
            life: Life::Running,
            founder: false,
            allowed,
            leaving: false,
            slept: false,
            shown: Vec::new(),
            gaps: false,
            said: Seq::default(),
            asks: Arc::default(),
            violation: None,
            digest: OnceLock::new(),
            moves: Mutex::default(),
        }
    }

    /// A copy that an event may change.
    pub(super) fn fork(&self) -> Self {
        Self {
            node: self.node.clone(),
            life: self.life.clone(),
            shown: self.shown.clone(),
            asks: Arc::default(),
            violation: self.violation.clone(),
            digest: OnceLock::new(),
            moves: Mutex::default(),
            ..*self
        }
    }

    /// What `event` at `now` makes of this host.
    pub(super) fn after(&self, now: Instant, event: &Event) -> Arc<Self> {
        if matches!(event, Event::Input(input) if **input == Input::Tick) {
            // Time passes seldom, and in small steps, whose outcomes no other state needs.
            let mut next = self.fork();
            next.suffer(now, event);
            return Arc::new(next);
        }
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let known = moves.iter().find(|(at, it, _)| *at == now && it.is(event));
        if let Some(host) = known.and_then(|(.., host)| host.upgrade()) {
            return host;
        }
        let mut next = self.fork();
        next.suffer(now, event);
        let next = Arc::new(next);
        // Outcomes that no state needs are forgotten.
        moves.retain(|(.., host)| host.strong_count() > 0);
        moves.push((now, event.clone(), Arc::downgrade(&next)));
        next
    }

    /// Becomes what `event` at `now` makes of it.
    pub(super) fn become_after(&mut self, now: Instant, event: &Event) {
        (self.digest, self.moves) = Default::default();
        self.suffer(now, event);
    }

    fn suffer(&mut self, now: Instant, event: &Event) {
        let first = match event {
            Event::Crash => {
                self.life = Life::Crashed;
                self.asks = Arc::default();
                return;
            }
            Event::Received { link, letter } => {
                vec![Input::Received { link: *link, envelope: letter.envelope.clone() }]
            }
            Event::Say(count) => {
                self.said = self.said.plus((*count).into());
                let text = Text::new("m").ok();
                let texts = text.and_then(|text| TextRun::new(&vec![text; usize::from(*count)]));
                texts
                    .map(|texts| Input::Command(Command::Say { texts, at: UnixTime(0) }))
                    .into_iter()
                    .collect()
            }
            Event::Input(input) => vec![Input::clone(input)],
        };
        self.leaving |= matches!(first[..], [Input::Command(Command::Leave)]);
        let (mut inputs, mut asks) = (VecDeque::new(), Vec::new());
        self.handle(now, first, &mut inputs, &mut asks);
        while let Some(input) = inputs.pop_front() {
            if self.life == Life::Running && self.violation.is_none() {
                self.handle(now, vec![input], &mut inputs, &mut asks);
            }
        }
        self.asks = asks.into();
    }

    /// Hands the inputs of a turn to the node. The inputs that follow from its own actions go to `inputs`.
    fn handle(&mut self, now: Instant, turn: Vec<Input>, inputs: &mut VecDeque<Input>, asks: &mut Vec<Ask>) {
        let old = Monotonic::of(&self.node);
        let mut out = Vec::new();
        self.node.handle_all(now, turn, &mut out);
        for action in out {
            match action {
                Action::Dial { dial, addr, expected } => asks.push(Ask::Dial { dial, addr, expected }),
                Action::Trust { .. } | Action::NewLife { .. } | Action::Trace { .. } => {}
                Action::Send { link, envelope } => {
                    asks.push(Ask::Send {
                        link,
                        letter: Letter::new(*envelope, self.allowed.needs_stability()),
                    });
                }
                Action::Multicast { links, envelope } => {
                    let letter = Letter::new(*envelope, self.allowed.needs_stability());
                    let send = |link| Ask::Send { link, letter: Arc::clone(&letter) };
                    asks.extend(links.into_iter().map(send));
                }
                Action::Close { link, mode } => {
                    asks.push(Ask::Close { link, mode });
                    inputs.push_back(Input::LinkDown { link, reason: DownReason::Closed });
                }
                Action::Notify { notice, .. } => self.see(now, notice),
                Action::Halt { .. } => asks.push(Ask::HangUp),
            }
        }
        if self.life == Life::Running && self.violation.is_none() {
            self.violation = self.check(now, &old).err();
        }
    }

    /// The user is told something.
    fn see(&mut self, now: Instant, notice: Notice) {
        match notice {
            Notice::Chat(chat) => {
                chat.lines().for_each(|line| self.see_message(now, line.from.id, line.seq));
            }
            Notice::Gap { from, count } => {
                self.gaps = true;
                if self.allowed.is_crash_only() {
                    let detail = format!("{count} messages of {from} are missing");
                    self.violation = Some(Violation::new(now, Property::NoGap, detail));
                }
            }
            Notice::Swallowed { .. } => {
                self.gaps = true;
                if self.allowed.is_crash_only() {
                    self.violation = Some(Violation::new(now, Property::NoGap, "own messages are swallowed"));
                }
            }
            Notice::LeftBehind if self.allowed.is_crash_only() && !self.slept => {
                self.violation = Some(Violation::new(now, Property::NoFalseAlarm, "it is left behind"));
            }
            Notice::Fault { remote, reason: Fault::OtherRoom } => {
                let detail = format!("{remote} is taken for a member of another room");
                self.violation = Some(Violation::new(now, Property::OneRoom, detail));
            }
            Notice::Ended(ending) => self.life = Life::Ended(ending),
            _ => {}
        }
    }

    fn see_message(&mut self, now: Instant, from: NodeId, seq: Seq) {
        let last = self.shown.iter().rev().find(|(id, _)| *id == from).map(|(_, last)| *last);
        let first_of_newcomer = last.is_none() && !self.founder;
        if seq != last.unwrap_or_default().next() && !first_of_newcomer && !self.gaps {
            let is_double = last.is_some_and(|last| seq <= last);
            let property = if is_double { Property::NoDoubles } else { Property::NoSilentGap };
            let detail = format!("{from}:{seq} is shown after {last:?}");
            self.violation = Some(Violation::new(now, property, detail));
        }
        self.shown.push((from, seq));
    }

    /// Checks what holds for a node by itself, compared with its state before.
    fn check(&self, now: Instant, old: &Monotonic) -> Result<(), Violation> {
        invariants::check(&self.node)
            .and_then(|()| invariants::check_shown(&self.node))
            .map_err(|broken| Violation::new(now, Property::NodeInvariants, broken.to_string()))?;
        old.never_decrease(&Monotonic::of(&self.node))
            .map_err(|what| Violation::new(now, Property::MonotonicState, format!("{what} decreases")))?;
        numbers_in_a_row(now, &self.node)
    }

    /// What tells this host from others, apart from times, stamps and names of connections.
    pub(super) fn digest(&self) -> &Digest {
        self.digest.get_or_init(|| {
            let mut hasher = SipHasher13::new();
            self.life.hash(&mut hasher);
            match self.life {
                Life::Running => {
                    self.node.digest(self.allowed.needs_stability(), &mut hasher);
                    (self.leaving, self.slept, self.said, self.gaps, &self.shown).hash(&mut hasher);
                }
                Life::Ended(_) => self.said.hash(&mut hasher),
                Life::Crashed => {}
            }
            let generations = self.node.newest_generations().collect();
            Digest { hash: hasher.finish128().as_u128(), generations }
        })
    }
}

/// What never decreases in a node.
struct Monotonic {
    promised: ringchat_core::Epoch,
    view: ringchat_core::Epoch,
    cfg: ringchat_core::ConfigId,
}

impl Monotonic {
    fn of(node: &Node) -> Self {
        Self { promised: node.promised(), view: node.view().epoch, cfg: node.cfg() }
    }

    fn never_decrease(&self, new: &Self) -> Result<(), &'static str> {
        if new.promised < self.promised {
            Err("promised")
        } else if new.view < self.view {
            Err("view")
        } else if new.cfg < self.cfg {
            Err("cfg")
        } else {
            Ok(())
        }
    }
}

/// Checks that each origin's messages stand once and in order in a log, without holes other than gaps.
fn numbers_in_a_row(now: Instant, node: &Node) -> Result<(), Violation> {
    let mut last: BTreeMap<NodeId, Seq> = BTreeMap::new();
    for entry in node.log_entries() {
        let Body::Chat { said, missing, .. } = &entry.body else { continue };
        let (id, first, to) = (said.origin.id, said.first.minus(*missing), said.last());
        if let Some(before) = last.insert(id, to).filter(|before| before.next() != first) {
            let property = if first <= before { Property::NoDoubles } else { Property::NoSilentGap };
            let detail = format!("the log holds {id}:{first} after {before}");
            return Err(Violation::new(now, property, detail));
        }
    }
    Ok(())
}

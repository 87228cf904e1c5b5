//! One node with its user, apart from all others: what an input makes of it.
//!
//! Two states in which a host has gone through the same share one [`Host`]. What an input makes of it is found
//! out once, by the node that ships, and remembered for as long as some state needs the outcome.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use siphasher::sip128::{Hasher128, SipHasher13};

use ringchat_core::wire::{Body, Envelope, Message};
use ringchat_core::{
    Action, CloseMode, Command, DialId, DownReason, Ending, Fault, Input, Instant, LinkId, Node, NodeId,
    Notice, Seq, Text, TextRun, digest_message, invariants,
};

use super::state::Budget;

/// What became of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Life {
    Running,
    Crashed,
    Ended(Ending),
}

/// A message under way, with what it looks like to a fingerprint.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) envelope: Envelope,
    /// Tells it from others, but for its stamp and generation.
    pub(super) digest: u128,
    /// Of which generation of connections it speaks, if of any.
    pub(super) generation: Option<u64>,
}

impl Letter {
    fn new(envelope: Envelope, stability: bool) -> Arc<Self> {
        let mut hasher = SipHasher13::new();
        envelope.room.hash(&mut hasher);
        let generation = digest_message(&envelope.message, stability, &mut hasher);
        Arc::new(Self { digest: hasher.finish128().as_u128(), generation, envelope })
    }

    /// Whether it is the same in all, stamps included.
    fn is(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || (self.digest == other.digest && self.envelope == other.envelope)
    }

    /// Whether it is only a sign of life.
    pub(super) fn is_beat(&self) -> bool {
        matches!(self.envelope.message, Message::Ping(_) | Message::Pong(_))
    }
}

/// What a node asks of the network.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Dial { dial: DialId, addr: SocketAddr },
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
    /// So many things are said in one turn.
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

/// An event at a time, and what came of it while anybody needs that.
type Move = (Instant, Event, Weak<Host>);

/// A node, and what its user saw.
#[allow(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
#[derive(Debug)]
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) life: Life,
    /// Whether it was there from the beginning.
    pub(super) founder: bool,
    /// What could befall at the beginning: what is promised depends on it.
    pub(super) allowed: Budget,
    /// Whether its user wants to leave.
    pub(super) leaving: bool,
    /// Whether it was stopped for a while.
    pub(super) slept: bool,
    /// The messages shown, in order: whose, and which number. Those of a gap are not among them.
    pub(super) shown: Vec<(NodeId, Seq)>,
    pub(super) gaps: bool,
    pub(super) said: Seq,
    /// What its node asked for when it came to be like this.
    pub(super) asks: Arc<[Ask]>,
    /// What is wrong with it.
    pub(super) wrong: Option<String>,
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
            wrong: None,
            digest: OnceLock::new(),
            moves: Mutex::default(),
        }
    }

    /// The same host, free to become another.
    pub(super) fn fork(&self) -> Self {
        Self {
            node: self.node.clone(),
            life: self.life.clone(),
            shown: self.shown.clone(),
            asks: Arc::default(),
            wrong: self.wrong.clone(),
            digest: OnceLock::new(),
            moves: Mutex::default(),
            ..*self
        }
    }

    /// What `event` at `now` makes of this host.
    pub(super) fn after(&self, now: Instant, event: &Event) -> Arc<Self> {
        if matches!(event, Event::Input(input) if **input == Input::Tick) {
            // Time passes seldom, and in small steps: what comes of each is of no use to others.
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
        // What came of it before is forgotten by now, as is what came of other events.
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
                texts.map(|texts| Input::Command(Command::Say(texts))).into_iter().collect()
            }
            Event::Input(input) => vec![Input::clone(input)],
        };
        self.leaving |= matches!(first[..], [Input::Command(Command::Leave)]);
        let (mut inputs, mut asks) = (VecDeque::new(), Vec::new());
        self.handle(now, first, &mut inputs, &mut asks);
        while let Some(input) = inputs.pop_front() {
            if self.life == Life::Running && self.wrong.is_none() {
                self.handle(now, vec![input], &mut inputs, &mut asks);
            }
        }
        self.asks = asks.into();
    }

    /// Hands a turn's inputs to the node; what it does to itself by that goes to `inputs`.
    fn handle(&mut self, now: Instant, turn: Vec<Input>, inputs: &mut VecDeque<Input>, asks: &mut Vec<Ask>) {
        let old = Promises::of(&self.node);
        let mut out = Vec::new();
        self.node.handle_all(now, turn, &mut out);
        for action in out {
            match action {
                Action::Dial { dial, addr } => asks.push(Ask::Dial { dial, addr }),
                Action::Trust { .. } => {}
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
                Action::Notify { notice, .. } => self.see(notice),
                Action::Halt { .. } => asks.push(Ask::HangUp),
            }
        }
        if self.life == Life::Running && self.wrong.is_none() {
            self.wrong = self.check(&old).err();
        }
    }

    /// The user is told something.
    fn see(&mut self, notice: Notice) {
        match notice {
            Notice::Chat(chat) => chat.lines().for_each(|line| self.see_message(line.from.id, line.seq)),
            Notice::Gap { from, count } => {
                self.gaps = true;
                if self.allowed.is_crash_only() {
                    self.wrong = Some(format!("S6: {count} messages of {from} are missing"));
                }
            }
            Notice::LeftBehind if self.allowed.is_crash_only() && !self.slept => {
                self.wrong = Some("no false alarm: somebody is left behind".into());
            }
            Notice::Fault { remote, reason: Fault::OtherRoom } => {
                self.wrong = Some(format!("{remote} is taken for one of another room"));
            }
            Notice::Ended(ending) => self.life = Life::Ended(ending),
            _ => {}
        }
    }

    fn see_message(&mut self, from: NodeId, seq: Seq) {
        let last = self.shown.iter().rev().find(|(id, _)| *id == from).map(|(_, last)| *last);
        let first_of_newcomer = last.is_none() && !self.founder;
        if seq != last.unwrap_or_default().next() && !first_of_newcomer && !self.gaps {
            self.wrong = Some(format!("S5/S6: {from}:{seq} is shown after {last:?}"));
        }
        self.shown.push((from, seq));
    }

    /// What must hold for a node by itself, compared with what it was.
    fn check(&self, old: &Promises) -> Result<(), String> {
        invariants::check(&self.node).map_err(|broken| format!("invariant: {broken}"))?;
        old.never_decrease(&Promises::of(&self.node)).map_err(|what| format!("S9: {what} decreases"))?;
        numbers_in_a_row(&self.node).map_err(|what| format!("S5/S6: the log holds {what}"))
    }

    /// What tells this host from others, but for points of time, stamps and names of connections.
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

/// What of a node never decreases.
struct Promises {
    promised: ringchat_core::Epoch,
    view: ringchat_core::Epoch,
    cfg: ringchat_core::ConfigId,
}

impl Promises {
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

/// Each origin's messages stand once and in order in a log, without holes but for told gaps.
fn numbers_in_a_row(node: &Node) -> Result<(), String> {
    let mut last: BTreeMap<NodeId, Seq> = BTreeMap::new();
    for entry in node.log_entries() {
        let (id, first, to) = match &entry.body {
            Body::Chat { said, .. } => (said.origin.id, said.first, said.last()),
            Body::Gap { origin, first, last } => (origin.id, *first, *last),
            Body::Membership { .. } => continue,
        };
        if let Some(before) = last.insert(id, to).filter(|before| before.next() != first) {
            return Err(format!("{id}:{first} after {before}"));
        }
    }
    Ok(())
}

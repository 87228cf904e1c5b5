//! A node, and a peer that says what it likes on the one link between them.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::time::Duration;

use ringchat_core::wire::{
    Beat, Body, CandidateRank, Change, Deliver, Elect, Elected, Entry, Envelope, Install, Join, Message,
    Proven, Run, Sync, ViewSpan,
};
use ringchat_core::{
    Action, Command, Config, ConfigId, DialFailure, DialId, DownReason, Epoch, Fault, Index, Input, Instant,
    LinkId, Member, Node, NodeId, Notice, Origin, RoomId, Roster, Seq, Stamp, Start, Text, TextRun, UnixTime,
    View,
};

use crate::cast::{addr, member, name, seed};
use crate::driven;

pub(crate) const LINK: LinkId = LinkId(1);

/// A node, and a peer that says what it likes on the one link between them.
pub(crate) struct Pair {
    pub(crate) node: Node,
    pub(crate) now: Instant,
}

impl Pair {
    /// The node leads a room of its own, and a stranger has connected.
    pub(crate) fn with_leader() -> Self {
        let mut pair = Self::new(Start::Create);
        pair.link_up(Origin::Accepted);
        pair
    }

    /// The node is a member of a room that the peer leads, in which the peer has said two things.
    pub(crate) fn with_member() -> Self {
        let mut pair = Self::new(Start::Join { contacts: vec![addr(2)] });
        pair.join();
        pair
    }

    /// The node becomes a member of a room that the peer leads, in which the peer says two things.
    pub(crate) fn join(&mut self) {
        let dial = DialId(1);
        self.link_up(Origin::Dialed(dial));
        self.elect(1);
        self.install(1, 0, &[self.opened(1, 0)]);
        assert!(self.node.is_normal());
        assert_eq!(self.deliver(&[chat(1, 1, 1), chat(2, 2, 2)]), []);
    }

    /// The peer comes to the node, which leads, as one that was left behind, and shows what it has beyond the node's log.
    /// Returns what the node tells its user of that.
    pub(crate) fn come_to_leader(&mut self, tail: Vec<Proven<Run>>) -> Vec<Notice> {
        let sync = self.comes_to_leader(tail, Vec::new());
        self.notices(sync)
    }

    /// The last numbers in the install for the peer, which comes to the node, which leads, and has the node's log of the
    /// first epoch.
    pub(crate) fn install_for_peer(&mut self) -> BTreeMap<NodeId, Seq> {
        let history = vec![ViewSpan { view: cfg(1).view, end: Index(3) }];
        let sync = self.comes_to_leader(Vec::new(), history);
        let installed = |action| {
            let Action::Send { envelope, .. } = action else { return None };
            if let Message::Install(install) = envelope.message { Some(install.origins) } else { None }
        };
        self.receive(LINK, sync).into_iter().find_map(installed).unwrap()
    }

    fn comes_to_leader(&mut self, tail: Vec<Proven<Run>>, history: Vec<ViewSpan>) -> Message {
        self.link_up(Origin::Accepted);
        let join = Join { me: peer(), contact: None, epoch: Epoch(9), generation: 1, ring: Vec::new() };
        self.notices(Message::Join(join));
        Message::Sync(Sync { view: self.node.view(), history, tail, more: false })
    }

    pub(crate) fn new(start: Start) -> Self {
        Self::with(Config::new(addr(1), name(), start))
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut pair = Self { node: Node::new(config, seed(1), Instant::ZERO), now: Instant::ZERO };
        pair.handle(Input::Tick);
        pair
    }

    pub(crate) fn link_up(&mut self, origin: Origin) {
        self.link_up_to(peer().id, origin);
    }

    /// The link opens, and this is what the other end has proven.
    pub(crate) fn link_up_to(&mut self, peer: NodeId, origin: Origin) {
        self.handle(Input::LinkUp { link: LINK, origin, remote: addr(2), peer });
    }

    pub(crate) fn handle(&mut self, input: Input) -> Vec<Action> {
        driven::handle(&mut self.node, &mut self.now, input)
    }

    /// The faults that the node finds with `message`, sent at `stamp`. The link is closed if there are any.
    pub(crate) fn faults_at(&mut self, stamp: u64, message: Message) -> Vec<Fault> {
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(stamp), message };
        let out = self.handle(Input::Received { link: LINK, envelope });
        let faults: Vec<Fault> = out.iter().filter_map(fault).collect();
        let closed = out.iter().any(|action| matches!(action, Action::Close { link: LINK, .. }));
        assert_eq!(closed, !faults.is_empty());
        faults
    }

    pub(crate) fn faults(&mut self, message: Message) -> Vec<Fault> {
        self.faults_at(1, message)
    }

    /// What the node tells its user of `message`.
    pub(crate) fn notices(&mut self, message: Message) -> Vec<Notice> {
        let out = self.receive(LINK, message);
        let told = |action| if let Action::Notify { notice, .. } = action { Some(notice) } else { None };
        out.into_iter().filter_map(told).collect()
    }

    /// What the node tells its user of these entries.
    pub(crate) fn told_of(&mut self, entries: &[Entry], stable: u64) -> Vec<Notice> {
        let view = cfg(1).view;
        let deliver = Deliver { view, entries: entries.to_vec(), stable: Index(stable) };
        self.notices(Message::Deliver(deliver))
    }

    /// The user says something. Returns what the node submits.
    pub(crate) fn say(&mut self, text: &str) -> Vec<Proven<Run>> {
        self.say_all(&[text])
    }

    /// The user says several things at once. Returns what the node submits.
    pub(crate) fn say_all(&mut self, texts: &[&str]) -> Vec<Proven<Run>> {
        let texts: Vec<Text> = texts.iter().map(|text| Text::new(text).unwrap()).collect();
        let texts = TextRun::new(&texts).unwrap();
        submitted(self.handle(Input::Command(Command::Say { texts, at: UnixTime(7) })))
    }

    pub(crate) fn receive(&mut self, link: LinkId, message: Message) -> Vec<Action> {
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message };
        self.handle(Input::Received { link, envelope })
    }

    /// The peer passes on the token of a candidate with a log of that length. Returns the candidate whose token the node
    /// passes on.
    pub(crate) fn stand(&mut self, epoch: u64, length: u64, id: NodeId) -> Option<NodeId> {
        let candidate = CandidateRank { epoch: Epoch(1), length: Index(length), id };
        let elect =
            Elect { epoch: Epoch(epoch), candidate, path: vec![peer().id], cfg: cfg(1), roster: None };
        let passed = |action| {
            let Action::Send { envelope, .. } = action else { return None };
            if let Message::Elect(elect) = envelope.message { Some(elect.candidate.id) } else { None }
        };
        self.receive(LINK, Message::Elect(elect)).into_iter().find_map(passed)
    }

    pub(crate) fn elect(&mut self, epoch: u64) {
        let elected = Elected { cfg: cfg(epoch), roster: self.roster(), history: Vec::new() };
        assert_eq!(self.faults(Message::Elected(elected)), []);
    }

    /// What the node tells its user of a log that keeps so many places and goes on with these entries.
    pub(crate) fn told_of_install(&mut self, epoch: u64, common: u64, entries: &[Entry]) -> Vec<Notice> {
        let end = entries.last().map_or(Index(common), Entry::end);
        let install = Install { end, ..self.to_install(epoch, common) };
        let mut told = self.notices(Message::Install(install));
        let view = cfg(epoch).view;
        told.extend(self.notices(Message::Deliver(Deliver {
            view,
            entries: entries.to_vec(),
            stable: Index(0),
        })));
        told
    }

    /// The header of a log that keeps so many places, and has no more.
    pub(crate) fn to_install(&self, epoch: u64, common: u64) -> Install {
        let common = Index(common);
        Install {
            cfg: cfg(epoch),
            roster: self.roster(),
            common,
            base: common,
            end: common,
            origins: BTreeMap::new(),
            history: Vec::new(),
            stable: Index(0),
        }
    }

    pub(crate) fn install(&mut self, epoch: u64, common: u64, entries: &[Entry]) -> Vec<Fault> {
        let end = entries.last().map_or(Index(common), Entry::end);
        self.install_to(end, epoch, common, entries)
    }

    /// Like `install`, but the log is said to end at `end`.
    pub(crate) fn install_to(
        &mut self,
        end: Index,
        epoch: u64,
        common: u64,
        entries: &[Entry],
    ) -> Vec<Fault> {
        let install = Install { end, ..self.to_install(epoch, common) };
        let faults = self.install_once(&install, entries);
        if self.node.is_normal() || !faults.is_empty() {
            return faults;
        }
        // To a log that contradicts its own the member answers with all that it has, and only to the second with a fault.
        self.install_once(&install, entries)
    }

    /// A leader tells once what the log has to become.
    pub(crate) fn install_once(&mut self, install: &Install, entries: &[Entry]) -> Vec<Fault> {
        assert_eq!(self.faults(Message::Install(install.clone())), []);
        self.deliver_in(install.cfg.view.epoch.0, entries)
    }

    pub(crate) fn deliver(&mut self, entries: &[Entry]) -> Vec<Fault> {
        self.deliver_in(1, entries)
    }

    pub(crate) fn deliver_in(&mut self, epoch: u64, entries: &[Entry]) -> Vec<Fault> {
        let deliver = Deliver { view: cfg(epoch).view, entries: entries.to_vec(), stable: Index(0) };
        self.faults(Message::Deliver(deliver))
    }

    /// Nothing comes but signs of life.
    pub(crate) fn live_on(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.now < end {
            self.now = self.node.deadline().unwrap();
            self.handle(Input::Tick);
            let beat = Beat { view: None, cfg: None, stable: Index(0) };
            assert_eq!(self.faults(Message::Pong(beat)), []);
        }
    }

    /// The peer is gone, and nobody answers any more.
    pub(crate) fn leave_alone(&mut self) {
        let mut actions = self.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof });
        for _ in 0..100 {
            let dial = actions.iter().find_map(|action| match action {
                Action::Dial { dial, .. } => Some(*dial),
                _ => None,
            });
            actions = if let Some(dial) = dial {
                self.handle(Input::DialFailed { dial, reason: DialFailure::Refused })
            } else {
                self.now = self.node.deadline().unwrap();
                self.handle(Input::Tick)
            };
        }
    }

    pub(crate) fn roster(&self) -> Roster {
        Roster::new(vec![peer(), self.node.me().clone()]).unwrap()
    }

    pub(crate) fn opened(&self, epoch: u64, index: u64) -> Entry {
        let change = Change::Opened { roster: self.roster(), lost: Vec::new() };
        let cfg = cfg(epoch);
        Entry {
            view: cfg.view,
            index: Index(index),
            stamp: Stamp(index),
            body: Body::Membership { cfg, change: change.into() },
        }
    }
}

/// What a node submits.
pub(crate) fn submitted(out: Vec<Action>) -> Vec<Proven<Run>> {
    let said = |action| {
        let Action::Send { envelope, .. } = action else { return None };
        if let Message::Submit { said, .. } = envelope.message { Some(said) } else { None }
    };
    out.into_iter().find_map(said).unwrap_or_default()
}

pub(crate) fn fault(action: &Action) -> Option<Fault> {
    match action {
        Action::Notify { notice: Notice::Fault { reason, .. }, .. } => Some(*reason),
        _ => None,
    }
}

/// An entry of the log of the first epoch.
pub(crate) fn entry(index: u64, said: Proven<Run>, missing: u64) -> Entry {
    let body = Body::Chat { said, missing, replayed: false };
    Entry { view: cfg(1).view, index: Index(index), stamp: Stamp(index), body }
}

/// What somebody said, from the number `first` on.
pub(crate) fn said(who: &Member, first: u64, texts: &[&str]) -> Proven<Run> {
    let texts: Vec<Text> = texts.iter().map(|text| Text::new(text).unwrap()).collect();
    let texts = TextRun::new(&texts).unwrap();
    Run::sham(RoomId([1; 16]), who.clone().into(), Seq(first), Stamp(1), texts)
}

/// What the peer said, as it stands in the log of the first epoch.
pub(crate) fn chat(index: u64, seq: u64, stamp: u64) -> Entry {
    run(index, seq, stamp, 1)
}

/// So many things that the peer said in a row.
pub(crate) fn run(index: u64, first: u64, stamp: u64, count: usize) -> Entry {
    let texts = TextRun::new(&vec![Text::new("x").unwrap(); count]).unwrap();
    let stamp = Stamp(stamp);
    let said = Run::sham(RoomId([1; 16]), peer().into(), Seq(first), stamp, texts);
    Entry {
        view: cfg(1).view,
        index: Index(index),
        stamp,
        body: Body::Chat { said, missing: 0, replayed: false },
    }
}

pub(crate) fn cfg(epoch: u64) -> ConfigId {
    ConfigId::first(View { epoch: Epoch(epoch), leader: peer().id })
}

pub(crate) fn peer() -> Member {
    member(2)
}

//! A network of whole nodes without delays. Each is at a place; one of them may lie.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ringchat_core::wire::{Envelope, Message};
use ringchat_core::{
    Action, Config, DialFailure, DialId, DownReason, Input, Instant, LinkId, Node, NodeId, Notice, Origin,
    Start,
};

use crate::cast::{addr, name, seed};
use crate::driven;

/// Who a node is here; mostly its place.
type Who = u64;

#[derive(Default)]
pub(crate) struct Net {
    pub(crate) nodes: BTreeMap<Who, Node>,
    pub(crate) now: Instant,
    queue: VecDeque<(Who, Input)>,
    /// The other end of each link.
    links: BTreeMap<(Who, LinkId), (Who, LinkId)>,
    last_link: u64,
    /// The one that passes no token on.
    pub(crate) swallower: Option<Who>,
    pub(crate) notices: Vec<(Who, Notice)>,
    /// What each node does differently from others.
    prepare: Option<fn(&mut Node)>,
}

impl Net {
    /// So many members, of whom the first leads.
    pub(crate) fn gathered(members: Who, prepare: fn(&mut Node)) -> Self {
        let mut net = Self { prepare: Some(prepare), ..Self::default() };
        for who in 1..=members {
            net.enter(who, who);
            net.pass(Duration::from_millis(200));
        }
        assert!(net.nodes.values().all(|node| node.roster().len() as u64 == members));
        net
    }

    /// Somebody starts who says that it is at that place.
    pub(crate) fn enter(&mut self, who: Who, place: u64) {
        let start = if who == 1 { Start::Create } else { Start::Join { contacts: vec![addr(1)] } };
        let mut node = Node::new(Config::new(addr(place), name(), start), seed(who), self.now);
        if let Some(prepare) = self.prepare {
            prepare(&mut node);
        }
        self.nodes.insert(who, node);
        self.queue.push_back((who, Input::Tick));
        self.run();
    }

    /// Somebody dies. The others hear of it, or its links stay as they are.
    pub(crate) fn die(&mut self, who: Who, is_heard: bool) {
        self.nodes.remove(&who);
        for ((from, link), (to, other)) in self.links.clone() {
            if to == who {
                self.links.remove(&(from, link));
                self.links.remove(&(to, other));
                if is_heard {
                    self.queue.push_back((from, Input::LinkDown { link, reason: DownReason::Io }));
                }
            }
        }
        self.run();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        let due = |(who, node): (&Who, &Node)| node.deadline().map(|at| (at, *who));
        while let Some((at, who)) = self.nodes.iter().filter_map(due).min().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.queue.push_back((who, Input::Tick));
            self.run();
        }
        self.now = self.now.max(end);
    }

    /// How long it takes until all of these follow one leader of a ring that has them all; none if more than `limit`.
    pub(crate) fn until_led(&mut self, who: &[Who], limit: Duration) -> Option<Duration> {
        let begin = self.now;
        while self.now.since(begin) < limit {
            if self.are_led(who) {
                return Some(self.now.since(begin));
            }
            self.pass(Duration::from_millis(50));
        }
        None
    }

    fn are_led(&self, who: &[Who]) -> bool {
        let ids: Vec<NodeId> = who.iter().map(|who| self.nodes[who].me().id).collect();
        let view = self.nodes[&who[0]].view();
        who.iter().map(|who| &self.nodes[who]).all(|node| {
            node.is_normal() && node.view() == view && ids.iter().all(|id| node.roster().contains(*id))
        })
    }

    fn run(&mut self) {
        while let Some((who, input)) = self.queue.pop_front() {
            let Some(node) = self.nodes.get_mut(&who) else { continue };
            for action in driven::handle(node, &mut self.now, input) {
                self.execute(who, action);
            }
        }
    }

    fn execute(&mut self, who: Who, action: Action) {
        match action {
            Action::Dial { dial, addr, expected } => self.dial(who, dial, addr, expected),
            Action::Send { link, envelope } => self.send(who, link, &envelope),
            Action::Multicast { links, envelope } => {
                for link in links {
                    self.send(who, link, &envelope);
                }
            }
            Action::Close { link, .. } => {
                self.queue.push_back((who, Input::LinkDown { link, reason: DownReason::Closed }));
                if let Some((to, link)) = self.links.remove(&(who, link)) {
                    self.links.remove(&(to, link));
                    self.queue.push_back((to, Input::LinkDown { link, reason: DownReason::Eof }));
                }
            }
            Action::Notify { notice, .. } => self.notices.push((who, notice)),
            Action::Halt { .. } => self.die(who, true),
            Action::Trust { .. } | Action::NewLife { .. } | Action::Trace { .. } => {}
        }
    }

    fn dial(&mut self, who: Who, dial: DialId, addr: std::net::SocketAddr, expected: Option<NodeId>) {
        let there = self.nodes.iter().find(|(_, node)| node.me().addr() == addr);
        let failure = match there {
            None => DialFailure::Refused,
            Some((_, node)) if expected.is_some_and(|id| id != node.me().id) => DialFailure::Absent,
            Some((&to, _)) => return self.connect(who, to, dial),
        };
        self.queue.push_back((who, Input::DialFailed { dial, reason: failure }));
    }

    fn connect(&mut self, from: Who, to: Who, dial: DialId) {
        let [mine, theirs] = [1, 2].map(|more| LinkId(self.last_link + more));
        self.last_link += 2;
        self.links.insert((from, mine), (to, theirs));
        self.links.insert((to, theirs), (from, mine));
        let (dialer, answers) = (&self.nodes[&from], &self.nodes[&to]);
        let (remote, peer) = (answers.me().addr(), answers.me().id);
        let up = Input::LinkUp { link: mine, origin: Origin::Dialed(dial), remote, peer };
        // A port of the dialer's own machine, not the one on which it listens.
        let remote = std::net::SocketAddr::new(addr(from).ip(), 50_000);
        let accepted = Input::LinkUp { link: theirs, origin: Origin::Accepted, remote, peer: dialer.me().id };
        self.queue.extend([(from, up), (to, accepted)]);
    }

    fn send(&mut self, who: Who, link: LinkId, envelope: &Envelope) {
        let is_swallowed = self.swallower == Some(who) && matches!(envelope.message, Message::Elect(_));
        if let Some(&(to, link)) = self.links.get(&(who, link)).filter(|_| !is_swallowed) {
            self.queue.push_back((to, Input::Received { link, envelope: envelope.clone() }));
        }
    }
}

//! A network of real nodes without delays. One of them may lie, and a test may speak for one.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::wire::{Envelope, Message};
use ringchat_core::{
    Action, Config, DialFailure, DialId, DownReason, Input, Instant, LinkId, Node, NodeId, Notice, Origin,
    Start,
};

use crate::cast::{addr, id, name, seed};
use crate::driven;

/// Who a node is here; mostly its place.
pub(crate) type Who = u64;

/// Within this somebody gets in.
const GETS_IN: Duration = Duration::from_millis(200);

/// Nodes, and what is under way between them.
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
    /// Whether dials to addresses where nobody listens are never answered; else they are refused.
    pub(crate) is_silent: bool,
    /// Two of whom none reaches the other.
    apart: Option<[Who; 2]>,
    /// The one that tells an address where nobody listens. It dials the others.
    pub(crate) astray: Option<Who>,
    /// Dials to addresses where nobody listened, or that did not get through: when, and whose.
    pub(crate) futile: Vec<(Instant, Who)>,
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
            net.pass(GETS_IN);
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
        self.break_links(is_heard, |one, other| one == who || other == who);
    }

    /// From now on none of the two reaches the other.
    pub(crate) fn part(&mut self, two: [Who; 2]) {
        self.apart = Some(two);
        self.break_links(true, |one, other| two.contains(&one) && two.contains(&other));
    }

    /// All links of one member break, and both ends hear of it.
    pub(crate) fn cut_off(&mut self, who: Who) {
        self.break_links(true, |one, other| one == who || other == who);
    }

    fn break_links(&mut self, is_heard: bool, breaks: impl Fn(Who, Who) -> bool) {
        for ((from, link), (to, _)) in self.links.clone() {
            if breaks(from, to) {
                self.links.remove(&(from, link));
                if is_heard {
                    self.queue.push_back((from, Input::LinkDown { link, reason: DownReason::Io }));
                }
            }
        }
        self.run();
    }

    /// Sends `message` in the name of `from`, on its link to `to`.
    pub(crate) fn say(&mut self, from: Who, to: Who, message: Message) {
        let mut links = self.links.iter().filter(|((who, _), (other, _))| *who == from && *other == to);
        let link = links.next_back().map(|((_, link), _)| *link).unwrap();
        let node = &self.nodes[&from];
        let envelope = Envelope { room: node.room(), stamp: node.lamport(), message };
        self.send(from, link, &envelope);
        self.run();
    }

    /// The members that `who` has a link to.
    pub(crate) fn linked_to(&self, who: Who) -> Vec<Who> {
        let linked: Vec<NodeId> = self.nodes[&who].linked().collect();
        self.nodes.keys().copied().filter(|other| linked.contains(&id(*other))).collect()
    }

    /// The member that leads, if all follow it.
    pub(crate) fn leader(&self) -> Option<Who> {
        let all: Vec<Who> = self.nodes.keys().copied().collect();
        let view = self.nodes.values().next()?.view();
        all.iter().copied().find(|who| id(*who) == view.leader && self.follow_one(&all))
    }

    /// Whether a member leads all there are, and no others.
    pub(crate) fn is_one(&self) -> bool {
        let is_whole = |node: &Node| node.roster().len() == self.nodes.len();
        self.leader().is_some() && self.nodes.values().all(is_whole)
    }

    /// Whether all of these follow one leader.
    fn follow_one(&self, who: &[Who]) -> bool {
        let view = self.nodes[&who[0]].view();
        who.iter().map(|who| &self.nodes[who]).all(|node| node.is_normal() && node.view() == view)
    }

    /// Whether all of these follow one leader of a ring that has them all.
    fn are_led(&self, who: &[Who]) -> bool {
        let ids: Vec<NodeId> = who.iter().map(|who| self.nodes[who].me().id).collect();
        let has_all = |node: &Node| ids.iter().all(|id| node.roster().contains(*id));
        self.follow_one(who) && who.iter().all(|who| has_all(&self.nodes[who]))
    }

    /// How long it takes until all of these follow one leader of a ring that has them all; none if more than `limit`.
    pub(crate) fn until_led(&mut self, who: &[Who], limit: Duration) -> Option<Duration> {
        self.until(limit, |net| net.are_led(who))
    }

    /// Lets time pass until something holds. Returns how long that takes; none if more than `limit`.
    pub(crate) fn until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> Option<Duration> {
        let (start, end) = (self.now, self.now.after(limit));
        self.pass_until(end, &holds);
        holds(self).then(|| self.now.since(start))
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.pass_until(self.now.after(time), |_| false);
    }

    fn pass_until(&mut self, end: Instant, holds: impl Fn(&Self) -> bool) {
        let due = |(who, node): (&Who, &Node)| node.deadline().map(|at| (at, *who));
        while !holds(self) {
            let Some((at, who)) = self.nodes.iter().filter_map(due).min().filter(|(at, _)| *at <= end) else {
                self.now = self.now.max(end);
                return;
            };
            self.now = self.now.max(at);
            self.queue.push_back((who, Input::Tick));
            self.run();
        }
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

    fn dial(&mut self, who: Who, dial: DialId, addr: SocketAddr, expected: Option<NodeId>) {
        let is_apart = |to| self.apart.is_some_and(|two| two.contains(&who) && two.contains(&to));
        let hears = |to| self.astray != Some(to) && !is_apart(to);
        let there = self.nodes.iter().find(|(to, node)| node.me().addr() == addr && hears(**to));
        let reason = match there {
            Some((_, node)) if expected.is_some_and(|id| id != node.me().id) => DialFailure::Absent,
            Some((&to, _)) => return self.connect(who, to, dial),
            None => {
                self.futile.push((self.now, who));
                if self.is_silent {
                    return;
                }
                DialFailure::Refused
            }
        };
        self.queue.push_back((who, Input::DialFailed { dial, reason }));
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
        let remote = SocketAddr::new(addr(from).ip(), 50_000);
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

//! Real nodes that talk without any delay. A test may speak for one of them.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::wire::{Envelope, Message};
use ringchat_core::{
    Action, Config, DialFailure, DialId, DownReason, Input, Instant, LinkId, Node, NodeId, Origin, Start,
};

use crate::cast::{addr, id, name, seed};
use crate::driven;

/// Within this somebody gets in.
const GETS_IN: Duration = Duration::from_secs(2);

/// A node, by its place.
pub(crate) type Who = u64;

/// Real nodes, and what is under way between them.
pub(crate) struct Company {
    pub(crate) nodes: BTreeMap<Who, Node>,
    now: Instant,
    queue: VecDeque<(Who, Input)>,
    /// Each link's other end.
    links: BTreeMap<(Who, LinkId), (Who, LinkId)>,
    last_link: u64,
    /// Whether dials to addresses where nobody listens are refused, or never answered.
    refuses: bool,
    /// Two of whom none reaches the other.
    apart: Option<[Who; 2]>,
    /// Dials to addresses where nobody listened, or that did not get through: when, and whose.
    pub(crate) futile: Vec<(Instant, Who)>,
}

impl Company {
    /// A room of `size` nodes, of which the first leads and has let in the others.
    pub(crate) fn of(size: Who, refuses: bool, prepare: impl Fn(&mut Node)) -> Self {
        let mut it = Self {
            nodes: BTreeMap::new(),
            now: Instant::ZERO,
            queue: VecDeque::new(),
            links: BTreeMap::new(),
            last_link: 0,
            refuses,
            apart: None,
            futile: Vec::new(),
        };
        for who in 1..=size {
            let start = if who == 1 { Start::Create } else { Start::Join { contacts: vec![addr(1)] } };
            let mut node = Node::new(Config::new(addr(who), name(), start), seed(who), it.now);
            prepare(&mut node);
            it.nodes.insert(who, node);
            it.pass(GETS_IN);
        }
        assert!(it.nodes.values().all(|node| node.roster().len() as u64 == size));
        it
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// The member that leads, if all follow it.
    pub(crate) fn leader(&self) -> Option<Who> {
        let view = self.nodes.values().next()?.view();
        let agrees = |node: &Node| node.is_normal() && node.view() == view;
        self.nodes.keys().copied().find(|who| id(*who) == view.leader && self.nodes.values().all(agrees))
    }

    /// Whether a member leads all there are, and no others.
    pub(crate) fn is_one(&self) -> bool {
        let is_whole = |node: &Node| node.roster().len() == self.nodes.len();
        self.leader().is_some() && self.nodes.values().all(is_whole)
    }

    /// The members that `who` has a link to.
    pub(crate) fn linked_to(&self, who: Who) -> Vec<Who> {
        let linked: Vec<NodeId> = self.nodes[&who].linked().collect();
        self.nodes.keys().copied().filter(|other| linked.contains(&id(*other))).collect()
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

    /// A node dies without a word.
    pub(crate) fn die(&mut self, who: Who) {
        self.nodes.remove(&who);
        self.break_links(|one, other| one == who || other == who);
    }

    /// From now on none of the two reaches the other.
    pub(crate) fn part(&mut self, two: [Who; 2]) {
        self.apart = Some(two);
        self.break_links(|one, other| two.contains(&one) && two.contains(&other));
    }

    fn break_links(&mut self, breaks: impl Fn(Who, Who) -> bool) {
        for ((from, link), (to, _)) in self.links.clone() {
            if breaks(from, to) {
                self.links.remove(&(from, link));
                self.queue.push_back((from, Input::LinkDown { link, reason: DownReason::Io }));
            }
        }
        self.run();
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        self.pass_until(end, |_| false);
    }

    /// Lets time pass until something holds. Returns how long that took, unless it took longer than `most`.
    pub(crate) fn until(&mut self, most: Duration, holds: impl Fn(&Self) -> bool) -> Option<Duration> {
        let (start, end) = (self.now, self.now.after(most));
        self.pass_until(end, &holds);
        holds(self).then(|| self.now.since(start))
    }

    fn pass_until(&mut self, end: Instant, holds: impl Fn(&Self) -> bool) {
        self.run();
        let due = |(who, node): (&Who, &Node)| node.deadline().map(|at| (at, *who));
        while !holds(self)
            && let Some((at, who)) = self.nodes.iter().filter_map(due).min().filter(|(at, _)| *at <= end)
        {
            self.now = self.now.max(at);
            self.queue.push_back((who, Input::Tick));
            self.run();
        }
        if !holds(self) {
            self.now = end;
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
            Action::Dial { dial, addr, .. } => self.dial(who, dial, addr),
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
            _ => {}
        }
    }

    fn dial(&mut self, who: Who, dial: DialId, at: SocketAddr) {
        let is_apart = |to| self.apart.is_some_and(|two| two.contains(&who) && two.contains(&to));
        let Some(to) = self.nodes.keys().copied().find(|to| addr(*to) == at && !is_apart(*to)) else {
            self.futile.push((self.now, who));
            if self.refuses {
                self.queue.push_back((who, Input::DialFailed { dial, reason: DialFailure::Refused }));
            }
            return;
        };
        self.last_link += 2;
        let (mine, theirs) = (LinkId(self.last_link), LinkId(self.last_link + 1));
        self.links.insert((who, mine), (to, theirs));
        self.links.insert((to, theirs), (who, mine));
        let up = |link, origin, remote, peer| Input::LinkUp { link, origin, remote, peer };
        self.queue.push_back((who, up(mine, Origin::Dialed(dial), at, id(to))));
        self.queue.push_back((to, up(theirs, Origin::Accepted, addr(who), id(who))));
    }

    fn send(&mut self, who: Who, link: LinkId, envelope: &Envelope) {
        if let Some(&(to, link)) = self.links.get(&(who, link)) {
            self.queue.push_back((to, Input::Received { link, envelope: envelope.clone() }));
        }
    }
}

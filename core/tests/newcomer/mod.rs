//! A node that asks to be let in, and members that are played by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use ringchat_core::wire::{Beat, Body, Change, Deliver, Elected, Entry, Envelope, Hello, Install, Message};
use ringchat_core::{
    Action, Config, ConfigId, DialFailure, DialId, DownReason, ElectionPhase, Epoch, Index, Input, Instant,
    LinkId, Node, Notice, Origin, RoomId, Roster, Stamp, Start, View,
};

use crate::cast::{addr, id, member, name, seed};
use crate::driven;

pub(crate) const LEADER: u64 = 1;
pub(crate) const CONTACT: u64 = 2;
pub(crate) const ME: u64 = 9;
/// On which the node asks the leader to be let in.
pub(crate) const TO_LEADER: LinkId = LinkId(2);
pub(crate) const FROM_CONTACT: LinkId = LinkId(3);
pub(crate) const STRANGER: u64 = 5;

/// A node that asks to be let in, and what the others send it.
pub(crate) struct Newcomer {
    pub(crate) node: Node,
    pub(crate) now: Instant,
}

impl Newcomer {
    /// Its contact has told it who leads, and it dials the leader.
    pub(crate) fn that_dials_the_leader() -> (Self, DialId) {
        let config = Config::new(addr(ME), name(), Start::Join { contacts: vec![addr(CONTACT)] });
        let mut it = Self { node: Node::new(config, seed(ME), Instant::ZERO), now: Instant::ZERO };
        let dial = dialed(&it.handle(Input::Tick), CONTACT).unwrap();
        it.connect(LinkId(1), dial, CONTACT);
        let via = Message::JoinVia { me: id(CONTACT), leader: member(LEADER) };
        let dial = dialed(&it.hear(LinkId(1), via), LEADER).unwrap();
        (it, dial)
    }

    /// Its contact has told it who leads, and it has asked the leader.
    pub(crate) fn that_has_asked() -> Self {
        let (mut it, dial) = Self::that_dials_the_leader();
        let asked = it.connect(TO_LEADER, dial, LEADER);
        assert!(sends(&asked, |message| matches!(message, Message::Join(_))), "{asked:?}");
        it
    }

    pub(crate) fn handle(&mut self, input: Input) -> Vec<Action> {
        driven::handle(&mut self.node, &mut self.now, input)
    }

    pub(crate) fn connect(&mut self, link: LinkId, dial: DialId, to: u64) -> Vec<Action> {
        self.handle(Input::LinkUp { link, origin: Origin::Dialed(dial), remote: addr(to), peer: id(to) })
    }

    pub(crate) fn connected_by(&mut self, link: LinkId, from: u64) {
        let (remote, peer) = (addr(from), id(from));
        self.handle(Input::LinkUp { link, origin: Origin::Accepted, remote, peer });
    }

    pub(crate) fn hear(&mut self, link: LinkId, message: Message) -> Vec<Action> {
        let envelope = Envelope { room: RoomId([7; 16]), stamp: Stamp(1), message };
        self.handle(Input::Received { link, envelope })
    }

    /// The leader lets it in, as one of these.
    pub(crate) fn welcome(&mut self, roster: Roster) -> Vec<Action> {
        self.hear(TO_LEADER, Message::Elected(Elected { cfg: cfg(), roster, history: Vec::new() }))
    }

    /// The leader hands over its log, which begins with these as its members.
    pub(crate) fn follow(&mut self, roster: Roster) {
        self.follow_on(TO_LEADER, cfg(), roster);
    }

    /// The leader at that link hands over its log, which begins with these as its members.
    pub(crate) fn follow_on(&mut self, link: LinkId, cfg: ConfigId, roster: Roster) {
        let install = Install {
            cfg,
            roster: roster.clone(),
            common: Index(0),
            base: Index(0),
            end: Index(1),
            origins: BTreeMap::new(),
            history: Vec::new(),
            stable: Index(0),
        };
        self.hear(link, Message::Install(install));
        let change = Change::Opened { roster, lost: Vec::new() };
        let body = Body::Membership { cfg, change: change.into() };
        let entries = vec![Entry { view: cfg.view, index: Index(0), stamp: Stamp(0), body }];
        self.hear(link, Message::Deliver(Deliver { view: cfg.view, entries, stable: Index(0) }));
        assert!(self.node.is_normal());
    }

    /// The leader is alive, and nothing else comes.
    pub(crate) fn live_on(&mut self, time: Duration) {
        self.live_on_with(time, &[TO_LEADER]);
    }

    /// The members at these links are alive, and nothing else comes.
    pub(crate) fn live_on_with(&mut self, time: Duration, links: &[LinkId]) {
        let end = self.now.after(time);
        while self.now < end {
            self.now = self.node.deadline().unwrap();
            self.handle(Input::Tick);
            for link in links {
                self.hear(*link, Message::Pong(Beat { view: None, cfg: None, stable: Index(0) }));
            }
        }
    }

    /// The link to a member breaks, and nobody answers at its address.
    pub(crate) fn loses(&mut self, member: u64) -> Vec<Action> {
        let broken = self.handle(Input::LinkDown { link: link_of(member), reason: DownReason::Io });
        let dial = dialed(&broken, member).unwrap();
        self.handle(Input::DialFailed { dial, reason: DialFailure::Refused })
    }

    /// A stranger, whose ring has this configuration, greets on a link of this number.
    pub(crate) fn greeted_by_stranger(&mut self, link: u64, cfg: ConfigId) -> Vec<Action> {
        let hello = Hello { generation: link, cfg: Some(cfg), ..self.hello(STRANGER, false) };
        self.connected_by(LinkId(link), STRANGER);
        let link = LinkId(link);
        self.hear(link, Message::Hello(hello))
    }

    pub(crate) fn hello(&self, from: u64, answer: bool) -> Hello {
        let (me, you) = (id(from), self.node.me().id);
        Hello { me, you, generation: 1, next: true, answer, view: Some(cfg().view), cfg: Some(cfg()) }
    }

    /// A ring of these, in this order.
    pub(crate) fn ring(&self, places: &[u64]) -> Roster {
        let me = self.node.me();
        let of = |&place: &u64| if place == ME { me.clone() } else { member(place) };
        Roster::new(places.iter().map(of).collect()).unwrap()
    }
}

/// The dial to a place that is asked for.
pub(crate) fn dialed(actions: &[Action], place: u64) -> Option<DialId> {
    actions.iter().find_map(|action| match action {
        Action::Dial { dial, addr: to, .. } if *to == addr(place) => Some(*dial),
        _ => None,
    })
}

pub(crate) fn sends(actions: &[Action], wanted: impl Fn(&Message) -> bool) -> bool {
    actions.iter().any(|action| matches!(action, Action::Send { envelope, .. } if wanted(&envelope.message)))
}

pub(crate) fn starts_an_election(actions: &[Action]) -> bool {
    let starts = |notice: &Notice| matches!(notice, Notice::Election { phase: ElectionPhase::Start, .. });
    actions.iter().any(|action| matches!(action, Action::Notify { notice, .. } if starts(notice)))
}

pub(crate) fn cfg() -> ConfigId {
    ConfigId::first(View { epoch: Epoch(1), leader: id(LEADER) })
}

/// The link on which a member of the ring has greeted the node.
pub(crate) fn link_of(place: u64) -> LinkId {
    LinkId(100 + place)
}

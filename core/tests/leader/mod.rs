//! A leader, and members that are played by hand. Each member's link has its number.

use ringchat_core::wire::{Envelope, Join, Message, Sync};
use ringchat_core::{
    Action, Config, Epoch, Input, Instant, LinkId, Name, Node, Origin, RoomId, Stamp, Start,
};

use crate::cast::{self, addr, seed};
use crate::driven;

/// Newcomers that ask at one time.
const BATCH: u64 = 31;

/// A leader by itself.
pub(crate) struct Leader {
    pub(crate) node: Node,
    pub(crate) now: Instant,
}

impl Leader {
    pub(crate) fn new() -> Self {
        let config = Config::new(addr(1), Name::new("leader").unwrap(), Start::Create);
        let mut leader = Self { node: Node::new(config, seed(1), Instant::ZERO), now: Instant::ZERO };
        leader.handle(Input::Tick);
        leader
    }

    pub(crate) fn handle(&mut self, input: Input) -> Vec<Action> {
        driven::handle(&mut self.node, &mut self.now, input)
    }

    pub(crate) fn hear(&mut self, member: u64, message: Message) -> Vec<Action> {
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message };
        self.handle(Input::Received { link: LinkId(member), envelope })
    }

    pub(crate) fn link_up(&mut self, member: u64) {
        let (link, remote, peer) = (LinkId(member), addr(member), cast::id(member));
        self.handle(Input::LinkUp { link, origin: Origin::Accepted, remote, peer });
    }

    pub(crate) fn knock(&mut self, member: u64) -> Vec<Action> {
        self.link_up(member);
        let me = cast::member(member);
        let join = Join { me, contact: None, epoch: Epoch::default(), generation: 1, ring: Vec::new() };
        self.hear(member, Message::Join(join))
    }

    /// Newcomers come in until there are so many members.
    pub(crate) fn let_in(&mut self, members: u64) {
        let mut last = 1;
        while last < members {
            let until = (last + BATCH).min(members);
            for member in last + 1..=until {
                self.knock(member);
            }
            last = until;
            self.follow(last);
            assert_eq!(self.node.roster().len() as u64, last);
        }
    }

    /// All members up to `last` show and acknowledge their logs, as often as it takes to let all in.
    pub(crate) fn follow(&mut self, last: u64) {
        for _ in 0..3 {
            let (view, index) = (self.node.view(), self.node.log_len());
            for member in 2..=last {
                let sync = Sync { view, history: Vec::new(), tail: Vec::new(), more: false };
                self.hear(member, Message::Sync(sync));
                self.hear(member, Message::Ack { view, index });
            }
        }
    }
}

//! A room of nodes that talk without any delay.

use ringchat_core::secure::Identity;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;

use ringchat_core::wire::Envelope;
use ringchat_core::{
    Action, Command, Config, DialFailure, Input, Instant, LinkId, Name, Node, Origin, Outbox, RoomId, Seed,
    Start, Text, TextRun, UnixTime,
};

/// The time at which all happens that takes none.
const BIRTH: Instant = Instant(1_000_000);
/// More than it takes to get in.
const FORMING: u64 = 2_000_000;

type Who = usize;

/// Nodes, and what is under way between them.
#[derive(Clone)]
pub(crate) struct Room {
    nodes: Vec<Node>,
    now: Instant,
    queue: VecDeque<(Who, Vec<Input>)>,
    /// Each link's other end.
    links: BTreeMap<(Who, LinkId), (Who, LinkId)>,
    last_link: u64,
    out: Outbox,
}

impl Room {
    /// A room of `size`, in which the first node leads.
    pub(crate) fn of(size: u8) -> Self {
        let mut room = Self {
            nodes: Vec::new(),
            now: BIRTH,
            queue: VecDeque::new(),
            links: BTreeMap::new(),
            last_link: 0,
            out: Outbox::new(),
        };
        for who in 0..size {
            let start = if who == 0 { Start::Create } else { Start::Join { contacts: vec![addr(0)] } };
            let name = Name::new(&format!("member {who}")).expect("a name");
            room.nodes.push(Node::new(Config::new(addr(who), name, start), seed(who), room.now));
            room.pass(FORMING);
        }
        assert!(room.nodes.iter().all(|node| node.roster().len() == usize::from(size)), "all are in");
        room
    }

    /// The node of a member.
    pub(crate) fn node(&self, who: Who) -> Node {
        self.nodes[who].clone()
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// What a member has on its way to others once it has said so many texts, as the receivers get it.
    pub(crate) fn say(&mut self, who: Who, texts: usize) -> Vec<(Who, Vec<Input>)> {
        let text = Text::new(&"x".repeat(100)).expect("a text");
        let texts = TextRun::new(&vec![text; texts]).expect("there is one");
        let say = vec![Input::Command(Command::Say { texts, at: UnixTime(0) })];
        self.hand_over(who, say)
    }

    /// What a member has on its way to others once it has got these inputs, as the receivers get it.
    pub(crate) fn hand_over(&mut self, who: Who, inputs: Vec<Input>) -> Vec<(Who, Vec<Input>)> {
        self.queue.clear();
        self.step(who, inputs);
        let mut together: Vec<(Who, Vec<Input>)> = Vec::new();
        for (to, inputs) in self.queue.drain(..) {
            match together.iter_mut().find(|(other, _)| *other == to) {
                Some((_, all)) => all.extend(inputs),
                None => together.push((to, inputs)),
            }
        }
        together
    }

    /// Says so many texts as `who`, and lets everything happen that follows.
    pub(crate) fn talk(&mut self, who: Who, texts: usize) {
        let first = self.say(who, texts);
        self.queue.extend(first);
        self.run();
    }

    /// Lets so much time pass, and everything happen that is due in it.
    pub(crate) fn pass(&mut self, micros: u64) {
        self.run();
        let end = Instant(self.now.0 + micros);
        let due = |(who, node): (Who, &Node)| node.deadline().map(|at| (at, who));
        while let Some((at, who)) =
            self.nodes.iter().enumerate().filter_map(due).min().filter(|(at, _)| *at <= end)
        {
            self.now = self.now.max(at);
            self.queue.push_back((who, vec![Input::Tick]));
            self.run();
        }
        self.now = end;
    }

    fn run(&mut self) {
        while let Some((who, inputs)) = self.queue.pop_front() {
            self.step(who, inputs);
        }
    }

    fn step(&mut self, who: Who, inputs: Vec<Input>) {
        let mut out = std::mem::take(&mut self.out);
        self.nodes[who].handle_all(self.now, inputs, &mut out);
        for action in out.drain(..) {
            self.execute(who, action);
        }
        self.out = out;
    }

    fn execute(&mut self, who: Who, action: Action) {
        match action {
            Action::Dial { dial, addr, .. } => self.dial(who, Origin::Dialed(dial), addr),
            Action::Send { link, envelope } => self.send(who, link, *envelope),
            Action::Multicast { links, envelope } => {
                for link in links {
                    self.send(who, link, Envelope::clone(&envelope));
                }
            }
            Action::Close { link, .. } => {
                let down = |link| Input::LinkDown { link, reason: ringchat_core::DownReason::Closed };
                self.queue.push_back((who, vec![down(link)]));
                if let Some((to, link)) = self.links.remove(&(who, link)) {
                    self.links.remove(&(to, link));
                    self.queue.push_back((to, vec![down(link)]));
                }
            }
            Action::Trust { .. }
            | Action::NewLife { .. }
            | Action::Notify { .. }
            | Action::Trace { .. }
            | Action::Halt { .. } => {}
        }
    }

    fn dial(&mut self, who: Who, origin: Origin, addr: SocketAddr) {
        let Some(to) = self.nodes.iter().position(|node| node.me().addr() == addr) else {
            if let Origin::Dialed(dial) = origin {
                let failed = Input::DialFailed { dial, reason: DialFailure::Refused };
                self.queue.push_back((who, vec![failed]));
            }
            return;
        };
        self.last_link += 2;
        let (mine, theirs) = (LinkId(self.last_link), LinkId(self.last_link + 1));
        self.links.insert((who, mine), (to, theirs));
        self.links.insert((to, theirs), (who, mine));
        let remote = self.nodes[who].me().addr();
        let up = |link, origin, remote, peer| vec![Input::LinkUp { link, origin, remote, peer }];
        let [dialer, answers] = [who, to].map(|who| self.nodes[who].me().id);
        self.queue.push_back((who, up(mine, origin, addr, answers)));
        self.queue.push_back((to, up(theirs, Origin::Accepted, remote, dialer)));
    }

    fn send(&mut self, who: Who, link: LinkId, envelope: Envelope) {
        if let Some(&(to, link)) = self.links.get(&(who, link)) {
            self.queue.push_back((to, vec![Input::Received { link, envelope }]));
        }
    }
}

fn seed(who: u8) -> Seed {
    let identity = Identity::sham([who; 32]);
    Seed { identity, incarnation: NonZeroU64::MIN, room: RoomId([1; 16]), jitter: [who; 32] }
}

fn addr(who: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, who), 4000))
}

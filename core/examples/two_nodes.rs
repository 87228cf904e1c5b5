//! Two nodes in one process, joined by a queue: a driver in small, without sockets, threads or a clock.
//! `cargo run -p ringchat-core --example two_nodes`

use ringchat_core::secure::Identity;
use std::collections::{BTreeSet, VecDeque};
use std::error::Error;

use ringchat_core::{Action, Command, Config, DownReason, Input, Instant, LinkId, UnixTime};
use ringchat_core::{Name, Node, Notice, Origin, RoomId, Seed, Start, Text};

fn main() -> Result<(), Box<dyn Error>> {
    talk().map(|[alice, bob]| println!("Alice heard {alice:?}\nBob heard   {bob:?}"))
}

/// Alice creates a room, Bob joins it, and each says something. Returns what each of the two heard.
pub(crate) fn talk() -> Result<[Vec<String>; 2], Box<dyn Error>> {
    // Nothing listens there: the addresses only tell the nodes apart. A real driver draws the seeds at random.
    let (addr, now) = ("127.0.0.1:1".parse()?, Instant::ZERO);
    let alice = Config::new(addr, Name::new("Alice")?, Start::Create);
    let bob = Config::new("127.0.0.1:2".parse()?, Name::new("Bob")?, Start::Join { contacts: vec![addr] });
    let seed = |key| Seed {
        identity: Identity::from_seed([key; 32]),
        incarnation: std::num::NonZeroU64::MIN,
        room: RoomId([key; 16]),
        jitter: [key; 32],
    };
    let nodes = [Node::new(alice, seed(1), now), Node::new(bob, seed(2), now)];
    let mut pair = Pair { nodes, queue: [].into(), links: [].into(), now, heard: [vec![], vec![]] };
    pair.run_until(|pair| pair.nodes.iter().all(Node::can_say));
    pair.queue.push_back((
        0,
        Input::Command(Command::Say { texts: Text::new("hello, who is there?")?.into(), at: UnixTime(0) }),
    ));
    pair.queue.push_back((
        1,
        Input::Command(Command::Say { texts: Text::new("me, through a queue")?.into(), at: UnixTime(0) }),
    ));
    pair.run_until(|pair| pair.heard.iter().all(|lines| lines.len() == 2));
    Ok(pair.heard)
}

struct Pair {
    nodes: [Node; 2],
    queue: VecDeque<(usize, Input)>, // what is on its way to which of the two, in order
    links: BTreeSet<LinkId>,         // those that stand; both nodes call a link alike
    now: Instant,
    heard: [Vec<String>; 2],
}

impl Pair {
    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) && self.now < Instant(60_000_000) {
            // Time goes on, to the next deadline, only while nothing is on its way.
            let deadline = |who: usize| self.nodes[who].deadline().map(|at| (at, who));
            let Some((at, idle)) = [0, 1].into_iter().filter_map(deadline).min() else { return };
            let (who, input) = self.queue.pop_front().unwrap_or((idle, Input::Tick));
            self.now = if input == Input::Tick { at } else { self.now };
            let mut actions = Vec::new();
            self.nodes[who].handle(self.now, input, &mut actions);
            for action in actions {
                self.execute(who, action);
            }
        }
    }

    fn execute(&mut self, who: usize, action: Action) {
        let received = |link, envelope| (1 - who, Input::Received { link, envelope });
        match action {
            Action::Dial { dial, .. } => {
                let link = LinkId(2 * dial.0 + who as u64);
                self.links.insert(link);
                for (end, origin) in [(1 - who, Origin::Accepted), (who, Origin::Dialed(dial))] {
                    let other = self.nodes[1 - end].me();
                    let (remote, peer) = (other.addr(), other.id); // a real driver has it proven
                    self.queue.push_back((end, Input::LinkUp { link, origin, remote, peer }));
                }
            }
            Action::Send { link, envelope } => self.queue.push_back(received(link, *envelope)),
            Action::Multicast { links, envelope } => {
                self.queue.extend(links.into_iter().map(|link| received(link, (*envelope).clone())));
            }
            Action::Close { link, .. } if self.links.remove(&link) => {
                let ends = [(who, DownReason::Closed), (1 - who, DownReason::Eof)];
                self.queue.extend(ends.map(|(end, reason)| (end, Input::LinkDown { link, reason })));
            }
            Action::Notify { notice: Notice::Chat(chat), .. } => {
                self.heard[who].extend(chat.lines().map(|line| format!("{}: {}", line.from.name, line.text)));
            }
            _ => {}
        }
    }
}

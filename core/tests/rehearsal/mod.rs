//! Real nodes that talk without any delay, so that all that happens to the first of them can be written down
//! as a script for the fuzz target `node`.

use std::collections::{BTreeMap, VecDeque};

use ringchat_core::fuzzing::{BIRTH, CAST, born, escape};
use ringchat_core::wire::{Envelope, encode};
use ringchat_core::{
    Action, Command, DialFailure, DialId, DownReason, Input, Instant, LinkId, Node, NodeId, Origin, Text,
    UnixTime,
};

type Who = usize;

/// Some nodes of the cast. The script is what happens to the one numbered 0.
pub(crate) struct Rehearsal {
    nodes: BTreeMap<Who, Node>,
    now: Instant,
    queue: VecDeque<(Who, Input)>,
    /// Each link's other end.
    links: BTreeMap<(Who, LinkId), (Who, LinkId)>,
    last_link: [u64; CAST as usize],
    apart: bool,
    /// The links of the first node, in the order in which the script counts them.
    mine: Vec<LinkId>,
    script: Vec<u8>,
}

impl Rehearsal {
    /// Nobody is there, and the first node will create the room or join it.
    pub(crate) fn new(creates: bool) -> Self {
        Self {
            nodes: BTreeMap::new(),
            now: BIRTH,
            queue: VecDeque::new(),
            links: BTreeMap::new(),
            last_link: [0; CAST as usize],
            apart: false,
            mine: Vec::new(),
            script: vec![u8::from(!creates)],
        }
    }

    /// A node enters.
    pub(crate) fn enter(&mut self, who: Who, creates: bool) {
        self.nodes.insert(who, born(u8::try_from(who).unwrap(), creates));
        self.pass(1);
    }

    /// A node dies without a word.
    pub(crate) fn die(&mut self, who: Who) {
        self.nodes.remove(&who);
        for ((from, link), (to, other)) in self.links.clone() {
            if to == who {
                self.links.remove(&(from, link));
                self.links.remove(&(to, other));
                self.queue.push_back((from, Input::LinkDown { link, reason: DownReason::Io }));
            }
        }
        self.run();
    }

    /// No node reaches another any more.
    pub(crate) fn part(&mut self) {
        self.apart = true;
        for ((who, link), _) in std::mem::take(&mut self.links) {
            self.queue.push_back((who, Input::LinkDown { link, reason: DownReason::Io }));
        }
        self.run();
    }

    /// Each reaches each again.
    pub(crate) fn meet(&mut self) {
        self.apart = false;
    }

    /// Everybody says something.
    pub(crate) fn talk(&mut self) {
        for &who in self.nodes.keys() {
            let text = Text::new(&"x".repeat(2 * 64)).unwrap();
            self.queue.push_back((who, Input::Command(Command::Say { texts: text.into(), at: UnixTime(0) })));
        }
        self.run();
    }

    /// Somebody leaves.
    pub(crate) fn leave(&mut self, who: Who) {
        self.queue.push_back((who, Input::Command(Command::Leave)));
        self.pass(1);
    }

    /// Lets some seconds pass.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.run();
        let end = Instant(self.now.0 + seconds * 1_000_000);
        let due = |(who, node): (&Who, &Node)| node.deadline().map(|at| (at, *who));
        while let Some((at, who)) = self.nodes.iter().filter_map(due).min().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.queue.push_back((who, Input::Tick));
            self.run();
        }
        self.now = end;
    }

    /// What happened to the first node.
    pub(crate) fn script(self) -> Vec<u8> {
        self.script
    }

    fn run(&mut self) {
        while let Some((who, input)) = self.queue.pop_front() {
            if who == 0 && !self.write(&input) {
                continue;
            }
            let Some(node) = self.nodes.get_mut(&who) else { continue };
            let mut out = Vec::new();
            node.handle(self.now, input, &mut out);
            for action in out {
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
            Action::Halt { .. } => drop(self.nodes.remove(&who)),
            Action::Trust { .. } | Action::NewLife { .. } | Action::Notify { .. } | Action::Trace { .. } => {}
        }
    }

    fn dial(&mut self, who: Who, dial: DialId, addr: std::net::SocketAddr) {
        let remote = self.nodes[&who].me().addr();
        let there = self.nodes.iter().find(|(_, node)| node.me().addr() == addr).map(|(to, _)| *to);
        let Some(to) = there.filter(|_| !self.apart) else {
            self.queue.push_back((who, Input::DialFailed { dial, reason: DialFailure::Refused }));
            return;
        };
        let (mine, theirs) = (self.link(who), self.link(to));
        self.links.insert((who, mine), (to, theirs));
        self.links.insert((to, theirs), (who, mine));
        let up = |link, origin, remote, peer| Input::LinkUp { link, origin, remote, peer };
        let (dialer, answers) = (self.nodes[&who].me().id, self.nodes[&to].me().id);
        self.queue.push_back((who, up(mine, Origin::Dialed(dial), addr, answers)));
        self.queue.push_back((to, up(theirs, Origin::Accepted, remote, dialer)));
    }

    fn link(&mut self, who: Who) -> LinkId {
        self.last_link[who] += 1;
        LinkId(self.last_link[who])
    }

    fn send(&mut self, who: Who, link: LinkId, envelope: &Envelope) {
        if let Some(&(to, link)) = self.links.get(&(who, link)) {
            self.queue.push_back((to, Input::Received { link, envelope: envelope.clone() }));
        }
    }

    /// Writes down what happens to the first node. Tells whether a script can say it.
    fn write(&mut self, input: &Input) -> bool {
        let place =
            |link| self.mine.iter().position(|mine| *mine == link).and_then(|at| u8::try_from(at).ok());
        let step = match input {
            Input::Tick => vec![1],
            Input::LinkUp { link, origin, peer, .. } => {
                self.mine.push(*link);
                let number = (0..CAST).find(|number| id_of(*number) == *peer).unwrap();
                vec![if *origin == Origin::Accepted { 2 } else { 3 }, number]
            }
            Input::DialFailed { .. } => vec![4, 0],
            Input::LinkDown { link, .. } => {
                let Some(place) = place(*link) else { return false };
                self.mine.retain(|mine| mine != link);
                vec![5, place, 1]
            }
            Input::Heard { .. } | Input::Command(Command::Trace(_)) => return false,
            Input::Command(Command::Leave) => vec![6, 0],
            Input::Command(Command::Report) => vec![6, 1],
            Input::Command(Command::Say { .. }) => vec![6, 2],
            Input::Received { link, envelope } => {
                let mut frame = Vec::new();
                encode(envelope, &mut frame).unwrap();
                let frame = escape(&frame[4..]);
                let (Some(place), Ok(length)) = (place(*link), u8::try_from(frame.len())) else {
                    return false;
                };
                [&[7, place, length], frame.as_slice()].concat()
            }
        };
        self.script.extend(step);
        true
    }
}

/// The id of that number in the cast.
fn id_of(number: u8) -> NodeId {
    born(number, true).me().id
}

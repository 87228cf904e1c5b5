//! One node with a driver that keeps its duties, among peers that send anything.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::num::NonZeroU64;
use core::time::Duration;

use super::codec::decode_frame;
use super::peer::Peer;
use super::script::Script;
use crate::action::Action;
use crate::config::{Config, Seed, Start};
use crate::ids::{DialId, LinkId, NodeId, RoomId};
use crate::input::{Command, DialFailure, DownReason, Input, Origin};
use crate::limits::{MAX_ABSENT, MAX_ROSTER};
use crate::name::Name;
use crate::node::Node;
use crate::node::inspect::invariants;
use crate::secure::{Identity, LinkError};
use crate::text::Text;
use crate::time::{Instant, UnixTime};
use crate::wire::{DecodeError, Envelope, Message, encode};

/// How many ids a frame can name by number: the node's own, which is 0, and those of its peers.
pub const CAST: u8 = 4;

/// The incarnation of the nodes of the cast.
const CAST_LIFE: NonZeroU64 = NonZeroU64::MIN.saturating_add(1);

/// The byte in a frame after which the number of an id of the cast follows. Any other number stands for this byte
/// itself.
const ESCAPE: u8 = 0xfe;

/// The time at which the nodes of the cast start.
pub const BIRTH: Instant = Instant(1_000_000);

/// How many links are opened at most, so that a run stays short.
const MAX_LINKS: usize = 64;

/// How long a node may take to lead a room of its own, or to end, once all others are gone.
const ALONE: Duration = Duration::from_mins(1);

/// Whatever happens to a node, its invariants hold, its deadline is in the future, and it asks for nothing that its
/// driver cannot do. Once all others are gone, it goes on alone or ends.
///
/// The first byte of `data` tells how the node starts, and the others tell what happens to it, step by step.
pub fn node(data: &[u8]) {
    let mut script = Script(data);
    let mut world = World::new(script.byte() & 1 == 0);
    while !script.is_over() && !world.node.has_ended() {
        if let Some(input) = world.next(&mut script) {
            world.feed(input);
        }
    }
    world.leave_alone();
}

/// The node of that number in the cast: it creates a room, or joins one through the others.
pub fn born(number: u8, creates: bool) -> Node {
    let contacts = (0..CAST).filter(|other| *other != number).map(addr).collect();
    let start = if creates { Start::Create } else { Start::Join { contacts } };
    let (identity, room) = (identity(number), RoomId([1; RoomId::BYTES]));
    let seed = Seed { identity, incarnation: CAST_LIFE, room, jitter: [number; 32] };
    Node::new(Config::new(addr(number), Name::unknown(), start), seed, BIRTH)
}

/// A frame without its length, as [`node()`] takes it: with the ids of the cast by number.
pub fn escape(frame: &[u8]) -> Vec<u8> {
    let ids: Vec<(u8, Vec<u8>)> = (0..CAST).map(|number| (number, id_bytes(number))).collect();
    let mut escaped = Vec::new();
    let mut rest = frame;
    while let [byte, others @ ..] = rest {
        if let Some((number, id)) = ids.iter().find(|(_, id)| rest.starts_with(id)) {
            escaped.extend([ESCAPE, *number]);
            rest = rest.split_at(id.len()).1;
        } else {
            escaped.push(*byte);
            if *byte == ESCAPE {
                escaped.push(CAST);
            }
            rest = others;
        }
    }
    escaped
}

/// The node, and what its driver and its peers know.
struct World {
    node: Node,
    now: Instant,
    dialed: BTreeSet<DialId>,
    /// Dials under way, and who has to answer.
    dials: VecDeque<(DialId, Option<NodeId>)>,
    links: Vec<LinkId>,
    /// Who is at the other end of each link.
    peers: BTreeMap<LinkId, NodeId>,
    last_link: u64,
    /// The links that the node has closed.
    closed: BTreeSet<LinkId>,
    /// The room of the node's last message.
    room: RoomId,
    /// The generation in the node's last `Hello`.
    generation: u64,
}

impl World {
    fn new(creates: bool) -> Self {
        Self {
            node: born(0, creates),
            now: BIRTH,
            dialed: BTreeSet::new(),
            dials: VecDeque::new(),
            links: Vec::new(),
            peers: BTreeMap::new(),
            last_link: 0,
            closed: BTreeSet::new(),
            room: RoomId::UNKNOWN,
            generation: 0,
        }
    }

    /// Lets the next step happen, if it can.
    fn next(&mut self, script: &mut Script<'_>) -> Option<Input> {
        match script.byte() % 10 {
            0 => Some(self.wait(script)),
            1 => self.sleep(),
            2 => self.link_up(Origin::Accepted, None, script),
            3 => {
                let (dial, expected) = self.dials.pop_front()?;
                self.link_up(Origin::Dialed(dial), expected, script)
            }
            4 => {
                let (dial, _) = self.dials.pop_front()?;
                Some(Input::DialFailed { dial, reason: failure(script) })
            }
            5 => {
                let link = script.pick(&self.links)?;
                self.links.retain(|other| *other != link);
                Some(Input::LinkDown { link, reason: end(script) })
            }
            6 => command(script).map(Input::Command),
            7 => {
                let link = script.pick(&self.links)?;
                let heard = Input::Heard { link };
                Some(envelope(script).map_or(heard, |envelope| Input::Received { link, envelope }))
            }
            _ => {
                let link = script.pick(&self.links)?;
                let who = self.peers.get(&link).copied()?;
                let peer = Peer { node: &self.node, who, room: self.room, generation: self.generation };
                Some(Input::Received { link, envelope: peer.envelope(script) })
            }
        }
    }

    /// Lets some time pass, up to about a minute.
    fn wait(&mut self, script: &mut Script<'_>) -> Input {
        let time = u64::from(script.byte());
        self.now = self.now.after(Duration::from_millis(time.saturating_mul(time)));
        Input::Tick
    }

    /// Lets time pass up to the node's deadline.
    fn sleep(&mut self) -> Option<Input> {
        self.now = self.now.max(self.node.deadline()?);
        Some(Input::Tick)
    }

    /// A link opens, to whoever is expected or else to whom the script tells.
    fn link_up(
        &mut self,
        origin: Origin,
        expected: Option<NodeId>,
        script: &mut Script<'_>,
    ) -> Option<Input> {
        if self.links.len() >= MAX_LINKS {
            return match origin {
                Origin::Dialed(dial) => Some(Input::DialFailed { dial, reason: DialFailure::Unreachable }),
                Origin::Accepted => None,
            };
        }
        self.last_link = self.last_link.saturating_add(1);
        let link = LinkId(self.last_link);
        self.links.push(link);
        let number = script.byte() % (2 * CAST);
        let told = Some(in_cast(number)).filter(|who| *who != self.node.me().id);
        let peer = expected.or(told).unwrap_or_else(|| in_cast(CAST));
        self.peers.insert(link, peer);
        Some(Input::LinkUp { link, origin, remote: addr(number % CAST), peer })
    }

    /// Breaks all links, and lets all dials fail.
    fn leave_alone(&mut self) {
        while let Some(link) = self.links.pop() {
            self.feed(Input::LinkDown { link, reason: DownReason::Io });
        }
        let end = self.now.after(ALONE);
        while !self.is_settled() {
            let input = match self.dials.pop_front() {
                Some((dial, _)) => Some(Input::DialFailed { dial, reason: DialFailure::Refused }),
                None => self.sleep(),
            };
            assert!(input.is_some() && self.now < end, "stuck alone: {:?}", self.node);
            if let Some(input) = input {
                self.feed(input);
            }
        }
    }

    /// Whether the node has ended, or leads a room of its own.
    fn is_settled(&self) -> bool {
        self.node.has_ended() || self.node.is_leader() && self.node.roster().len() == 1
    }

    fn feed(&mut self, input: Input) {
        if self.node.has_ended() {
            return;
        }
        let mut out = Vec::new();
        let told = input.clone();
        self.node.handle(self.now, input, &mut out);
        let mut halted = false;
        for action in out {
            assert!(!halted, "something follows the halt: {action:?}");
            halted = matches!(action, Action::Halt { .. });
            self.execute(action);
        }
        assert_eq!(halted, self.node.has_ended(), "it ends with a halt, and only then");
        if halted {
            return;
        }
        assert_eq!(invariants::check(&self.node), Ok(()), "after {told:?}: {:?}", self.node);
        assert!(self.node.roster().len() <= MAX_ROSTER, "too many members");
        assert!(self.node.lost().count() <= MAX_ABSENT, "too many are remembered");
        let deadline = self.node.deadline();
        assert!(deadline.is_none_or(|deadline| deadline > self.now), "a deadline is due that was handled");
    }

    /// Executes an action as far as a driver would. Panics if a driver cannot.
    fn execute(&mut self, action: Action) {
        match action {
            Action::Dial { dial, expected, .. } => {
                assert!(self.dialed.insert(dial), "{dial:?} is used twice");
                assert!(expected != Some(self.node.me().id), "it dials itself");
                self.dials.push_back((dial, expected));
            }
            Action::Send { link, envelope } => {
                self.check_open(link);
                self.check_sent(&envelope);
            }
            Action::Multicast { links, envelope } => {
                for link in links {
                    self.check_open(link);
                }
                self.check_sent(&envelope);
            }
            Action::Trust { link } => self.check_open(link),
            Action::Close { link, .. } => {
                self.check_open(link);
                self.closed.insert(link);
            }
            Action::NewLife { .. } | Action::Notify { .. } | Action::Trace { .. } | Action::Halt { .. } => {}
        }
    }

    fn check_open(&self, link: LinkId) {
        assert!(self.links.contains(&link), "there is no {link:?}");
        assert!(!self.closed.contains(&link), "{link:?} was closed");
    }

    fn check_sent(&mut self, envelope: &Envelope) {
        assert_eq!(encode(envelope, &mut Vec::new()), Ok(()), "what is sent fits a frame");
        self.room = envelope.room;
        if let Message::Hello(hello) = &envelope.message {
            self.generation = hello.generation;
        }
    }
}

/// The message in the bytes, if there is one.
fn envelope(script: &mut Script<'_>) -> Option<Envelope> {
    let length = usize::from(script.byte());
    let mut bytes = script.bytes(length).iter().copied();
    let mut frame = Vec::new();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.clone().next()) {
            (ESCAPE, Some(number)) => {
                bytes.next();
                unescape(number, &mut frame);
            }
            _ => frame.push(byte),
        }
    }
    decode_frame(&frame)
}

fn command(script: &mut Script<'_>) -> Option<Command> {
    match script.byte() {
        0 => Some(Command::Leave),
        1 => Some(Command::Report),
        length => {
            let text = "x".repeat(usize::from(length).saturating_mul(64));
            Text::new(&text).ok().map(|text| Command::Say { texts: text.into(), at: UnixTime(0) })
        }
    }
}

fn failure(script: &mut Script<'_>) -> DialFailure {
    let failures = [
        DialFailure::Refused,
        DialFailure::TimedOut,
        DialFailure::Unreachable,
        DialFailure::Broken,
        DialFailure::Absent,
        DialFailure::Unanswered,
        DialFailure::NoMember,
        DialFailure::Another,
        DialFailure::Oneself,
    ];
    script.pick(&failures).unwrap_or(DialFailure::Refused)
}

fn end(script: &mut Script<'_>) -> DownReason {
    let ends = [
        DownReason::Eof,
        DownReason::Io,
        DownReason::Overflow,
        DownReason::Closed,
        DownReason::Protocol(DecodeError::Malformed),
        DownReason::Link(LinkError::BadRecord),
        DownReason::Link(LinkError::Worn),
    ];
    script.pick(&ends).unwrap_or(DownReason::Eof)
}

fn unescape(number: u8, frame: &mut Vec<u8>) {
    if number < CAST {
        frame.extend(id_bytes(number));
    } else {
        frame.push(ESCAPE);
    }
}

/// An id of the cast, encoded as in a frame.
fn id_bytes(number: u8) -> Vec<u8> {
    postcard::to_allocvec(&cast(number)).unwrap_or_default()
}

/// The id of that number in the cast.
pub(super) fn cast(number: u8) -> NodeId {
    life(number, CAST_LIFE)
}

/// An id of the cast, or one of another life of it.
pub(super) fn in_cast(number: u8) -> NodeId {
    if number < CAST { cast(number) } else { life(number % CAST, NonZeroU64::MIN) }
}

/// The id of that number in the life called `incarnation`.
pub(super) fn life(number: u8, incarnation: NonZeroU64) -> NodeId {
    NodeId::new(identity(number).key(), incarnation)
}

fn identity(number: u8) -> Identity {
    Identity::sham([number.saturating_add(1); 32])
}

pub(super) fn addr(number: u8) -> SocketAddr {
    ([10, 0, 0, number.saturating_add(1)], 4000).into()
}

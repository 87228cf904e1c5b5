//! One node, driven as a driver may, among peers that say anything at all.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::decode_frame;
use crate::action::Action;
use crate::config::{Config, Start};
use crate::ids::{DialId, LinkId, Name, Text};
use crate::input::{Command, DialFailure, DownReason, Input, Origin};
use crate::node::Node;
use crate::node::invariants::{self, Violation};
use crate::time::Instant;
use crate::wire::{DecodeError, Envelope, encode};

/// How many ids a frame can name by number: the node's own, which is 0, and those of its peers.
pub const CAST: u8 = 4;

/// In a frame: an id of the cast follows, by its number. Any other number stands for this byte itself.
const ESCAPE: u8 = 0xfe;

/// When the nodes of the cast are born.
pub const BIRTH: Instant = Instant(1_000_000);

/// More than these are not opened, so that a run stays short.
const MAX_LINKS: usize = 64;

/// Whatever happens to a node, it keeps its state in order, wants to be woken later than now, and asks for
/// nothing that its driver cannot do.
///
/// The first byte of `data` tells how the node starts, and the others what happens to it, step by step.
pub fn node(data: &[u8]) {
    let mut script = Script(data);
    let mut world = World::new(script.byte() & 1 == 0);
    while !script.0.is_empty() && !world.node.has_ended() {
        if let Some(input) = world.next(&mut script) {
            world.feed(input);
        }
    }
}

/// The node of that number in the cast: it creates a room, or joins one through the others.
pub fn born(number: u8, creates: bool) -> Node {
    let contacts = (0..CAST).filter(|other| *other != number).map(addr).collect();
    let start = if creates { Start::Create } else { Start::Join { contacts } };
    Node::new(Config::new(addr(number), Name::unknown(), start), [number; 32], BIRTH)
}

/// A frame, without its length, as [`node()`] takes it: with the ids of the cast by number.
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

/// What is left of the bytes that say what happens. After their end all is zero.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (now, later) = self.0.split_at(count.min(self.0.len()));
        self.0 = later;
        now
    }

    /// One of `items`, if there is any.
    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let at = usize::from(self.byte()).checked_rem(items.len())?;
        items.get(at).copied()
    }
}

/// The node, and what its driver knows.
struct World {
    node: Node,
    now: Instant,
    dialed: BTreeSet<DialId>,
    dials: VecDeque<DialId>,
    links: Vec<LinkId>,
    last_link: u64,
}

impl World {
    fn new(creates: bool) -> Self {
        let (dialed, dials) = (BTreeSet::new(), VecDeque::new());
        Self { node: born(0, creates), now: BIRTH, dialed, dials, links: Vec::new(), last_link: 0 }
    }

    /// What happens next, if it can happen.
    fn next(&mut self, script: &mut Script) -> Option<Input> {
        match script.byte() % 8 {
            0 => Some(self.wait(script)),
            1 => self.sleep(),
            2 => self.link_up(Origin::Accepted, script),
            3 => {
                let dial = self.dials.pop_front()?;
                self.link_up(Origin::Dialed(dial), script)
            }
            4 => {
                let dial = self.dials.pop_front()?;
                Some(Input::DialFailed { dial, reason: failure(script) })
            }
            5 => {
                let link = script.pick(&self.links)?;
                self.links.retain(|other| *other != link);
                Some(Input::LinkDown { link, reason: end(script) })
            }
            6 => command(script).map(Input::Command),
            _ => {
                let link = script.pick(&self.links)?;
                let envelope = envelope(script)?;
                Some(Input::Received { link, envelope })
            }
        }
    }

    /// Some time passes, up to a minute or so.
    fn wait(&mut self, script: &mut Script) -> Input {
        let time = u64::from(script.byte());
        self.now = self.now.after(Duration::from_millis(time.saturating_mul(time)));
        Input::Tick
    }

    /// The time passes that the node wants to.
    fn sleep(&mut self) -> Option<Input> {
        self.now = self.now.max(self.node.deadline()?.at);
        Some(Input::Tick)
    }

    fn link_up(&mut self, origin: Origin, script: &mut Script) -> Option<Input> {
        if self.links.len() >= MAX_LINKS {
            return match origin {
                Origin::Dialed(dial) => Some(Input::DialFailed { dial, reason: DialFailure::Unreachable }),
                Origin::Accepted => None,
            };
        }
        self.last_link = self.last_link.saturating_add(1);
        let link = LinkId(self.last_link);
        self.links.push(link);
        Some(Input::LinkUp { link, origin, remote: addr(script.byte() % CAST) })
    }

    fn feed(&mut self, input: Input) {
        let mut out = Vec::new();
        self.node.handle(self.now, input, &mut out);
        let mut halted = false;
        for action in out {
            assert!(!halted, "something follows the halt: {action:?}");
            halted = action == Action::Halt;
            self.check(&action);
        }
        assert_eq!(halted, self.node.has_ended(), "it ends with a halt, and only then");
        if halted {
            return;
        }
        assert!(is_sound(&self.node), "{:?}", invariants::check(&self.node));
        let late = self.node.deadline().filter(|deadline| deadline.at <= self.now);
        assert_eq!(late, None, "it is {}", self.now);
    }

    /// Whether a driver can do that.
    fn check(&mut self, action: &Action) {
        match action {
            Action::Dial { dial, .. } => {
                assert!(self.dialed.insert(*dial), "{dial:?} is used twice");
                self.dials.push_back(*dial);
            }
            Action::Send { link, envelope } => {
                self.check_link(*link);
                check_fits(envelope);
            }
            Action::Multicast { links, envelope } => {
                for link in links {
                    self.check_link(*link);
                }
                check_fits(envelope);
            }
            Action::Trust { link } | Action::Close { link, .. } => self.check_link(*link),
            Action::Notify { .. } | Action::Halt => {}
        }
    }

    fn check_link(&self, link: LinkId) {
        assert!(self.links.contains(&link), "there is no {link:?}");
    }
}

/// Whether the node is as it must be whoever its peers are. The log is what a leader says that it is, so a
/// leader that lies can write one without order, and no more than that.
fn is_sound(node: &Node) -> bool {
    let violation = invariants::check(node).err();
    matches!(violation, None | Some(Violation::LogOrder | Violation::ShownAboveLog))
}

fn check_fits(envelope: &Envelope) {
    assert_eq!(encode(envelope, &mut Vec::new()), Ok(()), "what is sent fits a frame");
}

/// A message, if the bytes make one.
fn envelope(script: &mut Script) -> Option<Envelope> {
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
    decode_frame(&frame).pop()
}

fn command(script: &mut Script) -> Option<Command> {
    match script.byte() {
        0 => Some(Command::Leave),
        1 => Some(Command::Report),
        length => {
            let text = "x".repeat(usize::from(length).saturating_mul(64));
            Text::new(&text).ok().map(Command::Say)
        }
    }
}

fn failure(script: &mut Script) -> DialFailure {
    let failures = [DialFailure::Refused, DialFailure::TimedOut, DialFailure::Unreachable];
    script.pick(&failures).unwrap_or(DialFailure::Refused)
}

fn end(script: &mut Script) -> DownReason {
    let ends = [
        DownReason::Eof,
        DownReason::Io,
        DownReason::Overflow,
        DownReason::Closed,
        DownReason::Protocol(DecodeError::NotRingchat),
        DownReason::Protocol(DecodeError::Version { theirs: 0 }),
        DownReason::Protocol(DecodeError::Truncated),
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

/// An id of the cast as it stands in a frame.
fn id_bytes(number: u8) -> Vec<u8> {
    postcard::to_allocvec(&born(number, true).me().id).unwrap_or_default()
}

fn addr(number: u8) -> SocketAddr {
    ([10, 0, 0, number.saturating_add(1)], 4000).into()
}

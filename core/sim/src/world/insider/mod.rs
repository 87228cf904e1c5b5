//! A member with keys of its own that lies. Its node keeps to the protocol; what goes out of it is altered or held back, and
//! other messages come between. Everything is drawn from its seed.
//!
//! - [`words`]: runs and numbers of its own and of others, in what its node says.
//! - [`fields`]: any field of any message.
//! - [`out_of_turn`]: messages of every kind that nobody waits for.
//! - [`inventions`]: the values that fields get: numbers, members that nobody is, addresses of third parties.

mod fields;
mod inventions;
mod out_of_turn;
mod words;

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use ringchat_core::secure::Identity;
use ringchat_core::trace::MessageKind;
use ringchat_core::wire::{Envelope, Message, Proven, Run, Sync};
use ringchat_core::{ConfigId, Epoch, Index, LinkId, Member, Node, NodeId, RoomId, Roster, Stamp, View};

use self::inventions::third_party;
use super::{Place, World, addr_of};
use crate::HostId;
use crate::rng::Rng;

/// How many of a thousand messages it alters in their words.
const LIES: u32 = 300;

/// How many of a thousand messages it may alter in any field, and how many of a thousand turns of its node a message out of
/// turn may follow: of liars that lie seldom, and of those that lie often.
const OFTEN: [u32; 4] = [20, 80, 200, 500];

/// The parts of a tail with which it goes on, after one that should have been the last.
const ENDLESS: usize = 20;

/// A kind of lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lie {
    /// Words, their numbers and stamps, and how many there are, in what its node says.
    Words,
    /// Any field of any message.
    Fields,
    /// Messages that nobody waits for.
    OutOfTurn,
    /// Members that nobody is, at addresses of third parties.
    Inventions,
    /// Some kinds of messages are never sent: answers, acknowledgements, tokens.
    Silence,
    /// Tails of logs that have no end.
    EndlessTails,
    /// It reads nothing for a while.
    Deafness,
    /// It comes in again and again, with new keys, and tells addresses of others.
    FalseAddresses,
}

/// Which kinds of lies a liar tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lies(u8);

impl Lies {
    /// All kinds.
    pub const ALL: [Lie; 8] = [
        Lie::Words,
        Lie::Fields,
        Lie::OutOfTurn,
        Lie::Inventions,
        Lie::Silence,
        Lie::EndlessTails,
        Lie::Deafness,
        Lie::FalseAddresses,
    ];

    /// These kinds.
    pub const fn of(lies: &[Lie]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < lies.len() {
            bits |= 1 << lies[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// The kinds whose bits are set, in the order of [`ALL`](Self::ALL).
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Some of all kinds, at least one.
    pub fn draw(rng: &mut Rng) -> Self {
        let mut some: Vec<Lie> = Self::ALL.into_iter().filter(|_| rng.chance(400)).collect();
        some.extend(rng.pick(&Self::ALL));
        Self::of(&some)
    }

    /// Whether this kind is among them.
    pub const fn contains(self, lie: Lie) -> bool {
        self.0 >> lie as u8 & 1 == 1
    }
}

/// What the liar knows.
#[derive(Clone, Debug)]
pub(super) struct Insider {
    rng: Rng,
    identity: Identity,
    lies: Lies,
    /// How many of a thousand occasions it uses.
    often: u32,
    /// The kinds of messages of which it alters fields.
    altered: BTreeSet<MessageKind>,
    /// The kinds of messages that it sends out of turn.
    forged: Vec<MessageKind>,
    /// The kinds of messages that it never sends.
    withheld: BTreeSet<MessageKind>,
    /// Runs of others, to use them again.
    heard: Vec<Proven<Run>>,
    known: Known,
}

/// What its node holds.
#[derive(Clone, Debug)]
struct Known {
    me: Member,
    room: RoomId,
    roster: Roster,
    view: View,
    cfg: ConfigId,
    promised: Epoch,
    length: Index,
    lamport: Stamp,
}

impl Known {
    fn of(node: &Node) -> Self {
        Self {
            me: node.me().clone(),
            room: node.room(),
            roster: node.roster().clone(),
            view: node.view(),
            cfg: node.cfg(),
            promised: node.promised(),
            length: node.log_len(),
            lamport: node.lamport(),
        }
    }
}

impl World {
    /// A process tells lies of these kinds from now on.
    pub fn corrupt(&mut self, host: HostId, lies: Lies) {
        self.count_fault("liar");
        self.trace.event(self.now, format_args!("{} lies from now on", self.processes[host.0].label));
        let identity = self.identity_of(self.processes[host.0].place);
        let insider = Insider::new(self.rng.fork(), identity, lies, &self.processes[host.0].node);
        self.processes[host.0].insider = Some(insider);
        self.transcripts.corrupt(host);
    }

    /// Whether a process lies.
    pub fn is_liar(&self, host: HostId) -> bool {
        self.transcripts.is_liar(host)
    }

    /// A liar sends messages of any kind, which `choice` decides, to the others that it is linked to.
    pub fn forge(&mut self, host: HostId, choice: u64) {
        if let Some(insider) = &mut self.processes[host.0].insider {
            insider.rng = Rng::new(choice);
            insider.forged = MessageKind::ALL.to_vec();
            self.speak_out_of_turn(host);
        }
    }

    /// A process that lies sends something to each of `links`. What does not fit a frame is not sent.
    pub(super) fn send_lies(&mut self, host: HostId, links: &[LinkId], envelope: &Envelope) {
        for &link in links {
            let to = self.id_at_other_end(link);
            let process = &mut self.processes[host.0];
            let Some(insider) = &mut process.insider else { return };
            for lie in insider.lies_for(&process.node, to, envelope) {
                let _ = self.network.send(&[link], &lie);
            }
        }
    }

    /// After a turn of its node, a liar may say what nobody waits for.
    pub(super) fn add_lies(&mut self, host: HostId) {
        let Some(insider) = &mut self.processes[host.0].insider else { return };
        if insider.lies.contains(Lie::OutOfTurn) && insider.rng.chance(insider.often) {
            self.speak_out_of_turn(host);
        }
    }

    fn speak_out_of_turn(&mut self, host: HostId) {
        let links = self.network.links_of(host);
        let Some(insider) = &mut self.processes[host.0].insider else { return };
        let Some(&link) = insider.rng.pick(&links) else { return };
        let to = self.id_at_other_end(link);
        let process = &mut self.processes[host.0];
        let Some(insider) = &mut process.insider else { return };
        let forged = insider.speak(&process.node, to);
        let (label, kind) = (&process.label, MessageKind::of(&forged.message).name());
        self.trace.event(self.now, format_args!("{label} sends a {kind} out of turn"));
        let _ = self.network.send(&[link], &forged);
    }

    fn id_at_other_end(&self, link: LinkId) -> Option<NodeId> {
        self.network.other(link).map(|other| self.processes[other.0].node.me().id)
    }
}

impl Insider {
    fn new(mut rng: Rng, identity: Identity, lies: Lies, node: &Node) -> Self {
        let often = rng.pick(&OFTEN).copied().unwrap_or_default();
        let altered = some_kinds(&mut rng, 12).into_iter().collect();
        let forged = some_kinds(&mut rng, 12);
        let mut withheld = BTreeSet::new();
        if lies.contains(Lie::Silence) {
            withheld.extend(some_kinds(&mut rng, 3));
        }
        Self {
            rng,
            identity,
            lies,
            often,
            altered,
            forged,
            withheld,
            heard: Vec::new(),
            known: Known::of(node),
        }
    }

    /// What it sends to `to` in place of what its node wants to send.
    fn lies_for(&mut self, node: &Node, to: Option<NodeId>, envelope: &Envelope) -> Vec<Envelope> {
        if self.withheld.contains(&MessageKind::of(&envelope.message)) {
            return Vec::new();
        }
        self.known = Known::of(node);
        let mut lie = envelope.clone();
        if self.lies.contains(Lie::Words) {
            lie = self.lie(to, envelope);
        }
        let kind = MessageKind::of(&lie.message);
        if self.lies.contains(Lie::Fields) && self.altered.contains(&kind) && self.rng.chance(self.often) {
            self.alter_fields(&mut lie);
        }
        match &lie.message {
            Message::Sync(sync) if self.lies.contains(Lie::EndlessTails) => self.without_end(&lie, sync),
            _ => vec![lie],
        }
    }

    /// The part of a tail again and again, each time as if more followed.
    fn without_end(&mut self, lie: &Envelope, sync: &Sync) -> Vec<Envelope> {
        let mut tail = sync.tail.clone();
        tail.extend(self.heard.iter().cloned());
        let sync = Sync { tail, more: true, ..sync.clone() };
        let part = Envelope { message: Message::Sync(sync), ..lie.clone() };
        vec![part; ENDLESS]
    }

    /// A message out of turn.
    fn speak(&mut self, node: &Node, to: Option<NodeId>) -> Envelope {
        self.known = Known::of(node);
        let kind = self.rng.pick(&self.forged).copied().unwrap_or(MessageKind::WantRoster);
        let message = self.message(node, to, kind);
        let stamp = self.known.lamport.plus(self.rng.below(3));
        let mut forged = Envelope { room: self.known.room, stamp, message };
        if self.rng.chance(700) {
            self.alter_fields(&mut forged);
        }
        forged
    }
}

/// A few kinds, up to `most`, seldom all: a liar that says what has no place anywhere is thrown out soon.
fn some_kinds(rng: &mut Rng, most: u64) -> Vec<MessageKind> {
    if rng.chance(100) {
        return MessageKind::ALL.to_vec();
    }
    (0..=rng.below(most)).filter_map(|_| rng.pick(MessageKind::ALL).copied()).collect()
}

/// What a member that comes in under a false address tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FalseAddress {
    /// An address of a third party, who has nothing to do with the room.
    ThirdParty(u64),
    /// The address of this place.
    OfPlace(Place),
}

impl World {
    /// A process at `place` joins through `contacts`, tells that it listens at another address, and lies from now on.
    pub fn join_falsely(&mut self, place: Place, contacts: &[Place], at: FalseAddress, lies: Lies) -> HostId {
        let addr = match at {
            FalseAddress::ThirdParty(which) => third_party(which),
            FalseAddress::OfPlace(place) => addr_of(place),
        };
        self.count_fault("false address");
        let host = self.start_told(place, addr, super::join_through(contacts));
        self.corrupt(host, lies);
        host
    }
}

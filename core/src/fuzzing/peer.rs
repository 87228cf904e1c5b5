//! What a peer may send: any well-formed message, with contents that are plausible to its receiver, so that lies pass
//! the first checks.

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use super::node::{CAST, addr, cast, in_cast, life};
use super::script::Script;
use crate::action::Departure;
use crate::ids::{NodeId, RoomId};
use crate::limits::{MAX_ROSTER, MAX_TEXT};
use crate::name::Name;
use crate::node::Node;
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::roster::{ConfigId, Member, Roster, View};
use crate::text::Text;
use crate::text_run::TextRun;
use crate::wire::{
    Beat, Body, CandidateRank, Change, Deliver, Elect, Elected, Entry, Envelope, Hello, Install, Join,
    Message, NotMember, Proven, Refusal, RefusedKind, Run, Sync, ViewSpan,
};

/// A peer that knows the node to which it sends.
pub(super) struct Peer<'a> {
    pub(super) node: &'a Node,
    /// Its own id.
    pub(super) who: NodeId,
    /// The room of the node's last message.
    pub(super) room: RoomId,
    /// The generation in the node's last `Hello`.
    pub(super) generation: u64,
}

impl Peer<'_> {
    pub(super) fn envelope(&self, script: &mut Script<'_>) -> Envelope {
        let room = if script.byte() == u8::MAX { RoomId([u8::MAX; RoomId::BYTES]) } else { self.room };
        Envelope { room, stamp: self.stamp(script), message: self.message(script) }
    }

    fn message(&self, script: &mut Script<'_>) -> Message {
        match script.byte() % 25 {
            0..=1 => Message::Hello(self.hello(script)),
            2 => Message::NotMember(self.not_member(script)),
            3 => Message::Superseded { generation: self.generation(script) },
            4 => Message::WantRoster,
            5 => Message::Roster { cfg: self.cfg(script), roster: roster(script) },
            6 => Message::Ping(self.beat(script)),
            7 => Message::Pong(self.beat(script)),
            8 => Message::Elect(self.elect(script)),
            9 => Message::Elected(self.elected(script)),
            10 => Message::Submit { view: self.view(script), said: script.few(|script| self.said(script)) },
            11 => Message::Deliver(self.deliver(script)),
            12 => Message::Ack { view: self.view(script), index: self.index(script) },
            13 => Message::Sync(self.sync(script)),
            14 => Message::Install(self.install(script)),
            15 => Message::Suspect { id: id(script) },
            16 => Message::Draining,
            17 => Message::Leave,
            18 => Message::Goodbye { successor: script.maybe(id) },
            19 => Message::Refused(refusal(script)),
            20 => Message::Join(self.join(script)),
            21 => self.probe(script),
            22 => Message::JoinVia { me: self.me(script), leader: member(script) },
            23 => Message::WantPromise { round: u64::from(script.byte()) },
            _ => Message::Promise { round: u64::from(script.byte() % 4), epoch: self.epoch(script) },
        }
    }

    /// Its own id. Seldom it lies.
    fn me(&self, script: &mut Script<'_>) -> NodeId {
        let number = script.byte();
        if number == u8::MAX { in_cast(CAST) } else { self.who }
    }

    /// Itself, as a member anywhere.
    fn myself(&self, script: &mut Script<'_>) -> Member {
        let number = script.byte();
        let id = if number == u8::MAX { in_cast(CAST) } else { self.who };
        Member::new(id, addr(number % CAST), Name::unknown())
    }

    fn hello(&self, script: &mut Script<'_>) -> Hello {
        let flags = script.byte();
        let you = if flags & 4 == 0 { self.node.me().id } else { id(script) };
        Hello {
            me: self.me(script),
            you,
            generation: self.generation(script),
            next: flags & 1 == 1,
            answer: flags & 2 == 2,
            view: script.maybe(|script| self.view(script)),
            cfg: script.maybe(|script| self.cfg(script)),
        }
    }

    fn not_member(&self, script: &mut Script<'_>) -> NotMember {
        use RefusedKind::{Elect, Hello, Ping, Sync, WantPromise};
        NotMember {
            re: script.pick(&[Hello, Elect, Sync, Ping, WantPromise]).unwrap_or(Hello),
            epoch: self.epoch(script),
            me: self.me(script),
            cfg: script.maybe(|script| self.cfg(script)),
        }
    }

    fn beat(&self, script: &mut Script<'_>) -> Beat {
        Beat {
            view: script.maybe(|script| self.view(script)),
            cfg: script.maybe(|script| self.cfg(script)),
            stable: self.index(script),
        }
    }

    fn elect(&self, script: &mut Script<'_>) -> Elect {
        Elect {
            epoch: self.epoch(script),
            candidate: CandidateRank {
                epoch: self.epoch(script),
                length: self.index(script),
                id: id(script),
            },
            path: script.few(id),
            cfg: self.cfg(script),
            roster: script.maybe(roster),
        }
    }

    fn elected(&self, script: &mut Script<'_>) -> Elected {
        Elected { cfg: self.cfg(script), roster: roster(script), history: self.history(script) }
    }

    fn deliver(&self, script: &mut Script<'_>) -> Deliver {
        let view = self.view(script);
        let mut at = self.index(script);
        let entries = script.few(|script| {
            let view = if script.byte() == u8::MAX { self.view(script) } else { view };
            let entry = Entry { view, index: at, stamp: self.stamp(script), body: self.body(script) };
            at = entry.end();
            entry
        });
        Deliver { view, entries, stable: self.index(script) }
    }

    fn sync(&self, script: &mut Script<'_>) -> Sync {
        Sync {
            view: self.view(script),
            history: self.history(script),
            tail: script.few(|script| self.said(script)),
            more: script.flag(),
        }
    }

    fn install(&self, script: &mut Script<'_>) -> Install {
        let common = self.index(script);
        let base = if script.flag() { self.index(script) } else { common };
        Install {
            cfg: self.cfg(script),
            roster: roster(script),
            common,
            base,
            end: base.plus(u64::from(script.byte() % 4)),
            origins: script.few(|script| (id(script), self.seq(id(script), script))).into_iter().collect(),
            history: self.history(script),
            stable: self.index(script),
        }
    }

    fn join(&self, script: &mut Script<'_>) -> Join {
        Join {
            me: self.myself(script),
            contact: script.maybe(id),
            epoch: self.epoch(script),
            generation: self.generation(script),
            ring: script.few(member),
        }
    }

    fn probe(&self, script: &mut Script<'_>) -> Message {
        let me = self.myself(script);
        if script.flag() {
            return Message::ProbeReply { me };
        }
        Message::Probe { me, size: self.index(script).0 }
    }

    fn body(&self, script: &mut Script<'_>) -> Body {
        match script.byte() % 4 {
            0 => Body::Membership { cfg: self.cfg(script), change: self.change(script).into() },
            1 => Body::Chat { said: self.said(script), missing: u64::from(script.byte()), replayed: false },
            _ => Body::Chat { said: self.said(script), missing: 0, replayed: script.flag() },
        }
    }

    fn change(&self, script: &mut Script<'_>) -> Change {
        if script.flag() {
            return Change::Opened { roster: roster(script), lost: script.few(member) };
        }
        let departures = [Departure::Quit, Departure::Lost];
        Change::Edit {
            gone: script.few(|script| (member(script), script.pick(&departures).unwrap_or(Departure::Lost))),
            joined: roster(script).iter().map(|member| (member.clone(), self.node.me().id)).collect(),
            merged: script.flag(),
        }
    }

    fn said(&self, script: &mut Script<'_>) -> Proven<Run> {
        let origin = member(script);
        let first = self.seq(origin.id, script);
        let (length, count) = match script.byte() {
            u8::MAX => (MAX_TEXT, 1),
            byte => (usize::from(byte % 8), usize::from(byte >> 5).max(1)),
        };
        let texts = TextRun::new(&vec![text(length); count]).unwrap_or_else(|| text(length).into());
        Run::sham(RoomId::UNKNOWN, origin.into(), first, self.stamp(script), texts)
    }

    /// The number of a message of `origin`: mostly the next one after those in the log.
    fn seq(&self, origin: NodeId, script: &mut Script<'_>) -> Seq {
        let mine = |body: &Body| match body {
            Body::Chat { said, .. } if said.origin.id == origin => Some(said.last()),
            Body::Chat { .. } | Body::Membership { .. } => None,
        };
        let last = self.node.log_entries().filter_map(|entry| mine(&entry.body)).max().unwrap_or_default();
        Seq(near(last.next().0, script).max(1))
    }

    fn history(&self, script: &mut Script<'_>) -> Vec<ViewSpan> {
        if script.flag() {
            return script.few(|script| ViewSpan { view: self.view(script), end: self.index(script) });
        }
        let mut history: Vec<ViewSpan> = Vec::new();
        for entry in self.node.log_entries() {
            let end = entry.end();
            match history.last_mut() {
                Some(last) if last.view == entry.view => last.end = end,
                _ => history.push(ViewSpan { view: entry.view, end }),
            }
        }
        history
    }

    fn cfg(&self, script: &mut Script<'_>) -> ConfigId {
        match script.byte() % 4 {
            0 => self.node.cfg(),
            1 => self.node.cfg().next(),
            2 => ConfigId::first(self.view(script)),
            _ => ConfigId { view: self.view(script), n: near(self.node.cfg().n, script) },
        }
    }

    fn view(&self, script: &mut Script<'_>) -> View {
        match script.byte() % 4 {
            0 => self.node.view(),
            1 => View { epoch: self.node.promised(), leader: id(script) },
            2 => View { epoch: self.node.promised().next(), leader: id(script) },
            _ => View { epoch: self.epoch(script), leader: id(script) },
        }
    }

    fn epoch(&self, script: &mut Script<'_>) -> Epoch {
        Epoch(near(self.node.promised().0, script))
    }

    fn index(&self, script: &mut Script<'_>) -> Index {
        Index(near(self.node.log_len().0, script))
    }

    fn stamp(&self, script: &mut Script<'_>) -> Stamp {
        Stamp(near(self.node.lamport().0, script))
    }

    fn generation(&self, script: &mut Script<'_>) -> u64 {
        near(self.generation, script)
    }
}

/// Some ids of the cast, beginning with any of them. Seldom as many as a room can have.
fn roster(script: &mut Script<'_>) -> Roster {
    let who = script.byte();
    let mut members: Vec<Member> = match who {
        u8::MAX => (0..MAX_ROSTER as u64).map(in_crowd).collect(),
        _ => (0..CAST).filter(|number| who >> number & 1 == 1).map(named).collect(),
    };
    let turn = usize::from(who >> CAST).checked_rem(members.len()).unwrap_or(0);
    members.rotate_left(turn);
    Roster::new(members).unwrap_or_default()
}

fn named(number: u8) -> Member {
    Member::new(cast(number), addr(number), Name::unknown())
}

fn refusal(script: &mut Script<'_>) -> Refusal {
    let refusals = [
        Refusal::RoomFull,
        Refusal::Slow,
        Refusal::Busy,
        Refusal::TooLate,
        Refusal::EpochTooHigh,
        Refusal::AddressTaken,
    ];
    script.pick(&refusals).unwrap_or(Refusal::Busy)
}

fn member(script: &mut Script<'_>) -> Member {
    let number = script.byte() % (2 * CAST);
    Member::new(in_cast(number), addr(number % CAST), Name::unknown())
}

fn id(script: &mut Script<'_>) -> NodeId {
    in_cast(script.byte() % (2 * CAST))
}

/// One of as many ids as a room can have.
fn in_crowd(number: u64) -> Member {
    let id = life(CAST, NonZeroU64::MIN.saturating_add(number));
    Member::new(id, addr(CAST), Name::unknown())
}

fn text(length: usize) -> Text {
    Text::new(&"x".repeat(length)).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Mostly `value`, otherwise a number close to it or far away.
fn near(value: u64, script: &mut Script<'_>) -> u64 {
    let how = script.byte();
    match how % 16 {
        0..=7 => value,
        8 => value.saturating_add(1),
        9 => value.saturating_sub(1),
        10 => value.saturating_add(u64::from(how >> 4)),
        11 => value.saturating_sub(u64::from(how >> 4)),
        12 => u64::from(how >> 4),
        13 => value.saturating_add(u64::from(how)),
        14 => value / 2,
        _ => u64::MAX,
    }
}

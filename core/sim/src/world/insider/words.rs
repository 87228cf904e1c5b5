//! Words: half of the lies are words that their author did not sign, which no decoder lets through. The others are well
//! signed: old runs again, other words under an old number, numbers that leap, last numbers and gaps that are not so, a claim
//! to a longer log, Lamport times and epochs out of bounds.

use alloc::vec;
use alloc::vec::Vec;

use ringchat_core::limits::MAX_SEQ;
use ringchat_core::secure::Signature;
use ringchat_core::wire::{Beat, Body, CandidateRank, Elect, Entry, Envelope, Install, Message, Proven, Run};
use ringchat_core::{ConfigId, Epoch, Index, Input, Member, NodeId, Seq, Stamp, Text, TextRun, UnixTime};

use super::{Insider, LIES};
use crate::rng::Rng;

/// How many runs of others it keeps, to use them again.
const KEPT: usize = 200;

impl Insider {
    /// Keeps what others said.
    pub(in crate::world) fn hear(&mut self, inputs: &[Input]) {
        for input in inputs {
            let Input::Received { envelope, .. } = input else { continue };
            let said: Vec<Proven<Run>> = match &envelope.message {
                Message::Submit { said, .. } => said.clone(),
                Message::Sync(sync) => sync.tail.clone(),
                Message::Deliver(deliver) => deliver.entries.iter().filter_map(said_in).collect(),
                _ => Vec::new(),
            };
            for said in said {
                if self.heard.len() < KEPT {
                    self.heard.push(said);
                } else {
                    let at = self.rng.index(KEPT);
                    self.heard[at] = said;
                }
            }
        }
    }

    /// What it sends to `to` in place of what its node wants to send.
    pub(super) fn lie(&mut self, to: Option<NodeId>, envelope: &Envelope) -> Envelope {
        let mut lie = envelope.clone();
        if self.rng.chance(LIES) {
            lie.stamp = self.stamp(envelope.stamp);
            match &mut lie.message {
                Message::Submit { said, .. } => self.alter_all(said),
                Message::Sync(sync) => {
                    self.alter_all(&mut sync.tail);
                    sync.tail.extend(self.replay());
                }
                Message::Deliver(deliver) => self.alter_entries(&mut deliver.entries),
                Message::Install(install) => self.miscount(to, install),
                Message::Elect(elect) if self.rng.chance(500) => self.leap(&mut elect.epoch),
                Message::Elect(elect) if elect.candidate.id == self.known.me.id => {
                    elect.candidate.length = elect.candidate.length.plus(self.rng.below(3));
                }
                Message::Elected(elected) => self.leap(&mut elected.cfg.view.epoch),
                Message::Roster { cfg, .. } => self.leap(&mut cfg.view.epoch),
                Message::Join(join) => self.leap(&mut join.epoch),
                Message::Promise { epoch, .. } => self.leap(epoch),
                Message::Ping(Beat { cfg: Some(cfg), .. }) | Message::Pong(Beat { cfg: Some(cfg), .. }) => {
                    self.leap(&mut cfg.view.epoch);
                    let cfg = *cfg;
                    if self.rng.chance(500) {
                        lie.message = Message::Elect(self.candidacy(cfg));
                    }
                }
                Message::Ping(_)
                | Message::Pong(_)
                | Message::Elect(_)
                | Message::Hello(_)
                | Message::NotMember(_)
                | Message::Superseded { .. }
                | Message::WantRoster
                | Message::Ack { .. }
                | Message::Suspect { .. }
                | Message::Draining
                | Message::Leave
                | Message::Goodbye { .. }
                | Message::Refused(_)
                | Message::Probe { .. }
                | Message::ProbeReply { .. }
                | Message::JoinVia { .. }
                | Message::WantPromise { .. } => {}
            }
        }
        lie
    }

    /// A candidacy out of nowhere.
    fn candidacy(&mut self, cfg: ConfigId) -> Elect {
        let (id, epoch, length) = (self.known.me.id, cfg.view.epoch, Index(self.rng.below(1000)));
        let candidate = CandidateRank { epoch, length, id };
        Elect { epoch: epoch.next(), candidate, path: vec![id], cfg, roster: None }
    }

    /// Makes an epoch higher, sometimes as high as there is.
    fn leap(&mut self, epoch: &mut Epoch) {
        *epoch = epoch.plus(u64::MAX >> self.rng.below(64));
    }

    /// The true stamp, mostly, or one out of all that there are.
    fn stamp(&mut self, true_stamp: Stamp) -> Stamp {
        let digits = self.rng.below(64);
        if self.rng.chance(900) { true_stamp } else { Stamp(u64::MAX >> digits) }
    }

    /// Alters one of several runs.
    pub(super) fn alter_all(&mut self, all: &mut Vec<Proven<Run>>) {
        let at = self.rng.index(all.len());
        if let Some(said) = all.get(at).cloned() {
            all.splice(at..=at, self.alter(&said));
        } else {
            all.extend(self.replay());
        }
    }

    /// Alters one of several entries. The places of the others follow from it.
    fn alter_entries(&mut self, entries: &mut Vec<Entry>) {
        let at = self.rng.index(entries.len());
        let Some(Entry { view, index, stamp, body: Body::Chat { said, replayed, .. } }) =
            entries.get(at).cloned()
        else {
            return;
        };
        let said = if self.rng.chance(500) { vec![said] } else { self.alter(&said) };
        let missing = self.rng.below(3);
        let lies = said.into_iter().map(|said| {
            let missing = missing.min(said.first.0.saturating_sub(1));
            Entry { view, index, stamp, body: Body::Chat { said, missing, replayed } }
        });
        entries.splice(at..=at, lies);
        let mut next = entries.first().map_or(Index::default(), |entry| entry.index);
        for entry in entries {
            entry.index = next;
            next = entry.end();
        }
    }

    /// One or two runs in place of one.
    pub(super) fn alter(&mut self, said: &Proven<Run>) -> Vec<Proven<Run>> {
        let known = Seq(1 + self.rng.below(said.last().0));
        match self.rng.below(6) {
            0 => self.replay(),
            1 => vec![said.clone(), said.clone()],
            2 => self.own(known),
            3 => self.own(Seq(MAX_SEQ - 2)),
            _ => self.forge(said).into_iter().map(Proven::claimed).collect(),
        }
    }

    /// Something that another has said, perhaps long ago.
    pub(super) fn replay(&mut self) -> Vec<Proven<Run>> {
        self.rng.pick(&self.heard).cloned().into_iter().collect()
    }

    /// Something new of its own under that number.
    pub(super) fn own(&mut self, first: Seq) -> Vec<Proven<Run>> {
        let (stamp, texts) = (Stamp(self.rng.below(1 << 50)), words(&mut self.rng));
        let (origin, at, signature) = (self.known.me.clone().into(), UnixTime(0), Signature::NONE);
        let said = Run { origin, first, stamp, texts, at, signature };
        Proven::sign(said, self.known.room, &self.identity).into_iter().collect()
    }

    /// What the author of `said` did not sign.
    fn forge(&mut self, said: &Run) -> Vec<Run> {
        let mut lie = said.clone();
        let other = self.rng.pick(&self.heard).map_or_else(|| said.clone(), |other| Run::clone(other));
        match self.rng.below(10) {
            0 => lie.texts = words(&mut self.rng),
            1 => lie.first = lie.first.next(),
            2 => lie.stamp = lie.stamp.next(),
            3 => lie.at.0 += 3600,
            4 => lie.signature = other.signature,
            5 => lie.origin = other.origin,
            6 => lie.texts = other.texts,
            7 => {
                let (id, addr) = (lie.origin.id, lie.origin.addr());
                lie.origin = Member::new(id, addr, other.origin.name.clone()).into();
            }
            8 => lie.origin = self.known.me.clone().into(),
            _ => {
                let half = lie.texts.len() / 2;
                let parts = [(0, half), (half, usize::MAX)].map(|(skip, take)| lie.texts.part(skip, take));
                let parts = parts.into_iter().flatten();
                return parts.map(|texts| Run { texts, ..said.clone() }).collect();
            }
        }
        vec![lie]
    }

    /// Counts more or less of others than they said, or leaves history out.
    fn miscount(&mut self, to: Option<NodeId>, install: &mut Install) {
        let digits = self.rng.below(47);
        let most = Seq(1 + self.rng.below(1 << digits));
        if self.rng.chance(500) {
            install.origins.extend(to.map(|to| (to, most)));
        } else {
            install.base = install.end;
            install.origins.extend(self.heard.iter().map(|said| (said.origin.id, most)));
        }
    }
}

fn said_in(entry: &Entry) -> Option<Proven<Run>> {
    if let Body::Chat { said, .. } = &entry.body { Some(said.clone()) } else { None }
}

fn words(rng: &mut Rng) -> TextRun {
    let text = Text::new(["I owe you a beer", "never said", ""][rng.index(3)]);
    // All are short.
    text.unwrap_or_else(|error| unreachable!("{error}")).into()
}

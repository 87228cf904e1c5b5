//! Any field of any message. Nothing stands for the rest: a new message, or a new field, does not compile until it has its
//! lie.

use alloc::vec::Vec;

use ringchat_core::wire::{
    Beat, Body, CandidateRank, Change, Deliver, Elect, Elected, Entry, Envelope, Hello, Install, Join,
    Message, NotMember, Proven, Run, Sync, ViewSpan,
};
use ringchat_core::{ConfigId, Departure, Epoch, Index, Member, NodeId, RoomId, Roster, Seq, Stamp, View};

use super::Insider;

/// How many of a thousand messages tell another sender, room or receiver than the true one: that ends a link.
const FALSE_NAME: u32 = 10;

impl Insider {
    /// Alters some fields.
    pub(super) fn alter_fields(&mut self, envelope: &mut Envelope) {
        let Envelope { room, stamp, message } = envelope;
        if self.rng.chance(FALSE_NAME) {
            *room = RoomId([7; RoomId::BYTES]);
        }
        if self.rng.chance(FALSE_NAME) {
            *stamp = Stamp(self.near(stamp.0));
        }
        self.alter_message(message);
    }

    fn alter_message(&mut self, message: &mut Message) {
        match message {
            Message::Hello(hello) => self.alter_hello(hello),
            Message::NotMember(refusal) => self.alter_not_member(refusal),
            Message::Superseded { generation } => self.alter_number(generation),
            Message::WantRoster | Message::Draining | Message::Leave => {}
            Message::Roster { cfg, roster } => self.alter_configuration(cfg, roster),
            Message::Ping(beat) | Message::Pong(beat) => self.alter_beat(beat),
            Message::Elect(elect) => self.alter_elect(elect),
            Message::Elected(elected) => self.alter_elected(elected),
            Message::Submit { view, said } => {
                self.alter_view(view);
                self.alter_said(said);
            }
            Message::Deliver(deliver) => self.alter_deliver(deliver),
            Message::Ack { view, index } => {
                self.alter_view(view);
                self.alter_index(index);
            }
            Message::Sync(sync) => self.alter_sync(sync),
            Message::Install(install) => self.alter_install(install),
            Message::Suspect { id } => self.alter_id(id),
            Message::Goodbye { successor } => *successor = Some(self.id()).filter(|_| self.flag()),
            Message::Refused(refusal) => *refusal = self.refusal(),
            Message::Join(join) => self.alter_join(join),
            Message::Probe { me, size } => {
                self.alter_oneself(me);
                self.alter_number(size);
            }
            Message::ProbeReply { me } => self.alter_oneself(me),
            Message::JoinVia { me, leader } => {
                self.alter_name(me);
                self.alter_member(leader);
            }
            Message::WantPromise { round } => self.alter_number(round),
            Message::Promise { round, epoch } => {
                self.alter_number(round);
                self.alter_epoch(epoch);
            }
        }
    }

    fn alter_hello(&mut self, hello: &mut Hello) {
        let Hello { me, you, generation, next, answer, view, cfg } = hello;
        self.alter_name(me);
        self.alter_name(you);
        self.alter_number(generation);
        self.alter_flag(next);
        self.alter_flag(answer);
        self.alter_known(view, cfg);
    }

    fn alter_not_member(&mut self, refusal: &mut NotMember) {
        let NotMember { re, epoch, me, cfg } = refusal;
        if self.alters() {
            *re = self.refused_kind();
        }
        self.alter_epoch(epoch);
        self.alter_name(me);
        self.alter_known(&mut None, cfg);
    }

    fn alter_beat(&mut self, beat: &mut Beat) {
        let Beat { view, cfg, stable } = beat;
        self.alter_known(view, cfg);
        self.alter_index(stable);
    }

    fn alter_elect(&mut self, elect: &mut Elect) {
        let Elect { epoch, candidate: CandidateRank { epoch: log, length, id }, path, cfg, roster } = elect;
        self.alter_epoch(epoch);
        self.alter_epoch(log);
        self.alter_index(length);
        self.alter_id(id);
        if self.alters() {
            let at = self.rng.index(path.len() + 1);
            path.insert(at, self.id());
        }
        if self.alters() {
            path.remove(self.rng.index(path.len()));
        }
        let mut told = roster.take().unwrap_or_else(|| self.known.roster.clone());
        self.alter_configuration(cfg, &mut told);
        *roster = Some(told).filter(|_| self.flag());
    }

    fn alter_elected(&mut self, elected: &mut Elected) {
        let Elected { cfg, roster, history } = elected;
        self.alter_configuration(cfg, roster);
        self.alter_history(history);
    }

    fn alter_deliver(&mut self, deliver: &mut Deliver) {
        let Deliver { view, entries, stable } = deliver;
        self.alter_view(view);
        for entry in entries.iter_mut() {
            if self.alters() {
                self.alter_entry(entry);
            }
        }
        if self.alters() && !entries.is_empty() {
            entries.remove(self.rng.index(entries.len()));
        }
        self.alter_index(stable);
    }

    fn alter_entry(&mut self, entry: &mut Entry) {
        let Entry { view, index, stamp, body } = entry;
        self.alter_view(view);
        self.alter_index(index);
        if self.alters() {
            *stamp = Stamp(self.near(stamp.0));
        }
        match body {
            Body::Chat { said, missing, replayed } => {
                *said = self.alter(said).pop().unwrap_or_else(|| said.clone());
                self.alter_number(missing);
                self.alter_flag(replayed);
            }
            Body::Membership { cfg, change } => {
                self.alter_cfg(cfg);
                self.alter_change(change);
            }
        }
    }

    fn alter_change(&mut self, change: &mut Change) {
        match change {
            Change::Opened { roster, lost } => {
                self.alter_roster(roster);
                self.alter_members(lost);
            }
            Change::Edit { gone, joined, merged } => {
                for (member, how) in gone.iter_mut() {
                    self.alter_member(member);
                    if self.alters() {
                        *how = if self.flag() { Departure::Quit } else { Departure::Lost };
                    }
                }
                for (member, after) in joined.iter_mut() {
                    self.alter_member(member);
                    self.alter_id(after);
                }
                if self.alters() {
                    joined.clear();
                }
                if self.alters() {
                    gone.push((self.member(), Departure::Quit));
                }
                self.alter_flag(merged);
            }
        }
    }

    fn alter_sync(&mut self, sync: &mut Sync) {
        let Sync { view, history, tail, more } = sync;
        self.alter_view(view);
        self.alter_history(history);
        self.alter_said(tail);
        self.alter_flag(more);
    }

    fn alter_install(&mut self, install: &mut Install) {
        let Install { cfg, roster, common, base, end, origins, history, stable } = install;
        self.alter_configuration(cfg, roster);
        for index in [common, base, end, stable] {
            self.alter_index(index);
        }
        if self.alters() {
            let (id, last) = (self.id(), self.rng.below(40));
            origins.insert(id, Seq(self.near(last)));
        }
        if self.alters() {
            origins.clear();
        }
        self.alter_history(history);
    }

    fn alter_join(&mut self, join: &mut Join) {
        let Join { me, contact, epoch, generation, ring } = join;
        self.alter_oneself(me);
        if self.alters() {
            *contact = Some(self.id()).filter(|_| self.flag());
        }
        self.alter_epoch(epoch);
        self.alter_number(generation);
        self.alter_members(ring);
    }
}

/// Fields of one kind.
impl Insider {
    /// Its own name, or the receiver's: another is found out at once.
    fn alter_name(&mut self, name: &mut NodeId) {
        if self.rng.chance(FALSE_NAME) {
            *name = self.id();
        }
    }

    /// Itself, at another address.
    fn alter_oneself(&mut self, me: &mut Member) {
        let mut id = me.id;
        self.alter_name(&mut id);
        let addr = self.member().addr();
        if self.alters() {
            *me = Member::new(id, addr, me.name.clone());
        }
    }

    fn alter_number(&mut self, number: &mut u64) {
        if self.alters() {
            *number = self.near(*number);
        }
    }

    fn alter_epoch(&mut self, epoch: &mut Epoch) {
        if self.alters() {
            *epoch = if self.flag() { self.epoch() } else { Epoch(self.near(epoch.0)) };
        }
    }

    fn alter_index(&mut self, index: &mut Index) {
        if self.alters() {
            *index = if self.flag() { self.index() } else { Index(self.near(index.0)) };
        }
    }

    fn alter_flag(&mut self, flag: &mut bool) {
        *flag ^= self.alters();
    }

    fn alter_id(&mut self, id: &mut NodeId) {
        if self.alters() {
            *id = self.id();
        }
    }

    fn alter_member(&mut self, member: &mut Member) {
        if self.alters() {
            *member = self.member();
        }
    }

    fn alter_members(&mut self, members: &mut Vec<Member>) {
        if self.alters() {
            members.extend(self.some_members());
        }
        if self.alters() {
            members.truncate(1);
        }
    }

    fn alter_view(&mut self, view: &mut View) {
        if self.alters() {
            *view = self.view();
        }
    }

    fn alter_cfg(&mut self, cfg: &mut ConfigId) {
        if self.alters() {
            *cfg = self.cfg();
        }
    }

    fn alter_roster(&mut self, roster: &mut Roster) {
        if self.alters() {
            *roster = self.roster();
        }
    }

    fn alter_configuration(&mut self, cfg: &mut ConfigId, roster: &mut Roster) {
        self.alter_cfg(cfg);
        self.alter_roster(roster);
    }

    fn alter_known(&mut self, view: &mut Option<View>, cfg: &mut Option<ConfigId>) {
        if self.alters() {
            *view = Some(self.view()).filter(|_| self.flag());
        }
        if self.alters() {
            *cfg = Some(self.cfg()).filter(|_| self.flag());
        }
    }

    fn alter_history(&mut self, history: &mut Vec<ViewSpan>) {
        if self.alters() {
            *history = self.history(history);
        }
    }

    fn alter_said(&mut self, said: &mut Vec<Proven<Run>>) {
        if self.alters() {
            self.alter_all(said);
        }
    }
}

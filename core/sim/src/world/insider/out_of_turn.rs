//! Messages of every kind, at any time: what a member may say, as far as its node knows. Fields are altered afterwards.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use ringchat_core::trace::MessageKind;
use ringchat_core::wire::{
    Beat, Body, CandidateRank, Change, Deliver, Elect, Elected, Entry, Hello, Install, Join, Message,
    NotMember, Proven, Refusal, RefusedKind, Run, Sync, ViewSpan,
};
use ringchat_core::{ConfigId, Departure, Index, Member, Node, NodeId, Seq, View};

use super::Insider;

impl Insider {
    /// A message of that kind for `to`.
    pub(super) fn message(&mut self, node: &Node, to: Option<NodeId>, kind: MessageKind) -> Message {
        let me = self.known.me.clone();
        let other = to.unwrap_or(me.id);
        let view = self.reign();
        match kind {
            MessageKind::Hello => Message::Hello(self.hello(other)),
            MessageKind::NotMember => Message::NotMember(self.not_member()),
            MessageKind::Superseded => Message::Superseded { generation: self.rng.below(8) },
            MessageKind::WantRoster => Message::WantRoster,
            MessageKind::Roster => Message::Roster { cfg: self.cfg(), roster: self.roster() },
            MessageKind::Ping => Message::Ping(self.beat()),
            MessageKind::Pong => Message::Pong(self.beat()),
            MessageKind::Elect => Message::Elect(self.elect(other)),
            MessageKind::Elected => Message::Elected(self.elected(node)),
            MessageKind::Submit => Message::Submit { view: self.known.view, said: self.said() },
            MessageKind::Deliver => Message::Deliver(self.deliver(view)),
            MessageKind::Ack => Message::Ack { view: self.known.view, index: self.known.length },
            MessageKind::Sync => Message::Sync(self.sync(node)),
            MessageKind::Install => Message::Install(self.install(node, view)),
            MessageKind::Suspect => Message::Suspect { id: self.id() },
            MessageKind::Draining => Message::Draining,
            MessageKind::Leave => Message::Leave,
            MessageKind::Goodbye => Message::Goodbye { successor: Some(self.id()).filter(|_| self.flag()) },
            MessageKind::Refused => Message::Refused(self.refusal()),
            MessageKind::Join => Message::Join(self.join(other)),
            MessageKind::Probe => Message::Probe { me, size: self.rng.below(20) },
            MessageKind::ProbeReply => Message::ProbeReply { me },
            MessageKind::JoinVia => Message::JoinVia { me: me.id, leader: self.member() },
            MessageKind::WantPromise => Message::WantPromise { round: self.rng.below(4) },
            MessageKind::Promise => Message::Promise { round: self.rng.below(4), epoch: self.known.promised },
        }
    }

    /// The view of its node, or one that it opens by itself.
    fn reign(&mut self) -> View {
        let View { epoch, .. } = self.known.view;
        let mine = |epoch| View { epoch, leader: self.known.me.id };
        match self.rng.below(3) {
            0 => mine(epoch.next()),
            1 => mine(self.known.promised.next()),
            _ => self.known.view,
        }
    }

    fn hello(&mut self, you: NodeId) -> Hello {
        Hello {
            me: self.known.me.id,
            you,
            generation: self.rng.below(8),
            next: self.flag(),
            answer: self.flag(),
            view: Some(self.known.view),
            cfg: Some(self.known.cfg),
        }
    }

    fn not_member(&mut self) -> NotMember {
        NotMember {
            re: self.refused_kind(),
            epoch: self.known.promised,
            me: self.known.me.id,
            cfg: Some(self.known.cfg.next()).filter(|_| self.flag()),
        }
    }

    pub(super) fn refused_kind(&mut self) -> RefusedKind {
        use RefusedKind::{Elect, Hello, Ping, Sync, WantPromise};
        self.rng.pick(&[Hello, Elect, Sync, Ping, WantPromise]).copied().unwrap_or(Hello)
    }

    pub(super) fn refusal(&mut self) -> Refusal {
        use Refusal::{AddressTaken, Busy, EpochTooHigh, RoomFull, Slow, TooLate};
        match self.rng.pick(&[RoomFull, Slow, Busy, TooLate, EpochTooHigh]) {
            // Chosen without a draw of its own, so that the runs of earlier seeds stay what they were.
            Some(Busy) if self.known.promised.0 % 2 == 1 => AddressTaken,
            drawn => drawn.copied().unwrap_or(Busy),
        }
    }

    fn beat(&mut self) -> Beat {
        Beat { view: Some(self.known.view), cfg: Some(self.known.cfg), stable: self.known.length }
    }

    /// A candidacy that nobody expects: its own, or that of the member to which it goes, as if it had been round.
    fn elect(&mut self, to: NodeId) -> Elect {
        let me = self.known.me.id;
        let id = if self.rng.chance(300) { to } else { me };
        let epoch = self.known.view.epoch;
        Elect {
            epoch: self.known.promised.plus(self.rng.below(3)),
            candidate: CandidateRank { epoch, length: self.known.length.plus(self.rng.below(3)), id },
            path: vec![id, me],
            cfg: self.known.cfg,
            roster: Some(self.roster()).filter(|_| self.flag()),
        }
    }

    fn elected(&mut self, node: &Node) -> Elected {
        let view = self.reign();
        Elected { cfg: ConfigId::first(view), roster: self.roster(), history: history_of(node) }
    }

    /// Something of its own under a low number, runs of others again, or both.
    fn said(&mut self) -> Vec<Proven<Run>> {
        let first = Seq(1 + self.rng.below(20));
        let mut said = if self.flag() { self.own(first) } else { Vec::new() };
        for _ in 0..self.rng.below(3) {
            said.extend(self.replay());
        }
        said
    }

    /// Entries that go on where the log of its node ends.
    fn deliver(&mut self, view: View) -> Deliver {
        let mut index = self.known.length;
        let mut cfg = self.known.cfg;
        let mut entries = Vec::new();
        for nth in 0..self.rng.below(4) {
            let stamp = self.known.lamport.plus(nth);
            let body = match self.rng.below(3) {
                0 => self.said().into_iter().next().map(|said| Body::Chat {
                    said,
                    missing: 0,
                    replayed: self.flag(),
                }),
                _ => None,
            };
            let body = body.unwrap_or_else(|| {
                cfg = if cfg.view == view { cfg.next() } else { ConfigId::first(view) };
                Body::Membership { cfg, change: self.change().into() }
            });
            let entry = Entry { view, index, stamp, body };
            index = entry.end();
            entries.push(entry);
        }
        Deliver { view, entries, stable: self.known.length }
    }

    /// A change of the membership, in which members go or come as it likes.
    fn change(&mut self) -> Change {
        if self.flag() {
            return Change::Opened { roster: self.roster(), lost: self.some_members() };
        }
        let how = if self.flag() { Departure::Quit } else { Departure::Lost };
        let gone = self.some_members().into_iter().map(|member| (member, how)).collect();
        let joined = self.some_members().into_iter().map(|member| (member, self.id())).collect();
        Change::Edit { gone, joined, merged: self.flag() }
    }

    fn sync(&mut self, node: &Node) -> Sync {
        Sync { view: self.known.view, history: history_of(node), tail: self.said(), more: self.flag() }
    }

    fn install(&mut self, node: &Node, view: View) -> Install {
        let end = self.known.length;
        let common = Index(self.rng.below(end.0.saturating_add(1)));
        Install {
            cfg: ConfigId::first(view),
            roster: self.roster(),
            common,
            base: common,
            end,
            origins: BTreeMap::new(),
            history: history_of(node),
            stable: common,
        }
    }

    /// It wants in, alone or with a ring that it invents.
    fn join(&mut self, contact: NodeId) -> Join {
        let ring: Vec<Member> = if self.flag() { self.some_members() } else { Vec::new() };
        Join {
            me: self.known.me.clone(),
            contact: Some(contact),
            epoch: self.known.promised,
            generation: self.rng.below(8),
            ring,
        }
    }
}

/// The views in the log of a node, and where each ends.
fn history_of(node: &Node) -> Vec<ViewSpan> {
    let mut history: Vec<ViewSpan> = Vec::new();
    for entry in node.log_entries() {
        match history.last_mut() {
            Some(last) if last.view == entry.view => last.end = entry.end(),
            _ => history.push(ViewSpan { view: entry.view, end: entry.end() }),
        }
    }
    history
}

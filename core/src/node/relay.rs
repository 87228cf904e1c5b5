//! The relay of messages: said, submitted, sequenced by the leader, delivered, shown, acknowledged.

use alloc::vec::Vec;

use super::leadership::Leadership;
use super::submissions::in_parts;
use super::{Mode, Node, Rule};
use crate::action::{Action, Chat, Fault, Notice, Occasion};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::limits::ACK_BYTES;
use crate::node::Timer;
use crate::numbers::{Index, Seq, Stamp};
use crate::roster::View;
use crate::text::Text;
use crate::text_run::TextRun;
use crate::wire::{Body, Deliver, Entry, Message, Run};

impl Node {
    /// Whether something said now will be taken. False before the node is a member, while as much waits for
    /// its place in the order as may, and once it leaves.
    pub fn can_say(&self) -> bool {
        let member = self.ready || !self.roster.is_empty();
        let stays = self.leaving.is_none() || !self.keeps(Rule::CloseInputWhenLeaving);
        member && stays && !self.has_ended() && self.submissions.has_room()
    }

    /// How many of these texts, said now, will be taken.
    pub fn takes(&self, texts: &TextRun) -> usize {
        if self.can_say() { self.submissions.room_for(texts) } else { 0 }
    }

    pub(super) fn say(&mut self, texts: &TextRun) {
        let takes = self.takes(texts);
        if let Some(taken) = texts.part(0, takes) {
            self.take_said(taken);
        }
        // Each is a text, so that none is left out.
        for text in texts.iter().skip(takes).filter_map(|text| Text::new(text).ok()) {
            self.notify(Notice::NotTaken { text });
        }
    }

    fn take_said(&mut self, texts: TextRun) {
        let (first, stamp) = (self.said.next(), self.ticks(texts.len() as u64));
        let said = Run { origin: self.me.clone(), first, stamp, texts };
        self.said = said.last();
        let is_led = self.is_normal() && self.links.of(self.view.leader).is_some();
        if (self.leads() || is_led) && !self.is_in_doubt() {
            self.submit_from.get_or_insert(first);
        } else {
            said.lines().for_each(|(seq, ..)| self.notify(Notice::Held { seq }));
        }
        self.submissions.push(said);
    }

    /// All inputs are taken: what was said goes to the leader together, or gets its places if that is this node.
    pub(super) fn submit_said(&mut self) {
        let Some(first) = self.submit_from.take() else { return };
        if self.leads() {
            return self.sequence_own();
        }
        if !self.is_normal() {
            return;
        }
        let view = self.view;
        for said in in_parts(self.submissions.from(first)) {
            self.send_to(view.leader, Message::Submit { view, said });
        }
    }

    /// There is a leader again: what has no place yet is submitted once more, in order, as it was.
    pub(super) fn submit_again(&mut self) {
        self.submissions.placed(self.log.last_of(self.me.id));
        if self.keeps(Rule::Resubmit) {
            self.submit_from = self.submissions.front().map(|said| said.first);
        }
    }

    pub(super) fn on_submit(&mut self, member: NodeId, view: View, said: Vec<Run>) {
        if !self.leads() || view != self.view || !self.roster.contains(member) {
            return;
        }
        for said in said {
            if said.origin.id == member {
                self.take_submission(said);
            }
        }
    }

    /// Sequences what a member has said, or keeps it while the room is held up, from the member's next on.
    fn take_submission(&mut self, said: Run) {
        let takes_any = !self.keeps(Rule::ExactNextSeq);
        let Some(leadership) = &mut self.leadership else { return };
        let origin = said.origin.id;
        let last = leadership.last_held(origin).unwrap_or_else(|| self.log.last_of(origin));
        if said.first > last.next() && !takes_any {
            return;
        }
        let Some(said) = said.after(if takes_any { Seq::default() } else { last }) else { return };
        if leadership.is_holding() {
            return leadership.hold(said);
        }
        self.sequence(Body::Chat { said, replayed: false });
    }

    /// Gives own messages their places, as long as the room takes them.
    pub(super) fn sequence_own(&mut self) {
        while self.leads()
            && !self.is_in_doubt()
            && !self.leadership.as_ref().is_some_and(Leadership::is_holding)
        {
            self.submissions.placed(self.log.last_of(self.me.id));
            let Some(said) = self.submissions.front().cloned() else { return };
            self.sequence(Body::Chat { said, replayed: false });
        }
    }

    /// Appends an entry to the log that this node leads. Chat is sent when all inputs are taken, together; a
    /// change of the membership at once, while those who go still are members.
    pub(super) fn sequence(&mut self, body: Body) {
        let mut entry = Entry { view: self.view, index: self.log.len(), stamp: Stamp::default(), body };
        entry.stamp = self.ticks(entry.count());
        if let Body::Membership { cfg, change } = &entry.body {
            let (index, cfg, change) = (entry.index, *cfg, change.clone());
            self.log.push(entry);
            self.distribute();
            self.change_members(&change);
            self.apply_membership(index, cfg, &change);
            self.recount();
        } else {
            self.append(entry);
        }
        self.check_hold();
    }

    /// All inputs are taken: what they made this node sequence goes out together.
    pub(super) fn deliver_sequenced(&mut self) {
        if self.next_to_distribute().is_some() {
            self.distribute();
            self.recount();
        }
    }

    /// Sends what was sequenced since the last time to all that have the log before it.
    pub(super) fn distribute(&mut self) {
        while let Some((from, next)) = self.next_to_distribute() {
            let (links, log) = (&self.links, &self.log);
            let Some(leadership) = &mut self.leadership else { return };
            let links = leadership.take_recipients(from, next, log, |member| links.of(member));
            let entries = if links.is_empty() { Vec::new() } else { self.log.range(from, next).collect() };
            let deliver = Deliver { view: self.view, entries, stable: self.stable };
            self.multicast(links, Message::Deliver(deliver));
        }
    }

    pub(super) fn multicast(&mut self, links: Vec<LinkId>, message: Message) {
        let now = self.now();
        for link in &links {
            if let Some(state) = self.links.get_mut(*link) {
                state.sent = now;
            }
        }
        self.stats.sent = self.stats.sent.saturating_add(links.len() as u64);
        if !links.is_empty() {
            let envelope = self.envelope(message).into();
            self.out.push(Action::Multicast { links, envelope });
        }
    }

    pub(super) fn on_deliver(&mut self, sender: NodeId, deliver: Deliver) {
        if self.leader().or(self.leader_before_freeze()) != Some(sender) {
            return;
        }
        let Some(deliver) = self.take_installed(deliver) else { return };
        let appends = self.is_normal() || self.leader_before_freeze().is_some();
        if !appends || deliver.view != self.view {
            return;
        }
        let mut urgent = false;
        for entry in deliver.entries {
            let Some(entry) = entry.starting_at(self.log.len()) else { continue };
            if entry.index > self.log.len() || entry.view != self.view {
                return self.leader_linked(sender);
            }
            if !self.log.may_go_on(self.log.len(), core::slice::from_ref(&entry)) {
                return self.accuse(sender, Fault::LogOrder);
            }
            urgent |= matches!(entry.body, Body::Membership { .. });
            self.unacked = self.unacked.saturating_add(entry.weight());
            self.append(entry);
        }
        self.learn_stable(deliver.stable);
        if urgent || self.unacked >= ACK_BYTES as u64 {
            self.acknowledge();
        } else if self.unacked > 0 && !self.timers.is_set(Timer::Ack) {
            self.arm(Timer::Ack, Times::ACK_DELAY);
        }
    }

    /// From whom a frozen member would take entries if it did not freeze.
    fn leader_before_freeze(&self) -> Option<NodeId> {
        let goes_on = matches!(self.mode, Mode::Electing(_)) && !self.keeps(Rule::Freeze);
        goes_on.then_some(self.view.leader)
    }

    /// Appends the next entry to the log, with all that follows from it.
    fn append(&mut self, entry: Entry) {
        let index = entry.index;
        if let Body::Membership { cfg, change } = &entry.body {
            let (cfg, change) = (*cfg, change.clone());
            self.log.push(entry);
            self.apply_membership(index, cfg, &change);
        } else {
            self.show(index, &entry.body, Occasion::Live);
            self.note_own(&entry);
            self.log.push(entry);
        }
    }

    /// Shows an entry to the user, unless that was done before. The `occasion` is that of the log; what a leader
    /// has taken over from another ring is of that ring.
    pub(super) fn show(&mut self, index: Index, body: &Body, occasion: Occasion) {
        match body {
            Body::Chat { said, replayed } => {
                let shown = self.raise_shown(said.origin.id, said.last());
                let again = !self.keeps(Rule::ShowOnce);
                let Some(news) = said.clone().after(if again { Seq::default() } else { shown }) else {
                    return;
                };
                self.stats.shown = self.stats.shown.saturating_add(news.count());
                self.notify(Notice::Chat(Chat {
                    index: index.plus(news.first.since(said.first)),
                    mine: news.origin.id == self.me.id,
                    said: news,
                    occasion: if *replayed { Occasion::OtherRing } else { occasion },
                }));
            }
            Body::Gap { origin, last, .. } => {
                let shown = self.raise_shown(origin.id, *last);
                let count = last.since(shown);
                if count > 0 {
                    self.notify(Notice::Gap { from: origin.clone(), count });
                }
            }
            Body::Membership { .. } => {}
        }
    }

    /// All messages of `origin` up to `seq` are shown. Returns up to which they were.
    fn raise_shown(&mut self, origin: NodeId, seq: Seq) -> Seq {
        let shown = self.shown.entry(origin).or_default();
        core::mem::replace(shown, seq.max(*shown))
    }

    /// An own message that has its place waits no more.
    pub(super) fn note_own(&mut self, entry: &Entry) {
        let Body::Chat { said, .. } = &entry.body else { return };
        if said.origin.id != self.me.id {
            return;
        }
        self.own_end = entry.end();
        self.submissions.placed(said.last());
    }

    /// Tells the leader how far this log reaches.
    pub(super) fn acknowledge(&mut self) {
        self.timers.clear(Timer::Ack);
        if self.unacked == 0 || !self.is_normal() || self.leads() {
            return;
        }
        self.unacked = 0;
        let (view, index) = (self.view, self.log.len());
        self.send_to(view.leader, Message::Ack { view, index });
    }

    /// Everybody has the log up to `stable`.
    pub(super) fn learn_stable(&mut self, stable: Index) {
        self.stable = self.stable.max(stable.min(self.log.len()));
        let catching_up = self.leadership.as_ref().and_then(Leadership::needs_from);
        let needed = self.absent.since().into_iter().chain(catching_up).min();
        self.log.prune(self.stable, needed);
    }
}

//! The relay of messages: said, submitted, sequenced by the leader, delivered, shown, acknowledged.

use alloc::vec::Vec;

use super::follow_ups::FollowUp;
use super::leadership::Leadership;
use super::{Node, Rule};
use crate::action::{Fault, Notice, Occasion};
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
        let member = self.membership.is_ready() || !self.membership.roster().is_empty();
        let stays = self.leaving.is_none() || !self.enforces(Rule::CloseInputWhenLeaving);
        member && stays && !self.has_ended() && self.own.has_room()
    }

    /// How many of these texts, said now, will be taken.
    pub fn takes(&self, texts: &TextRun) -> usize {
        if self.can_say() { self.own.room_for(texts) } else { 0 }
    }

    pub(super) fn say(&mut self, texts: &TextRun) {
        let takes = self.takes(texts);
        if let Some(taken) = texts.part(0, takes) {
            self.take_said(taken);
        }
        // Each is a text, so that none is left out.
        for text in texts.iter().skip(takes).filter_map(|text| Text::new(text).ok()) {
            self.effects.notify(Notice::NotTaken { text });
        }
    }

    fn take_said(&mut self, texts: TextRun) {
        let stamp = self.effects.ticks(texts.len() as u64);
        let first = self.own.say(self.me.clone(), texts, stamp);
        let is_led = self.is_normal() && self.links.of(self.membership.view().leader).is_some();
        if (self.leads() || is_led) && !self.is_in_doubt() {
            self.own.submit_from(first);
        } else {
            first.through(self.own.last()).for_each(|seq| self.effects.notify(Notice::Held { seq }));
        }
    }

    /// All inputs are taken: what was said goes to the leader together, or gets its places if that is this node.
    pub(super) fn submit_said(&mut self) {
        let Some(first) = self.own.take_submission() else { return };
        if self.leads() {
            return self.sequence_own();
        }
        if !self.is_normal() {
            return;
        }
        let view = self.membership.view();
        for said in self.own.parts_from(first) {
            self.send_to(view.leader, Message::Submit { view, said });
        }
    }

    /// There is a leader again: what has no place yet is submitted once more, in order, as it was.
    pub(super) fn submit_again(&mut self) {
        self.own.placed(self.replica.log().last_of(self.me.id));
        if self.enforces(Rule::Resubmit) {
            self.own.submit_again();
        }
    }

    pub(super) fn on_submit(&mut self, member: NodeId, view: View, said: Vec<Run>) {
        if !self.leads() || view != self.membership.view() || !self.membership.roster().contains(member) {
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
        let takes_any = !self.enforces(Rule::ExactNextSeq);
        let Some(leadership) = self.role.leadership_mut() else { return };
        let origin = said.origin.id;
        let last = leadership.last_held(origin).unwrap_or_else(|| self.replica.log().last_of(origin));
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
            && !self.role.leadership().is_some_and(Leadership::is_holding)
        {
            self.own.placed(self.replica.log().last_of(self.me.id));
            let Some(said) = self.own.first().cloned() else { return };
            self.sequence(Body::Chat { said, replayed: false });
        }
    }

    /// Appends an entry to the log that this node leads. Chat is sent when all inputs are taken, together; a
    /// change of the membership at once, while those who go still are members.
    pub(super) fn sequence(&mut self, body: Body) {
        let mut entry = Entry {
            view: self.membership.view(),
            index: self.replica.log().len(),
            stamp: Stamp::default(),
            body,
        };
        entry.stamp = self.effects.ticks(entry.count());
        if let Body::Membership { cfg, change } = &entry.body {
            let (index, cfg, change) = (entry.index, *cfg, change.clone());
            self.replica.append(entry);
            self.distribute();
            self.change_members(&change);
            self.apply_membership(index, cfg, &change);
            self.note(FollowUp::Recount);
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
            let (links, log) = (&self.links, &self.replica.log());
            let Some(leadership) = self.role.leadership_mut() else { return };
            let links = leadership.take_recipients(from, next, log, |member| links.of(member));
            let entries =
                if links.is_empty() { Vec::new() } else { self.replica.log().range(from, next).collect() };
            let deliver = Deliver { view: self.membership.view(), entries, stable: self.replica.stable() };
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
        self.effects.multicast(links, message);
    }

    pub(super) fn on_deliver(&mut self, sender: NodeId, deliver: Deliver) {
        if self.leader().or(self.leader_before_freeze()) != Some(sender) {
            return;
        }
        let Some(deliver) = self.take_installed(deliver) else { return };
        let appends = self.is_normal() || self.leader_before_freeze().is_some();
        if !appends || deliver.view != self.membership.view() {
            return;
        }
        let (mut urgent, mut owed) = (false, self.replica.owe_acknowledgement(0));
        for entry in deliver.entries {
            let Some(entry) = entry.starting_at(self.replica.log().len()) else { continue };
            if entry.index > self.replica.log().len() || entry.view != self.membership.view() {
                return self.leader_linked();
            }
            if !self.replica.log().may_go_on(self.replica.log().len(), core::slice::from_ref(&entry)) {
                return self.accuse(sender, Fault::LogOrder);
            }
            urgent |= matches!(entry.body, Body::Membership { .. });
            owed = self.replica.owe_acknowledgement(entry.weight());
            self.append(entry);
        }
        self.learn_stable(deliver.stable);
        if urgent || owed >= ACK_BYTES as u64 {
            self.acknowledge();
        } else if owed > 0 && !self.timers.is_set(Timer::Ack) {
            self.timers.arm(Timer::Ack, Times::ACK_DELAY);
        }
    }

    /// From whom a frozen member would take entries if it did not freeze.
    fn leader_before_freeze(&self) -> Option<NodeId> {
        let goes_on = self.role.is_electing() && !self.enforces(Rule::Freeze);
        goes_on.then_some(self.membership.view().leader)
    }

    /// Appends the next entry to the log, with all that follows from it.
    fn append(&mut self, entry: Entry) {
        let index = entry.index;
        if let Body::Membership { cfg, change } = &entry.body {
            let (cfg, change) = (*cfg, change.clone());
            self.replica.append(entry);
            self.apply_membership(index, cfg, &change);
        } else {
            self.show(index, &entry.body, Occasion::Live);
            self.note_own(&entry);
            self.replica.append(entry);
        }
    }

    /// Shows an entry to the user, unless that was done before.
    pub(super) fn show(&mut self, index: Index, body: &Body, occasion: Occasion) {
        let again = !self.enforces(Rule::ShowOnce);
        let Some(notice) = self.replica.show((index, body), occasion, self.me.id, again) else { return };
        if let Notice::Chat(chat) = &notice {
            self.effects.count_shown(chat.said.count());
        }
        self.effects.notify(notice);
    }

    /// An own message that has its place waits no more.
    pub(super) fn note_own(&mut self, entry: &Entry) {
        let Body::Chat { said, .. } = &entry.body else { return };
        if said.origin.id != self.me.id {
            return;
        }
        self.own.note_entry(entry, said);
    }

    /// Tells the leader how far this log reaches.
    pub(super) fn acknowledge(&mut self) {
        self.timers.clear(Timer::Ack);
        if !self.is_normal() || self.leads() {
            return;
        }
        let Some(index) = self.replica.take_acknowledgement() else { return };
        let view = self.membership.view();
        self.send_to(view.leader, Message::Ack { view, index });
    }

    /// Everybody has the log up to `stable`.
    pub(super) fn learn_stable(&mut self, stable: Index) {
        let catching_up = self.role.leadership().and_then(Leadership::needs_from);
        self.replica.learn_stable(stable, catching_up);
    }
}

//! The relay of messages: said, submitted, sequenced by the leader, delivered, shown, acknowledged.

use alloc::vec::Vec;

use super::follow_ups::FollowUp;
use super::leadership::Leadership;
use super::{Node, Rule};
use crate::action::{Fault, Notice, Occasion};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::limits::inflight_bytes;
use crate::name::Name;
use crate::node::Timer;
use crate::numbers::{Index, Stamp};
use crate::roster::View;
use crate::text::Text;
use crate::text_run::TextRun;
use crate::time::UnixTime;
use crate::trace::DropReason;
use crate::wire::{Body, Deliver, Entry, Message, Proven, Run};

impl Node {
    /// Whether the node takes a text now. It does not before it is a member, while as many texts wait for their places as
    /// may, and once it leaves.
    pub fn can_say(&self) -> bool {
        let member = self.membership.is_ready() || !self.membership.roster().is_empty();
        let stays = self.leaving.is_none() || !self.enforces(Rule::CloseInputWhenLeaving);
        member && stays && !self.has_ended() && self.own.has_room()
    }

    /// How many of these texts the node takes now.
    pub fn takes(&self, texts: &TextRun) -> usize {
        if self.can_say() { self.own.room_for(texts) } else { 0 }
    }

    pub(super) fn say(&mut self, texts: &TextRun, at: UnixTime) {
        let takes = self.takes(texts);
        if let Some(taken) = texts.part(0, takes) {
            self.take_said(taken, at);
        }
        // Each is a valid text, so that none is left out.
        for text in texts.iter().skip(takes).filter_map(|text| Text::new(text).ok()) {
            self.effects.notify(Notice::NotTaken { text });
        }
    }

    fn take_said(&mut self, texts: TextRun, at: UnixTime) {
        let first = self.own.say(texts, at);
        if !self.is_led() {
            first.through(self.own.last()).for_each(|seq| self.effects.notify(Notice::Held { seq }));
        }
    }

    /// Whether somebody gives this node's messages their places now.
    fn is_led(&self) -> bool {
        let follows = self.is_normal() && self.links.of(self.membership.view().leader).is_some();
        (self.leads() || follows) && !self.is_in_doubt()
    }

    /// After all inputs: signs new own messages, and submits them to the leader, or sequences them if this node leads.
    pub(super) fn submit_said(&mut self) {
        let (gathers, room) = (self.is_led() && !self.leads(), self.effects.room());
        self.own.sign(&self.me, room, gathers, |count| self.effects.ticks(count));
        let Some(first) = self.own.take_submission() else { return };
        if self.leads() {
            return self.sequence_own();
        }
        if !self.is_led() {
            return;
        }
        let view = self.membership.view();
        for said in self.own.parts_from(first) {
            self.send_to(view.leader, Message::Submit { view, said });
        }
    }

    /// Submits all messages without a place to a new leader, in order and unchanged.
    pub(super) fn submit_again(&mut self) {
        self.own.placed(self.replica.log().last_of(self.me.id));
        if self.enforces(Rule::Resubmit) {
            self.own.submit_again();
        }
    }

    pub(super) fn on_submit(&mut self, member: NodeId, view: View, said: Vec<Proven<Run>>) {
        if let Some(why) = self.not_led_in(view) {
            return self.ignore(why);
        }
        if !self.membership.roster().contains(member) {
            return self.ignore(DropReason::NotMember);
        }
        for said in said {
            if said.origin.id == member {
                self.take_submission(said);
            }
        }
    }

    /// Sequences a member's messages, or holds them while too much is unstable.
    fn take_submission(&mut self, said: Proven<Run>) {
        let is_bounded = self.enforces(Rule::SharedHold);
        let Some(leadership) = self.role.leadership_mut() else { return };
        if leadership.has_turned_away(said.origin.id) {
            self.ignore(DropReason::Early);
        } else if leadership.is_holding() {
            leadership.hold(said, is_bounded);
        } else {
            self.sequence_said(said, false);
        }
    }

    /// Sequences a run if it lies above all that its author has said in this log. The numbers between are a gap, and the
    /// entry says so.
    pub(super) fn sequence_said(&mut self, said: Proven<Run>, replayed: bool) {
        let origin = said.origin.id;
        let takes_any = (!self.enforces(Rule::OnlyNewNumbers)).then_some(0);
        let missing = said.missing_after(self.replica.log().last_of(origin)).or(takes_any);
        // What this node did not say, though its key signed it, would take the place of what it will say.
        let is_beyond_own = origin == self.me.id && said.last() > self.own.last();
        match missing.filter(|_| !is_beyond_own) {
            Some(missing) => self.sequence(Body::Chat { said, missing, replayed }),
            None => self.check_fork(&said),
        }
    }

    /// Sequences own messages, unless too much is unstable.
    pub(super) fn sequence_own(&mut self) {
        while self.leads()
            && !self.is_in_doubt()
            && !self.role.leadership().is_some_and(Leadership::is_holding)
        {
            let counted = self.replica.log().last_of(self.me.id);
            self.own.placed(counted);
            if self.own.first().is_some_and(|said| said.first <= counted) {
                self.say_anew();
            }
            let Some(said) = self.own.first().filter(|said| said.first > counted).cloned() else { return };
            self.sequence_said(said, false);
        }
    }

    /// Says what waits under new numbers: the log counts a part of a run, which therefore never gets a place.
    fn say_anew(&mut self) {
        self.own.renumber();
        let room = self.effects.room();
        self.own.sign(&self.me, room, false, |count| self.effects.ticks(count));
    }

    /// Appends an entry to the log that this node leads. Chat is sent together after all inputs. A change of the membership
    /// is sent at once, while the members that it removes still are members.
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

    /// After all inputs: sends what this node has sequenced.
    pub(super) fn deliver_sequenced(&mut self) {
        if self.next_to_distribute().is_some() {
            self.distribute();
            self.recount();
        }
    }

    /// Sends what was sequenced since the last time to all members that have the log before it.
    pub(super) fn distribute(&mut self) {
        while let Some((from, next)) = self.next_to_distribute() {
            let (links, log) = (&self.links, &self.replica.log());
            let Some(leadership) = self.role.leadership_mut() else { return };
            let links = leadership.take_recipients(from, next, log, |member| links.of(member));
            let to = if links.is_empty() { from } else { next };
            let entries = self.replica.log().range(from, to).cloned().collect();
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
        let table = &self.links;
        self.effects.multicast(links, |link| table.who(link), message);
    }

    pub(super) fn on_deliver(&mut self, sender: NodeId, deliver: Deliver) {
        if self.leader().or(self.leader_before_freeze()) != Some(sender) {
            return self.ignore(DropReason::Stale);
        }
        let Some(deliver) = self.take_installed(deliver) else { return };
        let appends = self.is_normal() || self.leader_before_freeze().is_some();
        if !appends || deliver.view != self.membership.view() {
            return self.ignore(DropReason::Stale);
        }
        let (mut urgent, mut owed) = (false, self.replica.owe_acknowledgement(0));
        for entry in deliver.entries {
            let len = self.replica.log().len();
            if entry.end() <= len {
                continue;
            }
            if entry.index > len || entry.view != self.membership.view() {
                return self.leader_linked();
            }
            if self.is_beyond_said(&entry) {
                return self.begin_new_life();
            }
            let goes_on = self.replica.log().may_go_on(len, core::slice::from_ref(&entry));
            if entry.index < len || !goes_on || self.takes_back(&entry) {
                return self.accuse(sender, Fault::LogOrder);
            }
            urgent |= matches!(entry.body, Body::Membership { .. });
            owed = self.replica.owe_acknowledgement(entry.weight());
            self.append(entry);
        }
        self.learn_stable(deliver.stable);
        if urgent || owed >= inflight_bytes(self.membership.roster().len()) / 2 {
            self.acknowledge();
        } else if owed > 0 && !self.timers.is_set(Timer::Ack) {
            self.timers.arm(Timer::Ack, Times::ACK_DELAY);
        }
    }

    /// Whether the leader takes back a configuration that this node has.
    fn takes_back(&self, entry: &Entry) -> bool {
        matches!(&entry.body, Body::Membership { cfg, .. } if *cfg <= self.membership.cfg())
    }

    /// The leader from which a frozen member would take entries if `Rule::Freeze` were not enforced.
    fn leader_before_freeze(&self) -> Option<NodeId> {
        let goes_on = self.role.is_electing() && !self.enforces(Rule::Freeze);
        goes_on.then_some(self.membership.view().leader)
    }

    /// Appends the next entry to the log, and applies it.
    fn append(&mut self, entry: Entry) {
        let index = entry.index;
        if let Body::Membership { cfg, change } = &entry.body {
            let (cfg, change) = (*cfg, change.clone());
            self.replica.append(entry);
            self.apply_membership(index, cfg, &change);
        } else {
            self.note_own(&entry);
            self.show(index, &entry.body, Occasion::Live);
            if let Some(said) = entry.said() {
                self.check_fork(said);
            }
            self.replica.append(entry);
        }
    }

    /// Shows an entry to the user, unless that was done before.
    pub(super) fn show(&mut self, index: Index, body: &Body, occasion: Occasion) {
        self.show_part(index, body, occasion, 0);
    }

    /// The same without the first `hidden` texts.
    pub(super) fn show_part(&mut self, index: Index, body: &Body, occasion: Occasion, hidden: usize) {
        let again = !self.enforces(Rule::ShowOnce);
        let known_as = self.other_name(body);
        for mut notice in self.replica.show((index, body), occasion, (self.me.id, known_as), again) {
            if let Notice::Chat(chat) = &mut notice {
                chat.hidden = hidden;
                self.effects.count_shown(chat.count());
            }
            self.effects.notify(notice);
        }
    }

    /// What this node knows the author of an entry as, if the author signed another name.
    fn other_name(&self, body: &Body) -> Option<Name> {
        let Body::Chat { said, .. } = body else { return None };
        let known = self.find_member(said.origin.id).filter(|member| member.name != said.origin.name);
        known.map(|member| member.name.clone())
    }

    /// Notes own messages that get their places with `entry`, which is about to be appended and shown.
    pub(super) fn note_own(&mut self, entry: &Entry) {
        let Some(said) = entry.said().filter(|said| said.origin.id == self.me.id) else { return };
        let before = self.replica.reached_by(self.me.id);
        if let Some(notice) = self.own.note_entry(entry, said, before) {
            self.effects.notify(notice);
        }
    }

    /// Acknowledges the log to the leader, if something was received since the last time.
    pub(super) fn acknowledge(&mut self) {
        self.timers.clear(Timer::Ack);
        if !self.is_normal() || self.leads() {
            return;
        }
        let Some(index) = self.replica.take_acknowledgement() else { return };
        let view = self.membership.view();
        self.send_to(view.leader, Message::Ack { view, index });
    }

    /// Learns that all members have the log up to `stable`.
    pub(super) fn learn_stable(&mut self, stable: Index) {
        let catching_up = self.role.leadership().and_then(Leadership::needs_from);
        self.replica.learn_stable(stable, catching_up, self.enforces(Rule::BoundedLog));
        self.bound_origins();
    }
}

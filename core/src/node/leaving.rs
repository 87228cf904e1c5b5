//! Leaving in order: a member first sees its messages stable, then asks for its removal.

use super::follow_ups::FollowUp;
use super::{Node, Rule};
use crate::action::{Departure, Ending};
use crate::config::Times;
use crate::ids::NodeId;
use crate::node::Timer;
use crate::roster::Member;
use crate::trace::DropReason;
use crate::wire::{Body, Change, Message, RefusedKind};

/// How far a member has come with leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Leaving {
    /// Not all members have the own messages yet. The member still does all that members do.
    Draining,
    /// The member has asked for its removal.
    Asked,
}

impl Node {
    pub(super) fn leave(&mut self) {
        if self.leaving.is_some() {
            return;
        }
        self.leaving = Some(Leaving::Draining);
        self.timers.arm(Timer::Leave, Times::DRAIN);
        self.drain_again();
    }

    /// Whether this node ends with an election or the loss of the leader: its messages are stable, so it need not stay.
    pub(super) fn leaves_now(&self) -> bool {
        self.leaving == Some(Leaving::Asked) && self.enforces(Rule::LeaverEndsOnElection)
    }

    /// Tells a new leader that this member wants to leave.
    pub(super) fn drain_again(&mut self) {
        if self.leaving == Some(Leaving::Draining) && self.is_normal() && !self.leads() {
            self.send_to(self.membership.view().leader, Message::Draining);
        }
    }

    /// Takes the next step of leaving, if it can be taken.
    pub(super) fn check_leaving(&mut self) {
        match self.leaving {
            Some(Leaving::Asked) if !self.membership.has_me() => {
                self.end(Ending::Left { unsure: 0 });
            }
            None | Some(Leaving::Asked) => {}
            Some(Leaving::Draining) if self.membership.roster().is_empty() => {
                // A leader that has let this node in takes it for a member already.
                if let Some(leader) = self.leader() {
                    self.send_to(leader, Message::Leave);
                }
                let unsure = self.unsure();
                self.end(Ending::Left { unsure });
            }
            Some(Leaving::Draining) if self.is_in_doubt() => {}
            Some(Leaving::Draining) if self.leads() => {
                let others_done =
                    self.role.leadership().is_some_and(|it| it.draining().is_empty() && it.all_synced());
                if self.is_drained() && others_done {
                    self.depart();
                }
            }
            Some(Leaving::Draining) => {
                let leader = self.membership.view().leader;
                let settled = self.is_normal() && !self.role.leader_is_lost();
                if settled && self.is_drained() && self.send_to(leader, Message::Leave) {
                    self.leaving = Some(Leaving::Asked);
                    self.timers.arm(Timer::Leave, Times::LEAVE);
                }
            }
        }
    }

    /// Whether all members have all own messages.
    fn is_drained(&self) -> bool {
        let drained = self.own.are_with_all(self.replica.stable());
        drained || !self.enforces(Rule::DrainBeforeLeave)
    }

    /// How many own messages may not have reached all members.
    fn unsure(&self) -> u64 {
        let mine = self.replica.log().tail(self.replica.stable()).filter(|said| said.origin.id == self.me.id);
        (self.own.waiting() as u64).saturating_add(mine.map(|said| said.count()).sum())
    }

    pub(super) fn on_leave_due(&mut self) {
        let unsure = self.unsure();
        if self.leads() && !self.is_in_doubt() {
            self.depart();
        } else {
            self.end(Ending::Left { unsure });
        }
    }

    /// Leaves as the leader: the last entry removes it, and the goodbye names the member that starts the election.
    fn depart(&mut self) {
        let unsure = self.unsure();
        let me = self.me.id;
        let draining = self.role.leadership().map(|it| it.draining().clone()).unwrap_or_default();
        let successor = self.membership.roster().after(me).find(|id| !draining.contains(id));
        let successor = successor.or_else(|| self.membership.roster().after(me).next());
        let others = self.membership.roster().after(me).filter_map(|id| self.links.of(id)).collect();
        let gone = [(Member::clone(&self.me), Departure::Quit)].into();
        let change = Change::Edit { gone, joined: [].into(), merged: false };
        self.sequence(Body::Membership { cfg: self.membership.cfg().next(), change: change.into() });
        self.multicast(others, Message::Goodbye { successor });
        self.end(Ending::Left { unsure });
    }

    pub(super) fn on_draining(&mut self, member: NodeId) {
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.add_draining(member);
            let beat = self.beat();
            self.send_to(member, Message::Ping(beat));
        } else {
            self.ignore(DropReason::NotLeader);
        }
    }

    /// Tells the members that want to leave that more is stable now.
    pub(super) fn tell_draining(&mut self) {
        let draining = self.role.leadership().map(|it| it.draining().clone()).unwrap_or_default();
        for member in draining {
            let beat = self.beat();
            self.send_to(member, Message::Ping(beat));
        }
    }

    pub(super) fn on_leave(&mut self, member: NodeId) {
        if !self.leads() {
            return self.ignore(DropReason::NotLeader);
        }
        if self.membership.roster().contains(member) {
            self.schedule_removal(member, Departure::Quit);
        } else if let Some(link) = self.links.of(member) {
            let epoch = self.membership.view().epoch;
            self.send_not_member(link, RefusedKind::Ping, epoch);
        }
    }

    pub(super) fn on_goodbye(&mut self, leader: NodeId, successor: Option<NodeId>) {
        if self.leader() != Some(leader) {
            return self.ignore(DropReason::Stale);
        }
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        self.ring_unlinked(leader);
        self.note(FollowUp::LoseLeader);
        if successor == Some(self.me.id) {
            self.note(FollowUp::Elect);
        }
    }
}

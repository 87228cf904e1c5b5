//! Two rings find each other and become one.
//!
//! Each leader looks for the members that its ring has lost. Of two leaders the lesser, by size of ring and id, asks the
//! greater to take in its whole ring as if that were one newcomer. What was said in the lesser ring follows with the logs
//! of its members.

use super::links::Purpose;
use super::{Node, Rule};
use crate::action::{CloseMode, Fault, Notice};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::node::Timer;
use crate::roster::Member;
use crate::trace::DropReason;
use crate::wire::{Elected, Join, Message, Refusal};

/// What a leader does to have its ring taken into a greater one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Merge {
    /// The link on which the leader has asked.
    link: Option<LinkId>,
    /// Whether the user was told that both rings together are too large.
    told_too_many: bool,
}

impl Merge {
    /// Whether the leader has asked, and waits for an answer.
    pub(super) fn is_asked(&self) -> bool {
        self.link.is_some()
    }

    #[cfg(feature = "inspect")]
    pub(super) fn link(&self) -> Option<LinkId> {
        self.link
    }
}

/// The size of a ring whose leader names the other members.
pub(super) fn size_of(others: &[Member]) -> u64 {
    (others.len() as u64).saturating_add(1)
}

impl Node {
    /// What decides which of two rings takes in the other: the greater does.
    pub(super) fn rank(&self) -> (u64, NodeId) {
        (self.membership.roster().len() as u64, self.me.id)
    }

    /// Arms the timer that looks for lost members: for each that was met at its address once in `Times::PROBE`, and a few
    /// times for all others.
    pub(super) fn arm_probe(&mut self) {
        let turns = u32::try_from(self.replica.lost().turns().max(1)).unwrap_or(u32::MAX);
        let delay = self.rng.jittered(Times::PROBE.checked_div(turns).unwrap_or(Times::PROBE));
        self.timers.arm(Timer::Probe, delay);
    }

    pub(super) fn on_probe_due(&mut self) {
        if !self.leads() {
            return;
        }
        if self.may_merge() && self.enforces(Rule::ProbeLost) {
            let now = self.now();
            let is_taken = |addr| self.membership.roster().iter().any(|member| member.addr() == addr);
            if let Some(lost) = self.replica.lost_mut(now).next_to_probe(now, is_taken) {
                self.start_dial(Purpose::Probe { leader: None }, 0, lost);
            }
        }
        self.arm_probe();
    }

    /// A member that was looked for names its leader: looks for that one.
    pub(super) fn probe_leader(&mut self, leader: &Member) {
        let now = self.now();
        let may = self.links.is_located(leader) || self.replica.lost_mut(now).may_follow(now);
        if may && leader.id != self.me.id && self.leads() {
            self.start_dial(Purpose::Probe { leader: Some(leader.id) }, 0, leader.addr());
        }
    }

    /// Whether this leader is free to merge rings.
    fn may_merge(&self) -> bool {
        let is_free =
            |leadership: &super::Leadership| !leadership.merge.is_asked() && leadership.admissions.is_idle();
        self.leads()
            && self.leaving.is_none()
            && !self.is_in_doubt()
            && self.role.leadership().is_some_and(is_free)
    }

    pub(super) fn send_probe(&mut self, link: LinkId) {
        if self.leads() {
            let (size, _) = self.rank();
            self.send(link, Message::Probe { me: Member::clone(&self.me), size });
        } else {
            self.close(link, CloseMode::Abort);
        }
    }

    pub(super) fn on_probe(&mut self, link: LinkId, prober: &Member, size: u64) {
        // The one that looks for the other dials it.
        if self.links.get(link).is_some_and(|state| state.purpose.is_some()) {
            return self.fault(link, Fault::Unexpected);
        }
        if self.role.is_following() {
            let (me, leader) = (self.me.id, self.member(self.membership.view().leader));
            return self.send(link, Message::JoinVia { me, leader });
        }
        if !self.may_merge() || self.membership.roster().contains(prober.id) {
            return self.send(link, Message::Refused(Refusal::Busy));
        }
        if self.rank() > (size, prober.id) {
            self.effects.trust(link);
            self.send(link, Message::ProbeReply { me: Member::clone(&self.me) });
        } else {
            self.ask_to_merge(link, prober);
        }
    }

    pub(super) fn on_probe_reply(&mut self, link: LinkId, leader: &Member) {
        let purpose = self.links.get(link).and_then(|link| link.purpose.clone());
        if !matches!(purpose, Some(Purpose::Probe { .. })) {
            return self.fault(link, Fault::Unexpected);
        }
        if self.may_merge() && !self.membership.roster().contains(leader.id) {
            self.ask_to_merge(link, leader);
        } else {
            self.close(link, CloseMode::Abort);
        }
    }

    /// Asks the leader of a greater ring to take in this one.
    fn ask_to_merge(&mut self, link: LinkId, leader: &Member) {
        let generation = self.links.next_generation(leader.id, leader.addr());
        let roster = self.membership.roster();
        let others = roster.after(self.me.id).filter_map(|id| roster.find(id).cloned());
        let ring = others.collect();
        let Some(leadership) = self.role.leadership_mut() else { return };
        leadership.merge.link = Some(link);
        self.timers.arm(Timer::Merge, self.times.admission() * 2);
        let join = Join {
            me: Member::clone(&self.me),
            contact: None,
            epoch: self.membership.promised(),
            generation,
            ring,
        };
        // The answer lists both rings.
        self.effects.trust(link);
        self.send(link, Message::Join(join));
    }

    pub(super) fn is_merging_on(&self, link: LinkId) -> bool {
        self.role.leadership().is_some_and(|it| it.merge.link == Some(link))
    }

    /// The greater ring takes this one in: passes its leader's announcement to the members of this ring.
    pub(super) fn merge_into(&mut self, link: LinkId, elected: Elected) {
        let view = elected.cfg.view;
        let leader = elected.roster.find(view.leader).cloned();
        if self.links.get(link).is_none_or(|state| state.who != view.leader) {
            // The one that was asked leads no longer, and passes on what its leader says.
            self.ignore(DropReason::NotLeader);
            return self.give_up_merge();
        }
        if !self.would_follow(view) {
            // That leader counts this one among its own members, and opens a new epoch only after it has told of the one before.
            return self.ignore(DropReason::Stale);
        }
        let acceptable = view.epoch <= self.highest_acceptable() && self.is_for_me(&elected);
        let leader = leader.filter(|_| acceptable);
        let Some(leader) = leader else { return self.fault(link, Fault::Unexpected) };
        self.take_merge_link();
        let members = self.membership.roster().ids().filter_map(|id| self.links.of(id)).collect();
        self.multicast(members, Message::Elected(elected.clone()));
        let generation = self.links.next_generation(leader.id, leader.addr());
        self.bind_join_link(link, &leader, generation);
        self.follow(elected);
    }

    /// Another ring and this one have too many members for one room.
    pub(super) fn too_many_to_merge(&mut self) {
        let Some(leadership) = self.role.leadership_mut() else { return };
        if !core::mem::replace(&mut leadership.merge.told_too_many, true) {
            self.effects.notify(Notice::TooManyToMerge);
        }
    }

    /// `link` is gone or being closed. If this ring asked on it to be taken in, the ring may ask elsewhere.
    pub(super) fn merge_link_lost(&mut self, link: LinkId) {
        if self.is_merging_on(link) {
            self.take_merge_link();
        }
    }

    /// Waits no longer for an answer to the question whether this ring is taken in.
    pub(super) fn give_up_merge(&mut self) {
        if let Some(link) = self.take_merge_link() {
            self.close(link, CloseMode::Abort);
        }
    }

    fn take_merge_link(&mut self) -> Option<LinkId> {
        self.timers.clear(Timer::Merge);
        self.role.leadership_mut().and_then(|leadership| leadership.merge.link.take())
    }
}

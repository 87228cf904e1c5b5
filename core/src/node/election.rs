//! The election of a leader: Chang and Roberts 1979, "An improved algorithm for decentralized
//! extrema-finding in circular configurations of processes", with the length of the log and a hash before the id.
//!
//! A token carries the best candidate that its sender knows, and the path of its way. A member passes on a candidate that
//! is better than all it has seen, answers a worse one than itself once with its own candidacy, and swallows the rest. A
//! candidate that gets its own token back has won, and the path is the new ring.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::follow_ups::FollowUp;
use super::role::Role;
use super::{Node, Rule};
use crate::action::{ElectionPhase, Ending, Notice};
use crate::config::{Config, Times};
use crate::ids::{LinkId, NodeId};
use crate::limits::{MAX_PLACES, MAX_ROSTER};
use crate::node::Timer;
use crate::numbers::{Epoch, Index};
use crate::roster::{Member, Roster, View};
use crate::time::Instant;
use crate::trace::DropReason;
use crate::wire::{CandidateRank, Elect, Elected, Message, RefusedKind, Standing};

/// A member's part in an election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Election {
    /// This member's rank, fixed for the election; none if it cannot lead.
    key: Option<CandidateRank>,
    /// The best candidate seen, and the path of its token, this member included.
    best: Option<(CandidateRank, Vec<NodeId>)>,
    /// The last candidate that sent its token here itself. A token that others pass on may be their invention.
    claim: Option<CandidateRank>,
    /// The candidate that was sent last, and to which member.
    sent: Option<(CandidateRank, NodeId)>,
    /// Whether this member's own token has come back, and no better candidate is known since.
    came_back: bool,
    /// The members that have sent this one a token. They take part, so this member does not win without them.
    senders: BTreeSet<NodeId>,
    /// Whether this member slept meanwhile, or before it took part, so that the election may be over without its knowledge.
    slept: bool,
    /// Since when there is no leader, over the elections of all epochs in a row.
    begun: Instant,
    /// The same, or since when the last member was lost.
    since: Instant,
    /// Whether that is so long ago that a member seems to swallow the tokens: the election goes on without some of the members.
    is_fruitless: bool,
}

/// In fruitless elections one of so many members is left out, in the next epoch another one of them.
const GROUPS: u64 = 4;

impl Election {
    /// Takes part with that rank, or only passes tokens on.
    pub(super) fn new(key: Option<CandidateRank>, now: Instant) -> Self {
        Self {
            key,
            best: None,
            claim: None,
            sent: None,
            came_back: false,
            senders: BTreeSet::new(),
            slept: false,
            begun: now,
            since: now,
            is_fruitless: false,
        }
    }

    /// Feeds all that decides what follows into `state`, but for the way in.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, state: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        (self.key, &self.best, self.claim, self.sent, self.came_back, &self.senders, self.slept).hash(state);
    }

    /// The length of the log with which `candidate` stands, if it has told so itself, and goes on with that log if it leads in
    /// `epoch`.
    pub(super) fn length_told_by(&self, candidate: NodeId, epoch: Epoch) -> Option<Index> {
        let goes_on = |claim: &CandidateRank| claim.epoch <= epoch && claim.length <= Index(MAX_PLACES);
        self.claim.filter(|claim| claim.id == candidate && goes_on(claim)).map(|claim| claim.length)
    }

    /// Notes that this member has slept.
    pub(super) fn sleep(&mut self) {
        self.slept = true;
    }
}

impl Node {
    /// This node's part in the election of an epoch that it has just promised.
    pub(super) fn new_election(&mut self) -> Election {
        let (rank, now, slept) = (self.own_rank(), self.now(), self.doubt.take_sleep());
        let Some(Election { begun, since, .. }) = self.role.election() else {
            return Election { slept, ..Election::new(rank, now) };
        };
        let patience = Times::fruitless(self.membership.route().len());
        let is_fruitless = now.since(*since) >= patience && self.enforces(Rule::LeaveOutInTurn);
        Election { begun: *begun, since: *since, is_fruitless, ..Election::new(rank, now) }
    }

    /// Whether this node has been without a leader for so long that it waits no longer for those that it was never linked to.
    pub(super) fn gives_up_strangers(&self) -> bool {
        let begun = self.role.election().map(|election| election.begun);
        begun.is_some_and(|begun| self.now().since(begun) >= Config::JOIN_TIMEOUT)
    }

    /// A member was lost, so the next election may well find a leader.
    pub(super) fn note_progress(&mut self) {
        let now = self.now();
        if let Some(election) = self.role.election_mut() {
            election.since = now;
        }
    }

    /// Whether the election goes on without `id`. All members leave out the same: it is the turn of `id` in this epoch.
    pub(super) fn leaves_out(&self, id: NodeId) -> bool {
        let turn = self.membership.promised().0 % GROUPS;
        let mut places = (0..GROUPS).cycle().zip(self.membership.route().ids());
        self.role.election().is_some_and(|election| election.is_fruitless)
            && places.any(|(place, other)| other == id && place == turn)
    }

    /// Starts an election of a new epoch: the leader is lost, or the last election has no winner.
    pub(super) fn start_election(&mut self) {
        if self.step_aside() {
            return;
        }
        if self.slept_through_an_election() {
            return self.come_back();
        }
        self.freeze(self.membership.highest_epoch().next());
        self.reach.strangers.note_election();
        self.effects.count_election();
        self.stand();
        self.note(FollowUp::PassToken);
    }

    /// Whether this member slept and then heard of a leader that the others have elected. An election with members that
    /// have not heard of that leader yet would leave the leader behind.
    fn slept_through_an_election(&self) -> bool {
        let slept = match &self.role {
            Role::Electing { election, .. } => election.slept,
            Role::Leading(_) => self.is_in_doubt(),
            _ => self.doubt.has_slept(),
        };
        slept && self.reach.is_behind()
    }

    /// The leader has removed this member: comes back, unless the member has asked for that.
    pub(super) fn on_dismissed(&mut self) {
        if !self.step_aside() {
            self.come_back();
        }
    }

    /// Ends or joins again, if this node takes no part in elections of its own: it has asked for its removal, or wants in.
    /// Returns whether it does.
    fn step_aside(&mut self) -> bool {
        if self.leaves_now() {
            self.end(Ending::Left { unsure: 0 });
            return true;
        }
        self.join_again()
    }

    /// This node's rank, if it can lead: a node that wants in cannot.
    pub(super) fn own_rank(&self) -> Option<CandidateRank> {
        let log = self.replica.log();
        let (epoch, length) =
            if self.enforces(Rule::LongestLogFirst) { (log.epoch(), log.len()) } else { Default::default() };
        let is_member = self.role.joining().is_none();
        is_member.then_some(CandidateRank { epoch, length, id: self.me.id })
    }

    /// How a candidate compares with others.
    fn standing(&self, candidate: CandidateRank) -> Standing {
        let standing = candidate.standing(self.effects.room());
        if self.enforces(Rule::HashedTies) { standing } else { standing.by_id() }
    }

    /// Limits the time of an election, or of the wait for its winner's log.
    pub(super) fn arm_election(&mut self) {
        let limit = self.rng.jittered(Times::election(self.size_of_ring(self.membership.route())));
        self.timers.arm(Timer::Election, limit);
    }

    /// Makes this member the best candidate that it knows, if it can lead.
    fn stand(&mut self) {
        let me = self.me.id;
        let Some(election) = self.role.election_mut() else { return };
        let Some(key) = election.key else { return };
        election.best = Some((key, [me].into()));
        self.tell_election(ElectionPhase::Start, me);
    }

    /// Sends the best candidate known to the next member. A member that is alone, or whose token has met all, has won.
    pub(super) fn pass_token(&mut self) {
        let Some(election) = self.role.election() else { return };
        let Some((candidate, path)) = &election.best else { return };
        let next = self.next_for_token(*candidate, path);
        let came_back = election.came_back;
        let has_met = |next| path.contains(&next) || !self.enforces(Rule::TokenMeetsAll);
        if came_back && next.is_none_or(has_met) {
            return self.win();
        }
        if self.ring.seeking().is_some() || (self.ring.next().is_none() && self.ring.strangers_wait()) {
            // A nearer member may be alive, and the token must not pass it over.
            return;
        }
        let Some(next) = next else {
            if election.key == Some(*candidate) {
                return self.win();
            }
            // The best candidate is another, and no member is left that could bring the token there.
            return self.note(FollowUp::Elect);
        };
        if election.sent == Some((*candidate, next)) {
            if came_back {
                // The token also went to a next that came later, and is lost where it has been before.
                self.note(FollowUp::Elect);
            }
            return;
        }
        let (candidate, path) = (*candidate, path.clone());
        if let Some(election) = self.role.election_mut() {
            election.sent = Some((candidate, next));
        }
        let elect = self.elect_for(next, candidate, path);
        if self.send_to(next, Message::Elect(elect)) {
            self.effects.count_election_message();
        }
    }

    /// A link to `peer` stands anew: the token that went by the old one may be lost.
    pub(super) fn send_token_again(&mut self, peer: NodeId) {
        let Some(election) = self.role.election_mut() else { return };
        if election.sent.is_some_and(|(_, to)| to == peer) {
            election.sent = None;
            self.note(FollowUp::PassToken);
        }
    }

    /// To which member the token goes, or would go if it were linked: the next in the ring, or a nearer one that is being
    /// dialed. Two members may have heard of different rings. So if the token has met these before, it goes home to its
    /// candidate. If it is there, or the way there is not linked, it goes to a linked member that it has not met: to one that
    /// takes part or may do so. The lost leader does not; and once elections bear no fruit, a member that is silent may be the
    /// reason.
    fn next_for_token(&self, candidate: CandidateRank, path: &[NodeId]) -> Option<NodeId> {
        let nearest = || self.ring.next().into_iter().chain(self.ring.seeking());
        let next = nearest().next()?;
        if !self.enforces(Rule::TokenMeetsAll) {
            return Some(next);
        }
        if let Some(unmet) = nearest().find(|id| !path.contains(id)) {
            return Some(unmet);
        }
        let home = Some(candidate.id).filter(|id| *id != self.me.id && self.takes_tokens(*id));
        let (election, leader) = (self.role.election()?, self.membership.view().leader);
        let may_take_part = |id: &NodeId| *id != leader && !election.is_fruitless;
        let others = self.membership.route().ids().filter(may_take_part);
        let mut unmet = election.senders.iter().copied().chain(others).filter(|id| !path.contains(id));
        home.or_else(|| unmet.find(|id| self.takes_tokens(*id))).or(Some(next))
    }

    /// Whether a token can be sent to `id`, and the election does not go on without it.
    fn takes_tokens(&self, id: NodeId) -> bool {
        self.links.is_linked(id) && !self.passes_over(id)
    }

    fn elect_for(&mut self, next: NodeId, candidate: CandidateRank, path: Vec<NodeId>) -> Elect {
        let told = self.told().map(|(cfg, roster)| (cfg, roster.clone()));
        let (cfg, mut roster) =
            told.map_or((self.membership.cfg(), None), |(cfg, roster)| (cfg, Some(roster)));
        if let Some(link) = self.links.of_mut(next) {
            if link.knows >= Some(cfg) {
                roster = None;
            }
            link.knows = link.knows.max(Some(cfg));
        }
        Elect { epoch: self.membership.promised(), candidate, path, cfg, roster }
    }

    pub(super) fn on_elect(&mut self, link: LinkId, sender: NodeId, elect: Elect) {
        if let Some(roster) = &elect.roster {
            self.learn_route(elect.cfg, roster);
        }
        if let Some(state) = self.links.get_mut(link) {
            state.knows = state.knows.max(Some(elect.cfg));
        }
        if !self.membership.route().contains(sender) {
            self.ignore(DropReason::NotMember);
            return self.send_not_member(link, RefusedKind::Elect, elect.epoch);
        }
        let takes_part = self.role.is_electing();
        let stale = elect.epoch < self.membership.promised() || elect.epoch <= self.membership.view().epoch;
        if stale || (elect.epoch == self.membership.promised() && !takes_part) {
            return self.ignore(DropReason::Stale);
        }
        if elect.epoch > self.highest_acceptable() {
            self.ignore(DropReason::Leap);
            return self.send_not_member(link, RefusedKind::Elect, elect.epoch);
        }
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        if elect.epoch > self.membership.promised() {
            self.freeze(elect.epoch);
        }
        if let Some(election) = self.role.election_mut() {
            election.senders.insert(sender);
            election.claim = Some(elect.candidate).filter(|it| it.id == sender).or(election.claim);
        }
        self.on_candidate(elect.candidate, elect.path);
    }

    /// Compares a candidate with this member and the best that it knows.
    fn on_candidate(&mut self, candidate: CandidateRank, mut path: Vec<NodeId>) {
        let me = self.me.id;
        let swallows = self.enforces(Rule::SwallowRepeats);
        let Some(election) = self.role.election() else { return };
        let best = election.best.as_ref().map(|(best, _)| *best);
        let repeated = Some(candidate) == best || path.contains(&me);
        let standing = self.standing(candidate);
        let (leaves_out, goes_home) = (self.leaves_out(candidate.id), self.takes_home(candidate, &path));
        let is_better = best.is_none_or(|best| standing >= self.standing(best)) && !leaves_out;
        let is_news = is_better && !(repeated && swallows);
        let is_worse = election.key.is_some_and(|key| standing < self.standing(key)) || leaves_out;
        let Some(election) = self.role.election_mut() else { return };
        if candidate.id == me {
            // A way that did not begin here is a lie, and would lead to a ring without this member.
            let began_here = path.first() == Some(&me);
            if election.key == Some(candidate) && best == election.key && began_here {
                election.best = Some((candidate, path));
                election.came_back = !election.slept;
                // A token may have lain here while this node slept and the others elected another.
                let follow_up = if election.slept { FollowUp::Elect } else { FollowUp::PassToken };
                self.note(follow_up);
            } else {
                self.ignore(DropReason::Stale);
            }
        } else if is_worse && best.is_none() {
            self.tell_election(ElectionPhase::Swallow, candidate.id);
            self.stand();
            self.note(FollowUp::PassToken);
        } else if is_news && path.len() < MAX_ROSTER {
            path.push(me);
            election.best = Some((candidate, path));
            (election.sent, election.came_back) = (None, false);
            self.tell_election(ElectionPhase::Forward, candidate.id);
            let dead = self.reach.was_lost_in(candidate.id, self.membership.promised());
            if dead && self.enforces(Rule::DeadCandidateStartsAnew) {
                return self.note(FollowUp::Elect);
            }
            self.note(FollowUp::PassToken);
        } else if goes_home {
            election.best = Some((candidate, path));
            self.tell_election(ElectionPhase::Forward, candidate.id);
            self.note(FollowUp::PassToken);
        } else {
            self.tell_election(ElectionPhase::Swallow, candidate.id);
        }
    }

    /// Whether the token of `candidate` was here before, came again from members that know another ring, and can go home
    /// from here. The last of them may have no link to the candidate.
    fn takes_home(&self, candidate: CandidateRank, path: &[NodeId]) -> bool {
        let Some(Election { best: Some((best, met)), sent, .. }) = self.role.election() else { return false };
        let came_again = *best == candidate && path.contains(&self.me.id) && path.len() > met.len();
        let home = candidate.id;
        came_again && *sent != Some((candidate, home)) && self.takes_tokens(home)
    }

    /// The candidate whose token this member would pass on, if that is another.
    pub(super) fn best_candidate(&self) -> Option<NodeId> {
        let Some(Election { best: Some((key, _)), .. }) = self.role.election() else { return None };
        Some(key.id).filter(|id| *id != self.me.id)
    }

    /// Wins: this member's token came back, or no other member can be reached.
    fn win(&mut self) {
        if self.reach.is_behind() && self.ring.next().is_none() {
            return self.come_back();
        }
        let Some(Election { best: Some((_, path)), .. }) = self.role.election() else { return };
        let path = path.clone();
        let view = View { epoch: self.membership.promised(), leader: self.me.id };
        self.tell_election(ElectionPhase::Won, self.me.id);
        let roster = self.ring_of(&path);
        self.become_leader(view, roster);
        self.note(FollowUp::Announce);
    }

    /// The members on the path, without those found dead in this epoch and those that refused. This member is among them
    /// even if it was removed from the ring that it knows.
    fn ring_of(&self, path: &[NodeId]) -> Roster {
        let dead = |id: &NodeId| {
            self.reach.was_lost_in(*id, self.membership.promised()) && self.enforces(Rule::PathWithoutDead)
        };
        let alive = path.iter().filter(|id| !dead(id) && !self.reach.has_refused(**id));
        let known = |id| if id == self.me.id { Some(&*self.me) } else { self.membership.route().find(id) };
        let members = alive.filter_map(|id| known(*id).cloned()).collect();
        Roster::new(members).unwrap_or_else(|_| Roster::alone(Member::clone(&self.me)))
    }

    /// Tells the next member who leads: always while syncing, later only if the next is behind.
    pub(super) fn announce_leader(&mut self) {
        let Some(next) = self.ring.next().filter(|next| self.leader() != Some(*next)) else { return };
        let is_behind = self.is_behind(next);
        let elected = match &mut self.role {
            Role::Syncing { syncing, .. } => syncing.announcement_for(next),
            Role::Following { .. } | Role::Leading(_) if is_behind => Some(self.announcement()),
            _ => None,
        };
        if let Some(elected) = elected {
            self.send_elected(next, elected);
        }
    }

    /// Whether `next` may not know the leader of this node's view.
    fn is_behind(&self, next: NodeId) -> bool {
        match self.role.leadership() {
            Some(leadership) => leadership.awaits_news(next),
            None => self.links.view_of(next).is_some_and(|view| view.epoch < self.membership.view().epoch),
        }
    }

    pub(super) fn send_elected(&mut self, peer: NodeId, elected: Elected) {
        if let Some(link) = self.links.of_mut(peer) {
            link.knows = link.knows.max(Some(elected.cfg));
        }
        // The answer is a log.
        if let Some(link) = self.links.of(peer) {
            self.effects.trust(link);
        }
        self.send_to(peer, Message::Elected(elected));
    }

    /// The announcement of the current leader: its configuration, and the history of the log.
    pub(super) fn announcement(&self) -> Elected {
        Elected {
            cfg: self.membership.cfg(),
            roster: self.membership.roster().clone(),
            history: self.replica.log().history().to_vec(),
        }
    }

    /// The leader is out of reach. The member next to it starts an election at once, the others later.
    pub(super) fn lose_leader(&mut self) {
        if self.step_aside() {
            return;
        }
        if self.role.leader_is_lost() {
            return;
        }
        if self.note_unlinkable_leader() {
            return self.stay_alone();
        }
        self.role.set_leader_lost(true);
        self.timers.arm(Timer::Initiate, Times::election_delay(self.size_of_ring(self.membership.route())));
        self.note(FollowUp::ConsiderInitiative);
    }

    /// Walks back from this member to the lost leader. If all members in between are dead, it is this member's turn to
    /// start the election. A member that is not linked is dialed, to find out.
    pub(super) fn consider_initiative(&mut self) {
        let Some(leader) = self.leader().filter(|_| self.role.leader_is_lost()) else { return };
        let route = self.membership.route().clone();
        if !route.contains(leader) {
            return;
        }
        for before in route.after(self.me.id).rev() {
            if before == leader {
                return self.start_election();
            }
            if !self.reach.is_unreachable(before) {
                if !self.links.is_linked(before) {
                    self.dial(before);
                }
                return;
            }
        }
    }

    pub(super) fn on_initiate_due(&mut self) {
        if self.role.leader_is_lost() {
            self.note(FollowUp::Elect);
        }
    }

    /// An election, or the wait for its winner's log, took too long.
    pub(super) fn on_election_due(&mut self) {
        if !self.enforces(Rule::ElectionTimeout) {
            return;
        }
        if let Role::Electing { .. } | Role::Syncing { .. } = self.role {
            self.note(FollowUp::Elect);
        }
    }

    pub(super) fn tell_election(&mut self, phase: ElectionPhase, candidate: NodeId) {
        let (candidate, epoch) = (self.member(candidate).into(), self.membership.promised());
        self.effects.notify(Notice::Election { phase, candidate, epoch });
    }

    pub(super) fn tell_leader(&mut self) {
        let (member, epoch) =
            (self.member(self.membership.view().leader).into(), self.membership.view().epoch);
        self.effects.notify(Notice::Leader { member, epoch });
    }
}

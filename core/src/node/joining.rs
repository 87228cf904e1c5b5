//! Joining: through a contact to the leader, again and again until the time is up. A member that was left behind comes
//! back the same way, with its id and its log.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::follow_ups::FollowUp;
use super::links::Purpose;
use super::role::Role;
use super::{Node, Rule};
use crate::action::{CloseMode, Ending, Fault, JoinFailure, Notice};
use crate::config::{Config, Times};
use crate::ids::{LinkId, NodeId, RoomId};
use crate::input::DialFailure;
use crate::limits::{MAX_EPOCH, MAX_EPOCH_LEAP};
use crate::node::Timer;
use crate::numbers::Epoch;
use crate::roster::{Member, Roster, View};
use crate::time::Instant;
use crate::trace::DropReason;
use crate::wire::{Elected, Join, Message, Refusal};

/// What a node knows while it tries to get in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Joining {
    contacts: Vec<SocketAddr>,
    /// The place of the contact that is asked next.
    turn: usize,
    failures: BTreeMap<SocketAddr, JoinFailure>,
    /// The member that was met at each contact that did not let the node in.
    met: BTreeMap<SocketAddr, NodeId>,
    /// Contacts whose failure the user was told.
    told: BTreeSet<SocketAddr>,
    /// When the node gives up.
    limit: Instant,
    /// Whether the node never was a member.
    fresh: bool,
}

impl Joining {
    /// Feeds all that decides what follows into `state`, but for what the user was told.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, state: &mut impl core::hash::Hasher) {
        core::hash::Hash::hash(&(&self.contacts, self.turn, &self.failures, &self.met, self.fresh), state);
    }

    pub(crate) fn fresh(contacts: Vec<SocketAddr>, limit: Instant) -> Self {
        let (failures, met, told) = Default::default();
        Self { contacts, turn: 0, failures, met, told, limit, fresh: true }
    }

    /// The contact that is being asked does not let the node in, or the leader that it named does not.
    fn note_failure(&mut self, failure: JoinFailure) {
        if let Some(contact) = self.contacts.get(self.turn) {
            self.failures.insert(*contact, failure);
        }
    }

    /// For a node that was a member, and wants back in.
    pub(super) fn again(contacts: Vec<SocketAddr>, limit: Instant) -> Self {
        Self { fresh: false, ..Self::fresh(contacts, limit) }
    }
}

impl Node {
    /// Whether this node was never a member of the room that it enters.
    pub(super) fn is_fresh(&self) -> bool {
        self.role.joining().is_some_and(|joining| joining.fresh)
    }

    /// Takes the next step of joining, which is also the first step of the node's life.
    pub(super) fn on_join_due(&mut self) {
        if !self.timers.is_set(Timer::Sweep) {
            self.timers.arm(Timer::Sweep, self.times.sweep());
        }
        if let Some(joining) = self.role.joining() {
            let limit = joining.limit.max(self.now().after(Duration::from_micros(1)));
            self.timers.set(Timer::JoinLimit, limit);
            self.ask();
        } else if let Role::Founding(room) = self.role {
            self.create(room);
        }
    }

    /// Creates a room and leads it.
    fn create(&mut self, room: RoomId) {
        self.effects.create_room(room);
        let roster = Roster::alone(Member::clone(&self.me));
        self.membership.create(roster.clone());
        self.become_leader(View { epoch: self.membership.promised().next(), leader: self.me.id }, roster);
    }

    /// Asks the contact whose turn it is.
    fn ask(&mut self) {
        if !self.role.is_joining() {
            return;
        }
        self.drop_attempts();
        self.forget_route();
        let Some(joining) = self.role.joining() else { return };
        match joining.contacts.get(joining.turn).copied() {
            Some(contact) => self.start_dial(Purpose::Contact(contact), 0, contact),
            None => self.fail_join(),
        }
    }

    /// Whether this node asks on `link` to be let in, or for the leader that could let it in.
    pub(super) fn wants_in_on(&self, link: LinkId) -> bool {
        let purpose = self.links.get(link).and_then(|link| link.purpose.as_ref());
        matches!(purpose, Some(Purpose::Contact(_) | Purpose::Leader { .. } | Purpose::Probe { .. }))
            || self.is_merging_on(link)
    }

    /// Gives up all dials and links to contacts and leaders that were asked.
    pub(super) fn drop_attempts(&mut self) {
        let attempt = |purpose: &Purpose| matches!(purpose, Purpose::Contact(_) | Purpose::Leader { .. });
        for link in self.links.abandon(attempt) {
            self.close(link, CloseMode::Abort);
        }
    }

    pub(super) fn send_join(&mut self, link: LinkId, contact: Option<NodeId>) {
        let generation = self.links.get(link).map_or(0, |link| link.generation);
        let is_new = self.is_fresh() || !self.enforces(Rule::RejoinWithPromise);
        let epoch = if is_new { Epoch::default() } else { self.membership.promised() };
        self.send(
            link,
            Message::Join(Join { me: Member::clone(&self.me), contact, epoch, generation, ring: Vec::new() }),
        );
    }

    pub(super) fn on_join_via(&mut self, link: LinkId, contact: NodeId, leader: Member) {
        let purpose = self.links.get(link).and_then(|link| link.purpose.clone());
        if self.is_merging_on(link) || matches!(purpose, Some(Purpose::Probe { .. })) {
            self.close(link, CloseMode::Flush);
            if !matches!(purpose, Some(Purpose::Probe { leader: Some(_) })) {
                self.probe_leader(&leader);
            }
            return;
        }
        match purpose {
            Some(Purpose::Contact(_)) if leader.id != self.me.id => {}
            // The asked leader no longer leads, or the contact has not heard yet that this node does not.
            Some(Purpose::Contact(_) | Purpose::Leader { .. }) => {
                self.close(link, CloseMode::Flush);
                return self.ask_next();
            }
            Some(_) | None => return self.fault(link, Fault::Unexpected),
        }
        self.close(link, CloseMode::Flush);
        let addr = leader.addr();
        let generation = self.links.next_generation(leader.id, addr);
        self.start_dial(Purpose::Leader { leader, contact }, generation, addr);
    }

    /// The leader lets this node in.
    pub(super) fn on_welcome(&mut self, link: LinkId, elected: Elected) {
        if self.is_merging_on(link) {
            return self.merge_into(link, elected);
        }
        let leader = elected.cfg.view.leader;
        let Some(state) = self.links.get(link) else { return };
        let asked_here = matches!(state.purpose, Some(Purpose::Contact(_) | Purpose::Leader { .. }));
        let (generation, who) = (state.generation, state.who);
        let is_own = leader == self.me.id;
        let leader = elected.roster.find(leader).cloned();
        if !asked_here || is_own {
            return self.fault(link, Fault::Unexpected);
        }
        let leader = leader.filter(|it| it.id == who && self.is_for_me(&elected));
        let Some(leader) = leader else { return self.ignore(DropReason::NotForMe) };
        let acceptable = elected.cfg.view.epoch <= self.highest_acceptable();
        if !self.role.is_joining() || !acceptable || !self.would_follow(elected.cfg.view) {
            // The welcome comes too late: meanwhile this node has taken part in an election.
            return self.ignore(DropReason::Stale);
        }
        self.bind_join_link(link, &leader, generation);
        self.follow(elected);
    }

    pub(super) fn on_refused(&mut self, link: LinkId, refusal: Refusal) {
        let Some(state) = self.links.get(link) else { return };
        if state.peer.is_some() {
            if refusal == Refusal::Slow {
                self.effects.notify(Notice::CutOff);
            }
            return;
        }
        let (who, purpose) = (state.who, state.purpose.clone());
        if let Some(Purpose::Peer(_)) = purpose {
            // A greeting asks for nothing that a member could refuse in this way.
            return self.fault(link, Fault::Unexpected);
        }
        if refusal == Refusal::RoomFull && self.is_merging_on(link) {
            self.too_many_to_merge();
        }
        if refusal == Refusal::EpochTooHigh && self.is_refused_for_its_epoch(link) {
            return self.begin_unbound_life(self.addr_of(who));
        }
        if self.is_merging_on(link) || purpose.is_some() {
            self.close(link, CloseMode::Abort);
        }
        let Some(purpose) = purpose else { return };
        if matches!(purpose, Purpose::Probe { .. }) {
            return;
        }
        if let Some(joining) = self.role.joining_mut() {
            if refusal == Refusal::AddressTaken {
                joining.note_failure(JoinFailure::AddressTaken);
            }
            if let Purpose::Contact(addr) = purpose {
                joining.met.insert(addr, who);
            }
        }
        if refusal == Refusal::RoomFull && self.is_fresh() {
            self.end(Ending::RoomFull);
        } else {
            self.ask_next();
        }
    }

    /// Whether a refusal on `link` can be about the epoch that this node has promised. Nobody refuses what is no leap.
    fn is_refused_for_its_epoch(&self, link: LinkId) -> bool {
        let asked = self.is_merging_on(link) || (self.role.joining().is_some() && self.wants_in_on(link));
        asked && !self.is_fresh() && self.membership.promised() > Epoch(MAX_EPOCH_LEAP)
    }

    /// The dial to the contact that is being asked, or to the leader that it named, failed, or the link broke.
    pub(super) fn on_contact_failed(&mut self, failure: JoinFailure) {
        let Some(joining) = self.role.joining_mut() else { return };
        joining.note_failure(failure);
        let hopeless = |contact| {
            let failure = joining.failures.get(contact);
            matches!(failure, Some(JoinFailure::Dial(DialFailure::NoMember | DialFailure::Oneself)))
        };
        if joining.fresh && joining.contacts.iter().all(hopeless) {
            return self.fail_join();
        }
        self.ask_next();
    }

    /// Asks the next contact: at once, or after a pause if all were asked in this round.
    pub(super) fn ask_next(&mut self) {
        let Some(joining) = self.role.joining_mut() else { return };
        joining.turn = joining.turn.saturating_add(1);
        if joining.turn >= joining.contacts.len() {
            joining.turn = 0;
            self.tell_failures();
            self.timers.arm(Timer::Join, Times::JOIN_RETRY);
        } else {
            self.ask();
        }
    }

    /// Tells the user why each contact has not let this node in, once for each.
    fn tell_failures(&mut self) {
        let now = self.now();
        let still_tries = |joining: &&mut Joining| joining.fresh && joining.limit > now;
        let Some(joining) = self.role.joining_mut().filter(still_tries) else { return };
        let left = joining.limit.since(now);
        let told = &mut joining.told;
        let news = joining.failures.iter().filter(|(contact, _)| told.insert(**contact));
        let news: Vec<_> = news.map(|(&contact, &failure)| (contact, failure)).collect();
        for (contact, failure) in news {
            self.effects.notify(Notice::NotYet { contact, failure, left });
        }
    }

    pub(super) fn on_join_limit(&mut self) {
        if self.is_fresh() {
            self.fail_join();
        } else if self.role.joining().is_some() {
            self.stay_alone();
        }
    }

    fn fail_join(&mut self) {
        let Some(joining) = self.role.joining() else { return };
        let failures = &joining.failures;
        let tried = joining
            .contacts
            .iter()
            .map(|contact| (*contact, failures.get(contact).copied().unwrap_or(JoinFailure::NoAnswer)));
        let tried = tried.collect();
        self.end(Ending::JoinFailed { tried });
    }

    /// Comes back to a room that went on without this member, with its log and its own messages.
    pub(super) fn come_back(&mut self) {
        let ahead = self.reach.start_over();
        let mut contacts: Vec<SocketAddr> = ahead.iter().filter_map(|id| self.addr_of(*id)).collect();
        let others = self.contacts_among(self.membership.roster()).into_iter();
        let others: Vec<SocketAddr> = others.filter(|addr| !contacts.contains(addr)).collect();
        contacts.extend(others);
        let limit = self.now().after(Config::JOIN_TIMEOUT);
        self.rejoin(Joining::again(contacts, limit), Notice::LeftBehind);
    }

    /// Leads a ring of one, which other members may join: none can be reached.
    pub(super) fn stay_alone(&mut self) {
        self.drop_attempts();
        let met = self.role.joining_mut().map(|joining| core::mem::take(&mut joining.met));
        // A new life may have promised nothing, and still has its log. It begins a log anew to which nobody else comes.
        let of_log = Some(self.replica.log().epoch()).filter(|epoch| *epoch <= Epoch(MAX_EPOCH));
        let known = self.membership.highest_epoch().max(of_log.unwrap_or_default());
        self.become_leader(
            View { epoch: known.next(), leader: self.me.id },
            Roster::alone(Member::clone(&self.me)),
        );
        // The members that were met may stay alone at the same time, and know nobody of this node's ring.
        for (addr, id) in met.into_iter().flatten().filter(|(_, id)| *id != self.me.id) {
            let (now, end) = (self.now(), self.replica.log().len());
            self.replica.lost_mut(now).look_for(Member::met(id, addr), true, end, now);
        }
        self.note(FollowUp::SeekNext);
    }
}

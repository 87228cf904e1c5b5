//! Getting in: through a contact to the leader, again and again until the time is up. A member that was
//! left behind comes back the same way, as itself.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::links::Purpose;
use super::{Mode, Node, Rule};
use crate::action::{CloseMode, Ending, Fault, JoinFailure, Notice};
use crate::config::{Config, Times};
use crate::ids::{LinkId, NodeId, RoomId};
use crate::input::{DialFailure, DownReason};
use crate::node::Timer;
use crate::numbers::Epoch;
use crate::roster::{Member, Roster, View};
use crate::time::Instant;
use crate::wire::{DecodeError, Elected, Join, Message, Refusal};

/// What a node knows while it tries to get in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Joining {
    pub(super) contacts: Vec<SocketAddr>,
    /// Which contact is asked next.
    pub(super) turn: usize,
    failures: BTreeMap<SocketAddr, JoinFailure>,
    /// Contacts of which the user was told that they do not let this node in yet.
    told: BTreeSet<SocketAddr>,
    /// Until when it tries.
    limit: Instant,
    /// It was never a member.
    pub(super) fresh: bool,
}

impl Joining {
    pub(crate) fn fresh(contacts: Vec<SocketAddr>, limit: Instant) -> Self {
        Self { contacts, turn: 0, failures: BTreeMap::new(), told: BTreeSet::new(), limit, fresh: true }
    }
}

impl Node {
    /// Whether this node was never a member of the room that it enters.
    pub(super) fn is_fresh(&self) -> bool {
        self.joining.as_ref().is_some_and(|joining| joining.fresh)
    }

    /// The next step of getting in; at first, of life.
    pub(super) fn on_join_due(&mut self) {
        if !self.timers.is_set(Timer::Sweep) {
            self.arm(Timer::Sweep, self.times.sweep());
        }
        match &self.joining {
            None => self.create(),
            Some(joining) => {
                self.timers
                    .set(Timer::JoinLimit, joining.limit.max(self.now().after(Duration::from_micros(1))));
                self.ask();
            }
        }
    }

    /// Creates a room and leads it.
    fn create(&mut self) {
        self.room = RoomId(self.rng.next().max(1));
        let roster = Roster::alone(Member::clone(&self.me));
        self.roster = roster.clone();
        self.reign(View { epoch: self.promised.next(), leader: self.me.id }, roster);
    }

    /// Asks the contact whose turn it is.
    fn ask(&mut self) {
        if self.mode != Mode::Joining {
            return;
        }
        self.drop_attempts();
        self.forget_route();
        let Some(joining) = &self.joining else { return };
        match joining.contacts.get(joining.turn).copied() {
            Some(contact) => self.start_dial(Purpose::Contact(contact), 0, contact),
            None => self.fail_join(),
        }
    }

    /// Whether this node asks on `link` to be let in, or to be told by whom.
    pub(super) fn wants_in_on(&self, link: LinkId) -> bool {
        let purpose = self.links.get(link).and_then(|link| link.purpose.as_ref());
        matches!(purpose, Some(Purpose::Contact(_) | Purpose::Leader { .. } | Purpose::Probe { .. }))
            || self.is_merging_on(link)
    }

    /// Gives up what is under way to get in.
    pub(super) fn drop_attempts(&mut self) {
        let attempt = |purpose: &Purpose| matches!(purpose, Purpose::Contact(_) | Purpose::Leader { .. });
        for link in self.links.abandon(attempt) {
            self.close(link, CloseMode::Abort);
        }
    }

    pub(super) fn send_join(&mut self, link: LinkId, contact: Option<NodeId>) {
        let generation = self.links.get(link).map_or(0, |link| link.generation);
        let is_new = self.is_fresh() || !self.keeps(Rule::RejoinWithPromise);
        let epoch = if is_new { Epoch::default() } else { self.promised };
        self.send(
            link,
            Message::Join(Join { me: Member::clone(&self.me), contact, epoch, generation, ring: Vec::new() }),
        );
    }

    pub(super) fn on_join_via(&mut self, link: LinkId, contact: NodeId, leader: Member) {
        let purpose = self.links.get(link).and_then(|link| link.purpose.clone());
        if let Some(Purpose::Probe { leader: asked }) = purpose {
            self.close(link, CloseMode::Flush);
            if !asked && leader.id != self.me.id && self.leads() {
                self.start_dial(Purpose::Probe { leader: true }, 0, leader.addr());
            }
            return;
        }
        if !matches!(purpose, Some(Purpose::Contact(_))) || leader.id == self.me.id {
            return self.fault(link, Fault::Unexpected);
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
        let asked = match &state.purpose {
            Some(Purpose::Contact(_)) => true,
            Some(Purpose::Leader { leader: asked, .. }) => asked.id == leader,
            Some(Purpose::Peer(_) | Purpose::Probe { .. }) | None => false,
        };
        let generation = state.generation;
        let follows = self.mode == Mode::Joining && asked && self.would_follow(elected.cfg.view);
        let leader = elected.roster.find(leader).cloned();
        let leader = leader.filter(|_| follows && self.is_for_me(&elected));
        let Some(leader) = leader else { return self.fault(link, Fault::Unexpected) };
        self.adopt(link, &leader, generation);
        self.accept(elected);
    }

    pub(super) fn on_refused(&mut self, link: LinkId, refusal: Refusal) {
        let Some(state) = self.links.get(link) else { return };
        if state.peer.is_some() {
            if refusal == Refusal::Slow {
                self.notify(Notice::CutOff);
            }
            return;
        }
        let purpose = state.purpose.clone();
        if let Some(Purpose::Peer(_)) = purpose {
            // A member that is greeted lets in or is no member: it was asked for nothing that it could refuse.
            return self.fault(link, Fault::Unexpected);
        }
        if refusal == Refusal::RoomFull && self.is_merging_on(link) {
            self.too_many_to_merge();
        }
        self.merge_link_lost(link);
        let Some(purpose) = purpose else { return };
        self.close(link, CloseMode::Abort);
        if matches!(purpose, Purpose::Probe { .. }) {
            return;
        }
        if refusal == Refusal::RoomFull && self.is_fresh() {
            self.end(Ending::RoomFull);
        } else {
            self.ask_next();
        }
    }

    /// The dial to a contact or to the leader came to nothing.
    pub(super) fn on_contact_failed(&mut self, addr: SocketAddr, why: Result<DownReason, DialFailure>) {
        let failure = match why {
            Err(DialFailure::TimedOut) => JoinFailure::NoAnswer,
            Err(failure) => JoinFailure::Dial(failure),
            Ok(DownReason::Protocol(DecodeError::Version { theirs })) => JoinFailure::Version { theirs },
            Ok(DownReason::Protocol(_)) => JoinFailure::NotRingchat,
            Ok(_) => JoinFailure::Broken,
        };
        let Some(joining) = &mut self.joining else { return };
        joining.failures.insert(addr, failure);
        let hopeless = |contact| {
            let failure = joining.failures.get(contact);
            matches!(failure, Some(JoinFailure::NotRingchat | JoinFailure::Version { .. }))
        };
        if joining.fresh && joining.contacts.iter().all(hopeless) {
            return self.fail_join();
        }
        self.ask_next();
    }

    /// The next contact, at once while some were not asked in this round.
    fn ask_next(&mut self) {
        let Some(joining) = &mut self.joining else { return };
        joining.turn = joining.turn.saturating_add(1);
        if joining.turn >= joining.contacts.len() {
            joining.turn = 0;
            self.tell_failures();
            self.arm(Timer::Join, Times::JOIN_RETRY);
        } else {
            self.ask();
        }
    }

    /// Nobody has let this node in. Says why, once for each contact.
    fn tell_failures(&mut self) {
        let now = self.now();
        let still_tries = |joining: &&mut Joining| joining.fresh && joining.limit > now;
        let Some(joining) = self.joining.as_mut().filter(still_tries) else { return };
        let left = joining.limit.since(now);
        let told = &mut joining.told;
        let news = joining.failures.iter().filter(|(contact, _)| told.insert(**contact));
        let news: Vec<_> = news.map(|(&contact, &failure)| (contact, failure)).collect();
        for (contact, failure) in news {
            self.notify(Notice::NotYet { contact, failure, left });
        }
    }

    /// The election that this node only watched has come to nothing for it.
    pub(super) fn join_again(&mut self) {
        self.mode = Mode::Joining;
        self.timers.clear(Timer::Election);
        self.ask_next();
    }

    pub(super) fn on_join_limit(&mut self) {
        if self.is_fresh() {
            self.fail_join();
        } else if self.joining.is_some() {
            self.stay_alone();
        }
    }

    fn fail_join(&mut self) {
        let Some(joining) = self.joining.take() else { return };
        let failures = &joining.failures;
        let tried = joining
            .contacts
            .iter()
            .map(|contact| (*contact, failures.get(contact).copied().unwrap_or(JoinFailure::NoAnswer)));
        let tried = tried.collect();
        self.end(Ending::JoinFailed { tried });
    }

    /// The room went on without this member: it comes back with its log and what it has to say.
    pub(super) fn rejoin(&mut self) {
        let mut contacts: Vec<SocketAddr> = self.went_on.iter().filter_map(|id| self.addr_of(*id)).collect();
        let others = self.roster.iter().filter(|member| member.id != self.me.id).map(Member::addr);
        let others: Vec<SocketAddr> = others.filter(|addr| !contacts.contains(addr)).collect();
        contacts.extend(others);
        let limit = self.now().after(Config::JOIN_TIMEOUT);
        self.joining = Some(Joining { fresh: false, ..Joining::fresh(contacts, limit) });
        self.mode = Mode::Joining;
        self.ready = false;
        self.timers.clear(Timer::Election);
        self.went_on.clear();
        self.shunned.clear();
        self.unreachable.clear();
        self.notify(Notice::LeftBehind);
        self.arm(Timer::Join, Duration::ZERO);
    }

    /// Nobody can be reached: a room of one, which whoever is left may join.
    pub(super) fn stay_alone(&mut self) {
        self.drop_attempts();
        self.went_on.clear();
        let epoch = self.promised.max(self.view.epoch).next();
        self.reign(View { epoch, leader: self.me.id }, Roster::alone(Member::clone(&self.me)));
        self.seek_next();
    }
}

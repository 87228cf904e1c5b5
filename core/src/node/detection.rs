//! Failure detection: heartbeats, silence, suspicions.

use alloc::vec::Vec;
use core::time::Duration;

use super::follow_ups::FollowUp;
use super::links::{Link, Purpose};
use super::{Node, Rule};
use crate::action::{CloseMode, Departure, Fault};
use crate::ids::{LinkId, NodeId};
use crate::input::DialFailure;
use crate::node::Timer;
use crate::time::Instant;
use crate::trace::DropReason;
use crate::wire::{Beat, Message, RefusedKind};

/// The answering end of a link waits this many times as long as the other before it begins itself.
const WHO_ANSWERS: u32 = 2;

/// What the sweep has to do about a link.
enum Duty {
    /// Close it: its peer did not introduce itself in time.
    CloseStranger,
    /// Fail its dial, which takes too long.
    FailDial(Purpose),
    /// Close it: neither end has had a use for it for a while.
    CloseIdle,
    /// Note that this end has no use for it.
    NoteIdle,
    /// Dial its peer, which is silent.
    Redial(NodeId),
    /// Give up its peer, which was asked for a sign of life and gave none.
    GiveUp(NodeId),
    /// Send a sign of life.
    Beat,
}

impl Node {
    /// Looks over all links, ten times per `detect` while something is under way.
    pub(super) fn sweep(&mut self) {
        let late =
            self.links.dials().filter(|(_, dial)| self.dial_is_late(&dial.purpose, dial.started, false));
        for dial in late.map(|(id, _)| id).collect::<Vec<_>>() {
            self.on_dial_failed(dial, DialFailure::TimedOut);
        }
        let duties = self.links.iter().filter_map(|(id, link)| Some((id, self.duty(link)?)));
        for (link, duty) in duties.collect::<Vec<_>>() {
            self.do_duty(link, duty);
        }
        self.note(FollowUp::LookAhead);
        self.dial_nearer_strangers();
        self.dial_leader_again();
        self.check_unsynced();
        self.press_doubt();
        self.check_route();
        self.hurry_admission();
        self.sync_after_pause();
        self.timers.set(Timer::Sweep, self.next_sweep());
    }

    /// When to sweep next: at rest when the first link is due, so that the driver is seldom woken.
    fn next_sweep(&self) -> Instant {
        let (soon, late) = (self.now().after(self.times.sweep()), self.now().after(self.times.rest()));
        if self.is_unsettled() {
            return soon;
        }
        let due = self.links.iter().map(|(_, link)| self.due_to_look(link)).min();
        due.map_or(late, |due| due.clamp(soon, late))
    }

    /// Moves the next sweep forward while something is under way.
    pub(super) fn hurry_sweep(&mut self) {
        let soon = self.now().after(self.times.sweep());
        if self.timers.at(Timer::Sweep).is_some_and(|at| at > soon) && self.is_unsettled() {
            self.timers.set(Timer::Sweep, soon);
        }
    }

    fn is_unsettled(&self) -> bool {
        let leadership = self.role.leadership();
        !self.is_normal()
            || self.ring.seeking().is_some()
            || self.ring.strangers_wait()
            || self.is_in_doubt()
            || self.links.dials().next().is_some()
            || leadership.is_some_and(|it| it.admissions.is_under_way() || !it.all_synced())
    }

    /// When the sweep has to look at a link: at once while it has no agreed peer, or no use.
    fn due_to_look(&self, link: &Link) -> Instant {
        let Some(peer) = link.peer.filter(|peer| self.has_use_for(*peer)) else { return self.now() };
        let (beat, silence) = self.patience(peer);
        let asked = link.probed.filter(|at| link.heard < *at).map(|at| at.after(self.times.dial()));
        let due = link.sent.after(beat).min(link.heard.after(silence));
        asked.map_or(due, |asked| asked.min(due))
    }

    /// For how long this end of a link to `peer` may send nothing and hear nothing. A sign of life is answered by one,
    /// so the end with the lesser id begins.
    fn patience(&self, peer: NodeId) -> (Duration, Duration) {
        let (beat, silence) = if self.ring.is_neighbour(peer) {
            (self.times.ring_beat(), self.times.detect)
        } else {
            (self.times.idle_beat(), self.times.idle_silence())
        };
        if self.me.id < peer { (beat, silence) } else { (beat * WHO_ANSWERS, silence) }
    }

    /// Whether a dial takes too long: until the first answer, or from then until its purpose is met.
    fn dial_is_late(&self, purpose: &Purpose, started: Instant, answered: bool) -> bool {
        let limit = match purpose {
            Purpose::Peer(_) | Purpose::Newcomer(_) => self.times.dial(),
            Purpose::Contact(_) | Purpose::Leader { .. } if !answered => self.times.first_answer(),
            Purpose::Contact(_) | Purpose::Leader { .. } | Purpose::Probe { .. } => {
                self.times.admission() * 2
            }
        };
        self.now().since(started) >= limit
    }

    fn duty(&self, link: &Link) -> Option<Duty> {
        let now = self.now();
        let Some(peer) = link.peer else {
            return match &link.purpose {
                Some(purpose) => self
                    .dial_is_late(purpose, link.opened, link.stamp.is_some())
                    .then(|| Duty::FailDial(purpose.clone())),
                None => (now.since(link.opened) >= self.times.greeting()).then_some(Duty::CloseStranger),
            };
        };
        if !self.has_use_for(peer) {
            return match link.idle_since {
                None => Some(Duty::NoteIdle),
                Some(since) => (now.since(since) >= self.times.linger()).then_some(Duty::CloseIdle),
            };
        }
        if link.probed.is_some_and(|at| link.heard < at && now.since(at) >= self.times.dial()) {
            return Some(Duty::GiveUp(peer));
        }
        let (beat, silence) = self.patience(peer);
        if now.since(link.heard) >= silence && self.links.dialing(peer).is_none() {
            return Some(Duty::Redial(peer));
        }
        // A sign of life that would be due before the next sweep is sent in this one.
        (now.since(link.sent).saturating_add(self.times.sweep()) > beat).then_some(Duty::Beat)
    }

    /// Whether this end has a use for a link to `peer`.
    fn has_use_for(&self, peer: NodeId) -> bool {
        self.ring.is_neighbour(peer)
            || self.leader() == Some(peer)
            || self.role.leader_is_lost()
            || self.role.is_electing()
            || self.role.leadership().is_some_and(|leadership| leadership.knows(peer))
    }

    fn do_duty(&mut self, link: LinkId, duty: Duty) {
        match duty {
            Duty::CloseStranger => self.fault(link, Fault::Silent),
            Duty::FailDial(purpose) => {
                self.close(link, CloseMode::Abort);
                self.on_dial_ended(&purpose, Err(DialFailure::TimedOut));
            }
            Duty::CloseIdle => self.close(link, CloseMode::Flush),
            Duty::NoteIdle => {
                let now = self.now();
                if let Some(state) = self.links.get_mut(link) {
                    state.idle_since = Some(now);
                }
            }
            Duty::Redial(peer) => {
                self.suspect(peer);
                self.dial(peer);
            }
            Duty::GiveUp(peer) => self.on_unreachable(peer),
            Duty::Beat => {
                let beat = self.beat();
                self.send(link, Message::Ping(beat));
            }
        }
        if self.links.get(link).and_then(|link| link.peer).is_some_and(|peer| self.has_use_for(peer))
            && let Some(state) = self.links.get_mut(link)
        {
            state.idle_since = None;
        }
    }

    /// The link to a member broke: dials the member once more. Only a dial that fails counts against it.
    pub(super) fn on_link_lost(&mut self, peer: NodeId) {
        let was_neighbour = self.ring.is_neighbour(peer);
        self.ring_unlinked(peer);
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.unsync(peer, self.timers.now());
        }
        let leads_me = self.leader() == Some(peer);
        if !self.membership.route().contains(peer) {
            if leads_me {
                self.note(FollowUp::LoseLeader);
            }
            return self.note(FollowUp::SeekNext);
        }
        let mine = self.role.leadership().is_some_and(|leadership| leadership.wants_link(peer));
        if was_neighbour || leads_me || mine {
            self.links.renew_dial(peer, self.timers.now());
            self.dial_once_more(peer);
        }
        self.note(FollowUp::SeekNext);
    }

    /// Dials a member whose link broke, unless it was dialed in vain again and again: it links and breaks its links, and what
    /// it tells for its address may be that of a third party.
    fn dial_once_more(&mut self, peer: NodeId) {
        if self.links.dials_in_vain(peer, self.now()) && self.enforces(Rule::GrowingPauses) {
            self.on_unreachable(peer);
        } else {
            self.dial(peer);
        }
    }

    /// A dial to a member failed: the member is dead, or cannot be used by this node.
    pub(super) fn on_unreachable(&mut self, peer: NodeId) {
        if let Some(link) = self.links.of(peer) {
            if self.is_alive(link) {
                return;
            }
            self.close(link, CloseMode::Abort);
        }
        let (addr, now) = (self.addr_of(peer), self.now());
        if !self.reach.is_unreachable(peer) {
            self.note_progress();
        }
        self.reach.note_failed_dial(peer, self.membership.promised());
        if let Some(addr) = addr {
            self.reach.rest(addr, now);
        }
        self.suspect(peer);
        self.ring_unlinked(peer);
        if self.leads() {
            self.schedule_removal(peer, Departure::Lost);
        }
        if self.leader() == Some(peer) {
            self.note(FollowUp::LoseLeader);
        }
        if self.best_candidate() == Some(peer) && self.enforces(Rule::DeadCandidateStartsAnew) {
            self.note(FollowUp::Elect);
        }
        self.note(FollowUp::SeekNext);
        self.note(FollowUp::ConsiderInitiative);
    }

    /// Whether something was heard on `link` since its peer was suspected.
    fn is_alive(&self, link: LinkId) -> bool {
        let Some(state) = self.links.get(link) else { return false };
        let quiet = self.now().since(state.heard);
        let unanswered =
            state.probed.is_some_and(|at| state.heard < at && self.now().since(at) >= self.times.dial());
        quiet < self.times.detect && !unanswered
    }

    /// Tells the leader that `peer` seems to be dead. The leader decides by its own link.
    fn suspect(&mut self, peer: NodeId) {
        if !self.is_normal() || self.leads() || !self.membership.roster().contains(peer) {
            return;
        }
        if let Some(leader) = self.leader().filter(|leader| *leader != peer) {
            self.send_to(leader, Message::Suspect { id: peer });
        }
    }

    pub(super) fn on_suspect(&mut self, id: NodeId) {
        if !self.leads() {
            return self.ignore(DropReason::NotLeader);
        }
        if !self.membership.roster().contains(id) {
            return self.ignore(DropReason::Known);
        }
        let (now, beat) = (self.now(), self.beat());
        if let Some(state) = self.links.of_mut(id)
            && state.probed.is_none_or(|at| state.heard >= at)
        {
            state.probed = Some(now);
            self.send_to(id, Message::Ping(beat));
        }
    }

    pub(super) fn beat(&self) -> Beat {
        let cfg = self.told().map(|(cfg, _)| cfg).filter(|_| self.enforces(Rule::CfgInBeats));
        Beat { view: self.membership.known_view(), cfg, stable: self.replica.stable() }
    }

    pub(super) fn on_ping(&mut self, link: LinkId, peer: NodeId, beat: Beat) {
        if self.leads() && !self.membership.roster().contains(peer) {
            let epoch = beat.view.map_or(self.membership.promised(), |view| view.epoch);
            return self.send_not_member(link, RefusedKind::Ping, epoch);
        }
        let answer = self.beat();
        self.send(link, Message::Pong(answer));
        self.on_beat(link, peer, beat);
    }

    pub(super) fn on_beat(&mut self, link: LinkId, peer: NodeId, beat: Beat) {
        if let Some(state) = self.links.get_mut(link) {
            state.knows = state.knows.max(beat.cfg);
        }
        if self.is_news(beat.cfg) && !self.leads() {
            self.send(link, Message::WantRoster);
        }
        if self.is_normal()
            && self.membership.view().leader == peer
            && beat.view == Some(self.membership.view())
        {
            self.learn_stable(beat.stable);
        }
    }
}

//! The election of a leader: Chang and Roberts 1979, "An improved algorithm for decentralized
//! extrema-finding in circular configurations of processes", with the length of the log before the id.
//!
//! A token carries the best candidate known to whoever sends it and the path that it took. A member passes
//! on what is better than all it has seen, answers what is worse than itself with its own candidacy once,
//! and swallows the rest. A candidate that gets its own token back has won, and its path is the new ring.

use alloc::vec::Vec;

use super::{Mode, Node, Rule};
use crate::action::{ElectionPhase, Ending, Notice};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::limits::MAX_ROSTER;
use crate::node::Timer;
use crate::numbers::Epoch;
use crate::roster::{ConfigId, Member, Roster, View};
use crate::wire::{Body, CandidateRank, Change, Elect, Elected, Message, RefusedKind};

/// A member's part in an election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Election {
    /// This member's rank, frozen for the election; none if it cannot lead.
    key: Option<CandidateRank>,
    /// The best candidate seen, and whom its token had passed, this member included.
    best: Option<(CandidateRank, Vec<NodeId>)>,
    /// What was sent last, and to whom.
    sent: Option<(CandidateRank, NodeId)>,
    /// Whether this member slept meanwhile, so that the election may be over.
    slept: bool,
}

impl Election {
    /// This member has slept.
    pub(super) fn sleep(&mut self) {
        self.slept = true;
    }
}

impl Node {
    /// Starts an election of a new epoch: the leader is lost, or the last election came to nothing.
    pub(super) fn start_election(&mut self) {
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        if self.joining.is_some() {
            return self.join_again();
        }
        let highest = self.promised.max(self.view.epoch).max(self.route.cfg.view.epoch);
        self.freeze(highest.next());
        self.stats.elections = self.stats.elections.saturating_add(1);
        self.stand();
        self.seek_next();
        self.pass_token();
    }

    /// Stops appending and sequencing in older views, and takes part in the election of `epoch`.
    pub(super) fn freeze(&mut self, epoch: Epoch) {
        self.promised = epoch;
        self.stop_leading();
        self.lost_leader = None;
        self.timers.clear(Timer::Initiate);
        self.timers.clear(Timer::Admission);
        self.timers.clear(Timer::Removal);
        self.timers.clear(Timer::Slow);
        let (log, length) = (self.log.epoch(), self.log.len());
        let (log, length) =
            if self.keeps(Rule::LongestLogFirst) { (log, length) } else { Default::default() };
        let key = CandidateRank { epoch: log, length, id: self.me.id };
        let key = self.joining.is_none().then_some(key);
        self.mode = Mode::Electing(Election { key, best: None, sent: None, slept: false });
        self.arm_election();
    }

    /// An election, and the wait for its winner's log, may take this long.
    pub(super) fn arm_election(&mut self) {
        let limit = self.rng.jittered(Times::election(self.route.roster.len()));
        self.arm(Timer::Election, limit);
    }

    /// Makes this member the best candidate that it knows, if it can be one.
    fn stand(&mut self) {
        let me = self.me.id;
        let Mode::Electing(election) = &mut self.mode else { return };
        let Some(key) = election.key else { return };
        election.best = Some((key, [me].into()));
        self.tell_election(ElectionPhase::Start, me);
    }

    /// Sends the best candidate known to the next. Alone, the election is decided.
    pub(super) fn pass_token(&mut self) {
        let Mode::Electing(Election { best: Some((candidate, path)), key, sent, .. }) = &mut self.mode else {
            return;
        };
        if self.ring.seeking.is_some() {
            // A nearer member may live; the token must not pass it over.
            return;
        }
        if let Some(next) = self.ring.next {
            if *sent == Some((*candidate, next)) {
                return;
            }
            *sent = Some((*candidate, next));
            let (candidate, path) = (*candidate, path.clone());
            let elect = self.elect_for(next, candidate, path);
            if self.send_to(next, Message::Elect(elect)) {
                self.stats.election_messages = self.stats.election_messages.saturating_add(1);
            }
        } else if *key == Some(*candidate) {
            self.win();
        } else {
            // The candidate is beyond reach, or its token would be on its way.
            self.start_election();
        }
    }

    fn elect_for(&mut self, next: NodeId, candidate: CandidateRank, path: Vec<NodeId>) -> Elect {
        let cfg = self.route.cfg;
        let mut roster = Some(self.route.roster.clone());
        if let Some(link) = self.links.of_mut(next) {
            if link.knows >= Some(cfg) {
                roster = None;
            }
            link.knows = link.knows.max(Some(cfg));
        }
        Elect { epoch: self.promised, candidate, path, cfg, roster }
    }

    pub(super) fn on_elect(&mut self, link: LinkId, sender: NodeId, elect: Elect) {
        if let Some(roster) = &elect.roster {
            self.learn_route(elect.cfg, roster);
        }
        if let Some(state) = self.links.get_mut(link) {
            state.knows = state.knows.max(Some(elect.cfg));
        }
        if !self.route.roster.contains(sender) {
            return self.send_not_member(link, RefusedKind::Elect, elect.epoch);
        }
        let takes_part = matches!(self.mode, Mode::Electing(_));
        let stale = elect.epoch < self.promised || elect.epoch <= self.view.epoch;
        if stale || (elect.epoch == self.promised && !takes_part) {
            return;
        }
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        if elect.epoch > self.promised {
            self.freeze(elect.epoch);
        }
        self.weigh(elect.candidate, elect.path);
    }

    /// Compares a candidate with this member and the best that it knows.
    fn weigh(&mut self, candidate: CandidateRank, mut path: Vec<NodeId>) {
        let me = self.me.id;
        let swallows = self.keeps(Rule::SwallowRepeats);
        let Mode::Electing(election) = &mut self.mode else { return };
        let best = election.best.as_ref().map(|(best, _)| *best);
        let repeated = Some(candidate) == best || path.contains(&me);
        let is_news = Some(candidate) >= best && !(repeated && swallows);
        if candidate.id == me {
            if election.key == Some(candidate) && best == election.key {
                let slept = election.slept;
                election.best = Some((candidate, path));
                if slept {
                    // The token may have lain here while the others elected another.
                    self.start_election();
                } else {
                    self.win();
                }
            }
        } else if election.key.is_some_and(|key| candidate < key) && best.is_none() {
            self.tell_election(ElectionPhase::Swallow, candidate.id);
            self.stand();
            self.pass_token();
        } else if is_news && path.len() < MAX_ROSTER {
            path.push(me);
            election.best = Some((candidate, path));
            election.sent = None;
            self.tell_election(ElectionPhase::Forward, candidate.id);
            let dead = self.unreachable.get(&candidate.id) == Some(&self.promised);
            if dead && self.keeps(Rule::DeadCandidateStartsAnew) {
                return self.start_election();
            }
            self.pass_token();
        } else {
            self.tell_election(ElectionPhase::Swallow, candidate.id);
        }
    }

    /// The candidate whose token this member would pass on, unless it is itself.
    pub(super) fn best_candidate(&self) -> Option<NodeId> {
        let Mode::Electing(Election { best: Some((key, _)), .. }) = &self.mode else { return None };
        Some(key.id).filter(|id| *id != self.me.id)
    }

    /// This member's token came back, or nobody else is there.
    fn win(&mut self) {
        if !self.went_on.is_empty() && self.ring.next.is_none() {
            return self.rejoin();
        }
        let Mode::Electing(Election { best: Some((_, path)), .. }) = &self.mode else { return };
        let path = path.clone();
        let view = View { epoch: self.promised, leader: self.me.id };
        self.tell_election(ElectionPhase::Won, self.me.id);
        let roster = self.ring_of(&path);
        self.reign(view, roster);
        self.pass_announcement();
    }

    /// The members on the path, without those found dead in this epoch and those that refused. This one is among
    /// them even if it was removed from the ring that it knows.
    fn ring_of(&self, path: &[NodeId]) -> Roster {
        let dead = |id: &NodeId| {
            self.unreachable.get(id) == Some(&self.promised) && self.keeps(Rule::PathWithoutDead)
        };
        let alive = path.iter().filter(|id| !dead(id) && !self.shunned.contains(id));
        let known = |id| if id == self.me.id { Some(&*self.me) } else { self.route.roster.find(id) };
        let members = alive.filter_map(|id| known(*id).cloned()).collect();
        Roster::new(members).unwrap_or_else(|_| Roster::alone(Member::clone(&self.me)))
    }

    /// Leads in `view`: opens its epoch with `roster`, and sequences what waits.
    pub(super) fn reign(&mut self, view: View, roster: Roster) {
        self.view = view;
        self.promised = view.epoch;
        self.take_lead(&roster);
        self.mode = Mode::Normal;
        let cfg = ConfigId::first(view);
        let lost = self.roster.iter().filter(|member| !roster.contains(member.id)).cloned().collect();
        self.sequence(Body::Membership { cfg, change: Change::Opened { roster, lost }.into() });
        let was_ready = self.ready;
        self.become_normal();
        if was_ready {
            self.tell_leader();
        }
        self.sequence_own();
    }

    /// Tells the next who leads: in `Waiting`, and later if it is behind.
    pub(super) fn pass_announcement(&mut self) {
        let Some(next) = self.ring.next else { return };
        let elected = match &mut self.mode {
            Mode::Waiting(waiting) => match waiting.announcement_for(next) {
                Some(elected) => elected,
                None => return,
            },
            Mode::Normal if next == self.view.leader => return,
            Mode::Normal => {
                let is_behind = match &self.leadership {
                    Some(leadership) => leadership.awaits_news(next),
                    None => self.links.view_of(next).is_some_and(|view| view.epoch < self.view.epoch),
                };
                if !is_behind {
                    return;
                }
                self.announcement()
            }
            Mode::Joining | Mode::Electing(_) | Mode::Ended => return,
        };
        self.send_elected(next, elected);
    }

    pub(super) fn send_elected(&mut self, peer: NodeId, elected: Elected) {
        if let Some(link) = self.links.of_mut(peer) {
            link.knows = link.knows.max(Some(elected.cfg));
        }
        self.send_to(peer, Message::Elected(elected));
    }

    /// Who leads now, and the history of the log.
    pub(super) fn announcement(&self) -> Elected {
        Elected { cfg: self.cfg, roster: self.roster.clone(), history: self.log.history().to_vec() }
    }

    /// The leader is beyond reach. Whoever is next to it begins an election at once, the others later.
    pub(super) fn leader_is_lost(&mut self, leader: NodeId) {
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        if self.joining.is_some() {
            return self.join_again();
        }
        if self.lost_leader == Some(leader) {
            return;
        }
        if self.is_unlinkable_again() {
            return self.stay_alone();
        }
        self.lost_leader = Some(leader);
        self.arm(Timer::Initiate, Times::election_delay(self.route.roster.len()));
        self.consider_initiative();
    }

    /// Walks back from this member to the lost leader: with only the dead in between it is this member's
    /// turn. Who is not linked is dialed, to know.
    pub(super) fn consider_initiative(&mut self) {
        let Some(leader) = self.lost_leader else { return };
        let route = self.route.roster.clone();
        if !route.contains(leader) {
            return;
        }
        for before in route.after(self.me.id).rev() {
            if before == leader {
                return self.start_election();
            }
            if !self.unreachable.contains_key(&before) {
                if !self.links.is_linked(before) {
                    self.dial(before);
                }
                return;
            }
        }
    }

    pub(super) fn on_initiate_due(&mut self) {
        if self.lost_leader.is_some() {
            self.start_election();
        }
    }

    /// No leader within the time.
    pub(super) fn on_election_due(&mut self) {
        if !self.keeps(Rule::ElectionTimeout) {
            return;
        }
        match self.mode {
            Mode::Electing(_) | Mode::Waiting(_) => self.start_election(),
            Mode::Joining | Mode::Normal | Mode::Ended => {}
        }
    }

    pub(super) fn tell_election(&mut self, phase: ElectionPhase, candidate: NodeId) {
        let (candidate, epoch) = (self.member(candidate).into(), self.promised);
        self.notify(Notice::Election { phase, candidate, epoch });
    }

    pub(super) fn tell_leader(&mut self) {
        let (member, epoch) = (self.member(self.view.leader).into(), self.view.epoch);
        self.notify(Notice::Leader { member, epoch });
    }
}

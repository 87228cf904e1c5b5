//! How two members come to share one link: dials, greetings, generations. Both know who is at the other end: whoever
//! opened the link has proven it.
//!
//! A dial has worked when the peer's `Hello` came back, not when TCP connected: the kernel completes handshakes for a
//! stopped process too. Of two links of a pair the one of the higher generation stands; of two with equal generations the
//! one that the greater id dialed.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::follow_ups::FollowUp;
use super::links::{Dial, Purpose};
use super::strangers::Need;
use super::{Node, Rule};
use crate::action::{CloseMode, Fault, JoinFailure};
use crate::ids::{DialId, LinkId, NodeId};
use crate::input::{DialFailure, DownReason, Origin};
use crate::limits::{MAX_DIALS, MAX_HALF_OPEN};
use crate::roster::{ConfigId, Member, Roster, View};
use crate::secure::LinkError;
use crate::trace::{DropReason, Traced};
use crate::wire::{DecodeError, Hello, Message, NotMember, RefusedKind};

impl Node {
    /// Dials `peer`, unless a dial is under way. Returns whether that can be done now.
    pub(super) fn dial(&mut self, peer: NodeId) -> bool {
        if peer == self.me.id || self.links.dialing(peer).is_some() {
            return true;
        }
        let addr = self.addr_of(peer).filter(|_| self.links.dials().count() < MAX_DIALS);
        let Some(addr) = addr else {
            self.on_unreachable(peer);
            return true;
        };
        let need = if self.leader() == Some(peer) { Need::Leader } else { Need::Nearer };
        if !self.may_dial(peer, need) {
            return false;
        }
        self.spend_dial(peer);
        let generation = self.links.next_generation(peer, addr);
        self.links.note_dialed(peer, self.now());
        self.start_dial(Purpose::Peer(peer), generation, addr);
        true
    }

    pub(super) fn start_dial(&mut self, purpose: Purpose, generation: u64, addr: SocketAddr) {
        let why = purpose.reason();
        let (dial, expected) = self.links.dial(purpose, generation, self.now());
        self.effects.dial(dial, addr, expected, why);
    }

    pub(super) fn on_link_up(&mut self, link: LinkId, origin: Origin, remote: SocketAddr, who: NodeId) {
        let now = self.now();
        self.effects.trace(|_| Some(Traced::Up { link, origin, remote, peer: who }));
        let Origin::Dialed(dial) = origin else {
            self.make_room_for_stranger();
            return self.links.open(link, remote, who, None, now);
        };
        self.links.note_answered(who);
        let Some(dial) = self.links.take_dial(dial) else {
            self.effects.close(link, CloseMode::Abort);
            return;
        };
        let (purpose, generation) = (dial.purpose.clone(), dial.generation);
        self.links.open(link, remote, who, Some(dial), now);
        match purpose {
            Purpose::Peer(peer) => self.send_hello(link, peer, generation, false),
            Purpose::Probe { .. } => self.send_probe(link),
            Purpose::Newcomer(newcomer) => {
                self.close(link, CloseMode::Flush);
                self.on_newcomer_found(newcomer);
            }
            Purpose::Contact(_) => self.send_join(link, None),
            Purpose::Leader { contact, .. } => self.send_join(link, Some(contact)),
        }
    }

    /// Closes the oldest links whose peers have not introduced themselves, if there are too many. The newest link of a
    /// member does not count: a hundred members may link anew at one time.
    fn make_room_for_stranger(&mut self) {
        if self.links.half_open().count() < MAX_HALF_OPEN {
            return;
        }
        let (route, mut members) = (self.membership.route(), BTreeSet::new());
        let counts = |(_, who): &(LinkId, NodeId)| !route.contains(*who) || !members.insert(*who);
        let newest_first: Vec<_> = self.links.half_open().rev().filter(counts).collect();
        for (link, _) in newest_first.into_iter().skip(MAX_HALF_OPEN.saturating_sub(1)) {
            self.fault(link, Fault::Silent);
        }
    }

    pub(super) fn on_dial_failed(&mut self, dial: DialId, reason: DialFailure) {
        let Some(Dial { purpose, .. }) = self.links.take_dial(dial) else { return };
        self.effects.trace(|_| Some(Traced::Failed { dial, reason }));
        self.on_dial_ended(&purpose, Err(reason));
    }

    /// A dial ended before the other end answered, perhaps after the connection stood.
    pub(super) fn on_dial_ended(&mut self, purpose: &Purpose, why: Result<DownReason, DialFailure>) {
        match purpose {
            // Only a refusal proves death; a connection may break for other reasons. Somebody on the way can even have it
            // closed as if another life of the peer were there.
            Purpose::Peer(peer) => {
                let again = connected(why) && self.links.note_broken_dial(*peer) && self.dial(*peer);
                if !again {
                    self.on_peer_dial_failed(*peer);
                }
            }
            Purpose::Probe { .. } => {}
            Purpose::Newcomer(newcomer) => self.on_newcomer_not_found(*newcomer),
            Purpose::Contact(_) => self.on_contact_failed(match why {
                Err(DialFailure::TimedOut) => JoinFailure::NoAnswer,
                Err(failure) => JoinFailure::Dial(failure),
                Ok(_) => JoinFailure::Broken,
            }),
            Purpose::Leader { leader, .. } => self.on_contact_failed(match why {
                Err(failure) => JoinFailure::Leader { addr: leader.addr(), failure },
                Ok(_) => JoinFailure::Broken,
            }),
        }
    }

    fn on_peer_dial_failed(&mut self, peer: NodeId) {
        self.links.forget_broken(peer);
        if let Some(link) = self.links.deferred(peer) {
            return self.admit_deferred(link);
        }
        self.on_unreachable(peer);
    }

    pub(super) fn on_link_down(&mut self, link: LinkId, reason: DownReason) {
        let Some((gone, stood)) = self.links.remove(link) else { return };
        self.effects.trace(|_| Some(Traced::Down { link, peer: gone.who, reason }));
        if gone.closing {
            return;
        }
        self.merge_link_lost(link);
        match (gone.peer, &gone.purpose) {
            (Some(peer), _) if stood => {
                if let DownReason::Protocol(DecodeError::Forged { author }) = reason {
                    self.tell_forged(peer, author);
                }
                if is_fault(reason) {
                    self.effects.notify_fault(gone.remote, Fault::Link(reason));
                    self.pause_if_led_by(peer);
                }
                self.on_link_lost(peer);
            }
            (None, Some(purpose)) => self.on_dial_ended(purpose, Ok(reason)),
            (None, None) if is_fault(reason) && reason != DownReason::Overflow => {
                self.effects.notify_fault(gone.remote, Fault::Link(reason));
            }
            (None, None) | (Some(_), _) => {}
        }
    }

    fn send_hello(&mut self, link: LinkId, you: NodeId, generation: u64, answer: bool) {
        if let Some(state) = self.links.get_mut(link) {
            state.told_next = self.ring.is_next_or_sought(you);
        }
        let hello = Hello {
            me: self.me.id,
            you,
            generation,
            next: self.ring.is_next_or_sought(you),
            answer,
            view: self.membership.known_view(),
            cfg: self.told().map(|(cfg, _)| cfg).filter(|_| self.enforces(Rule::CfgInHellos)),
        };
        self.send(link, Message::Hello(hello));
    }

    /// Tells a linked peer whether it is this node's next, unless it was told.
    pub(super) fn tell_role(&mut self, peer: NodeId) {
        let is_next = self.ring.is_next_or_sought(peer);
        if let Some(link) = self.links.of(peer)
            && let Some(state) = self.links.get(link)
            && state.told_next != is_next
        {
            self.send_hello(link, peer, state.generation, true);
        }
    }

    pub(super) fn on_hello(&mut self, link: LinkId, hello: Hello) {
        let Some(state) = self.links.get_mut(link) else { return };
        if state.peer.is_some() {
            state.knows = state.knows.max(hello.cfg);
            self.on_role(&hello);
            if !self.membership.route().contains(hello.me) {
                if self.is_news(hello.cfg) {
                    self.send(link, Message::WantRoster);
                } else {
                    self.send_not_member(link, RefusedKind::Hello, self.membership.promised());
                }
            }
            return;
        }
        let purpose = state.purpose.clone();
        let for_me = hello.you == self.me.id;
        match purpose {
            Some(Purpose::Peer(peer)) if hello.answer && for_me => {
                self.establish(link, &hello);
                self.on_linked(peer);
            }
            _ if for_me && self.wants_in_on(link) => {
                // The leader's ring already has this newcomer, or this ring; the welcome follows.
                if let Some(state) = self.links.get_mut(link) {
                    state.takes_me_for_next = hello.next;
                }
            }
            None if !hello.answer && for_me => self.consider(link, hello),
            // The link was opened to an earlier life of this member.
            None if !hello.answer => self.close(link, CloseMode::Abort),
            Some(_) | None => self.fault(link, Fault::Unexpected),
        }
    }

    /// A peer greets on a link that it dialed: checks whether it is a member, and whether this link stands.
    fn consider(&mut self, link: LinkId, hello: Hello) {
        let peer = hello.me;
        if let Some(generation) = self.links.standing(peer)
            && generation >= hello.generation
        {
            self.send(link, Message::Superseded { generation });
            return self.close(link, CloseMode::Flush);
        }
        if !self.membership.route().contains(peer) {
            if !self.is_ahead_of_log(hello.cfg) {
                return self.refuse(link, RefusedKind::Hello, CloseMode::Flush);
            }
            self.defer(link, hello);
            self.effects.trust(link);
            return self.send(link, Message::WantRoster);
        }
        if let Some(mine) = self.links.dialing(peer)
            && (mine, self.me.id) > (hello.generation, peer)
        {
            return self.defer(link, hello);
        }
        self.admit(link, &hello);
    }

    fn defer(&mut self, link: LinkId, hello: Hello) {
        if let Some(state) = self.links.get_mut(link) {
            state.deferred = Some(hello);
        }
    }

    /// Answers greetings that waited for the route, or for the end of this node's own dial.
    pub(super) fn answer_greetings(&mut self) {
        let known = |hello: &Hello| {
            self.membership.route().contains(hello.me) && self.links.dialing(hello.me).is_none()
        };
        let waiting = self.links.iter().filter(|(_, link)| link.deferred.as_ref().is_some_and(known));
        for link in waiting.map(|(id, _)| id).collect::<Vec<_>>() {
            self.admit_deferred(link);
        }
    }

    /// Answers a greeting that waited.
    fn admit_deferred(&mut self, link: LinkId) {
        let Some(hello) = self.links.get_mut(link).and_then(|link| link.deferred.take()) else { return };
        if self.membership.route().contains(hello.me) {
            self.admit(link, &hello);
        } else {
            self.refuse(link, RefusedKind::Hello, CloseMode::Flush);
        }
    }

    fn admit(&mut self, link: LinkId, hello: &Hello) {
        let peer = hello.me;
        if let Some(addr) = self.addr_of(peer) {
            self.links.meet(peer, addr);
        }
        self.effects.trust(link);
        self.establish(link, hello);
        self.send_hello(link, peer, hello.generation, true);
        self.on_linked(peer);
    }

    /// Both ends have agreed that `link` is the one link of the pair.
    fn establish(&mut self, link: LinkId, hello: &Hello) {
        self.bind(link, hello.me, hello.generation);
        if let Some(state) = self.links.get_mut(link) {
            state.knows = hello.cfg;
            state.view = hello.view;
        }
        self.on_role(hello);
        if self.is_news(hello.cfg) {
            self.send(link, Message::WantRoster);
        }
    }

    /// Makes `link`, on which a newcomer and its leader have met, the link to `peer`.
    pub(super) fn bind_join_link(&mut self, link: LinkId, peer: &Member, generation: u64) {
        self.links.meet(peer.id, peer.addr());
        self.bind(link, peer.id, generation);
        self.seek_prev();
        // The peer may be the member that was being dialed to be the next, on a link that is gone now.
        self.note(FollowUp::SeekNext);
        self.tell_role(peer.id);
    }

    /// Makes `link` the link to `peer`, and closes all other links and dials between the two.
    fn bind(&mut self, link: LinkId, peer: NodeId, generation: u64) {
        for dialed in self.links.abandon(|purpose| *purpose == Purpose::Peer(peer)) {
            if dialed != link {
                self.close(dialed, CloseMode::Abort);
            }
        }
        // A stranger's clock counts only now that the peer is known.
        if let Some(stamp) = self.links.get(link).and_then(|state| state.stamp) {
            let now = self.now();
            self.effects.observe(stamp, now);
        }
        if let Some(old) = self.links.bind(link, peer, generation) {
            self.close(old, CloseMode::Abort);
        }
        while let Some(waiting) = self.links.deferred(peer) {
            self.close(waiting, CloseMode::Abort);
        }
        let dialed = self.links.get(link).is_some_and(|state| state.purpose.is_some());
        let addr = self.addr_of(peer).filter(|_| dialed);
        self.reach.note_link(peer, addr);
    }

    /// A link to a member stands anew.
    pub(super) fn on_linked(&mut self, peer: NodeId) {
        self.ring_linked(peer);
        self.send_token_again(peer);
        if self.leads() {
            self.member_linked(peer);
        }
        if self.leader() == Some(peer) {
            self.leader_linked();
        }
        self.note(FollowUp::ConsiderInitiative);
    }

    pub(super) fn on_superseded(&mut self, link: LinkId, generation: u64) {
        let Some(Purpose::Peer(peer)) = self.links.get(link).and_then(|link| link.purpose.clone()) else {
            return self.fault(link, Fault::Unexpected);
        };
        self.close(link, CloseMode::Abort);
        self.links.saw_generation(peer, generation);
        if !self.links.is_linked(peer) && !self.dial(peer) {
            self.on_peer_dial_failed(peer);
        }
    }

    pub(super) fn refuse(&mut self, link: LinkId, re: RefusedKind, mode: CloseMode) {
        let epoch = self.membership.promised();
        self.send_not_member(link, re, epoch);
        self.close(link, mode);
    }

    pub(super) fn send_not_member(&mut self, link: LinkId, re: RefusedKind, epoch: crate::numbers::Epoch) {
        let refusal = NotMember { re, epoch, me: self.me.id, cfg: self.told().map(|(cfg, _)| cfg) };
        self.send(link, Message::NotMember(refusal));
    }

    pub(super) fn on_not_member(&mut self, link: LinkId, refusal: &NotMember) {
        let Some(state) = self.links.get(link) else { return };
        match (state.peer, state.purpose.clone()) {
            (None, Some(Purpose::Peer(peer))) => {
                self.close(link, CloseMode::Abort);
                self.on_refused_by(peer, refusal.cfg);
            }
            (Some(peer), _) => self.on_member_refusal(peer, refusal),
            // This node was about to be let in, and another link will do.
            (None, Some(_)) => self.ignore(DropReason::Early),
            (None, None) => self.fault(link, Fault::Unexpected),
        }
    }

    /// A linked peer says that this node is no member.
    fn on_member_refusal(&mut self, peer: NodeId, refusal: &NotMember) {
        match refusal.re {
            RefusedKind::Elect
                if self.is_over(refusal.epoch) && self.enforces(Rule::RefusalsOfThisElection) =>
            {
                self.ignore(DropReason::Stale);
            }
            RefusedKind::WantPromise if !self.is_in_doubt() => self.ignore(DropReason::Stale),
            RefusedKind::Hello | RefusedKind::Elect | RefusedKind::WantPromise => {
                self.on_refused_by(peer, refusal.cfg);
            }
            RefusedKind::Sync | RefusedKind::Ping => {
                if self.awaited_view() == Some(View { epoch: refusal.epoch, leader: peer }) {
                    self.on_refused_by(peer, refusal.cfg);
                } else {
                    self.ignore(DropReason::Stale);
                }
            }
        }
    }

    /// Whether the election of `epoch` is over. A peer that refused to take part in it, such as a newcomer before its
    /// welcome, may be a member by now, and must not be left out.
    fn is_over(&self, epoch: crate::numbers::Epoch) -> bool {
        self.is_normal() || epoch != self.membership.promised()
    }

    /// `peer` is alive and does not take this node for a member. `peer` is passed over until there is a leader.
    fn on_refused_by(&mut self, peer: NodeId, cfg: Option<ConfigId>) {
        if self.membership.route().contains(peer) {
            self.reach.note_refusal(peer);
            if !self.enforces(Rule::RefusalsOnlyRoute) {
                self.membership.believe_refusal(peer);
            }
        }
        let is_ahead = self.is_news(cfg);
        if is_ahead {
            self.reach.note_ahead(peer);
        }
        self.ring_unlinked(peer);
        if is_ahead && self.is_dismissed_by(peer, cfg) {
            self.note(FollowUp::ComeBack);
        } else if self.leader() == Some(peer) || (is_ahead && self.leads()) {
            self.note(FollowUp::Elect);
        } else {
            self.note(FollowUp::SeekNext);
        }
    }

    /// Whether `peer` leads this member, and tells of a later configuration of the same view: the log has removed this
    /// member. There is nothing to ask others.
    fn is_dismissed_by(&self, peer: NodeId, cfg: Option<ConfigId>) -> bool {
        self.role.is_following()
            && self.leader() == Some(peer)
            && cfg.is_some_and(|cfg| cfg.view == self.membership.view())
    }

    pub(super) fn send_roster(&mut self, link: LinkId) {
        let Some((cfg, roster)) = self.told().map(|(cfg, roster)| (cfg, roster.clone())) else {
            return self.send_not_member(link, RefusedKind::Hello, self.membership.promised());
        };
        if let Some(state) = self.links.get_mut(link) {
            state.knows = state.knows.max(Some(cfg));
        }
        self.send(link, Message::Roster { cfg, roster });
    }

    pub(super) fn on_roster(&mut self, link: LinkId, cfg: ConfigId, roster: &Roster) {
        let Some(state) = self.links.get_mut(link) else { return };
        let deferred = state.deferred.take();
        let peer = state.peer;
        if peer.is_none() && deferred.is_none() {
            return self.fault(link, Fault::Unexpected);
        }
        if let Some(peer) = peer
            && self.is_news(Some(cfg))
            && !roster.contains(self.me.id)
        {
            return self.on_refused_by(peer, Some(cfg));
        }
        self.learn_route(cfg, roster);
        if let Some(hello) = deferred {
            if self.membership.route().contains(hello.me) {
                self.consider(link, hello);
            } else if self.role.joining().is_some() {
                // The welcome tells this newcomer of more than that member knew.
                self.defer(link, hello);
            } else {
                self.refuse(link, RefusedKind::Hello, CloseMode::Flush);
            }
        }
    }

    /// The linked peers.
    pub(super) fn linked_peers(&self) -> Vec<NodeId> {
        self.links.iter().filter_map(|(_, link)| link.peer).collect()
    }
}

/// Whether a dial that ended without a link got as far as a connection.
fn connected(why: Result<DownReason, DialFailure>) -> bool {
    match why {
        Ok(_)
        | Err(
            DialFailure::Broken
            | DialFailure::Absent
            | DialFailure::NoMember
            | DialFailure::Another
            | DialFailure::Oneself,
        ) => true,
        Err(
            DialFailure::Refused | DialFailure::TimedOut | DialFailure::Unreachable | DialFailure::Unanswered,
        ) => false,
    }
}

/// Whether a link ends in this way only because somebody did what nobody should.
fn is_fault(reason: DownReason) -> bool {
    match reason {
        DownReason::Protocol(_) | DownReason::Overflow => true,
        DownReason::Link(error) => error != LinkError::Worn,
        DownReason::Eof | DownReason::Io | DownReason::Closed => false,
    }
}

//! What of a node decides what it will do, without time: for the model checker, which is to see that two
//! states are the same although one was reached later, or by a longer way.
//!
//! Left out are counts for people, Lamport stamps, points of time, the random numbers to come, and the
//! names of links and dials. Of a point of time only what it is compared with now stays. Generations of
//! links are told by their distance from the newest that this node knows of.

use core::hash::{Hash, Hasher};

use super::links::{Link, Purpose};
use super::{Mode, Node, Rule};
use crate::config::Times;
use crate::ids::{DialId, LinkId, NodeId};
use crate::node::Timer;
use crate::numbers::Index;
use crate::wire::{Entry, Hello, Install, Message, Run};

/// Generations further from the newest than this are alike.
const FAR: u64 = 3;

impl Node {
    /// The newest generation of links with each peer that this node knows of.
    pub fn newest_generations(&self) -> impl Iterator<Item = (NodeId, u64)> {
        self.links.known.iter().map(|(peer, known)| (*peer, known.generation))
    }

    /// Feeds all that decides this node's behaviour into `state`. What everybody has acknowledged decides when
    /// somebody may leave and what history may go: `stability` tells whether any of that is to come. Without
    /// it counts only whether who is being let in waits for a member.
    pub fn digest(&self, stability: bool, state: &mut impl Hasher) {
        self.me.id.hash(state);
        self.digest_mode(stability, state);
        (&self.leaving, self.view, self.promised, self.cfg, &self.roster).hash(state);
        (&self.route, self.lapsed, self.ring.next, self.ring.seeking, self.ring.prev).hash(state);
        self.digest_log(state);
        (self.said, &self.shown, self.ready).hash(state);
        stability.then_some((self.stable, self.own_end, self.unacked)).hash(state);
        self.submissions.len().hash(state);
        for said in self.submissions.iter() {
            (said.first, &said.texts).hash(state);
        }
        self.digest_leadership(stability, state);
        self.doubt.digest(stability, |link, member| self.stands_for(link, member), state);
        (self.lost_leader, self.unlinkable.map(|(view, _)| view)).hash(state);
        self.unreachable.len().hash(state);
        for (id, epoch) in &self.unreachable {
            (id, *epoch == self.promised).hash(state);
        }
        (&self.shunned, &self.went_on).hash(state);
        let decides = |timer| timer != Timer::Sweep && (stability || timer != Timer::Ack);
        Timer::ALL.map(|timer| decides(timer) && self.timers.is_set(timer)).hash(state);
        self.digest_links(state);
    }

    /// Whether this node and its peer have agreed on `link`: it does not matter any more who dialed it.
    pub fn stands(&self, link: LinkId) -> bool {
        self.links.get(link).is_some_and(|state| state.peer.is_some())
    }

    /// Whether it matters to this node what becomes of `dial`. A link to which one leads that was given up is
    /// closed at once.
    pub fn awaits(&self, dial: DialId) -> bool {
        self.links.dials().any(|(id, _)| id == dial)
    }

    /// Whether the acknowledgement of the log up to `index` on `link` lets nobody in, now or whenever it may come:
    /// an admission that is to come waits for an entry that is still to be written.
    pub fn lets_in_nobody(&self, link: LinkId, index: Index) -> bool {
        let peer = self.links.get(link).and_then(|state| state.peer);
        let admission = self.leadership.as_ref().and_then(|leadership| leadership.admission.as_ref());
        admission.is_none_or(|it| index < it.index || peer.is_none_or(|peer| it.newcomers.contains(&peer)))
    }

    /// Whether `message` does nothing on `link`, now or whenever it may come: what it is about is over.
    pub fn is_too_late(&self, link: LinkId, message: &Message) -> bool {
        let Some(state) = self.links.get(link) else { return true };
        if state.peer.is_none() {
            // The leader says that it listens; the welcome, which comes after, is what counts.
            return matches!(message, Message::Pong(_)) && self.wants_in_on(link);
        }
        match message {
            // A view that this node leads no more it never leads again.
            Message::Submit { view, .. } | Message::Ack { view, .. } => !self.leads() || *view != self.view,
            Message::Install(install) => install.cfg.view.epoch < self.promised,
            Message::Elected(elected) => {
                let view = elected.cfg.view;
                // Nobody who follows a leader comes to follow another of the same epoch.
                let follows = matches!(self.mode, Mode::Normal | Mode::Waiting(_)) && self.joining.is_none();
                let from_others = state.peer != Some(view.leader);
                let is_over =
                    view.epoch < self.promised || (view.epoch == self.promised && follows && from_others);
                view.leader == self.me.id || (is_over && state.knows >= Some(elected.cfg))
            }
            Message::Deliver(deliver) => deliver.view.epoch < self.promised && self.keeps(Rule::Freeze),
            Message::Promise { round, .. } => self.doubt.is_over(*round),
            _ => false,
        }
    }

    /// Whether the end of `link`, before which nothing more comes, does nothing, now or whenever it may come:
    /// this node knows nobody at its other end, and waits for nobody there.
    pub fn is_loose(&self, link: LinkId) -> bool {
        self.links.get(link).is_none_or(|state| {
            let waits =
                !matches!(state.purpose, None | Some(Purpose::Probe { .. })) || self.is_merging_on(link);
            state.peer.is_none() && state.deferred.is_none() && !waits
        })
    }

    fn digest_mode(&self, stability: bool, state: &mut impl Hasher) {
        core::mem::discriminant(&self.mode).hash(state);
        match &self.mode {
            Mode::Electing(election) => election.hash(state),
            Mode::Waiting(waiting) => {
                (&waiting.announcement, waiting.told).hash(state);
                if let Some((install, entries)) = &waiting.install {
                    digest_install(install, stability, state);
                    entries.len().hash(state);
                    for entry in entries {
                        digest_entry(entry, state);
                    }
                }
            }
            Mode::Joining | Mode::Normal | Mode::Ended => {}
        }
        if let Some(joining) = &self.joining {
            (&joining.contacts, joining.turn, joining.fresh).hash(state);
        }
    }

    fn digest_log(&self, state: &mut impl Hasher) {
        (self.log.base(), self.log.len(), self.log.history(), self.log.origins()).hash(state);
        // Where runs were cut does not matter.
        for entry in self.log_entries() {
            digest_entry(&entry, state);
        }
        self.absent.len().hash(state);
        for (id, lost) in &self.absent.lost {
            (id, lost.index).hash(state);
        }
    }

    fn digest_leadership(&self, stability: bool, state: &mut impl Hasher) {
        let now = self.now();
        self.leadership.is_some().hash(state);
        let Some(leadership) = &self.leadership else { return };
        leadership.members.len().hash(state);
        for (id, progress) in &leadership.members {
            (id, progress.synced, progress.cut_off.is_some()).hash(state);
            // Of one that has not shown its log, the rest is set anew when it does.
            (progress.synced || progress.reminded).hash(state);
            progress.synced.then_some((progress.sent, progress.installs())).hash(state);
            let awaited = leadership.admission.as_ref().is_some_and(|it| progress.acked < it.index);
            (progress.synced && awaited).hash(state);
            stability.then_some((progress.acked, progress.taken, progress.install_end)).hash(state);
        }
        (&leadership.joiners, &leadership.draining, &leadership.returning).hash(state);
        if let Some(admission) = &leadership.admission {
            (admission.index, &admission.newcomers).hash(state);
        }
        let merging = leadership.merging.and_then(|link| self.links.get(link));
        merging.map(|link| link.remote).hash(state);
        let recent = leadership.last_removal.is_some_and(|at| now.since(at) < Times::SUSPECT_WINDOW);
        (&leadership.doomed, recent, leadership.holding).hash(state);
        stability.then_some(leadership.slowest).hash(state);
        leadership.held.len().hash(state);
        for said in &leadership.held {
            digest_said(said, state);
        }
    }

    fn digest_links(&self, state: &mut impl Hasher) {
        let newest = |peer: NodeId| self.links.known.get(&peer).map_or(0, |known| known.generation);
        let mut links: alloc::vec::Vec<(LinkId, &Link)> = self.links.iter().collect();
        links.sort_by_key(|(id, link)| (link.remote, *id));
        links.len().hash(state);
        for (id, link) in links {
            let other = match (&link.peer, &link.purpose, &link.deferred) {
                (Some(peer), ..) | (_, Some(Purpose::Peer(peer)), _) => Some(*peer),
                (_, Some(Purpose::Leader { leader, .. }), _) => Some(leader.id),
                (_, _, Some(hello)) => Some(hello.me),
                _ => None,
            };
            let newest = other.map_or(0, newest);
            // Once a link stands it does not matter who dialed it, and why.
            let purpose = link.purpose.as_ref().filter(|_| link.peer.is_none());
            (link.remote, purpose, link.peer, distance(link.generation, newest)).hash(state);
            if let Some(hello) = &link.deferred {
                digest_hello(hello, state);
                distance(hello.generation, newest).hash(state);
            }
            let probed = link.probed.is_some_and(|at| link.heard < at);
            // Of a peer that has been left behind it does not matter how far.
            let view = link.view.map(|view| view.epoch.max(self.view.epoch.prev()));
            (link.knows, view, link.takes_me_for_next, link.told_next, probed).hash(state);
            link.peer.map(|peer| self.links.of(peer) == Some(id)).hash(state);
        }
        let mut dials: alloc::vec::Vec<_> = (self.links.dials())
            .map(|(_, dial)| match &dial.purpose {
                Purpose::Peer(peer) => (&dial.purpose, distance(dial.generation, newest(*peer))),
                purpose => (purpose, 0),
            })
            .collect();
        dials.sort_by_key(|(purpose, age)| (alloc::format!("{purpose:?}"), *age));
        dials.hash(state);
        self.links.broken.hash(state);
        self.links.known.len().hash(state);
        self.links.known.keys().for_each(|peer| peer.hash(state));
    }
}

/// Feeds a message on its way into `state`, without stamps. Returns the generation of links that it speaks of,
/// if of any, which has no part in that. For `stability` see [`Node::digest`].
pub fn digest_message(message: &Message, stability: bool, state: &mut impl Hasher) -> Option<u64> {
    core::mem::discriminant(message).hash(state);
    match message {
        Message::Hello(hello) => {
            digest_hello(hello, state);
            return Some(hello.generation);
        }
        Message::Superseded { generation } => return Some(*generation),
        Message::Join(join) => {
            (&join.me, join.contact, join.epoch, &join.ring).hash(state);
            return Some(join.generation);
        }
        Message::Submit { view, said } => {
            view.hash(state);
            digest_all_said(said, state);
        }
        Message::Deliver(deliver) => {
            (deliver.view, stability.then_some(deliver.stable)).hash(state);
            deliver.entries.len().hash(state);
            for entry in &deliver.entries {
                digest_entry(entry, state);
            }
        }
        Message::Install(install) => digest_install(install, stability, state),
        Message::Ping(beat) | Message::Pong(beat) => {
            (beat.view, beat.cfg, stability.then_some(beat.stable)).hash(state);
        }
        Message::Sync(sync) => {
            (sync.view, &sync.history, sync.more).hash(state);
            digest_all_said(&sync.tail, state);
        }
        other => other.hash(state),
    }
    None
}

fn digest_install(install: &Install, stability: bool, state: &mut impl Hasher) {
    let Install { cfg, roster, common, base, end, origins, history, stable } = install;
    (cfg, roster, common, base, end, origins, history, stability.then_some(stable)).hash(state);
}

fn digest_hello(hello: &Hello, state: &mut impl Hasher) {
    let Hello { me, you, generation: _, next, answer, view, cfg } = hello;
    (me, you, next, answer, view, cfg).hash(state);
}

fn digest_entry(entry: &Entry, state: &mut impl Hasher) {
    (entry.view, entry.index).hash(state);
    match &entry.body {
        crate::wire::Body::Chat { said, replayed } => {
            replayed.hash(state);
            digest_said(said, state);
        }
        body => body.hash(state),
    }
}

fn digest_all_said(said: &[Run], state: &mut impl Hasher) {
    said.len().hash(state);
    for said in said {
        digest_said(said, state);
    }
}

fn digest_said(said: &Run, state: &mut impl Hasher) {
    (said.origin.id, said.first, &said.texts).hash(state);
}

/// How far a generation of links is ahead of another; behind it, negative.
fn distance(generation: u64, other: u64) -> i64 {
    let (ahead, behind) =
        (generation.saturating_sub(other).min(FAR), other.saturating_sub(generation).min(FAR));
    ahead.cast_signed().saturating_sub(behind.cast_signed())
}

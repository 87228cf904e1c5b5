//! A digest of all that decides what a node will do, without time. By it the model checker sees that two states are the
//! same although one was reached later, or by a longer way.
//!
//! Left out are counts for people, Lamport stamps, points of time, the random numbers to come, and the names of links and
//! dials. Of a point of time only the result of its comparison with the current time stays. Generations of links count by
//! their distance from the newest that this node knows.

use core::hash::{Hash, Hasher};

use super::super::links::{Link, Purpose};
use super::super::role::Role;
use super::super::{Node, Rule};
use crate::ids::{DialId, LinkId, NodeId};
use crate::node::Timer;
use crate::numbers::Index;
use crate::time::Instant;
use crate::wire::{Entry, Hello, Install, Message, Proven, Run};

/// Generations further from the newest than this are alike.
const FAR: u64 = 3;

impl Node {
    /// The newest generation of links with each peer that this node knows of.
    pub fn newest_generations(&self) -> impl Iterator<Item = (NodeId, u64)> {
        self.links.generations()
    }

    /// Feeds all that decides this node's behaviour into `state`. What all members have acknowledged decides when a member
    /// may leave and which history is dropped: `stability` tells whether that can still happen. Without it, only whether
    /// newcomers wait for a member counts.
    pub fn digest(&self, stability: bool, state: &mut impl Hasher) {
        self.me.id.hash(state);
        self.digest_mode(stability, state);
        self.membership.digest(state);
        (&self.leaving, self.ring.next(), self.ring.seeking(), self.ring.prev()).hash(state);
        self.digest_log(state);
        (self.own.last(), self.replica.shown(), self.replica.given_up()).hash(state);
        stability
            .then_some((self.replica.stable(), self.own.end(), self.replica.unacknowledged()))
            .hash(state);
        self.own.waiting().hash(state);
        for said in self.own.iter() {
            (said.first, &said.texts).hash(state);
        }
        self.own.unsigned().for_each(|texts| texts.hash(state));
        self.digest_leadership(stability, state);
        self.digest_doubt(stability, state);
        self.role.leader_is_lost().hash(state);
        self.reach.digest(self.membership.promised(), state);
        let decides = |timer| timer != Timer::Sweep && (stability || timer != Timer::Ack);
        Timer::ALL.map(|timer| decides(timer) && self.timers.is_set(timer)).hash(state);
        self.digest_links(state);
    }

    /// Whether this node and its peer have agreed on `link`, so that it no longer matters which of them dialed.
    pub fn stands(&self, link: LinkId) -> bool {
        self.links.get(link).is_some_and(|state| state.peer.is_some())
    }

    /// Whether the outcome of `dial` matters to this node. The link of a dial that was given up is closed at once.
    pub fn awaits(&self, dial: DialId) -> bool {
        self.links.dials().any(|(id, _)| id == dial)
    }

    /// Whether the acknowledgement of the log up to `index` on `link` lets no newcomer in, now or whenever it comes: a later
    /// admission waits for an entry that is not written yet.
    pub fn lets_in_nobody(&self, link: LinkId, index: Index) -> bool {
        let peer = self.links.get(link).and_then(|state| state.peer);
        let admissions = self.role.leadership().map(|leadership| &leadership.admissions);
        admissions.is_none_or(|it| {
            !it.is_under_way() || it.waits_for(index) || peer.is_none_or(|peer| it.is_newcomer(peer))
        })
    }

    /// Whether `message` has no effect on `link`, now or whenever it comes, because what it is about is over.
    pub fn is_too_late(&self, link: LinkId, message: &Message) -> bool {
        let Some(state) = self.links.get(link) else { return true };
        if state.peer.is_none() {
            // The leader only says that it listens. The welcome, which comes later, counts.
            return matches!(message, Message::Pong(_)) && self.wants_in_on(link);
        }
        match message {
            // A node never leads a view again.
            Message::Submit { view, .. } | Message::Ack { view, .. } => {
                !self.leads() || *view != self.membership.view()
            }
            Message::Install(install) => install.cfg.view.epoch < self.membership.promised(),
            Message::Elected(elected) => {
                let view = elected.cfg.view;
                // A node that follows a leader never follows another of the same epoch.
                let follows = self.awaited_view().is_some() && self.role.joining().is_none();
                let from_others = state.peer != Some(view.leader);
                let is_over = view.epoch < self.membership.promised()
                    || (view.epoch == self.membership.promised() && follows && from_others);
                view.leader == self.me.id || (is_over && state.knows >= Some(elected.cfg))
            }
            Message::Deliver(deliver) => {
                deliver.view.epoch < self.membership.promised() && self.enforces(Rule::Freeze)
            }
            Message::Promise { round, .. } => self.doubt.is_over(*round),
            _ => false,
        }
    }

    /// Whether this node notices that it slept, if it goes on when its driver's clock shows `now`.
    pub fn notices_sleep(&self, now: Instant) -> bool {
        self.timers.clone().advance(now, true, self.times) > self.times.absence()
    }

    /// Whether the end of `link`, before which nothing more comes, has no effect, now or whenever it comes: this node
    /// knows no peer at its other end, and waits for none.
    pub fn is_loose(&self, link: LinkId) -> bool {
        self.links.get(link).is_none_or(|state| {
            let waits =
                !matches!(state.purpose, None | Some(Purpose::Probe { .. })) || self.is_merging_on(link);
            state.peer.is_none() && state.deferred.is_none() && !waits
        })
    }

    fn digest_mode(&self, stability: bool, state: &mut impl Hasher) {
        core::mem::discriminant(&self.role).hash(state);
        match &self.role {
            Role::Electing { election, .. } => election.digest(state),
            Role::Syncing { syncing, .. } => {
                let (announcement, told, install) = syncing.state();
                (announcement, told).hash(state);
                if let Some(installing) = install {
                    digest_install(&installing.install, stability, state);
                    installing.entries.len().hash(state);
                    for entry in &installing.entries {
                        digest_entry(entry, state);
                    }
                }
            }
            _ => {}
        }
        if let Some(joining) = self.role.joining() {
            joining.digest(state);
        }
    }

    fn digest_log(&self, state: &mut impl Hasher) {
        (
            self.replica.log().base(),
            self.replica.log().len(),
            self.replica.log().history(),
            self.replica.log().origins(),
        )
            .hash(state);
        for entry in self.log_entries() {
            digest_entry(entry, state);
        }
        self.replica.departed().hash(state);
        self.replica.lost().len().hash(state);
        self.replica.lost().removed_at().for_each(|lost| lost.hash(state));
    }

    fn digest_leadership(&self, stability: bool, state: &mut impl Hasher) {
        self.leads().hash(state);
        let Some(leadership) = self.role.leadership() else { return };
        leadership.digest(stability, self.now(), state);
        let merging = leadership.merge.link().and_then(|link| self.links.get(link));
        merging.map(|link| link.remote).hash(state);
        leadership.held().len().hash(state);
        for said in leadership.held() {
            digest_said(said, state);
        }
    }

    fn digest_doubt(&self, stability: bool, state: &mut impl Hasher) {
        let (round, open) = self.doubt.state();
        (round, open.is_some(), self.doubt.has_slept()).hash(state);
        let Some((awaited, put_off)) = open else { return };
        (awaited, put_off.len()).hash(state);
        for (link, member, message) in put_off {
            (member, self.stands_for(*link, *member)).hash(state);
            digest_message(message, stability, state);
        }
    }

    fn digest_links(&self, state: &mut impl Hasher) {
        let newest = |peer: NodeId| self.links.generation(peer);
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
            // Once both ends have agreed on a link, it does not matter which of them dialed, and why.
            let purpose = link.purpose.as_ref().filter(|_| link.peer.is_none());
            (link.remote, link.who, purpose, link.peer, distance(link.generation, newest)).hash(state);
            if let Some(hello) = &link.deferred {
                digest_hello(hello, state);
                distance(hello.generation, newest).hash(state);
            }
            let probed = link.probed.is_some_and(|at| link.heard < at);
            // How far a peer is behind does not matter.
            let view = link.view.map(|view| view.epoch.max(self.membership.view().epoch.prev()));
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
        self.links.broken().hash(state);
        self.links.generations().count().hash(state);
        self.links.digest_known(state);
    }
}

/// Feeds a message on its way into `state`, without stamps. Returns the generation of a link that it names, if any, which
/// is not fed. For `stability` see [`Node::digest`].
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
        crate::wire::Body::Chat { said, missing, replayed } => {
            (missing, replayed).hash(state);
            digest_said(said, state);
        }
        body @ crate::wire::Body::Membership { .. } => body.hash(state),
    }
}

fn digest_all_said(said: &[Proven<Run>], state: &mut impl Hasher) {
    said.len().hash(state);
    for said in said {
        digest_said(said, state);
    }
}

fn digest_said(said: &Run, state: &mut impl Hasher) {
    (said.origin.id, said.first, &said.texts).hash(state);
}

/// How far a generation of links is ahead of another; negative if it is behind.
fn distance(generation: u64, other: u64) -> i64 {
    let (ahead, behind) =
        (generation.saturating_sub(other).min(FAR), other.saturating_sub(generation).min(FAR));
    ahead.cast_signed().saturating_sub(behind.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_told_apart_by_how_far_they_are_from_the_newest_if_not_too_far() {
        assert_eq!([(5, 5), (5, 3), (3, 5)].map(|(one, other)| distance(one, other)), [0, 2, -2]);
        assert_eq!(distance(FAR, 0), distance(u64::MAX, 0));
    }
}

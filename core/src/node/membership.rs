//! Membership: what the log's entries make of the roster, and the route that is ahead of it.

use alloc::collections::BTreeSet;

use super::links::Purpose;
use super::{Mode, Node, Rule};
use crate::action::{CloseMode, Departure, Notice, RingReason};
use crate::config::Times;
use crate::ids::NodeId;
use crate::numbers::{Index, Seq};
use crate::roster::{ConfigId, Roster};
use crate::wire::Change;

/// The newest configuration known by any means, and its members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) cfg: ConfigId,
    pub(crate) roster: Roster,
}

/// The roster that `change` makes of `roster`.
pub(crate) fn changed(roster: &Roster, change: &Change) -> Roster {
    match change {
        Change::Opened { roster, .. } => roster.clone(),
        Change::Edit { gone, joined, .. } => {
            roster.edit(|id| gone.iter().all(|(gone, _)| gone.id != id), joined)
        }
    }
}

impl Node {
    /// Takes a newer route that lists this node.
    pub(super) fn learn_route(&mut self, cfg: ConfigId, roster: &Roster) {
        if self.is_news(Some(cfg)) && self.may_concern(cfg) && roster.contains(self.me.id) {
            self.route = Route { cfg, roster: roster.clone() };
            self.route_learned = self.now();
            if !self.keeps(Rule::MembersFromLogOnly) {
                (self.cfg, self.roster) = (cfg, roster.clone());
            }
            self.on_route_changed();
        }
    }

    /// Whether `cfg` may be of this node's ring. One of the same epoch under another leader is of a ring on
    /// the other side of a cut, and neither is the newer.
    fn may_concern(&self, cfg: ConfigId) -> bool {
        match &self.mode {
            Mode::Normal => cfg.view == self.view || cfg.view.epoch > self.view.epoch,
            Mode::Waiting(waiting) => cfg.view == waiting.view() || cfg.view.epoch > waiting.view().epoch,
            Mode::Joining | Mode::Electing(_) | Mode::Ended => true,
        }
    }

    /// Forgets all routes: a node that wants in is nobody's neighbour, and greets nobody as if it were.
    pub(super) fn forget_route(&mut self) {
        for link in self.links.abandon(|purpose| matches!(purpose, Purpose::Peer(_))) {
            self.close(link, CloseMode::Abort);
        }
        self.ring.seeking = None;
        self.route = Route { cfg: ConfigId::first(self.view), roster: Roster::default() };
        self.on_route_changed();
    }

    /// Gives up a route to a ring that does not follow it up by leading this node: it took this node for one of
    /// its own, and has died since, or thought better of it. The ring that the log tells of is the one to close.
    /// Others give it up at other times, and are not to bring it back meanwhile.
    pub(super) fn check_route(&mut self) {
        let is_ahead = self.is_normal() && self.route.cfg.view != self.view;
        if is_ahead && self.now().since(self.route_learned) >= Times::unsynced(self.route.roster.len()) {
            self.lapsed = self.lapsed.max(Some(self.route.cfg));
            self.route = Route { cfg: self.cfg, roster: self.roster.clone() };
            self.on_route_changed();
        }
    }

    fn on_route_changed(&mut self) {
        let roster = self.route.roster.clone();
        self.unreachable.retain(|id, _| roster.contains(*id));
        self.shunned.retain(|id| roster.contains(*id));
        if let Some(next) = self.ring.next.filter(|next| !roster.contains(*next)) {
            self.ring_unlinked(next);
        }
        self.seek_prev();
        self.reconsider_deferred();
        self.seek_next();
    }

    /// A membership entry was appended at `index`.
    pub(super) fn apply_membership(&mut self, index: Index, cfg: ConfigId, change: &Change) {
        let old = self.roster.clone();
        let quits = quits(change);
        self.cfg = cfg;
        self.roster = changed(&old, change);
        self.absent.apply(index, change, self.clock.now());
        self.absent.replace(&self.roster);
        if cfg >= self.route.cfg && self.roster.contains(self.me.id) {
            self.route = Route { cfg, roster: self.roster.clone() };
        }
        if self.ready {
            self.tell_changes(&old, &quits);
        }
        if matches!(change, Change::Edit { merged: true, .. }) {
            self.ring.because(RingReason::Merge);
        }
        let (roster, absent) = (self.roster.clone(), self.absent.clone());
        self.log.forget_origins(|id| roster.contains(id) || absent.contains(id));
        let log = &self.log;
        self.shown.retain(|id, _| {
            log.last_of(*id) > Seq::default() || roster.contains(*id) || absent.contains(*id)
        });
        self.on_route_changed();
    }

    /// Tells the user who came and who went.
    pub(super) fn tell_changes(&mut self, old: &Roster, quits: &BTreeSet<NodeId>) {
        let (new, me) = (self.roster.clone(), self.me.id);
        let (gone, joined) = (old.without(&new), new.without(old));
        for member in gone.into_iter().filter(|member| member.id != me) {
            let quit = quits.contains(&member.id);
            let reason = if quit { Departure::Quit } else { Departure::Lost };
            self.ring.because(if quit { RingReason::Leave } else { RingReason::Repair });
            self.notify(Notice::Left { member: member.into(), reason });
        }
        for member in joined.into_iter().filter(|member| member.id != me) {
            self.ring.because(RingReason::Join);
            self.notify(Notice::Joined { member: member.into() });
        }
    }
}

/// Who leaves in order by `change`.
pub(crate) fn quits(change: &Change) -> BTreeSet<NodeId> {
    match change {
        Change::Opened { .. } => BTreeSet::new(),
        Change::Edit { gone, .. } => {
            let quits = gone.iter().filter(|(_, why)| *why == Departure::Quit);
            quits.map(|(member, _)| member.id).collect()
        }
    }
}

//! Membership: what the log's entries make of the roster, and the route that is ahead of it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::follow_ups::FollowUp;
use super::links::Purpose;
use super::{Node, Rule};
use crate::action::{CloseMode, Departure, Notice, RingReason};
use crate::config::Times;
use crate::ids::NodeId;
use crate::limits::{MAX_EPOCH, MAX_EPOCH_LEAP};
use crate::numbers::{Epoch, Index};
use crate::roster::{ConfigId, Member, Roster, View};
use crate::time::Instant;
use crate::wire::Change;

/// A configuration and its members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Configuration {
    cfg: ConfigId,
    roster: Roster,
}

/// What this node knows of its ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Membership {
    me: NodeId,
    /// The view in which the log was last written.
    view: View,
    /// No entry of an older epoch is appended any more.
    promised: Epoch,
    /// What the log's membership entries amount to.
    log: Configuration,
    /// The newest configuration known by any means, as others told it.
    heard: Configuration,
    /// When others told it.
    heard_at: Instant,
    /// What the route adds to: the members by the log, or those of a leader that this node follows and whose log is not here
    /// yet.
    base: Roster,
    /// What the base and what was heard amount to. It decides which member is next and which greetings are answered, and
    /// nothing else.
    route: Roster,
    /// The members by the log under the leader before this one.
    before: BTreeSet<NodeId>,
    /// The configuration that was given up last.
    lapsed: Option<ConfigId>,
    /// Whether the user was told `Ready` for the current membership.
    ready: bool,
}

impl Membership {
    /// Knows of no ring.
    pub(super) fn new(me: NodeId, now: Instant) -> Self {
        let view = View { epoch: Epoch::default(), leader: me };
        let none = Configuration { cfg: ConfigId::first(view), roster: Roster::default() };
        Self {
            me,
            view,
            promised: Epoch::default(),
            log: none.clone(),
            heard: none,
            heard_at: now,
            base: Roster::default(),
            route: Roster::default(),
            before: BTreeSet::new(),
            lapsed: None,
            ready: false,
        }
    }

    /// The view in which the log was last written.
    pub(super) fn view(&self) -> View {
        self.view
    }

    /// The epoch below which nothing is appended any more.
    pub(super) fn promised(&self) -> Epoch {
        self.promised
    }

    /// The configuration that the log's membership entries amount to.
    pub(super) fn cfg(&self) -> ConfigId {
        self.log.cfg
    }

    /// The members by the log.
    pub(super) fn roster(&self) -> &Roster {
        &self.log.roster
    }

    /// The newest configuration known by any means.
    #[cfg(feature = "inspect")]
    pub(super) fn route_cfg(&self) -> ConfigId {
        self.heard.cfg
    }

    /// The ring to be closed.
    pub(super) fn route(&self) -> &Roster {
        &self.route
    }

    /// Whether `member` was there by the log under the leader before this one. No one leader can tell that of a member
    /// that it invents.
    pub(super) fn was_there_before(&self, member: NodeId) -> bool {
        self.before.contains(&member)
    }

    /// How many members there were by the log under the leader before this one.
    pub(super) fn size_before(&self) -> usize {
        self.before.len()
    }

    /// The newest configuration known, once there is one.
    pub(super) fn known_cfg(&self) -> Option<ConfigId> {
        (!self.heard.roster.is_empty()).then_some(self.heard.cfg)
    }

    /// The view of the log, once there is one.
    pub(super) fn known_view(&self) -> Option<View> {
        (self.view.epoch > Epoch::default()).then_some(self.view)
    }

    /// The highest epoch known by any means.
    pub(super) fn highest_epoch(&self) -> Epoch {
        self.promised.max(self.view.epoch).max(self.heard.cfg.view.epoch)
    }

    /// Whether `cfg` is newer than all that this node knows, and no such ring was given up.
    pub(super) fn is_news(&self, cfg: Option<ConfigId>) -> bool {
        cfg > self.known_cfg() && !self.has_lapsed(cfg)
    }

    /// Whether `cfg` is newer than the log, and no such ring was given up.
    fn is_ahead_of_log(&self, cfg: Option<ConfigId>) -> bool {
        let by_log = (!self.log.roster.is_empty()).then_some(self.log.cfg);
        cfg > by_log && !self.has_lapsed(cfg)
    }

    /// Whether a ring was given up of which `cfg` tells nothing newer.
    fn has_lapsed(&self, cfg: Option<ConfigId>) -> bool {
        let is_of = |lapsed: ConfigId, cfg: ConfigId| lapsed.view == cfg.view && lapsed >= cfg;
        self.lapsed.zip(cfg).is_some_and(|(lapsed, cfg)| is_of(lapsed, cfg))
    }

    /// Whether this node is a member by the log.
    pub(super) fn has_me(&self) -> bool {
        self.log.roster.contains(self.me)
    }

    /// The member of that id, if it is in the log's roster or on the route.
    pub(super) fn find(&self, id: NodeId) -> Option<&Member> {
        self.log.roster.find(id).or_else(|| self.route.find(id))
    }

    /// Whether the user was told `Ready` for the current membership.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Notes whether the user takes this node for a member.
    pub(super) fn set_ready(&mut self, ready: bool) {
        self.ready = ready;
    }

    /// Promises to append nothing of an epoch before `epoch`.
    pub(super) fn promise(&mut self, epoch: Epoch) {
        debug_assert!(epoch >= self.promised, "a promise is kept");
        self.promised = epoch;
    }

    /// Promises to follow the leader of `epoch`. What was given up before may be news again.
    pub(super) fn follow(&mut self, epoch: Epoch) {
        self.promise(epoch);
        self.lapsed = None;
    }

    /// This node has another id from now on, which is no member yet.
    pub(super) fn begin_new_life(&mut self, me: NodeId) {
        self.me = me;
    }

    /// This node has promised nothing any more, and follows nobody. It still knows who was in its ring: if it stays alone, it
    /// looks for those.
    pub(super) fn unbind(&mut self, now: Instant) {
        let roster = core::mem::take(&mut self.log.roster);
        *self = Self::new(self.me, now);
        self.log.roster = roster;
    }

    /// Is the first member of a new room.
    pub(super) fn create(&mut self, roster: Roster) {
        self.base = roster.clone();
        self.log.roster = roster;
    }

    /// Leads in `view`.
    pub(super) fn lead(&mut self, view: View) {
        self.promise(view.epoch);
        self.view = view;
    }

    /// Takes the ring of a leader that this node follows. A member that it leaves out has no part in what follows.
    fn follow_ring(&mut self, cfg: ConfigId, roster: &Roster, now: Instant) {
        self.base = roster.clone();
        self.learn(cfg, roster, true, now);
    }

    /// Takes a newer configuration for news. If it `adds_only`, nobody vouches for it yet: the members of the base stay,
    /// behind all others.
    fn learn(&mut self, cfg: ConfigId, roster: &Roster, adds_only: bool, now: Instant) {
        self.heard = Configuration { cfg, roster: roster.clone() };
        self.heard_at = now;
        self.route = if adds_only { roster.keeping(&self.base, self.me) } else { roster.clone() };
    }

    /// Adds the members of a configuration that is newer than the log, but not than another that was told.
    fn add(&mut self, roster: &Roster) {
        self.route = self.route.with(roster);
    }

    /// Takes the log for all that is known.
    fn route_by_log(&mut self) {
        self.heard = self.log.clone();
        self.base = self.log.roster.clone();
        self.route = self.log.roster.clone();
    }

    /// Forgets all routes.
    fn forget_route(&mut self) {
        self.heard = Configuration { cfg: ConfigId::first(self.view), roster: Roster::default() };
        self.route = Roster::default();
    }

    /// Gives up a configuration that the log has not come to within `patience`: the leader of another ring took this node for
    /// one of its own and died, or changed its mind, or somebody lied. The ring that the log tells of is the one to close.
    /// Other members give it up at other times, so it is not news when they tell of it. Returns whether there was one.
    fn give_up_route(&mut self, patience: Duration, now: Instant) -> bool {
        let gives_up = self.heard.cfg != self.log.cfg && now.since(self.heard_at) >= patience;
        if gives_up {
            self.lapsed = Some(self.heard.cfg);
            self.route_by_log();
        }
        gives_up
    }

    /// Applies a change of the log. Returns the members before.
    fn apply(&mut self, cfg: ConfigId, change: &Change) -> Roster {
        let roster = changed(&self.log.roster, change);
        let old = self.put_log(Configuration { cfg, roster });
        if cfg >= self.heard.cfg && self.has_me() {
            self.route_by_log();
        } else if self.has_me() {
            self.route = self.heard.roster.keeping(&self.base, self.me);
        }
        old
    }

    /// Takes the configuration of a log that was installed. Returns the members before, and whether the view is new.
    pub(super) fn install(&mut self, cfg: ConfigId, roster: &Roster) -> (Roster, bool) {
        let is_new_view = self.view != cfg.view;
        self.view = cfg.view;
        let old = self.put_log(Configuration { cfg, roster: roster.clone() });
        self.route_by_log();
        (old, is_new_view)
    }

    /// Takes what the log's membership entries amount to. Returns the members before.
    fn put_log(&mut self, log: Configuration) -> Roster {
        let old = core::mem::replace(&mut self.log, log);
        self.base = self.log.roster.clone();
        if old.cfg.view.leader != self.log.cfg.view.leader {
            self.before = old.roster.ids().collect();
        }
        old.roster
    }

    /// Takes the route for the membership, which no node does that enforces `Rule::MembersFromLogOnly`.
    fn believe_route(&mut self) {
        self.log = self.heard.clone();
    }

    /// Takes `peer` for no member, which no node does that enforces `Rule::RefusalsOnlyRoute`.
    pub(super) fn believe_refusal(&mut self, peer: NodeId) {
        let Configuration { cfg, roster } = &self.log;
        self.log = Configuration { cfg: cfg.next(), roster: roster.retain(|id| id != peer) };
    }

    /// Feeds all that decides what follows into `state`.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, state: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        (self.view, self.promised, &self.log, &self.heard, &self.base, &self.route, self.lapsed, self.ready)
            .hash(state);
        self.before.hash(state);
    }
}

/// The roster that `change` makes of `roster`.
fn changed(roster: &Roster, change: &Change) -> Roster {
    match change {
        Change::Opened { roster, .. } => roster.clone(),
        Change::Edit { gone, joined, .. } => {
            roster.edit(|id| gone.iter().all(|(gone, _)| gone.id != id), joined)
        }
    }
}

impl Node {
    /// The highest epoch that this node takes from others. One that enters a ring does not know its epochs.
    pub(super) fn highest_acceptable(&self) -> Epoch {
        if !self.enforces(Rule::BoundedEpochs) {
            Epoch(u64::MAX)
        } else if self.role.joining().is_some() {
            Epoch(MAX_EPOCH)
        } else {
            self.membership.highest_epoch().plus(MAX_EPOCH_LEAP)
        }
    }

    /// Whether `cfg` is newer than all that this node knows.
    pub(super) fn is_news(&self, cfg: Option<ConfigId>) -> bool {
        self.membership.is_news(cfg) && self.is_acceptable(cfg)
    }

    /// Whether `cfg` is newer than the log. What else somebody has told, perhaps a liar, must not hide it.
    pub(super) fn is_ahead_of_log(&self, cfg: Option<ConfigId>) -> bool {
        let is_ahead = if self.enforces(Rule::RouteOnlyAdds) {
            self.membership.is_ahead_of_log(cfg)
        } else {
            self.membership.is_news(cfg)
        };
        is_ahead && self.is_acceptable(cfg)
    }

    fn is_acceptable(&self, cfg: Option<ConfigId>) -> bool {
        cfg.is_some_and(|cfg| cfg.view.epoch <= self.highest_acceptable())
    }

    /// What this node tells others of the ring: what its log tells, or the leader that it waits for. Only one that enters
    /// passes on what it has heard. So nobody takes a lie from one that believes it.
    pub(super) fn told(&self) -> Option<(ConfigId, &Roster)> {
        if let Some(syncing) = self.role.syncing() {
            return Some((syncing.cfg(), syncing.roster()));
        }
        let enters = self.role.joining().is_some() || self.membership.log.roster.is_empty();
        let Membership { log, heard, .. } = &self.membership;
        let Configuration { cfg, roster } =
            if enters || !self.enforces(Rule::NoHearsay) { heard } else { log };
        (!roster.is_empty()).then_some((*cfg, roster))
    }

    /// Takes the ring that a leader announces which this node follows.
    pub(super) fn follow_ring(&mut self, cfg: ConfigId, roster: &Roster) {
        let enters = self.role.joining().is_some() || !self.enforces(Rule::RouteOnlyAdds);
        if enters || !self.membership.is_ahead_of_log(Some(cfg)) || !roster.contains(self.me.id) {
            return self.learn_route(cfg, roster);
        }
        self.membership.follow_ring(cfg, roster, self.timers.now());
        if !self.enforces(Rule::MembersFromLogOnly) {
            self.membership.believe_route();
        }
        self.on_route_changed();
    }

    /// Takes a newer route that lists this node. Its teller may have invented it. So it adds members, and neither takes any
    /// away nor moves any: members that the log has must not refuse each other for it. A node that enters a ring has no
    /// members that could stay.
    pub(super) fn learn_route(&mut self, cfg: ConfigId, roster: &Roster) {
        if self.is_ahead_of_log(Some(cfg)) && self.may_concern(cfg) && roster.contains(self.me.id) {
            let adds_only = self.role.joining().is_none() && self.enforces(Rule::RouteOnlyAdds);
            if self.is_news(Some(cfg)) {
                self.membership.learn(cfg, roster, adds_only, self.timers.now());
            } else {
                self.membership.add(roster);
            }
            if !self.enforces(Rule::MembersFromLogOnly) {
                self.membership.believe_route();
            }
            self.on_route_changed();
        }
    }

    /// Whether `cfg` may be of this node's ring. A configuration of the same epoch under another leader is of a ring on the
    /// other side of a cut, and neither of the two is newer.
    fn may_concern(&self, cfg: ConfigId) -> bool {
        self.awaited_view().is_none_or(|view| cfg.view == view || cfg.view.epoch > view.epoch)
    }

    /// Forgets the route: a node that wants in has no neighbours, and must not greet members as if it had.
    pub(super) fn forget_route(&mut self) {
        for link in self.links.abandon(|purpose| matches!(purpose, Purpose::Peer(_))) {
            self.close(link, CloseMode::Abort);
        }
        self.membership.forget_route();
        self.on_route_changed();
    }

    /// Gives up a route that no leader has followed up.
    pub(super) fn check_route(&mut self) {
        let patience = Times::unsynced(self.size_of_ring(self.membership.route()));
        if self.is_normal() && self.membership.give_up_route(patience, self.timers.now()) {
            self.on_route_changed();
        }
    }

    fn on_route_changed(&mut self) {
        let roster = self.membership.route().clone();
        self.reach.retain(&roster);
        if let Some(next) = self.ring.next().filter(|next| !roster.contains(*next)) {
            self.ring_unlinked(next);
        }
        self.seek_prev();
        self.note(FollowUp::AnswerGreetings);
        self.note(FollowUp::SeekNext);
    }

    /// If the log has this member under an address or a name that are not its own, others cannot find it: it comes in anew.
    pub(super) fn check_own_entry(&mut self) {
        let listed = self.membership.roster().find(self.me.id);
        if listed.is_some_and(|listed| *listed != *self.me) && self.enforces(Rule::TrueEntry) {
            self.note(FollowUp::NewLife);
        }
    }

    /// A membership entry was appended at `index`.
    pub(super) fn apply_membership(&mut self, index: Index, cfg: ConfigId, change: &Change) {
        let quits = quits(change);
        let old = self.membership.apply(cfg, change);
        let now = self.timers.now();
        let seldom = self.enforces(Rule::SeldomElsewhere);
        let located = |member: &Member| self.links.is_located(member) || !seldom;
        let roster = self.membership.roster();
        let forgotten = self.replica.apply_membership(index, change, roster, now, located);
        self.note_departed(forgotten);
        self.look_for_untold(&old, &quits);
        if self.membership.is_ready() {
            self.tell_changes(&old, &quits);
        }
        if matches!(change, Change::Edit { merged: true, .. }) {
            self.ring.because(RingReason::Merge);
        }
        self.on_route_changed();
        self.check_own_entry();
    }

    /// Looks for the members of `old` that are gone without a word in the log: it begins later, or a leader told different
    /// members of different rings.
    pub(super) fn look_for_untold(&mut self, old: &Roster, quits: &BTreeSet<NodeId>) {
        let roster = self.membership.roster();
        let (now, end) = (self.timers.now(), self.replica.log().len());
        let is_there = |gone: &Member| roster.iter().any(|member| member.replaces(gone));
        let untold = |gone: &Member| {
            let known = quits.contains(&gone.id) || self.replica.lost().contains(gone.id);
            !known && gone.id != self.me.id && !is_there(gone)
        };
        for member in old.without(roster).into_iter().filter(untold).collect::<Vec<_>>() {
            let located = self.links.is_located(&member) || !self.enforces(Rule::SeldomElsewhere);
            self.replica.lost_mut(now).look_for(member, located, end, now);
        }
    }

    /// Tells the user which members came and which left.
    pub(super) fn tell_changes(&mut self, old: &Roster, quits: &BTreeSet<NodeId>) {
        let (new, me) = (self.membership.roster().clone(), self.me.id);
        let (gone, joined) = (old.without(&new), new.without(old));
        for member in gone.into_iter().filter(|member| member.id != me) {
            let quit = quits.contains(&member.id);
            let reason = if quit { Departure::Quit } else { Departure::Lost };
            self.ring.because(if quit { RingReason::Leave } else { RingReason::Repair });
            self.effects.notify(Notice::Left { member: member.into(), reason });
        }
        for member in joined.into_iter().filter(|member| member.id != me) {
            self.ring.because(RingReason::Join);
            self.effects.notify(Notice::Joined { member: member.into() });
        }
    }
}

/// The members that leave in order by `change`.
pub(crate) fn quits(change: &Change) -> BTreeSet<NodeId> {
    match change {
        Change::Opened { .. } => BTreeSet::new(),
        Change::Edit { gone, .. } => {
            let quits = gone.iter().filter(|(_, why)| *why == Departure::Quit);
            quits.map(|(member, _)| member.id).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(numbers: &[u16]) -> Roster {
        let members = numbers.iter().map(|number| Member::numbered(*number)).collect();
        Roster::new(members).unwrap()
    }

    fn cfg(epoch: u64, leader: u16) -> ConfigId {
        ConfigId::first(View { epoch: Epoch(epoch), leader: Member::numbered(leader).id })
    }

    #[test]
    fn a_route_that_no_leader_follows_up_lapses_and_is_no_news_again() {
        let mut membership = Membership::new(Member::numbered(1).id, Instant(0));
        membership.install(cfg(1, 2), &roster(&[1, 2]));
        for newer in [cfg(1, 2).next(), cfg(2, 3)] {
            membership.learn(newer, &roster(&[1, 3]), true, Instant(0));
            assert_eq!(membership.route(), &roster(&[2, 1, 3]));
            let patience = Duration::from_micros(7);
            assert!(!membership.give_up_route(patience, Instant(6)));
            assert!(membership.give_up_route(patience, Instant(7)));
        }
        assert_eq!(membership.route(), &roster(&[1, 2]));
        assert!(!membership.is_news(Some(cfg(2, 3))));
        membership.follow(Epoch(2));
        assert!(membership.is_news(Some(cfg(2, 3))));
    }

    #[test]
    fn a_change_of_the_log_makes_the_route_unless_a_newer_one_is_known() {
        let mut membership = Membership::new(Member::numbered(1).id, Instant(0));
        membership.install(cfg(1, 1), &roster(&[1, 2]));
        membership.learn(cfg(5, 3), &roster(&[1, 3]), false, Instant(0));
        let joined = Change::Edit {
            gone: Vec::new(),
            joined: [(Member::numbered(4), Member::numbered(1).id)].into(),
            merged: false,
        };
        assert_eq!(membership.apply(cfg(1, 1).next(), &joined), roster(&[1, 2]));
        assert_eq!(membership.roster(), &roster(&[1, 4, 2]));
        assert_eq!(membership.route(), &roster(&[4, 2, 1, 3]));
    }
}

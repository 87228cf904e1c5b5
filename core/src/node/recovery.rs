//! From an elected leader to one log: `Elected`, `Sync`, `Install`.
//!
//! Each member shows the leader the history of its log and what it holds above their common prefix. The leader sequences
//! again what it lacks, and sends what the member's log has to become.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::follow_ups::FollowUp;
use super::leadership::Leadership;
use super::log::common_prefix;
use super::membership::quits;
use super::own_messages::in_parts;
use super::{Node, Rule};
use crate::action::{CloseMode, Fault, Notice, Occasion};
use crate::ids::{LinkId, NodeId};
use crate::limits::{BACKLOG_TEXTS, INSTALL_BYTES, MAX_EPOCH_LEAP, MAX_PLACES, TAIL_BYTES};
use crate::numbers::Index;
use crate::roster::{ConfigId, Member, Roster, View};
use crate::trace::DropReason;
use crate::wire::{Body, Change, Deliver, Elected, Entry, Install, Message, RefusedKind, Sync, ViewSpan};

/// A log that comes bit by bit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Installing {
    /// What the log has to become.
    pub(super) install: Install,
    /// The entries that have come for it.
    pub(super) entries: Vec<Entry>,
    /// The weight of these.
    pub(super) weight: u64,
}

impl Installing {
    /// The place of the entry that has to come next.
    fn next(&self) -> Index {
        self.entries.last().map_or(self.install.base, Entry::end)
    }

    fn is_complete(&self) -> bool {
        self.next() == self.install.end
    }

    fn push(&mut self, entry: Entry) {
        self.weight = self.weight.saturating_add(entry.weight());
        self.entries.push(entry);
    }

    /// Whether no leader keeps so long a log.
    fn is_too_long(&self) -> bool {
        self.weight > INSTALL_BYTES as u64
    }
}

/// The wait for the log of a new leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Syncing {
    announcement: Elected,
    /// The member that the announcement was passed on to.
    told: Option<NodeId>,
    /// The length of the log with which the leader won, as far as this node knows; what comes is at least as long.
    claimed: Index,
    /// Up to where the logs of the leader and of this node are the same, as far as this node has told the leader.
    shared: Index,
    /// Whether the two logs contradict each other, so that nothing of this one is taken for shared.
    shares_nothing: bool,
    install: Option<Installing>,
}

impl Syncing {
    pub(super) fn new(announcement: Elected, claimed: Index) -> Self {
        let shared = Index::default();
        Self { announcement, told: None, claimed, shared, shares_nothing: false, install: None }
    }

    /// The view that this node waits to be in.
    pub(crate) fn view(&self) -> View {
        self.announcement.cfg.view
    }

    /// The weight of what has come of the log.
    #[cfg(feature = "inspect")]
    pub(super) fn weight(&self) -> u64 {
        self.install.as_ref().map_or(0, |installing| installing.weight)
    }

    /// The announcement, to whom it was passed on, and what has come of the log. The claim decides nothing while no leader
    /// lies.
    #[cfg(feature = "inspect")]
    pub(super) fn state(&self) -> (&Elected, Option<NodeId>, Option<&Installing>) {
        (&self.announcement, self.told, self.install.as_ref())
    }

    /// The configuration of the ring that this node waits to be in.
    pub(super) fn cfg(&self) -> ConfigId {
        self.announcement.cfg
    }

    /// The members of the ring that this node waits to be in.
    pub(crate) fn roster(&self) -> &Roster {
        &self.announcement.roster
    }

    /// The announcement for `next`, unless that member has it already.
    pub(crate) fn announcement_for(&mut self, next: NodeId) -> Option<Elected> {
        let news = self.told != Some(next);
        self.told = Some(next);
        news.then(|| self.announcement.clone())
    }
}

impl Node {
    pub(super) fn on_elected(&mut self, link: LinkId, elected: Elected) {
        let view = elected.cfg.view;
        if view.leader == self.me.id {
            return self.ignore(DropReason::Known);
        }
        if let Some(state) = self.links.get_mut(link) {
            state.knows = state.knows.max(Some(elected.cfg));
        }
        if self.is_normal() && self.membership.view() == view {
            // The leader has lost track of this member. From any other member the announcement is only late.
            if self.is_leader_on(link) {
                return self.leader_linked();
            }
            return self.ignore(DropReason::Known);
        }
        if self.role.syncing().is_some_and(|syncing| syncing.view() == view) {
            return self.ignore(DropReason::Known);
        }
        if self.role.is_electing() && view.epoch < self.membership.promised() {
            // The token of the newer election has to meet that leader too, and all that have followed it.
            self.learn_route(elected.cfg, &elected.roster);
            return self.ignore(DropReason::Stale);
        }
        // An own leader that takes in another ring leads beyond all epochs of that ring.
        let leap = if self.is_leader_on(link) { MAX_EPOCH_LEAP } else { 0 };
        // In these three cases that leader gives this member up in time, or this member comes back to it by another way.
        if view.epoch > self.highest_acceptable().plus(leap) {
            return self.ignore(DropReason::Leap);
        }
        if !self.would_follow(view) {
            return self.ignore(DropReason::Stale);
        }
        if !self.is_for_me(&elected) {
            return self.ignore(DropReason::NotForMe);
        }
        self.follow(elected);
    }

    /// Whether the other end of `link` is this node's leader.
    fn is_leader_on(&self, link: LinkId) -> bool {
        self.leader().is_some_and(|leader| self.links.of(leader) == Some(link))
    }

    /// Whether this node's promise lets it follow the leader of `view`, which is another node. A node that never was a
    /// member has only passed on tokens, and promised nothing else.
    pub(super) fn would_follow(&self, view: View) -> bool {
        let is_open = self.role.is_electing() || (self.role.is_joining() && self.is_fresh());
        let is_new =
            view.epoch > self.membership.promised() || (view.epoch == self.membership.promised() && is_open);
        is_new && view.leader != self.me.id
    }

    /// Whether the announced ring has this member, and its own leader.
    pub(super) fn is_for_me(&self, elected: &Elected) -> bool {
        elected.roster.contains(self.me.id) && elected.roster.contains(elected.cfg.view.leader)
    }

    /// Shows the leader this log, or dials the leader.
    pub(super) fn sync_with_leader(&mut self) {
        let Some(leader) = self.leader() else { return };
        if self.put_off_sync(leader) {
            return;
        }
        if self.links.is_linked(leader) {
            self.sync();
        } else {
            self.dial(leader);
        }
    }

    /// Dials the leader, if it is a stranger that could not be dialed at once.
    pub(super) fn dial_leader_again(&mut self) {
        let Some(leader) = self.role.syncing().map(|syncing| syncing.view().leader) else { return };
        let waits = !self.links.is_linked(leader) && self.links.dialing(leader).is_none();
        if waits && !self.role.leader_is_lost() {
            self.note(FollowUp::Sync);
        }
    }

    /// Shows the leader the history of this log, and the messages that the leader's log may lack.
    fn sync(&mut self) {
        let Some(syncing) = self.role.syncing_mut() else { return };
        syncing.install = None;
        let view = syncing.view();
        let common = common_prefix(self.replica.log().history(), &syncing.announcement.history);
        // A log of which another leader once told a different story, or that no longer reaches back so far, shares nothing.
        let log = self.replica.log();
        let shares = common >= log.base() && log.is_between_entries(common) && !syncing.shares_nothing;
        let (common, history) =
            if shares { (common, log.history().to_vec()) } else { (Index::default(), Vec::new()) };
        syncing.shared = common;
        let mut parts = in_parts(self.replica.log().tail(common));
        let last = parts.pop().unwrap_or_default();
        for tail in parts {
            let sync = Sync { view, history: Vec::new(), tail, more: true };
            self.send_to(view.leader, Message::Sync(sync));
        }
        self.send_to(view.leader, Message::Sync(Sync { view, history, tail: last, more: false }));
    }

    pub(super) fn on_sync(&mut self, link: LinkId, member: NodeId, sync: Sync) {
        if self.is_normal() && !self.membership.roster().contains(member) {
            self.ignore(DropReason::NotMember);
            return self.send_not_member(link, RefusedKind::Sync, sync.view.epoch);
        }
        if let Some(why) = self.not_led_in(sync.view) {
            return self.ignore(why);
        }
        if !sync.tail.is_empty() && self.has_no_room_for_tails() {
            // The member links anew, and shows all of it again.
            self.close(link, CloseMode::Abort);
            return self.on_link_lost(member);
        }
        let tail = if self.enforces(Rule::SequenceTails) { sync.tail } else { Vec::new() };
        let replayed = self.is_returning(member);
        for said in tail {
            if !self.replica.is_of_departed(&said) {
                self.sequence_said(said, replayed);
            }
        }
        if let Some(leadership) = self.role.leadership_mut().filter(|_| !sync.more) {
            leadership.note_shown(member, sync.history);
        }
    }

    /// Whether so much is unstable that no tail is taken. Tails are not held, because a member that shows its log does not wait
    /// long for the answer.
    fn has_no_room_for_tails(&self) -> bool {
        let log = self.replica.log();
        log.weight(self.replica.stable(), log.len()) > TAIL_BYTES as u64 && self.enforces(Rule::BoundedTails)
    }

    /// After all inputs: tells the members that have shown their logs what these have to become. Each is told once, however
    /// often it has shown its log.
    pub(super) fn answer_syncs(&mut self) {
        let shown = self.role.leadership_mut().map(Leadership::take_shown).unwrap_or_default();
        for (member, history) in shown {
            self.install(member, &history);
            self.settle();
        }
    }

    /// Whether this node leads, and `member` was in another ring until it came in.
    fn is_returning(&self, member: NodeId) -> bool {
        self.role.leadership().is_some_and(|leadership| leadership.is_returning(member))
    }

    /// Where the log of a newcomer begins: with the last texts before its own entry, or with what another member may lack, since
    /// the newcomer may have to lead.
    fn first_for_newcomer(&self, newcomer: NodeId) -> Index {
        let log = self.replica.log();
        let came_in = log.range(log.base(), log.len()).rfind(|entry| admits(entry, newcomer));
        let backlog = came_in.map(|entry| log.first_of_last(BACKLOG_TEXTS, entry.index));
        let catching_up = self.role.leadership().and_then(Leadership::needs_from);
        let needed = self.replica.needed_from(catching_up).into_iter().chain([self.replica.stable()]);
        let needed = needed.chain(backlog).min();
        log.start_of_entry(needed.unwrap_or_default())
    }

    /// Tells a member what its log has to become. The entries follow as fast as the member takes them.
    fn install(&mut self, member: NodeId, history: &[ViewSpan]) {
        let common = common_prefix(history, self.replica.log().history());
        // The member may have been told a different story by another leader.
        let common = Some(common).filter(|it| self.replica.log().is_between_entries(*it)).unwrap_or_default();
        let log = self.replica.log();
        let mut base = common.max(log.base());
        if history.is_empty() && !self.is_returning(member) && self.enforces(Rule::ShortHistory) {
            base = base.max(self.first_for_newcomer(member));
        }
        let yours = || [(member, log.last_of(member))].into();
        let (below, mut origins) = if base > common { log.below(base) } else { (Vec::new(), yours()) };
        self.replica.fit_origins(&mut origins, member, self.membership.roster());
        let install = Install {
            cfg: self.membership.cfg(),
            roster: self.membership.roster().clone(),
            common,
            base,
            end: self.replica.log().len(),
            origins,
            history: below,
            stable: self.replica.stable(),
        };
        self.send_to(member, Message::Install(install));
        self.member_synced(member, base);
    }

    pub(super) fn on_install(&mut self, leader: NodeId, install: Install) {
        let farthest = Index(MAX_PLACES).plus(MAX_PLACES);
        let is_too_far = install.base > farthest && self.enforces(Rule::BoundedPlaces);
        let syncing = self.role.syncing_mut();
        let syncing = syncing.filter(|it| it.view() == install.cfg.view && leader == it.view().leader);
        let Some(syncing) = syncing else { return self.ignore(DropReason::Stale) };
        if install.end < syncing.claimed {
            return self.accuse(leader, Fault::FalseClaim);
        }
        let is_older = install.cfg.view == self.membership.view() && install.cfg < self.membership.cfg();
        if is_older {
            // A leader has one log.
            return self.accuse(leader, Fault::LogOrder);
        }
        if is_too_far {
            return self.accuse(leader, Fault::TooLong);
        }
        if install.common < syncing.shared {
            return self.share_nothing();
        }
        let fits = install.common == Index::default() || install.common >= self.replica.log().base();
        if install.common > self.replica.log().len()
            || !fits
            || install.base < install.common
            || install.end < install.base
        {
            return self.ignore(DropReason::Stale);
        }
        syncing.install = Some(Installing { install, entries: Vec::new(), weight: 0 });
        self.try_install();
    }

    /// Takes entries of a log that is being installed. Returns those that come after it.
    pub(super) fn take_installed(&mut self, deliver: Deliver) -> Option<Deliver> {
        let Some(syncing) = self.role.syncing_mut() else { return Some(deliver) };
        let installing = syncing.install.as_mut().filter(|it| it.install.cfg.view == deliver.view);
        let Some(installing) = installing else {
            self.ignore(DropReason::Early);
            return None;
        };
        let mut rest = deliver.entries.into_iter();
        while let Some(entry) = rest.next() {
            let (expected, end) = (installing.next(), installing.install.end);
            if entry.index != expected {
                self.ignore(DropReason::Early);
                return None;
            }
            if expected >= end {
                let entries = core::iter::once(entry).chain(rest).collect();
                return Some(Deliver { entries, ..deliver });
            }
            if entry.end() > end {
                self.accuse(deliver.view.leader, Fault::WithinRun);
                return None;
            }
            installing.push(entry);
            if installing.is_complete() {
                self.try_install();
                return Some(Deliver { entries: rest.collect(), ..deliver });
            }
        }
        let (view, index, is_too_long) = (deliver.view, installing.next(), installing.is_too_long());
        if is_too_long && self.enforces(Rule::BoundedInstalls) {
            if let Some(syncing) = self.role.syncing_mut() {
                syncing.install = None;
            }
            self.accuse(view.leader, Fault::TooLong);
            return None;
        }
        self.send_to(view.leader, Message::Ack { view, index });
        // The log grows, so the new leader must not be given up.
        self.arm_election();
        None
    }

    /// Installs the log once all of its entries have come.
    fn try_install(&mut self) {
        let Some(syncing) = self.role.syncing_mut() else { return };
        let leader = syncing.view().leader;
        if let Some(Installing { install, entries, .. }) = syncing.install.take_if(|it| it.is_complete()) {
            if self.is_overcounted(&install, &entries) {
                return self.begin_new_life();
            }
            match self.replica.check_install(&install, &entries) {
                Ok(()) => self.finish_install(install, entries),
                Err(fault) if self.role.syncing().is_some_and(|syncing| syncing.shares_nothing) => {
                    self.accuse(leader, fault);
                }
                Err(_) => self.share_nothing(),
            }
        }
    }

    /// Shows the leader all of this log: the two logs contradict each other, perhaps because a leader of before told one of
    /// the two a different story. Only a leader whose log is wrong by itself is at fault.
    fn share_nothing(&mut self) {
        if let Some(syncing) = self.role.syncing_mut() {
            syncing.shares_nothing = true;
            self.sync();
        }
    }

    fn finish_install(&mut self, install: Install, entries: Vec<Entry>) {
        let quits: BTreeSet<NodeId> = entries.iter().flat_map(quits_of).collect();
        let (old, new_view) = self.membership.install(install.cfg, &install.roster);
        let stable = install.stable;
        let forked = self.replica.forked_by(install.common, &entries);
        let seldom = self.enforces(Rule::SeldomElsewhere);
        let located = |member: &Member| self.links.is_located(member) || !seldom;
        self.replica.begin_install(install, &entries, self.timers.now(), located);
        self.look_for_untold(&old, &quits);
        for author in forked {
            self.tell_forked(author);
        }
        let fresh = self.is_fresh();
        let missed = self.occasion_of_missed(&old);
        let was_ready = self.membership.is_ready();
        self.become_follower();
        if was_ready {
            self.tell_changes(&old, &quits);
        }
        if new_view && was_ready {
            self.tell_leader();
        }
        self.append_installed(entries, fresh, missed);
        self.learn_stable(stable);
        self.replica.owe_acknowledgement(1);
        self.acknowledge();
        self.note(FollowUp::SeekNext);
        self.submit_again();
        self.check_own_entry();
    }

    /// Where this node, whose ring was `old`, was while it missed the messages that it is shown now. A member that was left
    /// behind still has the old ring in its log, but was alone.
    fn occasion_of_missed(&self, old: &Roster) -> Occasion {
        if self.role.joining().is_some() || old.len() <= 1 {
            Occasion::WhileAway
        } else {
            Occasion::OtherRing
        }
    }

    /// Appends the entries of an install, and shows what was not shown: as `missed` what was said before this member came
    /// in. A newcomer is shown what came after its own entry, and the last texts before it.
    fn append_installed(&mut self, entries: Vec<Entry>, fresh: bool, missed: Occasion) {
        let me = self.me.id;
        let mine = entries.iter().rposition(|entry| admits(entry, me));
        let came_in = mine.and_then(|at| entries.get(at)).map(|entry| entry.index);
        let silent = if fresh { mine.unwrap_or(entries.len()) } else { 0 };
        if !fresh {
            self.show_lost_history();
        }
        let mut entries = entries.into_iter();
        for entry in entries.by_ref().take(silent) {
            self.replica.append(entry);
        }
        if fresh {
            self.show_backlog();
        }
        for entry in entries {
            self.note_own(&entry);
            self.replica.append(entry.clone());
            let (index, body) = (entry.index, entry.body);
            let before = came_in.is_some_and(|came_in| index < came_in);
            self.show(index, &body, if before { missed } else { Occasion::Live });
        }
        self.own.end_within(self.replica.log().len());
    }

    /// Shows a newcomer, whose log holds only what was said before it came, as much of that as its user wants to see.
    fn show_backlog(&mut self) {
        let (entries, mut hidden) = self.replica.take_backlog();
        for Entry { index, body, .. } in entries {
            self.show_part(index, &body, Occasion::BeforeJoin, core::mem::take(&mut hidden));
        }
    }

    /// Tells the user of messages below the installed log that were never shown.
    fn show_lost_history(&mut self) {
        for (origin, count) in self.replica.give_up_lost_history() {
            let from = self.member(origin).into();
            self.effects.notify(Notice::Gap { from, count });
        }
    }

    pub(super) fn tell_ready(&mut self) {
        self.membership.set_ready(true);
        self.ring.forget_told();
        let leader = self.member(self.membership.view().leader).into();
        let (me, members) = (self.me.clone(), self.membership.roster().clone());
        let room = self.effects.room();
        self.effects.notify(Notice::Ready { me, leader, members, room });
    }

    /// The elected leader cannot be linked to. Returns whether for the second time. After the first time this node elects once
    /// more, then it stays alone for a while, so that one bad path costs the room one election and not a loop.
    pub(super) fn note_unlinkable_leader(&mut self) -> bool {
        let Some(syncing) = self.role.syncing() else { return false };
        let (view, now) = (syncing.view(), self.now());
        let again = self.reach.note_unlinkable(view, now);
        again && self.enforces(Rule::GiveUpUnlinkable)
    }
}

fn quits_of(entry: &Entry) -> BTreeSet<NodeId> {
    match &entry.body {
        Body::Membership { change, .. } => quits(change),
        Body::Chat { .. } => BTreeSet::new(),
    }
}

/// Whether `entry` makes `id` a member.
fn admits(entry: &Entry, id: NodeId) -> bool {
    match &entry.body {
        Body::Membership { change, .. } => match &**change {
            Change::Edit { joined, .. } => joined.iter().any(|(member, _)| member.id == id),
            Change::Opened { .. } => false,
        },
        Body::Chat { .. } => false,
    }
}

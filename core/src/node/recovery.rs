//! From an elected leader to one log: `Elected`, `Sync`, `Install`.
//!
//! Each member shows the leader the history of its log and what it holds above their common prefix; the
//! leader sequences again what it lacks, and sends what the member's log is to become.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::log::{Log, common_prefix, count};
use super::membership::{Route, quits};
use super::submissions::in_parts;
use super::{Mode, Node, Rule};
use crate::action::{ElectionPhase, Ending, Fault, Notice, Occasion};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::node::Timer;
use crate::numbers::{Index, Seq};
use crate::roster::{ConfigId, Roster, View};
use crate::wire::{
    Body, Change, Deliver, Elected, Entry, Install, Message, RefusedKind, Run, Sync, ViewSpan,
};

/// Waiting for the log of a new leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    pub(super) announcement: Elected,
    /// Whom the announcement was passed on to.
    pub(super) told: Option<NodeId>,
    /// What the log is to become, and the entries of it that have come.
    pub(super) install: Option<(Install, Vec<Entry>)>,
}

impl Waiting {
    fn new(announcement: Elected) -> Self {
        Self { announcement, told: None, install: None }
    }

    /// The view that it waits to be in.
    pub(crate) fn view(&self) -> View {
        self.announcement.cfg.view
    }

    /// The members of the ring that it waits to be in.
    pub(crate) fn roster(&self) -> &Roster {
        &self.announcement.roster
    }

    /// The announcement for `next`, unless it has it already.
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
            return;
        }
        if let Some(state) = self.links.get_mut(link) {
            state.knows = state.knows.max(Some(elected.cfg));
        }
        if self.is_normal() && self.view == view {
            // The leader has lost track of this member; from anybody else it is only late.
            if self.links.of(view.leader) == Some(link) {
                self.leader_linked(view.leader);
            }
            return;
        }
        if matches!(&self.mode, Mode::Waiting(waiting) if waiting.view() == view) {
            return;
        }
        if matches!(self.mode, Mode::Electing(_)) && view.epoch < self.promised {
            // The token of the newer election will reach that leader too.
            return;
        }
        if !self.would_follow(view) || !self.is_for_me(&elected) {
            // It is given up there in time, or brought back by what it does follow.
            return;
        }
        self.accept(elected);
    }

    /// Whether what this node has promised lets it follow the leader of `view`, which is another. One that never
    /// was a member has only passed tokens on, and promised nothing else.
    pub(super) fn would_follow(&self, view: View) -> bool {
        let is_open = match self.mode {
            Mode::Electing(_) => true,
            Mode::Joining => self.is_fresh(),
            Mode::Normal | Mode::Waiting(_) | Mode::Ended => false,
        };
        let is_new = view.epoch > self.promised || (view.epoch == self.promised && is_open);
        is_new && view.leader != self.me.id
    }

    /// Whether the announced ring has this member, and its own leader.
    pub(super) fn is_for_me(&self, elected: &Elected) -> bool {
        elected.roster.contains(self.me.id) && elected.roster.contains(elected.cfg.view.leader)
    }

    /// The new leader is known: follow it.
    pub(super) fn accept(&mut self, elected: Elected) {
        if self.leaves_now() {
            return self.end(Ending::Left { unsure: 0 });
        }
        let leader = elected.cfg.view.leader;
        self.drop_attempts();
        self.promised = elected.cfg.view.epoch;
        self.stop_leading();
        self.lost_leader = None;
        self.lapsed = None;
        self.timers.clear(Timer::Initiate);
        let (cfg, roster) = (elected.cfg, elected.roster.clone());
        self.mode = Mode::Waiting(Waiting::new(elected));
        self.arm_election();
        self.learn_route(cfg, &roster);
        self.tell_election(ElectionPhase::Elected, leader);
        self.pass_announcement();
        self.link_to_leader();
    }

    fn link_to_leader(&mut self) {
        let Some(leader) = self.leader() else { return };
        if self.links.is_linked(leader) {
            self.sync();
        } else {
            self.dial(leader);
        }
    }

    /// The link to the leader stands anew: what was under way on the old one may be lost.
    pub(super) fn leader_linked(&mut self, leader: NodeId) {
        if self.lost_leader == Some(leader) {
            self.lost_leader = None;
            self.timers.clear(Timer::Initiate);
        }
        if self.is_normal() {
            self.mode = Mode::Waiting(Waiting::new(self.announcement()));
            self.arm_election();
        }
        self.sync();
    }

    /// Shows the leader this log, and what the leader's may lack.
    fn sync(&mut self) {
        let Mode::Waiting(waiting) = &mut self.mode else { return };
        waiting.install = None;
        let view = waiting.view();
        let common = common_prefix(self.log.history(), &waiting.announcement.history);
        let history = self.log.history().to_vec();
        let mut parts = in_parts(self.log.tail(common));
        let last = parts.pop().unwrap_or_default();
        for tail in parts {
            let sync = Sync { view, history: Vec::new(), tail, more: true };
            self.send_to(view.leader, Message::Sync(sync));
        }
        self.send_to(view.leader, Message::Sync(Sync { view, history, tail: last, more: false }));
    }

    pub(super) fn on_sync(&mut self, link: LinkId, member: NodeId, sync: Sync) {
        if self.is_normal() && !self.roster.contains(member) {
            return self.send_not_member(link, RefusedKind::Sync, sync.view.epoch);
        }
        if !self.leads() || sync.view != self.view {
            return;
        }
        let tail = if self.keeps(Rule::SequenceTails) { sync.tail } else { Vec::new() };
        for said in tail {
            self.sequence_again(member, said);
        }
        if !sync.more {
            self.install(member, &sync.history);
        }
    }

    /// Sequences a run from a member's tail, but for what has its place already.
    fn sequence_again(&mut self, member: NodeId, said: Run) {
        let last = self.log.last_of(said.origin.id);
        let again = !self.keeps(Rule::ExactNextSeq);
        let Some(said) = said.after(if again { Seq::default() } else { last }) else { return };
        let expected = last.next();
        if said.first > expected {
            let (origin, last) = (said.origin.clone(), said.first.prev());
            self.sequence(Body::Gap { origin, first: expected, last });
        }
        let replayed = self.leadership.as_ref().is_some_and(|leadership| leadership.is_returning(member));
        self.sequence(Body::Chat { said, replayed });
    }

    /// Tells a member what its log is to become; the entries follow as far as it takes them.
    fn install(&mut self, member: NodeId, history: &[ViewSpan]) {
        let common = common_prefix(history, self.log.history());
        let base = common.max(self.log.base());
        let (below, origins) = if base > common { self.log.below_base() } else { Default::default() };
        let install = Install {
            cfg: self.cfg,
            roster: self.roster.clone(),
            common,
            base,
            end: self.log.len(),
            origins,
            history: below,
            stable: self.stable,
        };
        self.send_to(member, Message::Install(install));
        self.member_synced(member, base);
    }

    pub(super) fn on_install(&mut self, leader: NodeId, install: Install) {
        let Mode::Waiting(waiting) = &mut self.mode else { return };
        if waiting.view() != install.cfg.view || leader != waiting.view().leader {
            return;
        }
        if install.common > self.log.len() || install.base < install.common || install.end < install.base {
            return;
        }
        waiting.install = Some((install, Vec::new()));
        self.try_install();
    }

    /// Entries while the log is being installed. Returns those that come after.
    pub(super) fn take_installed(&mut self, deliver: Deliver) -> Option<Deliver> {
        let Mode::Waiting(waiting) = &mut self.mode else { return Some(deliver) };
        let (install, entries) = waiting.install.as_mut()?;
        if install.cfg.view != deliver.view {
            return None;
        }
        let mut rest = deliver.entries.into_iter();
        while let Some(entry) = rest.next() {
            let expected = next_installed(install, entries);
            if entry.index != expected {
                return None;
            }
            if expected >= install.end {
                let entries = core::iter::once(entry).chain(rest).collect();
                return Some(Deliver { entries, ..deliver });
            }
            if entry.end() > install.end {
                return None;
            }
            entries.push(entry);
            if next_installed(install, entries) == install.end {
                self.try_install();
                return Some(Deliver { entries: rest.collect(), ..deliver });
            }
        }
        let (view, index) = (deliver.view, next_installed(install, entries));
        self.send_to(view.leader, Message::Ack { view, index });
        // The log grows towards its end: the new leader is not to be given up.
        self.arm_election();
        None
    }

    /// Installs the log once all of it is there.
    fn try_install(&mut self) {
        let Mode::Waiting(waiting) = &mut self.mode else { return };
        let complete = waiting
            .install
            .as_ref()
            .is_some_and(|(install, entries)| next_installed(install, entries) == install.end);
        let leader = waiting.view().leader;
        if complete && let Some((install, entries)) = waiting.install.take() {
            if self.breaks_order(&install, &entries) {
                return self.accuse(leader, Fault::LogOrder);
            }
            if self.takes_back(&install, &entries) {
                return self.accuse(leader, Fault::TakenBack);
            }
            self.finish_install(install, entries);
        }
    }

    /// Whether the log to be installed has entries in an order that no leader writes.
    fn breaks_order(&self, install: &Install, entries: &[Entry]) -> bool {
        let end = if install.base > install.common { Index::default() } else { install.common };
        let is_newer = entries.last().is_some_and(|entry| entry.view.epoch > install.cfg.view.epoch);
        is_newer || !self.log.may_go_on(end, entries)
    }

    /// Whether the log to be installed lacks something that the user has seen. Who is forgotten altogether has
    /// no number in it.
    fn takes_back(&self, install: &Install, entries: &[Entry]) -> bool {
        let replaced = install.base > install.common;
        let mut last =
            if replaced { install.origins.clone() } else { self.log.origins_before(install.common) };
        count(&mut last, entries);
        self.shown.iter().any(|(id, shown)| last.get(id).is_some_and(|last| (Seq(1)..*shown).contains(last)))
    }

    fn finish_install(&mut self, install: Install, entries: Vec<Entry>) {
        let quits: BTreeSet<NodeId> = entries.iter().flat_map(quits_of).collect();
        if install.base > install.common {
            self.log = Log::from_base(install.base, install.origins, install.history);
        } else {
            self.log.truncate(install.common);
        }
        let new_view = self.view != install.cfg.view;
        self.view = install.cfg.view;
        let old = core::mem::replace(&mut self.roster, install.roster.clone());
        self.cfg = install.cfg;
        self.route = Route { cfg: install.cfg, roster: install.roster };
        // What was stable in another ring need not be in this one.
        self.stable = self.stable.min(install.common);
        self.note_absent(install.common, &entries);
        let fresh = self.is_fresh();
        let missed = self.occasion_of_missed(&old);
        let was_ready = self.ready;
        self.become_normal();
        if was_ready {
            self.tell_changes(&old, &quits);
        }
        if new_view && was_ready {
            self.tell_leader();
        }
        self.append_installed(entries, fresh, missed);
        self.learn_stable(install.stable);
        self.unacked = 1;
        self.acknowledge();
        self.seek_next();
        self.submit_again();
    }

    /// Where this node, whose ring was `old`, was while it missed what it is shown on coming back. One that was left
    /// behind has its old ring in the log, and nobody of it beside it.
    fn occasion_of_missed(&self, old: &Roster) -> Occasion {
        if self.joining.is_some() || old.len() <= 1 { Occasion::WhileAway } else { Occasion::OtherRing }
    }

    /// Appends what was installed, and shows what was not shown: as `missed` what was said before this member came
    /// in. A newcomer is shown what came after its own entry.
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
            self.log.push(entry);
        }
        if fresh {
            self.shown = self.log.origins().clone();
        }
        for entry in entries {
            self.log.push(entry.clone());
            self.note_own(&entry);
            let (index, body) = (entry.index, entry.body);
            let before = came_in.is_some_and(|came_in| index < came_in);
            self.show(index, &body, if before { missed } else { Occasion::Live });
        }
    }

    /// Derives anew from the log who is lost.
    fn note_absent(&mut self, common: Index, entries: &[Entry]) {
        self.absent.forget_from(common);
        for entry in entries {
            if let Body::Membership { change, .. } = &entry.body {
                self.absent.apply(entry.index, change, self.clock.now());
            }
        }
        self.absent.replace(&self.roster);
    }

    /// Tells of messages below the installed log that this member never saw.
    fn show_lost_history(&mut self) {
        let lost: Vec<(NodeId, Seq, Seq)> = (self.log.origins().iter())
            .map(|(id, last)| (*id, self.shown.get(id).copied().unwrap_or_default(), *last))
            .filter(|(_, shown, last)| last > shown)
            .collect();
        for (origin, shown, last) in lost {
            if origin == self.me.id {
                continue;
            }
            self.shown.insert(origin, last);
            let from = self.member(origin).into();
            self.notify(Notice::Gap { from, count: last.since(shown) });
        }
    }

    /// There is a leader again, maybe this member.
    pub(super) fn become_normal(&mut self) {
        self.mode = Mode::Normal;
        self.joining = None;
        self.lost_leader = None;
        self.timers.clear(Timer::Election);
        self.timers.clear(Timer::Initiate);
        self.timers.clear(Timer::Join);
        self.timers.clear(Timer::JoinLimit);
        self.forgive();
        self.went_on.clear();
        if !self.ready && self.roster.contains(self.me.id) {
            self.tell_ready();
        }
        self.drain_again();
    }

    pub(super) fn tell_ready(&mut self) {
        self.ready = true;
        self.ring.forget_told();
        let leader = self.member(self.view.leader).into();
        let (me, members) = (self.me.clone(), self.roster.clone());
        self.notify(Notice::Ready { me, leader, members });
    }

    /// A leader that was elected cannot be linked to: elect once more, then stay alone for a while, so that
    /// one member's bad path costs the room one election and not a loop.
    /// To lose the leader twice in one view is no second election: it may have dialed, then died.
    pub(super) fn is_unlinkable_again(&mut self) -> bool {
        let Mode::Waiting(waiting) = &self.mode else { return false };
        let (view, now) = (waiting.view(), self.now());
        let again = self.unlinkable.is_some_and(|(last, at)| {
            last.leader == view.leader && last.epoch < view.epoch && now.since(at) < Times::UNREACHABLE_LEADER
        });
        self.unlinkable = Some((view, now));
        again && self.keeps(Rule::GiveUpUnlinkable)
    }

    /// The configuration that this node's log amounts to.
    pub fn cfg(&self) -> ConfigId {
        self.cfg
    }
}

/// The next place of a log that is being installed.
fn next_installed(install: &Install, entries: &[Entry]) -> Index {
    entries.last().map_or(install.base, Entry::end)
}

fn quits_of(entry: &Entry) -> BTreeSet<NodeId> {
    match &entry.body {
        Body::Membership { change, .. } => quits(change),
        Body::Chat { .. } | Body::Gap { .. } => BTreeSet::new(),
    }
}

/// Whether `entry` makes `id` a member.
fn admits(entry: &Entry, id: NodeId) -> bool {
    match &entry.body {
        Body::Membership { change, .. } => match &**change {
            Change::Edit { joined, .. } => joined.iter().any(|(member, _)| member.id == id),
            Change::Opened { .. } => false,
        },
        Body::Chat { .. } | Body::Gap { .. } => false,
    }
}

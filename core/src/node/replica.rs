//! This node's copy of the log: how much of it all members have, what the user has seen, and which members are lost.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::authors::Forked;
use super::departed::Departed;
use super::log::{Log, count};
use super::lost_members::LostMembers;
use crate::action::{Chat, Fault, Notice, Occasion};
use crate::ids::NodeId;
use crate::limits::{BACKLOG_TEXTS, HISTORY_ENTRIES, MAX_ORIGINS};
use crate::name::Name;
use crate::numbers::{Index, Seq};
use crate::roster::{Member, Roster};
use crate::time::Instant;
use crate::wire::{Body, Change, Entry, Install, Proven, Run};

/// The numbers of the last messages of members that the log has forgotten, by member.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// That the user has seen.
    seen: Vec<(NodeId, Seq)>,
    /// That lay below the log.
    unseen: Vec<(NodeId, Seq)>,
}

/// A copy of the log, and what follows from its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Replica {
    log: Log,
    /// All members have the log up to here, as far as this node knows.
    stable: Index,
    /// The number of the last message of each origin that the user has seen. Each was signed.
    shown: BTreeMap<NodeId, Seq>,
    /// The number of the last message of each origin that lies below the log, so that the user never sees it. It is the
    /// word of a leader: no run is taken for old because of it.
    given_up: BTreeMap<NodeId, Seq>,
    /// How much was appended since the last acknowledgement, by weight.
    unacknowledged: u64,
    lost: LostMembers,
    /// What the user has seen of members that the log has forgotten.
    departed: Departed,
    /// What of such members lay below the log, so that the user never sees it. It is the word of a leader.
    departed_unseen: Departed,
    forked: Forked,
    /// How many texts of before this node came its user wants to see.
    backlog: usize,
    /// How many origins were left when some were forgotten last.
    origins_left: usize,
}

impl Replica {
    /// The copy of a node that was in no room yet. If it comes into one, its user is shown up to so many texts that were
    /// said before.
    pub(super) fn showing(backlog: usize) -> Self {
        Self { backlog: backlog.min(BACKLOG_TEXTS), ..Self::default() }
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// All members have the log up to here, as far as this node knows.
    pub(super) fn stable(&self) -> Index {
        self.stable
    }

    /// The lost members that are remembered.
    pub(super) fn lost(&self) -> &LostMembers {
        &self.lost
    }

    /// The same, without those that were lost too long ago.
    pub(super) fn lost_mut(&mut self, now: Instant) -> &mut LostMembers {
        self.lost.expire(now);
        &mut self.lost
    }

    /// Appends an entry at the end of the log.
    pub(super) fn append(&mut self, entry: Entry) {
        self.log.push(entry);
    }

    /// Draws the conclusions from a change of the membership at `index`, which has led to `roster`: which members
    /// are lost, and which have departed for good. Returns what the user has seen of those.
    pub(super) fn apply_membership(
        &mut self,
        index: Index,
        change: &Change,
        roster: &Roster,
        now: Instant,
        is_located: impl Fn(&Member) -> bool,
    ) -> Forgotten {
        self.lost.apply((index, self.stable), change, now, is_located);
        self.lost.replace(roster);
        self.forget_origins(roster)
    }

    /// Whether so many origins are known that those should be forgotten that may be. Whoever shows a log can invent them.
    pub(super) fn knows_many_origins(&self) -> bool {
        self.log.origins().len() > self.origins_left.saturating_mul(2).max(MAX_ORIGINS)
    }

    /// Forgets the origins that have departed for good and of which nothing is kept.
    pub(super) fn forget_origins(&mut self, roster: &Roster) -> Forgotten {
        let (log, lost) = (&mut self.log, &self.lost);
        let stays = |id: NodeId| roster.contains(id) || lost.contains(id);
        log.forget_origins(stays);
        self.origins_left = log.origins().len();
        let is_gone = |id: NodeId| log.last_of(id) == Seq::default() && !stays(id);
        let unseen = self.given_up.extract_if(.., |id, _| is_gone(*id)).collect();
        let seen = self.shown.extract_if(.., |id, _| is_gone(*id)).collect();
        Forgotten { seen, unseen }
    }

    /// Leaves departed members out of the `origins` below an install for `member`, of a ring with this `roster`, if there
    /// are more than a frame takes.
    pub(super) fn fit_origins(&self, origins: &mut BTreeMap<NodeId, Seq>, member: NodeId, roster: &Roster) {
        if origins.len() > MAX_ORIGINS {
            origins.retain(|id, _| *id == member || roster.contains(*id) || self.lost.contains(*id));
        }
    }

    /// Remembers the last messages of members that departed for good. Older ones are not sequenced again from a tail, and those
    /// that the user has seen are not shown again.
    pub(super) fn note_departed(&mut self, forgotten: Forgotten) {
        for (id, last) in forgotten.seen {
            self.departed.note(id, last);
        }
        for (id, last) in forgotten.unseen {
            self.departed_unseen.note(id, last);
        }
    }

    /// Whether a run is of a member that the log has forgotten, and of before its departure. It comes back only if that
    /// member itself says it again.
    pub(super) fn is_of_departed(&self, said: &Run) -> bool {
        let origin = said.origin.id;
        let last = self.departed.last_of(origin).max(self.departed_unseen.last_of(origin));
        self.log.last_of(origin) == Seq::default() && said.first <= last
    }

    /// The members that departed for good: what the user has seen of them, and what lay below the log.
    #[cfg(feature = "inspect")]
    pub(super) fn departed(&self) -> [&Departed; 2] {
        [&self.departed, &self.departed_unseen]
    }

    /// Learns that all members have the log up to `stable`, and drops history that no member needs. Members that catch up
    /// need it from `catching_up` on. More is kept than there is room for unless the log `is_bounded`.
    pub(super) fn learn_stable(&mut self, stable: Index, catching_up: Option<Index>, is_bounded: bool) {
        self.stable = self.stable.max(stable.min(self.log.len()));
        self.log.prune(self.stable, self.needed_from(catching_up), is_bounded);
    }

    /// From where on the log may be needed by members that are lost, or that catch up from there.
    pub(super) fn needed_from(&self, catching_up: Option<Index>) -> Option<Index> {
        self.lost.since().into_iter().chain(catching_up).min()
    }

    /// Notes that so much was received and has to be acknowledged. Returns how much that is together.
    pub(super) fn owe_acknowledgement(&mut self, weight: u64) -> u64 {
        self.unacknowledged = self.unacknowledged.saturating_add(weight);
        self.unacknowledged
    }

    /// Up to where the log has to be acknowledged now, if something was received since the last time.
    pub(super) fn take_acknowledgement(&mut self) -> Option<Index> {
        let owes = core::mem::take(&mut self.unacknowledged) > 0;
        owes.then(|| self.log.len())
    }

    /// What the user has to be shown of the entry at `index`, unless it was shown before and is not shown `again`. The
    /// `occasion` is that of the log; what a leader took over from another ring was said in that ring. `known_as` is
    /// another name of the author.
    pub(super) fn show(
        &mut self,
        (index, body): (Index, &Body),
        occasion: Occasion,
        (me, known_as): (NodeId, Option<Name>),
        again: bool,
    ) -> impl Iterator<Item = Notice> + use<> {
        let (mut gap, mut chat) = (None, None);
        if let Body::Chat { said, missing, replayed } = body {
            let mine = said.origin.id == me;
            let known = self.known_of(said.origin.id);
            let is_news = self.raise_shown(said) || again;
            let between = said.first.since(known.next());
            // Of a member that is new to this one, only the log tells where it began.
            let count = if known > Seq::default() { between } else { between.min(*missing) };
            gap = (count > 0 && !mine).then(|| Notice::Gap { from: said.origin.clone(), count });
            chat = is_news.then(|| {
                Notice::Chat(Chat {
                    index,
                    mine,
                    said: said.clone(),
                    known_as,
                    occasion: if *replayed && occasion != Occasion::BeforeJoin {
                        Occasion::OtherRing
                    } else {
                        occasion
                    },
                    hidden: 0,
                })
            });
        }
        gap.into_iter().chain(chat)
    }

    /// Up to which number the messages of `origin` were shown or given up.
    fn known_of(&self, origin: NodeId) -> Seq {
        let of = |numbers: &BTreeMap<NodeId, Seq>| numbers.get(&origin).copied().unwrap_or_default();
        of(&self.shown).max(of(&self.given_up)).max(self.departed.last_of(origin))
    }

    /// The number of the last message of `origin` in the log; if the log has forgotten the origin, of the last that the
    /// user has seen.
    pub(super) fn reached_by(&self, origin: NodeId) -> Seq {
        let last = self.log.last_of(origin);
        let shown = || self.shown.get(&origin).copied().unwrap_or_default();
        if last > Seq::default() { last } else { shown() }
    }

    /// Notes that a run is shown, if it lies above all that was. A run that lies partly above is a fork.
    fn raise_shown(&mut self, said: &Run) -> bool {
        let origin = said.origin.id;
        let shown = self.shown.get(&origin).copied().unwrap_or_default();
        let is_news = said.first > shown.max(self.departed.last_of(origin));
        if is_news {
            self.shown.insert(origin, said.last());
            // The log of this newcomer's first ring hid the run, and the log of another ring begins sooner.
            if self.given_up.get(&origin) >= Some(&said.first) {
                self.given_up.remove(&origin);
            }
        }
        is_news
    }

    /// Whether this log may become the one that a leader describes.
    ///
    /// # Errors
    /// The leader's fault: entries in an order that no leader writes, or a log that lacks what the user has seen.
    pub(super) fn check_install(&self, install: &Install, entries: &[Entry]) -> Result<(), Fault> {
        let replaced = self.is_replaced(install);
        let end = if replaced { Index::default() } else { install.common };
        if !replaced && !self.log.is_between_entries(install.common) {
            return Err(Fault::WithinRun);
        }
        let is_newer = entries.last().is_some_and(|entry| entry.view.epoch > install.cfg.view.epoch);
        if is_newer || !self.log.may_go_on(end, entries) {
            return Err(Fault::LogOrder);
        }
        let below = if replaced { origins_below(install) } else { self.log.origins_before(install.common) };
        let mut above = BTreeMap::new();
        count(&mut above, entries);
        // An origin that the leader had forgotten has no number, whatever a leader before has said anew in its name. What
        // this log does not keep, the leader cannot have been shown. Of an origin that has gone it may know the other half of
        // a fork.
        let is_lacking = |said: &Run| {
            let origin = &said.origin.id;
            self.shown.get(origin) >= Some(&said.last())
                && install.roster.contains(*origin)
                && below.get(origin).is_some_and(|below| {
                    *below > Seq::default() && above.get(origin).max(Some(below)) < Some(&said.first)
                })
        };
        let mut kept = self.log.tail(self.log.base()).map(|said| &**said);
        if kept.any(is_lacking) { Err(Fault::TakenBack) } else { Ok(()) }
    }

    /// Notes an author that said two things under one number. Returns whether the user has to be told.
    pub(super) fn note_forked(&mut self, author: NodeId) -> bool {
        self.forked.note(author)
    }

    /// The authors of whom the newest runs above the place `common`, where this log and a leader's part, say other things
    /// than the leader's `entries`, under the same numbers.
    pub(super) fn forked_by(&self, common: Index, entries: &[Entry]) -> BTreeSet<NodeId> {
        let newest = self.log.tail(common).rev().take(HISTORY_ENTRIES);
        let mine: BTreeMap<(NodeId, Seq), &Run> =
            newest.map(|said| ((said.origin.id, said.first), &**said)).collect();
        let contradicts = |said: &&Run| {
            let before = mine.range(..=(said.origin.id, said.last())).next_back();
            before.is_some_and(|(_, mine)| mine.contradicts(said))
        };
        let theirs = entries.iter().filter_map(Entry::said).map(|said| &**said);
        theirs.filter(contradicts).map(|said| said.origin.id).collect()
    }

    /// Whether nothing of this log stays: history is missing between the two logs, or they share nothing.
    fn is_replaced(&self, install: &Install) -> bool {
        install.base > install.common || install.common < self.log.base()
    }

    /// Makes the log end where the entries of an install begin, and learns from them which members are lost.
    pub(super) fn begin_install(
        &mut self,
        install: Install,
        entries: &[Entry],
        now: Instant,
        is_located: impl Fn(&Member) -> bool,
    ) {
        if self.is_replaced(&install) {
            let origins = origins_below(&install);
            self.log = Log::from_base(install.base, origins, install.history);
        } else {
            self.log.truncate(install.common);
        }
        let Install { common, roster, .. } = install;
        // What was stable in another ring need not be in this one.
        self.stable = self.stable.min(common);
        self.lost.forget_from(common);
        for entry in entries {
            if let Body::Membership { change, .. } = &entry.body {
                self.lost.apply((entry.index, self.stable), change, now, &is_located);
            }
        }
        self.lost.replace(&roster);
    }

    /// Begins the log anew, at its first place. Returns what was said above `stable`, which has no place then.
    pub(super) fn begin_log_anew(&mut self) -> Vec<Proven<Run>> {
        let stable = self.log.start_of_entry(self.stable);
        let unplaced = self.log.tail(stable).cloned().collect();
        // Above the first place, so that an install tells the numbers below it.
        let base = Index(1);
        self.log = Log::from_base(base, self.log.origins_before(stable), Vec::new());
        self.stable = base;
        self.lost.begin_at(base);
        unplaced
    }

    /// Gives up what the log holds, but for the last texts that the user of this newcomer wants to see. Returns the entries with
    /// these, and how many texts of the first of them are not wanted.
    pub(super) fn take_backlog(&mut self) -> (Vec<Entry>, usize) {
        let end = self.log.len();
        let wanted = self.log.first_of_last(self.backlog, end);
        let first = self.log.start_of_entry(wanted);
        self.given_up = self.log.origins_before(first);
        (self.log.range(first, end).cloned().collect(), usize::try_from(wanted.since(first)).unwrap_or(0))
    }

    /// Gives up messages that lie below the log, so that the user never sees them. Returns whose they are, and how many;
    /// own ones are among them.
    pub(super) fn give_up_lost_history(&mut self) -> Vec<(NodeId, u64)> {
        let mut lost = Vec::new();
        for (origin, last) in self.log.origins() {
            let known = self.known_of(*origin);
            if *last > known {
                lost.push((*origin, last.since(known)));
            }
        }
        self.given_up.extend(lost.iter().map(|(origin, _)| (*origin, self.log.last_of(*origin))));
        lost
    }

    /// The number of the last message of each origin that the user has seen.
    #[cfg(feature = "inspect")]
    pub(super) fn shown(&self) -> &BTreeMap<NodeId, Seq> {
        &self.shown
    }

    /// Up to which number the messages of each origin were given up.
    #[cfg(feature = "inspect")]
    pub(super) fn given_up(&self) -> &BTreeMap<NodeId, Seq> {
        &self.given_up
    }

    /// How much has to be acknowledged.
    #[cfg(feature = "inspect")]
    pub(super) fn unacknowledged(&self) -> u64 {
        self.unacknowledged
    }
}

/// The highest message number of each origin below the entries of an install.
fn origins_below(install: &Install) -> BTreeMap<NodeId, Seq> {
    if install.base > install.common { install.origins.clone() } else { BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Member;

    #[test]
    fn what_is_missing_is_told_to_one_that_is_shown_what_lies_below_its_own_beginning() {
        let (me, other) = (Member::numbered(1), Member::numbered(2));
        let text = || crate::TextRun::new(&[crate::Text::new("x").unwrap()]).unwrap();
        let shown = |replica: &mut Replica, first: u64, missing: u64| {
            let room = crate::RoomId([1; 16]);
            let said = Run::sham(room, other.clone().into(), Seq(first), crate::Stamp(first), text());
            let body = Body::Chat { said, missing, replayed: false };
            let told = replica.show((Index(first), &body), Occasion::OtherRing, (me.id, None), false);
            told.filter_map(|it| if let Notice::Gap { count, .. } = it { Some(count) } else { None })
                .sum::<u64>()
        };
        let hidden = || Replica { given_up: BTreeMap::from([(other.id, Seq(13))]), ..Replica::default() };
        assert_eq!(shown(&mut hidden(), 14, 0), 0, "a newcomer");
        let mut replica = hidden();
        assert_eq!([(1, 0), (14, 12)].map(|(first, missing)| shown(&mut replica, first, missing)), [0, 12]);
    }

    #[test]
    fn of_too_many_origins_those_are_told_that_are_there_or_may_come_back() {
        let [asks, stays, lost] = [1, 2, 3].map(Member::numbered);
        let mut replica = Replica::default();
        let gone = alloc::vec![(lost.clone(), crate::action::Departure::Lost)];
        let change = Change::Edit { gone, joined: Vec::new(), merged: false };
        replica.lost.apply((Index(1), Index(1)), &change, Instant::ZERO, |_| true);
        let ids = [asks.id, stays.id, lost.id];
        let roster = Roster::alone(stays);
        let others = (4..).map(|number| Member::numbered(number).id);
        let all = ids.into_iter().chain(others).map(|id| (id, Seq(1)));
        let most: BTreeMap<NodeId, Seq> = all.clone().take(MAX_ORIGINS).collect();
        let mut origins = most.clone();
        replica.fit_origins(&mut origins, ids[0], &roster);
        assert_eq!(origins, most);
        let mut origins: BTreeMap<NodeId, Seq> = all.take(MAX_ORIGINS + 1).collect();
        replica.fit_origins(&mut origins, ids[0], &roster);
        assert!(origins.into_keys().eq(BTreeSet::from(ids)));
    }

    #[test]
    fn what_was_hidden_of_a_member_that_departed_does_not_come_back_by_a_tail() {
        let [stays, departs] = [1, 2].map(Member::numbered);
        let hidden = BTreeMap::from([(stays.id, Seq(5)), (departs.id, Seq(7))]);
        let log = Log::from_base(Index(9), hidden.clone(), Vec::new());
        let mut replica = Replica { log, given_up: hidden, ..Replica::default() };
        let forgotten = replica.forget_origins(&Roster::alone(stays));
        replica.note_departed(forgotten);
        let said = |first| {
            let text = crate::Text::new("x").unwrap().into();
            Run::sham(crate::RoomId([1; 16]), departs.clone().into(), Seq(first), crate::Stamp(first), text)
        };
        assert_eq!([7, 8].map(|first| replica.is_of_departed(&said(first))), [true, false]);
        assert!(replica.raise_shown(&said(7)), "a leader's word makes nothing old");
    }

    #[test]
    fn own_messages_below_the_log_are_told_too() {
        let (me, other) = (Member::numbered(1).id, Member::numbered(2).id);
        let below = BTreeMap::from([(me, Seq(5)), (other, Seq(7))]);
        let log = Log::from_base(Index(9), below.clone(), Vec::new());
        let shown = BTreeMap::from([(me, Seq(3)), (other, Seq(7))]);
        let mut replica = Replica { log, shown, ..Replica::default() };
        assert_eq!(replica.give_up_lost_history(), [(me, 2)]);
        assert_eq!(replica.given_up, [(me, Seq(5))].into());
        assert_eq!(replica.give_up_lost_history(), []);
    }
}

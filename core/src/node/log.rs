//! The log: entries in one order, what is still kept of them, and how two logs compare.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::mem;

use crate::ids::NodeId;
use crate::limits::{
    ABSENT_HISTORY_BYTES, BACKLOG_BYTES, BATCH_BYTES, HISTORY_BYTES, HISTORY_ENTRIES, LOG_BYTES,
    MAX_VIEW_HISTORY,
};
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::roster::View;
use crate::wire::{Body, Entry, Proven, Run, ViewSpan};

/// The log of one node. Indices count from the first entry ever, not from the first one kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Log {
    base: Index,
    /// The highest message number of each origin below `base`.
    base_origins: BTreeMap<NodeId, Seq>,
    kept: VecDeque<Entry>,
    /// For each entry kept, the weight of all entries before it, from the first ever.
    before: VecDeque<u64>,
    history: Vec<ViewSpan>,
    origins: BTreeMap<NodeId, Seq>,
    /// The weight of all entries from the first ever to the last.
    weight: u64,
    /// Whether an entry was ever appended that may not come right after the one before.
    #[cfg(feature = "inspect")]
    disordered: bool,
}

impl Log {
    /// An empty log that begins at `base`, for a member whose own log is too old. The newest views of the history below
    /// `base` are kept.
    pub(crate) fn from_base(base: Index, origins: BTreeMap<NodeId, Seq>, mut history: Vec<ViewSpan>) -> Self {
        history.drain(..history.len().saturating_sub(MAX_VIEW_HISTORY));
        Self { base, base_origins: origins.clone(), origins, history, ..Self::default() }
    }

    /// How many places are taken, from the first ever.
    pub(crate) fn len(&self) -> Index {
        self.kept.back().map_or(self.base, Entry::end)
    }

    /// The first place that is kept.
    pub(crate) fn base(&self) -> Index {
        self.base
    }

    /// The epoch of the last entry; zero if there never was one.
    pub(crate) fn epoch(&self) -> Epoch {
        self.history.last().map_or(Epoch::default(), |segment| segment.view.epoch)
    }

    /// Where each view's entries end.
    pub(crate) fn history(&self) -> &[ViewSpan] {
        &self.history
    }

    /// The history and the message numbers below `base`, which a member needs to begin there.
    pub(crate) fn below(&self, base: Index) -> (Vec<ViewSpan>, BTreeMap<NodeId, Seq>) {
        let mut history = Vec::new();
        let mut start = Index::default();
        for segment in &self.history {
            if start < base {
                history.push(ViewSpan { end: segment.end.min(base), ..*segment });
            }
            start = segment.end;
        }
        (history, self.origins_before(base))
    }

    /// Whether each entry came in order after the one before. Each is checked once, when it is appended.
    #[cfg(feature = "inspect")]
    pub(crate) fn is_ordered(&self) -> bool {
        !self.disordered
    }

    /// The highest message number of `origin`.
    pub(crate) fn last_of(&self, origin: NodeId) -> Seq {
        self.origins.get(&origin).copied().unwrap_or_default()
    }

    /// The highest message number of each origin.
    pub(crate) fn origins(&self) -> &BTreeMap<NodeId, Seq> {
        &self.origins
    }

    /// The entries kept, oldest first.
    #[cfg(feature = "inspect")]
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.kept.iter()
    }

    /// The entries kept that begin in the places `from..to`, oldest first.
    pub(crate) fn range(&self, from: Index, to: Index) -> impl DoubleEndedIterator<Item = &Entry> {
        let end = self.position(to);
        self.kept.range(self.position(from).min(end)..end)
    }

    /// Whether `index` is not within an entry. Places below the first one kept pass: the log no longer knows them.
    pub(crate) fn is_between_entries(&self, index: Index) -> bool {
        let next = self.kept.get(self.position(index)).map_or(self.len(), |entry| entry.index);
        index < self.base || index == next
    }

    /// Where the entry begins that holds the place `index`, or the log ends.
    pub(crate) fn start_of_entry(&self, index: Index) -> Index {
        let within = self.kept.partition_point(|entry| entry.end() <= index);
        self.kept.get(within).map_or(self.len(), |entry| entry.index)
    }

    /// The place of the first of the last `most` texts before the place `end`, of which the runs have no more than
    /// [`BACKLOG_BYTES`].
    pub(crate) fn first_of_last(&self, most: usize, end: Index) -> Index {
        let (mut first, mut left) = (end, most as u64);
        for entry in self.range(self.base, end).rev() {
            let Some(said) = entry.said() else { continue };
            if left == 0 || self.weight(entry.index, end) > BACKLOG_BYTES as u64 {
                break;
            }
            let taken = said.count().min(left);
            first = entry.index.plus(said.count().saturating_sub(taken));
            left = left.saturating_sub(taken);
        }
        first
    }

    /// Where a batch ends that begins at `from`: with the entry that fills it, or with the log.
    pub(crate) fn batch_end(&self, from: Index) -> Index {
        self.place_after(self.weight_before(from).saturating_add(BATCH_BYTES as u64))
    }

    /// The weight of the places `from..to`, in bytes; those no longer kept weigh nothing.
    pub(crate) fn weight(&self, from: Index, to: Index) -> u64 {
        self.weight_before(to).saturating_sub(self.weight_before(from))
    }

    /// The weight of all that is kept.
    pub(crate) fn kept_weight(&self) -> u64 {
        self.weight(self.base, self.len())
    }

    fn weight_before(&self, index: Index) -> u64 {
        self.before.get(self.position(index)).copied().unwrap_or(self.weight)
    }

    /// Where the first entry begins before which there is at least this weight.
    fn place_after(&self, weight: u64) -> Index {
        let at = self.before.partition_point(|before| *before < weight);
        self.kept.get(at).map_or(self.len(), |entry| entry.index)
    }

    /// The position, among the entries kept, of the first that begins at the place `index` or later.
    fn position(&self, index: Index) -> usize {
        self.kept.partition_point(|entry| entry.index < index)
    }

    /// Appends an entry, whose index must be the log's length.
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert_eq!(entry.index, self.len(), "a log has no holes");
        #[cfg(feature = "inspect")]
        {
            self.disordered |= self.kept.back().is_some_and(|last| !Tip::of(last).precedes(&entry));
        }
        let end = entry.end();
        match self.history.last_mut() {
            Some(last) if last.view == entry.view => last.end = end,
            _ => self.history.push(ViewSpan { view: entry.view, end }),
        }
        if self.history.len() > MAX_VIEW_HISTORY {
            self.history.remove(0);
        }
        count(&mut self.origins, [&entry]);
        self.before.push_back(self.weight);
        self.weight = self.weight.saturating_add(entry.weight());
        self.kept.push_back(entry);
    }

    /// Whether `entries` may follow the first `end` places: each at the next place, of no older epoch than the
    /// one before, and with a later stamp if both are of one view. A leader changes the membership in its own view
    /// alone.
    pub(crate) fn may_go_on(&self, end: Index, entries: &[Entry]) -> bool {
        let mut last = self.range(self.base, end).next_back().map(Tip::of);
        entries.iter().all(|entry| {
            changes_own_view(entry) && last.replace(Tip::of(entry)).is_none_or(|last| last.precedes(entry))
        })
    }

    /// The highest message number of each origin in the first `end` places.
    pub(crate) fn origins_before(&self, end: Index) -> BTreeMap<NodeId, Seq> {
        if end >= self.len() {
            return self.origins.clone();
        }
        let mut origins = self.base_origins.clone();
        count(&mut origins, self.range(self.base, end));
        origins
    }

    /// Drops all from the place `end` on, where an entry begins.
    pub(crate) fn truncate(&mut self, end: Index) {
        if end >= self.len() {
            return;
        }
        self.weight = self.weight_before(end);
        let left = self.position(end);
        self.kept.truncate(left);
        self.before.truncate(left);
        let mut start = Index::default();
        self.history.retain_mut(|segment| {
            let stays = start < end;
            start = segment.end;
            segment.end = segment.end.min(end);
            stays
        });
        self.origins = self.base_origins.clone();
        count(&mut self.origins, &self.kept);
    }

    /// The chat from `index` on that is kept, oldest first.
    pub(crate) fn tail(&self, index: Index) -> impl DoubleEndedIterator<Item = &Proven<Run>> {
        self.range(index, self.len()).filter_map(Entry::said)
    }

    /// Whether the author of `said` says other things under the same numbers in the newest [`HISTORY_ENTRIES`] entries.
    pub(crate) fn contradicts(&self, said: &Run) -> bool {
        let newest = self.kept.iter().rev().take(HISTORY_ENTRIES).filter_map(Entry::said);
        said.first <= self.last_of(said.origin.id) && newest.map(|it| &**it).any(|it| it.contradicts(said))
    }

    /// Drops history below `stable` and over the usual bounds, in whole entries. Members that are away or catch up need
    /// the log from `needed` on, which is kept within a bound of its own. What is above `stable` is kept within a bound too if
    /// the log `is_bounded`.
    pub(crate) fn prune(&mut self, stable: Index, needed: Option<Index>, is_bounded: bool) {
        let lightest = |bytes: usize| self.place_after(self.weight.saturating_sub(bytes as u64));
        let usual = self.len().minus(HISTORY_ENTRIES as u64).max(lightest(HISTORY_BYTES));
        let base = needed.map_or(usual, |needed| usual.min(needed.max(lightest(ABSENT_HISTORY_BYTES))));
        let least = if is_bounded { lightest(LOG_BYTES) } else { Index::default() };
        let base = self.start_of_entry(base.min(stable)).max(least);
        if base > self.base {
            self.drop_before(base);
        }
    }

    fn drop_before(&mut self, base: Index) {
        let mut origins = mem::take(&mut self.base_origins);
        count(&mut origins, self.range(self.base, base));
        self.base_origins = origins;
        let gone = self.position(base);
        self.kept.drain(..gone);
        self.before.drain(..gone);
        self.base = base;
    }

    /// Forgets the message numbers of origins of which nothing is kept, unless `keep` holds.
    pub(crate) fn forget_origins(&mut self, keep: impl Fn(NodeId) -> bool) {
        let base = &mut self.base_origins;
        self.origins.retain(|id, last| keep(*id) || base.get(id) != Some(last));
        let origins = &self.origins;
        base.retain(|id, _| origins.contains_key(id));
    }
}

/// How many places two logs with these histories share. Same view and same index mean same prefix (Ongaro and
/// Ousterhout 2014, "In Search of an Understandable Consensus Algorithm", section 5.3), so the last view
/// that both hold decides.
pub(crate) fn common_prefix(a: &[ViewSpan], b: &[ViewSpan]) -> Index {
    for mine in a.iter().rev() {
        if let Some(theirs) = b.iter().rev().find(|theirs| theirs.view == mine.view) {
            return mine.end.min(theirs.end);
        }
    }
    Index::default()
}

/// Where an entry ends, and what decides which entry may come right after it.
struct Tip {
    view: View,
    end: Index,
    stamp: Stamp,
}

impl Tip {
    fn of(entry: &Entry) -> Self {
        Self { view: entry.view, end: entry.end(), stamp: entry.last_stamp() }
    }

    /// Whether `entry` may come right after this one.
    fn precedes(&self, entry: &Entry) -> bool {
        let in_time = self.view != entry.view || self.stamp < entry.stamp;
        self.end == entry.index && self.view.epoch <= entry.view.epoch && in_time
    }
}

fn changes_own_view(entry: &Entry) -> bool {
    match &entry.body {
        Body::Membership { cfg, .. } => cfg.view == entry.view,
        Body::Chat { .. } => true,
    }
}

/// Raises the message numbers in `origins` by the chat in `entries`.
pub(crate) fn count<'a>(origins: &mut BTreeMap<NodeId, Seq>, entries: impl IntoIterator<Item = &'a Entry>) {
    for entry in entries {
        if let Body::Chat { said, .. } = &entry.body {
            let known = origins.entry(said.origin.id).or_default();
            *known = said.last().max(*known);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::ids::RoomId;
    use crate::limits::MAX_TEXT;
    use crate::roster::Member;
    use crate::text::Text;
    use crate::text_run::TextRun;

    fn id(port: u16) -> NodeId {
        Member::numbered(port).id
    }

    fn view(epoch: u64, leader: u16) -> View {
        View { epoch: Epoch(epoch), leader: id(leader) }
    }

    fn push(log: &mut Log, view: View, origin: u16, first: u64, texts: &[&str]) {
        let origin = Member::numbered(origin);
        let texts: Vec<Text> = texts.iter().map(|text| Text::new(text).unwrap()).collect();
        let texts = TextRun::new(&texts).unwrap();
        let said = Run::sham(RoomId::UNKNOWN, origin.into(), Seq(first), Stamp(1), texts);
        let body = Body::Chat { said, missing: 0, replayed: false };
        log.push(Entry { view, index: log.len(), stamp: Stamp(log.len().0), body });
    }

    #[test]
    fn logs_part_where_the_last_view_that_both_know_ends_first() {
        let segment = |epoch, leader, end| ViewSpan { view: view(epoch, leader), end: Index(end) };
        let mine = [segment(1, 1, 5), segment(3, 2, 8)];
        assert_eq!(common_prefix(&mine, &[segment(1, 1, 4), segment(2, 3, 9)]), Index(4));
        assert_eq!(common_prefix(&mine, &[segment(1, 1, 5), segment(3, 2, 9)]), Index(8));
        assert_eq!(common_prefix(&mine, &[segment(1, 9, 5)]), Index(0));
        assert_eq!(common_prefix(&mine, &[]), Index(0));
    }

    #[test]
    fn truncating_takes_back_shape_origins_and_weight() {
        let mut log = Log::default();
        push(&mut log, view(1, 1), 1, 1, &["a"]);
        push(&mut log, view(1, 1), 2, 1, &["b"]);
        let before = log.clone();
        push(&mut log, view(1, 1), 1, 2, &["c"]);
        push(&mut log, view(2, 2), 2, 2, &["d"]);
        assert_eq!(log.tail(Index(2)).map(|said| said.first.0).collect::<Vec<_>>(), [2, 2]);
        log.truncate(Index(2));
        assert_eq!(log, before);
    }

    #[test]
    fn a_log_that_begins_later_keeps_the_newest_views_of_its_shape() {
        let segments = (0..=MAX_VIEW_HISTORY as u64).map(|n| ViewSpan { view: view(n, 1), end: Index(n) });
        let log = Log::from_base(Index(9000), BTreeMap::new(), segments.collect());
        assert_eq!(log.history().len(), MAX_VIEW_HISTORY);
        assert_eq!(log.epoch(), Epoch(MAX_VIEW_HISTORY as u64));
    }

    #[test]
    fn a_log_keeps_as_many_views_of_its_shape_as_it_may() {
        let mut log = Log::default();
        for n in 0..=MAX_VIEW_HISTORY as u64 {
            push(&mut log, view(n, 1), 1, n + 1, &["x"]);
            assert_eq!(log.history().len() as u64, (n + 1).min(MAX_VIEW_HISTORY as u64));
        }
        assert_eq!(log.history().first().map(|oldest| oldest.view), Some(view(1, 1)));
    }

    #[test]
    fn history_keeps_what_is_unstable_and_what_the_absent_miss() {
        let mut log = Log::default();
        for seq in 1..=3000 {
            push(&mut log, view(1, 1), 1, seq, &["x"]);
        }
        log.prune(Index(0), None, true);
        assert_eq!(log.base(), Index(0), "nothing is stable");
        log.prune(Index(3000), Some(Index(500)), true);
        assert_eq!(log.base(), Index(500), "the absent miss what came after 500");
        log.prune(Index(3000), None, true);
        assert_eq!(log.base(), Index(2000));
        assert_eq!(log.last_of(id(1)), Seq(3000));
        let (history, origins) = log.below(log.base());
        assert_eq!(history, [ViewSpan { view: view(1, 1), end: Index(2000) }]);
        assert_eq!(origins.get(&id(1)), Some(&Seq(2000)));
    }

    /// Something that happens to a log.
    #[derive(Clone, Debug)]
    enum Op {
        /// A run of so many texts of so many bytes.
        Push { origin: u16, count: usize, bytes: usize },
        /// Of all entries, so many of a thousand stay.
        Truncate(u64),
        /// Of all places, so many of a thousand are stable, and so many are needed.
        Prune(u64, Option<u64>),
    }

    fn op() -> impl Strategy<Value = Op> {
        let bytes = prop_oneof![0..9_usize, Just(MAX_TEXT)];
        prop_oneof![
            6 => (1..4_u16, 1..400_usize, bytes).prop_map(|(origin, count, bytes)| Op::Push { origin, count, bytes }),
            1 => (0..=1000_u64).prop_map(Op::Truncate),
            2 => (0..=1000_u64, proptest::option::of(0..=1000_u64)).prop_map(|(to, needed)| Op::Prune(to, needed)),
        ]
    }

    /// A log, and all entries that it ever was to keep.
    #[derive(Default)]
    struct Watched {
        log: Log,
        all: Vec<Entry>,
    }

    impl Watched {
        fn happen(&mut self, op: &Op) {
            let place = |thousandths: u64| Index(self.log.len().0 * thousandths / 1000);
            match *op {
                Op::Push { origin, count, bytes } => {
                    let texts = "x".repeat(bytes);
                    let count = count.min(BATCH_BYTES / (bytes + 128) + 1);
                    let first = self.log.last_of(id(origin)).next().0;
                    push(&mut self.log, view(1, 1), origin, first, &alloc::vec![texts.as_str(); count]);
                    self.all.extend(self.log.entries().next_back().cloned());
                }
                Op::Truncate(to) => {
                    let end = self.border(place(to)).max(self.log.base());
                    self.log.truncate(end);
                    self.all.retain(|entry| entry.index < end);
                }
                Op::Prune(to, needed) => {
                    let (base, stable, needed) = (self.log.base(), place(to), needed.map(place));
                    self.log.prune(stable, needed, true);
                    assert!(self.log.base() <= stable.max(base));
                }
            }
        }

        /// Where the entry begins that holds `index`, or the log ends.
        fn border(&self, index: Index) -> Index {
            let holder = self.all.iter().find(|entry| entry.end() > index);
            holder.map_or(self.log.len(), |entry| entry.index)
        }

        fn check(&self) {
            let Self { log, all } = self;
            let kept = || all.iter().filter(|entry| entry.index >= log.base());
            assert!(log.entries().eq(kept()), "whole entries are kept, and no others");
            assert_eq!(self.border(log.base()), log.base());
            let mut numbers = BTreeMap::new();
            count(&mut numbers, all);
            assert_eq!(log.origins(), &numbers);
            for entry in kept() {
                assert!(log.is_between_entries(entry.index));
                assert_eq!(log.is_between_entries(entry.index.next()), entry.count() == 1);
                let weight = kept().filter(|later| later.index >= entry.index).map(Entry::weight).sum();
                assert_eq!(log.weight(entry.index, log.len()), weight);
                let batch = log.batch_end(entry.index);
                let last = log.range(entry.index, batch).next_back().unwrap();
                assert_eq!(last.end(), batch, "a batch ends between entries");
                assert!(log.weight(entry.index, last.index) < BATCH_BYTES as u64);
            }
        }
    }

    proptest! {
        #[test]
        fn a_log_keeps_whole_entries_whatever_happens(ops in vec(op(), 1..12)) {
            let mut watched = Watched::default();
            for op in &ops {
                watched.happen(op);
                watched.check();
            }
        }
    }
}

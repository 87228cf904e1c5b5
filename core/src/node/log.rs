//! The log: entries in one order, what is still kept of them, and how two logs compare.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use crate::ids::{Epoch, Index, NodeId, Seq};
use crate::limits::{ABSENT_HISTORY_BYTES, BATCH_BYTES, HISTORY_BYTES, HISTORY_ENTRIES, MAX_SHAPE};
use crate::wire::{Body, Change, Entry, Said, Segment};

/// What an entry weighs beside its text.
const ENTRY_OVERHEAD: u64 = 128;

/// The log of one node. Indices count from the first entry ever, not from the first one kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Log {
    base: Index,
    /// Highest message number of each origin below `base`.
    base_origins: BTreeMap<NodeId, Seq>,
    kept: VecDeque<Entry>,
    /// For each of them, the weight of all entries before it, from the first ever.
    before: VecDeque<u64>,
    shape: Vec<Segment>,
    origins: BTreeMap<NodeId, Seq>,
    /// Weight of all entries from the first ever to the last.
    weight: u64,
    /// Whether an entry was ever appended that may not come right after the one before.
    disordered: bool,
}

impl Log {
    /// An empty log that begins at `base`: what a member installs whose own log is too old. Of its shape below,
    /// the newest views are kept.
    pub(crate) fn from_base(base: Index, origins: BTreeMap<NodeId, Seq>, mut shape: Vec<Segment>) -> Self {
        shape.drain(..shape.len().saturating_sub(MAX_SHAPE));
        Self { base, base_origins: origins.clone(), origins, shape, ..Self::default() }
    }

    /// How many entries there are from the first ever.
    pub(crate) fn len(&self) -> Index {
        self.base.saturating_add(self.kept.len() as u64)
    }

    /// The index of the first entry kept.
    pub(crate) fn base(&self) -> Index {
        self.base
    }

    /// The epoch of the last entry; zero if there never was one.
    pub(crate) fn epoch(&self) -> Epoch {
        self.shape.last().map_or(Epoch::default(), |segment| segment.view.epoch)
    }

    /// Where each view's entries end.
    pub(crate) fn shape(&self) -> &[Segment] {
        &self.shape
    }

    /// The shape below `base`, and the message numbers there: what a member needs to begin at `base`.
    pub(crate) fn below_base(&self) -> (Vec<Segment>, BTreeMap<NodeId, Seq>) {
        let mut shape = Vec::new();
        let mut start = 0;
        for segment in &self.shape {
            if start < self.base {
                shape.push(Segment { end: segment.end.min(self.base), ..*segment });
            }
            start = segment.end;
        }
        (shape, self.base_origins.clone())
    }

    /// Whether each entry kept came in order after the one before. Each is looked at once, when it is appended.
    pub(crate) fn is_ordered(&self) -> bool {
        !self.disordered
    }

    /// The highest message number of `origin`, zero if it said nothing.
    pub(crate) fn last_of(&self, origin: NodeId) -> Seq {
        self.origins.get(&origin).copied().unwrap_or(0)
    }

    /// The highest message number of each origin.
    pub(crate) fn origins(&self) -> &BTreeMap<NodeId, Seq> {
        &self.origins
    }

    /// The entries kept, oldest first.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.kept.iter()
    }

    /// The entries kept from `index` on.
    pub(crate) fn from(&self, index: Index) -> impl Iterator<Item = &Entry> {
        self.kept.range(self.place(index).min(self.kept.len())..)
    }

    /// The entries kept in `from..to`.
    pub(crate) fn range(&self, from: Index, to: Index) -> Vec<Entry> {
        let end = self.place(to).min(self.kept.len());
        self.kept.range(self.place(from).min(end)..end).cloned().collect()
    }

    /// Where a batch ends that begins at `from`: with the entry that fills it, or with the log.
    pub(crate) fn batch_end(&self, from: Index) -> Index {
        let full = self.weight_before(from).saturating_add(BATCH_BYTES as u64);
        self.base.saturating_add(self.before.partition_point(|before| *before < full) as u64)
    }

    /// The weight of the entries in `from..to`, in bytes; those no longer kept weigh nothing.
    pub(crate) fn weight(&self, from: Index, to: Index) -> u64 {
        self.weight_before(to).saturating_sub(self.weight_before(from))
    }

    /// The weight of all entries kept.
    pub(crate) fn kept_weight(&self) -> u64 {
        self.weight(self.base, self.len())
    }

    fn weight_before(&self, index: Index) -> u64 {
        self.before.get(self.place(index)).copied().unwrap_or(self.weight)
    }

    /// Where the entry at `index` is among those kept, or is to be.
    fn place(&self, index: Index) -> usize {
        usize::try_from(index.saturating_sub(self.base)).unwrap_or(usize::MAX)
    }

    /// Appends an entry. The caller has seen to it that its index is the log's length.
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert_eq!(entry.index, self.len(), "a log has no holes");
        self.disordered |= self.kept.back().is_some_and(|last| !precedes(last, &entry));
        let end = entry.index.saturating_add(1);
        match self.shape.last_mut() {
            Some(last) if last.view == entry.view => last.end = end,
            _ => self.shape.push(Segment { view: entry.view, end }),
        }
        if self.shape.len() > MAX_SHAPE {
            self.shape.remove(0);
        }
        count(&mut self.origins, [&entry]);
        self.before.push_back(self.weight);
        self.weight = self.weight.saturating_add(weight(&entry.body));
        self.kept.push_back(entry);
    }

    /// Whether `entries` may follow the first `end` entries: each at the next index, of no older epoch than the
    /// one before, and with a later stamp if both are of one view. A leader changes the membership in its own view
    /// alone.
    pub(crate) fn may_go_on(&self, end: Index, entries: &[Entry]) -> bool {
        let mut last = self.kept.range(..self.place(end).min(self.kept.len())).next_back();
        entries.iter().all(|entry| {
            changes_own_view(entry) && last.replace(entry).is_none_or(|last| precedes(last, entry))
        })
    }

    /// The highest message number of each origin in the first `end` entries.
    pub(crate) fn origins_before(&self, end: Index) -> BTreeMap<NodeId, Seq> {
        if end >= self.len() {
            return self.origins.clone();
        }
        let mut origins = self.base_origins.clone();
        count(&mut origins, self.kept.range(..self.place(end).min(self.kept.len())));
        origins
    }

    /// Drops all entries from `end` on.
    pub(crate) fn truncate(&mut self, end: Index) {
        if end >= self.len() {
            return;
        }
        let keep = self.place(end);
        self.weight = self.weight_before(end);
        self.kept.truncate(keep);
        self.before.truncate(keep);
        let mut start = 0;
        self.shape.retain_mut(|segment| {
            let stays = start < end;
            start = segment.end;
            segment.end = segment.end.min(end);
            stays
        });
        self.origins = self.base_origins.clone();
        count(&mut self.origins, &self.kept);
    }

    /// The chat from `index` on that is kept, oldest first.
    pub(crate) fn tail(&self, index: Index) -> impl Iterator<Item = &Said> {
        self.from(index).filter_map(|entry| match &entry.body {
            Body::Chat { said, .. } => Some(said),
            Body::Membership { .. } | Body::Gap { .. } => None,
        })
    }

    /// Lets go of history: what lies below `stable` and over the usual bounds, but not what somebody may
    /// need who is away or catches up, from `needed` on, within its own bound.
    pub(crate) fn prune(&mut self, stable: Index, needed: Option<Index>) {
        let mut base = self.base;
        while base < stable.min(self.len()) && self.is_over_bounds(base, needed) {
            base = base.saturating_add(1);
        }
        let gone = self.place(base);
        count(&mut self.base_origins, self.kept.range(..gone));
        self.kept.drain(..gone);
        self.before.drain(..gone);
        self.base = base;
    }

    /// Whether a log that began at `base` would be too much.
    fn is_over_bounds(&self, base: Index, needed: Option<Index>) -> bool {
        let weight = self.weight(base, self.len());
        if needed.is_some_and(|needed| base >= needed) {
            return weight > ABSENT_HISTORY_BYTES as u64;
        }
        self.len().saturating_sub(base) > HISTORY_ENTRIES as u64 || weight > HISTORY_BYTES as u64
    }

    /// Forgets the message numbers of those that `keep` does not name and of whom nothing is kept.
    pub(crate) fn forget_origins(&mut self, keep: impl Fn(NodeId) -> bool) {
        let base = &mut self.base_origins;
        self.origins.retain(|id, last| keep(*id) || base.get(id) != Some(last));
        let origins = &self.origins;
        base.retain(|id, _| origins.contains_key(id));
    }
}

/// How many entries two logs of these shapes share. Same view and same index mean same prefix (Ongaro and
/// Ousterhout 2014, "In Search of an Understandable Consensus Algorithm", section 5.3), so the last view
/// that both hold decides.
pub(crate) fn common_prefix(a: &[Segment], b: &[Segment]) -> Index {
    for mine in a.iter().rev() {
        if let Some(theirs) = b.iter().rev().find(|theirs| theirs.view == mine.view) {
            return mine.end.min(theirs.end);
        }
    }
    0
}

/// Whether `b` may come right after `a`.
fn precedes(a: &Entry, b: &Entry) -> bool {
    let in_time = a.view != b.view || a.stamp < b.stamp;
    a.index.saturating_add(1) == b.index && a.view.epoch <= b.view.epoch && in_time
}

fn changes_own_view(entry: &Entry) -> bool {
    match &entry.body {
        Body::Membership { cfg, .. } => cfg.view == entry.view,
        Body::Chat { .. } | Body::Gap { .. } => true,
    }
}

/// Notes the numbers of what is said in `entries`, or missing by them. Most come in runs of one origin, which is
/// looked up once.
pub(crate) fn count<'a>(origins: &mut BTreeMap<NodeId, Seq>, entries: impl IntoIterator<Item = &'a Entry>) {
    let mut entries = entries.into_iter().filter_map(number).peekable();
    while let Some((origin, mut last)) = entries.next() {
        while let Some((_, seq)) = entries.next_if(|(next, _)| *next == origin) {
            last = last.max(seq);
        }
        let known = origins.entry(origin).or_default();
        *known = last.max(*known);
    }
}

fn number(entry: &Entry) -> Option<(NodeId, Seq)> {
    match &entry.body {
        Body::Chat { said, .. } => Some((said.origin.id, said.oseq)),
        Body::Gap { origin, to, .. } => Some((origin.id, *to)),
        Body::Membership { .. } => None,
    }
}

/// About how many bytes an entry takes in memory and on the wire.
pub(crate) fn weight(body: &Body) -> u64 {
    match body {
        Body::Chat { said, .. } => ENTRY_OVERHEAD.saturating_add(said.text.as_str().len() as u64),
        Body::Membership { change, .. } => match &**change {
            Change::Opened { roster, .. } => ENTRY_OVERHEAD.saturating_mul(roster.len() as u64),
            Change::Edit { .. } => ENTRY_OVERHEAD,
        },
        Body::Gap { .. } => ENTRY_OVERHEAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Name, Text};
    use crate::roster::{Member, View};

    fn id(port: u16) -> NodeId {
        NodeId::new(([127, 0, 0, 1], port).into(), 1)
    }

    fn view(epoch: u64, leader: u16) -> View {
        View { epoch: Epoch(epoch), leader: id(leader) }
    }

    fn push(log: &mut Log, view: View, origin: u16, oseq: Seq, text: &str) {
        let origin = Member { id: id(origin), name: Name::new("m").unwrap() };
        let said = Said { origin: origin.into(), oseq, text: Text::new(text).unwrap(), stamp: 1 };
        let body = Body::Chat { said, replayed: false };
        log.push(Entry { view, index: log.len(), stamp: 1, body });
    }

    #[test]
    fn logs_part_where_the_last_view_that_both_know_ends_first() {
        let segment = |epoch, leader, end| Segment { view: view(epoch, leader), end };
        let mine = [segment(1, 1, 5), segment(3, 2, 8)];
        assert_eq!(common_prefix(&mine, &[segment(1, 1, 4), segment(2, 3, 9)]), 4);
        assert_eq!(common_prefix(&mine, &[segment(1, 1, 5), segment(3, 2, 9)]), 8);
        assert_eq!(common_prefix(&mine, &[segment(1, 9, 5)]), 0);
        assert_eq!(common_prefix(&mine, &[]), 0);
    }

    #[test]
    fn truncating_takes_back_shape_origins_and_weight() {
        let mut log = Log::default();
        push(&mut log, view(1, 1), 1, 1, "a");
        push(&mut log, view(1, 1), 2, 1, "b");
        let before = log.clone();
        push(&mut log, view(1, 1), 1, 2, "c");
        push(&mut log, view(2, 2), 2, 2, "d");
        assert_eq!(log.tail(2).map(|said| said.oseq).collect::<Vec<_>>(), [2, 2]);
        log.truncate(2);
        assert_eq!(log, before);
    }

    #[test]
    fn a_log_that_begins_later_keeps_the_newest_views_of_its_shape() {
        let segments = (0..=MAX_SHAPE as u64).map(|n| Segment { view: view(n, 1), end: n });
        let log = Log::from_base(9000, BTreeMap::new(), segments.collect());
        assert_eq!(log.shape().len(), MAX_SHAPE);
        assert_eq!(log.epoch(), Epoch(MAX_SHAPE as u64));
    }

    #[test]
    fn history_keeps_what_is_unstable_and_what_the_absent_miss() {
        let mut log = Log::default();
        for oseq in 1..=3000 {
            push(&mut log, view(1, 1), 1, oseq, "x");
        }
        log.prune(0, None);
        assert_eq!(log.base(), 0, "nothing is stable");
        log.prune(3000, Some(500));
        assert_eq!(log.base(), 500, "the absent miss what came after 500");
        log.prune(3000, None);
        assert_eq!(log.base(), 2000);
        assert_eq!(log.last_of(id(1)), 3000);
        let (shape, origins) = log.below_base();
        assert_eq!(shape, [Segment { view: view(1, 1), end: 2000 }]);
        assert_eq!(origins.get(&id(1)), Some(&2000));
    }
}

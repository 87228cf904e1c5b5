//! The logs of all members, entry by entry, as far as traces tell them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ringchat_core::trace::Mode;

use super::story::Story;
use crate::trace::run::{Holding, Tidings, What};

/// At most so many entries of those that come at once are told.
const AT_ONCE: u64 = 32;

/// An entry in the log of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The event in which it came.
    pub(crate) e: usize,
    /// Its place in the log.
    pub(crate) index: u64,
    pub(crate) kind: CellKind,
    /// Whose entry it is.
    pub(crate) of: Option<usize>,
    /// The event from which on the member knows that all have it.
    pub(crate) stable: Option<usize>,
    /// The event in which it went, because another log was installed.
    pub(crate) gone: Option<usize>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    Epoch,
    Join,
    Leave,
    Chat,
}

impl CellKind {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Chat => "chat",
        }
    }
}

/// The cells of each life.
pub(crate) fn cells(story: &Story<'_>) -> Vec<Vec<Cell>> {
    let contents = Contents::new(story);
    let mut logs: Vec<Vec<Cell>> = story.run.lives.iter().map(|_| Vec::new()).collect();
    let mut lengths: BTreeMap<usize, u64> = BTreeMap::new();
    for (e, event) in story.events() {
        let What::State(holding) = &event.what else { continue };
        let Some(log) = logs.get_mut(event.m) else { continue };
        let before = lengths.insert(event.m, holding.log).unwrap_or(0);
        for cell in log.iter_mut().filter(|cell| cell.gone.is_none() && cell.index >= holding.log) {
            cell.gone = Some(e);
        }
        for cell in log.iter_mut().rev().take_while(|cell| cell.stable.is_none() || cell.gone.is_some()) {
            if cell.gone.is_none() && cell.index < holding.stable {
                cell.stable = Some(e);
            }
        }
        let first = before.max(holding.log.saturating_sub(AT_ONCE));
        for index in first..holding.log {
            let (kind, of) = contents.at(holding, event.m, index);
            let stable = Some(e).filter(|_| index < holding.stable);
            log.push(Cell { e, index, kind, of, stable, gone: None });
        }
    }
    logs
}

/// What is known of entries.
struct Contents {
    /// Entries that open an epoch: epoch and place, and the leader that wrote them.
    epochs: BTreeMap<(u64, u64), usize>,
    /// Chat by the member that showed it, and by its place.
    chat: BTreeMap<(usize, u64), (u64, usize)>,
    /// Chat by its place, whoever showed it.
    any: BTreeMap<u64, (u64, usize)>,
    /// Members that left, by the place of the entry in the log of the leader that wrote it.
    leaves: BTreeMap<(u64, u64), usize>,
}

impl Contents {
    fn new(story: &Story<'_>) -> Self {
        let mut contents = Self {
            epochs: BTreeMap::new(),
            chat: BTreeMap::new(),
            any: BTreeMap::new(),
            leaves: BTreeMap::new(),
        };
        let mut held: BTreeMap<usize, &Holding> = BTreeMap::new();
        let mut left: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (_, event) in story.events() {
            match &event.what {
                What::Told(Tidings::Chat { by, index, count, .. }) => {
                    contents.chat.insert((event.m, *index), (*count, *by));
                    contents.any.entry(*index).or_insert((*count, *by));
                }
                What::Told(Tidings::Left { who, .. }) => left.entry(event.m).or_default().push(*who),
                What::State(holding) => {
                    let before = held.insert(event.m, holding);
                    let gone = left.remove(&event.m).unwrap_or_default();
                    if holding.mode == Mode::Leading {
                        contents.written(event.m, holding, before, &gone);
                    }
                }
                _ => {}
            }
        }
        contents
    }

    /// A leader has written entries.
    fn written(&mut self, m: usize, now: &Holding, before: Option<&Holding>, gone: &[usize]) {
        let length = before.map_or(0, |before| before.log);
        let begins = before.is_none_or(|before| before.mode != Mode::Leading || before.epoch != now.epoch);
        if begins && now.log > length {
            self.epochs.insert((now.epoch, length), m);
        }
        // The entries that take members out are the last ones of the turn.
        for (back, who) in (1u64..).zip(gone.iter().rev()) {
            if let Some(index) = now.log.checked_sub(back).filter(|&index| index > length || !begins) {
                self.leaves.insert((now.epoch, index), *who);
            }
        }
    }

    fn at(&self, holding: &Holding, m: usize, index: u64) -> (CellKind, Option<usize>) {
        if let Some(leader) = self.epochs.get(&(holding.epoch, index)) {
            return (CellKind::Epoch, Some(*leader));
        }
        let covers = |(first, &(count, by)): (u64, &(u64, usize))| (index - first < count).then_some(by);
        let own = self.chat.range((m, 0)..=(m, index)).next_back();
        let own = own.and_then(|(&(_, first), run)| covers((first, run)));
        let any = || self.any.range(..=index).next_back().and_then(|(&first, run)| covers((first, run)));
        if let Some(by) = own.or_else(any) {
            return (CellKind::Chat, Some(by));
        }
        if let Some(who) = self.leaves.get(&(holding.epoch, index)) {
            return (CellKind::Leave, Some(*who));
        }
        // An epoch that a former leader opened, in a log that came as a whole.
        let opened = self.epochs.iter().find(|((_, place), _)| *place == index).map(|(_, leader)| *leader);
        match opened {
            Some(leader) => (CellKind::Epoch, Some(leader)),
            None => (CellKind::Join, None),
        }
    }
}

/// What stands in a cell.
pub(crate) fn label(story: &Story<'_>, cell: &Cell) -> String {
    match cell.kind {
        CellKind::Epoch => "☰".into(),
        CellKind::Join => "+".into(),
        CellKind::Leave => "−".into(),
        CellKind::Chat => cell.of.and_then(|of| story.name(of).chars().next()).unwrap_or('?').into(),
    }
}

//! Own texts that have no place in the order yet, and how long they have none. The node tells when a text waits because
//! there is no leader; a leader that has only fallen silent is noticed here.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::time::Duration;

use ringchat_core::{Instant, Seq};

/// The own texts without a place, in the order in which they were said.
#[derive(Debug)]
pub(super) struct Unplaced {
    /// How long a text may have no place before the user is told.
    patience: Duration,
    /// The number of each text, and when it was said.
    texts: VecDeque<(Seq, Instant)>,
    /// The last text that has a place.
    last_placed: Seq,
    /// Whether the user knows that texts wait.
    is_told: bool,
}

impl Unplaced {
    /// No text. A text waits for so long before the user is told.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, texts: VecDeque::new(), last_placed: Seq::default(), is_told: false }
    }

    /// The node took the text `seq` at `now`. It may have given it a place already.
    pub(super) fn said(&mut self, seq: Seq, now: Instant) {
        if seq > self.last_placed {
            self.texts.push_back((seq, now));
        }
    }

    /// The text `seq` has its place, or gets none any more; and so have all before it.
    pub(super) fn placed(&mut self, seq: Seq) {
        self.last_placed = self.last_placed.max(seq);
        while self.texts.front().is_some_and(|(first, _)| *first <= seq) {
            self.texts.pop_front();
        }
        self.is_told &= !self.texts.is_empty();
    }

    /// All texts so far get a place under other numbers, or none.
    pub(super) fn forget(&mut self) {
        self.texts.clear();
        (self.last_placed, self.is_told) = (Seq::default(), false);
    }

    /// When the user is to be told that a text waits.
    pub(super) fn due(&self) -> Option<Instant> {
        let (_, said) = self.texts.front().filter(|_| !self.is_told)?;
        Some(said.after(self.patience))
    }

    /// All texts without a place, if the user is to be told now that the first of them waits. That is told once until no
    /// text waits.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Seq> {
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.is_told = true;
        self.texts.iter().map(|(seq, _)| *seq).collect()
    }
}

/// The own texts that are known to wait. However many they are, the user is told once that they wait, and once that they
/// no longer do.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    texts: BTreeSet<Seq>,
    /// Whether some of them have their places already, but not all.
    is_several: bool,
}

impl Waiting {
    /// The text `seq` waits. Returns whether it is the only one.
    pub(super) fn add(&mut self, seq: Seq) -> bool {
        self.texts.insert(seq) && self.texts.len() == 1 && !self.is_several
    }

    /// Whether the text `seq` is known to wait.
    pub(super) fn has(&self, seq: Seq) -> bool {
        self.texts.contains(&seq)
    }

    /// The text `seq` has its place. Returns what to tell the user, if it was the last that waited.
    pub(super) fn placed(&mut self, seq: Seq) -> Option<&'static str> {
        if !self.texts.remove(&seq) {
            return None;
        }
        if !self.texts.is_empty() {
            self.is_several = true;
            return None;
        }
        let is_several = mem::take(&mut self.is_several);
        Some(if is_several { "your messages were delivered" } else { "your message was delivered" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_first_text_that_waits_too_long_is_told_and_the_next_only_once_none_has_waited() {
        let mut unplaced = Unplaced::new(SECOND);
        assert_eq!(unplaced.due(), None);
        (1..=3).for_each(|n| unplaced.said(Seq(n), at(n)));
        unplaced.placed(Seq(1));
        assert_eq!((unplaced.due(), unplaced.overdue(at(2))), (Some(at(3)), vec![]));
        assert_eq!(unplaced.overdue(at(3)), [Seq(2), Seq(3)]);
        assert_eq!((unplaced.due(), unplaced.overdue(at(9))), (None, vec![]), "it is told once");
        unplaced.placed(Seq(2));
        assert_eq!(unplaced.overdue(at(9)), [], "the leader is still behind");
        unplaced.placed(Seq(3));
        unplaced.said(Seq(4), at(9));
        assert_eq!(unplaced.overdue(at(10)), [Seq(4)]);
    }

    #[test]
    fn a_text_that_has_its_place_before_it_is_noted_does_not_wait() {
        let mut unplaced = Unplaced::new(SECOND);
        unplaced.placed(Seq(2));
        unplaced.said(Seq(2), at(1));
        assert_eq!(unplaced.due(), None);
        unplaced.said(Seq(3), at(1));
        unplaced.forget();
        assert_eq!(unplaced.due(), None);
        unplaced.said(Seq(1), at(1));
        assert_eq!(unplaced.due(), Some(at(2)));
    }
}

//! What was shown, so that the user can scroll back to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use ringchat_core::UnixTime;

use crate::apart::ending;
use crate::line::{Line, act_of};
use crate::sanitize::Clean;

/// The maximum number of entries.
const MAX_ENTRIES: usize = 10_000;

/// The maximum number of bytes in the texts of all entries.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The maximum number of texts of the user that have no place yet.
const MAX_WAITING: usize = 1024;

/// A line that was shown.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The line.
    pub(crate) line: Line,
    /// When it came.
    pub(crate) at: UnixTime,
    /// Whose it is.
    pub(crate) kind: EntryKind,
    /// Whether all of its rows are shown, however many they are.
    pub(crate) is_whole: bool,
}

/// Whose an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A line of the room.
    Room,
    /// A text of the user, which has its place in the order.
    Own,
    /// A text of the user that is on its way to its place.
    Sending,
    /// A text of the user that waits for a leader.
    Held,
    /// A command of the user.
    Command,
}

impl EntryKind {
    /// Whether the entry is a text of the user without a place in the order.
    pub(crate) fn is_waiting(self) -> bool {
        matches!(self, Self::Sending | Self::Held)
    }
}

/// The entries, oldest first. The user's own texts without a place stand below all others.
#[derive(Debug, Default)]
pub(crate) struct Scrollback {
    entries: VecDeque<Entry>,
    waiting: VecDeque<Entry>,
    bytes: usize,
    /// How many entries have gone.
    gone: usize,
    /// The keys of the authors by the names under which they are shown, each with the number of its entries and where it
    /// was last.
    authors: BTreeMap<(String, [u8; 32]), (usize, SocketAddr)>,
}

impl Scrollback {
    /// Adds an entry. The oldest go if there are too many.
    pub(crate) fn add(&mut self, entry: Entry) {
        let entry = Entry { line: entry.line.in_columns(), ..entry };
        self.count(&entry, true);
        self.bytes += entry.line.text().len();
        self.entries.push_back(entry);
        while self.entries.len() > 1 && (self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES) {
            if let Some(gone) = self.entries.pop_front() {
                self.count(&gone, false);
                self.bytes -= gone.line.text().len();
                self.gone += 1;
            }
        }
    }

    /// Adds a text of the user that has no place yet.
    pub(crate) fn wait_for_place(&mut self, line: Line, at: UnixTime) {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Entry { line, at, kind: EntryKind::Sending, is_whole: false });
    }

    /// Gives the text of the user that `line` tells its place. Those that were said before it have theirs, or never will.
    pub(crate) fn settle(&mut self, line: Line, at: UnixTime) {
        if let Some(found) = self.waiting.iter().position(|entry| entry.line.body() == line.body()) {
            self.waiting.drain(..=found);
        }
        self.add(Entry { line, at, kind: EntryKind::Own, is_whole: false });
    }

    /// Removes a text of the user that gets no place, given as it was sent.
    pub(crate) fn refuse(&mut self, text: &str) {
        let body = Clean::new(act_of(text).unwrap_or(text));
        if let Some(found) = self.waiting.iter().position(|entry| entry.line.body() == body.as_str()) {
            self.waiting.remove(found);
        }
    }

    /// Marks all texts without a place: they wait for a leader.
    pub(crate) fn hold(&mut self) {
        self.waiting.iter_mut().for_each(|entry| entry.kind = EntryKind::Held);
    }

    /// Adds the entry `number` once more, to be shown whole. Returns false if it has gone.
    pub(crate) fn unfold(&mut self, number: usize) -> bool {
        let Some(entry) = self.get(number).cloned() else { return false };
        self.add(Entry { is_whole: true, ..entry });
        true
    }

    /// Removes all but the texts that have no place yet.
    pub(crate) fn clear(&mut self) {
        self.gone += self.entries.len();
        (self.bytes, self.authors) = (0, BTreeMap::new());
        self.entries.clear();
    }

    /// The number of texts without a place.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The number of the oldest entry. An entry keeps its number once it has its place.
    pub(crate) fn first(&self) -> usize {
        self.gone
    }

    /// The number after that of the last entry that has its place.
    pub(crate) fn placed(&self) -> usize {
        self.gone + self.entries.len()
    }

    /// The number after that of the last entry.
    pub(crate) fn end(&self) -> usize {
        self.placed() + self.waiting.len()
    }

    /// The entry with this number.
    pub(crate) fn get(&self, number: usize) -> Option<&Entry> {
        let at = number.checked_sub(self.gone)?;
        self.entries.get(at).or_else(|| self.waiting.get(at - self.entries.len().min(at)))
    }

    /// What tells the author at `addr` from others that are shown as `name` too; `None` if there are none.
    pub(crate) fn ending(&self, name: &str, addr: SocketAddr) -> Option<String> {
        let from = (name.to_owned(), [0; 32]);
        let authors = self.authors.range(from..).take_while(|((other, _), _)| other == name);
        authors.clone().nth(1)?;
        Some(ending(addr, authors.map(|(_, (_, addr))| *addr)))
    }

    fn count(&mut self, entry: &Entry, is_added: bool) {
        let Some(said) = entry.line.said() else { return };
        let author = (super::layout::cut(&said.name, super::layout::WIDEST_NAME), said.key);
        let (count, last) = self.authors.get(&author).copied().unwrap_or((0, said.addr));
        let last = if is_added { said.addr } else { last };
        match if is_added { count.saturating_add(1) } else { count.saturating_sub(1) } {
            0 => drop(self.authors.remove(&author)),
            count => drop(self.authors.insert(author, (count, last))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(text: &str) -> Entry {
        let line = Line::default().and(text);
        Entry { line, at: UnixTime(0), kind: EntryKind::Room, is_whole: false }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_too_long_ones() {
        let mut scrollback = Scrollback::default();
        (0..MAX_ENTRIES + 5).for_each(|n| scrollback.add(system(&n.to_string())));
        assert_eq!((scrollback.first(), scrollback.end()), (5, MAX_ENTRIES + 5));
        assert_eq!(scrollback.get(5).unwrap().line.text(), "5");
        assert!(scrollback.get(4).is_none());
        scrollback.add(system(&"x".repeat(MAX_BYTES)));
        assert_eq!(scrollback.end() - scrollback.first(), 1);
    }

    #[test]
    fn own_texts_stand_below_all_others_until_they_have_their_place() {
        let mut scrollback = Scrollback::default();
        let line = |text: &str| Line::default().and(text);
        for text in ["one", "lost", "two", "refused"] {
            scrollback.wait_for_place(line(text), UnixTime(0));
        }
        scrollback.add(system("hello"));
        let shown = |scrollback: &Scrollback| -> Vec<String> {
            let all = scrollback.first()..scrollback.end();
            all.filter_map(|n| Some(scrollback.get(n)?.line.text().to_owned())).collect()
        };
        assert_eq!(shown(&scrollback), ["hello", "one", "lost", "two", "refused"]);
        scrollback.settle(line("one"), UnixTime(0));
        assert_eq!(shown(&scrollback), ["hello", "one", "lost", "two", "refused"]);
        scrollback.settle(line("two"), UnixTime(0));
        scrollback.refuse("/me refused");
        assert_eq!((shown(&scrollback).join(" "), scrollback.waiting()), ("hello one two".to_owned(), 0));
    }
}

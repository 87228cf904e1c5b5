//! The last texts of the room, kept to be shown again.

use std::collections::VecDeque;

use ringchat_core::{ChatLine, Index, Member, Name, Occasion, Seq, Stamp, UnixTime};

/// The maximum number of texts kept.
const MAX_TEXTS: usize = 1000;

/// The maximum number of bytes in the texts kept.
const MAX_BYTES: usize = 1024 * 1024;

/// A text, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct KeptText {
    index: Index,
    from: Member,
    seq: Seq,
    text: String,
    stamp: Stamp,
    at: UnixTime,
    mine: bool,
    known_as: Option<Name>,
    occasion: Occasion,
    /// When it came, in microseconds since the beginning of 1970.
    pub(crate) came: u64,
}

impl KeptText {
    fn new(line: &ChatLine<'_>, came: u64) -> Self {
        Self {
            index: line.index,
            from: line.from.clone(),
            seq: line.seq,
            text: line.text.to_owned(),
            stamp: line.stamp,
            at: line.at,
            mine: line.mine,
            known_as: line.known_as.cloned(),
            occasion: line.occasion,
            came,
        }
    }

    /// The text as it came.
    pub(crate) fn line(&self) -> ChatLine<'_> {
        ChatLine {
            index: self.index,
            from: &self.from,
            seq: self.seq,
            text: &self.text,
            stamp: self.stamp,
            at: self.at,
            mine: self.mine,
            known_as: self.known_as.as_ref(),
            occasion: self.occasion,
        }
    }
}

/// The last texts of the room.
#[derive(Debug, Default)]
pub(crate) struct RecentTexts {
    texts: VecDeque<KeptText>,
    bytes: usize,
}

impl RecentTexts {
    /// Keeps a text that `came` now, given in microseconds since the beginning of 1970.
    pub(crate) fn keep(&mut self, line: &ChatLine<'_>, came: u64) {
        self.bytes += line.text.len();
        self.texts.push_back(KeptText::new(line, came));
        while self.texts.len() > MAX_TEXTS || self.bytes > MAX_BYTES {
            let Some(gone) = self.texts.pop_front() else { return };
            self.bytes -= gone.text.len();
        }
    }

    /// The last `count` texts that are `wanted`, the oldest first.
    pub(crate) fn last(&self, count: usize, wanted: impl Fn(&ChatLine<'_>) -> bool) -> Vec<&KeptText> {
        let mut last: Vec<&KeptText> =
            self.texts.iter().rev().filter(|kept| wanted(&kept.line())).take(count).collect();
        last.reverse();
        last
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ringchat_core::NodeId;

    use super::*;

    fn keep(recent: &mut RecentTexts, texts: impl IntoIterator<Item = String>) {
        let from = Member::new(
            NodeId::new([1; 32], NonZeroU64::MIN),
            ([127, 0, 0, 1], 1).into(),
            Name::new("Bob").unwrap(),
        );
        for text in texts {
            let line = ChatLine {
                index: Index(1),
                from: &from,
                seq: Seq(1),
                text: &text,
                stamp: Stamp(1),
                at: UnixTime(0),
                mine: false,
                known_as: None,
                occasion: Occasion::Live,
            };
            recent.keep(&line, 7);
        }
    }

    fn last(recent: &RecentTexts, count: usize, part: &str) -> Vec<String> {
        let last = recent.last(count, |line| line.text.contains(part));
        last.iter().map(|kept| kept.line().text.to_owned()).collect()
    }

    #[test]
    fn the_last_that_are_wanted_come_in_their_order() {
        let mut recent = RecentTexts::default();
        keep(&mut recent, ["one", "two", "three", "tone"].map(str::to_owned));
        assert_eq!(last(&recent, 2, ""), ["three", "tone"]);
        assert_eq!(last(&recent, 9, "one"), ["one", "tone"]);
        assert_eq!(last(&recent, 9, "x"), [""; 0]);
    }

    #[test]
    fn few_texts_and_few_bytes_are_kept() {
        let mut recent = RecentTexts::default();
        keep(&mut recent, (0..MAX_TEXTS + 5).map(|n| n.to_string()));
        assert_eq!(last(&recent, 2000, "").len(), MAX_TEXTS);
        assert_eq!(last(&recent, 2000, "")[0], "5");
        keep(&mut recent, (0..80).map(|_| "x".repeat(16 * 1024)));
        assert_eq!(last(&recent, 2000, "").len(), MAX_BYTES / (16 * 1024));
        assert!(recent.bytes <= MAX_BYTES);
    }
}

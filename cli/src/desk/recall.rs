//! Lets the user recall lines typed before.

use std::collections::VecDeque;

use crate::history::MAX_LINES;

/// The lines typed before, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    lines: VecDeque<String>,
    looking: Option<Looking>,
}

/// A recall in progress.
#[derive(Debug)]
struct Looking {
    /// The number of the line shown.
    at: usize,
    /// The beginning that recalled lines must have.
    beginning: String,
    /// The text being typed when the recall began.
    draft: String,
}

impl Recall {
    /// Lets these lines be recalled.
    pub(crate) fn of(lines: &[String]) -> Self {
        let mut recall = Self::default();
        for line in lines {
            recall.keep(line);
        }
        recall
    }

    /// Keeps a line and ends the recall.
    pub(crate) fn keep(&mut self, line: &str) {
        self.looking = None;
        if self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// Ends the recall, because the user edits the line shown.
    pub(crate) fn settle(&mut self) {
        self.looking = None;
    }

    /// The next older line other than `draft` that begins with `left`, the text left of the cursor.
    pub(crate) fn older(&mut self, draft: &str, left: &str) -> Option<&str> {
        let start = self.looking.as_ref().map_or(self.lines.len(), |looking| looking.at);
        let beginning = self.looking.as_ref().map_or(left, |looking| &looking.beginning).to_owned();
        let at = (0..start).rev().find(|&at| self.is_other(at, &beginning, draft))?;
        match &mut self.looking {
            Some(looking) => looking.at = at,
            None => self.looking = Some(Looking { at, beginning, draft: draft.to_owned() }),
        }
        self.lines.get(at).map(String::as_str)
    }

    /// The next newer line other than `shown`, or the draft if there is none. `None` unless a recall is in progress.
    pub(crate) fn newer(&mut self, shown: &str) -> Option<String> {
        let looking = self.looking.as_ref()?;
        let newer =
            (looking.at + 1..self.lines.len()).find(|&at| self.is_other(at, &looking.beginning, shown));
        match (newer, &mut self.looking) {
            (Some(at), Some(looking)) => {
                looking.at = at;
                self.lines.get(at).cloned()
            }
            _ => self.looking.take().map(|looking| looking.draft),
        }
    }

    fn is_other(&self, at: usize, beginning: &str, shown: &str) -> bool {
        self.lines.get(at).is_some_and(|line| line.starts_with(beginning) && line != shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recall(lines: &[&str]) -> Recall {
        let mut recall = Recall::default();
        for line in lines {
            recall.keep(line);
        }
        recall
    }

    #[test]
    fn older_lines_come_one_by_one_and_the_draft_comes_back() {
        let mut recall = recall(&["one", "two", "two"]);
        assert_eq!(recall.older("", ""), Some("two"));
        assert_eq!(recall.older("two", "two"), Some("one"));
        assert_eq!(recall.older("one", "one"), None);
        assert_eq!(recall.newer("one").as_deref(), Some("two"));
        assert_eq!(recall.newer("two").as_deref(), Some(""));
        assert_eq!(recall.newer(""), None);
    }

    #[test]
    fn only_lines_are_found_that_begin_with_what_stands_left_of_the_cursor() {
        let mut recall = recall(&["say one", "quit", "say two"]);
        assert_eq!(recall.older("say it", "say"), Some("say two"));
        assert_eq!(recall.older("say two", "say two"), Some("say one"));
        assert_eq!(recall.newer("say one").as_deref(), Some("say two"));
        assert_eq!(recall.newer("say two").as_deref(), Some("say it"));
        assert_eq!(recall.older("x", "x"), None);
    }

    #[test]
    fn a_line_that_is_edited_is_a_new_draft() {
        let mut recall = recall(&["one", "two"]);
        recall.older("", "");
        recall.settle();
        assert_eq!(recall.older("twox", ""), Some("two"));
        assert_eq!(recall.newer("two").as_deref(), Some("twox"));
    }
}

//! Completes names of members and commands.

use std::ops::Range;

use crate::command::{COMMANDS, Completes, find};
use crate::roll::Called;

/// The maximum length of a name in bytes, and of what is looked at to find its beginning.
const MAX_NAME: usize = 64;

/// A completion in progress: what may stand in place of the beginning of a word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The bytes of the text that are replaced.
    part: Range<usize>,
    /// All that may stand there, never empty.
    all: Vec<String>,
    /// Which of them stands there; `None` before the first.
    shown: Option<usize>,
}

impl Completion {
    /// The completions of the end of `left`, the text left of the cursor. `others` are the members that can be named, the
    /// likeliest first. `None` if there are none.
    pub(crate) fn of(left: &str, others: &[Called]) -> Option<Self> {
        let names: Vec<&str> = others.iter().map(|called| called.name.as_str()).collect();
        let (start, all) = match left.split_once(char::is_whitespace) {
            None if left.starts_with('/') => (0, commands(left)),
            Some((word, argument)) if word.starts_with('/') => {
                let start = left.len() - argument.trim_start().len();
                match find(&word.to_lowercase()).map(|command| command.completes) {
                    Some(Completes::Nothing) => return None,
                    Some(Completes::Words(words)) => (start, beginning_with(&left[start..], words)),
                    Some(Completes::Who) => {
                        named(left, &others.iter().map(|called| called.who.as_str()).collect::<Vec<_>>())?
                    }
                    Some(Completes::Names) | None => named(left, &names)?,
                }
            }
            _ => named(left, &names)?,
        };
        (!all.is_empty()).then_some(Self { part: start..left.len(), all, shown: None })
    }

    /// Goes to the next completion, or to the one before. Gives the bytes to replace, and what stands there then.
    pub(crate) fn turn(&mut self, is_back: bool) -> (Range<usize>, &str) {
        let count = self.all.len();
        let at = match self.shown {
            None | Some(0) if is_back => count - 1,
            Some(at) if is_back => at - 1,
            None => 0,
            Some(at) => (at + 1) % count,
        };
        self.shown = Some(at);
        let new = self.all.get(at).map_or("", String::as_str);
        let old = self.part.clone();
        self.part = old.start..old.start + new.len();
        (old, new)
    }
}

/// The commands that begin with `typed`.
fn commands(typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let words = COMMANDS.iter().flat_map(|command| command.words.iter().map(move |word| (*word, command)));
    let fitting = words.filter(|(word, _)| word.starts_with(&typed) && *word != "//text");
    fitting.map(|(word, command)| word.to_owned() + if command.takes_argument() { " " } else { "" }).collect()
}

fn beginning_with(typed: &str, words: &[&str]) -> Vec<String> {
    let fitting = words.iter().filter(|word| word.starts_with(typed));
    fitting.map(|word| (*word).to_owned()).collect()
}

/// Where the beginning of a name starts that `left` ends with, and the names, each once, with what goes on behind it. A
/// name may have blanks, so the longest beginning counts.
fn named(left: &str, names: &[&str]) -> Option<(usize, Vec<String>)> {
    let from = left.ceil_char_boundary(left.len().saturating_sub(MAX_NAME));
    let is_gap = |c: char| c.is_whitespace() || c == '@';
    let starts = left.char_indices().filter(|(_, c)| is_gap(*c)).map(|(at, c)| at + c.len_utf8());
    let mut found = [0].into_iter().chain(starts).filter(|start| *start >= from).map(|start| {
        let typed = left[start..].to_lowercase();
        // A text that begins with a name is addressed to its holder.
        let end = if left[..start].trim_matches('@').is_empty() { ": " } else { " " };
        let mut found = Vec::new();
        for name in names.iter().filter(|name| name.to_lowercase().starts_with(&typed)) {
            let name = (*name).to_owned() + end;
            if !found.contains(&name) {
                found.push(name);
            }
        }
        (start, found)
    });
    found.find(|(_, names)| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text left of the cursor after each Tab, or Shift-Tab for `<`.
    fn turns(left: &str, keys: &str) -> Vec<String> {
        let others = ["Carol", "carl", "Ann Marie", "Bob", "Dave@1", "Dave@2"].map(|who| {
            let name = who.split('@').next().unwrap_or(who).to_owned();
            Called { name, who: who.replace('@', "(10.0.0.1:") + if who.contains('@') { ")" } else { "" } }
        });
        let Some(mut completion) = Completion::of(left, &others) else { return Vec::new() };
        let mut text = left.to_owned();
        let each = |key: char| {
            let (part, new) = completion.turn(key == '<');
            text.replace_range(part, new);
            text.clone()
        };
        keys.chars().map(each).collect()
    }

    #[test]
    fn a_name_is_addressed_at_the_beginning_and_said_later() {
        assert_eq!(turns("bo", ">"), ["Bob: "]);
        assert_eq!(turns("@bo", ">"), ["@Bob: "]);
        assert_eq!(turns("ask BO", ">"), ["ask Bob "]);
        assert_eq!(turns("ask @bo", ">"), ["ask @Bob "]);
        assert_eq!(turns("zoe", ">"), [""; 0]);
    }

    #[test]
    fn tab_goes_on_and_round_and_shift_tab_back() {
        assert_eq!(turns("car", ">>><"), ["Carol: ", "carl: ", "Carol: ", "carl: "]);
        assert_eq!(turns("", "<<"), ["Dave: ", "Bob: "]);
        assert_eq!(turns("hi ", ">"), ["hi Carol "]);
    }

    #[test]
    fn a_name_with_blanks_is_whole() {
        assert_eq!(turns("ann", ">"), ["Ann Marie: "]);
        assert_eq!(turns("ask ann m", ">"), ["ask Ann Marie "]);
        assert_eq!(turns("ann bo", ">"), ["ann Bob "]);
    }

    #[test]
    fn commands_and_what_they_take_are_completed() {
        assert_eq!(turns("/r", ">>"), ["/room", "/ring"]);
        assert_eq!(turns("/WH", ">"), ["/who "]);
        assert_eq!(turns("/who b", ">"), ["/who Bob "]);
        assert_eq!(turns("/ignore ann m", ">"), ["/ignore Ann Marie "]);
        assert_eq!(turns("/me waves at b", ">"), ["/me waves at Bob "]);
        assert_eq!(turns("/bell ", ">>"), ["/bell off", "/bell mentions"]);
        assert_eq!(turns("/presence re", ">"), ["/presence recent"]);
        assert_eq!(turns("/clear b", ">"), [""; 0]);
        assert_eq!(turns("/", ">").len(), 1);
    }

    #[test]
    fn two_of_one_name_are_one_word_in_talk_and_have_their_addresses_in_a_command_for_one() {
        assert_eq!(turns("da", ">>"), ["Dave: ", "Dave: "]);
        assert_eq!(turns("/who da", ">>"), ["/who Dave ", "/who Dave "]);
        for command in ["/ignore", "/unignore", "/verify"] {
            let both = [1, 2].map(|port| format!("{command} Dave(10.0.0.1:{port}) "));
            assert_eq!(turns(&format!("{command} da"), ">>"), both);
            assert_eq!(turns(&format!("{command} bo"), ">"), [format!("{command} Bob ")]);
        }
    }

    #[test]
    fn a_long_text_without_names_is_looked_at_only_at_its_end() {
        let text = "é ".repeat(8000);
        assert_eq!(turns(&text, ">"), [format!("{text}Carol ")]);
        assert_eq!(turns(&format!("{text}{}", "x".repeat(100)), ">"), [""; 0]);
    }
}

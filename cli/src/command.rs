//! The commands that people type: one list for the help, for completion, and for slips.

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandGroup {
    /// To say something, and to read what was said.
    Talk,
    /// To see the room and its members.
    See,
    /// To choose what is shown.
    Settings,
}

impl CommandGroup {
    /// All groups, as the help shows them.
    const ALL: [Self; 3] = [Self::Talk, Self::See, Self::Settings];

    fn title(self) -> &'static str {
        match self {
            Self::Talk => "to talk:",
            Self::See => "to see the room:",
            Self::Settings => "settings:",
        }
    }
}

/// What Tab completes behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    /// Nothing, because the command takes no argument, or one that nobody can guess.
    Nothing,
    /// The names of members.
    Names,
    /// The names of members, so that it is clear who is meant.
    Who,
    /// One of these words.
    Words(&'static [&'static str]),
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    /// What is typed, and other words for the same.
    pub(crate) words: &'static [&'static str],
    /// The argument as the help shows it.
    argument: &'static str,
    does: &'static str,
    group: CommandGroup,
    /// What Tab completes behind it.
    pub(crate) completes: Completes,
}

impl Command {
    /// Whether there may be an argument.
    pub(crate) fn takes_argument(&self) -> bool {
        !self.argument.is_empty()
    }

    fn help(&self) -> String {
        let first = self.words.first().copied().unwrap_or_default();
        let usage = format!("{first} {}", self.argument);
        let others: Vec<&str> = self.words.iter().skip(1).copied().collect();
        let others = if others.is_empty() { String::new() } else { format!(" (also {})", others.join(", ")) };
        format!("{usage:<28}{}{others}", self.does)
    }
}

const fn talk(words: &'static [&'static str], argument: &'static str, does: &'static str) -> Command {
    Command { words, argument, does, group: CommandGroup::Talk, completes: Completes::Nothing }
}

const fn see(words: &'static [&'static str], argument: &'static str, does: &'static str) -> Command {
    Command { group: CommandGroup::See, ..talk(words, argument, does) }
}

const fn set(words: &'static [&'static str], argument: &'static str, does: &'static str) -> Command {
    Command { group: CommandGroup::Settings, ..talk(words, argument, does) }
}

const fn naming(command: Command) -> Command {
    Command { completes: Completes::Names, ..command }
}

const fn of_one(command: Command) -> Command {
    Command { completes: Completes::Who, ..command }
}

const fn one_of(words: &'static [&'static str], command: Command) -> Command {
    Command { completes: Completes::Words(words), ..command }
}

/// All commands.
pub(crate) const COMMANDS: &[Command] = &[
    naming(talk(&["/me"], "TEXT", "says what you do: \"* Bob waves\"")),
    naming(talk(&["/last"], "[N|TEXT]", "the last 20 texts, the last N, or those with TEXT")),
    talk(&["/full"], "", "the last folded text whole"),
    talk(&["//exit", "/exit", "/quit"], "[TEXT]", "leaves the room, saying TEXT"),
    talk(&["//text"], "", "says \"/text\""),
    naming(see(&["/who"], "[TEXT]", "the members, or those with TEXT")),
    see(&["/room"], "", "the room, and how others join it"),
    see(&["/ring"], "", "the ring, the leader starred"),
    see(&["/leader"], "", "who leads"),
    see(&["/stats"], "", "counts of this member"),
    see(&["/ticket"], "", "what others need to come into a private room"),
    naming(see(&["/keys"], "[TEXT]", "the keys of the members, or of those with TEXT")),
    of_one(see(&["/verify"], "WHO KEY", "compares a member's key, and remembers that it is right")),
    one_of(&["on", "off"], see(&["/trace"], "[on FILE|off]", "writes what this member does to FILE")),
    one_of(
        &["on", "off"],
        see(&["/see"], "[on|off]", "serves a page that shows the room as this member sees it"),
    ),
    of_one(set(&["/ignore"], "[WHO]", "shows no texts of WHO; alone: whom you ignore")),
    of_one(set(&["/unignore"], "WHO", "shows them again")),
    one_of(&["on", "off"], set(&["/time"], "[on|off]", "the time before each line")),
    one_of(
        &["off", "mentions", "all"],
        set(&["/bell"], "[off|mentions|all]", "the texts for which the terminal rings"),
    ),
    one_of(
        &["all", "recent", "none"],
        set(&["/presence"], "[all|recent|none]", "whose coming and going is told"),
    ),
    set(&["/screen"], "", "the full screen, or lines that scroll away"),
    set(&["/clear"], "", "an empty screen"),
    set(&["/help"], "[TEXT]", "this, or the lines with TEXT"),
];

/// What other programs call a command, each with the word for it here.
const ELSEWHERE: &[(&str, &str)] =
    &[("/leave", "/quit"), ("/bye", "/quit"), ("/part", "/quit"), ("/logout", "/quit"), ("/q", "/quit")];

/// The help: all commands by what they are for, or only those with `part` in their line.
pub(crate) fn help(part: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for group in CommandGroup::ALL {
        let of_group = COMMANDS.iter().filter(|command| command.group == group).map(Command::help);
        let found: Vec<String> = of_group.filter(|line| line.contains(part)).collect();
        if part.is_empty() {
            lines.push(group.title().to_owned());
        }
        lines.extend(found);
    }
    lines
}

/// The command called `word`.
pub(crate) fn find(word: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.words.contains(&word))
}

/// The command that was perhaps meant by `word`.
pub(crate) fn nearest(word: &str) -> Option<&'static str> {
    let words = COMMANDS.iter().flat_map(|command| command.words).map(|word| (*word, *word));
    let distance = |command: &str| strsim::osa_distance(word, command);
    let words = words.chain(ELSEWHERE.iter().copied());
    let (nearest, meant) = words.min_by_key(|(command, _)| distance(command))?;
    // A word counts as mistyped if more than half of it is right.
    (2 * distance(nearest) < word.chars().count()).then_some(meant)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::typed::TypedLine;

    #[test]
    fn every_command_of_the_list_is_known_and_the_help_has_each_in_a_row() {
        let all = help("");
        assert_eq!(all.len(), COMMANDS.len() + CommandGroup::ALL.len());
        assert!(all.iter().all(|line| line.len() <= 92), "{all:#?}");
        for word in COMMANDS.iter().flat_map(|command| command.words).filter(|word| **word != "//text") {
            let line = TypedLine::parse(word);
            assert!(!matches!(line, TypedLine::Unknown(_) | TypedLine::Say(_)), "{word}");
            assert!(all.iter().any(|line| line.contains(word)), "{word}");
        }
    }

    #[test]
    fn the_readme_names_the_same_commands() {
        let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
        let (_, table) = readme.split_once("| line | does |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let told = rows.filter_map(|row| row.split(['`', ' ']).find(|word| word.starts_with('/')));
        let known = COMMANDS.iter().filter_map(|command| command.words.first().copied());
        assert_eq!(told.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    }

    #[test]
    fn a_slip_names_the_nearest_command_and_a_word_of_other_programs_the_one_that_is_meant() {
        for word in ["/leave", "/bye", "/part", "/logout", "/q", "/leav", "/quti"] {
            assert_eq!(nearest(word), Some("/quit"), "{word}");
        }
        assert_eq!(nearest("/leadr"), Some("/leader"));
        assert_eq!(nearest("/fly"), None);
        for (word, meant) in ELSEWHERE {
            assert!(find(word).is_none() && find(meant).is_some(), "{word}");
        }
    }

    #[test]
    fn a_part_of_the_help_is_shown_without_titles() {
        assert_eq!(help("an empty"), [format!("{:<28}an empty screen", "/clear")]);
        assert_eq!(help("nothing like this"), [""; 0]);
    }
}

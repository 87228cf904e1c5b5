//! Rewrites a command line in the syntax of Click to the syntax of argh.
//!
//! The original of this program parses its command line with Click. Click has two-letter short options (`-na IP`),
//! values in the same word (`-p5000`, `--port=5000`) and bundled flags (`-lv`), and takes the last of several values.
//! argh takes whole words only. Values are never rewritten, nor is anything after `--`.

/// An option with its name for argh and the forms that people may type.
struct Known {
    /// The name that argh knows.
    canonical: &'static str,
    /// The short form of one letter.
    short: Option<char>,
    /// All other forms, each a whole word.
    long: &'static [&'static str],
    /// Whether the option needs a value.
    takes_value: bool,
    /// An earlier option that this one cancels.
    opposite: Option<&'static str>,
}

const fn flag(canonical: &'static str, short: Option<char>, long: &'static [&'static str]) -> Known {
    Known { canonical, short, long, takes_value: false, opposite: None }
}

const fn value(canonical: &'static str, short: Option<char>, long: &'static [&'static str]) -> Known {
    Known { canonical, short, long, takes_value: true, opposite: None }
}

const KNOWN: &[Known] = &[
    Known { opposite: Some("--not-leader"), ..flag("--leader", Some('l'), &["--leader"]) },
    Known {
        opposite: Some("--leader"),
        ..flag("--not-leader", Some('L'), &["--not_leader", "--not-leader"])
    },
    value("--address", Some('a'), &["--address"]),
    value("--port", Some('p'), &["--port"]),
    value("--name", Some('n'), &["--name"]),
    value("--room", None, &["--room"]),
    value("--advertise", None, &["--advertise"]),
    value("--neighbor-address", None, &["-na", "--neighbor-address"]),
    value("--neighbor-port", None, &["-np", "--neighbor-port"]),
    flag("--verbose", Some('v'), &["--verbose"]),
    flag("--private", None, &["--private"]),
    value("--secret-file", None, &["--secret-file"]),
    flag("--ticket", None, &["--ticket"]),
    value("--ticket-file", None, &["--ticket-file"]),
    flag("--open", None, &["--open"]),
    value("--id-file", None, &["--id-file"]),
    flag("--show-id", None, &["--show-id"]),
    value("--runtime", None, &["--runtime"]),
    flag("--json", None, &["--json"]),
    value("--log-file", None, &["--log-file"]),
    flag("--no-log", None, &["--no-log"]),
    value("--trace", None, &["--trace"]),
    flag("--trace-text", None, &["--trace-text"]),
    value("--trace-limit", None, &["--trace-limit"]),
    flag("--see", None, &["--see"]),
    value("--see-port", None, &["--see-port"]),
    flag("--full-screen", Some('f'), &["--full-screen"]),
    flag("--time", None, &["--time"]),
    value("--bell", None, &["--bell"]),
    value("--presence", None, &["--presence"]),
    value("--backlog", None, &["--backlog"]),
    flag("--no-history", None, &["--no-history"]),
    flag("--no-color", None, &["--no-color"]),
    value("--join-timeout", None, &["--join-timeout"]),
    value("--detect-ms", None, &["--detect-ms"]),
    flag("--version", Some('V'), &["--version"]),
    flag("--help", Some('h'), &["--help"]),
];

/// Rewrites `args`, a command line without the name of the program.
pub(crate) fn rewrite(args: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut args = args.into_iter();
    let mut out = Rewritten::default();
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.other(arg);
            args.by_ref().for_each(|arg| out.other(arg));
        } else if let Some((known, value)) = as_word(&arg) {
            out.option(known, value.map(str::to_owned), &mut args);
        } else if arg.starts_with('-') && !arg.starts_with("--") && arg.len() > 1 {
            letters(&arg, &mut args, &mut out);
        } else {
            out.other(arg);
        }
    }
    out.words()
}

/// All forms in which people may type the option that argh calls `canonical`, the short one first.
pub(crate) fn forms(canonical: &str) -> Vec<String> {
    let known = KNOWN.iter().filter(|known| known.canonical == canonical);
    let forms = known.flat_map(|known| {
        let short = known.short.map(|letter| format!("-{letter}"));
        short.into_iter().chain(known.long.iter().map(|&form| form.to_owned()))
    });
    forms.collect()
}

/// Whether `word` is the argh name of an option.
#[cfg(feature = "fuzzing")]
pub(crate) fn is_option(word: &str) -> bool {
    KNOWN.iter().any(|known| known.canonical == word)
}

/// Parses `arg` as a whole word: `--port`, `--port=5000`, `-na`, `-na=::1`. A flag takes no value.
fn as_word(arg: &str) -> Option<(&'static Known, Option<&str>)> {
    let (name, value) = match arg.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (arg, None),
    };
    let known = KNOWN.iter().find(|known| known.long.contains(&name))?;
    (known.takes_value || value.is_none()).then_some((known, value))
}

/// Parses `arg` as letters after a dash: flags, and perhaps a last option whose value is the rest of the word.
fn letters(arg: &str, args: &mut impl Iterator<Item = String>, out: &mut Rewritten) {
    for (at, letter) in arg.char_indices().skip(1) {
        let Some(known) = KNOWN.iter().find(|known| known.short == Some(letter)) else {
            out.other(format!("-{letter}"));
            return;
        };
        let rest = &arg[at + letter.len_utf8()..];
        if known.takes_value {
            out.option(known, (!rest.is_empty()).then(|| rest.to_owned()), args);
            return;
        }
        out.option(known, None, args);
    }
}

/// The rewritten command line: the words of each option under its name, and all other words without one.
#[derive(Default)]
struct Rewritten(Vec<(Option<&'static str>, Vec<String>)>);

impl Rewritten {
    /// Adds an option and removes earlier ones that it replaces. Its value is `value` or the next of `args`.
    fn option(&mut self, known: &Known, value: Option<String>, args: &mut impl Iterator<Item = String>) {
        let replaced = [Some(known.canonical), known.opposite];
        self.0.retain(|(name, _)| name.is_none() || !replaced.contains(name));
        let mut words = vec![known.canonical.to_owned()];
        if known.takes_value {
            words.extend(value.or_else(|| args.next()));
        }
        self.0.push((Some(known.canonical), words));
    }

    /// Adds a word unchanged.
    fn other(&mut self, word: String) {
        self.0.push((None, vec![word]));
    }

    fn words(self) -> Vec<String> {
        self.0.into_iter().flat_map(|(_, words)| words).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rewritten(line: &str) -> String {
        words(&line.split(' ').collect::<Vec<_>>()).join(" ")
    }

    fn words(args: &[&str]) -> Vec<String> {
        rewrite(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn the_two_command_lines_of_the_original_are_understood() {
        assert_eq!(
            rewritten("-l -a 10.0.0.1 -p 5000 -n Alice -v"),
            "--leader --address 10.0.0.1 --port 5000 --name Alice --verbose"
        );
        assert_eq!(
            rewritten("-a ::1 -p 5001 -n Bob -na ::1 -np 5000"),
            "--address ::1 --port 5001 --name Bob --neighbor-address ::1 --neighbor-port 5000"
        );
    }

    #[test]
    fn letters_are_taken_apart_as_click_does_it() {
        assert_eq!(rewritten("-lv"), "--leader --verbose");
        assert_eq!(rewritten("-lvp5000"), "--leader --verbose --port 5000");
        assert_eq!(rewritten("-lp 5000"), "--leader --port 5000");
        assert_eq!(rewritten("-p=5000"), "--port =5000");
        assert_eq!(rewritten("-naBob"), "--name aBob");
        assert_eq!(rewritten("-na=::1"), "--neighbor-address ::1");
        assert_eq!(rewritten("-lx"), "--leader -x");
    }

    #[test]
    fn the_last_one_counts() {
        assert_eq!(rewritten("-p 1 -p2 --port=3"), "--port 3");
        assert_eq!(rewritten("-l --not_leader"), "--not-leader");
        assert_eq!(rewritten("-L -l"), "--leader");
    }

    #[test]
    fn names_are_not_abbreviated_and_flags_take_no_value() {
        assert_eq!(rewritten("--neighbor-a ::1"), "--neighbor-a ::1");
        assert_eq!(rewritten("--leader=yes"), "--leader=yes");
    }

    #[test]
    fn a_missing_value_is_left_to_the_parser() {
        assert_eq!(rewritten("-l -p"), "--leader --port");
    }

    proptest! {
        #[test]
        fn a_value_is_never_rewritten(value in any::<String>()) {
            let expected = vec!["--name".to_owned(), value.clone()];
            prop_assert_eq!(words(&["-n", &value]), expected.clone());
            prop_assert_eq!(words(&["--name", &value]), expected.clone());
            prop_assert_eq!(words(&[&format!("--name={value}")]), expected);
        }

        #[test]
        fn a_value_in_the_same_word_is_a_value(value in "[^a=p].{0,8}", flags in "[lv]{0,4}") {
            prop_assert_eq!(words(&[&format!("-{flags}n{value}")]), words(&[&format!("-{flags}n"), &value]));
        }

        #[test]
        fn what_follows_two_dashes_stays(args in proptest::collection::vec("-{0,2}[a-z=]{0,4}", 0..5)) {
            let mut line = vec!["-v", "--"];
            line.extend(args.iter().map(String::as_str));
            let mut expected = vec!["--verbose".to_owned(), "--".to_owned()];
            expected.extend(args.iter().cloned());
            prop_assert_eq!(words(&line), expected);
        }

        #[test]
        fn to_rewrite_twice_changes_nothing(
            args in proptest::collection::vec("-{0,2}(l|L|v|p|na|np|port|port=5|leader|n|x|[a-z:]{1,3})", 0..8),
        ) {
            let once = rewrite(args);
            prop_assert_eq!(rewrite(once.clone()), once);
        }
    }
}

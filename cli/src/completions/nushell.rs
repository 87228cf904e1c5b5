//! The script for nushell. Its `extern` knows no options of two letters such as `-np` and refuses what it does not know, so
//! the script is a completer instead, which leaves all other commands to the one before it.

use argh::CommandInfoWithArgs;

use super::{Completed, Value, argument, does, options};

const BEFORE: &str = "# Completes the command lines of ringchat. `ringchat completions nushell` made this.

$env.config.completions.external.completer = (do {|before|
    # What each option takes: nothing, any word, a file, or one of these words.
    let options = [
        [command form takes description];
";

const BETWEEN: &str = "    ]
    # What the words of each command may be that belong to no option.
    let commands = [
        [value takes description];
";

const AFTER: &str = r#"    ]
    {|spans|
        if ($spans | first) != ringchat {
            if $before == null { null } else { do $before $spans }
        } else {
            let words = $spans | skip 1
            let typed = $words | last
            let behind = $words | drop 1
            let command = if ($behind | is-empty) { null } else { $commands | where value == $behind.0 | get 0? }
            let own = $options | where command == ($command.value? | default "")
            # One word may be an option and its value.
            let parts = $typed | split row --number 2 "="
            let joined = if ($parts | length) == 2 { $own | where form == $parts.0 } else { [] }
            let option = if ($joined | is-not-empty) {
                $joined.0
            } else {
                $own | where form == ($behind | append "" | last 2 | first) | where takes != nothing | get 0?
            }
            let takes = if $option != null {
                $option.takes
            } else if ($typed starts-with "-") {
                "options"
            } else if $command != null {
                $command.takes
            } else if ($behind | is-empty) {
                "commands"
            } else {
                "any"
            }
            let start = if ($joined | is-empty) { "" } else { $"($parts.0)=" }
            match $takes {
                "file" => null
                "any" => []
                "options" => ($own | where form starts-with $typed | select form description | rename value)
                "commands" => ($commands | where value starts-with $typed | select value description)
                _ => ($takes | split row " " | each { $start + $in } | where $it starts-with $typed)
            }
        }
    }
} ($env.config.completions.external.completer?))
"#;

/// The script that completes the command lines of `session` and of its commands.
pub(super) fn script(session: &CommandInfoWithArgs) -> String {
    let commands = || session.commands.iter().map(|command| (command.name, &command.command));
    let of_command = |(name, command): (&str, &CommandInfoWithArgs)| {
        let takes = takes(Some(&argument(command)));
        format!("        [{name} {takes} {}]\n", quoted(does(command)))
    };
    [
        BEFORE,
        &[("", session)].into_iter().chain(commands()).map(of).collect::<String>(),
        BETWEEN,
        &commands().map(of_command).collect::<String>(),
        AFTER,
    ]
    .concat()
}

/// A line for each form of each option of a command.
fn of((name, command): (&str, &CommandInfoWithArgs)) -> String {
    let lines = |option: &Completed| {
        let (takes, does) = (takes(option.value.as_ref()), quoted(option.does));
        let line = |form: &String| format!("        [{} {} {takes} {does}]\n", quoted(name), quoted(form));
        option.forms.iter().map(line).collect::<String>()
    };
    options(command).iter().map(lines).collect()
}

fn takes(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Any) => "any".to_owned(),
        Some(Value::File) => "file".to_owned(),
        Some(Value::OneOf(words)) => quoted(&words.join(" ")),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

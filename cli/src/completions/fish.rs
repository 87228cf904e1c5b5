//! The script for fish.

use argh::CommandInfoWithArgs;

use super::{Completed, Value, argument, does, options};

const BEFORE: &str = r#"# Completes the command lines of ringchat. `ringchat completions fish` made this.

# Whether the command line is one of the command $argv[1].
function __ringchat_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"
end

# Whether the command line is none of the commands $argv.
function __ringchat_session
    set -l words (commandline -opc)
    test (count $words) -lt 2; or not contains -- "$words[2]" $argv
end

function __ringchat_first
    test (count (commandline -opc)) -lt 2
end

complete -c ringchat -f
"#;

/// The script that completes the command lines of `session` and of its commands.
pub(super) fn script(session: &CommandInfoWithArgs) -> String {
    let names: Vec<&str> = session.commands.iter().map(|command| command.name).collect();
    let mut lines = vec![BEFORE.to_owned()];
    for command in &session.commands {
        lines.push(format!(
            "complete -c ringchat -n __ringchat_first -a {} -d '{}'\n",
            command.name,
            escaped(does(&command.command))
        ));
    }
    lines.extend(of(session, &format!("__ringchat_session {}", names.join(" "))));
    for command in &session.commands {
        let when = format!("__ringchat_command {}", command.name);
        lines.extend(of(&command.command, &when));
        match argument(&command.command) {
            Value::Any => {}
            Value::File => lines.push(format!("complete -c ringchat -n '{when}' -F\n")),
            Value::OneOf(words) => {
                lines.push(format!("complete -c ringchat -n '{when}' -a '{}'\n", words.join(" ")));
            }
        }
    }
    lines.concat()
}

/// A line for each option of a command, completed if `when` holds.
fn of(command: &CommandInfoWithArgs, when: &str) -> Vec<String> {
    let line = |option: &Completed| {
        let forms: Vec<String> = option.forms.iter().map(|form| named(form)).collect();
        let value = match &option.value {
            None => String::new(),
            Some(Value::Any) => " -x".to_owned(),
            Some(Value::File) => " -r -F".to_owned(),
            Some(Value::OneOf(words)) => format!(" -x -a '{}'", words.join(" ")),
        };
        let does = escaped(option.does);
        format!("complete -c ringchat -n '{when}'{}{value} -d '{does}'\n", forms.concat())
    };
    options(command).iter().map(line).collect()
}

/// An option as `complete` takes it: `--port` is ` -l port`, `-p` is ` -s p`, and `-np` is ` -o np`.
pub(super) fn named(form: &str) -> String {
    match form.strip_prefix("--") {
        Some(long) => format!(" -l {long}"),
        None if form.chars().count() == 2 => form.replacen('-', " -s ", 1),
        None => form.replacen('-', " -o ", 1),
    }
}

/// A description between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('\'', r"\'")
}

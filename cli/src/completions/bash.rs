//! The script for bash.

use argh::CommandInfoWithArgs;

use super::{Completed, Value, argument, options};

const BEFORE: &str = r#"# Completes the command lines of ringchat. `ringchat completions bash` made this.

_ringchat() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= words=
    # Bash makes three words of --option=value.
    if [ "$cur" = = ]; then
        cur=
    elif [ "$prev" = = ]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [ "$COMP_CWORD" -gt 1 ]; then
        case ${COMP_WORDS[1]} in
            COMMANDS) command=${COMP_WORDS[1]} ;;
        esac
    fi
    COMPREPLY=()
    case $command:$prev in
"#;

const AFTER: &str = r#"    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _ringchat ringchat
"#;

/// The script that completes the command lines of `session` and of its commands.
pub(super) fn script(session: &CommandInfoWithArgs) -> String {
    let names: Vec<&str> = session.commands.iter().map(|command| command.name).collect();
    let lines = |of: fn(&str, &CommandInfoWithArgs) -> Vec<String>| {
        let below = session.commands.iter().flat_map(move |command| of(command.name, &command.command));
        of("", session).into_iter().chain(below).collect::<Vec<_>>().concat()
    };
    let first = format!("            :*) [ \"$COMP_CWORD\" -gt 1 ] || words='{}' ;;\n", names.join(" "));
    [
        BEFORE.replace("COMMANDS", &names.join(" | ")).as_str(),
        &lines(values),
        "        *) case $command:$cur in\n",
        &lines(words),
        &first,
        "        esac ;;\n",
        AFTER,
    ]
    .concat()
}

/// A line for each option of a command that has a value.
fn values(name: &str, command: &CommandInfoWithArgs) -> Vec<String> {
    let line = |option: Completed| {
        let patterns: Vec<String> = option.forms.iter().map(|form| format!("{name}:{form}")).collect();
        option.value.map(|value| format!("        {}) {} ;;\n", patterns.join(" | "), offer(&value)))
    };
    options(command).into_iter().filter_map(line).collect()
}

/// A line for the options of a command, and one for its other words.
fn words(name: &str, command: &CommandInfoWithArgs) -> Vec<String> {
    let forms: Vec<String> = options(command).into_iter().flat_map(|option| option.forms).collect();
    let mut lines = vec![format!("            {name}:-*) words='{}' ;;\n", forms.join(" "))];
    // Those of a session are commands.
    if !name.is_empty() {
        lines.push(format!("            {name}:*) {} ;;\n", offer(&argument(command))));
    }
    lines
}

fn offer(value: &Value) -> String {
    match value {
        Value::Any => "return".to_owned(),
        Value::File => "compopt -o default; return".to_owned(),
        Value::OneOf(words) => format!("words='{}'", words.join(" ")),
    }
}

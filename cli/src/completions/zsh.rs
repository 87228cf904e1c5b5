//! The script for zsh.

use argh::CommandInfoWithArgs;

use super::{Completed, Value, argument, does, options};

const BEFORE: &str = "#compdef ringchat
# Completes the command lines of ringchat. `ringchat completions zsh` made this.

_ringchat_commands() {
    (( CURRENT == 2 )) || return
    local -a commands=(
";

const BETWEEN: &str = "    )
    _describe command commands
}

_ringchat() {
    if (( CURRENT > 2 )); then
        case $words[2] in
";

const AFTER: &str = r#"
}

if [ "$funcstack[1]" = _ringchat ]; then
    _ringchat "$@"
else
    compdef _ringchat ringchat
fi
"#;

/// The script that completes the command lines of `session` and of its commands.
pub(super) fn script(session: &CommandInfoWithArgs) -> String {
    let described =
        |command: &CommandInfoWithArgs| format!("        '{}:{}'\n", command.name, escaped(does(command)));
    let of_command = |command: &CommandInfoWithArgs| {
        let words = format!("'*: :{}'", action(&argument(command)));
        let arguments = arguments(command, &words, "                ");
        format!(
            "            {}) shift words; (( CURRENT-- ))\n{arguments}\n                return ;;\n",
            command.name
        )
    };
    let commands = || session.commands.iter().map(|command| &command.command);
    let (described, of_commands) =
        (commands().map(described).collect::<Vec<_>>(), commands().map(of_command).collect::<Vec<_>>());
    [
        BEFORE,
        &described.concat(),
        BETWEEN,
        &of_commands.concat(),
        "        esac\n    fi\n",
        &arguments(session, "'1: :_ringchat_commands' '*: :'", "    "),
        AFTER,
    ]
    .concat()
}

/// The call that completes the options of `command` and its other `words`, indented.
fn arguments(command: &CommandInfoWithArgs, words: &str, indent: &str) -> String {
    let specs = options(command).iter().map(spec).chain([words.to_owned()]).collect::<Vec<_>>();
    let next = format!(" \\\n{indent}    ");
    format!("{indent}_arguments{next}{}", specs.join(&next))
}

/// `'(-b --bell)'{-b,--bell}'[what it does]:off|on:(off on)'`.
fn spec(option: &Completed) -> String {
    let forms = match option.forms.as_slice() {
        [only] => only.clone(),
        several => format!("({})'{{{}}}'", several.join(" "), several.join(",")),
    };
    let value = option.value.as_ref().map(|value| format!(": :{}", action(value))).unwrap_or_default();
    format!("'{forms}[{}]{value}'", escaped(option.does))
}

fn action(value: &Value) -> String {
    match value {
        Value::Any => String::new(),
        Value::File => "_files".to_owned(),
        Value::OneOf(words) => format!("({})", words.join(" ")),
    }
}

/// A description between quotes and brackets.
fn escaped(text: &str) -> String {
    text.replace('\'', r"'\''").replace('[', r"\[").replace(']', r"\]").replace(':', r"\:")
}

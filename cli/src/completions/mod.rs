//! `ringchat completions`: scripts that let shells complete command lines, made of the options as the parser knows them.

mod bash;
mod fish;
mod nushell;
mod zsh;

#[cfg(test)]
mod documents;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, FromArgValue, FromArgs, SubCommandInfo};

use crate::flags::Flags;
use crate::{click_compat, parse, print, rooms, see, usage};

/// Print a script that lets your shell complete the command lines of ringchat.
#[derive(ArgsInfo, FromArgs, Clone, Debug, PartialEq, Eq)]
#[argh(
    help_triggers("--help", "-h"),
    example = "In ~/.bashrc:                    source <(ringchat completions bash)",
    example = "In ~/.zshrc, behind compinit:    source <(ringchat completions zsh)",
    example = "In ~/.config/fish/config.fish:   ringchat completions fish | source",
    example = "In nushell, once:  mkdir $nu.user-autoload-dirs.0; cd $nu.user-autoload-dirs.0",
    example = "and then:          ringchat completions nushell | save ringchat.nu",
    error_code(2, "usage")
)]
struct CompletionsFlags {
    /// the shell
    #[argh(positional, arg_name = "bash|zsh|fish|nushell")]
    shell: Option<Shell>,
}

#[derive(FromArgValue, Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Nushell,
}

impl Shell {
    fn script(self) -> String {
        let session = session();
        match self {
            Self::Bash => bash::script(&session),
            Self::Zsh => zsh::script(&session),
            Self::Fish => fish::script(&session),
            Self::Nushell => nushell::script(&session),
        }
    }
}

/// Does what the words after `command` ask for. None if it is another command.
pub(crate) fn run(command: &str, args: &[String]) -> Option<ExitCode> {
    if command != "completions" {
        return None;
    }
    Some(match parse("ringchat completions", args) {
        Ok(CompletionsFlags { shell: Some(shell) }) => print(&shell.script()),
        Ok(CompletionsFlags { shell: None }) => {
            usage("ringchat completions", "for which shell? say bash, zsh, fish or nushell")
        }
        Err(code) => code,
    })
}

/// The command line of a session, and below it those of the commands.
fn session() -> CommandInfoWithArgs {
    let mut commands = vec![rooms::command()];
    commands.extend(see::commands());
    commands.push(named::<CompletionsFlags>("completions"));
    CommandInfoWithArgs { name: "ringchat", commands, ..Flags::get_args_info() }
}

/// The command `name`, whose command line `T` parses.
pub(crate) fn named<T: ArgsInfo>(name: &'static str) -> SubCommandInfo {
    SubCommandInfo { name, command: CommandInfoWithArgs { name, ..T::get_args_info() } }
}

/// What a word of the command line may be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// What nobody can guess.
    Any,
    /// The name of a file or of a folder.
    File,
    /// One of these words.
    OneOf(Vec<&'static str>),
}

impl Value {
    /// What a word may be that the help calls `name`.
    fn called(name: &'static str) -> Self {
        let words: Vec<&str> = name.split('|').collect();
        if words.iter().all(|word| ["file", "folder"].contains(word)) {
            Self::File
        } else if words.len() > 1 {
            Self::OneOf(words)
        } else {
            Self::Any
        }
    }
}

/// An option, as shells complete it.
struct Completed {
    /// What may be typed, the short forms first.
    forms: Vec<String>,
    does: &'static str,
    /// None if the option takes no value.
    value: Option<Value>,
}

impl Completed {
    fn new(flag: &FlagInfo<'static>, is_session: bool) -> Self {
        let short = flag.short.map(|letter| format!("-{letter}"));
        let forms = if is_session {
            click_compat::forms(flag.long)
        } else {
            short.into_iter().chain([flag.long.to_owned()]).collect()
        };
        let value = match flag.kind {
            FlagInfoKind::Switch => None,
            FlagInfoKind::Option { arg_name } => Some(Value::called(arg_name)),
        };
        Self { forms, does: flag.description, value }
    }
}

/// The options of a command, or of a session, which alone has commands below it.
fn options(command: &CommandInfoWithArgs) -> Vec<Completed> {
    let is_session = !command.commands.is_empty();
    command.flags.iter().map(|flag| Completed::new(flag, is_session)).collect()
}

/// What the words of a command may be that belong to no option.
fn argument(command: &CommandInfoWithArgs) -> Value {
    command.positionals.first().map_or(Value::Any, |positional| Value::called(positional.name))
}

/// What a command does, in few words.
fn does(command: &CommandInfoWithArgs) -> &'static str {
    command.description.split(['.', ':']).next().unwrap_or_default()
}

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use super::*;

/// What bash runs to complete the words behind `--`, once it knows the script: each completion in a line, or `files`.
const COMPLETE_IN_BASH: &str = r#"
compopt() { echo files; }
COMP_WORDS=(ringchat "$@") COMP_CWORD=$#
_ringchat
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"#;

/// What a shell prints when it runs `script` with `args`. None if there is no such shell here.
fn run_in(shell: &str, args: &[&str]) -> Option<String> {
    let run = Command::new(shell).args(args).stdin(Stdio::null()).output();
    match run {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && errors.is_empty(), "{shell} {args:?}: {errors}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("SKIPPED: there is no {shell} here");
            None
        }
        Err(error) => panic!("{shell}: {error}"),
    }
}

#[test]
fn each_package_holds_the_script_of_each_shell() {
    let manifest = include_str!("../../Cargo.toml");
    for metadata in ["deb", "generate-rpm"] {
        let (_, section) = manifest.split_once(&format!("[package.metadata.{metadata}]\n")).unwrap();
        let section = section.split("\n[").next().unwrap();
        for (shell, script) in [
            (Shell::Bash, "ringchat.bash"),
            (Shell::Zsh, "_ringchat"),
            (Shell::Fish, "ringchat.fish"),
            (Shell::Nushell, "ringchat.nu"),
        ] {
            assert!(section.contains(&format!("\"../target/dist/{script}\"")), "{metadata}: {shell:?}");
        }
    }
}

#[test]
fn bash_takes_its_script_and_completes_with_it() {
    let script = Shell::Bash.script();
    if run_in("bash", &["-n", "-c", &script]).is_none() {
        return;
    }
    let script = script + COMPLETE_IN_BASH;
    let completed = |words: &[&str]| {
        let args = [&["--norc", "-u", "-c", &script, "bash"], words].concat();
        run_in("bash", &args).unwrap().replace('\n', " ").trim_end().to_owned()
    };
    assert_eq!(completed(&["--no-l"]), "--no-log");
    assert_eq!(completed(&["-n"]), "-n -na -np");
    assert_eq!(completed(&["ro"]), "rooms");
    assert_eq!(completed(&["-n", "ro"]), "", "a name is no command");
    assert_eq!(completed(&["-n", "lab", "--see"]), "--see --see-port", "nor is it here");
    assert_eq!(completed(&["-n", "*", "a:1", "--see-"]), "--see-port");
    assert_eq!(completed(&["--bell", "m"]), "mentions");
    assert_eq!(completed(&["--bell", "=", "m"]), "mentions");
    assert_eq!(completed(&["--bell", "="]), "off mentions all");
    assert_eq!(completed(&["--ticket-file", "x"]), "files");
    assert_eq!(completed(&["-np", "5"]), "");
    assert_eq!(completed(&["completions", ""]), "bash zsh fish nushell");
    assert_eq!(completed(&["rooms", "--"]), "--help --for --json --address");
    #[cfg(feature = "see")]
    {
        assert_eq!(completed(&["sim", "--ki"]), "--kill");
        assert_eq!(completed(&["trace", ""]), "files");
        assert_eq!(completed(&["trace", "a.ndjson", "--to", "s"]), "svg shiviz");
    }
}

#[test]
fn fish_takes_its_script_and_completes_with_it() {
    let script = Shell::Fish.script();
    let completed = |line: &str| {
        let complete = format!("{script}\ncomplete -C '{line}'");
        let printed = run_in("fish", &["--no-config", "--command", &complete])?;
        // A description stands behind a tab.
        let words: Vec<&str> = printed.lines().filter_map(|line| line.split('\t').next()).collect();
        Some(words.join(" "))
    };
    for (line, words) in [
        ("ringchat --no-l", "--no-log"),
        ("ringchat ro", "rooms"),
        ("ringchat -n lab --see-", "--see-port"),
        ("ringchat --bell m", "mentions"),
        ("ringchat completions z", "zsh"),
        ("ringchat rooms --a", "--address"),
    ] {
        if let Some(completed) = completed(line) {
            assert_eq!(completed, words, "{line}");
        }
    }
}

/// What nushell runs to complete the words behind `ringchat`, once it knows the script: each completion in a line, or `files`.
const COMPLETE_IN_NUSHELL: &str = r#"
let completed = do $env.config.completions.external.completer (["ringchat"] ++ $words)
if $completed == null { "files" } else { $completed | each {|it| if ($it | describe) == string { $it } else { $it.value } } | str join "\n" }
"#;

#[test]
fn nushell_takes_its_script_and_completes_with_it() {
    let script = Shell::Nushell.script();
    let completed = |words: &[&str]| {
        let words = serde_json::to_string(words).unwrap();
        let run = format!("{script}\nlet words = {words}\n{COMPLETE_IN_NUSHELL}");
        let printed = run_in("nu", &["--no-config-file", "--no-std-lib", "--commands", &run])?;
        Some(printed.replace('\n', " ").trim_end().to_owned())
    };
    for (words, all) in [
        (&["--no-l"][..], "--no-log"),
        (&["-n"], "-n -na -np"),
        (&["ro"], "rooms"),
        (&["-n", "ro"], ""),
        (&["-n", "lab", "--see-"], "--see-port"),
        (&["--bell", "m"], "mentions"),
        (&["--bell=m"], "--bell=mentions"),
        (&["--ticket-file", "x"], "files"),
        (&["-np", "5"], ""),
        (&["--no-log", "x"], ""),
        (&["completions", ""], "bash zsh fish nushell"),
        (&["rooms", "--"], "--help --for --json --address"),
    ] {
        if let Some(completed) = completed(words) {
            assert_eq!(completed, all, "{words:?}");
        }
    }
    let other = format!(
        "$env.config.completions.external.completer = {{|spans| [other]}}\n{script}\n\
         do $env.config.completions.external.completer [git x] | str join"
    );
    if let Some(completed) = run_in("nu", &["--no-config-file", "--no-std-lib", "--commands", &other]) {
        assert_eq!(completed.trim_end(), "other", "other commands are left to the completer before");
    }
}

#[test]
fn zsh_takes_its_script() {
    run_in("zsh", &["-f", "-n", "-c", &Shell::Zsh.script()]);
}

#[test]
fn every_shell_completes_every_option_of_every_command() {
    let session = session();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Nushell] {
        let script = shell.script();
        let commands = session.commands.iter().map(|command| &command.command).chain([&session]);
        for form in commands.flat_map(options).flat_map(|option| option.forms) {
            let form = if shell == Shell::Fish { fish::named(&form) } else { form };
            let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-');
            assert!(script.split(&form).skip(1).any(ends), "{shell:?}: {form}");
        }
    }
    assert!(options(&session).iter().all(|option| !option.forms.is_empty()), "click_compat lacks an option");
}

//! The documents name what the program has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::command::COMMANDS;
use crate::flags::Invocation;

/// What is understood, but named in another form: the original program spells it with an underscore.
const OTHER_SPELLING: &str = "--not-leader";

/// What the help of argh has no place for.
const NOT_IN_HELP: [&str; 2] = ["--not_leader", "-h"];

type Words = BTreeSet<String>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// What stands in `text` between `begin` and `end`.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    text.split_once(begin).and_then(|(_, rest)| rest.split(end).next()).unwrap()
}

/// A section of the man page, with the signs that a reader sees.
fn section(name: &str) -> String {
    between(&read("docs/ringchat.1"), &format!("\n.SH {name}\n"), "\n.SH ").replace(r"\-", "-")
}

/// The words of `text` that begin with `start`.
fn words<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = String> + 'a {
    let is_part = |sign: char| sign.is_alphanumeric() || "-_/".contains(sign);
    let words = text.split(move |sign| !is_part(sign));
    words.filter(move |word| word.starts_with(start) && word.len() > start.len()).map(str::to_owned)
}

/// All forms of all options of a session.
fn forms() -> Words {
    options(&session()).into_iter().flat_map(|option| option.forms).collect()
}

#[test]
fn help_man_page_and_readme_name_the_same_options() {
    let mut told = forms();
    assert!(told.remove(OTHER_SPELLING));

    let man = section("OPTIONS");
    // An option stands below a sign of a new paragraph, and others in the text.
    let heads = man.lines().zip(man.lines().skip(1)).filter(|(sign, _)| [".TP", ".TQ"].contains(sign));
    let man: Words = heads.flat_map(|(_, head)| words(head, "-")).collect();
    assert_eq!(man, told, "the man page");

    let readme = read("README.md");
    let rows =
        between(&readme, "| option | default |", "\n\n").lines().filter_map(|row| row.split(" | ").next());
    let readme: Words =
        rows.flat_map(|cell| words(cell, "-")).filter(|word| !word.starts_with("---")).collect();
    assert_eq!(readme, told, "README.md");

    let Ok(Invocation::Print(help)) = Flags::parse(["--help".to_owned()]) else { panic!() };
    let help: Words = words(between(&help, "\nOptions:\n", "\nExamples:\n"), "-").collect();
    let in_help = forms().into_iter().filter(|form| !NOT_IN_HELP.contains(&form.as_str()));
    assert_eq!(help, in_help.collect(), "--help");
}

#[test]
fn man_page_and_readme_name_the_same_variables() {
    let readme: Words = words(&read("README.md"), "RINGCHAT_").collect();
    assert!(readme.len() > 20);
    assert_eq!(words(&section("ENVIRONMENT"), "RINGCHAT_").collect::<Words>(), readme);
}

#[test]
fn the_man_page_names_the_commands_and_the_exit_codes() {
    let typed = COMMANDS.iter().filter_map(|command| command.words.first());
    let typed: Words = typed.map(|&word| word.to_owned()).collect();
    assert_eq!(words(&section("COMMANDS"), "/").collect::<Words>(), typed);

    let about = section("DESCRIPTION");
    for command in session().commands {
        assert!(
            about.contains(&format!(".TP\n.B {}\n", command.name))
                || about.contains(&format!(".BR {} ", command.name))
        );
    }

    let status = section("EXIT STATUS");
    let heads = status.lines().filter(|line| line.starts_with(".B"));
    let numbers = heads.flat_map(|head| head.split(|sign: char| !sign.is_ascii_digit()));
    let told: BTreeSet<i32> = numbers.filter_map(|number| number.parse().ok()).collect();
    let codes = session().error_codes.iter().map(|known| known.code).chain([0]);
    assert_eq!(told, codes.collect());
}

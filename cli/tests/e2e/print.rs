//! Output without a room: help, version, usage errors.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn print(option: &str, stdout: impl Into<Stdio>) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ringchat"));
    program.arg(option).stdout(stdout).stderr(Stdio::piped());
    program.spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn what_cannot_be_printed_is_complained_about_and_ends_with_1() {
    for option in ["--version", "--help"] {
        let output = print(option, File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(output.status.code(), Some(1), "{option}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"), "{option}");
    }
}

#[test]
fn a_closed_output_is_no_error() {
    for option in ["--version", "--help"] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(print(option, writer).status.code(), Some(0), "{option}");
    }
}

/// The long options in these lines, which begin with the options that they explain.
fn options<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let words = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphabetic() && !"-_".contains(c)));
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(|word| word.replace('_', "-")).collect()
}

#[test]
fn the_help_and_the_readme_name_the_same_options() {
    let help = String::from_utf8(print("--help", Stdio::piped()).stdout).unwrap();
    // What explains an option begins in a column of its own.
    let explained =
        help.lines().filter_map(|line| line.trim_start().strip_prefix('-').map(|_| line.trim_start()));
    let helped = options(explained.map(|line| line.split("  ").next().unwrap_or_default()));
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let (_, table) = readme.split_once("| option | default |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let told = options(rows.map(|row| row.split(" | ").next().unwrap_or_default()));
    // These two speak for themselves.
    let rest: BTreeSet<String> = helped.symmetric_difference(&told).cloned().collect();
    assert_eq!(rest, BTreeSet::from(["--help", "--version"].map(str::to_owned)));
}

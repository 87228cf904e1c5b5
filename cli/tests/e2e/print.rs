//! Output without a room: help, version, usage errors.

use std::fs::File;
use std::io;
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

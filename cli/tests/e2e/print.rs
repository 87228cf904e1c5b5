//! Output without a room: help, version, usage errors.

use std::fs::File;
use std::io::{self, Write};
use std::net::TcpListener;
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

/// The exit code and the complaints of a session whose output nobody reads. It can join nobody, so it says nothing of `input`.
fn unheard(args: &[&str], input: &str) -> (Option<i32>, String) {
    let contact = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut program = Command::new(env!("CARGO_BIN_EXE_ringchat"));
    program.args(args).args(["-n", "x", "--no-log", &contact]).current_dir(home.path());
    program.env("XDG_DATA_HOME", home.path()).env("XDG_STATE_HOME", home.path());
    let mut program = program.stdin(Stdio::piped()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn lines_that_are_not_sent_because_nobody_reads_the_output_are_counted_and_end_with_1() {
    let say = r#"{"command":"say","text":"x"}"#;
    let commands = format!("{say}\n{say}\nno command\n{{\"command\":\"quit\"}}\n{say}\n");
    for (args, input) in [(&[][..], "one\n\ntwo\n//exit\nthree\n"), (&["--json"], &commands)] {
        let (code, told) = unheard(args, input);
        assert!(code == Some(1) && told.contains("; 2 lines were not sent"), "{code:?} {told}");
        assert_eq!(unheard(args, "").0, Some(0), "nothing was to be sent");
    }
}

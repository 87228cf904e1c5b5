//! Signals, and the state of the terminal after them.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::Room;
use crate::json_member::JsonMember;
use crate::pty::Terminal;

#[test]
fn a_signal_or_key_to_end_at_once_restores_the_terminal() {
    let mut room = Room::new(&[]);
    room.type_in("half a");
    room.bob.signal(Signal::QUIT);
    assert_eq!(room.bob.exit().code(), Some(131));
    room.bob.assert_restored();

    let mut room = Room::new(&[]);
    room.keys("half a\u{1c}");
    assert_eq!(room.bob.exit().code(), Some(131));
    room.bob.assert_restored();
}

#[test]
fn while_joining_an_interrupt_says_that_it_gave_up() {
    let dir = TempDir::new().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let contact = silent.local_addr().unwrap().to_string();
    let mut bob = Terminal::start(dir.path(), &["-n", "Bob", &contact], &[]);
    bob.wait("joining", |lines| lines.iter().any(|line| line.contains("joining through")));
    bob.signal(Signal::INT);
    assert_eq!(bob.exit().code(), Some(130));
    let lines = bob.wait("a word", |lines| lines.iter().any(|line| line.contains("gave up joining")));
    assert!(!lines.iter().any(|line| line.contains("you left the ring")), "{lines:?}");
}

#[test]
fn a_terminal_that_is_not_read_is_restored_all_the_same() {
    for (signal, exit) in [(Signal::TERM, 143), (Signal::QUIT, 131)] {
        let mut room = Room::new(&[]);
        room.bob.hold(true);
        // More than the buffers between the program and the terminal hold.
        for line in 0..400 {
            room.eve.say(&format!("{line} {}", "x".repeat(1000)));
        }
        room.eve.say("the last");
        while room.eve.wait("message")["text"] != "the last" {}
        room.bob.signal(signal);
        assert_eq!(room.bob.exit().code(), Some(exit));
        assert!(room.bob.is_cooked());
        room.bob.hold(false);
        let end = "\u{1b}[?2004l\u{1b}[?7h\u{1b}[?2026l\r\r\n\u{1b}[J";
        room.bob.wait_raw(end);
    }
}

#[test]
fn a_program_whose_terminal_is_gone_does_not_stop() {
    let dir = TempDir::new().unwrap();
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve", "--detect-ms", "60000"]);
    let mut bob = Terminal::start(dir.path(), &["-n", "Bob", "--detect-ms", "60000", &eve.addr], &[]);
    eve.wait("joined");
    bob.wait("the prompt", |lines| lines.last().is_some_and(|line| line.starts_with('>')));
    // It leaves once Eve has its text.
    eve.freeze();
    bob.keys("hello\r");
    bob.wait("the text", |lines| lines.iter().any(|line| line.ends_with(": hello")));
    bob.signal(Signal::HUP);
    bob.wait("no prompt", |lines| !lines.last().is_some_and(|line| line.starts_with('>')));
    bob.signal(Signal::TSTP);
    bob.wait_quiet(Duration::from_millis(200));
    eve.thaw();
    assert_eq!(bob.exit().code(), Some(129));
}

/// Starts a member under a shell that ignores a signal, as `nohup` or `&` in a script do.
fn ignoring(signal: &str, dir: &Path, args: &[&str]) -> JsonMember {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("trap '' {signal}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_ringchat")]);
    command.stdin(Stdio::piped()).args(args);
    JsonMember::start_as(command, dir)
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT), ("TERM", Signal::TERM)] {
        let dir = TempDir::new().unwrap();
        let mut eve = ignoring(name, dir.path(), &["-l", "-n", "Eve"]);
        let mut bob = JsonMember::start(dir.path(), &["-n", "Bob", &eve.addr]);
        eve.wait("joined");
        eve.signal(signal);
        bob.say("still there?");
        assert_eq!(eve.heard(), "still there?");
        eve.say("yes");
        assert_eq!(bob.heard(), "yes");
    }
}

//! Private rooms on a terminal: tickets that are asked for and shown, and keys that are compared.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::Room;
use crate::json_member::JsonMember;
use crate::pty::Terminal;

/// A private room that Eve created, and its ticket.
fn private(dir: &TempDir) -> (JsonMember, String) {
    let mut eve = JsonMember::start(dir.path(), &["-l", "--private", "-n", "Eve"]);
    eve.command(&json!({"command": "ticket"}));
    let ticket = eve.wait("ticket")["ticket"].as_str().unwrap().to_owned();
    (eve, ticket)
}

/// Waits until the screen has a row with `text`, and returns the rows.
fn wait(terminal: &Terminal, text: &str) -> Vec<String> {
    terminal.wait(text, |lines| lines.iter().any(|line| line.contains(text)))
}

/// Bob's terminal, which asks for a ticket.
fn asked(dir: &TempDir) -> Terminal {
    let bob = Terminal::start(dir.path(), &["-n", "Bob", "--ticket"], &[]);
    wait(&bob, "ticket (not shown):");
    while bob.is_cooked() {
        std::thread::yield_now();
    }
    bob
}

#[test]
fn a_ticket_is_asked_for_without_echo_and_opens_the_room() {
    let dir = TempDir::new().unwrap();
    let (eve, ticket) = private(&dir);
    let mut bob = asked(&dir);
    // A slip is taken back, and what is typed after Enter is for the room.
    bob.keys(&format!("wrong\u{15}{ticket}x\u{7f}\rhello\r"));
    assert_eq!(eve.heard(), "hello");
    // The last row of the greeting.
    let lines = wait(&bob, "the room lists the key in your ticket, ");
    let at = |text: &str| lines.iter().position(|line| line.contains(text));
    assert!(at("joining through") < at("private and encrypted; your key is "), "{lines:#?}");
    assert!(
        at("/ticket shows what others need to come in; give it to nobody else ///").is_some(),
        "{lines:#?}"
    );
    assert!(at("open room").is_none() && at("others join with").is_none(), "{lines:#?}");
    let shown = String::from_utf8_lossy(&bob.raw()).into_owned();
    assert!(!shown.contains(&ticket["ringchat:".len()..][..12]), "the ticket is shown");
}

#[test]
fn the_member_of_the_ticket_is_recognized_when_it_speaks() {
    let dir = TempDir::new().unwrap();
    let (mut eve, ticket) = private(&dir);
    let mut bob = asked(&dir);
    bob.keys(&format!("{ticket}\r"));
    eve.wait("joined");
    eve.say("hello");
    let lines = wait(&bob, "]: hello");
    let recognized = |line: &&String| {
        line.starts_with("/// Eve has the key ") && line.ends_with(", the one in your ticket ///")
    };
    assert!(lines.iter().any(|line| recognized(&line)), "{lines:#?}");
}

#[test]
fn while_a_ticket_is_asked_for_the_program_can_be_ended_and_the_terminal_is_as_before() {
    for (keys, signal, exit) in [
        ("\u{3}", None, 130),
        ("half\u{3}", None, 130),
        ("\r", None, 2),
        ("\u{4}", None, 2),
        ("hello\r", None, 2),
        ("half", Some(Signal::TERM), 143),
        ("half", Some(Signal::INT), 130),
    ] {
        let dir = TempDir::new().unwrap();
        let mut bob = asked(&dir);
        bob.keys(keys);
        if let Some(signal) = signal {
            bob.signal(signal);
        }
        assert_eq!(bob.exit().code(), Some(exit), "{keys:?} {signal:?}");
        assert!(bob.is_cooked(), "{keys:?} {signal:?}");
        bob.wait_quiet(std::time::Duration::from_millis(50));
        assert!(!String::from_utf8_lossy(&bob.raw()).contains("half"));
    }
}

#[test]
fn a_ticket_is_shown_whole_and_others_come_in_with_it() {
    let dir = TempDir::new().unwrap();
    let mut alice = Terminal::start(dir.path(), &["-l", "--private", "-n", "Alice"], &[]);
    wait(&alice, "> Alice(");
    alice.resize(60, 40);
    alice.keys("/ticket\r");
    wait(&alice, "with this ticket anybody can come in");
    // The terminal wraps a row that is too wide, and copies it whole.
    let lines = alice.wait("a ticket", |lines| {
        let row = lines.iter().position(|line| line.starts_with("ringchat:"));
        row.is_some_and(|row| lines.get(row + 1).is_some_and(|line| line.len() > 40))
    });
    let row = lines.iter().position(|line| line.starts_with("ringchat:")).unwrap();
    let file = dir.path().join("ticket");
    fs::write(&file, format!("{}{}", lines[row], lines[row + 1])).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let mut bob = JsonMember::start(dir.path(), &["-n", "Bob", "--ticket-file", file.to_str().unwrap()]);
    bob.say("hello");
    wait(&alice, "]: hello");
    wait(&alice, "/// Bob is new to you: /verify Bob KEY once ///");
    // Up recalls the command and not its answer.
    alice.keys("\u{1b}[A");
    alice.wait("the command", |lines| lines.last().is_some_and(|line| line.ends_with("): /ticket")));
}

#[test]
fn a_ticket_that_is_typed_as_a_text_is_asked_about_and_not_recalled() {
    let dir = TempDir::new().unwrap();
    let (_eve, ticket) = private(&dir);
    let mut room = Room::new(&[]);
    room.keys(&format!("{ticket}\r"));
    wait(&room.bob, "this has a ticket in it");
    room.bob.keys("\u{1b}");
    room.bob.wait("no question", |lines| !lines.iter().any(|line| line.contains("this has a ticket")));
    room.bob.keys("\u{3}");
    room.keys("\u{1b}[Ahello\r");
    assert_eq!(room.eve.heard(), "hello");
    room.keys(&format!("{ticket}\r"));
    wait(&room.bob, "this has a ticket in it");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), ticket, "the user may say it all the same");
    room.keys("\u{1b}[A");
    room.bob.wait_line(&format!("{} hello", room.prompt));
}

#[test]
fn keys_are_shown_compared_and_marked() {
    let mut room = Room::new(&[]);
    room.keys("/keys eve\r");
    let lines = wait(&room.bob, ", new to you; in full: ");
    let row = lines.iter().find(|line| line.starts_with("/// Eve(")).unwrap();
    let key = row.split(' ').nth(2).unwrap().trim_end_matches(',').to_owned();
    assert_eq!(key.len(), 19, "{row}");
    room.keys(&format!("/verify Eve {}\r", key.replace('-', "").to_uppercase()));
    room.bob.wait_line(&format!(
        "/// the same: Eve({}) has the key {key}, and is verified from now on ///",
        room.eve.addr
    ));
    room.keys("/keys EVE\r");
    wait(&room.bob, &format!("{key}, verified as Eve; in full:"));
    room.keys("/verify Eve aaaa-aaaa-aaaa-aaaa\r");
    wait(&room.bob, "/// NOT the same: Eve(");
    room.keys("/verify Mallory aaaa-aaaa-aaaa-aaaa\r");
    wait(&room.bob, "/// nobody here is called Mallory; /keys shows all members with their keys ///");
    room.keys("/verify Eve\r");
    wait(&room.bob, "/// /verify WHO KEY: ask WHO for the key");
    room.keys("/ticket\r");
    wait(&room.bob, "/// this room is open, so nobody needs a ticket");
}

#[test]
fn a_key_that_cannot_be_kept_is_verified_only_until_the_user_leaves() {
    let dir = TempDir::new().unwrap();
    let known = dir.path().join("ringchat/known");
    fs::create_dir(known.parent().unwrap()).unwrap();
    fs::write(&known, "").unwrap();
    fs::set_permissions(&known, Permissions::from_mode(0o644)).unwrap();
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
    let state = dir.path().to_str().unwrap();
    let mut bob = Terminal::start(dir.path(), &["-n", "Bob", &eve.addr], &[("XDG_STATE_HOME", state)]);
    wait(&bob, "until then no key is known");
    bob.keys("/keys eve\r");
    let lines = wait(&bob, ", new to you; in full: ");
    let row = lines.iter().find(|line| line.starts_with("/// Eve(")).unwrap();
    bob.keys(&format!("/verify Eve {}\r", row.split(' ').nth(2).unwrap().trim_end_matches(',')));
    wait(&bob, ", and is verified until you leave ///");
}

#[test]
fn a_name_with_another_key_is_warned_of_and_shown_with_the_key() {
    let room = Room::new(&[]);
    let dir = TempDir::new().unwrap();
    let carol = |text: &str| {
        let mut carol = JsonMember::start(dir.path(), &["-n", "Carol", &room.eve.addr]);
        carol.say(text);
        wait(&room.bob, &format!("]: {text}"));
        carol
    };
    drop(carol("one"));
    room.bob.wait_line("/// Carol was lost ///");
    let other = carol("two");
    let lines = room.bob.wait("both", |lines| lines.iter().any(|line| line.ends_with("]: two")));
    assert!(lines.iter().any(|line| line.starts_with("/// WARNING: this Carol has the key ")), "{lines:#?}");
    let said = lines.iter().find(|line| line.ends_with("]: two")).unwrap();
    assert!(said.starts_with(&format!("> Carol({} ", other.addr)), "{said}");
    let said = lines.iter().find(|line| line.ends_with("]: one")).unwrap();
    assert_eq!(said.matches(' ').count(), 2, "no key stands beside the first: {said}");
}

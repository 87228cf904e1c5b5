//! People who talk: names, mentions, times, and what was said and typed before.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::Room;
use crate::json_member::JsonMember;
use crate::pty::Terminal;

#[test]
fn a_mention_stands_out_and_rings_once() {
    let mut room = Room::new(&[]);
    room.eve.say("hello all");
    room.eve.say("/me thanks bob");
    room.eve.say("is @Bob there?");
    assert!(room.shows("is @Bob there?"));
    room.bob.wait("what Eve does", |lines| {
        let start = format!("> * Eve({})[", room.eve.addr);
        lines.iter().any(|line| line.starts_with(&start) && line.ends_with("] thanks bob"))
    });
    let raw = String::from_utf8(room.bob.raw()).unwrap();
    assert_eq!(raw.matches("\u{1b}[1m\u{1b}[35mEve\u{1b}[0m(").count(), 2);
    assert_eq!(raw.matches("\u{1b}[1m\u{1b}[36mEve\u{1b}[0m(").count(), 1);
    assert_eq!(raw.matches('\u{7}').count(), 1, "two mentions within three seconds");
}

#[test]
fn the_bell_is_silent_when_it_is_switched_off() {
    let mut room = Room::new(&["--bell", "off"]);
    room.eve.say("Bob!");
    assert!(room.shows("Bob!"));
    assert!(!room.bob.raw().contains(&7));
}

#[test]
fn names_and_commands_are_completed() {
    let mut room = Room::new(&[]);
    room.keys("e\thello\r");
    assert_eq!(room.eve.heard(), "Eve: hello");
    room.keys("thanks @E\t\r");
    assert_eq!(room.eve.heard(), "thanks @Eve ");
    room.keys("/lead\t\r");
    room.bob.wait_line("/// Eve leads (epoch 1) ///");
    room.keys("/r\t\t");
    room.bob.wait_line(&format!("{} /ring", room.prompt));
    room.bob.keys("\u{1b}[Z");
    room.bob.wait_line(&format!("{} /room", room.prompt));
    room.bob.keys("\u{1f}\u{1f}\u{1f}");
    room.bob.wait_line(&format!("{} /r", room.prompt));
}

#[test]
fn what_is_done_is_said_as_such() {
    let mut room = Room::new(&[]);
    room.keys("/me waves\r");
    assert_eq!(room.eve.heard(), "/me waves");
    room.bob.wait_line(&format!("{} /me waves", room.prompt));
}

#[test]
fn a_newcomer_sees_what_was_said_before_it_came_and_then_what_is_said() {
    let dir = TempDir::new().unwrap();
    let mut eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
    for n in 1..=30 {
        eve.say(&format!("text {n}"));
    }
    (1..=30).for_each(|_| drop(eve.wait("sent")));
    let bob = Terminal::start(dir.path(), &["-n", "Bob", &eve.addr, "--backlog", "3"], &[]);
    bob.wait_line("/// now ///");
    eve.say("hello Bob");
    let lines = bob.wait("what is said now", |lines| lines.iter().any(|line| line.ends_with("]: hello Bob")));
    let from = lines.iter().position(|line| line == "/// said before you came ///").unwrap();
    let (before, after) = lines[from + 1..].split_at(3);
    let said: Vec<&str> =
        before.iter().filter_map(|line| line.split_once("]: ")).map(|(_, said)| said).collect();
    assert_eq!(said, ["text 28", "text 29", "text 30"], "{lines:?}");
    assert_eq!(after[0], "/// now ///");
}

#[test]
fn times_stand_before_all_lines_and_the_day_above_them() {
    let mut room = Room::with(&["--time"], &[("TZ", "UTC")]);
    room.eve.say("hello");
    room.bob.wait("what Eve says", |lines| lines.iter().any(|line| line.ends_with("]: hello")));
    room.keys("me too\r");
    assert_eq!(room.eve.heard(), "me too");
    let timed = |line: &&String| {
        let (time, rest) = line.split_at(6.min(line.len()));
        time.as_bytes().get(2) == Some(&b':') && (rest.starts_with("> ") || rest.starts_with("///"))
    };
    let ends = ["leads; /help shows the commands ///", "]: hello", ": me too"];
    let lines = room.bob.wait("a time before each line", |lines| {
        ends.iter().all(|end| lines.iter().filter(timed).any(|line| line.ends_with(end)))
    });
    let year = lines[0].strip_suffix(" ///").and_then(|line| line.rsplit(' ').next()?.parse::<u16>().ok());
    assert!(year.is_some_and(|year| year >= 2026), "{lines:#?}");
    room.keys("/time\r");
    room.bob.wait_line("/// no times are shown ///");
}

#[test]
fn whoever_is_ignored_is_shown_again_when_asked_for() {
    let dir = TempDir::new().unwrap();
    let mut room = Room::new(&[]);
    let mut carol = JsonMember::start(dir.path(), &["-n", "Carol", &room.eve.addr]);
    room.keys("/ignore eve\r");
    room.bob
        .wait("an answer", |lines| lines.iter().any(|line| line.contains("are not shown; /unignore Eve")));
    room.eve.say("Bob, listen");
    assert_eq!(carol.heard(), "Bob, listen");
    // What Carol says after she heard Eve comes after that at Bob too.
    carol.say("you hear?");
    room.bob.wait("what Carol says", |lines| lines.iter().any(|line| line.ends_with("]: you hear?")));
    room.keys("/ignore\r");
    room.bob.wait("a count", |lines| lines.iter().any(|line| line.ends_with(": 1 message not shown ///")));
    room.keys("/unignore eve\r/last\r");
    assert!(room.shows("Bob, listen"));
    room.bob.wait_line("/// last 2 ///");
    assert!(!room.bob.raw().contains(&7));
}

/// A member that has the files of an earlier one.
fn at_home(dir: &TempDir, eve: &JsonMember, args: &[&str]) -> (Terminal, PathBuf) {
    let home = dir.path().join("home");
    fs::create_dir_all(&home).unwrap();
    let name = home.to_str().unwrap();
    let env = [("XDG_STATE_HOME", name), ("XDG_DATA_HOME", name)];
    let bob = Terminal::start(dir.path(), &[&["-n", "Bob", &eve.addr], args].concat(), &env);
    bob.wait("a prompt", |lines| {
        lines.last().is_some_and(|line| line.starts_with("> Bob(") && line.ends_with("):"))
    });
    (bob, home.join("ringchat").join("history"))
}

#[test]
fn what_was_typed_is_recalled_in_the_next_session() {
    let dir = TempDir::new().unwrap();
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
    let (mut bob, file) = at_home(&dir, &eve, &[]);
    bob.keys("first\r hidden\r");
    assert_eq!((eve.heard().as_str(), eve.heard().as_str()), ("first", " hidden"));
    bob.keys("\u{4}");
    assert_eq!(bob.exit().code(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "\"first\"\n");

    let (mut bob, _) = at_home(&dir, &eve, &["--no-history"]);
    bob.keys("\u{1b}[Aforgotten\r");
    assert_eq!(eve.heard(), "forgotten", "nothing is recalled");
    bob.keys("\u{4}");
    assert_eq!(bob.exit().code(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "\"first\"\n");

    let (mut bob, _) = at_home(&dir, &eve, &[]);
    bob.keys("\u{1b}[A\r");
    assert_eq!(eve.heard(), "first");
}

#[test]
fn what_was_typed_is_kept_though_the_terminal_goes_and_says_so_twice() {
    let dir = TempDir::new().unwrap();
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
    let (mut bob, file) = at_home(&dir, &eve, &[]);
    bob.keys("first\rnot sent");
    assert_eq!(eve.heard(), "first");
    // While the member leaves, the key would end the program at once.
    bob.wait("a text", |lines| lines.last().is_some_and(|line| line.ends_with("): not sent")));
    bob.keys("\u{3}");
    bob.wait("no text", |lines| lines.last().is_some_and(|line| line.ends_with("):")));
    // To leave takes a while.
    eve.freeze();
    bob.signal(Signal::HUP);
    bob.wait("no prompt", |lines| lines.last().is_some_and(|line| !line.ends_with("):")));
    bob.signal(Signal::HUP);
    assert_eq!(bob.exit().code(), Some(129));
    eve.thaw();
    assert_eq!(fs::read_to_string(&file).unwrap(), "\"first\"\n");
}

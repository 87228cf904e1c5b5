//! Lines pasted at a terminal that does not mark pastes, while the room is slow.

use std::time::Duration;

use ringchat_core::limits::SUBMIT_WINDOW;
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

use crate::json_member::JsonMember;
use crate::pty::Terminal;

/// More lines than a room takes that does not answer.
const LINES: usize = 10_000;

/// What stands below the line that waits.
const WAITS: &str = "waits until the room takes more; Ctrl-C drops it, and what follows";

/// Eve, whose process is stopped, and Bob on a terminal.
fn slow_room(dir: &TempDir, args: &[&str]) -> (JsonMember, Terminal) {
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve", "--detect-ms", "60000"]);
    let args = [&["-n", "Bob", "--detect-ms", "60000", &eve.addr], args].concat();
    let bob = Terminal::start(dir.path(), &args, &[]);
    eve.wait("joined");
    bob.wait("the prompt", |lines| lines.last().is_some_and(|line| line.starts_with('>')));
    eve.freeze();
    (eve, bob)
}

/// Waits until the room takes nothing more.
fn wait_full(bob: &Terminal) {
    bob.wait_line(WAITS);
    bob.wait_quiet(Duration::from_millis(500));
}

/// So many short lines.
fn numbers(count: usize) -> String {
    (0..count).map(|number| number.to_string() + "\r").collect()
}

fn line(number: usize) -> String {
    format!("line {number} of many that are pasted at once.")
}

#[test]
fn all_lines_come_whole_and_in_order_once_the_room_takes_them() {
    for args in [&["--no-history"][..], &["-f"]] {
        let dir = TempDir::new().unwrap();
        let (eve, bob) = slow_room(&dir, args);
        let writer = bob.press_all((0..LINES).map(|number| line(number) + "\r").collect());
        wait_full(&bob);
        assert!(!writer.is_finished(), "all is read, however much it is");
        eve.thaw();
        for number in 0..LINES {
            assert_eq!(eve.heard(), line(number));
        }
        bob.wait("no note", |lines| !lines.iter().any(|line| line == WAITS));
    }
}

#[test]
fn control_c_drops_all_that_waits_and_the_room_goes_on() {
    // Of the fewer lines, those that the node does not take wait on their way to it, and none at the desk.
    for count in [SUBMIT_WINDOW + 500, 7000] {
        let dir = TempDir::new().unwrap();
        let (eve, mut bob) = slow_room(&dir, &[]);
        bob.keys(&numbers(count));
        bob.wait_quiet(Duration::from_millis(500));
        bob.keys("\u{3}");
        let dropped = told(&bob, " lines were dropped and not sent");
        eve.thaw();
        (0..count - dropped).for_each(|number| assert_eq!(eve.heard(), number.to_string()));
        bob.keys("still here\r");
        assert_eq!(eve.heard(), "still here");
        bob.keys("\u{3}");
        assert_eq!(bob.exit().code(), Some(130));
    }
}

/// The room takes the lines while they come.
#[test]
fn control_c_right_behind_a_paste_does_not_leave() {
    let dir = TempDir::new().unwrap();
    let (eve, mut bob) = slow_room(&dir, &[]);
    eve.thaw();
    for count in [100, 400, 2000] {
        bob.keys(&(numbers(count) + "\u{3}"));
        bob.wait("what became of the lines", |lines| {
            let told = ["dropped and not sent", "nothing waits any more"];
            lines.iter().any(|line| told.iter().any(|told| line.contains(told)))
        });
        bob.keys("/clear\r");
        bob.wait("an empty screen", |lines| lines.len() == 1);
    }
}

#[test]
fn a_room_that_is_left_says_how_much_it_did_not_take() {
    let dir = TempDir::new().unwrap();
    let (eve, mut bob) = slow_room(&dir, &[]);
    let count = SUBMIT_WINDOW + 500;
    bob.keys(&numbers(count));
    bob.wait_quiet(Duration::from_millis(500));
    kill_process(bob.pid(), Signal::INT).unwrap();
    eve.thaw();
    let mut heard = 0;
    loop {
        let event = eve.next("that Bob leaves");
        match event["event"].as_str() {
            Some("message") => assert_eq!(event["text"], heard.to_string()),
            Some("left") => break,
            _ => continue,
        }
        heard += 1;
    }
    assert_eq!(heard + told(&bob, " lines were not sent: the room was left"), count);
    assert_eq!(bob.exit().code(), Some(130));
}

/// The number before that text on the screen of Bob.
fn told(bob: &Terminal, text: &str) -> usize {
    let number = |line: &String| line.split_once(text)?.0.rsplit(' ').next()?.parse().ok();
    let lines = bob.wait(text, |lines| lines.iter().any(|line| number(line).is_some()));
    lines.iter().find_map(number).unwrap()
}

#[test]
fn who_leaves_with_control_d_leaves_after_all_that_was_typed() {
    let dir = TempDir::new().unwrap();
    let (eve, mut bob) = slow_room(&dir, &[]);
    bob.keys(&numbers(7000));
    wait_full(&bob);
    bob.keys("\u{4}");
    eve.thaw();
    for number in 0..7000 {
        assert_eq!(eve.heard(), number.to_string());
    }
    assert_eq!(bob.exit().code(), Some(0));
}

#[test]
fn what_a_line_of_a_paste_would_be_asked_is_not_answered_by_the_next() {
    let dir = TempDir::new().unwrap();
    let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
    let mut bob = Terminal::start(dir.path(), &["-n", "Bob", &eve.addr], &[]);
    eve.wait("joined");
    bob.wait("the prompt", |lines| lines.last().is_some_and(|line| line.starts_with('>')));
    let long = "x".repeat(3000);
    let ticket = format!("ringchat:{}", "a".repeat(64));
    let too_long = "y".repeat(17 * 1024);
    bob.keys(&format!("one\r{long}\rtwo\r{ticket}\r\rthree\r{too_long}\rfour\r"));
    for text in ["one", &long, "two", "three", "four"] {
        assert_eq!(eve.heard(), text);
    }
    bob.wait("what became of the ticket", |lines| {
        lines.iter().any(|line| line.starts_with("/// not said: it has a ticket in it"))
    });
    bob.keys(&format!("{long}\r"));
    bob.wait_line("3 KiB as one message? Enter sends, Esc goes on editing");
    bob.keys("\r");
    assert_eq!(eve.heard(), long);
}

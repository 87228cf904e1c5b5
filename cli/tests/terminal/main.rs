//! The program on a pseudo-terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test panics")]
#![allow(clippy::disallowed_methods, reason = "the tests wait for the screen, with a deadline")]

mod edit;
mod full_screen;
mod golden;
mod json_member;
mod keys;
mod measure;
mod paste;
mod people;
mod picture;
mod private;
mod pty;
mod screen;
mod shell;
mod signals;
mod svg;

use rustix::process::Signal;
use tempfile::TempDir;

use json_member::JsonMember;
use pty::Terminal;

/// A room of two: Eve, who created it and is controlled with JSON, and Bob, on a terminal.
struct Room {
    eve: JsonMember,
    bob: Terminal,
    prompt: String,
    _dir: TempDir,
}

impl Room {
    fn new(args: &[&str]) -> Self {
        Self::with(args, &[])
    }

    fn with(args: &[&str], env: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
        let bob = Terminal::start(dir.path(), &[&["-n", "Bob", &eve.addr], args].concat(), env);
        let addr = eve.wait("joined")["member"]["addr"].as_str().unwrap().to_owned();
        let prompt = format!("> Bob({addr}):");
        bob.wait_line(&prompt);
        Self { eve, bob, prompt, _dir: dir }
    }

    /// Presses keys once the prompt is shown. Before that, the terminal would edit them itself.
    fn keys(&mut self, keys: &str) {
        self.bob.wait("prompt", |lines| lines.last() == Some(&self.prompt));
        self.bob.keys(keys);
    }

    /// Empties the screen, but for the prompt.
    fn clear(&mut self) {
        self.keys("/clear\r");
        self.bob.wait("empty screen", |lines| lines.first().is_some_and(|line| line == &self.prompt));
    }

    /// Types a text and waits until the screen shows it.
    fn type_in(&mut self, text: &str) {
        self.keys(text);
        self.bob.wait_line(&format!("{} {text}", self.prompt));
    }

    /// Waits until the terminal shows `text` as said by Eve, and returns whether its line has the right form.
    fn shows(&self, text: &str) -> bool {
        let start = format!("> Eve({})[", self.eve.addr);
        let lines = self.bob.wait(text, |lines| lines.iter().any(|line| line.ends_with(text)));
        lines.iter().any(|line| line.starts_with(&start) && line.ends_with(&format!("]: {text}")))
    }
}

#[test]
fn a_message_appears_above_the_line_that_is_being_typed() {
    let mut room = Room::new(&[]);
    room.type_in("half a");
    room.eve.say("hello");
    assert!(room.shows("hello"));
    room.bob.wait_line(&format!("{} half a", room.prompt));
    room.bob.keys(" sentence\r");
    assert_eq!(room.eve.heard(), "half a sentence");
}

#[test]
fn a_typed_line_stays_where_it_was_typed_and_is_not_printed_again() {
    let mut room = Room::new(&[]);
    room.type_in("hello");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "hello");
    room.eve.say("you too");
    assert!(room.shows("you too"));
    let lines = room.bob.wait_line(&room.prompt);
    assert_eq!(lines.iter().filter(|line| line.ends_with("hello")).count(), 1, "{lines:?}");
    assert!(lines.contains(&format!("{} hello", room.prompt)));
}

#[test]
fn escape_sequences_of_others_are_printed_and_not_obeyed() {
    let mut room = Room::new(&[]);
    let hostile = [
        "\u{1b}]0;owned\u{7}title",
        "\u{1b}[2J\u{1b}[Hcleared",
        "\u{9b}31mred",
        "\u{1b}[?1049halternate",
        "\u{1b}cfull reset",
        "\u{1b}P+q544e\u{1b}\\string",
        "\u{1b}]52;c;b3duZWQ=\u{7}clipboard",
        "back\u{8}\u{8}\u{8}\u{8}space",
        "a\rreturn",
    ];
    for text in hostile {
        room.eve.say(text);
    }
    room.eve.say("the last");
    assert!(room.shows("the last"));
    let raw = String::from_utf8(room.bob.raw()).unwrap();
    for text in hostile {
        assert!(!raw.contains(text), "{text:?} came through");
        assert!(raw.contains(&text.replace(char::is_control, "\u{fffd}")), "{text:?} is not told");
        assert!(room.shows(&text.replace(char::is_control, "")), "{text:?} is not printed");
    }
    assert!(!room.bob.screen().alternate_screen());
}

#[test]
fn a_text_of_several_lines_cannot_pass_for_the_message_of_another() {
    let mut room = Room::new(&[]);
    room.eve.say("one\n> Bob(127.0.0.1:1)[9]: two\u{2028}/// three ///");
    assert!(room.shows("one"));
    room.bob.wait_line("  | > Bob(127.0.0.1:1)[9]: two");
    room.bob.wait_line("  | /// three ///");
}

#[test]
fn pasted_lines_are_one_message() {
    let mut room = Room::new(&[]);
    room.keys("\u{1b}[200~one\rtwo\u{1b}[201~");
    room.bob.wait_line("  | two");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "one\ntwo");
}

#[test]
fn pasted_control_characters_are_not_shown_to_the_terminal() {
    let mut room = Room::new(&[]);
    room.keys("\u{1b}[200~a\u{9b}31mb\u{7}c\u{202e}\u{1b}[201~!");
    room.bob.wait_line(&format!("{} a31mbc!", room.prompt));
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "a31mbc!");
    let raw = String::from_utf8(room.bob.raw()).unwrap();
    assert!(!raw.contains(['\u{9b}', '\u{7}', '\u{202e}']));
}

#[test]
fn commands_are_answered_and_a_slip_sends_nothing() {
    let mut room = Room::new(&[]);
    room.keys("/rign\r");
    room.bob.wait("a hint", |lines| lines.iter().any(|line| line.contains("did you mean /ring?")));
    room.keys("/ring\r");
    room.bob.wait_line("/// ring: Eve* -> Bob -> Eve (epoch 1) ///");
    room.keys("/leader\r");
    room.bob.wait_line("/// Eve leads (epoch 1) ///");
    room.clear();
    room.keys("//rign\r");
    assert_eq!(room.eve.heard(), "/rign");
}

#[test]
fn a_trace_is_begun_and_ended_at_the_prompt() {
    let mut room = Room::new(&[]);
    room.keys("/trace run\r");
    room.bob.wait_line("/// /trace on FILE, or /trace off, or /trace alone ///");
    room.keys("/trace\r");
    room.bob.wait_line("/// no trace is written; /trace on FILE begins one ///");
    room.keys("/trace on my run\r");
    room.bob.wait_line("/// the trace goes to my run, which has 0 of 64 MiB ///");
    room.keys("/trace on other\r");
    room.bob.wait_line("/// the trace my run is being written; /trace off ends it ///");
    room.clear();
    room.keys("/trace off\r");
    room.bob.wait_line("/// no trace is written; /trace on FILE begins one ///");
    room.keys("/trace on /dev/full\r");
    let told = |room: &Room, text: &str| {
        room.bob.wait(text, |lines| lines.iter().any(|line| line.starts_with(text)));
    };
    told(&room, "/// the trace /dev/full cannot be written (No space left on device");
    room.bob.keys("/trace\r");
    told(&room, "/// the trace /dev/full has ended, because it cannot be written (No space left on device");
    room.bob.keys("/trace on a third\r");
    told(&room, "/// the trace goes to a third, which has 0 of 64 MiB ///");
}

#[test]
fn a_text_that_is_too_long_is_not_sent_and_not_lost() {
    let mut room = Room::new(&[]);
    room.keys(&format!("\u{1b}[200~{}\u{1b}[201~\r", "x".repeat(16 * 1024 + 1)));
    room.bob.wait("a complaint", |lines| lines.iter().any(|line| line.contains("at most 16384 bytes")));
    // The text is still there to be shortened; the desk asks before it sends a long one.
    room.bob.keys("\u{7f}\r");
    room.bob.wait("a question", |lines| lines.iter().any(|line| line.contains("16 KiB as one message?")));
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "x".repeat(16 * 1024));
}

#[test]
fn colours_can_be_switched_off() {
    let mut room = Room::new(&[]);
    room.eve.say("hello");
    assert!(room.shows("hello"));
    assert!(String::from_utf8(room.bob.raw()).unwrap().contains("\u{1b}[36mEve\u{1b}[0m"));

    let mut room = Room::new(&["--no-color"]);
    room.eve.say("hello");
    assert!(room.shows("hello"));
    assert!(!String::from_utf8(room.bob.raw()).unwrap().contains("\u{1b}[36m"));
}

#[test]
fn the_loss_of_the_leader_and_its_successor_are_told() {
    let room = Room::new(&[]);
    room.eve.signal(Signal::KILL);
    room.bob.wait_line("/// Eve was lost ///");
    room.bob.wait_line("/// Bob leads now (epoch 2) ///");
}

#[test]
fn a_text_for_a_leader_that_has_fallen_silent_is_said_to_wait_and_then_to_be_delivered() {
    // The text is said to wait after four seconds, and the leader is lost two seconds later.
    let mut room = Room::new(&["--detect-ms", "4000"]);
    room.eve.freeze();
    room.keys("anybody?\r");
    room.bob.wait_line("/// your message waits for the leader to answer ///");
    let lines = room.bob.wait_line("/// your message was delivered ///");
    assert!(lines.iter().any(|line| line == "/// Eve was lost ///"), "{lines:?}");
}

#[test]
fn the_log_appears_above_the_prompt_when_asked_for() {
    let room = Room::new(&["-v"]);
    room.bob.wait("a line of the log", |lines| lines.iter().any(|line| line.contains(": neighbours are")));
}

#[test]
fn leaving_is_told_to_the_others_and_restores_the_terminal() {
    for (keys, exit) in [("//exit\r", 0), ("/quit\r", 0), ("\u{4}", 0), ("\u{3}", 130)] {
        let mut room = Room::new(&[]);
        room.keys(keys);
        assert_eq!(room.bob.exit().code(), Some(exit), "{keys:?}");
        assert_eq!(room.eve.wait("left")["reason"], "quit");
        room.bob.assert_restored();
    }
}

#[test]
fn what_follows_the_command_to_leave_is_neither_sent_nor_shown() {
    let mut room = Room::new(&[]);
    room.keys("before\r/quit\rafter\r");
    assert_eq!(room.bob.exit().code(), Some(0));
    let shown = room.bob.screen().contents();
    assert!(shown.contains("before") && !shown.contains("after"), "{shown}");
    assert_eq!(room.eve.wait("message")["text"], "before");
    assert_eq!(room.eve.wait("left")["reason"], "quit");
}

#[test]
fn a_signal_leaves_in_order_and_restores_the_terminal() {
    let signals = [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)];
    for (runtime, (signal, exit)) in ["threads", "async-std", "threads"].into_iter().zip(signals) {
        let mut room = Room::new(&["--runtime", runtime]);
        room.type_in("half a");
        room.bob.signal(signal);
        assert_eq!(room.bob.exit().code(), Some(exit));
        assert_eq!(room.eve.wait("left")["reason"], "quit");
        room.bob.assert_restored();
    }
}

//! The full screen: switched to and back, resized, stopped by signals.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::Room;

impl Room {
    /// Waits until a row of the screen ends with `text`, without what stands right of the talk.
    pub(crate) fn shows_row(&self, text: &str) -> Vec<String> {
        let is_row = |line: &String| line.split('│').next().is_some_and(|row| row.trim_end().ends_with(text));
        self.bob.wait(text, |lines| lines.iter().any(is_row))
    }

    /// Waits until the text being typed is `text`.
    pub(crate) fn waits_typed(&self, text: &str) {
        let line = format!("> {text}");
        self.bob.wait(&line, |lines| lines.last().is_some_and(|last| last == line.trim_end()));
    }
}

#[test]
fn talk_goes_on_on_the_full_screen_and_stays_when_it_goes() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    assert!(room.bob.screen().alternate_screen());
    room.eve.say("hello");
    room.shows_row(" Eve   hello");
    room.bob.keys("hi Eve");
    room.waits_typed("hi Eve");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), "hi Eve");
    room.shows_row(" Bob   hi Eve");
    let lines =
        room.bob.wait("the ring", |lines| lines.iter().any(|line| line.ends_with("ring of 2, epoch 1")));
    let ends = |text: &str| lines.iter().any(|line| line.ends_with(text));
    assert!(ends("│ ┌> Eve     * leads") && ends("│ └─ Bob     you"), "{lines:#?}");
    for (columns, rows) in [(60, 20), (20, 5), (100, 30)] {
        room.bob.resize(columns, rows);
        room.eve.say(&format!("at {columns}"));
        room.shows_row(&format!("at {columns}"));
        let lines = room.bob.wait("a whole screen", |lines| lines.len() == usize::from(rows));
        assert_eq!(lines.last().map(String::as_str), Some(">"), "{lines:#?}");
    }
    room.bob.keys("/screen\r");
    let prompt = room.prompt.clone();
    let lines = room.bob.wait("the prompt", |lines| lines.last() == Some(&prompt));
    assert!(!room.bob.screen().alternate_screen());
    for text in ["]: hello", ": hi Eve", "]: at 60", "]: at 20", "]: at 100"] {
        assert_eq!(lines.iter().filter(|line| line.ends_with(text)).count(), 1, "{text} in {lines:#?}");
    }
}

#[test]
fn arrows_scroll_the_page_of_keys_and_escape_leaves_it() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    room.bob.resize(20, 5);
    let begins = |room: &Room, text: &str| {
        room.bob.wait(text, |lines| lines.first().is_some_and(|line| line == text));
    };
    room.bob.keys("\u{1b}OP");
    begins(&room, "F1         these");
    room.bob.keys("\u{1b}[B");
    begins(&room, "           keys, or");
    room.bob.keys("\u{1b}[A");
    begins(&room, "F1         these");
    room.waits_typed("");
    room.bob.keys("\u{1b}");
    room.bob.wait("the talk", |lines| !lines.iter().any(|line| line.contains("PgDn")));
    room.bob.keys("\u{1b}[A");
    room.waits_typed("/screen");
}

#[test]
fn end_goes_to_the_end_of_the_text_and_then_to_the_newest_line() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    (0..100).for_each(|line| room.eve.say(&format!("line {line}.")));
    let shows = |room: &Room, line: &str, is_shown: bool| {
        let has = |lines: &[String]| lines.iter().any(|row| row.contains(line)) == is_shown;
        room.bob.wait(line, has)
    };
    shows(&room, "line 99.", true);
    let (page_up, end, home) = ("\u{1b}[5~", "\u{1b}[F", "\u{1b}[H");
    room.bob.keys(&format!("half{page_up}"));
    shows(&room, "line 99.", false);
    room.bob.keys(end);
    shows(&room, "line 99.", true);
    room.bob.keys(&format!("{home}{page_up}{end} a"));
    room.waits_typed("half a");
    shows(&room, "line 99.", false);
    // Ctrl-End leaves the text alone.
    room.bob.keys(&format!("{home}\u{1b}[1;5F>"));
    shows(&room, "line 99.", true);
    room.waits_typed(">half a");
    room.bob.keys(&format!("\u{3}{page_up}"));
    shows(&room, "line 99.", false);
    room.bob.keys(end);
    shows(&room, "line 99.", true);
}

#[test]
fn every_way_out_restores_the_terminal() {
    let signals =
        [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::ABORT, Signal::USR1, Signal::PROF];
    for signal in signals {
        let mut room = Room::new(&[]);
        room.keys("/screen\r");
        room.waits_typed("");
        room.eve.say("hello");
        room.shows_row(" Eve   hello");
        room.bob.signal(signal);
        assert_eq!(room.bob.exit().code(), Some(128 + signal.as_raw()));
        room.bob.assert_restored();
        assert!(!room.bob.screen().alternate_screen());
        if [Signal::TERM, Signal::USR1].contains(&signal) {
            let lines = room.bob.wait_line("/// you left the ring ///");
            assert!(lines.iter().any(|line| line.ends_with("]: hello")), "{lines:#?}");
        }
    }
}

#[test]
fn without_a_terminal_and_with_json_it_is_refused() {
    for (option, why) in [("--no-log", "needs a terminal"), ("--json", "--json for programs")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringchat"));
        let output = command.args(["-f", "-l", option]).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn at_rest_nothing_is_written_and_no_time_is_used() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    room.bob.assert_rests();
    room.eve.say("hello");
    room.shows_row(" Eve   hello");
    room.bob.keys("half a line");
    room.waits_typed("half a line");
    room.bob.assert_rests();
}

#[test]
fn a_lost_member_is_crossed_out_for_a_moment_and_then_the_desk_sleeps() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    let panel = |what: &str| {
        room.bob.wait(what, |lines| lines.iter().any(|line| line.ends_with(what)));
    };
    panel("│ ┌> Eve     * leads");
    room.eve.signal(Signal::KILL);
    panel("│ ┌> x Eve");
    panel("│    Bob     you  * leads");
    room.bob.assert_rests();
}

#[test]
fn after_any_byte_and_any_key_with_alt_a_line_is_shown_without_a_further_key() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    // Ctrl-Z stops, and Ctrl-\ ends the program.
    let bytes = |most: u8| (0..=most).filter(|byte| ![0x1a, 0x1c].contains(byte));
    for keys in bytes(255).map(|byte| vec![byte]).chain(bytes(127).map(|byte| vec![0x1b, byte])) {
        // Some keys leave the room if there is no text.
        room.bob.keys("x");
        room.bob.press(&keys);
        room.eve.say(&format!("after {keys:?}."));
        room.shows_row(&format!(" Eve   after {keys:?}."));
        // Ends a sequence that the keys may have begun.
        room.bob.keys("~");
    }
}

#[test]
fn two_thousand_lines_come_in_order_while_the_user_types() {
    let mut room = Room::new(&[]);
    room.keys("/screen\r");
    room.waits_typed("");
    let typed = (0..20).map(|n| format!("w{n} ")).collect::<Vec<_>>().concat();
    for line in 0..2000 {
        room.eve.say(&format!("line {line}."));
        if line % 100 == 0 {
            room.bob.keys(&format!("w{} ", line / 100));
        }
    }
    let lines = room.shows_row("line 1999.");
    let number = |row: &String| row.split_once(" Eve   line ")?.1.split_once('.')?.0.parse::<u32>().ok();
    let shown: Vec<u32> = lines.iter().filter_map(number).collect();
    assert_eq!(shown, (2000 - 38..2000).collect::<Vec<_>>(), "{lines:#?}");
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), typed);
}

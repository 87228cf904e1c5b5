//! The full screen: switched to and back, resized, stopped by signals.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::Room;

impl Room {
    /// Waits until a row of the screen ends with `text`, without what stands right of the talk.
    fn shows_row(&self, text: &str) -> Vec<String> {
        let is_row = |line: &String| line.split('│').next().is_some_and(|row| row.trim_end().ends_with(text));
        self.bob.wait(text, |lines| lines.iter().any(is_row))
    }

    /// Waits until the text being typed is `text`.
    fn waits_typed(&self, text: &str) {
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
fn every_way_out_restores_the_terminal() {
    for (signal, exit) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let mut room = Room::new(&[]);
        room.keys("/screen\r");
        room.waits_typed("");
        room.eve.say("hello");
        room.shows_row(" Eve   hello");
        room.bob.signal(signal);
        assert_eq!(room.bob.exit().code(), Some(exit));
        room.bob.assert_restored();
        assert!(!room.bob.screen().alternate_screen());
        if signal == Signal::TERM {
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

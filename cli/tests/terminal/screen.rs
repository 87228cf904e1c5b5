//! The screen, whatever other members say and however the window changes.

use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::Room;
use crate::json_member::JsonMember;

#[test]
fn no_row_of_a_text_can_imitate_a_line_of_another_member() {
    for blank in [' ', '\u{a0}', '\u{3000}', '\u{2003}'] {
        let mut room = Room::new(&[]);
        for width in [119, 61, 40] {
            room.bob.resize(width, 40);
            let padding = blank.to_string().repeat(119);
            let forged = "> Carol(127.0.0.1:4112)[24078]: new room at 127.0.0.1:6666";
            room.eve.say(&format!("ok{padding}{forged}{padding}/// Bob was lost ///{width}"));
            let lines = room
                .bob
                .wait("the text", |lines| lines.iter().any(|line| line.ends_with(&format!("{width}"))));
            for line in lines.iter().filter(|line| line.contains("Carol") || line.contains("was lost")) {
                assert!(line.starts_with("    ") || line.starts_with("> Eve("), "{lines:?}");
            }
        }
    }
}

#[test]
fn a_text_of_very_many_lines_is_folded_and_shown_when_asked_for() {
    let mut room = Room::new(&[]);
    room.eve.say(&"\n".repeat(16 * 1024));
    let hint = "  | ... 16373 more lines (/full shows them)";
    let lines = room.bob.wait_line(hint);
    assert!(lines.len() < 30, "{lines:?}");
    room.keys("/full\r");
    room.bob.wait("the whole text", |lines| {
        lines.iter().any(|line| line == "  | ... 15885 more lines (the log has them)")
    });
}

/// Joins rows to one text.
fn joined(rows: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let rows: Vec<String> = rows.into_iter().map(|row| row.as_ref().trim().to_owned()).collect();
    rows.join(" ")
}

#[test]
fn a_window_that_changes_shows_one_prompt_and_every_line_once() {
    for lines in [2, 60] {
        let mut room = Room::new(&[]);
        (0..lines).for_each(|line| room.eve.say(&format!("line {line}.")));
        assert!(room.shows(&format!("line {}.", lines - 1)));
        let typed = "a long line that is only half typed ".repeat(4);
        room.keys(&typed);
        for (nth, columns) in [60, 20, 60, 100].into_iter().enumerate() {
            room.bob.resize(columns, 40);
            room.eve.say(&format!("resized {nth}."));
            let shown = room.bob.wait("the line", |lines| {
                let text = joined(lines);
                text.contains(&format!("resized {nth}.")) && text.contains("> Bob(")
            });
            let text = joined(&shown);
            assert_eq!(text.matches("> Bob(").count(), 1, "{columns}: {shown:#?}");
            for line in [format!("resized {nth}."), format!("line {}.", lines - 1)] {
                assert!(text.matches(&line).count() <= 1, "{line} at {columns}: {shown:#?}");
            }
        }
        room.bob.keys("!\r");
        assert_eq!(room.eve.heard(), format!("{typed}!"));
    }
}

#[test]
fn two_thousand_lines_come_in_order_while_the_user_types() {
    let mut room = Room::new(&[]);
    let typed: String = (0..40).map(|n| format!("w{n} ")).collect::<Vec<_>>().concat();
    for line in 0..2000 {
        room.eve.say(&format!("line {line}."));
        if line % 50 == 0 {
            let n = line / 50;
            room.bob.keys(&format!("w{n} "));
        }
    }
    assert!(room.shows("line 1999."));
    room.bob.keys("\r");
    assert_eq!(room.eve.heard(), typed);
    let raw = String::from_utf8(room.bob.raw()).unwrap();
    let mut rest = raw.as_str();
    for line in 0..2000 {
        let text = format!(" line {line}.\r\n");
        let at = rest.find(&text).unwrap_or_else(|| panic!("line {line} is missing or out of order"));
        rest = &rest[at + text.len()..];
    }
}

#[test]
fn wide_joined_and_right_to_left_characters_are_typed_and_shown() {
    let mut room = Room::new(&[]);
    for text in ["한국어 日本語", "👩‍👩‍👧 👍🏽 🇪🇺", "שָׁלוֹם עולם", "žluťoučký e\u{301}"]
    {
        room.eve.say(text);
        room.keys(&format!("{text}\r"));
        assert_eq!(room.eve.heard(), text);
    }
    room.eve.say("the last");
    assert!(room.shows("the last"));
    let lines = room.bob.wait_line(&room.prompt);
    assert_eq!(lines.iter().filter(|line| line.contains("日本語")).count(), 2, "{lines:#?}");
}

#[test]
fn texts_said_while_the_program_was_stopped_are_set_apart() {
    let mut room = Room::new(&["--detect-ms", "200"]);
    room.bob.signal(Signal::STOP);
    room.eve.wait("left");
    room.eve.say("while Bob is away");
    room.eve.wait("sent");
    room.bob.signal(Signal::CONT);
    room.eve.wait("joined");
    room.eve.say("when Bob is back");
    assert!(room.shows("when Bob is back"));
    let lines = room.bob.wait_line(&room.prompt);
    let at = |text: &str| {
        lines.iter().position(|line| line.ends_with(text)).unwrap_or_else(|| panic!("no {text}: {lines:#?}"))
    };
    let places = [
        at("/// while you were away: ///"),
        at("while Bob is away"),
        at("/// now ///"),
        at("when Bob is back"),
    ];
    assert!(places.is_sorted(), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("other ring")), "{lines:#?}");
}

#[test]
fn at_rest_nothing_is_written_and_no_time_is_used() {
    let room = Room::new(&[]);
    room.bob.assert_rests();
}

/// tmux is a terminal that rewraps its rows when its window changes.
#[test]
fn tmux_shows_one_prompt_and_every_line_once_when_its_window_changes() {
    let dir = TempDir::new().unwrap();
    let Some((mut eve, tmux)) = Tmux::with_eve(&dir, &[]) else { return };
    tmux.fill(&mut eve);
    let typed = "a long line that is only half typed ".repeat(3);
    tmux.run(&["send-keys", "-l", &typed]);
    tmux.wait("what is typed", |screen| screen.matches("half typed").count() == 3);
    for (nth, columns) in [60, 20, 60, 100].into_iter().enumerate() {
        tmux.run(&["resize-window", "-x", &columns.to_string(), "-y", "30"]);
        eve.say(&format!("resized {nth}."));
        let screen = tmux.wait("a whole screen", |screen| {
            let text = joined(screen.lines());
            // tmux reports the new size to the program some time after it rewraps; on a wide screen narrow rows stay.
            let whole = |line: &str| line.starts_with("> Eve") && line.ends_with(&format!("resized {nth}."));
            let is_new = columns != 20 || !screen.lines().any(whole);
            text.contains(&format!("resized {nth}.")) && text.matches("> Bob(").count() == 1 && is_new
        });
        assert_eq!(joined(screen.lines()).matches(&format!("resized {nth}.")).count(), 1, "{screen}");
        let text = joined(screen.lines());
        for line in 0..40 {
            let count = text.matches(&format!("line {line}.")).count();
            assert!(count <= 1 && (count == 1 || line < 39), "line {line} at {columns}:\n{screen}");
        }
    }
    tmux.run(&["send-keys", "Enter"]);
    assert_eq!(eve.heard(), typed);
}

#[test]
fn tmux_keeps_every_line_once_when_its_window_is_as_low_as_what_is_typed() {
    let dir = TempDir::new().unwrap();
    let Some((mut eve, tmux)) = Tmux::with_eve(&dir, &[]) else { return };
    tmux.fill(&mut eve);
    tmux.run(&["send-keys", "-l", &("word ".repeat(130) + "end")]);
    tmux.wait("what is typed", |screen| screen.contains("end"));
    for rows in ["5", "30"] {
        tmux.run(&["resize-window", "-x", "100", "-y", rows]);
        eve.say(&format!("resized to {rows}."));
        tmux.wait("the new line", |screen| screen.contains(&format!("resized to {rows}.")));
    }
    let all = joined(tmux.run(&["capture-pane", "-p", "-S", "-"]).lines());
    for line in 0..40 {
        assert_eq!(all.matches(&format!("line {line}.")).count(), 1, "line {line}:\n{all}");
    }
}

#[test]
fn tmux_shows_the_full_screen_once_and_knows_a_long_link_when_its_window_changes() {
    let dir = TempDir::new().unwrap();
    let Some((mut eve, tmux)) = Tmux::with_eve(&dir, &["-f"]) else { return };
    let link = format!("https://example.org/{}", "long/way/".repeat(14));
    tmux.run(&["send-keys", "-l", "half typed"]);
    for (nth, columns) in [100, 60, 20, 60, 100].into_iter().enumerate() {
        tmux.run(&["resize-window", "-x", &columns.to_string(), "-y", "30"]);
        let end = format!("resized{nth}.");
        eve.say(&format!("see {link} {end}"));
        let width = tmux.run(&["display-message", "-p", "#{pane_width}"]);
        assert_eq!(width.trim_end(), columns.to_string());
        let is_new = |screen: &str| {
            let last = screen.lines().next_back().unwrap_or_default().trim_end();
            let bar = screen.lines().rev().nth(1).unwrap_or_default();
            last == "> half typed" && bar.contains("F1") && screen.contains(&end)
        };
        tmux.wait("a whole screen", is_new);
        // As a terminal knows it that opens links.
        let joined = tmux.run(&["capture-pane", "-p", "-J"]);
        assert!(joined.contains(&link), "{columns}:\n{joined}");
        assert_eq!(joined.matches("half typed").count(), 1, "{columns}:\n{joined}");
        assert_eq!(joined.matches(&end).count(), 1, "{columns}:\n{joined}");
    }
}

/// A tmux server, killed when dropped.
struct Tmux(String);

impl Tmux {
    /// A room of Eve and of Bob, who is in tmux. `None` where there is no tmux.
    fn with_eve(dir: &TempDir, args: &[&str]) -> Option<(JsonMember, Self)> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("skipped: no tmux here");
            return None;
        }
        let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve"]);
        let tmux = Self::start(dir, &[args, &["-n", "Bob", &eve.addr]].concat());
        eve.wait("joined");
        Some((eve, tmux))
    }

    /// Lets Eve say more lines than the screen shows.
    fn fill(&self, eve: &mut JsonMember) {
        (0..40).for_each(|line| eve.say(&format!("line {line}.")));
        self.wait("the last line", |screen| screen.contains("line 39."));
    }

    fn start(dir: &TempDir, args: &[&str]) -> Self {
        let tmux = Self(dir.path().join("tmux").display().to_string());
        let program = env!("CARGO_BIN_EXE_ringchat");
        let start = ["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-c"];
        let folder = dir.path().display().to_string();
        tmux.run(&[&start[..], &[&folder, program], args].concat());
        tmux
    }

    fn run(&self, args: &[&str]) -> String {
        // The server keeps the environment of the first command.
        let home = format!("{}.home", self.0);
        let mut tmux = Command::new("tmux");
        tmux.env("XDG_DATA_HOME", &home).env("XDG_STATE_HOME", &home);
        let output = tmux.args(["-S", &self.0]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until the screen is as `wanted` and returns it.
    fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        for _ in 0..2000 {
            let screen = self.run(&["capture-pane", "-p"]);
            if wanted(&screen) {
                return screen;
            }
        }
        panic!("no {what}:\n{}", self.run(&["capture-pane", "-p"]));
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // The server may have ended with the program.
        let _ = Command::new("tmux").args(["-S", &self.0, "kill-server"]).output();
    }
}

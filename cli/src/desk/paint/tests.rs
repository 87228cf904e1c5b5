use std::env;
use std::fs;
use std::num::{NonZeroU16, NonZeroU64};
use std::path::Path;

use ringchat_core::{Member, Name, NodeId, Stamp, UnixTime};

use super::*;
use crate::calendar::Calendar;

const LOOK: Look = Look { colour: false, has_log: true };

/// A painter, and a terminal that interprets its output.
struct Screen {
    painter: Painter,
    terminal: vt100::Parser,
    typed: &'static str,
}

impl Screen {
    fn new(columns: u16, rows: u16) -> Self {
        let cells = |n| NonZeroU16::new(n).unwrap();
        let size = Size { columns: columns.into(), rows: rows.into() };
        Self {
            painter: Painter::new(size, LOOK),
            terminal: vt100::Parser::new(cells(rows), cells(columns), 1000),
            typed: "",
        }
    }

    /// A screen on which a shell wrote something before.
    fn after_a_shell(columns: u16, rows: u16) -> Self {
        let mut screen = Self::new(columns, rows);
        screen.terminal.process(b"$ ls\r\nfile\r\n$ ringchat\r\n");
        screen
    }

    fn frame(&mut self) -> String {
        let line = Line::default().and("> Bob(127.0.0.1:4001): ").and_typed(self.typed);
        let region = Region { cursor: line.text().len(), line, note: None };
        self.painter.frame(Some(&region))
    }

    fn paint(&mut self) {
        let frame = self.frame();
        self.terminal.process(frame.as_bytes());
    }

    fn say(&mut self, text: &str) {
        self.painter.add(Line::default().and(text));
        self.paint();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        let cells = |n| NonZeroU16::new(n).unwrap();
        self.terminal.screen_mut().set_size(cells(rows), cells(columns));
        self.painter.resize(Size { columns: columns.into(), rows: rows.into() });
        self.paint();
    }

    fn lines(&self) -> Vec<String> {
        let screen = self.terminal.screen();
        let mut lines: Vec<String> =
            screen.rows(0, screen.size().1.into()).map(|line| line.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    fn count(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// Asserts that the screen shows the prompt once and each of these lines once.
    fn assert_whole(&self, lines: std::ops::Range<usize>) {
        let shown = self.lines().join("\n");
        assert_eq!(self.count("> Bob("), 1, "{shown}");
        for line in lines {
            assert_eq!(self.count(&format!("line {line} ")), 1, "line {line} in\n{shown}");
        }
    }
}

const LONG: &str =
    "half a line that somebody has begun to type, and which is longer than a narrow window is wide, by far";

#[test]
fn lines_appear_above_the_typed_text() {
    let mut screen = Screen::after_a_shell(60, 10);
    screen.typed = "half";
    screen.say("line 1 .");
    screen.say("line 2 .");
    assert_eq!(
        screen.lines(),
        ["$ ls", "file", "$ ringchat", "line 1 .", "line 2 .", "> Bob(127.0.0.1:4001): half"]
    );
    assert_eq!(screen.terminal.screen().cursor_position(), (5, 27));
}

#[test]
fn nothing_is_written_if_nothing_changed() {
    let mut screen = Screen::new(60, 10);
    screen.say("line 1 .");
    let region = Region { line: Line::default().and("> Bob(127.0.0.1:4001): "), cursor: 23, note: None };
    assert_eq!(screen.painter.frame(Some(&region)), "");
}

#[test]
fn a_window_that_shrinks_and_grows_shows_one_prompt_and_every_line_once() {
    for lines in [3_usize, 50] {
        let mut screen = Screen::after_a_shell(100, 30);
        screen.typed = LONG;
        (0..lines).for_each(|line| screen.say(&format!("line {line} .")));
        for (nth, columns) in [60, 20, 60, 100].into_iter().enumerate() {
            screen.resize(columns, 30);
            screen.assert_whole(lines.saturating_sub(15)..lines);
            screen.say(&format!("resized {nth} ."));
            assert_eq!(screen.count(&format!("resized {nth} .")), 1);
        }
        let shown = screen.lines().join(" ").replace("     ", " ");
        assert!(shown.ends_with(LONG), "{shown}");
    }
}

#[test]
fn the_output_of_a_shell_is_scrolled_away_and_not_lost() {
    let mut screen = Screen::after_a_shell(100, 10);
    screen.say("line 1 .");
    screen.resize(60, 10);
    screen.terminal.screen_mut().set_scrollback(1000);
    let all = screen.terminal.screen().contents();
    assert!(all.contains("file"), "{all}");
}

#[test]
fn a_window_that_grows_wider_writes_no_line_again() {
    let mut screen = Screen::after_a_shell(60, 10);
    (0..20).for_each(|line| screen.say(&format!("line {line} .")));
    screen.resize(100, 10);
    screen.say("line 20 .");
    screen.terminal.screen_mut().set_scrollback(1000);
    assert_eq!(
        screen.terminal.screen().contents().matches("> Bob(").count(),
        0,
        "the prompt is scrolled away"
    );
    screen.terminal.screen_mut().set_scrollback(0);
    screen.assert_whole(15..21);
}

#[test]
fn without_a_log_no_hint_refers_to_it() {
    let mut painter = Painter::new(Size { columns: 60, rows: 10 }, Look { has_log: false, ..LOOK });
    painter.add(Line::default().and(&"\n".repeat(1000)));
    painter.frame(None);
    painter.unfold();
    assert!(painter.frame(None).contains("... 501 more lines (no log is kept)"));
}

#[test]
fn a_window_of_another_height_keeps_all_lines() {
    let mut screen = Screen::new(80, 24);
    screen.typed = "half";
    (0..40).for_each(|line| screen.say(&format!("line {line} .")));
    screen.resize(80, 10);
    screen.say("line 40 .");
    screen.assert_whole(35..41);
    screen.resize(80, 30);
    screen.say("line 41 .");
    screen.assert_whole(36..42);
}

#[test]
fn a_window_that_is_too_small_shows_nothing_until_it_grows() {
    let mut screen = Screen::new(80, 10);
    screen.say("line 1 .");
    screen.resize(5, 10);
    screen.say("line 2 .");
    screen.resize(80, 10);
    screen.assert_whole(1..3);
}

#[test]
fn a_region_higher_than_the_window_shows_what_surrounds_the_cursor() {
    let mut screen = Screen::new(20, 5);
    screen.typed = LONG;
    screen.say("line 1 .");
    let lines = screen.lines();
    assert!(lines.last().is_some_and(|last| last.ends_with("by far")), "{lines:?}");
    assert_eq!(usize::from(screen.terminal.screen().cursor_position().0), lines.len() - 1);
    assert_eq!(screen.count("line 1 ."), 1);
}

#[test]
fn a_long_text_is_folded_and_shown_whole_when_asked_for() {
    let mut screen = Screen::new(60, 100);
    screen.painter.add(Line::default().and(&format!("> Eve: {}", "\n".repeat(16_384))));
    screen.paint();
    let lines = screen.lines();
    assert_eq!(lines.len(), 14);
    assert_eq!(lines[12], "  | ... 16373 more lines (/full shows them)");
    assert!(screen.painter.unfold());
    let frame = screen.painter.frame(None);
    assert_eq!(frame.matches("  | ").count(), 500);
    assert!(frame.contains("... 15885 more lines (the log has them)"));
}

#[test]
fn a_text_of_twenty_rows_is_shown_as_it_is() {
    let mut screen = Screen::new(60, 100);
    screen.painter.add(Line::default().and(&"\n".repeat(19)));
    screen.paint();
    assert_eq!(screen.lines().len(), 21);
    assert!(!screen.painter.unfold());
}

#[test]
fn a_cleared_screen_shows_the_prompt_at_its_top() {
    let mut screen = Screen::after_a_shell(60, 10);
    screen.say("line 1 .");
    screen.painter.clear();
    screen.paint();
    assert_eq!(screen.lines(), ["> Bob(127.0.0.1:4001):"]);
}

#[test]
fn a_screen_is_never_erased_from_its_first_cell_on_so_that_nothing_keeps_a_copy_of_it() {
    let mut screen = Screen::after_a_shell(60, 10);
    screen.say("line 1 .");
    screen.painter.clear();
    for typed in ["", "t", "ty", LONG, "t", ""] {
        screen.typed = typed;
        let frame = screen.frame();
        let parts: Vec<&str> = frame.split("\x1b[J").collect();
        assert!(parts.len() > 1, "{frame:?}");
        for (at, part) in parts.iter().enumerate() {
            screen.terminal.process(part.as_bytes());
            if at + 1 < parts.len() {
                assert_ne!(screen.terminal.screen().cursor_position(), (0, 0), "{frame:?}");
                screen.terminal.process(b"\x1b[J");
            }
        }
        assert_eq!(screen.lines().concat().matches("> Bob(").count(), 1, "{frame:?}");
        assert_eq!(screen.lines().len(), if typed == LONG { 3 } else { 1 }, "{frame:?}");
    }
}

#[test]
fn a_link_is_wrapped_by_the_terminal() {
    let mut screen = Screen::new(20, 10);
    screen.say("see https://example.org/a/long/way there");
    assert_eq!(screen.lines()[..4], ["see", "    https://example.", "org/a/long/way", "    there"]);
    screen.painter.redraw();
    screen.paint();
    assert_eq!(screen.lines()[..4], ["see", "    https://example.", "org/a/long/way", "    there"]);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let text = "> Eve: a text that is long enough to be wrapped here and there";
    let frame = |colour| {
        let mut painter = Painter::new(Size { columns: 20, rows: 10 }, Look { colour, ..LOOK });
        painter.add(Line::log(Stamp(7), text));
        painter.frame(None)
    };
    let plain = frame(true).replace("\x1b[2m", "").replace("\x1b[0m", "");
    assert_eq!(plain, frame(false));
    assert_ne!(frame(true), frame(false));
}

/// The terminal after an evening: talk, several lines, a link, a long text, a lost leader, a mention, half a line. The second
/// half of it comes after midnight.
fn evening((columns, rows): (u16, u16), times: bool, colour: bool) -> vt100::Parser {
    let cells = |n| NonZeroU16::new(n).unwrap();
    let mut terminal = vt100::Parser::new(cells(rows), cells(columns), 0);
    let size = Size { columns: columns.into(), rows: rows.into() };
    let mut painter = Painter::new(size, Look { colour, ..LOOK });
    let id = NodeId::new([1; 32], NonZeroU64::MIN);
    let carol = Member::new(id, "10.0.0.5:5000".parse().unwrap(), Name::new("Carol").unwrap());
    let prompt = Line::prompt(&Name::new("Bob").unwrap(), "10.0.0.2:4001".parse().unwrap());
    let long = "a text that goes on and on, and is wrapped at words, not at the edge of the window";
    let lines = [
        Line::system("in the ring as Bob(10.0.0.2:4001): 3 members, Alice leads; /help shows the commands"),
        Line::chat(&carol, "", Stamp(12), "hello, 안녕 👩\u{200d}👩\u{200d}👧", false),
        Line::chat(&carol, "", Stamp(13), "one\ntwo\n\nfour", false),
        prompt
            .clone()
            .and("see https://example.org/a/very/long/way/that/does/not/fit/into/one/row?of=the&screen"),
        Line::chat(&carol, "", Stamp(15), &"line\n".repeat(30), false),
        Line::system("Alice was lost"),
        Line::system("Carol leads now (epoch 2)"),
        Line::chat(&carol, "", Stamp(19), long, false),
        Line::act(&carol, "", Stamp(21), "waves at Bob, who leads nothing so far", true),
    ];
    let region = |typed: &str| {
        let line = prompt.clone().and_typed(typed);
        Region { cursor: line.text().len() - 4, line, note: None }
    };
    let mut calendar = Calendar::in_utc(times, false);
    for (nth, line) in (0_u64..).zip(lines) {
        // The first comes at ten to midnight.
        let at = UnixTime(1_795_909_800 + 180 * nth);
        calendar.date(line, at).into_iter().for_each(|line| painter.add(line));
        terminal.process(painter.frame(Some(&region("half"))).as_bytes());
    }
    terminal.process(painter.frame(Some(&region("half a line that somebody types"))).as_bytes());
    terminal
}

/// To write the golden files again, run the test with `GOLDEN=write` and review the difference.
#[test]
fn an_evening_looks_as_it_did_on_three_windows_with_and_without_colour() {
    for (columns, rows, times) in [(100, 30, false), (60, 20, false), (20, 5, false), (60, 30, true)] {
        let plain = evening((columns, rows), times, false);
        let (row, column) = plain.screen().cursor_position();
        let rows_shown: Vec<String> =
            plain.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
        let shown = format!("{}\ncursor: row {row}, column {column}\n", rows_shown.join("\n"));
        let coloured = evening((columns, rows), times, true);
        assert_eq!(coloured.screen().contents(), plain.screen().contents());
        assert_eq!(coloured.screen().cursor_position(), (row, column));

        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/desk/paint/golden");
        let file = folder.join(format!("{columns}x{rows}{}.txt", if times { "-times" } else { "" }));
        if env::var("GOLDEN").is_ok_and(|golden| golden == "write") {
            fs::write(&file, &shown).unwrap();
        }
        assert_eq!(shown, fs::read_to_string(&file).unwrap(), "{}", file.display());
    }
}

//! What a member sees on the full screen, on three sizes of terminal, on both runtimes, with and without colour. To write the
//! golden files again, run the test with `GOLDEN=write` and review the difference.

use std::env;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use rustix::process::Signal;

use crate::Room;

/// The screen without what differs each time: days, clocks, Lamport times, and the gap in the status bar that depends on them.
fn lasting(lines: &[String]) -> String {
    lines.iter().map(|line| lasting_row(line) + "\n").collect()
}

fn lasting_row(row: &str) -> String {
    let (left, right) = row.find('│').map_or((row, ""), |at| row.split_at(at));
    if left.starts_with("── ") && left.contains(|c: char| c.is_ascii_digit()) {
        return format!("── DAY{right}");
    }
    if let Some((before, after)) = row.split_once(" · L ") {
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        return format!("{before} · L LAMPORT · {after}");
    }
    let clock = left.get(..6).filter(|clock| clock.as_bytes()[2] == b':' && clock.ends_with(' '));
    clock.map_or_else(|| row.to_owned(), |clock| format!("HH:MM {}", &row[clock.len()..]))
}

/// A time zone in which no day begins soon.
fn where_it_is_noon() -> String {
    let hours = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 3600 % 24;
    format!("NOON{:+}", i64::try_from(hours).unwrap() - 12)
}

/// Bob's screen after talk, a text that he has not seen, the end of his only companion, and half a line.
fn evening(runtime: &str, env: &[(&str, &str)]) -> Room {
    let mut room = Room::with(&["--runtime", runtime], env);
    room.keys("/screen\r");
    room.waits_typed("");
    room.bob.keys("/clear\r");
    room.bob.wait("no talk", |lines| !lines.iter().any(|line| line.contains("in the ring as Bob")));
    room.eve.say("hello all");
    room.shows_row(" Eve   hello all");
    room.bob.keys("thanks!\r");
    assert_eq!(room.eve.heard(), "thanks!");
    room.shows_row(" Bob   thanks!");
    room.eve.say("here is what I ran:\ncargo test -p ringchat-core\ncargo test -p ringchat-threads");
    room.eve.say("/me waves");
    room.eve
        .say("a longer text that does not fit into one row of this pane, and is broken at a word, as is fit");
    room.eve.say(&format!("see https://ci.example.org/{}", "run/8841/".repeat(12)));
    room.eve.say(&"line\n".repeat(30));
    room.shows_row("... 19 more lines (/full shows them)");
    // The user looks elsewhere.
    room.bob.keys("\u{1b}[Ohalf a line");
    room.waits_typed("half a line");
    room.eve.say("bob: did you see that?");
    room.shows_row(" Eve   bob: did you see that?");
    room.eve.signal(Signal::KILL);
    room.shows_row("/// Bob leads now (epoch 2) ///");
    room.bob.wait("a ring of one", |lines| {
        lines.iter().any(|line| line.ends_with("ring of 1, epoch 2"))
            && !lines.iter().any(|line| line.contains("x Eve"))
    });
    room
}

#[test]
fn an_evening_looks_as_in_the_files_on_both_runtimes_with_and_without_colour() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal/golden");
    for (runtime, colour) in
        [("threads", true), ("threads", false), ("async-std", true), ("async-std", false)]
    {
        let zone = where_it_is_noon();
        let mut env = vec![("TZ", zone.as_str())];
        env.extend((!colour).then_some(("NO_COLOR", "1")));
        let room = evening(runtime, &env);
        for (columns, rows) in [(100, 30), (60, 20), (20, 5)] {
            room.bob.resize(columns, rows);
            let is_whole = |lines: &[String]| {
                lines.len() == usize::from(rows) && lines.last().is_some_and(|line| line == "> half a line")
            };
            let shown = lasting(&room.bob.wait("a whole screen", is_whole));
            let file = folder.join(format!("{columns}x{rows}.txt"));
            if env::var_os("GOLDEN").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&file, &shown).unwrap();
            }
            assert_eq!(shown, fs::read_to_string(&file).unwrap(), "{runtime}, {colour}, {columns}x{rows}");
        }
        let raw = String::from_utf8(room.bob.raw()).unwrap();
        assert_eq!(raw.contains("\u{1b}[38;5;"), colour);
        assert!(colour || !raw.contains("\u{1b}[0m"));
    }
}

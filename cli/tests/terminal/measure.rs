//! Measures what the full screen costs in a room that talks. Run by
//! `cargo test --release -p ringchat --test terminal -- --ignored --nocapture measure`. `SCREEN_SECONDS` sets the length of a
//! window, of which there are five.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::json_member::JsonMember;
use crate::pty::Terminal;

/// How many talk, beside the one who looks at the screen.
const TALKERS: usize = 29;

/// How many lines all of them say in a second.
const LINES: u32 = 20;

const WINDOWS: usize = 5;

/// How many lines the full screen keeps.
const SCROLLBACK: usize = 10_000;

/// How many lines one says in a row until the screen is full of lines.
const BURST: usize = 100;

/// The seconds of a window, unless the environment says otherwise.
const SECONDS: u64 = 60;

#[test]
#[ignore = "measures, takes five minutes, and wants the machine for itself"]
fn measure() {
    let seconds = env::var("SCREEN_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let window = Duration::from_secs(seconds);
    println!("a member on a terminal of 120x40, {TALKERS} others say {LINES} lines a second together");
    println!("{WINDOWS} windows of {seconds} s: median (least, most) of a core, in percent");
    for mode in ["lines", "full screen"] {
        let mut room = BusyRoom::start(mode == "full screen");
        let before = room.screen.resident_kib();
        room.fill();
        let filled = room.screen.resident_kib();
        println!(
            "{mode}: {:.1} MiB at the beginning, {:.1} MiB with {SCROLLBACK} lines, {:.1} MiB more",
            mebibytes(before),
            mebibytes(filled),
            mebibytes(filled - before)
        );
        let shares: Vec<Shares> = (0..WINDOWS).map(|_| room.talk_for(window)).collect();
        let told = |name: &str, share: fn(&Shares) -> f64| {
            let mut all: Vec<f64> = shares.iter().map(share).collect();
            all.sort_by(f64::total_cmp);
            println!("{mode}, {name}: {:.2} ({:.2}, {:.2})", all[WINDOWS / 2], all[0], all[WINDOWS - 1]);
        };
        told("the whole member", |shares| shares.all);
        told("of this the thread that paints", |shares| shares.desk);
        println!("{mode}: {:.1} MiB at the end", mebibytes(room.screen.resident_kib()));
    }
}

/// How much of a core was used, in percent.
struct Shares {
    all: f64,
    desk: f64,
}

struct BusyRoom {
    talkers: Vec<JsonMember>,
    screen: Terminal,
    said: usize,
    _dir: TempDir,
}

impl BusyRoom {
    fn start(is_full: bool) -> Self {
        let dir = TempDir::new().unwrap();
        let name = |n: usize| format!("talker{n}");
        let mut talkers = vec![JsonMember::start(dir.path(), &["-l", "-n", &name(0), "--no-log"])];
        let contact = talkers[0].addr.clone();
        for n in 1..TALKERS {
            talkers.push(JsonMember::start(dir.path(), &["-n", &name(n), "--no-log", &contact]));
        }
        let args: &[&str] = if is_full { &["-f"] } else { &[] };
        let screen = Terminal::start(dir.path(), &[&["-n", "Bob", "--no-log", &contact], args].concat(), &[]);
        let room = Self { talkers, screen, said: 0, _dir: dir };
        let is_prompt = |line: &String| line == ">" || line.starts_with("> Bob(");
        room.screen.wait("a prompt", |lines| lines.last().is_some_and(is_prompt));
        room.screen.wait_quiet(Duration::from_millis(500));
        room
    }

    /// The member `who` of the others says a line of usual length.
    fn say(&mut self, who: usize) {
        let n = self.said;
        let usual = "which is as long as most of what people say in a room, or a bit longer";
        self.talkers[who % TALKERS].say(&format!("line {n}, {usual}.{n}"));
        self.said += 1;
    }

    fn wait_shown(&self) {
        let last = format!(".{}", self.said - 1);
        self.screen.wait(&last, |lines| {
            lines.iter().any(|line| line.split('│').next().unwrap_or_default().trim_end().ends_with(&last))
        });
    }

    /// The others say as many lines as the full screen keeps, each some in a row, no faster than they are shown.
    fn fill(&mut self) {
        for n in 0..SCROLLBACK {
            self.say(n / BURST);
            if (n + 1) % BURST == 0 {
                self.wait_shown();
            }
        }
        self.screen.wait_quiet(Duration::from_millis(500));
    }

    fn talk_for(&mut self, window: Duration) -> Shares {
        let start = Instant::now();
        let used = |screen: &Terminal| [screen.used(None), screen.used(Some("desk"))];
        let before = used(&self.screen);
        let mut next = start;
        while next < start + window {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            self.say(self.said);
            next += Duration::from_secs(1) / LINES;
        }
        thread::sleep((start + window).saturating_duration_since(Instant::now()));
        let (after, time) = (used(&self.screen), start.elapsed());
        let share = |at: usize| 100.0 * after[at].abs_diff(before[at]).as_secs_f64() / time.as_secs_f64();
        Shares { all: share(0), desk: share(1) }
    }
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

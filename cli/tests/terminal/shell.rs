//! The program under shells that stop and continue it.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::json_member::JsonMember;
use crate::pty::Terminal;

const BASH: &[&str] = &["bash", "--norc", "--noprofile", "-i"];
const DASH: &[&str] = &["dash", "-i"];

/// A shell in `dir` that has shown its first prompt.
fn begun(dir: &Path, shell: &[&str]) -> Terminal {
    let shell = Terminal::shell(dir, shell);
    shell.wait("a shell", |lines| lines.last().is_some_and(|line| line.ends_with('$')));
    shell
}

/// A shell that runs a member of Eve's room.
struct Job {
    eve: JsonMember,
    shell: Terminal,
    addr: String,
    _dir: TempDir,
}

impl Job {
    fn start(shell: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let eve = JsonMember::start(dir.path(), &["-l", "-n", "Eve", "--detect-ms", "60000"]);
        let mut shell = begun(dir.path(), shell);
        shell.keys(&format!("ringchat --detect-ms 60000 -n Bob {}\r", eve.addr));
        let addr = eve.wait("joined")["member"]["addr"].as_str().unwrap().to_owned();
        let job = Self { eve, shell, addr, _dir: dir };
        job.wait_typed("");
        job
    }

    /// Waits until the prompt is shown with this text.
    fn wait_typed(&self, text: &str) {
        let prompt = format!("> Bob({}): {text}", self.addr);
        self.shell.wait(&prompt, |lines| lines.last().is_some_and(|line| line == prompt.trim_end()));
    }

    /// Waits until the shell has the terminal again, and asserts that its modes are the usual ones.
    fn wait_shell(&mut self) {
        self.shell.wait("the shell", |lines| lines.last().is_some_and(|line| line == "shell$"));
        self.shell.keys("stty -a; echo d''one\r");
        let is_done = |lines: &[String]| lines.ends_with(&["done".to_owned(), "shell$".to_owned()]);
        let lines = self.shell.wait("a prompt after that", is_done);
        let modes: Vec<&String> = lines.iter().skip_while(|line| !line.contains("speed")).collect();
        for mode in [" -icanon", " -echo ", " -onlcr", " -isig"] {
            assert!(!modes.iter().any(|line| format!(" {line} ").contains(mode)), "{mode}: {modes:#?}");
        }
    }

    /// Waits until the shell knows that the program is stopped: bash does not continue what it believes to run.
    fn wait_known_as_stopped(&mut self) -> Vec<String> {
        // In a pipe, dash knows of no jobs.
        self.shell.keys("until jobs >jobs; grep -q Stopped jobs; do :; done; echo stopped a''gain\r");
        self.shell.wait("a stopped job", |lines| {
            let is_known = lines.iter().any(|line| line == "stopped again");
            is_known && lines.last().is_some_and(|line| line == "shell$")
        })
    }

    fn pid(&self) -> Pid {
        let children = |pid: Pid| {
            let path = format!("/proc/{0}/task/{0}/children", pid.as_raw_nonzero());
            let children = std::fs::read_to_string(Path::new(&path)).unwrap();
            children
                .split_whitespace()
                .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
                .collect::<Vec<_>>()
        };
        children(self.shell.pid())[0]
    }

    /// Asserts that the program works as before: it shows a line without a key, and the text can be edited.
    fn goes_on(&mut self) {
        self.wait_typed("half");
        self.eve.say("are you there?");
        self.shell.wait("a line", |lines| lines.iter().any(|line| line.ends_with("are you there?")));
        self.wait_typed("half");
        self.shell.keys("\u{1b}[D\u{1b}[D\u{1b}[D\u{1b}[De\u{1b}[C\r");
        assert_eq!(self.eve.heard(), "ehalf");
    }
}

/// Waits until a process is stopped.
fn wait_stopped(pid: Pid) {
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
}

fn stops_and_goes_on(shell: &[&str], stop: impl Fn(&mut Job)) {
    let mut job = Job::start(shell);
    job.shell.keys("half");
    job.wait_typed("half");
    stop(&mut job);
    job.wait_shell();
    job.shell.keys("fg\r");
    job.goes_on();
    job.shell.keys("/quit\r");
    job.wait_shell();
}

#[test]
fn control_z_gives_bash_its_terminal_and_fg_goes_on() {
    stops_and_goes_on(BASH, |job| job.shell.keys("\u{1a}"));
}

#[test]
fn control_z_gives_dash_its_terminal_and_fg_goes_on() {
    stops_and_goes_on(DASH, |job| job.shell.keys("\u{1a}"));
}

#[test]
fn a_signal_that_stops_does_the_same() {
    stops_and_goes_on(BASH, |job| kill_process(job.pid(), Signal::TSTP).unwrap());
}

#[test]
fn a_signal_that_cannot_be_caught_does_the_same_under_bash() {
    stops_and_goes_on(BASH, |job| kill_process(job.pid(), Signal::STOP).unwrap());
}

#[test]
fn in_the_background_it_stops_again_until_it_is_in_front() {
    let mut job = Job::start(BASH);
    job.shell.keys("half\u{1a}");
    job.wait_shell();
    job.shell.keys("bg\r");
    job.wait_known_as_stopped();
    job.shell.keys("fg\r");
    job.goes_on();
}

#[test]
fn continued_behind_a_shell_it_leaves_the_terminal_alone_until_it_is_in_front() {
    for shell in [BASH, DASH] {
        let mut job = Job::start(shell);
        job.shell.keys("half\u{1a}");
        job.wait_shell();
        let pid = job.pid();
        job.eve.say("a line behind the shell");
        for _ in 0..5 {
            kill_process(pid, Signal::CONT).unwrap();
            wait_stopped(pid);
        }
        let lines = job.wait_known_as_stopped();
        assert!(!lines.iter().any(|line| line.ends_with("a line behind the shell")), "{lines:#?}");
        job.shell.keys("fg\r");
        job.goes_on();
    }
}

#[test]
fn a_stopped_program_that_is_killed_ends_behind_the_shell() {
    // Unlike dash, bash lets it go on after the signal.
    let mut job = Job::start(BASH);
    job.shell.keys("half\u{1a}");
    job.wait_shell();
    job.wait_known_as_stopped();
    // The shell may not know yet that it goes on.
    job.shell.keys("kill %1; until wait %1; code=$?; [ $code != 147 ]; do :; done; echo code $code\r");
    job.shell.wait("its code", |lines| lines.iter().any(|line| line == "code 143"));
}

#[test]
fn a_test_that_ends_leaves_nothing_behind_that_a_shell_has_stopped() {
    let dir = TempDir::new().unwrap();
    let mut shell = begun(dir.path(), BASH);
    shell.keys("trap '' HUP; sleep 1000 & kill -STOP $!; echo started $!.\r");
    let started = |line: &String| line.strip_prefix("started ")?.strip_suffix('.')?.parse().ok();
    let lines = shell.wait("a process", |lines| lines.iter().any(|line| started(line).is_some()));
    let pid = lines.iter().find_map(started).and_then(Pid::from_raw).unwrap();
    wait_stopped(pid);
    drop(shell);
    // Whoever takes over a process that has ended may leave it there.
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let begin = Instant::now();
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(begin.elapsed() < Duration::from_secs(20), "it lives on");
        std::thread::yield_now();
    }
}

#[test]
fn a_stop_says_what_comes_of_it() {
    let mut job = Job::start(BASH);
    job.shell.keys("\u{1a}");
    job.shell.wait_line("/// stopped: the room gives you up after 90 s; fg comes back ///");
}

#[test]
fn continued_without_a_shell_between_the_prompt_stands_once() {
    let mut job = Job::start(BASH);
    job.shell.keys("half");
    job.wait_typed("half");
    kill_process(job.pid(), Signal::CONT).unwrap();
    job.eve.say("a line");
    let lines = job.shell.wait("a line", |lines| lines.iter().any(|line| line.ends_with("a line")));
    job.wait_typed("half");
    assert_eq!(lines.iter().filter(|line| line.starts_with("> Bob(")).count(), 1, "{lines:#?}");
}

#[test]
fn the_end_comes_after_the_last_line_and_before_the_shell() {
    for _ in 0..4 {
        let mut job = Job::start(BASH);
        job.shell.keys("half");
        job.wait_typed("half");
        for line in 0..200 {
            job.eve.say(&format!("line {line}."));
        }
        kill_process(job.pid(), Signal::TERM).unwrap();
        let lines = job.shell.wait("the shell", |lines| lines.last().is_some_and(|line| line == "shell$"));
        let end: Vec<&String> = lines.iter().rev().take(3).collect();
        let before = end.iter().find(|line| line.starts_with("/// ")).unwrap_or_else(|| panic!("{lines:#?}"));
        assert_eq!(before.as_str(), "/// you left the ring ///", "{lines:#?}");
        assert!(!lines.iter().any(|line| line.starts_with("> Bob(")), "the prompt is left: {lines:#?}");
        job.wait_shell();
    }
}

#[test]
fn control_z_on_the_full_screen_leaves_the_last_lines_and_fg_shows_it_again() {
    let mut job = Job::start(BASH);
    job.shell.keys("/screen\r");
    let shows_typed = |job: &Job, text: &str| {
        job.shell.wait(text, |lines| lines.last().is_some_and(|line| line == text));
        assert!(job.shell.screen().alternate_screen());
    };
    shows_typed(&job, ">");
    job.eve.say("before the stop");
    job.shell.keys("half");
    job.shell.wait("a line", |lines| lines.iter().any(|line| line.contains(" Eve   before the stop")));
    shows_typed(&job, "> half");
    job.shell.keys("\u{1a}");
    job.shell.wait("the line", |lines| lines.iter().any(|line| line.ends_with("]: before the stop")));
    job.wait_shell();
    assert!(!job.shell.screen().alternate_screen());
    job.shell.keys("fg\r");
    shows_typed(&job, "> half");
    job.shell.keys("\u{3}/quit\r");
    job.wait_shell();
}

#[test]
fn what_was_typed_during_a_join_that_fails_does_not_reach_the_shell() {
    let dir = TempDir::new().unwrap();
    let mut shell = begun(dir.path(), DASH);
    shell.keys("ringchat --no-log --join-timeout 1 127.0.0.1:1\r");
    shell.wait("a join", |lines| lines.iter().any(|line| line.contains("joining through")));
    shell.keys("touch typed\rtouch half");
    let is_back = |lines: &[String]| {
        let tells = lines.iter().any(|line| line == "ringchat: what you typed was not sent");
        tells && lines.last().is_some_and(|line| line == "shell$")
    };
    shell.wait("the shell", is_back);
    shell.keys("echo d''one\r");
    shell.wait("a prompt after that", |lines| lines.ends_with(&["done".to_owned(), "shell$".to_owned()]));
    assert!(!dir.path().join("typed").exists());
}

//! A program on a pseudo-terminal, and a terminal that interprets its output.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::json_member::new_home;

/// The deadline of everything.
const LONG: Duration = Duration::from_secs(20);

/// What ends a frame, which a terminal shows at once.
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;

/// The output so far.
struct Seen {
    raw: Vec<u8>,
    parser: vt100::Parser,
    /// Whether the test has stopped reading.
    is_held: bool,
}

/// A process with a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    master: File,
    slave: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Terminal {
    /// Starts the program in `dir` with additional environment variables.
    pub(crate) fn start(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = with_usual_signals();
        command.arg(env!("CARGO_BIN_EXE_ringchat")).current_dir(dir).args(args);
        Self::open(dir, command, env)
    }

    /// Starts an interactive shell in `dir` that finds the program as `ringchat` and is controlled by the terminal.
    pub(crate) fn shell(dir: &Path, shell: &[&str]) -> Self {
        let mut command = with_usual_signals();
        command.args(["setsid", "--ctty"]).args(shell).current_dir(dir).env("PS1", "shell$ ").env("ENV", "");
        let program = Path::new(env!("CARGO_BIN_EXE_ringchat"));
        let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
        command.env("PATH", path);
        Self::open(dir, command, &[])
    }

    fn open(dir: &Path, mut command: Command, env: &[(&str, &str)]) -> Self {
        let home = new_home(dir);
        command.env("XDG_DATA_HOME", &home).env("XDG_STATE_HOME", &home).envs(env.iter().copied());
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().try_into().unwrap())
            .open(path)
            .unwrap();
        tcsetwinsize(&slave, winsize(COLUMNS, ROWS)).unwrap();
        if !command.get_envs().any(|(name, _)| name == "NO_COLOR") {
            command.env_remove("NO_COLOR");
        }
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave.try_clone().unwrap())
            .spawn()
            .unwrap();
        let seen = Arc::new((Mutex::new(Seen::new()), Condvar::new()));
        watch(master.try_clone().unwrap(), Arc::clone(&seen));
        Self { child, master: master.into(), slave, seen }
    }

    /// Stops reading the output, or reads on.
    pub(crate) fn hold(&self, is_held: bool) {
        self.seen.0.lock().unwrap().is_held = is_held;
        self.seen.1.notify_all();
    }

    /// Sets the width of the terminal. If it becomes narrower, waits until the program has repainted its screen,
    /// because earlier output is too wide.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let cells = |n| NonZeroU16::new(n).unwrap();
        let (seen, more) = &*self.seen;
        let mut now = seen.lock().unwrap();
        let is_wider = columns >= u16::from(now.parser.screen().size().1);
        now.parser.screen_mut().set_size(cells(rows), cells(columns));
        let before = now.raw.len();
        drop(now);
        tcsetwinsize(&self.slave, winsize(columns, rows)).unwrap();
        // The terminal does not control the program, so the system sends no signal.
        self.signal(Signal::WINCH);
        let is_old = |seen: &mut Seen| {
            !is_wider
                && !String::from_utf8_lossy(&seen.raw[before..]).contains("\u{1b}[H")
                && !String::from_utf8_lossy(&seen.raw[before..]).contains("\u{1b}[2J")
        };
        let (_seen, timeout) = more.wait_timeout_while(seen.lock().unwrap(), LONG, is_old).unwrap();
        assert!(!timeout.timed_out(), "the screen is not painted anew");
    }

    /// Whether the terminal edits lines and echoes, as it does for a shell.
    pub(crate) fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.slave).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits until there was no output for this long.
    pub(crate) fn wait_quiet(&self, time: Duration) {
        let (seen, more) = &*self.seen;
        let mut seen = seen.lock().unwrap();
        loop {
            let before = seen.raw.len();
            let waited = more.wait_timeout_while(seen, time, |seen| seen.raw.len() == before).unwrap();
            if waited.1.timed_out() {
                return;
            }
            seen = waited.0;
        }
    }

    /// Waits until nothing is written any more, and asserts that then, for two seconds, nothing is written, next to no
    /// processor time is used, and the thread that owns the terminal does not wake.
    pub(crate) fn assert_rests(&self) {
        self.wait_quiet(Duration::from_millis(500));
        let (used, wakes, written) = (self.used(None), self.wakes("desk"), self.raw().len());
        self.wait_quiet(Duration::from_secs(2));
        assert_eq!(self.raw().len(), written);
        assert_eq!(self.wakes("desk"), wakes);
        // The room still sends signs of life.
        let used = self.used(None).saturating_sub(used);
        assert!(used <= Duration::from_millis(20), "{used:?}");
    }

    /// How often the thread called `name` has gone to sleep.
    fn wakes(&self, name: &str) -> u64 {
        let threads = self.threads(Some(name));
        number_of(&threads[0].join("status"), "voluntary_ctxt_switches")
    }

    /// The processor time that the threads called `name` have used, or all threads.
    pub(crate) fn used(&self, name: Option<&str>) -> Duration {
        let nanos = |thread: PathBuf| {
            let times = fs::read_to_string(thread.join("schedstat")).unwrap();
            times.split(' ').next().unwrap().parse::<u64>().unwrap()
        };
        Duration::from_nanos(self.threads(name).into_iter().map(nanos).sum())
    }

    /// The folders of the threads called `name`, or of all threads.
    fn threads(&self, name: Option<&str>) -> Vec<PathBuf> {
        let threads = fs::read_dir(self.proc("task")).unwrap().map(|thread| thread.unwrap().path());
        let called = |thread: &PathBuf| fs::read_to_string(thread.join("comm")).unwrap();
        threads.filter(|thread| name.is_none_or(|name| called(thread).trim_end() == name)).collect()
    }

    /// The resident memory of the program in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        number_of(&self.proc("status"), "VmRSS")
    }

    fn proc(&self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.pid().as_raw_nonzero()).into()
    }

    /// The id of the process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.press(keys.as_bytes());
    }

    /// Presses keys given as bytes.
    pub(crate) fn press(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
    }

    /// Presses keys, more than the terminal keeps, on a thread that ends once the program has read most of them.
    pub(crate) fn press_all(&self, keys: String) -> JoinHandle<()> {
        let mut master = self.master.try_clone().unwrap();
        thread::spawn(move || master.write_all(keys.as_bytes()).unwrap())
    }

    /// Waits until the lines of the screen are as `wanted` and returns them.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let (seen, more) = &*self.seen;
        let seen = seen.lock().unwrap();
        let waiting = |seen: &mut Seen| !wanted(&seen.lines());
        let (seen, timeout) = more.wait_timeout_while(seen, LONG, waiting).unwrap();
        let lines = seen.lines();
        let state = if self.has_ended(Duration::ZERO) { "that has ended" } else { "that runs" };
        let shown = lines.join("\n");
        assert!(!timeout.timed_out(), "no {what} on the screen of a program {state}:\n{shown}");
        lines
    }

    /// The first screen at the end of a frame of which the lines are as `wanted`. `None` if there is none within this time.
    pub(crate) fn catch(
        &self,
        within: Duration,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Option<vt100::Screen> {
        let (seen, more) = &*self.seen;
        let is_other = |seen: &mut Seen| !seen.raw.ends_with(END_OF_FRAME) || !wanted(&seen.lines());
        let (seen, timeout) = more.wait_timeout_while(seen.lock().unwrap(), within, is_other).unwrap();
        (!timeout.timed_out()).then(|| seen.parser.screen().clone())
    }

    /// Waits until the screen has the line `line` and returns its lines.
    pub(crate) fn wait_line(&self, line: &str) -> Vec<String> {
        self.wait(line, |lines| lines.iter().any(|shown| shown == line))
    }

    /// Waits until the output ends with these bytes.
    pub(crate) fn wait_raw(&self, end: &str) {
        let (seen, more) = &*self.seen;
        let waiting = |seen: &mut Seen| !seen.raw.ends_with(end.as_bytes());
        let (seen, timeout) = more.wait_timeout_while(seen.lock().unwrap(), LONG, waiting).unwrap();
        let last = String::from_utf8_lossy(&seen.raw[seen.raw.len().saturating_sub(100)..]).into_owned();
        assert!(!timeout.timed_out(), "the last bytes are {last:?}");
    }

    /// All bytes of the output so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// The screen of the terminal.
    pub(crate) fn screen(&self) -> vt100::Screen {
        self.seen.0.lock().unwrap().parser.screen().clone()
    }

    /// Asserts that the terminal echoes and edits lines, as it does for a shell, and waits until it no longer marks
    /// pasted text.
    pub(crate) fn assert_restored(&self) {
        assert!(self.is_cooked(), "the terminal is left raw");
        let (seen, more) = &*self.seen;
        let marks = |seen: &mut Seen| seen.parser.screen().bracketed_paste();
        let (_seen, timeout) = more.wait_timeout_while(seen.lock().unwrap(), LONG, marks).unwrap();
        assert!(!timeout.timed_out(), "the terminal still marks pasted text");
    }

    /// Sends a signal.
    ///
    /// The keys pressed before come first: the system hands them over on a thread of its own, for which a poll waits.
    pub(crate) fn signal(&self, signal: Signal) {
        poll(&mut [PollFd::new(&self.slave, PollFlags::IN)], Some(&Timespec::default())).unwrap();
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until the program ends.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        assert!(self.has_ended(LONG), "the program does not end");
        self.child.wait().unwrap()
    }

    /// Whether the program ends within this time.
    fn has_ended(&self, within: Duration) -> bool {
        // A process that was waited for already has no such descriptor.
        let Ok(process) = pidfd_open(self.pid(), PidfdFlags::empty()) else { return true };
        let within = Timespec::try_from(within).unwrap();
        poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&within)).unwrap() == 1
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // What a shell started may be stopped, or in the background.
        for pid in of_session(self.pid()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The processes of the session that `leader` began, if it began one.
fn of_session(leader: Pid) -> Vec<Pid> {
    let leader = leader.as_raw_nonzero().to_string();
    let is_of_session = |folder: &Path| {
        let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
        stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(3)) == Some(&leader)
    };
    let folders = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let pid = |folder: PathBuf| Pid::from_raw(folder.file_name()?.to_str()?.parse().ok()?);
    folders.filter(|folder| is_of_session(folder)).filter_map(pid).collect()
}

impl Seen {
    fn new() -> Self {
        let size = |n| NonZeroU16::new(n).unwrap();
        Self { raw: Vec::new(), parser: vt100::Parser::new(size(ROWS), size(COLUMNS), 0), is_held: false }
    }

    /// The rows of the screen without the empty ones at the end.
    fn lines(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let mut lines: Vec<String> =
            screen.rows(0, screen.size().1.into()).map(|line| line.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }
}

/// The number behind `name:` in a file of the system.
fn number_of(file: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

/// A command that runs a program with default signals, even if the tests run with ignored ones. The program is killed when
/// the test is.
fn with_usual_signals() -> Command {
    let mut command = dying_with_test("env");
    command.arg("--default-signal");
    command
}

/// A command that runs `program`, which is killed when the test is: it may be stopped, and nobody else would continue it.
pub(crate) fn dying_with_test(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Reads the output of the terminal on a thread that ends with the output.
fn watch(master: OwnedFd, seen: Arc<(Mutex<Seen>, Condvar)>) {
    let mut master = File::from(master);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = master.read(&mut bytes) {
            let now = seen.0.lock().unwrap();
            let mut now = seen.1.wait_while(now, |seen| seen.is_held).unwrap();
            now.raw.extend_from_slice(&bytes[..count]);
            now.parser.process(&bytes[..count]);
            seen.1.notify_all();
        }
    });
}

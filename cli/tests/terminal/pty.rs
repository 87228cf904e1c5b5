//! A program on a pseudo-terminal, and what a terminal makes of its output.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// How long anything may take.
const LONG: Duration = Duration::from_secs(20);

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;

/// What came out so far.
struct Seen {
    raw: Vec<u8>,
    parser: vt100::Parser,
}

/// A process with a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    master: File,
    slave: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Terminal {
    /// Starts the program in `dir`.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ringchat"))
            .current_dir(dir)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .args(args)
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave.try_clone().unwrap())
            .spawn()
            .unwrap();
        let seen = Arc::new((Mutex::new(Seen::new()), Condvar::new()));
        watch(master.try_clone().unwrap(), Arc::clone(&seen));
        Self { child, master: master.into(), slave, seen }
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows what `wanted` looks for, and gives the screen's lines.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let (seen, more) = &*self.seen;
        let seen = seen.lock().unwrap();
        let waiting = |seen: &mut Seen| !wanted(&seen.lines());
        let (seen, timeout) = more.wait_timeout_while(seen, LONG, waiting).unwrap();
        let lines = seen.lines();
        assert!(!timeout.timed_out(), "no {what} on the screen:\n{}", lines.join("\n"));
        lines
    }

    /// Waits until some line of the screen is `line`.
    pub(crate) fn wait_line(&self, line: &str) -> Vec<String> {
        self.wait(line, |lines| lines.iter().any(|shown| shown == line))
    }

    /// Every byte that came out so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// The terminal as its output left it.
    pub(crate) fn screen(&self) -> vt100::Screen {
        self.seen.0.lock().unwrap().parser.screen().clone()
    }

    /// Asserts that the terminal echoes and edits lines by itself, as it does outside of programs, and waits
    /// until it no longer marks pasted text.
    pub(crate) fn assert_restored(&self) {
        let modes = tcgetattr(&self.slave).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
        let (seen, more) = &*self.seen;
        let marks = |seen: &mut Seen| seen.parser.screen().bracketed_paste();
        let (_seen, timeout) = more.wait_timeout_while(seen.lock().unwrap(), LONG, marks).unwrap();
        assert!(!timeout.timed_out(), "the terminal still marks pasted text");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the program.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    fn new() -> Self {
        let size = |n| NonZeroU16::new(n).unwrap();
        Self { raw: Vec::new(), parser: vt100::Parser::new(size(ROWS), size(COLUMNS), 0) }
    }

    fn lines(&self) -> Vec<String> {
        self.parser.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

/// Reads the terminal's output on a thread that ends with it.
fn watch(master: OwnedFd, seen: Arc<(Mutex<Seen>, Condvar)>) {
    let mut master = File::from(master);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = master.read(&mut bytes) {
            let mut now = seen.0.lock().unwrap();
            now.raw.extend_from_slice(&bytes[..count]);
            now.parser.process(&bytes[..count]);
            seen.1.notify_all();
        }
    });
}

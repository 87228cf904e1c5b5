//! One process of the program.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// How to start a process.
#[derive(Clone, Debug)]
pub(crate) struct LaunchOptions {
    pub(crate) name: String,
    pub(crate) runtime: &'static str,
    /// Empty to give none.
    pub(crate) address: &'static str,
    /// 0 for any free one.
    pub(crate) port: u16,
    /// None creates a room.
    pub(crate) contacts: Vec<String>,
    pub(crate) json: bool,
    pub(crate) stdout: Stdout,
    /// The network namespace to run in; none for that of the test.
    pub(crate) namespace: Option<String>,
    /// Further arguments.
    pub(crate) extra: Vec<String>,
}

/// What becomes of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdout {
    /// It is read.
    Read,
    /// It is not read before [`super::TestRoom::read_on`].
    Held,
    /// Its reader goes once the process is a member.
    Closed,
}

/// One process of the program, killed when dropped.
pub(crate) struct Process {
    pid: Pid,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts one in the folder `dir`. Its standard error goes to a file there, named after it.
    pub(crate) fn start(options: &LaunchOptions, dir: &Path) -> (Self, Child) {
        let stderr = File::create(dir.join(format!("{}.stderr", options.name))).unwrap();
        let mut command = program(options.namespace.as_deref());
        command.current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        if !options.address.is_empty() {
            command.args(["-a", options.address]);
        }
        command.args(["-p", &options.port.to_string(), "-n", &options.name]);
        command.args(["--runtime", options.runtime]);
        if options.json {
            command.arg("--json");
        }
        command.args(&options.extra);
        match options.contacts.as_slice() {
            [] => command.arg("-l"),
            [contact] => {
                let contact: SocketAddr = contact.parse().unwrap();
                command.args(["-na", &contact.ip().to_string(), "-np", &contact.port().to_string()])
            }
            several => command.args(several),
        };
        let mut child = command.spawn().unwrap();
        let pid = Pid::from_child(&child);
        (Self { pid, stdin: child.stdin.take() }, child)
    }

    /// Writes one line to standard input. A process that is gone takes it to the grave.
    pub(crate) fn write_line(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Ends standard input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal. The caller knows that the process has not been waited for.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}

/// The program, to be run in a network namespace. `ip` becomes what it runs, so signals reach the program.
fn program(namespace: Option<&str>) -> Command {
    // The program keeps to the signals that it was started without, so the tests must not hand down theirs.
    let mut command = Command::new("env");
    command.arg("--default-signal");
    if let Some(namespace) = namespace {
        command.args(["ip", "netns", "exec", namespace]);
    }
    command.arg(env!("CARGO_BIN_EXE_ringchat"));
    command
}

/// Hands each line of the child's standard output to `take`, until its end or until `take` wants no more.
pub(crate) fn read_lines(child: &mut Child, mut take: impl FnMut(&str) -> bool) {
    let Some(stdout) = child.stdout.take() else { return };
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if !take(&line) {
            return;
        }
    }
}

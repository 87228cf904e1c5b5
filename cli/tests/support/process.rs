//! Starts and controls one process of the program.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// How to start a process.
#[derive(Clone, Debug)]
pub(crate) struct LaunchOptions {
    pub(crate) name: String,
    pub(crate) runtime: &'static str,
    /// The value of `-a`; empty to leave the option out.
    pub(crate) address: &'static str,
    /// The port to listen on; 0 means any free one.
    pub(crate) port: u16,
    /// The members to join through; without one the process creates a room.
    pub(crate) contacts: Vec<String>,
    pub(crate) json: bool,
    pub(crate) stdout: Stdout,
    /// The network namespace to run in; `None` means that of the test.
    pub(crate) namespace: Option<String>,
    /// The folder of the key files, in that of the room; `None` for one of its own.
    pub(crate) home: Option<String>,
    /// The file descriptors that the process may have, if not as many as the system allows.
    pub(crate) descriptors: Option<u32>,
    /// Further environment variables.
    pub(crate) env: Vec<(&'static str, String)>,
    /// Further arguments.
    pub(crate) extra: Vec<String>,
}

/// How a test treats the standard output of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdout {
    /// The test reads it.
    Read,
    /// The test does not read it before [`super::TestRoom::read_on`].
    Held,
    /// The test closes it once the process is a member.
    Closed,
}

/// One process of the program, killed when dropped.
pub(crate) struct Process {
    pid: Pid,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts a process in the folder `dir`. Its standard error goes to the file `NAME.stderr` there.
    pub(crate) fn start(options: &LaunchOptions, dir: &Path) -> (Self, Child) {
        let stderr = File::create(dir.join(format!("{}.stderr", options.name))).unwrap();
        let mut command = program(options);
        command.current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let home = options.home.clone().unwrap_or_else(|| format!("{}.home", options.name));
        command.env("XDG_DATA_HOME", dir.join(&home)).env("XDG_STATE_HOME", dir.join(&home));
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
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
            [] if options.extra.iter().any(|word| word.starts_with("--ticket") || word == "--room") => {
                &mut command
            }
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

    /// Writes one line to standard input. Ignores a process that has ended.
    pub(crate) fn write_line(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Closes standard input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal. The process must not have been waited for yet.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// A file that the system keeps about the process.
    pub(crate) fn proc_file(&self, name: &str) -> String {
        self.read_proc_file(name).unwrap()
    }

    /// The environment variables. `None` if only root may see them, because the process hides its memory.
    pub(crate) fn variables(&self) -> Option<String> {
        match self.read_proc_file("environ") {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            read => Some(read.unwrap()),
        }
    }

    fn read_proc_file(&self, name: &str) -> io::Result<String> {
        let path = format!("/proc/{}/{name}", self.pid.as_raw_nonzero());
        Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
    }

    /// The resident memory of the process in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = self.proc_file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}

/// The command that runs the program in a network namespace, with a limit of descriptors. `sh` and `ip` replace themselves by
/// the program, so signals reach the program. It is killed when the thread that starts it ends, be it with the test or because
/// the test is killed: it may be stopped, and nobody else would continue it.
fn program(options: &LaunchOptions) -> Command {
    // The program leaves inherited ignored signals ignored, so it must not inherit those of the tests.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "env", "--default-signal"]);
    if let Some(descriptors) = options.descriptors {
        command.args(["sh", "-c", &format!("ulimit -n {descriptors} && exec \"$@\""), "sh"]);
    }
    if let Some(namespace) = &options.namespace {
        command.args(["ip", "netns", "exec", namespace]);
    }
    command.arg(env!("CARGO_BIN_EXE_ringchat"));
    command
}

/// Passes each line of the child's standard output to `take` until the end, or until `take` returns false.
pub(crate) fn read_lines(child: &mut Child, mut take: impl FnMut(&str) -> bool) {
    let Some(stdout) = child.stdout.take() else { return };
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if !take(&line) {
            return;
        }
    }
}

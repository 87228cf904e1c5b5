//! Another member of the room, controlled with JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::pty::dying_with_test;

/// The deadline of the next event.
const LONG: Duration = Duration::from_secs(20);

/// A new folder in `dir` for the key files of a process.
pub(crate) fn new_home(dir: &Path) -> PathBuf {
    tempfile::Builder::new().prefix("home-").tempdir_in(dir).unwrap().keep()
}

/// A member controlled with JSON.
pub(crate) struct JsonMember {
    child: Child,
    events: Receiver<Value>,
    /// The address on which the member listens.
    pub(crate) addr: String,
}

impl JsonMember {
    /// Starts a member in `dir` and waits until it is in the room.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = dying_with_test(env!("CARGO_BIN_EXE_ringchat"));
        command.args(args);
        Self::start_as(command, dir)
    }

    /// As [`start`](Self::start) with a command, which must accept further arguments.
    pub(crate) fn start_as(mut command: Command, dir: &Path) -> Self {
        let home = new_home(dir);
        let mut child = command
            .current_dir(dir)
            .env("XDG_DATA_HOME", &home)
            .env("XDG_STATE_HOME", &home)
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut peer = Self { child, events, addr: String::new() };
        let ready = peer.wait("ready");
        ready["me"]["addr"].as_str().unwrap().clone_into(&mut peer.addr);
        peer
    }

    /// Says something.
    pub(crate) fn say(&mut self, text: &str) {
        self.command(&json!({"command": "say", "text": text}));
    }

    /// Gives a command.
    pub(crate) fn command(&mut self, command: &Value) {
        let line = command.to_string() + "\n";
        self.child.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops the process.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Continues the process.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// The next event; `what` is waited for.
    pub(crate) fn next(&self, what: &str) -> Value {
        self.events.recv_timeout(LONG).unwrap_or_else(|_| panic!("no {what}"))
    }

    /// The next event called `event`.
    pub(crate) fn wait(&self, event: &str) -> Value {
        loop {
            let next = self.next(event);
            if next["event"] == event {
                return next;
            }
        }
    }

    /// The next text of another member.
    pub(crate) fn heard(&self) -> String {
        loop {
            let message = self.wait("message");
            if message["mine"] == false {
                return message["text"].as_str().unwrap().to_owned();
            }
        }
    }
}

impl Drop for JsonMember {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A room of processes, and ways to wait for its events.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use super::check::ring_from;
use super::event::ReceivedEvent;
use super::process::{LaunchOptions, Process, Stdout, read_lines};
use super::record::Record;

/// The deadline of everything that is not measured. Only a broken program reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The number of lines of each member that a failing test shows.
const TAIL: usize = 50;

/// The number of a member, in the order in which they were started.
pub(crate) type MemberIndex = usize;

/// The runtimes of the members of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtimes {
    Threads,
    AsyncStd,
    Mixed,
}

impl Runtimes {
    fn of(self, who: MemberIndex) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Mixed if who.is_multiple_of(2) => "threads",
            Self::Mixed | Self::AsyncStd => "async-std",
        }
    }
}

/// A room of processes, which are killed when it is dropped.
pub(crate) struct TestRoom {
    runtimes: Runtimes,
    processes: Vec<Process>,
    /// The texts that each member said, in order.
    pub(super) said: Vec<Vec<String>>,
    /// How many texts each sender had said when a member was started: `[member][sender]`. The member may lack those.
    pub(super) said_before: Vec<Vec<usize>>,
    records: Arc<Records>,
    dir: TempDir,
}

#[derive(Default)]
struct Records {
    all: Mutex<Vec<Record>>,
    changed: Condvar,
}

impl Records {
    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, who: MemberIndex, change: impl FnOnce(&mut Record)) {
        change(&mut self.lock()[who]);
        self.changed.notify_all();
    }
}

impl TestRoom {
    /// A room without members.
    pub(crate) fn new(runtimes: Runtimes) -> Self {
        Self {
            runtimes,
            processes: Vec::new(),
            said: Vec::new(),
            said_before: Vec::new(),
            records: Arc::default(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A room of `n` members, each of which joined through the one before; the first leads.
    pub(crate) fn of(n: usize, runtimes: Runtimes) -> Self {
        let mut room = Self::new(runtimes);
        room.create();
        for contact in 0..n - 1 {
            room.join(contact);
        }
        room.settle(&room.everyone());
        room
    }

    /// The folder in which all processes run.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// All members that were ever started.
    pub(crate) fn everyone(&self) -> Vec<MemberIndex> {
        (0..self.processes.len()).collect()
    }

    /// All members but these.
    pub(crate) fn all_but(&self, gone: &[MemberIndex]) -> Vec<MemberIndex> {
        self.everyone().into_iter().filter(|who| !gone.contains(who)).collect()
    }

    /// Starts the first member and waits until it leads.
    pub(crate) fn create(&mut self) -> MemberIndex {
        let who = self.start(|_| ());
        self.wait_ready(who);
        who
    }

    /// Starts a member that joins through `contact`, and waits until it is in the room.
    pub(crate) fn join(&mut self, contact: MemberIndex) -> MemberIndex {
        let who = self.begin_join(contact);
        self.wait_ready(who);
        who
    }

    /// Starts a member that joins through `contact`, without waiting.
    pub(crate) fn begin_join(&mut self, contact: MemberIndex) -> MemberIndex {
        let contact = self.addr(contact);
        self.start(|options| options.contacts = vec![contact])
    }

    /// Starts a member on `address` that joins through `contact` or creates a room, and waits until it is in the room.
    pub(crate) fn enter_on(&mut self, address: &'static str, contact: Option<MemberIndex>) -> MemberIndex {
        let contacts = contact.into_iter().map(|contact| self.addr(contact)).collect();
        let who = self.start(|options| (options.address, options.contacts) = (address, contacts));
        self.wait_ready(who);
        who
    }

    /// Starts a process with the usual options of a member that creates a room, changed by `adjust`.
    pub(crate) fn start(&mut self, adjust: impl FnOnce(&mut LaunchOptions)) -> MemberIndex {
        let who = self.processes.len();
        let mut options = LaunchOptions {
            name: format!("m{who}"),
            runtime: self.runtimes.of(who),
            address: "127.0.0.1",
            port: 0,
            contacts: Vec::new(),
            json: true,
            stdout: Stdout::Read,
            namespace: None,
            home: None,
            descriptors: None,
            env: Vec::new(),
            extra: Vec::new(),
        };
        adjust(&mut options);
        let held = options.stdout == Stdout::Held;
        self.records.lock().push(Record::new(held));
        self.said_before.push(self.said.iter().map(Vec::len).collect());
        self.said.push(Vec::new());
        let (process, child) = Process::start(&options, self.dir.path());
        self.processes.push(process);
        let records = Arc::clone(&self.records);
        thread::spawn(move || watch(child, &options, who, &records));
        who
    }

    /// Waits until `who` is a member.
    pub(crate) fn wait_ready(&mut self, who: MemberIndex) {
        self.until(&format!("m{who} is ready"), |records| records[who].readies > 0);
        self.said_before[who] = self.said.iter().map(Vec::len).collect();
        self.record(who, |record| assert_eq!(record.runtime, self.runtimes.of(who)));
    }

    /// The address on which `who` listens.
    pub(crate) fn addr(&self, who: MemberIndex) -> String {
        self.record(who, |record| record.me.clone()).unwrap().addr
    }

    /// The process of `who`.
    pub(crate) fn process(&mut self, who: MemberIndex) -> &mut Process {
        &mut self.processes[who]
    }

    /// Evaluates `look` on the record of `who`.
    pub(crate) fn record<T>(&self, who: MemberIndex, look: impl FnOnce(&Record) -> T) -> T {
        look(&self.records.lock()[who])
    }

    /// Waits until `condition` holds for the records of all members. Checks again after each line.
    pub(crate) fn until(&self, what: &str, condition: impl Fn(&[Record]) -> bool) -> Duration {
        let start = Instant::now();
        let mut records = self.records.lock();
        while !condition(&records) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "waited in vain: {what}");
            records = self.records.changed.wait_timeout(records, left).unwrap().0;
        }
        start.elapsed()
    }

    /// Waits until `who` has printed an event that is `wanted`.
    pub(crate) fn until_event(
        &self,
        who: MemberIndex,
        what: &str,
        wanted: impl Fn(&ReceivedEvent) -> bool,
    ) -> Duration {
        self.until(&format!("m{who}: {what}"), |records| records[who].any(&wanted))
    }

    /// Each of `whos` says `lines` more lines, in turn.
    pub(crate) fn talk(&mut self, whos: &[MemberIndex], lines: usize) {
        for _ in 0..lines {
            for &who in whos {
                let text = format!("m{who} says {}", self.said[who].len());
                self.say(who, &text);
            }
        }
    }

    /// Each of `whos` says a line again and again for `time`, with `pause` in between.
    pub(crate) fn talk_for(&mut self, whos: &[MemberIndex], time: Duration, pause: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.talk(whos, 1);
            thread::sleep(pause);
        }
    }

    /// The number of texts that `who` has said.
    pub(crate) fn said(&self, who: MemberIndex) -> usize {
        self.said[who].len()
    }

    /// `who` says `text`.
    pub(crate) fn say(&mut self, who: MemberIndex, text: &str) {
        let reference = self.said[who].len().to_string();
        self.said[who].push(text.to_owned());
        let line = json!({"command": "say", "text": text, "ref": reference}).to_string();
        self.processes[who].write_line(&line);
    }

    /// `who` gives a command other than to say something.
    pub(crate) fn command(&mut self, who: MemberIndex, command: &str) {
        self.command_with(who, &json!({ "command": command }));
    }

    /// As [`command`](Self::command), with arguments.
    pub(crate) fn command_with(&mut self, who: MemberIndex, command: &serde_json::Value) {
        self.processes[who].write_line(&command.to_string());
    }

    /// The first thing that `find` finds among the events of `who` after the first `from`.
    pub(crate) fn wait_for<T>(
        &self,
        who: MemberIndex,
        from: usize,
        find: impl Fn(&ReceivedEvent) -> Option<T>,
    ) -> T {
        let first = |records: &[Record]| records[who].events.iter().skip(from).find_map(&find);
        self.until(&format!("m{who} prints it"), |records| first(records).is_some());
        first(&self.records.lock()).unwrap()
    }

    /// Begins to read the held output of `who`.
    pub(crate) fn read_on(&self, who: MemberIndex) {
        self.records.change(who, |record| record.held = false);
    }

    /// The leader according to `who`, even if the room is not settled.
    pub(crate) fn leader_for(&self, who: MemberIndex) -> MemberIndex {
        let records = self.records.lock();
        let leader = records[who].leader.as_ref().map(|leader| leader.id.as_str());
        (0..records.len()).find(|&other| records[other].id() == leader).unwrap()
    }

    /// Sends a signal to all of `whos` at once.
    pub(crate) fn signal(&self, whos: &[MemberIndex], signal: Signal) {
        let records = self.records.lock();
        for &who in whos {
            if records[who].exit.is_none() {
                self.processes[who].signal(signal);
            }
        }
    }

    /// Kills all of `whos` at once and waits until they have ended.
    pub(crate) fn kill(&self, whos: &[MemberIndex]) {
        self.signal(whos, Signal::KILL);
        self.until("the killed are dead", |records| whos.iter().all(|&who| records[who].exit.is_some()));
    }

    /// Waits until `who` ends. Returns the exit code, or `None` if a signal killed it.
    pub(crate) fn exit_code(&self, who: MemberIndex) -> Option<i32> {
        self.until(&format!("m{who} ends"), |records| records[who].exit.is_some());
        self.record(who, |record| record.exit.and_then(|exit| exit.code()))
    }

    /// What `who` wrote to its standard error.
    pub(crate) fn stderr(&self, who: MemberIndex) -> String {
        fs::read_to_string(self.dir.path().join(format!("m{who}.stderr"))).unwrap_or_default()
    }

    /// The members of a settled room in ring order, beginning with the leader.
    pub(crate) fn ring(&self, whos: &[MemberIndex]) -> Vec<MemberIndex> {
        let records = self.records.lock();
        let leader = records[whos[0]].leader.as_ref().unwrap();
        let leader = whos.iter().copied().find(|&who| records[who].id() == Some(&leader.id)).unwrap();
        ring_from(&records, whos, leader).unwrap()
    }

    /// The leader of a settled room.
    pub(crate) fn leader(&self, whos: &[MemberIndex]) -> MemberIndex {
        self.ring(whos)[0]
    }
}

/// Waits until `addr` accepts connections.
pub(crate) fn wait_listening(addr: &str) {
    let start = Instant::now();
    while TcpStream::connect(addr).is_err() {
        assert!(start.elapsed() < PATIENCE, "nobody listens at {addr}");
        thread::yield_now();
    }
}

/// Waits until the file at `path` has a whole line.
pub(crate) fn wait_written(path: &Path) {
    let start = Instant::now();
    while !fs::read(path).is_ok_and(|bytes| bytes.contains(&b'\n')) {
        assert!(start.elapsed() < PATIENCE, "nothing is written to {}", path.display());
        thread::yield_now();
    }
}

/// Reads the output of a process to its end, then waits until the process has ended.
fn watch(mut child: Child, options: &LaunchOptions, who: MemberIndex, records: &Records) {
    let held = records.changed.wait_while(records.lock(), |all| all[who].held);
    drop(held);
    read_lines(&mut child, |line| {
        if options.json {
            records.change(who, |record| record.take(line));
        }
        options.stdout != Stdout::Closed || records.lock()[who].readies == 0
    });
    records.change(who, |record| record.closed = true);
    let exit = child.wait().unwrap();
    records.change(who, |record| record.exit = Some(exit));
}

impl Drop for TestRoom {
    fn drop(&mut self) {
        for who in self.everyone() {
            self.read_on(who);
        }
        self.signal(&self.everyone(), Signal::KILL);
        if thread::panicking() {
            for (who, record) in self.records.lock().iter().enumerate() {
                let stderr = self.stderr(who);
                let (tail, exit) = (record.tail(TAIL).join("\n"), record.exit);
                eprintln!("--- m{who} ({exit:?}) printed at last:\n{tail}\n{stderr}");
            }
        }
    }
}

//! Traces of real rooms: whole, true, and for nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ringchat_core::NodeId;
use ringchat_core::trace::{MessageKind, Mode};
use ringchat_trace::{NoteLine, TraceEvent, TraceHeader, TraceLine, TraceRecord};
use serde_json::json;

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime, wait_written};

on_every_runtime! {
    the_traces_of_a_room_tell_how_its_leader_died
    the_traces_of_a_lively_talk_are_in_order
    a_trace_can_begin_and_end_while_the_room_goes_on
    a_trace_goes_on_after_a_process_was_killed
    what_is_no_trace_is_refused_before_joining
    texts_are_traced_only_if_that_is_asked_for
    a_trace_that_is_almost_full_is_told_once
}

/// One life in a file.
struct Life {
    header: TraceHeader,
    lines: Vec<TraceLine>,
    /// The ids of the members by number.
    members: BTreeMap<u32, NodeId>,
}

/// The lives in a file. Every line is right, but perhaps the last if a process was killed.
fn lives(path: &Path) -> Vec<Life> {
    let text = fs::read_to_string(path).unwrap();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut lives: Vec<Life> = Vec::new();
    for line in text[..whole].lines() {
        match TraceRecord::read(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}")) {
            TraceRecord::Header(header) => {
                let members = [(0, header.id)].into();
                lives.push(Life { header, lines: Vec::new(), members });
            }
            TraceRecord::Line(line) => lives.last_mut().unwrap().add(line),
        }
    }
    lives
}

impl Life {
    fn add(&mut self, line: TraceLine) {
        let last = self.lines.last();
        assert_eq!(line.i, last.map_or(0, |last| last.i + 1));
        assert!(last.is_none_or(|last| last.t <= line.t && last.lc <= line.lc), "{last:?}, {line:?}");
        if let TraceEvent::Who(who) = &line.event {
            let before = self.members.insert(who.m, who.id);
            assert!(before.is_none_or(|before| before == who.id), "{who:?}");
        }
        self.lines.push(line);
    }

    fn events(&self) -> impl DoubleEndedIterator<Item = &TraceEvent> {
        self.lines.iter().map(|line| &line.event)
    }

    fn ends(&self) -> bool {
        matches!(self.lines.last().map(|line| &line.event), Some(TraceEvent::End(_)))
    }

    fn has(&self, wanted: impl Fn(&TraceEvent) -> bool) -> bool {
        self.events().any(wanted)
    }

    /// The sendings by Lamport time: what each is, and whom it goes to.
    fn sendings(&self) -> BTreeMap<u64, (MessageKind, BTreeSet<NodeId>)> {
        let sending = |line: &TraceLine| match &line.event {
            TraceEvent::Send(sent) => {
                let to = sent.to.iter().map(|(_, to)| self.members[to]).collect();
                Some((line.lc, (sent.what.k, to)))
            }
            _ => None,
        };
        let all: Vec<_> = self.lines.iter().filter_map(sending).collect();
        let count = all.len();
        let by_stamp: BTreeMap<_, _> = all.into_iter().collect();
        assert_eq!(by_stamp.len(), count, "no stamp is used twice");
        by_stamp
    }
}

/// A room of `n` members that trace to `mN.ndjson`.
pub(crate) fn traced(n: usize, runtimes: Runtimes, options: &[&str]) -> TestRoom {
    let mut room = TestRoom::new(runtimes);
    for who in 0..n {
        let contacts: Vec<String> =
            who.checked_sub(1).map(|contact| room.addr(contact)).into_iter().collect();
        let started = room.start(|launch| {
            launch.contacts = contacts;
            launch.extra = vec!["--trace".to_owned(), file_of(who)];
            launch.extra.extend(options.iter().map(ToString::to_string));
        });
        room.wait_ready(started);
    }
    room.settle(&room.everyone());
    for who in 0..n {
        tells_of_all(&room, who, n - 1 - who);
    }
    room
}

/// Waits until the file of `who` tells that so many came in: what is not written yet is lost with a process that is killed.
fn tells_of_all(room: &TestRoom, who: MemberIndex, joined: usize) {
    let (path, start) = (room.dir().join(file_of(who)), Instant::now());
    while fs::read_to_string(&path).unwrap_or_default().matches("\"n\":\"joined\"").count() < joined {
        assert!(start.elapsed() < Duration::from_secs(30), "{} lacks a member", path.display());
        // Nothing tells when another process has written.
        thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) fn file_of(who: MemberIndex) -> String {
    format!("m{who}.ndjson")
}

/// The one life in the file of `who`.
fn life(room: &TestRoom, who: MemberIndex) -> Life {
    let mut lives = lives(&room.dir().join(file_of(who)));
    assert_eq!(lives.len(), 1);
    lives.remove(0)
}

pub(crate) fn leave(room: &mut TestRoom, whos: &[MemberIndex]) {
    for &who in whos {
        room.process(who).end_input();
        assert_eq!(room.exit_code(who), Some(0));
    }
}

fn the_traces_of_a_room_tell_how_its_leader_died(runtimes: Runtimes) {
    let mut room = traced(3, runtimes, &[]);
    room.talk(&room.everyone(), 5);
    room.until("all is heard", |records| records.iter().all(|record| record.shown.len() == 15));
    room.kill(&[0]);
    room.settle(&[1, 2]);
    room.talk(&[1, 2], 5);
    room.check_survivors(&[1, 2]);
    leave(&mut room, &[1, 2]);

    let lives: Vec<Life> = room.everyone().into_iter().map(|who| life(&room, who)).collect();
    for (who, life) in lives.iter().enumerate() {
        let mode = fs::metadata(room.dir().join(file_of(who))).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, life.header.name.as_str()), (0o600, &*format!("m{who}")));
        assert_eq!(life.ends(), who > 0, "m{who}");
    }
    let dead = lives[0].header.id;
    for life in &lives[1..] {
        let number = |id| *life.members.iter().find(|(_, member)| **member == id).unwrap().0;
        let dead = number(dead);
        assert!(life.has(|event| matches!(event, TraceEvent::Down(down) if down.m == dead)));
        assert!(life.has(|event| matches!(event, TraceEvent::State(state) if state.mode == Mode::Electing)));
        assert!(life.has(|event| matches!(event, TraceEvent::Note(NoteLine::Left { m, .. }) if *m == dead)));
        let leads = |event: &TraceEvent| matches!(event, TraceEvent::Note(NoteLine::Leader { epoch: 2, .. }));
        assert!(life.has(leads));
    }
    let tokens = |life: &&Life| {
        life.has(|event| matches!(event, TraceEvent::Send(s) if s.what.k == MessageKind::Elect))
    };
    assert!(lives[1..].iter().any(|life| tokens(&life)), "a token went round");
    check_pairs(&lives);
}

/// Every receipt has its sending, but perhaps the last of one that was killed.
fn check_pairs(lives: &[Life]) {
    let sendings: BTreeMap<NodeId, _> = lives.iter().map(|life| (life.header.id, life.sendings())).collect();
    let mut pairs = 0;
    for life in lives {
        for line in &life.lines {
            let TraceEvent::Recv(recv) = &line.event else { continue };
            assert!(!recv.counted || line.lc > recv.st, "{line:?}");
            let from = life.members[&recv.from];
            let Some((kind, to)) = sendings[&from].get(&recv.st) else {
                let sender = lives.iter().find(|life| life.header.id == from).unwrap();
                let last = sender.lines.last().unwrap().lc;
                assert!(!sender.ends() && recv.st > last, "nobody sent {line:?}");
                continue;
            };
            assert_eq!((*kind, to.contains(&life.header.id)), (recv.what.k, true), "{line:?}");
            pairs += 1;
        }
    }
    assert!(pairs > 30, "{pairs} pairs");
}

/// Where the trace of `who` goes after a command.
fn order(room: &mut TestRoom, who: MemberIndex, order: &serde_json::Value) -> Result<Option<String>, String> {
    let from = room.record(who, |record| record.events.len());
    room.command_with(who, order);
    room.wait_for(who, from, |event| match event {
        ReceivedEvent::Trace { file } => Some(Ok(file.clone())),
        ReceivedEvent::Error { code, message, fatal: false } if code == "trace_file" => {
            Some(Err(message.clone()))
        }
        _ => None,
    })
}

/// So many messages that some are only counted, while what the members hold changes all the time.
fn the_traces_of_a_lively_talk_are_in_order(runtimes: Runtimes) {
    let mut room = traced(3, runtimes, &[]);
    room.talk_for(&[1, 2], Duration::from_secs(3), Duration::from_millis(5));
    leave(&mut room, &[2, 1, 0]);
    for who in room.everyone() {
        assert!(life(&room, who).has(|event| matches!(event, TraceEvent::Sum(_))), "m{who} counts none");
    }
}

/// Ends the trace of `who`, which is then whole.
pub(crate) fn end_trace(room: &mut TestRoom, who: MemberIndex) {
    assert_eq!(order(room, who, &json!({"command": "trace", "off": true})), Ok(None));
}

fn a_trace_can_begin_and_end_while_the_room_goes_on(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    assert_eq!(order(&mut room, 1, &json!({"command": "trace"})), Ok(None));
    fs::write(room.dir().join("other"), "mine\n").unwrap();
    let refused = order(&mut room, 1, &json!({"command": "trace", "file": "other"})).unwrap_err();
    assert!(refused.contains("stays as it is"), "{refused}");
    for _ in 0..2 {
        let file = Some(file_of(1));
        assert_eq!(order(&mut room, 1, &json!({"command": "trace", "file": file})), Ok(file.clone()));
        assert_eq!(order(&mut room, 1, &json!({"command": "trace"})), Ok(file));
        room.talk(&[0, 1], 3);
        let said = room.said(1);
        room.until("all is heard", |records| records[1].shown.len() == 2 * said);
        assert_eq!(order(&mut room, 1, &json!({"command": "trace", "off": true})), Ok(None));
    }
    room.talk(&[0, 1], 3);
    room.check_survivors(&[0, 1]);
    let lives = lives(&room.dir().join(file_of(1)));
    assert_eq!(lives.len(), 2);
    for life in &lives {
        let end = life.lines.last().map(|line| &line.event);
        assert!(matches!(end, Some(TraceEvent::End(end)) if end.why == "off"), "{end:?}");
        let first = life.events().find_map(|event| match event {
            TraceEvent::State(state) => Some(state.ring.clone().unwrap()),
            _ => None,
        });
        assert_eq!(first.unwrap().len(), 2, "it tells who is there");
        let said = |event: &TraceEvent| matches!(event, TraceEvent::Note(NoteLine::Chat { .. }));
        assert!(life.has(said));
    }
    assert_eq!(fs::read_to_string(room.dir().join("other")).unwrap(), "mine\n");
}

fn a_trace_goes_on_after_a_process_was_killed(runtimes: Runtimes) {
    let mut room = traced(1, runtimes, &[]);
    let path = room.dir().join(file_of(0));
    wait_written(&path);
    room.kill(&[0]);
    let mut torn = fs::read(&path).unwrap();
    torn.extend(br#"{"i":999,"t":1"#);
    fs::write(&path, torn).unwrap();
    let again = room.start(|launch| launch.extra = vec!["--trace".to_owned(), file_of(0)]);
    room.wait_ready(again);
    leave(&mut room, &[again]);
    let lives = lives(&path);
    assert_eq!(lives.iter().map(Life::ends).collect::<Vec<_>>(), [false, true]);
    assert_ne!(lives[0].header.id, lives[1].header.id);
}

fn what_is_no_trace_is_refused_before_joining(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    fs::write(room.dir().join("notes"), "mine\n").unwrap();
    let who = room.start(|launch| launch.extra = vec!["--trace".to_owned(), "notes".to_owned()]);
    assert_eq!(room.exit_code(who), Some(2));
    let told = |event: &ReceivedEvent| matches!(event, ReceivedEvent::Error { code, fatal: true, .. } if code == "trace_file");
    room.record(who, |record| assert!(record.any(told) && record.readies == 0));
    assert_eq!(fs::read_to_string(room.dir().join("notes")).unwrap(), "mine\n");
}

fn texts_are_traced_only_if_that_is_asked_for(runtimes: Runtimes) {
    for (options, told) in [(&[][..], false), (&["--trace-text"][..], true)] {
        let mut room = traced(2, runtimes, options);
        room.say(0, "something private");
        room.until_event(1, "the text", |event| matches!(event, ReceivedEvent::Message { .. }));
        leave(&mut room, &[1, 0]);
        for who in [0, 1] {
            let text = fs::read_to_string(room.dir().join(file_of(who))).unwrap();
            assert_eq!(text.contains("something private"), told, "m{who}");
            assert_eq!(life(&room, who).header.texts, told);
        }
    }
}

fn a_trace_that_is_almost_full_is_told_once(runtimes: Runtimes) {
    let mut room = traced(1, runtimes, &["--trace-text", "--trace-limit", "1"]);
    for _ in 0..80 {
        room.say(0, &"x".repeat(16 * 1024));
    }
    let problem =
        |event: &ReceivedEvent| matches!(event, ReceivedEvent::Error { code, .. } if code == "trace_file");
    room.until_event(0, "that it is full", problem);
    room.until("all is heard", |records| records[0].shown.len() == 80);
    leave(&mut room, &[0]);
    let problems = room.record(0, |record| record.events.iter().filter(|event| problem(event)).count());
    assert_eq!(problems, 1);
    let size = fs::metadata(room.dir().join(file_of(0))).unwrap().len();
    assert!((512 << 10..=1 << 20).contains(&size), "{size} bytes");
    let life = life(&room, 0);
    assert!(life.has(|event| matches!(event, TraceEvent::Full(_))) && life.ends());
}

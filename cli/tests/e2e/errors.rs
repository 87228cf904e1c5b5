//! Errors at the start, and their exit codes.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::sim::ringchat;
use crate::support::{LaunchOptions, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

/// How long a failing start may try to join.
const JOIN_TIMEOUT: Duration = Duration::from_secs(1);

on_every_runtime! {
    a_port_that_is_taken_ends_with_5
    a_contact_that_does_not_listen_ends_with_3
    a_contact_that_is_no_ringchat_ends_with_3
    a_contact_that_says_nothing_ends_with_3
    bad_options_end_with_2
    joining_ends_in_time_whatever_the_contacts_do
    a_contact_that_does_not_listen_is_reported_once_and_tried_again
    one_good_contact_among_bad_ones_is_enough
    a_log_that_cannot_be_written_is_told_once_and_the_room_goes_on
    a_pipe_in_the_place_of_a_time_zone_does_not_hold_up_the_start
    what_is_said_at_the_start_is_heard_though_the_program_quits_at_once
}

fn a_port_that_is_taken_ends_with_5(runtimes: Runtimes) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    fails(runtimes, 5, |options| options.port = port);
}

fn a_contact_that_does_not_listen_ends_with_3(runtimes: Runtimes) {
    fails(runtimes, 3, |options| options.contacts = vec![nobody()]);
}

fn a_contact_that_is_no_ringchat_ends_with_3(runtimes: Runtimes) {
    let contact = stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    fails(runtimes, 3, |options| options.contacts = vec![contact]);
}

fn a_contact_that_says_nothing_ends_with_3(runtimes: Runtimes) {
    let contact = stranger(b"");
    fails(runtimes, 3, |options| options.contacts = vec![contact]);
}

fn joining_ends_in_time_whatever_the_contacts_do(runtimes: Runtimes) {
    for contacts in [
        vec![nobody()],
        vec![stranger(b"")],
        vec![nobody(), stranger(b"SSH-2.0-OpenSSH_9.7\r\n")],
        vec![nobody(), stranger(&[7; 48])],
    ] {
        // On a loaded machine some tries are late. A program that waits for the end of a connection is always late.
        let in_time = (0..5).any(|_| {
            let start = Instant::now();
            fails(runtimes, 3, |options| options.contacts.clone_from(&contacts));
            let took = start.elapsed();
            assert!(took >= JOIN_TIMEOUT, "it gave up after {took:?}");
            took < JOIN_TIMEOUT.mul_f32(1.7)
        });
        assert!(in_time, "{contacts:?}");
    }
}

fn a_contact_that_does_not_listen_is_reported_once_and_tried_again(runtimes: Runtimes) {
    const ADDRESS: &str = "127.0.0.77";
    let port = TcpListener::bind((ADDRESS, 0)).unwrap().local_addr().unwrap().port();
    let mut room = TestRoom::new(runtimes);
    let early = room.start(|options| options.contacts = vec![format!("{ADDRESS}:{port}")]);
    let told = |event: &ReceivedEvent| match event {
        ReceivedEvent::Error { code, message, fatal: false } => {
            code == "not_yet" && message.contains("nobody listens")
        }
        _ => false,
    };
    room.until_event(early, "it is told to wait", told);
    let leader = room.start(|options| (options.address, options.port) = (ADDRESS, port));
    room.wait_ready(leader);
    room.wait_ready(early);
    assert_eq!(room.record(early, |record| record.events.iter().filter(|event| told(event)).count()), 1);
}

fn bad_options_end_with_2(runtimes: Runtimes) {
    let bad: [fn(&mut LaunchOptions); 6] = [
        |options| options.name.push('\u{3164}'),
        |options| options.contacts = vec!["192.0.2.1:5".to_owned()],
        |options| options.name.push('('),
        |options| options.name = "n".repeat(33),
        |options| options.address = "0.0.0.0",
        |options| options.extra = vec!["--shout".to_owned()],
    ];
    let mut room = TestRoom::new(runtimes);
    for (n, adjust) in bad.into_iter().enumerate() {
        let who = room.start(adjust);
        assert_eq!(room.exit_code(who), Some(2), "bad options {n}");
    }
}

fn one_good_contact_among_bad_ones_is_enough(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let unknown = "nosuch.invalid:4000".to_owned();
    let contacts = vec![unknown, nobody(), stranger(b"SSH-2.0-OpenSSH_9.7\r\n"), room.addr(1)];
    let newcomer = room.start(|options| options.contacts = contacts);
    room.wait_ready(newcomer);
    let told = |event: &ReceivedEvent| match event {
        ReceivedEvent::Error { code, message, fatal: false } => {
            code == "not_yet" && message.contains("\"nosuch.invalid\"")
        }
        _ => false,
    };
    assert!(room.record(newcomer, |record| record.any(told)), "it says which one it cannot try");
    room.settle(&room.everyone());
}

fn a_log_that_cannot_be_written_is_told_once_and_the_room_goes_on(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let contact = room.addr(1);
    let who = room.start(|options| {
        options.extra = vec!["--log-file".to_owned(), "/dev/full".to_owned()];
        options.contacts = vec![contact];
    });
    room.wait_ready(who);
    let everyone = room.everyone();
    room.talk(&everyone, 50);

    room.check_survivors(&everyone);
    let told =
        |event: &&ReceivedEvent| matches!(event, ReceivedEvent::Error { code, .. } if code == "log_file");
    assert_eq!(room.record(who, |record| record.events.iter().filter(told).count()), 1);
}

fn a_pipe_in_the_place_of_a_time_zone_does_not_hold_up_the_start(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let pipe = room.dir().join("zone");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let who = room.start(|options| {
        options.json = false;
        options.env = vec![("TZ", pipe.display().to_string())];
    });
    room.process(who).end_input();
    assert_eq!(room.exit_code(who), Some(0));
}

#[test]
fn a_program_that_quits_before_it_has_said_anything_does_not_wait_for_the_room() {
    let start = Instant::now();
    let (code, lines) = all_at_once(&nobody(), "300", &[json!({"command": "quit"})]);
    assert!(start.elapsed() < Duration::from_secs(100), "it waited");
    assert_eq!((code, lines.last().map(|last| &last["event"])), (Some(0), Some(&json!("bye"))));
}

fn what_is_said_at_the_start_is_heard_though_the_program_quits_at_once(runtimes: Runtimes) {
    let room = TestRoom::of(1, runtimes);
    let say = json!({"command": "say", "text": "in a hurry"});
    let (code, lines) = all_at_once(&room.addr(0), "20", &[say, json!({"command": "quit"})]);
    assert_eq!(code, Some(0), "{lines:?}");
    room.until("it is heard", |records| records[0].shown.iter().any(|shown| shown.text == "in a hurry"));
}

#[test]
fn what_waits_for_a_room_that_is_never_entered_is_answered_at_the_end_and_a_trace_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace").display().to_string();
    let long = "x".repeat(200_000);
    let input = [
        json!({"command": "say", "text": "hi", "ref": 1}),
        json!({"command": "trace", "file": trace, "ref": 2}),
        // The keys of these objects are in the order of the alphabet.
        json!({"command": "say", "ref": 3, "text": long}),
        json!({"command": "quit"}),
    ];
    let (code, lines) = all_at_once(&nobody(), "1", &input);
    assert_eq!(code, Some(3), "{lines:?}");
    let answer = |reference: u64| lines.iter().position(|line| line["ref"] == reference).unwrap();
    assert_eq!(lines[answer(1)]["code"], "not_taken");
    assert_eq!(lines[answer(2)]["event"], "trace");
    assert_eq!(lines[answer(3)]["code"], "text_too_long");
    assert!(answer(2) < answer(1) && lines.last().is_some_and(|last| last["event"] == "bye"), "{lines:?}");
}

/// What a program gets that writes these commands at once and tries to join there, for so many seconds: the exit code, and the
/// lines.
fn all_at_once(contact: &str, patience: &str, input: &[Value]) -> (Option<i32>, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id").display().to_string();
    let args = ["--json", "--no-log", "-n", "x", "--id-file", &id, "--join-timeout", patience, contact];
    let lines: Vec<String> = input.iter().map(|line| format!("{line}\n")).collect();
    let output = ringchat(&args, &lines.concat());
    let lines = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Asserts that a start with these options fails with an error message and the exit code `code`.
fn fails(runtimes: Runtimes, code: i32, adjust: impl FnOnce(&mut LaunchOptions)) {
    let mut room = TestRoom::new(runtimes);
    let who = room.start(|options| {
        options.extra = vec!["--join-timeout".to_owned(), JOIN_TIMEOUT.as_secs().to_string()];
        adjust(options);
    });
    assert_eq!(room.exit_code(who), Some(code));
    let told = |event: &ReceivedEvent| matches!(event, ReceivedEvent::Error { message, fatal: true, .. } if !message.is_empty());
    assert!(room.record(who, |record| record.any(told)), "it says why");
}

/// An address on which no process listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The address of a listener that sends `words` to each connection and keeps the connections open.
fn stranger(words: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let words = words.to_vec();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            // The other end may be closed already.
            let _ = connection.write_all(&words);
            kept.push(connection);
        }
    });
    addr
}

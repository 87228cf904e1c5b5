//! The log file of a member.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    a_log_that_is_a_pipe_is_reported_once_and_delays_no_member
    a_log_that_was_moved_is_begun_anew_and_holds_each_text_in_one_line
    without_a_log_there_is_no_file
}

fn a_log_that_is_a_pipe_is_reported_once_and_delays_no_member(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let pipe = room.dir().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let who = room.start(|options| options.extra = log_to(&pipe));
    room.wait_ready(who);
    room.talk(&[who], 10);
    room.wait_shown(&[who], &[who]);
    room.process(who).end_input();
    assert_eq!(room.exit_code(who), Some(0));
    assert_eq!(told_of_log(&room, who), 1);
}

fn a_log_that_was_moved_is_begun_anew_and_holds_each_text_in_one_line(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let (log, away) = (room.dir().join("log"), room.dir().join("away"));
    let who = room.start(|options| options.extra = log_to(&log));
    room.wait_ready(who);
    room.say(who, "before");
    wait_logged(&log, "before");
    fs::rename(&log, &away).unwrap();
    room.say(who, "several\nlines\r\n\u{2028}");
    room.until("the log is told to have moved", |records| records[who].any(is_of_log));
    room.process(who).end_input();
    assert_eq!(room.exit_code(who), Some(0));
    assert_eq!(told_of_log(&room, who), 1);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.lines().any(|line| line.ends_with(r"]: several\nlines\n\n")), "{log}");
}

fn without_a_log_there_is_no_file(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    for (extra, logs) in [(&["--no-log"][..], 0), (&["--log-file", ""], 0), (&[], 1)] {
        let who = room.start(|options| options.extra = extra.iter().map(ToString::to_string).collect());
        room.wait_ready(who);
        room.process(who).end_input();
        assert_eq!(room.exit_code(who), Some(0));
        let files = fs::read_dir(room.dir()).unwrap().map(|file| file.unwrap().file_name());
        let found = files.filter(|name| name.to_string_lossy().ends_with(".log")).count();
        assert_eq!(found, logs, "{extra:?}");
    }
}

/// Waits until the log contains `text`. No event tells when the log is written.
fn wait_logged(log: &Path, text: &str) {
    let start = Instant::now();
    while !fs::read_to_string(log).is_ok_and(|log| log.contains(text)) {
        assert!(start.elapsed() < Duration::from_secs(30), "{text:?} is not logged");
        thread::yield_now();
    }
}

fn log_to(path: &Path) -> Vec<String> {
    vec!["--log-file".to_owned(), path.display().to_string()]
}

fn is_of_log(event: &ReceivedEvent) -> bool {
    matches!(event, ReceivedEvent::Error { code, fatal: false, .. } if code == "log_file")
}

fn told_of_log(room: &TestRoom, who: MemberIndex) -> usize {
    room.record(who, |record| record.events.iter().filter(|event| is_of_log(event)).count())
}

//! What a process holds and costs, as Linux tells it.

use std::fs;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ringchat_core::{Config, Name, Notice, Start, Text};
use ringchat_driver::{Event, NoEvent};

use super::{DEADLINE, Runtime};

fn open<R: Runtime>(start: Start) -> (R::Room, R::Events) {
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    R::open(Config::new(addr, Name::new("member").unwrap(), start)).unwrap()
}

pub(crate) fn wait_text<R: Runtime>(events: &mut R::Events, expected: &str) {
    loop {
        let event = R::next(events, DEADLINE).unwrap();
        if let Event::Notice { notice: Notice::Chat(chat), .. } = event
            && chat.lines().any(|line| line.text == expected)
        {
            return;
        }
    }
}

/// Two members come and talk.
fn meet<R: Runtime>() -> [(R::Room, R::Events); 2] {
    let (first, mut events) = open::<R>(Start::Create);
    let second = open::<R>(Start::Join { contacts: vec![R::addr(&first)] });
    R::say(&second.0, Text::new("hello").unwrap()).unwrap();
    wait_text::<R>(&mut events, "hello");
    [(first, events), second]
}

/// Two members say nothing for a second.
pub(crate) fn nothing_is_used_at_rest<R: Runtime>() {
    let [(_first, mut events), _second] = meet::<R>();
    let before = ticks();
    assert_eq!(R::next(&mut events, Duration::from_secs(1)), Err(NoEvent::Yet));
    let used = ticks() - before;
    assert!(used <= 5, "{used} ticks of 10 ms in a second of rest");
}

/// Two members meet many times; no thread and no file descriptor stays.
///
/// The first meeting is not counted: it may start what an executor keeps.
pub(crate) fn nothing_is_left_behind<R: Runtime>() {
    const TIMES: usize = 200;
    let meet_and_leave = || {
        let [(first, _), (second, _)] = meet::<R>();
        R::leave(&first);
        R::leave(&second);
        R::wait(&first);
        R::wait(&second);
    };
    meet_and_leave();
    let before = held();
    (0..TIMES).for_each(|_| meet_and_leave());
    // The kernel lists a joined thread, and an executor an idle helper, for a moment longer.
    let deadline = Instant::now() + Duration::from_secs(30);
    while held() > before && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let (threads, files) = held();
    assert!((threads, files) <= before, "{threads} threads and {files} files, before {before:?}");
}

/// Threads and open files of this process.
fn held() -> (usize, usize) {
    (count("/proc/self/task"), count("/proc/self/fd"))
}

fn count(dir: &str) -> usize {
    fs::read_dir(dir).unwrap().count()
}

/// The memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB")).unwrap();
    kib.trim().parse::<u64>().unwrap() * 1024
}

/// The processor time that this process has used, in ticks of 10 ms.
fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which stands in parentheses, come state and numbers; these are utime and stime.
    let (_, numbers) = stat.rsplit_once(')').unwrap();
    numbers.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

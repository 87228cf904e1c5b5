//! What rooms cost and leave behind. One test, so that it has the process for itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[path = "suite/resources.rs"]
mod resources;

use std::net::Ipv4Addr;
use std::time::Duration;

use ringchat_core::{Config, Name, Notice, Start, Text};
use ringchat_threads::{Event, NoEvent, Notices, Room};

fn open(start: Start) -> (Room, Notices) {
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    Room::open(Config::new(addr, Name::new("member").unwrap(), start)).unwrap()
}

fn wait_text(notices: &mut Notices, expected: &str) {
    loop {
        let event = notices.next_timeout(Duration::from_secs(20)).unwrap();
        if let Event::Notice { notice: Notice::Chat(chat), .. } = event
            && chat.lines().any(|line| line.text == expected)
        {
            return;
        }
    }
}

/// Two members come, talk and go.
fn meet() {
    let (first, mut first_notices) = open(Start::Create);
    let (second, _second_notices) = open(Start::Join { contacts: vec![first.addr()] });
    second.say(Text::new("hello").unwrap()).unwrap();
    wait_text(&mut first_notices, "hello");
    first.leave();
    second.leave();
    first.join();
    second.join();
}

/// A second in which nobody says anything.
fn rest() {
    let (first, mut first_notices) = open(Start::Create);
    let (second, _second_notices) = open(Start::Join { contacts: vec![first.addr()] });
    second.say(Text::new("hello").unwrap()).unwrap();
    wait_text(&mut first_notices, "hello");
    let before = resources::ticks();
    assert_eq!(first_notices.next_timeout(Duration::from_secs(1)), Err(NoEvent::Yet));
    let used = resources::ticks() - before;
    assert!(used <= 5, "{used} ticks of 10 ms in a second of rest");
}

#[test]
fn rooms_cost_nothing_at_rest_and_leave_nothing_behind() {
    rest();
    resources::leaves_nothing_behind(meet);
}

//! What rooms cost and leave behind. One test, so that it has the process for itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[path = "../../runtime-threads/tests/suite/resources.rs"]
mod resources;

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::executor::block_on;
use ringchat_async_std::{Event, NoEvent, Notices, Room};
use ringchat_core::{Config, Name, Notice, Start, Text};

fn open(start: Start) -> (Room, Notices) {
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    block_on(Room::open(Config::new(addr, Name::new("member").unwrap(), start))).unwrap()
}

fn wait_text(notices: &mut Notices, expected: &str) {
    loop {
        let event = block_on(notices.next_timeout(Duration::from_secs(20))).unwrap();
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
    block_on(second.say(Text::new("hello").unwrap())).unwrap();
    wait_text(&mut first_notices, "hello");
    first.leave();
    second.leave();
    block_on(first.join());
    block_on(second.join());
}

/// A second in which nobody says anything.
fn rest() {
    let (first, mut first_notices) = open(Start::Create);
    let (second, _second_notices) = open(Start::Join { contacts: vec![first.addr()] });
    block_on(second.say(Text::new("hello").unwrap())).unwrap();
    wait_text(&mut first_notices, "hello");
    let before = resources::ticks();
    assert_eq!(block_on(first_notices.next_timeout(Duration::from_secs(1))), Err(NoEvent::Yet));
    let used = resources::ticks() - before;
    assert!(used <= 5, "{used} ticks of 10 ms in a second of rest");
}

#[test]
fn rooms_cost_nothing_at_rest_and_leave_nothing_behind() {
    rest();
    resources::leaves_nothing_behind(meet);
}

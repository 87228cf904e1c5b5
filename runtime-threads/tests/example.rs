//! The example does what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[path = "../examples/greeter.rs"]
#[allow(dead_code, reason = "the example is a program of its own")]
mod greeter;

use std::thread;
use std::time::Duration;

use ringchat_core::Notice;
use ringchat_threads::Event;

#[test]
fn the_greeter_greets() {
    let (room, events) = greeter::open(vec![]).unwrap();
    let (guest, mut guest_events) = greeter::open(vec![room.addr()]).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| greeter::greet(&room, events).unwrap());
        while !is_welcome(&guest_events.next_timeout(Duration::from_secs(20)).unwrap()) {}
        room.leave();
    });
    guest.leave();
    guest.wait();
    room.wait();
}

fn is_welcome(event: &Event) -> bool {
    match event {
        Event::Notice { notice: Notice::Chat(chat), .. } => {
            chat.lines().any(|line| line.text == "welcome, greeter")
        }
        _ => false,
    }
}

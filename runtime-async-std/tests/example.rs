//! The example does what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[path = "../examples/greeter_async_std.rs"]
#[allow(dead_code, reason = "the example is a program of its own")]
mod greeter;

use std::time::Duration;

use futures::executor::block_on;
use futures::future::join;
use ringchat_async_std::{Event, Events};
use ringchat_core::Notice;

#[test]
fn the_greeter_greets() {
    block_on(async {
        let (room, events) = greeter::open(vec![]).unwrap();
        let (guest, guest_events) = greeter::open(vec![room.addr()]).unwrap();
        let welcomed = async {
            wait_welcome(guest_events).await;
            room.leave();
        };
        let (greeted, ()) = join(greeter::greet(&room, events), welcomed).await;
        greeted.unwrap();
        guest.leave();
        guest.wait().await;
        room.wait().await;
    });
}

async fn wait_welcome(mut events: Events) {
    while !is_welcome(&events.next_timeout(Duration::from_secs(20)).await.unwrap()) {}
}

fn is_welcome(event: &Event) -> bool {
    match event {
        Event::Notice { notice: Notice::Chat(chat), .. } => {
            chat.lines().any(|line| line.text == "welcome, greeter")
        }
        _ => false,
    }
}

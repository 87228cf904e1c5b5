//! The example does what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[path = "../examples/greeter_async_std.rs"]
#[allow(dead_code, reason = "the example is a program of its own")]
mod greeter;

use std::time::Duration;

use futures::executor::block_on;
use futures::future::join;
use ringchat_async_std::{Event, Notices};
use ringchat_core::Notice;

#[test]
fn the_greeter_greets() {
    block_on(async {
        let (room, notices) = greeter::open(vec![]).await.unwrap();
        let (guest, guest_notices) = greeter::open(vec![room.addr()]).await.unwrap();
        let welcomed = async {
            wait_welcome(guest_notices).await;
            room.leave();
        };
        let (greeted, ()) = join(greeter::greet(&room, notices), welcomed).await;
        greeted.unwrap();
        guest.leave();
        guest.join().await;
        room.join().await;
    });
}

async fn wait_welcome(mut notices: Notices) {
    while !is_welcome(&notices.next_timeout(Duration::from_secs(20)).await.unwrap()) {}
}

fn is_welcome(event: &Event) -> bool {
    match event {
        Event::Notice { notice: Notice::Chat(chat), .. } => {
            chat.lines().any(|line| line.text == "welcome, greeter")
        }
        Event::Notice { .. } | Event::Missed { .. } => false,
    }
}

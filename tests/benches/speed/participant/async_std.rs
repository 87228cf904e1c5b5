//! A member of a ringchat room over async-std. It is a program of its own, so that what a member takes of memory is a
//! member's and nothing else.

#[path = "../agent/mod.rs"]
mod agent;
#[path = "../clock.rs"]
mod clock;
#[path = "../control.rs"]
mod control;
#[path = "../member.rs"]
mod member;

use std::thread;

use futures::StreamExt;
use futures::executor::block_on;
use ringchat_async_std::{Events, Room};

fn main() -> anyhow::Result<()> {
    member::run(
        |config, mut hearer| {
            let room = Room::open_with(config, move |events| hearer.hear(events))?;
            Ok(Box::new(move |text| block_on(room.say(text))))
        },
        |config, hearer| {
            let (room, events) = Room::open(config)?;
            let wait = |events: &mut Events| block_on(events.next());
            thread::spawn(move || hearer.hear_queue(events, wait, |events| events.try_next().ok()));
            Ok(Box::new(move |text| block_on(room.say(text))))
        },
    )
}

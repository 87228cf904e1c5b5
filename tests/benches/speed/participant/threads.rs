//! A member of a ringchat room over threads. It is a program of its own, so that what a member takes of memory is a
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

use ringchat_threads::{Events, Room};

fn main() -> anyhow::Result<()> {
    member::run(
        |config, mut hearer| {
            let room = Room::open_with(config, move |events| hearer.hear(events))?;
            Ok(Box::new(move |text| room.say(text)))
        },
        |config, hearer| {
            let (room, events) = Room::open(config)?;
            thread::spawn(|| hearer.hear_queue(events, Events::next, |events| events.try_next().ok()));
            Ok(Box::new(move |text| room.say(text)))
        },
    )
}

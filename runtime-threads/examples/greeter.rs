//! A member that greets whoever comes in.
//!
//! `cargo run -p ringchat-threads --example greeter` creates a room; with the address of a member,
//! `... --example greeter 127.0.0.1:4000`, it joins one.

use std::error::Error;
use std::net::SocketAddr;

use ringchat_core::{Config, Name, Notice, Start, Text};
use ringchat_threads::{Event, Events, Room};

fn main() -> Result<(), Box<dyn Error>> {
    let contacts = std::env::args().skip(1).map(|arg| arg.parse()).collect::<Result<Vec<_>, _>>()?;
    let (room, events) = open(contacts)?;
    println!("others join through {}", room.addr());
    greet(&room, events)?;
    room.wait();
    Ok(())
}

/// Creates a room, or joins one through any of `contacts`.
pub(crate) fn open(contacts: Vec<SocketAddr>) -> Result<(Room, Events), Box<dyn Error>> {
    let start = if contacts.is_empty() { Start::Create } else { Start::Join { contacts } };
    let any_port = "127.0.0.1:0".parse()?;
    Ok(Room::open(Config::new(any_port, Name::new("greeter")?, start))?)
}

/// Greets until the room has ended.
pub(crate) fn greet(room: &Room, events: Events) -> Result<(), Box<dyn Error>> {
    for event in events {
        match event {
            Event::Notice { notice: Notice::Joined { member }, .. } => {
                room.say(Text::new(&format!("welcome, {}", member.name))?)?;
            }
            Event::Notice { notice: Notice::Ended(ending), .. } => println!("{ending}"),
            _ => {}
        }
    }
    Ok(())
}

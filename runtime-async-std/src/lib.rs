//! ringchat over async-std.
//!
//! [`Room::open`] creates or joins a room and gives two things: the [`Room`], to speak with, and
//! [`Events`], to listen with. Neither blocks the node. A program with much to listen to saves a queue and a wake-up
//! with [`Room::open_with`], which hands a function all that a turn brings.
//!
//! ```
//! use futures::StreamExt;
//! use ringchat_async_std::{Event, Room};
//! use ringchat_core::{Config, Name, Notice, Start, Text};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # futures::executor::block_on(async {
//! let addr = "127.0.0.1:0".parse()?; // any free port
//! let (room, mut events) = Room::open(Config::new(addr, Name::new("Alice")?, Start::Create))?;
//! println!("others join through {}", room.addr());
//! room.say(Text::new("hello, all who are here")?).await?;
//! room.leave();
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Notice { notice: Notice::Chat(chat), .. } => {
//!             chat.lines().for_each(|line| println!("{}: {}", line.from, line.text));
//!         }
//!         Event::Missed { count } => println!("{count} notices came faster than they were read"),
//!         _ => {}
//!     }
//! }
//! room.wait().await;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Tasks
//!
//! A room costs one task that works for the node, one that accepts, and one for each connection, which reads. A
//! dial and a connection that takes bytes too slowly have a further task as long as that lasts. All of them
//! have ended when [`Room::wait`] returns.
//!
//! A task that brings something to the node while nobody runs it runs one turn of it: a reader with what it read, or
//! the caller of [`Room::say`]. What comes meanwhile, and what a deadline demands, the worker does. A turn
//! writes to the sockets by itself, once to each; only what a socket does not take at once goes to a writer.
//!
//! The tasks of all rooms of a process run on one thread of their own, and none of them ever blocks; async-std waits
//! for the sockets on another.

mod accept;
mod connection;
mod dial;
mod events;
mod put;
mod room;
mod rt;
mod task_group;
mod transport;

pub use events::Events;
pub use ringchat_driver::{Ended, Event, NoEvent, OpenError, TurnEvents};
pub use room::Room;

//! ringchat over `std::net` with plain threads.
//!
//! [`Room::open`] creates or joins a room and gives two things: the [`Room`], to speak with, and
//! [`Notices`], to listen with. Nothing of either blocks the node. Who has much to listen to saves a queue
//! and a thread with [`Room::open_with`], which hands a function all that a turn brings.
//!
//! ```
//! use ringchat_core::{Config, Name, Notice, Start, Text};
//! use ringchat_threads::{Event, Room};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let addr = "127.0.0.1:0".parse()?; // any free port
//! let (room, notices) = Room::open(Config::new(addr, Name::new("Alice")?, Start::Create))?;
//! println!("others join through {}", room.addr());
//! room.say(Text::new("hello, whoever is here")?)?;
//! room.leave();
//! for event in notices {
//!     match event {
//!         Event::Notice { notice: Notice::Chat(chat), .. } => {
//!             chat.lines().for_each(|line| println!("{}: {}", line.from, line.text));
//!         }
//!         Event::Missed { count } => println!("{count} notices came faster than they were read"),
//!         Event::Notice { .. } => {}
//!     }
//! }
//! room.join();
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! A room costs one thread that keeps the node, one that accepts, and one for each connection, which reads. A
//! dial and a connection that takes bytes too slowly have a further thread as long as that lasts. All of them
//! have ended when [`Room::join`] returns.
//!
//! Whoever brings something to the node when nobody runs it runs one turn of it: a reader with what it read, or
//! the caller of [`Room::say`]. What comes meanwhile, and what a deadline demands, the keeping thread does. A turn
//! writes to the sockets by itself, once to each; only what a socket does not take at once goes to a writer. Where
//! a system cannot write without waiting (any but Linux, Android and FreeBSD), all of it does.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic"))]

mod accept;
mod clock;
mod commands;
mod connection;
mod crew;
mod dial;
mod engine;
mod node;
mod notices;
mod room;
mod send;

pub use notices::Notices;
pub use ringchat_driver::{Ended, Event, NoEvent};
pub use room::{OpenError, Room};

//! ringchat over `std::net` with plain threads.
//!
//! [`Room::open`] creates or joins a room and gives two things: the [`Room`], to speak with, and
//! [`Events`], to listen with. Neither blocks the node. A program with much to listen to saves a queue and a wake-up
//! with [`Room::open_with`], which hands a function all that a turn brings.
//!
//! ```
//! use ringchat_core::{Config, Name, Notice, Start, Text};
//! use ringchat_threads::{Event, Room};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let addr = "127.0.0.1:0".parse()?; // any free port
//! let (room, events) = Room::open(Config::new(addr, Name::new("Alice")?, Start::Create))?;
//! println!("others join through {}", room.addr());
//! room.say(Text::new("hello, all who are here")?)?;
//! room.leave();
//! for event in events {
//!     match event {
//!         Event::Notice { notice: Notice::Chat(chat), .. } => {
//!             chat.lines().for_each(|line| println!("{}: {}", line.from, line.text));
//!         }
//!         Event::Missed { count } => println!("{count} notices came faster than they were read"),
//!         _ => {}
//!     }
//! }
//! room.wait();
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! A room costs one thread that works for the node, one that accepts, and one for each connection, which reads. A
//! dial and a connection that takes bytes too slowly have a further thread as long as that lasts. All of them
//! have ended when [`Room::wait`] returns.
//!
//! A thread that brings something to the node while nobody runs it runs one turn of it: a reader with what it read, or
//! the caller of [`Room::say`]. What comes meanwhile, and what a deadline demands, the worker does. A turn
//! writes to the sockets by itself, once to each; only what a socket does not take at once goes to a writer. Where
//! a system cannot write without waiting (any but Linux, Android and FreeBSD), the writers write everything.

mod accept;
mod connection;
mod dial;
mod events;
mod room;
mod task_group;
mod transport;
mod waiting;

pub use events::Events;
pub use ringchat_driver::{Ended, Event, NoEvent, OpenError, TurnEvents};
pub use room::Room;

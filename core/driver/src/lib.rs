//! What every runtime of ringchat shares: one node, its links, and the turns in which the node runs.
//!
//! A runtime brings sockets and a way to wait: a [`Transport`] that starts readers, writers and dials, and one *worker*
//! (a thread or a task) that calls [`Host::step`]. Everything else is here. Readers, dials and the listening socket
//! know only the [`JobQueue`], the place where they put what happened; users hold a [`Membership`] of the [`Host`]; events
//! leave through a function, which may fill an [`event_queue`].
//!
//! The node works in *turns*. A turn takes all jobs and commands that wait, tells the node, executes its actions and
//! writes once to each link. Nothing in a turn waits. Whoever puts something while the node is idle runs the turn
//! itself, so that no other thread has to wake up first; the scheduler decides that.
//!
//! `clock.rs` alone reads a clock, `host.rs` alone locks the node and wakes the worker. The turn itself takes the time
//! as an argument.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics"))]

mod accepting;
mod clock;
mod commands;
mod connection;
mod descriptors;
mod dials;
mod door;
mod driver;
mod error;
mod event_stream;
mod events;
#[cfg(test)]
mod fake;
mod faults;
mod host;
mod link_reader;
mod links;
mod membership;
#[cfg(test)]
#[path = "../../../tests/tests/other_end/mod.rs"]
mod other_end;
mod outgoing;
mod refused;
mod scheduler;
mod seen;
mod signal;
mod socket;
mod transport;
mod write_queue;

pub use accepting::Accepting;
pub use clock::Clock;
pub use commands::ReportTo;
pub use connection::{Connection, SharedSocket};
pub use dials::DIAL_TIMEOUT;
pub use door::Door;
pub use error::{Ended, OpenError};
pub use event_stream::{EventFiller, EventReader, EventSink, event_queue};
pub use events::{Event, NoEvent, TurnEvents};
pub use host::{Host, WorkerStep, lock};
pub use link_reader::LinkReader;
pub use membership::Membership;
pub use refused::{Refused, until_taken};
pub use scheduler::TurnOwner;
pub use seen::SharedSeen;
pub use socket::Socket;
pub use transport::{Job, JobQueue, Jobs, Transport};

//! The conformance suite over threads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[macro_use]
mod suite;

use std::net::SocketAddr;
use std::time::Duration;
use std::vec::Drain;

use ringchat_core::{Config, Text};
use ringchat_threads::{Ended, Event, NoEvent, Notices, OpenError, Room};

struct Threads;

impl suite::Runtime for Threads {
    type Room = Room;
    type Notices = Notices;
    type OpenError = OpenError;

    fn open(config: Config) -> Result<(Room, Notices), OpenError> {
        Room::open(config)
    }

    fn open_with(
        config: Config,
        sink: impl FnMut(Drain<'_, Event>) + Send + 'static,
    ) -> Result<Room, OpenError> {
        Room::open_with(config, sink)
    }

    fn addr(room: &Room) -> SocketAddr {
        room.addr()
    }

    fn say(room: &Room, text: Text) -> Result<(), Ended> {
        room.say(text)
    }

    fn report(room: &Room) -> Result<(), Ended> {
        room.report()
    }

    fn leave(room: &Room) {
        room.leave();
    }

    fn join(room: &Room) {
        room.join();
    }

    fn next(notices: &mut Notices, timeout: Duration) -> Result<Event, NoEvent> {
        notices.next_timeout(timeout)
    }

    fn try_next(notices: &mut Notices) -> Result<Event, NoEvent> {
        notices.try_next()
    }
}

conformance!(Threads);

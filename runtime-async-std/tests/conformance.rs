//! The conformance suite over async-std.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[macro_use]
#[path = "../../runtime-threads/tests/suite/mod.rs"]
mod suite;

use std::net::SocketAddr;
use std::time::Duration;
use std::vec::Drain;

use futures::executor::block_on;
use ringchat_async_std::{Ended, Event, NoEvent, Notices, OpenError, Room};
use ringchat_core::{Config, Text};

struct AsyncStd;

impl suite::Runtime for AsyncStd {
    type Room = Room;
    type Notices = Notices;
    type OpenError = OpenError;

    fn open(config: Config) -> Result<(Room, Notices), OpenError> {
        block_on(Room::open(config))
    }

    fn open_with(
        config: Config,
        sink: impl FnMut(Drain<'_, Event>) + Send + 'static,
    ) -> Result<Room, OpenError> {
        block_on(Room::open_with(config, sink))
    }

    fn addr(room: &Room) -> SocketAddr {
        room.addr()
    }

    fn say(room: &Room, text: Text) -> Result<(), Ended> {
        block_on(room.say(text))
    }

    fn report(room: &Room) -> Result<(), Ended> {
        block_on(room.report())
    }

    fn leave(room: &Room) {
        room.leave();
    }

    fn join(room: &Room) {
        block_on(room.join());
    }

    fn next(notices: &mut Notices, timeout: Duration) -> Result<Event, NoEvent> {
        block_on(notices.next_timeout(timeout))
    }

    fn try_next(notices: &mut Notices) -> Result<Event, NoEvent> {
        notices.try_next()
    }
}

conformance!(AsyncStd);

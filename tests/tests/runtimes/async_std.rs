//! Rooms over async-std.

use std::net::SocketAddr;
use std::time::Duration;

use futures::executor::block_on;
use ringchat_async_std::{Ended, Event, Events, NoEvent, OpenError, Room, TurnEvents};
use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Report, Seq, Text};

use super::Runtime;

pub(crate) struct AsyncStd;

impl Runtime for AsyncStd {
    type Room = Room;
    type Events = Events;

    fn open(config: Config) -> Result<(Room, Events), OpenError> {
        Room::open(config)
    }

    fn open_with(
        config: Config,
        hear: impl FnMut(TurnEvents<'_>) + Send + 'static,
    ) -> Result<Room, OpenError> {
        Room::open_with(config, hear)
    }

    fn addr(room: &Room) -> SocketAddr {
        room.addr()
    }

    fn say(room: &Room, text: Text) -> Result<Seq, Ended> {
        block_on(room.say(text))
    }

    fn report(room: &Room) -> Result<Report, Ended> {
        block_on(room.report())
    }

    fn report_in_events(room: &Room) -> Result<(), Ended> {
        block_on(room.report_in_events())
    }

    fn trace(room: &Room, tracing: Tracing) -> Result<(), Ended> {
        block_on(room.trace(tracing))
    }

    fn leave(room: &Room) {
        room.leave();
    }

    fn wait(room: &Room) {
        block_on(room.wait());
    }

    fn next(events: &mut Events, timeout: Duration) -> Result<Event, NoEvent> {
        block_on(events.next_timeout(timeout))
    }

    fn try_next(events: &mut Events) -> Result<Event, NoEvent> {
        events.try_next()
    }
}

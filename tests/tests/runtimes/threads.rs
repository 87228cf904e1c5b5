//! Rooms over threads.

use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Report, Seq, Text};
use ringchat_threads::{Ended, Event, Events, NoEvent, OpenError, Room, TurnEvents};

use super::Runtime;

pub(crate) struct Threads;

impl Runtime for Threads {
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
        room.say(text)
    }

    fn report(room: &Room) -> Result<Report, Ended> {
        room.report()
    }

    fn report_in_events(room: &Room) -> Result<(), Ended> {
        room.report_in_events()
    }

    fn trace(room: &Room, tracing: Tracing) -> Result<(), Ended> {
        room.trace(tracing)
    }

    fn leave(room: &Room) {
        room.leave();
    }

    fn wait(room: &Room) {
        room.wait();
    }

    fn next(events: &mut Events, timeout: Duration) -> Result<Event, NoEvent> {
        events.next_timeout(timeout)
    }

    fn try_next(events: &mut Events) -> Result<Event, NoEvent> {
        events.try_next()
    }
}

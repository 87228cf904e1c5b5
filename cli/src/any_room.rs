//! A room driven by either runtime. No other file of the program knows the two runtimes.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use futures::executor::block_on;
use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Seq, Text};
use ringchat_driver::{Clock, Ended, Event, EventReader, NoEvent, OpenError, TurnEvents, event_queue};
use serde::Serialize;

use crate::see::Recorder;

/// The runtime that drives a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RuntimeKind {
    /// `ringchat-threads`.
    #[default]
    Threads,
    /// `ringchat-async-std`.
    AsyncStd,
}

impl FromStr for RuntimeKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "threads" => Ok(Self::Threads),
            "async-std" => Ok(Self::AsyncStd),
            _ => Err(()),
        }
    }
}

/// A room of either runtime.
pub(crate) enum AnyRoom {
    /// A room driven by threads.
    Threads(ringchat_threads::Room),
    /// A room driven by async-std.
    AsyncStd(ringchat_async_std::Room),
}

/// The events of a room of either runtime, until the room has ended.
pub(crate) struct AnyEvents(EventReader);

impl AnyRoom {
    /// Binds the address and starts to create or join the room. `recorder` hears what is traced.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system denies something else.
    pub(crate) fn open(
        runtime: RuntimeKind,
        config: Config,
        recorder: Recorder,
    ) -> Result<(Self, AnyEvents), OpenError> {
        let (filler, events) = event_queue();
        let hear = move |turn: TurnEvents<'_>| recorder.hear(turn, &filler);
        let room = match runtime {
            RuntimeKind::Threads => Self::Threads(ringchat_threads::Room::open_with(config, hear)?),
            RuntimeKind::AsyncStd => Self::AsyncStd(ringchat_async_std::Room::open_with(config, hear)?),
        };
        Ok((room, AnyEvents(events)))
    }

    /// Where others reach this member.
    pub(crate) fn addr(&self) -> SocketAddr {
        match self {
            Self::Threads(room) => room.addr(),
            Self::AsyncStd(room) => room.addr(),
        }
    }

    /// Says something, and gives its number among the own messages. Waits while the room takes no more.
    ///
    /// # Errors
    /// If the room was left.
    pub(crate) fn say(&self, text: Text) -> Result<Seq, Ended> {
        match self {
            Self::Threads(room) => room.say(text),
            Self::AsyncStd(room) => block_on(room.say(text)),
        }
    }

    /// Asks for a report, which comes among the events, in its place.
    ///
    /// # Errors
    /// If the room was left.
    pub(crate) fn report_in_events(&self) -> Result<(), Ended> {
        match self {
            Self::Threads(room) => room.report_in_events(),
            Self::AsyncStd(room) => block_on(room.report_in_events()),
        }
    }

    /// Lets the node tell so much of what it does from now on.
    ///
    /// # Errors
    /// If the room was left.
    pub(crate) fn trace(&self, tracing: Tracing) -> Result<(), Ended> {
        match self {
            Self::Threads(room) => room.trace(tracing),
            Self::AsyncStd(room) => block_on(room.trace(tracing)),
        }
    }

    /// Leaves the room once what was said has been taken. Does not wait.
    pub(crate) fn leave(&self) {
        match self {
            Self::Threads(room) => room.leave(),
            Self::AsyncStd(room) => room.leave(),
        }
    }

    /// Waits until nothing is left of the room.
    pub(crate) fn wait(&self) {
        match self {
            Self::Threads(room) => room.wait(),
            Self::AsyncStd(room) => block_on(room.wait()),
        }
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl AnyEvents {
    /// The next event, if one comes `within` this time.
    ///
    /// # Errors
    /// If none came.
    pub(crate) fn next_within(&mut self, within: Duration) -> Result<Event, NoEvent> {
        let clock = Clock::start();
        let late = clock.now().after(within);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(event) = self.0.poll_next(&mut Context::from_waker(&waker)) {
                return event.ok_or(NoEvent::Ended);
            }
            let left = clock.until(late);
            if left.is_zero() {
                return Err(NoEvent::Yet);
            }
            thread::park_timeout(left);
        }
    }

    /// The next event; none once the room has ended.
    pub(crate) fn next(&mut self) -> Option<Event> {
        match self.try_next() {
            Err(NoEvent::Yet) => block_on(poll_fn(|context| self.0.poll_next(context))),
            next => next.ok(),
        }
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn try_next(&mut self) -> Result<Event, NoEvent> {
        self.0.try_next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_waits_within_a_time_is_woken_by_an_event_by_the_end_or_by_the_time() {
        let (filler, reader) = event_queue();
        let mut events = AnyEvents(reader);
        assert!(matches!(events.next_within(Duration::from_millis(1)), Err(NoEvent::Yet)));
        let long = Duration::from_hours(1);
        let writer = thread::spawn(move || {
            filler.put([Event::Missed { count: 3 }].into_iter());
            filler
        });
        assert!(matches!(events.next_within(long), Ok(Event::Missed { count: 3 })));
        let ender = thread::spawn(move || drop(writer.join()));
        assert!(matches!(events.next_within(long), Err(NoEvent::Ended)));
        ender.join().unwrap();
    }
}

//! What both runtimes owe their users, written once and run over each.

#![allow(dead_code, unused_macros, reason = "each test program uses a part")]

pub(crate) mod async_std;
#[macro_use]
pub(crate) mod conformance;
pub(crate) mod descriptors;
pub(crate) mod hostile;
pub(crate) mod links;
#[path = "../other_end/mod.rs"]
pub(crate) mod other_end;
pub(crate) mod relay;
pub(crate) mod resources;
pub(crate) mod threads;

use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::trace::Tracing;
use ringchat_core::{Config, Report, Seq, Text};
use ringchat_driver::{Ended, Event, NoEvent, OpenError, TurnEvents};

/// Time after which a test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A runtime as the tests use it. Each call may block.
pub(crate) trait Runtime {
    type Room: Send + Sync + 'static;
    type Events: Send;

    fn open(config: Config) -> Result<(Self::Room, Self::Events), OpenError>;
    fn open_with(
        config: Config,
        hear: impl FnMut(TurnEvents<'_>) + Send + 'static,
    ) -> Result<Self::Room, OpenError>;
    fn addr(room: &Self::Room) -> SocketAddr;
    fn say(room: &Self::Room, text: Text) -> Result<Seq, Ended>;
    fn report(room: &Self::Room) -> Result<Report, Ended>;
    fn report_in_events(room: &Self::Room) -> Result<(), Ended>;
    fn trace(room: &Self::Room, tracing: Tracing) -> Result<(), Ended>;
    fn leave(room: &Self::Room);
    fn wait(room: &Self::Room);
    fn next(events: &mut Self::Events, timeout: Duration) -> Result<Event, NoEvent>;
    fn try_next(events: &mut Self::Events) -> Result<Event, NoEvent>;
}

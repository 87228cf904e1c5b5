//! A room driven by either runtime. No other file of the program knows the two runtimes.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;

use futures::StreamExt;
use futures::executor::block_on;
use ringchat_core::driver::{Ended, Event, NoEvent};
use ringchat_core::{Config, Text};
use serde::Serialize;

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
pub(crate) enum AnyEvents {
    /// Driven by threads.
    Threads(ringchat_threads::Notices),
    /// Driven by async-std.
    AsyncStd(ringchat_async_std::Notices),
}

/// Why a room cannot be opened.
pub(crate) struct OpenError {
    /// If it is the address that cannot be listened on, why.
    pub(crate) listen: Option<io::ErrorKind>,
    message: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ringchat_threads::OpenError> for OpenError {
    fn from(error: ringchat_threads::OpenError) -> Self {
        let listen = match &error {
            ringchat_threads::OpenError::Listen { source, .. } => Some(source.kind()),
            _ => None,
        };
        Self { listen, message: error.to_string() }
    }
}

impl From<ringchat_async_std::OpenError> for OpenError {
    fn from(error: ringchat_async_std::OpenError) -> Self {
        let listen = match &error {
            ringchat_async_std::OpenError::Listen { source, .. } => Some(source.kind()),
            _ => None,
        };
        Self { listen, message: error.to_string() }
    }
}

impl AnyRoom {
    /// Binds the address and starts to create or join the room.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system denies something else.
    pub(crate) fn open(runtime: RuntimeKind, config: Config) -> Result<(Self, AnyEvents), OpenError> {
        match runtime {
            RuntimeKind::Threads => {
                let (room, notices) = ringchat_threads::Room::open(config)?;
                Ok((Self::Threads(room), AnyEvents::Threads(notices)))
            }
            RuntimeKind::AsyncStd => {
                let (room, notices) = block_on(ringchat_async_std::Room::open(config))?;
                Ok((Self::AsyncStd(room), AnyEvents::AsyncStd(notices)))
            }
        }
    }

    /// Where this member listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        match self {
            Self::Threads(room) => room.addr(),
            Self::AsyncStd(room) => room.addr(),
        }
    }

    /// Says something. Waits while the room takes no more.
    ///
    /// # Errors
    /// If the room was left.
    pub(crate) fn say(&self, text: Text) -> Result<(), Ended> {
        match self {
            Self::Threads(room) => room.say(text),
            Self::AsyncStd(room) => block_on(room.say(text)),
        }
    }

    /// Asks for a report, which comes with the notices.
    ///
    /// # Errors
    /// If the room was left.
    pub(crate) fn report(&self) -> Result<(), Ended> {
        match self {
            Self::Threads(room) => room.report(),
            Self::AsyncStd(room) => block_on(room.report()),
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
    pub(crate) fn join(&self) {
        match self {
            Self::Threads(room) => room.join(),
            Self::AsyncStd(room) => block_on(room.join()),
        }
    }
}

impl AnyEvents {
    /// The next event; none once the room has ended.
    pub(crate) fn next(&mut self) -> Option<Event> {
        match self {
            Self::Threads(notices) => notices.next(),
            Self::AsyncStd(notices) => block_on(notices.next()),
        }
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn try_next(&mut self) -> Result<Event, NoEvent> {
        match self {
            Self::Threads(notices) => notices.try_next(),
            Self::AsyncStd(notices) => notices.try_next(),
        }
    }
}

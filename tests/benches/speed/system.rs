//! What the benchmark knows of the systems that are compared.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, bail};

pub(crate) use crate::control::System;

impl System {
    /// Those that carry texts between processes, in the order in which they are shown.
    pub(crate) const COMPARED: [Self; 11] = [
        Self::Hub,
        Self::Threads,
        Self::ThreadsQueue,
        Self::AsyncStd,
        Self::AsyncStdQueue,
        Self::Pipes,
        Self::PipesTraced,
        Self::Redis,
        Self::Nats,
        Self::Mosquitto,
        Self::Ngircd,
    ];

    /// Those that lose nothing when all send as fast as they can. The program's output has a bounded queue: a reader
    /// who is too slow for what all say is shown a gap.
    pub(crate) const PATIENT: [Self; 7] =
        [Self::Hub, Self::Threads, Self::AsyncStd, Self::Redis, Self::Nats, Self::Mosquitto, Self::Ngircd];

    /// Both runtimes of ringchat.
    pub(crate) const RUNTIMES: [Self; 2] = [Self::Threads, Self::AsyncStd];

    /// What it is called, in the table and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hub => "bare hub",
            Self::Threads => "threads",
            Self::AsyncStd => "async-std",
            Self::ThreadsQueue => "threads-queue",
            Self::AsyncStdQueue => "async-std-queue",
            Self::Pipes => "pipes",
            Self::PipesTraced => "pipes-traced",
            Self::Ngircd => "ngircd",
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Mosquitto => "mosquitto",
            Self::Simulated => "simulated",
        }
    }

    /// Whether it is ringchat, in whatever shape.
    pub(crate) fn is_ringchat(self) -> bool {
        matches!(self, Self::Threads | Self::ThreadsQueue | Self::AsyncStd | Self::AsyncStdQueue)
            || self.is_program()
    }

    /// Whether it is the program of ringchat.
    pub(crate) fn is_program(self) -> bool {
        matches!(self, Self::Pipes | Self::PipesTraced)
    }

    /// Whether it is what people would use instead: what it does not manage is no failure of ringchat's.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Ngircd | Self::Redis | Self::Nats | Self::Mosquitto)
    }

    /// Whether senders get their own texts back.
    pub(crate) fn echoes(self) -> bool {
        self != Self::Ngircd
    }

    /// Whether it takes more than it passes on, and queues the rest: a second's flood drains for a minute.
    pub(crate) fn hoards(self) -> bool {
        matches!(self, Self::Redis | Self::Nats)
    }

    /// Whether all who listen get everything in one order. Of the peers only Redis does, which has one thread;
    /// it is not among its promises.
    pub(crate) fn has_one_order(self) -> bool {
        self == Self::Hub || self.is_ringchat()
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for System {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let named = |system: &Self| system.name().trim_start_matches("bare ") == name;
        let Some(system) = Self::COMPARED.into_iter().find(named) else {
            bail!(
                "there is no system {name:?}; choose among hub, threads, threads-queue, async-std, async-std-queue, pipes, pipes-traced, redis, nats, mosquitto, ngircd"
            )
        };
        Ok(system)
    }
}

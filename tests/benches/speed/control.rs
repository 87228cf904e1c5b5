//! What the benchmark and its participants tell each other, a line of JSON each, over the participants' standard
//! input and output.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;

/// What carries the texts from one participant to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum System {
    /// One loop that passes frames on, and nothing else: the limit of this machine.
    Hub,
    /// ringchat over threads.
    Threads,
    /// ringchat over async-std.
    AsyncStd,
    /// ringchat over threads, whose events go through the queue of `Room::open` to a thread of the user.
    ThreadsQueue,
    /// ringchat over async-std, likewise.
    AsyncStdQueue,
    /// The program `ringchat --json`, spoken to through pipes.
    Pipes,
    /// The same, and it writes a trace.
    PipesTraced,
    /// The chat server ngircd.
    Ngircd,
    /// The publish and subscribe of Redis.
    Redis,
    /// NATS.
    Nats,
    /// The MQTT broker mosquitto.
    Mosquitto,
    /// The nodes of ringchat on a simulated network.
    Simulated,
}

/// What a process is that the benchmark starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The bare hub.
    Hub,
    /// A participant.
    Agent(Start),
}

/// How a participant starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    /// What it takes part in.
    pub(crate) system: System,
    /// Its number in the room, from 0.
    pub(crate) me: u16,
    /// Participants that the room will have.
    pub(crate) size: u16,
    /// The server, or a member of the room; none to create it.
    pub(crate) contact: Option<SocketAddr>,
    /// Whether it wants to hear anything.
    pub(crate) listens: bool,
    /// ringchat's `--detect-ms`, if not the default.
    pub(crate) detect_ms: Option<u64>,
}

/// What a participant is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Forget what was heard, and answer `Heard` once so many have said their last.
    Listen {
        /// How many.
        senders: usize,
        /// Whether each arrival is to be kept and told.
        keep: bool,
    },
    /// Say as much as is taken, for so long.
    Flood {
        /// How long.
        nanos: Nanos,
    },
    /// Say `count` texts, one `every` so often, the first at `from`.
    Pace {
        /// How many.
        count: u32,
        /// The time between two.
        every: Nanos,
        /// When to begin.
        from: Nanos,
    },
    /// Tell what this process uses.
    Usage,
}

/// What a participant answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It is in the room.
    Joined {
        /// Where it listens itself, if it does.
        addr: Option<SocketAddr>,
        /// Since when.
        at: Nanos,
    },
    /// The room has as many participants as it will have.
    Gathered,
    /// It listens, as ordered.
    Listening,
    /// It has said everything.
    Said {
        /// How many texts.
        count: u32,
        /// When it began.
        from: Nanos,
    },
    /// It has heard everything.
    Heard(Heard),
    /// What it uses.
    Usage(Usage),
    /// It cannot go on.
    Failed(String),
}

/// What a participant heard since it was told to listen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// How many texts.
    pub(crate) count: u64,
    /// When the last one came.
    pub(crate) at: Nanos,
    /// A digest of all texts in their order.
    pub(crate) order: u64,
    /// Texts that were doubled, out of order or missing.
    pub(crate) faults: u64,
    /// Members that were given up for dead, as the room said.
    pub(crate) lost: Vec<String>,
    /// Each text, if that was wanted.
    pub(crate) arrivals: Vec<Arrival>,
}

/// A text that was heard.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Arrival {
    /// Who said it.
    pub(crate) by: u16,
    /// Its number among the sender's.
    pub(crate) number: u32,
    /// When it was said.
    pub(crate) said: Nanos,
    /// When it was heard.
    pub(crate) heard: Nanos,
}

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Processor time since its start.
    pub(crate) processor: Nanos,
    /// Resident memory.
    pub(crate) resident_kib: u64,
    /// The most that was ever resident.
    pub(crate) peak_kib: u64,
}

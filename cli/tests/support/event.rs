//! What a member prints with `--json`.

use serde::Deserialize;

/// One line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) lamport: u64,
    #[serde(flatten)]
    pub(crate) event: Event,
}

/// What a line tells. Keys and events that no test looks at are left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    Ready {
        me: Peer,
        leader: Peer,
        members: Vec<Peer>,
        runtime: String,
    },
    Message {
        seq: u64,
        from: Peer,
        text: String,
        mine: bool,
    },
    Sent {
        #[serde(rename = "ref")]
        reference: Option<String>,
        seq: u64,
    },
    Gap {
        reason: Option<String>,
        count: u64,
    },
    Joined {
        member: Peer,
    },
    Left {
        member: Peer,
        reason: String,
    },
    Ring {
        prev: Peer,
        next: Peer,
    },
    Election {},
    Leader {
        member: Peer,
        epoch: u64,
    },
    Error {
        code: String,
        message: String,
        fatal: bool,
    },
    Bye {
        reason: String,
    },
    #[serde(other)]
    Other,
}

/// Somebody in the room, as `--json` shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Peer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) addr: String,
}

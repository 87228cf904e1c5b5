//! The events that a member prints with `--json`.

use serde::Deserialize;

/// A line of the output.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EventLine {
    pub(crate) lamport: u64,
    #[serde(flatten)]
    pub(crate) event: ReceivedEvent,
}

/// The event of a line. Keys and events that no test needs are left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum ReceivedEvent {
    Ready {
        me: EventMember,
        leader: EventMember,
        members: Vec<EventMember>,
        runtime: String,
        key: String,
        privacy: String,
    },
    Message {
        seq: u64,
        from: EventMember,
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
        member: EventMember,
    },
    Left {
        member: EventMember,
        reason: String,
    },
    Ring {
        prev: EventMember,
        next: EventMember,
    },
    Election {},
    Leader {
        member: EventMember,
        epoch: u64,
    },
    Announced {},
    Ticket {
        ticket: String,
    },
    Keys {
        members: Vec<EventKey>,
    },
    Trace {
        file: Option<String>,
    },
    See {
        url: Option<String>,
    },
    Verified {
        member: EventMember,
    },
    #[serde(rename = "key_changed")]
    KeyChanged {
        member: EventMember,
        known_key: String,
        verified: bool,
    },
    #[serde(rename = "same_key")]
    SameKey {
        member: EventMember,
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

/// A member as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct EventMember {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) addr: String,
    pub(crate) key: String,
}

/// A member and its key as `--json` prints them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EventKey {
    pub(crate) name: String,
    pub(crate) short_key: String,
    pub(crate) mark: String,
    pub(crate) in_ticket: bool,
}

//! What messages are for.

use ringchat_core::trace::MessageKind;

/// What a message is for. Pictures draw each class in a colour of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageClass {
    /// To elect a leader.
    Elect,
    /// To tell who leads.
    Lead,
    /// To close the ring, and to link members.
    Repair,
    /// To come in and to leave, and to find other rings.
    Member,
    /// To make logs the same.
    CatchUp,
    /// To say something.
    Chat,
    /// To show that one is alive.
    Beat,
}

impl MessageClass {
    /// The class of a kind of messages.
    pub const fn of(kind: MessageKind) -> Self {
        use MessageKind as Kind;
        match kind {
            Kind::Elect => Self::Elect,
            Kind::Elected | Kind::Goodbye | Kind::WantPromise | Kind::Promise => Self::Lead,
            Kind::Hello
            | Kind::NotMember
            | Kind::Superseded
            | Kind::WantRoster
            | Kind::Roster
            | Kind::Suspect => Self::Repair,
            Kind::Join
            | Kind::JoinVia
            | Kind::Refused
            | Kind::Draining
            | Kind::Leave
            | Kind::Probe
            | Kind::ProbeReply => Self::Member,
            Kind::Sync | Kind::Install => Self::CatchUp,
            Kind::Submit | Kind::Deliver | Kind::Ack => Self::Chat,
            Kind::Ping | Kind::Pong => Self::Beat,
        }
    }

    /// Whether messages of the class come in floods, so that single ones may be left out.
    pub const fn is_thinned(self) -> bool {
        matches!(self, Self::Chat | Self::Beat)
    }
}

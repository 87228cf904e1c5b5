//! What kind of thing a mark or an event is. Colour says this, never which member it is.

use ringchat_core::trace::MessageKind;
use ringchat_trace::MessageClass;

/// A class, which decides colour, dashes, ends and widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Signs of life.
    Beat,
    /// What people say.
    Chat,
    /// Logs on their way to a new leader and back.
    Catchup,
    /// Closing the ring.
    Repair,
    /// Coming and going.
    Member,
    /// The announcement of a winner.
    Lead,
    /// Tokens.
    Elect,
    /// Two rings become one.
    Merge,
    /// Deaths.
    Dead,
    /// Processes that stand still, and networks that are split.
    Freeze,
}

impl Class {
    /// All classes of messages, in the order in which arrows are painted.
    pub const MESSAGES: [Self; 7] =
        [Self::Beat, Self::Chat, Self::Catchup, Self::Repair, Self::Member, Self::Lead, Self::Elect];

    /// The class of a message.
    pub fn of(kind: MessageKind) -> Self {
        match MessageClass::of(kind) {
            MessageClass::Elect => Self::Elect,
            MessageClass::Lead => Self::Lead,
            MessageClass::Repair => Self::Repair,
            MessageClass::Member => Self::Member,
            MessageClass::CatchUp => Self::Catchup,
            MessageClass::Chat => Self::Chat,
            MessageClass::Beat => Self::Beat,
        }
    }

    /// The word that asks for it.
    pub(crate) fn asked(self) -> &'static str {
        match self {
            Self::Elect | Self::Lead => "election",
            Self::Member => "membership",
            Self::Beat => "beats",
            other => other.name(),
        }
    }

    /// The name in JSON and in the classes of an SVG.
    pub fn name(self) -> &'static str {
        match self {
            Self::Beat => "beat",
            Self::Chat => "chat",
            Self::Catchup => "catchup",
            Self::Repair => "repair",
            Self::Member => "member",
            Self::Lead => "lead",
            Self::Elect => "elect",
            Self::Merge => "merge",
            Self::Dead => "dead",
            Self::Freeze => "freeze",
        }
    }
}

//! What goes into a trace, before members have numbers.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use ringchat_core::trace::{MessageKind, Traced};
use ringchat_core::{Chat, Index, Instant, LinkId, Member, NodeId, Notice, Stamp, TextRun};
use serde::{Deserialize, Serialize};

use crate::class::MessageClass;
use crate::event::{FaultKind, SumDirection};

/// Something that a trace tells. It holds no more than it tells: a step that waits to be written keeps no text in memory
/// unless texts are traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A life begins.
    Life {
        /// The member.
        me: Arc<Member>,
        /// The silence after which it suspects a peer.
        detect: Duration,
        /// The wall clock: microseconds since the beginning of 1970.
        wall: u64,
    },
    /// The node did something.
    Traced(Box<Traced>),
    /// The user is told something other than chat.
    Told(Box<Notice>),
    /// The user is shown chat.
    Shown {
        /// The first place in the log.
        first: Index,
        /// Who said it.
        from: Arc<Member>,
        /// How many texts.
        texts: u64,
        /// Whether it was said where this member was not.
        replayed: bool,
        /// The texts, if they are traced.
        said: Option<TextRun>,
    },
    /// Messages that are not told one by one.
    Flood(Box<Flood>),
    /// So many steps are missing.
    Missed(u64),
    /// The file is almost full, or full.
    Full(Fullness),
    /// What follows is not traced.
    Off,
    /// A fault strikes, as a simulator knows.
    Fault {
        /// What happens.
        kind: FaultKind,
        /// The member that it happens to, if not to the network.
        whom: Option<NodeId>,
        /// The sides that cannot reach each other any more.
        sides: Vec<Vec<NodeId>>,
    },
}

impl Step {
    /// What a trace tells of a step of the node. `wall` reads the wall clock, in microseconds, if a life begins.
    pub fn of_traced(traced: Box<Traced>, wall: impl FnOnce() -> u64) -> Self {
        match &*traced {
            Traced::Life { me, detect } => Self::Life { me: me.clone(), detect: *detect, wall: wall() },
            _ => Self::Traced(traced),
        }
    }

    /// Whether it tells of chat or of signs of life, which come in floods.
    pub fn is_of_flood(&self) -> bool {
        let is_thinned = |kind| MessageClass::of(kind).is_thinned();
        match self {
            Self::Shown { .. } | Self::Flood(_) => true,
            Self::Traced(traced) => match &**traced {
                Traced::Took { sketch, .. } | Traced::Sent { sketch, .. } => is_thinned(sketch.kind),
                Traced::Dropped { kind, .. } => is_thinned(*kind),
                _ => false,
            },
            _ => false,
        }
    }

    /// What a trace tells of a notice, with what people say if `texts`. None if it tells nothing.
    pub fn of_notice(notice: &Notice, texts: bool) -> Option<Self> {
        Some(match notice {
            Notice::Report(_) | Notice::NotTaken { .. } => return None,
            Notice::Chat(chat @ Chat { index, said, occasion, hidden, .. }) => Self::Shown {
                first: index.plus(*hidden as u64),
                from: said.origin.clone(),
                texts: chat.count(),
                replayed: occasion.is_replayed(),
                said: said.texts.part(*hidden, usize::MAX).filter(|_| texts),
            },
            Notice::Swallowed { first, count, .. } => {
                let waiting = Vec::new();
                Self::Told(Notice::Swallowed { first: *first, count: *count, waiting }.into())
            }
            other => Self::Told(other.clone().into()),
        })
    }
}

/// Messages of a kind, on one link in one direction; or texts of one member that were shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flood {
    /// Which way they went.
    pub direction: SumDirection,
    /// What they are; none if they are texts that were shown.
    pub kind: Option<MessageKind>,
    /// The link, if there is one.
    pub link: Option<LinkId>,
    /// Who is at the other end of the link, or who said them.
    pub peer: NodeId,
    /// How many messages.
    pub count: u64,
    /// How many texts they carry.
    pub texts: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// The Lamport times of the first and the last at their sending.
    pub stamps: Option<(Stamp, Stamp)>,
    /// The time of the first.
    pub since: Instant,
}

/// What a file has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fullness {
    /// Chat and signs of life.
    Chat,
    /// Everything.
    All,
}

//! What a node can tell of itself step by step, so that a run can be drawn. Nothing that the node does depends on it.
//!
//! No two sendings of a node share a stamp, and who is at the other end of a link is proven. So a sending and its
//! receipt are found by sender and stamp, and no message carries anything for the sake of a trace.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{DialId, LinkId, NodeId, RoomId};
use crate::input::{DialFailure, DownReason, Origin};
use crate::numbers::{Epoch, Index, Stamp};
use crate::roster::{ConfigId, Member, Roster, View};
use crate::text_run::TextRun;
use crate::wire::{Message, Refusal, RefusedKind};

/// How much a node tells of what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tracing {
    /// Nothing.
    #[default]
    Off,
    /// What happens, without what people say.
    Events,
    /// What happens, and what people say.
    Texts,
}

/// A step of a node, in the order in which its steps happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Traced {
    /// The node is this member from now on: the first thing that is told, and again when it begins a new life.
    Life {
        /// This member.
        me: Arc<Member>,
        /// The silence after which it suspects a peer.
        detect: Duration,
    },
    /// A message came in, and is acted on next.
    Took {
        /// The link that the message came on.
        link: LinkId,
        /// Who sent it.
        from: NodeId,
        /// The sender's Lamport time at the sending.
        stamp: Stamp,
        /// Whether the message moved this node's Lamport clock. That of a stranger does not, nor one that is refused.
        counted: bool,
        /// The message.
        sketch: Sketch,
    },
    /// A message that was taken has no effect.
    Dropped {
        /// Who sent it.
        from: NodeId,
        /// What it is.
        kind: MessageKind,
        /// Why nothing follows from it.
        why: DropReason,
    },
    /// A message goes out.
    Sent {
        /// The links, and who is at the other end of each.
        to: Vec<(LinkId, NodeId)>,
        /// This node's Lamport time at the sending.
        stamp: Stamp,
        /// The message.
        sketch: Sketch,
    },
    /// The node dials.
    Dialed {
        /// The dial.
        dial: DialId,
        /// The address to connect to.
        addr: SocketAddr,
        /// Who has to be there; none if anybody will do.
        whom: Option<NodeId>,
        /// What the dial is for.
        why: DialReason,
    },
    /// A dial leads to no link.
    Failed {
        /// The dial.
        dial: DialId,
        /// What became of it.
        reason: DialFailure,
    },
    /// A link is open.
    Up {
        /// The link.
        link: LinkId,
        /// Which end asked for it.
        origin: Origin,
        /// The address of the other end.
        remote: SocketAddr,
        /// Who is there.
        peer: NodeId,
    },
    /// A link has ended.
    Down {
        /// The link.
        link: LinkId,
        /// Who was there.
        peer: NodeId,
        /// What ended it.
        reason: DownReason,
    },
    /// What the node holds at the end of a turn, if that is not what it told last.
    State(State),
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What it is doing.
    pub mode: Mode,
    /// The room, once it is known.
    pub room: RoomId,
    /// No entry of an older epoch is appended any more.
    pub promised: Epoch,
    /// The view in which the log was last written, once there is one.
    pub view: Option<View>,
    /// The configuration that the log amounts to.
    pub cfg: ConfigId,
    /// The leader, or the one whose log is awaited; none while it is lost.
    pub leader: Option<NodeId>,
    /// The next member.
    pub next: Option<NodeId>,
    /// The previous member.
    pub prev: Option<NodeId>,
    /// The length of the log.
    pub log: Index,
    /// Up to here every member has the log, as far as the node knows.
    pub stable: Index,
    /// Own messages without a place.
    pub waiting: u64,
    /// The members by the log, in ring order; none if they are those that were told last.
    pub roster: Option<Roster>,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It creates a room.
    Founding,
    /// It wants in, or back in.
    Joining,
    /// It appends what its leader sends.
    Following,
    /// It writes the log.
    Leading,
    /// It takes part in an election.
    Electing,
    /// It waits for the log of a new leader.
    Syncing,
    /// It has left, or failed to come in.
    Ended,
}

/// What a dial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialReason {
    /// To link to a member.
    Peer,
    /// To ask a contact who leads.
    Contact,
    /// To ask the leader to be let in.
    Leader,
    /// To find out whether a lost member is in another ring.
    Probe,
    /// To find out whether a newcomer is where it says, since somebody else was there.
    Newcomer,
}

/// Why nothing follows from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Its link is being closed.
    Closing,
    /// It breaks the protocol, and its link is closed.
    Fault,
    /// It is about an election, a view or a question that is over.
    Stale,
    /// It tells what the node knows, or has done, already.
    Known,
    /// It comes before what has to come first.
    Early,
    /// Its sender is no member of this node's ring.
    NotMember,
    /// It is for a leader, and this node does not lead.
    NotLeader,
    /// It announces a ring without this node.
    NotForMe,
    /// Its epoch is too far above all that this node knows.
    Leap,
}

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// What a message is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum MessageKind {
            $(
                #[doc = concat!("See [`Message::", stringify!($kind), "`].")]
                $kind,
            )*
        }

        impl MessageKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The kind of a message.
            pub fn of(message: &Message) -> Self {
                match message { $(Message::$kind { .. } => Self::$kind,)* }
            }

            /// Its name, as in [`Message`].
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)* }
            }
        }
    };
}

kinds! {
    Hello NotMember Superseded WantRoster Roster Ping Pong Elect Elected Submit Deliver Ack Sync Install Suspect Draining
    Leave Goodbye Refused Join Probe ProbeReply JoinVia WantPromise Promise
}

/// What a picture shows of a message. What does not apply to a kind is none, empty or zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sketch {
    /// What the message is.
    pub kind: MessageKind,
    /// The epoch that the message is about.
    pub epoch: Option<Epoch>,
    /// The member that it is about: the candidate, the leader of the view, the newcomer, the suspect.
    pub about: Option<NodeId>,
    /// What a candidate has to show before ties: the epoch of its last entry, and the length of its log.
    pub key: Option<(Epoch, Index)>,
    /// The way of a token, or the members of a roster in order.
    pub path: Vec<NodeId>,
    /// The first place in the log that it is about.
    pub from: Option<Index>,
    /// The place after the last.
    pub to: Option<Index>,
    /// How many texts it carries.
    pub texts: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What else it says, in a word.
    pub word: Option<&'static str>,
    /// The texts themselves, if the node tells them.
    pub said: Vec<TextRun>,
}

impl Sketch {
    fn new(kind: MessageKind) -> Self {
        Self {
            kind,
            epoch: None,
            about: None,
            key: None,
            path: Vec::new(),
            from: None,
            to: None,
            texts: 0,
            bytes: 0,
            word: None,
            said: Vec::new(),
        }
    }

    /// The sketch of a message, without what people say.
    pub fn of(message: &Message) -> Self {
        let sketch = Self::new(MessageKind::of(message));
        let texts = || message.runs().map(|said| &said.texts);
        let sketch = Self {
            texts: texts().map(|texts| texts.len() as u64).sum(),
            bytes: texts().map(|texts| texts.bytes(usize::MAX) as u64).sum(),
            ..sketch
        };
        sketch.with_details(message)
    }

    /// The same with what people say.
    #[must_use]
    pub fn with_texts(self, message: &Message) -> Self {
        Self { said: message.runs().map(|said| said.texts.clone()).collect(), ..self }
    }

    fn with_details(self, message: &Message) -> Self {
        match message {
            Message::Hello(hello) => {
                let word = hello.next.then_some("next");
                Self { about: Some(hello.you), word, ..self.of_view(hello.view) }
            }
            Message::NotMember(refusal) => {
                Self { epoch: Some(refusal.epoch), word: Some(refused(refusal.re)), ..self }
            }
            Message::Roster { cfg, roster } => self.of_ring(*cfg, roster),
            Message::Ping(beat) | Message::Pong(beat) => {
                Self { to: Some(beat.stable), ..self.of_view(beat.view) }
            }
            Message::Elect(elect) => Self {
                epoch: Some(elect.epoch),
                about: Some(elect.candidate.id),
                key: Some((elect.candidate.epoch, elect.candidate.length)),
                path: elect.path.clone(),
                ..self
            },
            Message::Elected(elected) => self.of_ring(elected.cfg, &elected.roster),
            Message::Submit { view, .. } => self.of_view(Some(*view)),
            Message::Deliver(deliver) => Self {
                from: deliver.entries.first().map(|entry| entry.index),
                to: deliver.entries.last().map(crate::wire::Entry::end),
                ..self.of_view(Some(deliver.view))
            },
            Message::Ack { view, index } => Self { to: Some(*index), ..self.of_view(Some(*view)) },
            Message::Sync(sync) => Self {
                to: sync.history.last().map(|span| span.end),
                word: sync.more.then_some("more"),
                ..self.of_view(Some(sync.view))
            },
            Message::Install(install) => Self {
                from: Some(install.common),
                to: Some(install.end),
                ..self.of_ring(install.cfg, &install.roster)
            },
            Message::Suspect { id } => Self { about: Some(*id), ..self },
            Message::Goodbye { successor } => Self { about: *successor, ..self },
            Message::Refused(refusal) => Self { word: Some(refusal_word(*refusal)), ..self },
            Message::Join(join) => Self {
                epoch: Some(join.epoch).filter(|epoch| *epoch > Epoch::default()),
                about: Some(join.me.id),
                path: join.ring.iter().map(|member| member.id).collect(),
                ..self
            },
            Message::Probe { me, .. } | Message::ProbeReply { me } => Self { about: Some(me.id), ..self },
            Message::JoinVia { leader, .. } => Self { about: Some(leader.id), ..self },
            Message::Promise { epoch, .. } => Self { epoch: Some(*epoch), ..self },
            Message::Superseded { .. }
            | Message::WantRoster
            | Message::Draining
            | Message::Leave
            | Message::WantPromise { .. } => self,
        }
    }

    fn of_view(self, view: Option<View>) -> Self {
        Self { epoch: view.map(|view| view.epoch), about: view.map(|view| view.leader), ..self }
    }

    fn of_ring(self, cfg: ConfigId, roster: &Roster) -> Self {
        Self { path: roster.ids().collect(), ..self.of_view(Some(cfg.view)) }
    }
}

fn refused(kind: RefusedKind) -> &'static str {
    match kind {
        RefusedKind::Hello => "hello",
        RefusedKind::Elect => "elect",
        RefusedKind::Sync => "sync",
        RefusedKind::Ping => "ping",
        RefusedKind::WantPromise => "want_promise",
    }
}

fn refusal_word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::RoomFull => "room_full",
        Refusal::Slow => "slow",
        Refusal::Busy => "busy",
        Refusal::TooLate => "too_late",
        Refusal::EpochTooHigh => "epoch_too_high",
        Refusal::AddressTaken => "address_taken",
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::numbers::Seq;
    use crate::text::Text;
    use crate::wire::{CandidateRank, Elect, Run};

    #[test]
    fn a_token_is_told_with_its_candidate_and_its_way() {
        let [candidate, other] = [1, 2].map(|number| Member::numbered(number).id);
        let rank = CandidateRank { epoch: Epoch(1), length: Index(8), id: candidate };
        let cfg = ConfigId::first(View { epoch: Epoch(1), leader: other });
        let path = vec![candidate, other];
        let elect = Elect { epoch: Epoch(2), candidate: rank, path: path.clone(), cfg, roster: None };
        let sketch = Sketch::of(&Message::Elect(elect));
        assert_eq!((sketch.kind, sketch.kind.name()), (MessageKind::Elect, "Elect"));
        assert_eq!((sketch.epoch, sketch.about), (Some(Epoch(2)), Some(candidate)));
        assert_eq!((sketch.key, sketch.path), (Some((Epoch(1), Index(8))), path));
    }

    #[test]
    fn texts_are_counted_and_kept_only_if_they_are_to_be_told() {
        let room = RoomId([1; RoomId::BYTES]);
        let (view, texts) = (View { epoch: Epoch(1), leader: Member::numbered(1).id }, ["hello", "you"]);
        let texts = texts.map(|text| Text::new(text).unwrap());
        let texts = TextRun::new(&texts).unwrap();
        let said = Run::sham(room, Member::numbered(2).into(), Seq(1), Stamp(1), texts.clone());
        let message = Message::Submit { view, said: vec![said] };
        let sketch = Sketch::of(&message);
        assert_eq!((sketch.texts, sketch.bytes, &sketch.said[..]), (2, 8, &[][..]));
        assert_eq!(sketch.with_texts(&message).said, [texts]);
    }
}

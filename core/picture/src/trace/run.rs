//! A run: what the members of one room did, in one order, with each receipt beside its sending.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ringchat_core::trace::{MessageKind, Mode};
use ringchat_core::{ElectionPhase, NodeId, RoomId};
use ringchat_trace::FaultKind;

/// A run of one room, as the traces of its members tell it.
#[derive(Clone, Debug, Default)]
pub struct MergedRun {
    /// The room, once a trace names it.
    pub(crate) room: Option<RoomId>,
    /// The lives of the members. A position in this list stands for a life everywhere.
    pub(crate) lives: Vec<OneLife>,
    /// What happened. Causes come before their effects, and times never go back. A position in this list stands for an
    /// event everywhere.
    pub(crate) events: Vec<RunEvent>,
    /// What was sent and received, in the order of the sendings.
    pub(crate) frames: Vec<Frame>,
    /// The clocks of the members agree within this many microseconds. None if one clock times all.
    pub(crate) agree: Option<u64>,
    /// Of chat and signs of life, one message in so many is here.
    pub(crate) one_in: u64,
    /// Whether names, addresses and ids are not to be shown.
    pub(crate) anonymous: bool,
}

/// One life of a member: from the start of a process to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OneLife {
    /// Tells the life from all others.
    pub(crate) id: NodeId,
    /// What people call the member; empty if no trace tells it.
    pub(crate) name: String,
    /// Where the member listens; empty if no trace tells it.
    pub(crate) addr: String,
    /// Whether a trace tells what this life did.
    pub(crate) has_trace: bool,
}

/// Something that a member did, or that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunEvent {
    /// Microseconds since the run began.
    pub(crate) t: u64,
    /// The life that it belongs to.
    pub(crate) m: usize,
    /// The member's Lamport time after it.
    pub(crate) lamport: u64,
    /// What it is.
    pub(crate) what: What,
}

/// What an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A message went out, perhaps on several links. Its stamp is the Lamport time of the event.
    Sent {
        /// The links, and who is at their other ends.
        to: Vec<(u64, Option<usize>)>,
        /// The message.
        gist: Gist,
    },
    /// A message came in.
    Took {
        /// The link that it came on.
        link: u64,
        /// The sender.
        from: Option<usize>,
        /// The sender's Lamport time at the sending.
        stamp: u64,
        /// Whether it moved the receiver's clock.
        counted: bool,
        /// Why it had no effect, if it had none.
        dropped: Option<String>,
        /// The message.
        gist: Gist,
    },
    /// The member began to connect.
    Dialed {
        /// The member that it wants.
        whom: Option<usize>,
        /// What for.
        why: String,
    },
    /// A dial failed.
    Failed {
        /// The member that it wanted.
        whom: Option<usize>,
        /// Why it failed.
        why: String,
    },
    /// A link opened.
    Up {
        /// The link.
        link: u64,
        /// The other end.
        with: Option<usize>,
    },
    /// A link ended.
    Down {
        /// The link.
        link: u64,
        /// The other end.
        with: Option<usize>,
        /// Why it ended.
        why: String,
    },
    /// The member is in another state now.
    State(Holding),
    /// The member told its user something.
    Told(Tidings),
    /// A fault, which only a simulator can tell.
    Deed(Deed),
    /// Messages that were not written one by one.
    Sum(Sum),
    /// So many lines were lost, because the disk was too slow.
    Missed(u64),
    /// From here on less is written, or nothing: the file has reached its limit.
    Full,
    /// The member ended in order.
    End(String),
}

impl What {
    /// Puts another number in place of each life's.
    pub(crate) fn renumber(&mut self, new: &impl Fn(usize) -> usize) {
        let one = |m: &mut usize| *m = new(*m);
        let maybe = |m: &mut Option<usize>| *m = m.map(new);
        match self {
            Self::Sent { to, gist } => {
                to.iter_mut().map(|(_, to)| to).for_each(maybe);
                gist.renumber(new);
            }
            Self::Took { from, gist, .. } => {
                maybe(from);
                gist.renumber(new);
            }
            Self::Dialed { whom: who, .. }
            | Self::Failed { whom: who, .. }
            | Self::Up { with: who, .. }
            | Self::Down { with: who, .. }
            | Self::Sum(Sum { with: who, .. }) => maybe(who),
            Self::State(holding) => {
                [&mut holding.leader, &mut holding.next, &mut holding.prev].into_iter().for_each(maybe);
                holding.ring.iter_mut().flatten().for_each(one);
            }
            Self::Told(tidings) => match tidings {
                Tidings::Election { candidate: who, .. }
                | Tidings::Leader { who, .. }
                | Tidings::Joined(who)
                | Tidings::Left { who, .. }
                | Tidings::Chat { by: who, .. } => one(who),
                Tidings::Ring { prev, next, .. } => [prev, next].into_iter().for_each(one),
                Tidings::Ready | Tidings::Other(_) => {}
            },
            Self::Deed(deed) => {
                maybe(&mut deed.to);
                deed.sides.iter_mut().flatten().for_each(one);
            }
            Self::Missed(_) | Self::Full | Self::End(_) => {}
        }
    }
}

impl Gist {
    fn renumber(&mut self, new: &impl Fn(usize) -> usize) {
        self.about = self.about.map(new);
        self.path.iter_mut().for_each(|m| *m = new(*m));
    }
}

/// What a message says, as far as a picture tells it. All but `kind` may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gist {
    /// The kind, as the protocol names it.
    pub(crate) kind: MessageKind,
    /// The epoch that it is about.
    pub(crate) epoch: Option<u64>,
    /// The member that it is about: a candidate, a suspect, a successor.
    pub(crate) about: Option<usize>,
    /// Epoch and length of the candidate's log.
    pub(crate) key: Option<(u64, u64)>,
    /// The members that passed a token on, the candidate first.
    pub(crate) path: Vec<usize>,
    /// The first entry of the log that it carries.
    pub(crate) from: u64,
    /// The entry after the last one that it carries.
    pub(crate) to: u64,
    /// How many texts it carries.
    pub(crate) texts: u64,
}

/// The state of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    /// What it does.
    pub(crate) mode: Mode,
    /// The highest epoch that it has promised.
    pub(crate) promised: u64,
    /// The epoch of its view.
    pub(crate) epoch: u64,
    /// The leader, if it follows one.
    pub(crate) leader: Option<usize>,
    /// The member after it.
    pub(crate) next: Option<usize>,
    /// The member before it.
    pub(crate) prev: Option<usize>,
    /// The length of its log.
    pub(crate) log: u64,
    /// Up to here, as far as it knows, every member has the log.
    pub(crate) stable: u64,
    /// Its ring, if that has changed.
    pub(crate) ring: Option<Vec<usize>>,
}

/// What a member tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tidings {
    /// A step of an election.
    Election {
        /// The step.
        step: ElectionPhase,
        /// The member whose candidacy it is.
        candidate: usize,
        /// The epoch that the winner opens.
        epoch: u64,
    },
    /// A member leads now.
    Leader {
        /// The leader.
        who: usize,
        /// The epoch.
        epoch: u64,
    },
    /// The neighbours changed.
    Ring {
        /// The member before this one.
        prev: usize,
        /// The member after it.
        next: usize,
        /// What changed the ring, in one word.
        why: String,
    },
    /// A member came in.
    Joined(usize),
    /// A member left in order, or was lost.
    Left {
        /// The former member.
        who: usize,
        /// Whether it was lost.
        lost: bool,
    },
    /// This member is in.
    Ready,
    /// It shows chat.
    Chat {
        /// The member that said it.
        by: usize,
        /// The place of the first line in the log.
        index: u64,
        /// How many lines they are.
        count: u64,
        /// The first line, if texts are traced.
        text: Option<String>,
    },
    /// Anything else, by its name.
    Other(String),
}

/// A fault, or the end of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    /// What happened.
    pub(crate) kind: FaultKind,
    /// The member that it happened to, if not to the network.
    pub(crate) to: Option<usize>,
    /// The sides that cannot reach each other any more.
    pub(crate) sides: Vec<Vec<usize>>,
    /// Whether a trace tells of it; else the other traces give it away.
    pub(crate) seen: bool,
}

/// Messages of one kind on one link that were not written one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Whether this member sent them.
    pub(crate) sent: bool,
    /// Their kind.
    pub(crate) kind: MessageKind,
    /// The other end of the link.
    pub(crate) with: Option<usize>,
    /// How many they are.
    pub(crate) count: u64,
    /// The least and the greatest of their stamps.
    pub(crate) stamps: (u64, u64),
}

/// A message on its way from one member to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The sender, if known.
    pub(crate) from: Option<usize>,
    /// The receiver, if known.
    pub(crate) to: Option<usize>,
    /// The event of the sending, if a trace tells it.
    pub(crate) sent: Option<usize>,
    /// The event of the receipt, if a trace tells it.
    pub(crate) taken: Option<usize>,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It came in.
    Arrived,
    /// It never came in.
    Lost,
    /// It was under way when the traces end.
    Open,
    /// The member at the other end has no trace, or its trace does not tell of it.
    Unseen,
    /// It came in, and only a sum tells of it.
    Summed,
}

/// The lives of a room while their traces are put together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast {
    lives: Vec<OneLife>,
    by_id: BTreeMap<NodeId, usize>,
}

impl Cast {
    /// The life with that id, which is new if nobody has mentioned it yet.
    pub(crate) fn of(&mut self, id: NodeId) -> usize {
        let Self { lives, by_id } = self;
        *by_id.entry(id).or_insert_with(|| {
            lives.push(OneLife { id, name: String::new(), addr: String::new(), has_trace: false });
            lives.len() - 1
        })
    }

    /// Notes what people call the life, and where it listens. What was noted first stands.
    pub(crate) fn introduce(&mut self, id: NodeId, name: &str, addr: &str) -> usize {
        let m = self.of(id);
        if let Some(life) = self.lives.get_mut(m) {
            if life.name.is_empty() {
                life.name = name.into();
            }
            if life.addr.is_empty() {
                life.addr = addr.into();
            }
        }
        m
    }

    /// Notes that a trace tells what the life did.
    pub(crate) fn has_trace(&mut self, m: usize) {
        if let Some(life) = self.lives.get_mut(m) {
            life.has_trace = true;
        }
    }

    /// All lives.
    pub(crate) fn into_lives(self) -> Vec<OneLife> {
        self.lives
    }

    /// All lives so far.
    pub(crate) fn lives(&self) -> &[OneLife] {
        &self.lives
    }
}

/// What one life did, in its own order and by its own clock.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    /// The life.
    pub(crate) m: usize,
    /// What its wall clock showed at its time zero, in microseconds since 1970.
    pub(crate) wall: u64,
    /// When it begins, by the common clock once that is known.
    pub(crate) began: u64,
    /// Times are microseconds since its time zero, or by the common clock.
    pub(crate) events: Vec<RunEvent>,
}

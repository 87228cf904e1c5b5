//! What a traced node tells of itself, and when. A node that is not traced keeps nothing for this, and nothing that a node
//! does depends on it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use super::Node;
use super::role::Role;
use crate::ids::{LinkId, NodeId};
use crate::roster::Member;
use crate::trace::{DropReason, MessageKind, Mode, Sketch, State, Traced, Tracing};
use crate::wire::{Envelope, Message};

/// What a traced node has told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tracer {
    /// Whether it tells what people say.
    texts: bool,
    /// The member that it has told to be this node.
    me: Option<NodeId>,
    /// The message that is being acted on: who sent it, and what it is.
    taken: Option<(NodeId, MessageKind)>,
    /// What the node held when it last told that.
    told: Option<State>,
}

impl Tracer {
    /// None if nothing is to be told.
    pub(super) fn new(tracing: Tracing) -> Option<Box<Self>> {
        let texts = match tracing {
            Tracing::Off => return None,
            Tracing::Events => false,
            Tracing::Texts => true,
        };
        Some(Box::new(Self { texts, me: None, taken: None, told: None }))
    }

    pub(super) fn sketch(&self, message: &Message) -> Sketch {
        let sketch = Sketch::of(message);
        if self.texts { sketch.with_texts(message) } else { sketch }
    }

    fn life(&mut self, me: &Arc<Member>, detect: Duration) -> Option<Traced> {
        let is_news = self.me.replace(me.id) != Some(me.id);
        is_news.then(|| Traced::Life { me: me.clone(), detect })
    }

    fn took(&mut self, link: LinkId, from: NodeId, envelope: &Envelope, counted: bool) -> Traced {
        let sketch = self.sketch(&envelope.message);
        self.taken = Some((from, sketch.kind));
        Traced::Took { link, from, stamp: envelope.stamp, counted, sketch }
    }

    fn dropped(&mut self, why: DropReason) -> Option<Traced> {
        let (from, kind) = self.taken.take()?;
        Some(Traced::Dropped { from, kind, why })
    }

    fn state(&mut self, now: State) -> Option<Traced> {
        if self.told.as_ref() == Some(&now) {
            return None;
        }
        let told = self.told.replace(now.clone()).and_then(|told| told.roster);
        Some(Traced::State(State {
            roster: now.roster.filter(|roster| told.as_ref() != Some(roster)),
            ..now
        }))
    }
}

impl Node {
    /// From now on, tells so much.
    pub(super) fn set_tracing(&mut self, tracing: Tracing) {
        self.effects.set_tracing(tracing);
        self.trace_life();
    }

    /// Tells who this node is, if that is news.
    pub(super) fn trace_life(&mut self) {
        let (me, detect) = (&self.me, self.times.detect);
        self.effects.trace(|tracer| tracer.life(me, detect));
    }

    /// Tells of a message that came in. `counted` is whether it has moved the clock past its stamp.
    pub(super) fn trace_receipt(&mut self, link: LinkId, envelope: &Envelope, counted: bool) {
        let links = &self.links;
        self.effects.trace(|tracer| Some(tracer.took(link, links.who(link)?, envelope, counted)));
    }

    /// A message that was put off is acted on.
    pub(super) fn trace_return(&mut self, from: NodeId, message: &Message) {
        self.effects.trace(|tracer| {
            tracer.taken = Some((from, MessageKind::of(message)));
            None
        });
    }

    /// Nothing follows from the message that is being acted on.
    pub(super) fn ignore(&mut self, why: DropReason) {
        self.effects.trace(|tracer| tracer.dropped(why));
    }

    /// Tells what this node holds, if that is news.
    pub(super) fn trace_state(&mut self) {
        if self.effects.is_traced() {
            let state = self.state();
            self.effects.trace(|tracer| tracer.state(state));
        }
    }

    fn state(&self) -> State {
        State {
            mode: self.mode(),
            room: self.effects.room(),
            promised: self.membership.promised(),
            view: self.membership.known_view(),
            cfg: self.membership.cfg(),
            leader: self.leader().filter(|_| !self.role.leader_is_lost()),
            next: self.ring.next(),
            prev: self.ring.prev(),
            log: self.replica.log().len(),
            stable: self.replica.stable(),
            waiting: self.own.waiting() as u64,
            roster: Some(self.membership.roster().clone()),
        }
    }

    fn mode(&self) -> Mode {
        match self.role {
            Role::Founding(_) => Mode::Founding,
            Role::Joining(_) => Mode::Joining,
            Role::Following { .. } => Mode::Following,
            Role::Leading(_) => Mode::Leading,
            Role::Electing { .. } => Mode::Electing,
            Role::Syncing { .. } => Mode::Syncing,
            Role::Ended => Mode::Ended,
        }
    }
}

//! Partial order reduction: transitions that can wait. Those are messages whose arrival only their receiver can tell,
//! and that commute with everything else that can happen to the receiver now.
//!
//! Such a transition is not tried while anything else is under way. Nothing is missed by that: in a way that begins
//! with it, the next transition either belongs to another host or commutes with it, and can come first just as well.
//! So the waiting one moves back until something does not commute with it, where it is tried, or until nothing else
//! is left. The properties that are checked after each transition do not depend on it.

use std::sync::Arc;

use super::properties::Marks;
use super::state::{State, Tail, Wire};
use super::transition::Transition;

impl State {
    /// The transitions among `steps` that can wait. `steps` are all that can happen next, each with the state that it
    /// makes.
    pub(super) fn can_wait(&self, steps: &[(Transition, Option<Self>)]) -> Vec<Transition> {
        let waiting = steps.iter().filter_map(|(step, after)| Some((*step, after.as_ref()?)));
        let waiting = waiting.filter(|(step, after)| self.goes_with_all(*step, after, steps));
        let mut waiting: Vec<Transition> = waiting.map(|(step, _)| step).collect();
        let is_network = |step: &&Transition| {
            matches!(step, Transition::Deliver { .. } | Transition::Lose { .. } | Transition::Dial(_))
        };
        let mut network = steps.iter().map(|(step, _)| step).filter(is_network);
        if !waiting.is_empty() && network.all(|step| waiting.contains(step)) {
            // One of them has to come first.
            waiting.remove(0);
        }
        waiting
    }

    fn goes_with_all(&self, step: Transition, after: &Self, steps: &[(Transition, Option<Self>)]) -> bool {
        let (Transition::Deliver { wire, end } | Transition::Lose { wire, end }) = step else { return false };
        if !self.only_receiver_tells(after, wire, end) {
            return false;
        }
        let host = self.wires[wire].hosts[end];
        let is_gone = after.wires.len() < self.wires.len();
        after.steps().into_iter().all(|next| {
            let other = if is_gone { next.with_wire(|at| at + usize::from(at >= wire)) } else { next };
            let made = steps.iter().find(|(step, _)| *step == other).map(|(_, made)| made.as_ref());
            made.is_some_and(|made| {
                let both = || after.after(next).and_then(|it| it.fingerprint_if_right());
                // A sleeping host takes nothing.
                let goes_to_sleep = matches!(other, Transition::Sleep(_));
                !self.concerns(other, host)
                    || !goes_to_sleep && made.is_some_and(|made| self.then(step, made) == both())
            })
        })
    }

    /// Whether `after`, which an arrival at `end` makes of this state, differs from it only in the receiver, and
    /// there in nothing that hosts are compared by, and in the receiver's end of the wire, to which nothing more is
    /// under way.
    fn only_receiver_tells(&self, after: &Self, wire: usize, end: usize) -> bool {
        let host = self.wires[wire].hosts[end];
        let old = &self.wires[wire];
        let new = after.wires.get(wire).filter(|new| new.link == old.link);
        let is_over = match new {
            Some(new) => {
                let other = |it: &Wire| (it.gone, it.tails, it.queues[1 - end].len());
                new.queues[end].is_empty() && new.tails[end] == Tail::Open && other(new) == other(old)
            }
            None => old.gone[1 - end],
        };
        let mut hosts = self.hosts.iter().zip(&after.hosts).enumerate();
        let others = |it: &&Arc<Wire>| it.link != old.link;
        let wires = self.wires.iter().filter(others).zip(after.wires.iter().filter(others));
        is_over
            && after.violation.is_none()
            && Marks::of(&self.hosts[host]) == Marks::of(&after.hosts[host])
            && hosts.all(|(at, (old, new))| at == host || Arc::ptr_eq(old, new))
            && self.dials == after.dials
            && self.wires.len() - after.wires.len() == usize::from(new.is_none())
            && wires.into_iter().all(|(old, new)| Arc::ptr_eq(old, new))
    }

    /// The fingerprint after `next`, which follows this state, and after `step`, if that is still to come in it. None
    /// if a property does not hold.
    fn then(&self, step: Transition, next: &Self) -> Option<u128> {
        let (Transition::Deliver { wire, end } | Transition::Lose { wire, end }) = step else { return None };
        next.violation.is_none().then_some(())?;
        let it = &self.wires[wire];
        let is_pending = |wire: &Arc<Wire>| {
            let (old, new) = (it.queues[end].front(), wire.queues[end].front());
            wire.link == it.link
                && !wire.gone[end]
                && old.zip(new).is_some_and(|(old, new)| Arc::ptr_eq(old, new))
        };
        match next.wires.iter().position(is_pending) {
            Some(now) => next.after(step.with_wire(|_| now))?.fingerprint_if_right(),
            None => next.fingerprint_if_right(),
        }
    }

    fn fingerprint_if_right(&self) -> Option<u128> {
        self.violation.is_none().then(|| self.fingerprint())
    }

    /// Whether `step` may happen to `host`, or be an action of it.
    fn concerns(&self, step: Transition, host: usize) -> bool {
        let of_wire = |wire: usize| self.wires[wire].hosts.contains(&host);
        let of_dial = |dial: usize| {
            let dialing = &self.dials[dial];
            dialing.from == host || self.dialed_by(dialing) == Some(host)
        };
        match step {
            Transition::Deliver { wire, end } | Transition::Lose { wire, end } => {
                self.wires[wire].hosts[end] == host
            }
            Transition::Notice { wire, .. }
            | Transition::Break { wire, .. }
            | Transition::Invent { wire, .. }
            | Transition::PartitionBreaks { wire, .. } => of_wire(wire),
            Transition::Dial(dial)
            | Transition::DialDead(dial)
            | Transition::DialHealed(dial)
            | Transition::PartitionStops { dial, .. }
            | Transition::PartitionPassed { dial, .. } => of_dial(dial),
            Transition::Say(it, _)
            | Transition::Leave(it)
            | Transition::Crash(it)
            | Transition::FalseAlarm(it)
            | Transition::Sleep(it)
            | Transition::Wake(it) => it == host,
            Transition::Join(_) | Transition::Partition(_) | Transition::Heal | Transition::Time => false,
        }
    }
}

impl Transition {
    /// The same transition of another connection, if it is one of a connection.
    fn with_wire(mut self, which: impl Fn(usize) -> usize) -> Self {
        if let Self::Deliver { wire, .. }
        | Self::Lose { wire, .. }
        | Self::Notice { wire, .. }
        | Self::Break { wire, .. }
        | Self::Invent { wire, .. }
        | Self::PartitionBreaks { wire, .. } = &mut self
        {
            *wire = which(*wire);
        }
        self
    }
}

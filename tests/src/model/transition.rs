//! What can happen next.

use std::collections::BTreeSet;
use std::fmt;

use ringchat_core::wire::Message;
use ringchat_core::{Command, Input};

use super::host::Event;
use super::state::{Dialing, State, Tail, Wire};

/// One thing that can happen. Hosts count from 0. The state numbers connections and dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The next message on a connection, or its end, arrives at one end.
    Deliver {
        /// The number of the connection.
        wire: usize,
        /// 0 for the dialer, 1 for the other host.
        end: usize,
    },
    /// A connection broke, and this end learns of it before what was still under way.
    Lose {
        /// The number of the connection.
        wire: usize,
        /// 0 for the dialer, 1 for the other host.
        end: usize,
    },
    /// A dial succeeds or fails.
    Dial(usize),
    /// Time passes until something happens.
    Time,
    /// A user says so many messages in one turn.
    Say(usize, u8),
    /// A newcomer joins through this host.
    Join(usize),
    /// A user leaves.
    Leave(usize),
    /// A host crashes, and no other host is left to notice.
    Crash(usize),
    /// The host at the other end of a connection crashes, and this end is the first to notice. Until then the host
    /// might as well be slow.
    Notice {
        /// The number of the connection.
        wire: usize,
        /// 0 for the dialer, 1 for the other host.
        end: usize,
    },
    /// A host crashes, and the first to notice is a host that dials it.
    DialDead(usize),
    /// A connection breaks, and this end is the first to notice: what was under way to it is lost. Until then the
    /// connection might as well be slow.
    Break {
        /// The number of the connection.
        wire: usize,
        /// 0 for the dialer, 1 for the other host.
        end: usize,
    },
    /// These hosts (a bit each) are cut off from the others.
    Partition(u16),
    /// These hosts are cut off from the others, and this end of a connection between them is the first to notice.
    PartitionBreaks {
        /// The hosts, a bit each.
        side: u16,
        /// The number of the connection.
        wire: usize,
        /// 0 for the dialer, 1 for the other host.
        end: usize,
    },
    /// These hosts are cut off from the others, and the first to notice is a host that dials across.
    PartitionStops {
        /// The hosts, a bit each.
        side: u16,
        /// The number of the dial.
        dial: usize,
    },
    /// These hosts were cut off from the others, and a dial across is the first to find out that they no longer are.
    PartitionPassed {
        /// The hosts, a bit each.
        side: u16,
        /// The number of the dial.
        dial: usize,
    },
    /// The partition ends, while nothing is under way.
    Heal,
    /// The partition ends, and this dial across it, which would have failed, is the first to find out. Until then, or
    /// until time passes, the partition makes no difference.
    DialHealed(usize),
    /// The log that a member shows arrives at this end with words in it that nobody said.
    Invent {
        /// The number of the connection.
        wire: usize,
        /// 0 for the dialer, 1 for the other host.
        end: usize,
    },
    /// Time passes for one host alone, until it does something.
    FalseAlarm(usize),
    /// A leader stops for a while.
    Sleep(usize),
    /// The leader goes on.
    Wake(usize),
}

impl State {
    /// Everything that can happen next, in an order that only the state decides.
    pub fn steps(&self) -> Vec<Transition> {
        let mut steps = self.network_steps();
        if steps.is_empty() {
            steps.push(Transition::Time);
        }
        self.push_people(&mut steps);
        self.push_faults(&mut steps);
        steps
    }

    /// What is under way.
    pub(super) fn network_steps(&self) -> Vec<Transition> {
        let mut steps = Vec::new();
        for (wire, it) in self.wires.iter().enumerate() {
            for end in 0..2 {
                if it.gone[end] || self.asleep == Some(it.hosts[end]) {
                    continue;
                }
                let (empty, tail) = (it.queues[end].is_empty(), it.tails[end]);
                if !empty || tail != Tail::Open {
                    steps.push(Transition::Deliver { wire, end });
                }
                if !empty && tail == Tail::Broken {
                    steps.push(Transition::Lose { wire, end });
                }
            }
        }
        let dials = (0..self.dials.len()).filter(|dial| self.asleep != Some(self.dials[*dial].from));
        steps.extend(dials.map(Transition::Dial));
        steps
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.network_steps().is_empty()
    }

    fn push_people(&self, steps: &mut Vec<Transition>) {
        if self.budget.messages > 0 {
            // One message, or all that are left to say.
            let counts = BTreeSet::from([1, self.budget.messages]);
            let awake = self.live().filter(|&host| self.asleep != Some(host));
            let talkers = awake.filter(|&host| self.hosts[host].node.can_say());
            steps.extend(
                talkers.flat_map(|host| counts.iter().map(move |&count| Transition::Say(host, count))),
            );
        }
        if self.budget.joins > 0 {
            steps.extend(self.live().map(Transition::Join));
        }
        if self.budget.leaves > 0 {
            steps.extend(self.live().filter(|&host| !self.hosts[host].leaving).map(Transition::Leave));
        }
    }

    fn push_faults(&self, steps: &mut Vec<Transition>) {
        if self.budget.crashes > 0 && self.live().count() > 1 {
            self.push_crashes(steps);
        }
        if self.budget.breaks > 0 {
            let ends = self.breakable_ends(|_| true);
            steps.extend(ends.map(|(wire, end)| Transition::Break { wire, end }));
        }
        if self.budget.inventions > 0 {
            steps.extend(self.inventions());
        }
        if self.cut.is_some() {
            self.push_heals(steps);
        }
        if self.budget.partitions > 0 {
            let live = self.live().fold(0, |all, host| all | 1_u16 << host);
            // Each partition once: the first live host stays on the other side.
            let others = live & live.wrapping_sub(1);
            for side in (1..=others).filter(|side| side & others == *side) {
                self.push_partitions(side, steps);
            }
        }
        if self.budget.false_alarms > 0 {
            steps.extend(self.live().map(Transition::FalseAlarm));
        }
        if let Some(host) = self.asleep {
            steps.push(Transition::Wake(host));
        } else if self.budget.sleeps > 0 {
            steps
                .extend(self.live().filter(|&host| self.hosts[host].node.is_leader()).map(Transition::Sleep));
        }
    }

    /// The ends of the connections for which `which` holds that would notice a break.
    fn breakable_ends(&self, which: impl Fn(&Wire) -> bool) -> impl Iterator<Item = (usize, usize)> {
        let wires = self.wires.iter().enumerate().filter(move |(_, it)| which(it));
        wires.flat_map(|(wire, it)| (0..2).filter(|end| it.is_breakable(*end)).map(move |end| (wire, end)))
    }

    /// A partition happens when a host notices, or before time passes. Only a partition that another one may replace
    /// happens at any time, because it may break connections that the other does not.
    fn push_partitions(&self, side: u16, steps: &mut Vec<Transition>) {
        let parts = |a: usize, b: usize| (side >> a ^ side >> b) & 1 == 1;
        if self.budget.partitions > 1 {
            return steps.push(Transition::Partition(side));
        }
        let ends = self.breakable_ends(|wire| parts(wire.hosts[0], wire.hosts[1]));
        let before = steps.len();
        steps.extend(ends.map(|(wire, end)| Transition::PartitionBreaks { side, wire, end }));
        let breaks = steps.len() > before;
        if !breaks && self.is_quiet() {
            steps.push(Transition::Partition(side));
        }
        for (dial, dialing) in self.dials.iter().enumerate() {
            let across =
                self.dialed_by(dialing).is_some_and(|to| self.is_live(to) && parts(dialing.from, to));
            if across {
                steps.push(Transition::PartitionStops { side, dial });
            }
            if across && breaks {
                steps.push(Transition::PartitionPassed { side, dial });
            }
        }
    }

    fn push_heals(&self, steps: &mut Vec<Transition>) {
        if self.is_quiet() {
            steps.push(Transition::Heal);
        }
        let across = |dialing: &Dialing| {
            self.dialed_by(dialing).is_some_and(|to| self.is_live(to) && self.is_cut(dialing.from, to))
        };
        steps.extend(
            (0..self.dials.len()).filter(|dial| across(&self.dials[*dial])).map(Transition::DialHealed),
        );
    }

    fn push_crashes(&self, steps: &mut Vec<Transition>) {
        let mut unnoticed: BTreeSet<usize> = self.live().collect();
        for (wire, it) in self.wires.iter().enumerate() {
            for end in 0..2 {
                if it.gone == [false; 2] && it.tails[end] == Tail::Open {
                    unnoticed.remove(&it.hosts[1 - end]);
                    steps.push(Transition::Notice { wire, end });
                }
            }
        }
        for (dial, dialing) in self.dials.iter().enumerate() {
            if let Some(host) = self.reached_by(dialing).filter(|host| *host != dialing.from) {
                unnoticed.remove(&host);
                steps.push(Transition::DialDead(dial));
            }
        }
        steps.extend(unnoticed.into_iter().map(Transition::Crash));
    }

    /// The state that `step` makes of this one. None if it changes nothing.
    pub fn after(&self, step: Transition) -> Option<Self> {
        if step == Transition::Time {
            return self.let_time_pass();
        }
        let mut next = self.clone();
        let happens = if let Transition::FalseAlarm(host) = step {
            next.false_alarm(host)
        } else {
            next.take(step);
            true
        };
        next.take_idle_steps();
        happens.then_some(next)
    }

    /// Takes the transitions at once that make no difference whenever they are taken, so that they are not tried in all
    /// orders.
    pub(super) fn take_idle_steps(&mut self) {
        while let Some(step) = self.network_steps().into_iter().find(|step| self.is_idle(*step)) {
            self.take(step);
        }
    }

    /// Whether a message or an end of a connection comes too late for its receiver, or an acknowledgement is one on
    /// which nothing depends.
    fn is_idle(&self, step: Transition) -> bool {
        let Transition::Deliver { wire, end } = step else { return false };
        let it = &self.wires[wire];
        let node = &self.hosts[it.hosts[end]].node;
        match it.queues[end].front().map(|letter| &letter.envelope.message) {
            Some(Message::Ack { index, .. })
                if !self.allowed().needs_stability() && node.lets_in_nobody(it.link, *index) =>
            {
                true
            }
            Some(message) => node.is_too_late(it.link, message),
            None => node.is_loose(it.link),
        }
    }

    /// Takes a transition that always changes something.
    pub(super) fn take(&mut self, step: Transition) {
        match step {
            Transition::Deliver { wire, end } => self.deliver(wire, end),
            Transition::Lose { wire, end } => self.deliver_end(wire, end),
            Transition::Dial(dial) => self.settle_dial(dial),
            Transition::Say(..) | Transition::Join(_) | Transition::Leave(_) => self.do_as_told(step),
            Transition::Crash(_)
            | Transition::Notice { .. }
            | Transition::DialDead(_)
            | Transition::Break { .. }
            | Transition::Invent { .. }
            | Transition::Partition(_)
            | Transition::PartitionBreaks { .. }
            | Transition::PartitionStops { .. }
            | Transition::PartitionPassed { .. }
            | Transition::Heal
            | Transition::DialHealed(_)
            | Transition::Sleep(_)
            | Transition::Wake(_) => self.suffer(step),
            Transition::Time | Transition::FalseAlarm(_) => {}
        }
    }

    fn do_as_told(&mut self, step: Transition) {
        match step {
            Transition::Say(host, count) => {
                self.budget.messages -= count;
                self.befall(host, &Event::Say(count));
            }
            Transition::Join(contact) => {
                self.budget.joins -= 1;
                self.join(contact);
            }
            Transition::Leave(host) => {
                self.budget.leaves -= 1;
                self.input(host, Input::Command(Command::Leave));
            }
            _ => {}
        }
    }

    fn suffer(&mut self, step: Transition) {
        match step {
            Transition::Crash(host) => self.crash(host),
            Transition::Notice { wire, end } => {
                let (link, hosts) = (self.wires[wire].link, self.wires[wire].hosts);
                self.crash(hosts[1 - end]);
                let wire = self.wires.iter().position(|it| it.link == link);
                if let Some(wire) = wire {
                    self.deliver_end(wire, end);
                }
            }
            Transition::DialDead(dial) => {
                let dialing = self.dials[dial];
                if let Some(host) = self.reached_by(&dialing) {
                    self.crash(host);
                }
                let dial = self.dials.iter().position(|it| *it == dialing);
                if let Some(dial) = dial {
                    self.settle_dial(dial);
                }
            }
            Transition::Break { wire, end } => {
                self.budget.breaks -= 1;
                self.break_wire(wire);
                self.deliver_end(wire, end);
            }
            Transition::Invent { wire, end } => self.invent(wire, end),
            Transition::Partition(side) => self.part(side),
            Transition::PartitionBreaks { side, wire, end } => {
                self.part(side);
                self.deliver_end(wire, end);
            }
            Transition::PartitionStops { side, dial } => {
                self.part(side);
                self.settle_dial(dial);
            }
            Transition::PartitionPassed { side, dial } => {
                self.part(side);
                self.cut = None;
                self.settle_dial(dial);
            }
            Transition::Heal => self.cut = None,
            Transition::Sleep(host) => self.sleep(host),
            Transition::Wake(_) => self.wake(),
            Transition::DialHealed(dial) => {
                self.cut = None;
                self.settle_dial(dial);
            }
            _ => {}
        }
    }

    fn part(&mut self, side: u16) {
        self.budget.partitions -= 1;
        self.cut = Some(side);
        for at in 0..self.wires.len() {
            let [a, b] = self.wires[at].hosts;
            if self.is_cut(a, b) {
                self.break_wire(at);
            }
        }
    }

    fn crash(&mut self, host: usize) {
        self.budget.crashes -= 1;
        self.befall(host, &Event::Crash);
        self.hang_up(host, Tail::Broken);
    }

    /// All that is under way, in words.
    pub(super) fn under_way_in_words(&self) -> Vec<String> {
        self.network_steps().into_iter().map(|step| format!("    then: {}", self.describe(step))).collect()
    }

    /// The text of `it`, with the number of each host in place of its id.
    fn brief(&self, it: &impl fmt::Debug) -> String {
        let text = format!("{it:?}");
        self.hosts.iter().enumerate().fold(text, |text, (number, host)| {
            let (me, number) = (host.node.me(), number.to_string());
            let text = text.replace(&format!("{me:?}"), &number).replace(&format!("{:?}", me.id), &number);
            text.replace(&me.addr().to_string(), &number)
        })
    }

    /// The meaning of `step` in this state, in words.
    pub fn describe(&self, step: Transition) -> String {
        match step {
            Transition::Deliver { wire, end } => {
                let it = &self.wires[wire];
                let (from, to) = (it.hosts[1 - end], it.hosts[end]);
                match it.queues[end].front() {
                    Some(letter) => format!("{from} -> {to}: {}", self.brief(&letter.envelope.message)),
                    None => format!("{from} -> {to}: {:?}", it.tails[end]),
                }
            }
            Transition::Lose { wire, end } => {
                let it = &self.wires[wire];
                let lost = it.queues[end].len();
                format!("{} -> {}: broken, {lost} messages lost", it.hosts[1 - end], it.hosts[end])
            }
            Transition::Notice { wire, end } => {
                let it = &self.wires[wire];
                let lost = it.queues[end].len();
                format!("{} crashes, {} learns of it, {lost} messages lost", it.hosts[1 - end], it.hosts[end])
            }
            Transition::Break { wire, end } => {
                let it = &self.wires[wire];
                let lost = it.queues[end].len();
                let [a, b] = it.hosts;
                format!(
                    "the connection of {a} and {b} breaks, {} notices, {lost} messages lost",
                    it.hosts[end]
                )
            }
            Transition::Invent { wire, end } => {
                let it = &self.wires[wire];
                format!("{} -> {}: its log, with words that nobody said", it.hosts[1 - end], it.hosts[end])
            }
            Transition::PartitionBreaks { side, wire, end } => {
                let (it, partition) = (&self.wires[wire], Transition::Partition(side));
                let lost = it.queues[end].len();
                format!("{partition}; {} loses {}, {lost} messages lost", it.hosts[end], it.hosts[1 - end])
            }
            other => self.describe_dial(other),
        }
    }

    fn describe_dial(&self, step: Transition) -> String {
        let dialing = |dial: usize| (self.dials[dial].from, self.brief(&self.dials[dial].addr));
        match step {
            Transition::Dial(dial) => {
                let (from, addr) = dialing(dial);
                match self.reached_by(&self.dials[dial]) {
                    Some(to) => format!("{from} dials {to}"),
                    None => format!("{from} dials {addr}, in vain"),
                }
            }
            Transition::DialDead(dial) => {
                let (from, addr) = dialing(dial);
                format!("{addr} crashes, {from} dials it in vain")
            }
            Transition::DialHealed(dial) => {
                let (from, addr) = dialing(dial);
                format!("the partition heals, {from} dials {addr}")
            }
            Transition::PartitionStops { side, dial } => {
                let (from, addr) = dialing(dial);
                format!("{}; {from} dials {addr} in vain", Transition::Partition(side))
            }
            Transition::PartitionPassed { side, dial } => {
                let (from, addr) = dialing(dial);
                format!("{}, and heals; {from} dials {addr}", Transition::Partition(side))
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("time passes"),
            Self::Say(host, 1) => write!(f, "{host} says something"),
            Self::Say(host, count) => write!(f, "{host} says {count} things at once"),
            Self::Join(host) => write!(f, "somebody joins through {host}"),
            Self::Leave(host) => write!(f, "{host} leaves"),
            Self::Crash(host) => write!(f, "{host} crashes"),
            Self::Partition(side) => write!(f, "partition: {side:b} from the others"),
            Self::Heal => f.write_str("the partition heals"),
            Self::FalseAlarm(host) => write!(f, "a timer of {host} goes off"),
            Self::Sleep(host) => write!(f, "{host} falls asleep"),
            Self::Wake(host) => write!(f, "{host} wakes up"),
            other => write!(f, "{other:?}"),
        }
    }
}

//! The driver of the simulated nodes: hands them inputs, executes their actions, and wakes them.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use ringchat_core::trace::{MessageKind, Traced, Tracing};
use ringchat_core::wire::{Envelope, Message};
use ringchat_core::{
    Action, Command, DownReason, ElectionPhase, Fault, Input, Instant, LinkId, Notice, Origin, RingReason,
    TextRun, UnixTime,
};
use ringchat_trace::MessageClass;

use super::{HostId, HostStep, Life, World, addr_of, shifted};
use crate::Property;
use crate::oracles::{Violation, winner_has_all};

/// The driver.
impl World {
    /// Hands all inputs that are ready to the nodes, and sends what they write.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        while let Some((host, inputs)) = self.network.poll() {
            self.feed(host, inputs)?;
            self.user(host)?;
        }
        self.network.flush();
        Ok(())
    }

    /// Hands the node a tick, if one is due.
    pub(super) fn tick(&mut self, host: HostId) -> Result<(), Violation> {
        let process = &self.processes[host.0];
        if process.life != Life::Running {
            return Ok(());
        }
        let due = process.node.deadline().is_some_and(|at| at <= self.clock(host));
        if due {
            self.feed(host, vec![Input::Tick])?;
            self.user(host)
        } else {
            self.plan(host);
            Ok(())
        }
    }

    /// Hands a node the inputs of one turn, and lets the oracles look at what it makes of them.
    pub(super) fn feed(&mut self, host: HostId, inputs: Vec<Input>) -> Result<(), Violation> {
        let clock = self.clock(host);
        if self.life(host) != Life::Running {
            return Ok(());
        }
        self.counts.steps += inputs.len() as u64;
        self.note_dials_that_end(host, &inputs);
        if self.trace.is_kept() {
            self.trace_inputs(host, &inputs);
        }
        let process = &mut self.processes[host.0];
        #[cfg(feature = "sham")]
        if let Some(insider) = &mut process.insider {
            insider.hear(&inputs);
        }
        process.node.handle_all(clock, inputs, &mut self.outbox);
        let mut outbox = core::mem::take(&mut self.outbox);
        for action in outbox.drain(..) {
            self.execute(host, action)?;
        }
        self.outbox = outbox;
        if self.life(host) == Life::Running {
            self.check_progress(host, clock)?;
            let node = &self.processes[host.0].node;
            if !self.transcripts.is_liar(host)
                && self.states.look(host, self.now, node, self.transcripts.fault_model())?
            {
                self.check_winner(host)?;
            }
            self.plan(host);
        }
        #[cfg(feature = "sham")]
        self.add_lies(host);
        Ok(())
    }

    fn trace_inputs(&mut self, host: HostId, inputs: &[Input]) {
        for input in inputs {
            let other = link_of(input).and_then(|link| self.network.other(link));
            let other = other.map(|other| self.processes[other.0].label.as_str());
            self.trace.input(self.now, &self.processes[host.0].label, other, input);
        }
    }

    fn execute(&mut self, host: HostId, action: Action) -> Result<(), Violation> {
        if self.trace.is_kept() {
            let others = self.others(&action);
            self.trace.action(self.now, &self.processes[host.0].label, &others, &action);
        }
        if self.tracing != Tracing::Off {
            self.note(host, &action);
        }
        match action {
            Action::Dial { dial, addr, expected } => {
                self.network.dial(host, dial, addr, expected);
                if !self.transcripts.is_liar(host) {
                    let astray = !self.network.is_known(addr);
                    self.dials.begin(host, self.now, dial, astray)?;
                }
            }
            Action::Trust { link } => self.network.trust(link),
            Action::Trace { .. } => {}
            Action::NewLife { id } => {
                self.counts.new_lives = self.counts.new_lives.saturating_add(1);
                self.network.new_life(host, id);
                self.transcripts.new_life(host, id, self.node(host).stats().waiting);
            }
            Action::Send { link, envelope } => self.send(host, &[link], &envelope)?,
            Action::Multicast { links, envelope } => self.send(host, &links, &envelope)?,
            Action::Close { link, mode } => self.network.close(link, mode),
            Action::Notify { lamport, notice } => {
                if let Notice::Ring { reason: RingReason::Merge, .. } = notice {
                    self.counts.merges.insert(self.node(host).view());
                }
                self.count_start(host, &notice);
                self.check_accusation(host, &notice)?;
                self.transcripts.notice(host, self.now, lamport, &notice)?;
            }
            Action::Halt { .. } => {
                self.processes[host.0].life = Life::Ended;
                self.transcripts.exit(host);
                self.network.halt(host);
            }
        }
        Ok(())
    }

    fn note_dials_that_end(&mut self, host: HostId, inputs: &[Input]) {
        for input in inputs {
            if let Input::LinkUp { origin: Origin::Dialed(dial), .. } | Input::DialFailed { dial, .. } = input
            {
                self.dials.end(host, *dial);
            }
        }
    }

    /// Checks that no process that keeps to the protocol is accused. What breaks a link, or keeps it silent, may be the
    /// network, or somebody on the way.
    fn check_accusation(&self, host: HostId, notice: &Notice) -> Result<(), Violation> {
        let Notice::Fault { remote, reason } = notice else { return Ok(()) };
        let is_of_network =
            matches!(reason, Fault::Silent | Fault::Link(DownReason::Overflow | DownReason::Link(_)));
        // A newcomer to an open room knows only what its contact told of the room.
        let is_misled = *reason == Fault::OtherRoom && self.transcripts.fault_model().has_liar();
        if is_of_network || is_misled || self.transcripts.is_liar(host) {
            return Ok(());
        }
        let there = |it: &HostId| addr_of(self.place(*it)).ip() == remote.ip();
        let accused: Vec<HostId> = (0..self.processes.len()).map(HostId).filter(there).collect();
        if accused.iter().any(|it| self.transcripts.is_liar(*it)) {
            return Ok(());
        }
        let Some(last) = accused.last() else { return Ok(()) };
        let detail = format!("{} says that {} {reason}", self.label(host), self.label(*last));
        Err(Violation::new(self.now, Property::NobodyHonestIsAccused, detail))
    }

    /// Notes what a process tells a trace.
    fn note(&mut self, host: HostId, action: &Action) {
        let (Action::Trace { lamport, .. } | Action::Notify { lamport, .. }) = action else { return };
        let before = self.clocks.insert(host, *lamport).unwrap_or_default();
        let mut kind = None;
        if let Action::Trace { traced, .. } = action {
            match &**traced {
                Traced::Took { sketch, .. } => {
                    kind = Some(sketch.kind);
                    self.counts.leap = self.counts.leap.max(lamport.0.saturating_sub(before.0));
                }
                Traced::Sent { sketch, .. } => kind = Some(sketch.kind),
                Traced::Dropped { kind: dropped, .. } => kind = Some(*dropped),
                _ => {}
            }
        }
        let is_beat = kind.is_some_and(|kind| MessageClass::of(kind) == MessageClass::Beat);
        if self.traces_beats || !is_beat {
            self.steps.push(HostStep { at: self.now, host, action: action.clone() });
        }
    }

    /// A process that stands without having told of a token before has begun an election.
    fn count_start(&mut self, host: HostId, notice: &Notice) {
        if let Notice::Election { phase, epoch, .. } = notice
            && self.heard.insert((host, *epoch))
            && *phase == ElectionPhase::Start
        {
            self.counts.voters.entry(*epoch).or_default().began += 1;
        }
    }

    /// The labels of the processes to which an action sends.
    fn others(&self, action: &Action) -> String {
        let links = match action {
            Action::Send { link, .. } => core::slice::from_ref(link),
            Action::Multicast { links, .. } => links,
            _ => return String::new(),
        };
        let label = |&link: &LinkId| match self.network.other(link) {
            Some(other) => self.processes[other.0].label.as_str(),
            None => "?",
        };
        links.iter().map(label).collect::<Vec<_>>().join(" ")
    }

    fn send(&mut self, host: HostId, links: &[LinkId], envelope: &Envelope) -> Result<(), Violation> {
        #[cfg(feature = "sham")]
        if self.transcripts.is_liar(host) {
            self.send_lies(host, links, envelope);
            return Ok(());
        }
        let (kind, copies) = (MessageKind::of(&envelope.message).name(), links.len() as u64);
        *self.counts.sent.entry(kind).or_default() += copies;
        if let Message::Elect(elect) = &envelope.message {
            *self.counts.elects.entry(elect.epoch).or_default() += copies;
            self.counts.voters.entry(elect.epoch).or_default().sent.insert(host);
            let me = self.node(host).me().id;
            links
                .iter()
                .try_for_each(|&link| self.tokens.send((me, envelope.room), self.now, link, elect))?;
        }
        let bytes = self.network.send(links, envelope).map_err(|error| {
            let detail = format!("{} sends a {kind}: {error}", self.label(host));
            Violation::new(self.now, Property::WithinLimits, detail)
        })?;
        *self.counts.bytes.entry(kind).or_default() += copies * bytes as u64;
        Ok(())
    }

    /// Lets the user say what is waiting to be said.
    pub(super) fn user(&mut self, host: HostId) -> Result<(), Violation> {
        while self.processes[host.0].life == Life::Running && self.processes[host.0].node.can_say() {
            let process = &mut self.processes[host.0];
            let Some(texts) = TextRun::new(&process.unsaid) else { break };
            let takes = process.node.takes(&texts);
            let Some(texts) = texts.part(0, takes) else { break };
            for text in process.unsaid.drain(..takes) {
                self.transcripts.said(host, self.now, text);
            }
            self.feed(
                host,
                vec![Input::Command(Command::Say { texts, at: UnixTime(self.now.0 / 1_000_000) })],
            )?;
            let process = &self.processes[host.0];
            if process.leaving && process.unsaid.is_empty() {
                self.feed(host, vec![Input::Command(Command::Leave)])?;
            }
        }
        Ok(())
    }

    fn check_progress(&self, host: HostId, clock: Instant) -> Result<(), Violation> {
        let Some(deadline) = self.processes[host.0].node.deadline() else { return Ok(()) };
        if deadline > clock {
            return Ok(());
        }
        let detail = format!("{} wants to be woken at {deadline:?}, and it is {clock}", self.label(host));
        Err(Violation::new(self.now, Property::DeadlineAhead, detail))
    }

    /// Checks the log of a new leader.
    fn check_winner(&self, host: HostId) -> Result<(), Violation> {
        if !self.transcripts.fault_model().is_strict() {
            return Ok(());
        }
        let winner = self.node(host);
        let alive = self.alive().into_iter().map(|host| self.node(host));
        let members = alive.filter(|node| winner.roster().contains(node.me().id));
        winner_has_all(winner, members)
            .map_err(|detail| Violation::new(self.now, Property::WinnerHoldsAll, detail))
    }

    /// Plans the next tick, if it is not planned already.
    pub(super) fn plan(&mut self, host: HostId) {
        let process = &mut self.processes[host.0];
        let Some(deadline) = process.node.deadline() else { return };
        let due = shifted(deadline, process.offset.saturating_neg()).max(self.now);
        let at = due.after(self.rng.between(Duration::ZERO, process.lateness));
        if process.wake.is_none_or(|wake| due < wake) {
            process.wake = Some(at);
            self.timers.push(at, host);
        }
    }

    /// What the clock of a process shows.
    pub(super) fn clock(&self, host: HostId) -> Instant {
        shifted(self.now, self.processes[host.0].offset)
    }
}

fn link_of(input: &Input) -> Option<LinkId> {
    match input {
        Input::Received { link, .. }
        | Input::Heard { link }
        | Input::LinkUp { link, .. }
        | Input::LinkDown { link, .. } => Some(*link),
        Input::Tick | Input::Command(_) | Input::DialFailed { .. } => None,
    }
}

//! A node and what its actions touch: the turn, without the clock and the locks.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::time::Duration;

use ringchat_core::secure::Credentials;
use ringchat_core::wire::Envelope;
use ringchat_core::{
    Action, CloseMode, Command, Config, DialFailure, DialId, Input, Instant, LinkId, Node, Notice, Outbox,
    Seed, Stamp, UnixTime,
};

use crate::commands::{CommandQueue, ReportTo, UserCommand};
use crate::dials::{self, Dial, Dials};
use crate::door::Door;
use crate::events::{Event, KEPT_EVENTS};
use crate::faults::Faults;
use crate::links::Links;
use crate::transport::{Job, Transport};

/// How long a leaver waits for the room to take what was said before.
const PATIENCE: Duration = Duration::from_secs(10);

/// A node with its links and dials.
///
/// A turn calls [`take`](Self::take), then [`take_commands`](Self::take_commands) and [`command`](Self::command) until
/// no command is left, then [`finish`](Self::finish).
pub(crate) struct Driver<T: Transport> {
    node: Node,
    out: Outbox,
    links: Links<T>,
    dials: Dials<T::Dial>,
    /// How long a dial may take until its link is open.
    dial_patience: Duration,
    /// What the user is told, in order.
    events: Vec<Event>,
    /// What the user was told of faults lately.
    faults: Faults,
    /// What the user was told of forged words lately. A flood of other faults must not hide them.
    forgeries: Faults,
    /// The node's Lamport time at the last fault or forgery that was not told.
    untold: Stamp,
    /// Where the reports go that the node will give, in order.
    reports: VecDeque<ReportTo>,
    /// Whether something said waits until the node can take it.
    held: bool,
    /// When a user who leaves stops waiting for that.
    leave_by: Option<Instant>,
    halted: bool,
}

impl<T: Transport> Driver<T> {
    /// A new node without links. `config.addr` is the bound address.
    pub(crate) fn new(config: Config, seed: Seed, now: Instant, transport: T) -> Self {
        let door = Door::new(Credentials::of(&config, &seed));
        Self {
            out: Outbox::new(),
            links: Links::new(transport, door, config.stranger_patience()),
            dials: Dials::new(),
            dial_patience: config.dial_patience(),
            node: Node::new(config, seed, now),
            events: Vec::new(),
            faults: Faults::default(),
            forgeries: Faults::default(),
            untold: Stamp::default(),
            reports: VecDeque::new(),
            held: false,
            leave_by: None,
            halted: false,
        }
    }

    /// Takes in all jobs. Without any, the deadline has come.
    pub(crate) fn take(&mut self, now: Instant, jobs: &mut VecDeque<Job<T::Socket>>) {
        if jobs.is_empty() {
            self.handle(now, [Input::Tick]);
        }
        for job in jobs.drain(..) {
            self.take_job(now, job);
        }
    }

    fn take_job(&mut self, now: Instant, job: Job<T::Socket>) {
        match job {
            Job::Accepted(socket, remote) => {
                if !self.halted {
                    self.links.accept(now, socket, remote);
                }
            }
            Job::Crowded => self.links.crowd_out(),
            Job::Dialed(dial, dialed) => self.dialed(now, dial, dialed),
            Job::Unwritten(link) => {
                self.links.start_writer(link);
                self.handle_pending(now);
            }
            Job::Opened(link, opened) => {
                if let Some(up) = self.links.opened(now, link, *opened) {
                    self.handle(now, [up]);
                }
            }
            Job::Received { link, envelopes, .. } => {
                if self.links.has(link) {
                    self.received(now, link, envelopes);
                }
            }
            Job::Down(link, reason) => {
                self.links.down(link, reason);
                self.handle_pending(now);
            }
        }
    }

    fn received(&mut self, now: Instant, link: LinkId, envelopes: Vec<Envelope>) {
        if envelopes.is_empty() {
            return self.handle(now, [Input::Heard { link }]);
        }
        let received = |envelope| Input::Received { link, envelope };
        self.handle(now, envelopes.into_iter().map(received));
    }

    fn dialed(&mut self, now: Instant, dial: DialId, dialed: io::Result<T::Socket>) {
        let Some(asked) = self.dials.answered(dial).filter(|_| !self.halted) else { return };
        if let Err(error) = dialed.and_then(|socket| self.links.dial(asked, socket)) {
            self.dial_failed(now, dial, dials::failure(&error));
        }
    }

    fn dial_failed(&mut self, now: Instant, dial: DialId, reason: DialFailure) {
        self.handle(now, [Input::DialFailed { dial, reason }]);
    }

    /// The next commands that the node can take, for [`command`](Self::command); none if there are none.
    ///
    /// Something said waits until the node can take it. When the user leaves, that has an end: then the node
    /// gets it anyway, and refuses it by a notice.
    pub(crate) fn take_commands(&mut self, now: Instant, queue: &mut CommandQueue) -> Vec<UserCommand> {
        if self.halted {
            return Vec::new();
        }
        if queue.is_closed() && self.leave_by.is_none() {
            self.leave_by = Some(now.after(PATIENCE));
        }
        let late = self.leave_by.is_some_and(|by| by <= now);
        let commands = queue.take(|texts| if late { texts.len() } else { self.node.takes(texts) });
        self.held = commands.is_empty() && !queue.is_empty();
        commands
    }

    /// Hands the node what [`take_commands`](Self::take_commands) gave. `at` is the wall clock.
    pub(crate) fn command(&mut self, now: Instant, at: UnixTime, commands: Vec<UserCommand>) {
        let mut inputs = Vec::with_capacity(commands.len());
        for command in commands {
            inputs.push(Input::Command(match command {
                UserCommand::Say(texts) => Command::Say { texts, at },
                UserCommand::Report(to) => {
                    self.reports.push_back(to);
                    Command::Report
                }
                UserCommand::Trace(tracing) => Command::Trace(tracing),
                UserCommand::Leave => Command::Leave,
            }));
        }
        self.handle(now, inputs);
    }

    /// Ends a turn: starts dials, writes what was gathered, and cuts off what has lingered or been awaited long enough.
    pub(crate) fn finish(&mut self, now: Instant) {
        self.links.cut_late(now);
        self.handle_pending(now);
        self.tell_counts(now);
        loop {
            self.start_dials(now);
            self.links.write(now);
            if !self.links.has_pending() {
                return;
            }
            self.handle_pending(now);
        }
    }

    fn start_dials(&mut self, now: Instant) {
        while let Some(dial) = self.dials.next() {
            match self.links.transport().start_dial(dial.id, dial.addr) {
                Ok(under_way) => self.dials.started(dial, under_way),
                Err(error) => self.dial_failed(now, dial.id, dials::failure(&error)),
            }
        }
    }

    /// What the user is told, in order. The caller empties it.
    pub(crate) fn events(&mut self) -> &mut Vec<Event> {
        &mut self.events
    }

    /// When the next turn is due, whatever happens. It changes with each turn.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let node = self.node.deadline().filter(|_| !self.halted);
        let leave = self.leave_by.filter(|_| self.held);
        let counts = self.faults.deadline().into_iter().chain(self.forgeries.deadline());
        node.into_iter().chain(self.links.deadline()).chain(leave).chain(counts).min()
    }

    /// Whether the node has ended and every connection with it.
    pub(crate) fn has_ended(&self) -> bool {
        self.halted && self.links.is_empty()
    }

    /// Hands the node inputs, and then what follows from them.
    fn handle(&mut self, now: Instant, inputs: impl IntoIterator<Item = Input>) {
        self.step(now, inputs);
        self.handle_pending(now);
    }

    fn handle_pending(&mut self, now: Instant) {
        while let Some(input) = self.links.next_pending() {
            self.step(now, [input]);
        }
    }

    fn step(&mut self, now: Instant, inputs: impl IntoIterator<Item = Input>) {
        if self.halted {
            return;
        }
        if self.events.is_empty() {
            self.events.shrink_to(KEPT_EVENTS);
        }
        let mut actions = mem::take(&mut self.out);
        self.node.handle_all(now, inputs, &mut actions);
        for action in actions.drain(..) {
            self.execute(now, action);
        }
        actions.shrink_to(KEPT_EVENTS);
        self.out = actions;
    }

    fn execute(&mut self, now: Instant, action: Action) {
        match action {
            Action::Dial { dial: id, addr, expected } => {
                let dial = Dial { id, addr, expected, until: now.after(self.dial_patience) };
                if !self.dials.push(dial) {
                    self.links.refuse_dial(id);
                }
            }
            Action::Trust { link } => self.links.trust(link),
            Action::Send { link, envelope } => self.links.send(now, &[link], &envelope),
            Action::Multicast { links, envelope } => self.links.send(now, &links, &envelope),
            Action::NewLife { id } => self.links.new_life(id),
            Action::Close { link, mode } => self.links.close(now, link, mode),
            Action::Notify { lamport, notice } => self.notify(now, lamport, notice),
            Action::Trace { lamport, traced } => self.events.push(Event::Trace { lamport, traced }),
            Action::Halt { mode } => self.halt(now, mode),
        }
    }

    fn notify(&mut self, now: Instant, lamport: Stamp, notice: Notice) {
        if !self.counts_as_told(now, &notice) {
            self.untold = lamport;
            return;
        }
        let notice = match notice {
            Notice::Report(report) => match self.reports.pop_front() {
                Some(ReportTo::Asker(tell)) => return tell(*report),
                Some(ReportTo::Events) | None => Notice::Report(report),
            },
            other => other,
        };
        self.events.push(Event::Notice { lamport, notice });
    }

    /// Counts a notice that others can cause as often as they like. Returns whether the user is told of it nevertheless.
    fn counts_as_told(&mut self, now: Instant, notice: &Notice) -> bool {
        match notice {
            Notice::Fault { remote, .. } => self.faults.is_told(remote.ip(), now),
            Notice::Forged { by, .. } => self.forgeries.is_told(by.addr().ip(), now),
            _ => true,
        }
    }

    /// Tells how many faults and forgeries were not told, when it is time.
    fn tell_counts(&mut self, now: Instant) {
        let counts = [&mut self.faults, &mut self.forgeries].map(|faults| faults.take_counts(now));
        let lamport = self.untold;
        self.events.extend(counts.into_iter().flatten().map(|notice| Event::Notice { lamport, notice }));
    }

    fn halt(&mut self, now: Instant, mode: CloseMode) {
        self.halted = true;
        self.dials.clear();
        self.links.close_all(now, mode);
    }
}

#[cfg(test)]
mod tests;

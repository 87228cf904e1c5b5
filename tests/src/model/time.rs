//! How time passes: only while nothing is under way, and for all hosts alike.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringchat_core::Input;

use ringchat_sim::Property;
use ringchat_sim::oracles::Violation;

use super::host::Letter;
use super::state::{State, Tail, Wire};
use super::transition::Transition;

/// The time without anything new after which nothing new will happen: longer than any timer except those that find
/// nothing to do.
const REST: Duration = Duration::from_secs(20);

/// How long a single host is watched in a false alarm.
const ALARM: Duration = Duration::from_secs(5);

/// The most transitions until rest, one after another.
const MAX_STEPS_TO_REST: usize = 20_000;

/// How many messages are under way to each end of a connection, what follows them, and whether the end has forgotten
/// the connection.
type UnderWay = ([usize; 2], [Tail; 2], [bool; 2]);

impl State {
    /// Lets time pass from deadline to deadline until something other than a heartbeat is under way, or a node has
    /// changed. In the end a sleeping host wakes. None if nothing of this happens.
    pub(super) fn let_time_pass(&self) -> Option<Self> {
        let before = self.fingerprint();
        let mut state = self.clone();
        let mut passed = Duration::ZERO;
        while passed < REST && state.violation.is_none() {
            let awake = state.live().filter(|&host| state.asleep != Some(host));
            let (wait, host) = awake.filter_map(|host| Some((state.wait(host)?, host))).min()?;
            passed += wait;
            for clock in &mut state.clocks {
                *clock = clock.after(wait);
            }
            state.input(host, Input::Tick);
            state.deliver_noise();
            state.take_idle_steps();
            if !state.is_quiet() || state.fingerprint() != before {
                return Some(state);
            }
        }
        if state.asleep.is_some() && state.violation.is_none() {
            state.wake();
            state.take_idle_steps();
            return Some(state);
        }
        state.violation.is_some().then_some(state)
    }

    /// The violation by nodes that never come to rest.
    pub(super) fn restless(&self) -> Violation {
        Violation::new(self.now(), Property::Convergence, "the nodes find no rest")
    }

    /// How long until a host's next deadline.
    fn wait(&self, host: usize) -> Option<Duration> {
        self.hosts[host].node.deadline().map(|at| at.since(self.clocks[host]))
    }

    /// Delivers heartbeats with nothing before them, and settles dials that must fail: both must not keep time from
    /// passing.
    fn deliver_noise(&mut self) {
        while let Some(step) = self.noise() {
            match step {
                Transition::Deliver { wire, end } => self.deliver(wire, end),
                Transition::Dial(dial) => self.settle_dial(dial),
                _ => return,
            }
        }
    }

    fn noise(&self) -> Option<Transition> {
        self.network_steps().into_iter().find(|step| match *step {
            Transition::Deliver { wire, end } => {
                self.wires[wire].queues[end].front().is_some_and(|next| next.is_beat())
            }
            Transition::Dial(dial) => self.reached_by(&self.dials[dial]).is_none(),
            _ => false,
        })
    }

    /// Lets time pass for one host until it does more than send heartbeats, which are dropped. Returns whether it does.
    pub(super) fn false_alarm(&mut self, host: usize) -> bool {
        self.budget.false_alarms -= 1;
        let end = self.clocks[host].after(ALARM);
        let before = self.under_way();
        while let Some(deadline) = self.hosts[host].node.deadline().filter(|at| *at < end) {
            let old = self.wires.clone();
            self.clocks[host] = deadline;
            self.input(host, Input::Tick);
            if self.under_way() != before {
                return true;
            }
            self.wires = old;
        }
        false
    }

    /// What is under way, without heartbeats: messages of each connection, ends of connections, dials.
    fn under_way(&self) -> (Vec<UnderWay>, usize) {
        let of_wire = |wire: &Arc<Wire>| {
            let messages = |queue: &VecDeque<Arc<Letter>>| queue.iter().filter(|it| !it.is_beat()).count();
            (wire.queues.each_ref().map(messages), wire.tails, wire.gone)
        };
        (self.wires.iter().map(of_wire).collect(), self.dials.len())
    }

    /// The state in which everything comes to rest if nothing more befalls, one step after another. None if `known`
    /// says of a state on the way, with nothing under way, that its rest is known.
    ///
    /// # Errors
    /// A property that does not hold on the way, or that no rest is found.
    pub(super) fn at_rest(mut self, mut known: impl FnMut(&Self) -> bool) -> Result<Option<Self>, Violation> {
        for turn in 0..MAX_STEPS_TO_REST {
            if let Some(violation) = self.violation {
                return Err(Violation::clone(&violation));
            }
            let steps = self.network_steps();
            if let Some(turn) = turn.checked_rem(steps.len()) {
                self.take(steps[turn]);
            } else if known(&self) {
                return Ok(None);
            } else {
                match self.let_time_pass() {
                    Some(next) => self = next,
                    None => return Ok(Some(self)),
                }
            }
        }
        Err(self.restless())
    }
}

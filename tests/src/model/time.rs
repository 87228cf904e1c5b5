//! How time passes: only while nothing is under way, and for all hosts alike.

use std::time::Duration;

use ringchat_core::Input;

use super::state::{State, Tail, Wire, is_beat};
use super::step::Step;

/// After this long without anything new nothing will come: longer than any timer but those that find
/// nothing to do.
const REST: Duration = Duration::from_secs(20);

/// A single host is watched this long for something that it does.
const ALARM: Duration = Duration::from_secs(5);

/// From one step to rest at most this many steps in between, one after another.
const MAX_STEPS_TO_REST: usize = 20_000;

impl State {
    /// Lets time pass from deadline to deadline until something is under way that is no heartbeat, or some
    /// node is not as it was. None if that never comes.
    pub(super) fn let_time_pass(&self) -> Option<Self> {
        let before = self.fingerprint();
        let mut state = self.clone();
        let mut passed = Duration::ZERO;
        while passed < REST && state.wrong.is_none() {
            let (wait, host) = state.live().filter_map(|host| Some((state.wait(host)?, host))).min()?;
            passed += wait;
            for host in 0..state.hosts.len() {
                let clock = &mut state.host_mut(host).clock;
                *clock = clock.after(wait);
            }
            state.input(host, Input::Tick);
            state.deliver_noise();
            if !state.is_quiet() || state.fingerprint() != before {
                return Some(state);
            }
        }
        state.wrong.is_some().then_some(state)
    }

    /// How long until a host's next deadline.
    fn wait(&self, host: usize) -> Option<Duration> {
        let host = &self.hosts[host];
        host.node.deadline().map(|deadline| deadline.at.since(host.clock))
    }

    /// Delivers heartbeats with nothing before them, and settles dials that must fail: neither may keep
    /// time from passing.
    fn deliver_noise(&mut self) {
        while let Some(step) = self.noise() {
            match step {
                Step::Deliver { wire, end } => self.deliver(wire, end),
                Step::Dial(dial) => self.settle_dial(dial),
                _ => return,
            }
        }
    }

    fn noise(&self) -> Option<Step> {
        self.network_steps().into_iter().find(|step| match *step {
            Step::Deliver { wire, end } => {
                self.wires[wire].queues[end].front().is_some_and(|next| is_beat(&next.message))
            }
            Step::Dial(dial) => self.reached_by(&self.dials[dial]).is_none(),
            _ => false,
        })
    }

    /// Lets time pass for one host until it does more than send heartbeats, which are dropped. Tells whether
    /// it did.
    pub(super) fn false_alarm(&mut self, host: usize) -> bool {
        let end = self.hosts[host].clock.after(ALARM);
        let before = self.under_way();
        while let Some(deadline) = self.hosts[host].node.deadline().filter(|deadline| deadline.at < end) {
            let old = self.wires.clone();
            self.host_mut(host).clock = deadline.at;
            self.input(host, Input::Tick);
            if self.under_way() != before {
                return true;
            }
            self.wires = old;
        }
        false
    }

    /// How much is under way but heartbeats: messages, dials, ends of connections.
    fn under_way(&self) -> usize {
        let of_wire = |wire: &Wire| {
            let queued = wire.queues.iter().flatten().filter(|it| !is_beat(&it.message)).count();
            let ends = wire.tails.iter().filter(|tail| **tail != Tail::Open).count();
            queued + ends
        };
        self.wires.iter().map(|wire| of_wire(wire)).sum::<usize>() + self.dials.len()
    }

    /// Where everything comes to rest if nothing more befalls, one step after another. None if `known` says
    /// of a state on the way, with nothing under way, that its rest is known.
    ///
    /// # Errors
    /// What is wrong on the way, or that it finds no rest.
    pub(super) fn at_rest(mut self, mut known: impl FnMut(&Self) -> bool) -> Result<Option<Self>, String> {
        for turn in 0..MAX_STEPS_TO_REST {
            if let Some(wrong) = self.wrong {
                return Err(wrong);
            }
            let steps = self.network_steps();
            let next = if let Some(turn) = turn.checked_rem(steps.len()) {
                self.after(steps[turn])
            } else if known(&self) {
                return Ok(None);
            } else {
                self.let_time_pass()
            };
            match next {
                Some(next) => self = next,
                None => return Ok(Some(self)),
            }
        }
        Err("L: finds no rest".into())
    }
}

//! What goes wrong: processes, links, machines and people on the wire.

use alloc::vec::Vec;
use core::time::Duration;

use ringchat_core::limits::LINK_QUEUE_BYTES;
use ringchat_core::trace::Tracing;
use ringchat_trace::FaultKind;

use super::{Life, Place, World, WorldDeed, addr_of};
use crate::network::{Death, Heal, HostId, Quality, Tampering};
use crate::oracles::Violation;

impl World {
    /// A process dies.
    pub fn kill(&mut self, host: HostId, death: Death) {
        if !matches!(self.life(host), Life::Running | Life::Frozen) {
            return;
        }
        self.count_fault(if death == Death::Killed { "kill" } else { "power off" });
        self.trace.event(self.now, format_args!("{} dies: {death:?}", self.processes[host.0].label));
        let kind = if death == Death::Killed { FaultKind::Crash } else { FaultKind::Power };
        self.deed(kind, Some(host), Vec::new());
        self.processes[host.0].life = Life::Dead;
        self.transcripts.exit(host);
        self.network.kill(host, death);
        self.network.flush();
    }

    /// A process stops.
    pub fn freeze(&mut self, host: HostId) {
        if self.life(host) == Life::Running {
            self.count_fault("freeze");
            self.trace.event(self.now, format_args!("{} freezes", self.processes[host.0].label));
            self.deed(FaultKind::Freeze, Some(host), Vec::new());
            self.processes[host.0].life = Life::Frozen;
            self.network.freeze(host);
        }
    }

    /// A process stops, while all others run well.
    pub fn sleep(&mut self, host: HostId) {
        if self.life(host) == Life::Running {
            self.transcripts.sleep(host);
            self.freeze(host);
        }
    }

    /// A process stops for ever. Its kernel still takes connections and bytes. The oracles take it for dead.
    pub fn freeze_for_ever(&mut self, host: HostId) {
        if self.life(host) == Life::Running {
            self.count_fault("freeze for ever");
            self.trace.event(self.now, format_args!("{} freezes for ever", self.processes[host.0].label));
            self.deed(FaultKind::Freeze, Some(host), Vec::new());
            self.processes[host.0].life = Life::Dead;
            self.transcripts.exit(host);
            self.network.freeze(host);
        }
    }

    /// A frozen process goes on. Its late tick, what has arrived meanwhile and what its user has typed come in any
    /// order.
    ///
    /// # Errors
    /// The first violation.
    pub fn thaw(&mut self, host: HostId) -> Result<(), Violation> {
        if self.life(host) != Life::Frozen {
            return Ok(());
        }
        self.trace.event(self.now, format_args!("{} goes on", self.processes[host.0].label));
        self.deed(FaultKind::Thaw, Some(host), Vec::new());
        self.processes[host.0].life = Life::Running;
        self.network.thaw(host);
        if self.rng.chance(300) {
            self.user(host)?;
        }
        if self.rng.chance(500) {
            self.tick(host)?;
        }
        self.settle()?;
        self.tick(host)?;
        self.settle()?;
        self.user(host)?;
        self.settle()
    }

    /// From now on nothing gets through from one place to another.
    pub fn cut(&mut self, from: Place, to: Place) {
        self.count_fault("cut");
        self.trace.event(self.now, format_args!("the way from {from} to {to} is cut"));
        let sides = [from, to].map(|place| self.at(place).into_iter().collect());
        self.deed(FaultKind::Cut, None, sides.into());
        self.network.cut(addr_of(from), addr_of(to));
    }

    /// From now on nothing gets through between these places and all others. Several calls make a partition of more
    /// than two sides.
    pub fn partition(&mut self, side: &[Place]) {
        self.count_fault("partition");
        self.trace.event(self.now, format_args!("{side:?} are cut off"));
        self.deed(FaultKind::Partition, None, self.sides(side));
        self.network.wall(side.iter().map(|&place| addr_of(place)).collect());
    }

    /// Whether each of two processes can reach the other.
    pub fn are_connected(&self, a: HostId, b: HostId) -> bool {
        let [a, b] = [a, b].map(|host| addr_of(self.place(host)));
        !self.network.is_cut(a, b) && !self.network.is_cut(b, a)
    }

    /// All cuts end.
    pub fn heal(&mut self, how: Heal) {
        self.trace.event(self.now, format_args!("all cuts end: {how:?}"));
        self.deed(FaultKind::Heal, None, Vec::new());
        self.network.heal(how);
        self.network.flush();
    }

    /// One connection of the process breaks.
    pub fn break_link(&mut self, host: HostId, n: usize) {
        self.count_fault("broken link");
        self.trace.event(self.now, format_args!("a connection of {} breaks", self.processes[host.0].label));
        self.deed(FaultKind::Break, Some(host), Vec::new());
        self.network.break_nth(host, n);
        self.network.flush();
    }

    /// Somebody on the wire alters what is under way from the process on one of its connections.
    pub fn tamper(&mut self, host: HostId, n: usize, how: Tampering) {
        if self.network.tamper(host, n, how) {
            self.count_fault("tampering");
            let label = &self.processes[host.0].label;
            self.trace.event(self.now, format_args!("{how:?} on a connection of {label}"));
        }
    }

    /// A stranger without the secret connects to the process, and replays what it has heard, or says anything.
    pub fn intrude(&mut self, host: HostId, more: usize) {
        self.count_fault("stranger");
        let label = &self.processes[host.0].label;
        self.trace.event(self.now, format_args!("a stranger connects to {label}"));
        self.network.intrude(host, more);
    }

    /// The process's end of a connection breaks. The other end learns it when it sends.
    pub fn half_open(&mut self, host: HostId, n: usize) {
        self.count_fault("half-open link");
        self.trace
            .event(self.now, format_args!("a connection of {} is half open", self.processes[host.0].label));
        self.network.half_open_nth(host, n);
        self.network.flush();
    }

    /// From now on a link of the process fails when this many bytes are queued for it.
    pub fn bound_queues(&mut self, host: HostId, bytes: usize) {
        if bytes < LINK_QUEUE_BYTES {
            self.count_fault("short queues");
        }
        self.trace.event(self.now, format_args!("{} queues {bytes} bytes", self.processes[host.0].label));
        self.network.bound_queues(host, bytes);
    }

    /// A process reads this many bytes a second from now on, or as many as it can.
    pub fn slow(&mut self, host: HostId, bytes_per_second: Option<u64>) {
        if bytes_per_second.is_some() {
            self.count_fault("slow");
        }
        self.trace.event(
            self.now,
            format_args!("{} reads {bytes_per_second:?} bytes a second", self.processes[host.0].label),
        );
        self.network.slow(host, bytes_per_second);
    }

    /// The ticks of a process come up to `lateness` too late from now on.
    pub fn make_late(&mut self, host: HostId, lateness: Duration) {
        if !lateness.is_zero() {
            self.count_fault("late ticks");
        }
        self.trace
            .event(self.now, format_args!("{} ticks up to {lateness:?} late", self.processes[host.0].label));
        self.processes[host.0].lateness = lateness;
    }

    /// The clock of a process jumps by so many microseconds.
    pub fn jump(&mut self, host: HostId, by: i64) {
        self.count_fault("clock jump");
        self.trace
            .event(self.now, format_args!("the clock of {} jumps by {by} us", self.processes[host.0].label));
        self.processes[host.0].offset += by;
        self.processes[host.0].wake = None;
        self.plan(host);
    }

    /// Sets the quality of the network from now on.
    pub fn set_quality(&mut self, quality: Quality) {
        self.trace.event(self.now, format_args!("{quality:?}"));
        self.network.set_quality(quality);
    }

    /// Notes a fault for the traces.
    fn deed(&mut self, kind: FaultKind, host: Option<HostId>, sides: Vec<Vec<HostId>>) {
        if self.tracing != Tracing::Off {
            let (at, after) = (self.now, self.steps.len());
            self.deeds.push(WorldDeed { at, after, kind, host, sides });
        }
    }

    /// The live processes at these places, and all others.
    fn sides(&self, side: &[Place]) -> Vec<Vec<HostId>> {
        let (these, others) = self.alive().into_iter().partition(|&host| side.contains(&self.place(host)));
        [these, others].into()
    }

    pub(super) fn count_fault(&mut self, fault: &'static str) {
        *self.counts.faults.entry(fault).or_default() += 1;
    }
}

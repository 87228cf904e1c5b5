//! What traced processes tell, and the faults that they cannot tell of.

use alloc::vec;
use alloc::vec::Vec;

use ringchat_core::trace::Tracing;
use ringchat_core::{Action, Command, Input, Instant};
use ringchat_trace::FaultKind;

use super::World;
use crate::network::HostId;
use crate::oracles::Violation;

/// What a process told a trace or its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStep {
    /// The virtual time of the step.
    pub at: Instant,
    /// The process.
    pub host: HostId,
    /// An [`Action::Trace`] or an [`Action::Notify`].
    pub action: Action,
}

/// A fault, as the traces of a simulated room tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorldDeed {
    /// The virtual time of the fault.
    pub(crate) at: Instant,
    /// How many steps came before it.
    pub(crate) after: usize,
    /// What happened.
    pub(crate) kind: FaultKind,
    /// The process that it happened to, if not to the network.
    pub(crate) host: Option<HostId>,
    /// The sides that cannot reach each other any more.
    pub(crate) sides: Vec<Vec<HostId>>,
}

impl World {
    /// Lets nodes that start later tell so much of what they do.
    pub fn set_tracing(&mut self, tracing: Tracing) {
        self.tracing = tracing;
    }

    /// Leaves signs of life out of the traces, at both of their ends: a quiet room tells of nothing else.
    pub(crate) fn leave_out_beats(&mut self) {
        self.traces_beats = false;
    }

    /// Lets nodes tell so much from now on, those that run and those that start later.
    ///
    /// # Errors
    /// The first violation.
    pub(crate) fn trace_all(&mut self, tracing: Tracing) -> Result<(), Violation> {
        self.tracing = tracing;
        for host in self.alive() {
            self.feed(host, vec![Input::Command(Command::Trace(tracing))])?;
        }
        Ok(())
    }

    /// What processes that are traced have told, in order.
    pub fn steps(&self) -> &[HostStep] {
        &self.steps
    }

    /// The faults of a run whose processes are traced, in order.
    pub(crate) fn deeds(&self) -> &[WorldDeed] {
        &self.deeds
    }
}

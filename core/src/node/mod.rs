//! The node.

use alloc::vec::Vec;

use crate::action::Action;
use crate::config::Config;
use crate::input::Input;
use crate::time::Instant;

/// Where a node puts its actions; owned by the driver, emptied by it between calls.
pub type Outbox = Vec<Action>;

/// When a node wants to be woken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: Timer,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A sign of life is to be sent.
    Heartbeat,
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    config: Config,
}

impl Node {
    /// A new node.
    pub fn new(config: Config, _seed: [u8; 32], _now: Instant) -> Self {
        Self { config }
    }

    /// Takes one input and puts what follows from it into `out`.
    pub fn handle(&mut self, _now: Instant, _input: Input, out: &mut Outbox) {
        debug_assert!(out.is_empty(), "the driver empties the outbox");
        let _ = &self.config;
    }

    /// When to hand in `Input::Tick`.
    pub fn deadline(&self) -> Option<Deadline> {
        None
    }

    /// Whether something said now will be taken.
    pub fn can_say(&self) -> bool {
        true
    }
}

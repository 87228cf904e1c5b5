//! The model checker: every state that a few real nodes can reach, breadth first.
//!
//! The nodes are those that ship. Between them lies a channel, first in first out, for each direction of a
//! connection. A step delivers one message, settles one dial, or is a fault or a person's doing, as far as
//! the [`Budget`] goes. All orders of steps are tried. States are told apart by 128-bit fingerprints.
//!
//! Time passes only while nothing is under way: the earliest deadline of all
//! comes first, and heartbeats arrive at once, until something happens that is no heartbeat. So timers never
//! race with messages, but for the false alarms in the budget.
//!
//! So that larger rings can be searched, what makes no difference is not told apart, or not tried:
//! - A crash happens when somebody notices it. Until then the host might as well have been slow, which is
//!   tried anyway.
//! - A connection breaks, and a partition begins, when somebody notices it, for the same reason: what was sent
//!   meanwhile may be lost with the connection. Only a partition that another may replace begins at any time.
//! - A partition ends when a dial finds out, or before time passes. Until then it makes no difference whether it has
//!   ended, for nothing else goes across. Another may take its place at any time.
//! - What comes too late for who receives it, now and whenever it may come, is delivered at once
//!   (`Node::is_too_late`, `Node::is_loose`). That it is a sign of life comes early by that, which only a
//!   suspicion or a false alarm in between could tell.
//! - A dial that was given up is forgotten at once: whatever becomes of it, nobody does anything.
//! - Acknowledgements arrive at once, and have no part in a state, where nobody leaves, unless somebody is being
//!   let in and they may be waited for: only then does it decide anything who has acknowledged what.
//! - A message that only its receiver could tell to have come waits as long as it goes with all else that could
//!   happen there (`later`).
//! - Heartbeats to one that sleeps are forgotten: they tell it nothing but that somebody lived meanwhile.
//! - Who dialed a link does not count once it stands at both ends, nor how far behind a peer was that is known to be.
//!
//! - [`State`]: nodes, connections and dials, and what a step makes of them.
//! - `host`: one node and its user, and what an event makes of them.
//! - [`Transition`]: what can happen next.
//! - `later`: which of that can wait.
//! - `time`: how time passes.
//! - [`ROWS`]: the searches that are done.
//! - `properties`: what must hold in every state, and where nothing is left to happen.
//! - [`search`]: the search, and the shortest way to what is wrong.
//! - `walk`: from one state that was found to the next.

mod fingerprint;
mod host;
mod partial_order;
mod properties;
mod rows;
mod search;
mod state;
mod time;
mod transition;
mod walk;

pub use rows::{ROWS, Row};
pub use search::{Found, Limits, SearchOutcome, search};
pub use state::{Budget, State};
pub use transition::Transition;

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
//! - [`State`]: nodes, connections and dials, and what a step makes of them.
//! - [`Step`]: what can happen next.
//! - `time`: how time passes.
//! - `properties`: what must hold in every state, and where nothing is left to happen.
//! - [`search`]: the search, and the shortest way to what is wrong.

mod fingerprint;
mod host;
mod properties;
mod search;
mod state;
mod step;
mod time;

pub use search::{Found, Limits, Outcome, search};
pub use state::{Budget, State};
pub use step::Step;

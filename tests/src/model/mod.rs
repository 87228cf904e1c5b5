//! The model checker: every state that a few real nodes can reach, breadth first.
//!
//! The nodes are those that ship. Each direction of a connection is a channel, first in, first out. A transition
//! delivers a message, settles a dial, or is a fault or an action of a user, within the [`Budget`]. All orders of
//! transitions are tried. States are told apart by 128-bit fingerprints.
//!
//! Time passes only while nothing is under way: the earliest deadline of all comes first, and heartbeats arrive at
//! once, until something happens that is not a heartbeat. So timers never race with messages, except in the false
//! alarms of the budget.
//!
//! To search larger rings, what makes no difference is not told apart, or not tried:
//! - A crash happens when another host notices it. Until then the crashed host might as well be slow, which is tried
//!   anyway.
//! - For the same reason a connection breaks, and a partition begins, when a host notices it: what was sent meanwhile
//!   may be lost with the connection. Only a partition that another one may replace begins at any time.
//! - A partition ends when a dial finds out, or before time passes. Until then its end makes no difference, because
//!   nothing else crosses it. Another partition may take its place at any time.
//! - A message that comes too late for its receiver, now and at any later time, is delivered at once
//!   (`Node::is_too_late`, `Node::is_loose`). It counts as a sign of life too early then, which only a suspicion or a
//!   false alarm in between could tell.
//! - A dial that its node has given up is forgotten at once: no node acts on its outcome.
//! - While no host leaves, acknowledgements arrive at once and are no part of a state, unless a newcomer is being let
//!   in and they may be waited for. Nothing else depends on them.
//! - A message whose arrival only its receiver can tell waits as long as it commutes with everything else that can
//!   happen there (`partial_order`).
//! - Heartbeats to a sleeping host are forgotten: they only tell it that their sender lived meanwhile.
//! - The direction of a dial does not count once both ends have the link, nor does how far a peer is behind that is
//!   known to be behind.
//!
//! - [`State`]: nodes, connections and dials, and what a transition makes of them.
//! - `host`: a node and its user, and what an event makes of them.
//! - [`Transition`]: what can happen next.
//! - `partial_order`: which transitions can wait.
//! - `time`: how time passes.
//! - [`ROWS`]: the searches of the matrix.
//! - `invention`: words that nobody said, and what a decoder makes of them.
//! - `properties`: what is checked in every state, and where nothing is left to happen.
//! - [`search`]: the search, and the shortest way to a violation.
//! - `walk`: the way from one known state to the next.

mod fingerprint;
mod host;
mod invention;
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

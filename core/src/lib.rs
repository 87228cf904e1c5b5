//! The ringchat node: a pure, deterministic state machine, and its wire format.
//!
//! It opens no socket, starts no thread and reads no clock. A driver does that, and owes the node this
//! (the crate `ringchat-driver` keeps most of it for a runtime):
//!
//! 1. Before anything else, bind the listening socket, so that [`Config::addr`] is the true one, and draw
//!    a [`Seed`] from the system's random source. Then [`Node::new`].
//! 2. Call [`Node::handle`] for every [`Input`], in the order in which things happened, with the time of
//!    a clock that does not run backwards, and that goes on while the machine is suspended. Read it once the
//!    input is at hand: by its lateness the node knows that it slept. Hand it an empty [`Outbox`].
//! 3. After each call execute every [`Action`] in the outbox, in order. Never block, never wait.
//! 4. After each call read [`Node::deadline`] anew; when it comes, hand in [`Input::Tick`].
//! 5. Each [`Action::Dial`] is answered by exactly one [`Input::LinkUp`] or [`Input::DialFailed`]; each
//!    `LinkUp` by exactly one [`Input::LinkDown`], also after [`Action::Close`]. Ids are never used again.
//! 6. Make a [`secure::Link`] of each connection, with 32 fresh bytes of the system's random source, and hand in
//!    [`Input::LinkUp`] once it is open: nothing of a stranger reaches the node before. Decode what its records hold
//!    with [`wire::FrameDecoder`], whose limit is [`limits::MAX_FRAME`] on a dialed link, and
//!    [`limits::MAX_GREETING`] on an accepted one until [`Action::Trust`]. Seal what is sent with its
//!    [`secure::Sealer`]. Give up a dial that has not led to an open link after [`Config::dial_patience`], and an
//!    accepted connection after [`Config::stranger_patience`].
//! 7. Bound what is queued for a link by [`limits::LINK_QUEUE_BYTES`], and for all links by [`limits::WRITE_BYTES`], which
//!    they share ([`pool_has_room`]); over it, the link is down with [`DownReason::Overflow`]. Drop nothing in silence.
//! 8. Give no more to say than the node [takes](Node::takes); while [`Node::can_say`] is false, do not read the
//!    user's input.
//! 9. Prove the id of the node on each link: that of its seed, and after [`Action::NewLife`] the one that stands there.
//! 10. On [`Action::Halt`] close every link as it says, and end.
//!
//! The node in turn never panics over what comes in, keeps everything within [`limits`], and after each
//! call has its deadline in the future.

#![no_std]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on is to panic")
)]

extern crate alloc;

mod action;
mod config;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod ids;
mod input;
pub mod limits;
mod looks;
mod name;
mod needed_lately;
mod node;
mod numbers;
mod pool;
mod report;
mod rng;
mod roster;
pub mod secure;
mod text;
mod text_run;
mod time;
pub mod trace;
pub mod wire;

pub use action::{
    Action, Chat, ChatLine, CloseMode, Departure, ElectionPhase, Ending, Fault, JoinFailure, Notice,
    Occasion, RingReason,
};
pub use config::{Config, Seed, Start};
pub use ids::{DialId, LinkId, NodeId, RoomId};
pub use input::{Command, DialFailure, DownReason, Input, Origin};
pub use looks::skeleton;
pub use name::{Name, NameError};
pub use needed_lately::NeededLately;
#[cfg(feature = "ablation")]
pub use node::Rule;
#[cfg(feature = "inspect")]
pub use node::inspect::{Held, digest_message, invariants};
pub use node::{Node, Outbox};
pub use numbers::{Epoch, Index, Seq, Stamp};
pub use pool::pool_has_room;
pub use report::{Report, Stats};
pub use roster::{ConfigId, Member, Roster, RosterError, View};
pub use text::{Text, TextTooLong};
pub use text_run::TextRun;
pub use time::{Instant, UnixTime};

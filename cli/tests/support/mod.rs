//! Rooms of real processes over real sockets.
//!
//! A [`TestRoom`] starts processes of the program with `--json` and reads their output. Tests wait for output with a
//! deadline and never sleep. A failing test shows the last lines of each member.

mod check;
mod event;
#[path = "../../../tests/tests/other_end/mod.rs"]
pub(crate) mod other_end;
mod process;
mod record;
mod room;
mod slow_member;

pub(crate) use event::{EventKey, ReceivedEvent};
pub(crate) use process::{LaunchOptions, Stdout};
pub(crate) use room::{MemberIndex, Runtimes, TestRoom, wait_listening, wait_written};
pub(crate) use slow_member::SlowMember;

/// Makes three tests of each scenario: with members on threads, on async-std, and mixed.
macro_rules! on_every_runtime {
    ($($scenario:ident)*) => { $(
        mod $scenario {
            use crate::support::Runtimes;

            #[test]
            fn threads() {
                super::$scenario(Runtimes::Threads);
            }

            #[test]
            fn async_std() {
                super::$scenario(Runtimes::AsyncStd);
            }

            #[test]
            fn mixed() {
                super::$scenario(Runtimes::Mixed);
            }
        }
    )* };
}
pub(crate) use on_every_runtime;

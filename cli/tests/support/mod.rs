//! Rooms of real processes over real sockets.
//!
//! A [`TestRoom`] starts members of the built program with `--json` and reads what they print. Tests wait for
//! what is printed, with a deadline, and never sleep. When a test fails, each member's last lines are shown.

mod check;
mod event;
mod process;
mod record;
mod room;
mod slow_member;

pub(crate) use event::ReceivedEvent;
pub(crate) use process::{LaunchOptions, Stdout};
pub(crate) use room::{MemberIndex, Runtimes, TestRoom, wait_listening};
pub(crate) use slow_member::SlowMember;

/// Makes three tests of each scenario: in a room of threads, in one of async-std, and in a mixed one.
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

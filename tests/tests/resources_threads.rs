//! What rooms over threads cost and leave behind. One test, so that it has the process for itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long things take")]

#[macro_use]
mod runtimes;

#[test]
fn rooms_cost_nothing_at_rest_and_leave_nothing_behind() {
    runtimes::resources::nothing_is_used_at_rest::<runtimes::threads::Threads>();
    runtimes::resources::nothing_is_left_behind::<runtimes::threads::Threads>();
    runtimes::hostile::a_hostile_member_makes_nobody_hold_much::<runtimes::threads::Threads>();
}

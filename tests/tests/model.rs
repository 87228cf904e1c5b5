//! The smallest rows of the model checker, each searched to its end. The larger ones are run by hand, with
//! `cargo run --release -p ringchat-tests --bin check -- --help`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on is to panic")]

use ringchat_tests::model::{Budget, Limits, State, search};

/// Searches all states of a ring of `nodes` under `budget`; there are to be at least `states`.
fn holds(nodes: usize, budget: Budget, states: usize) {
    let start = State::new(nodes, budget).expect("the ring forms");
    let outcome = search(start, Limits { states: 1_000_000, jobs: 2 }, |_, _, _| {});
    if let Some(found) = &outcome.found {
        panic!("{}\n{}", found.what, found.scenario.join("\n"));
    }
    assert!(outcome.finished, "stopped after {} states", outcome.states);
    assert!(outcome.states >= states, "only {} states: the search looks at less than it did", outcome.states);
}

#[test]
fn two_of_three_crash_while_one_speaks() {
    holds(3, Budget { crashes: 2, messages: 1, ..Budget::default() }, 2000);
}

#[test]
fn one_of_four_crashes() {
    holds(4, Budget { crashes: 1, ..Budget::default() }, 1000);
}

#[test]
fn one_joins_while_one_crashes() {
    holds(2, Budget { joins: 1, crashes: 1, ..Budget::default() }, 5000);
}

#[test]
fn one_leaves_while_one_speaks() {
    holds(3, Budget { leaves: 1, messages: 1, ..Budget::default() }, 500);
}

#[test]
fn two_leave() {
    holds(3, Budget { leaves: 2, ..Budget::default() }, 500);
}

#[test]
fn two_are_cut_apart_and_find_each_other_again() {
    holds(2, Budget { partitions: 1, messages: 1, ..Budget::default() }, 1000);
}

#[test]
fn a_connection_breaks_and_one_crashes() {
    holds(3, Budget { breaks: 1, crashes: 1, ..Budget::default() }, 2000);
}

#[test]
fn a_false_alarm_and_a_crash() {
    holds(3, Budget { false_alarms: 1, crashes: 1, ..Budget::default() }, 1000);
}

#[test]
fn the_names_of_states_are_those_of_their_meaning_and_not_of_their_way() {
    let budget = Budget { messages: 1, crashes: 1, ..Budget::default() };
    let (a, b) = (State::new(3, budget).expect("forms"), State::new(3, budget).expect("forms"));
    assert_eq!(a.fingerprint(), b.fingerprint());
    let steps = a.steps();
    let mut after: Vec<u128> =
        steps.iter().filter_map(|step| a.after(*step)).map(|next| next.fingerprint()).collect();
    let count = after.len();
    assert!(count > 3);
    after.sort_unstable();
    after.dedup();
    assert_eq!(after.len(), count, "states that differ share a fingerprint");
}

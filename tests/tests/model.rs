//! The smaller rows of the model checker's matrix, each searched to its end. All of them, as far as memory goes:
//! `cargo run --release -p ringchat-tests --bin check -- --matrix`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on is to panic")]

use ringchat_tests::model::{Budget, Limits, ROWS, Row, State, search};

/// States consist of many small allocations, which would take most of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Searches the tested rows for which `chosen` holds.
fn hold(chosen: impl Fn(Budget) -> bool) {
    let rows: Vec<(&Row, usize)> = ROWS
        .iter()
        .filter(|row| chosen(row.budget))
        .filter_map(|row| row.tested.map(|states| (row, states)))
        .collect();
    assert!(!rows.is_empty());
    for (row, states) in rows {
        let start = State::new(row.nodes, row.budget).expect("the ring forms");
        let outcome = search(start, Limits { states: 1_000_000, jobs: 1 }, |_, _, _| {});
        if let Some(found) = &outcome.found {
            panic!("{row} {}\n{}", found.violation, found.scenario.join("\n"));
        }
        assert!(outcome.finished, "{row} stopped after {} states", outcome.states);
        let found = outcome.states;
        assert!(found >= states, "{row} only {found} states: the search looks at less than it did");
    }
}

#[test]
fn crashes() {
    hold(|it| it == Budget { crashes: it.crashes, messages: it.messages, ..Budget::NONE });
}

#[test]
fn newcomers() {
    hold(|it| it.joins > 0);
}

#[test]
fn leaving_in_order() {
    hold(|it| it.leaves > 0 && it.joins == 0);
}

#[test]
fn broken_connections_and_false_alarms() {
    hold(|it| it.joins == 0 && (it.breaks > 0 || it.false_alarms > 0) && it.partitions == 0);
}

#[test]
fn inventions() {
    hold(|it| it.inventions > 0);
}

#[test]
fn partitions() {
    hold(|it| it.joins == 0 && it.leaves == 0 && it.partitions > 0);
}

#[test]
fn the_names_of_states_are_those_of_their_meaning_and_not_of_their_way() {
    let budget = Budget { messages: 1, crashes: 1, ..Budget::NONE };
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

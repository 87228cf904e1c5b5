//! Each rule that the protocol cannot do without is taken away in turn, and the oracles find what then goes
//! wrong. An oracle that finds nothing in a broken protocol would prove nothing about a whole one.

use std::ops::Range;

use ringchat_core::Rule;
use ringchat_tests::oracles::Violation;
use ringchat_tests::sim::chaos::{Mix, Options, run_without};

/// Runs among which each violation is found; the first is mostly among the first hundred.
const SEEDS: Range<u64> = 1..600;

/// What the oracles find in random runs without `rules`.
fn violations(rules: &'static [Rule], mix: Mix) -> impl Iterator<Item = Violation> {
    let run = move |seed| run_without(rules, Options { seed, nodes: None, mix, trace: false });
    SEEDS.filter_map(move |seed| run(seed).result.err())
}

/// Asserts that without `rules` some random run breaks `property`.
fn breaks(rules: &'static [Rule], mix: Mix, property: &str) {
    let found = violations(rules, mix).any(|violation| violation.property == property);
    assert!(found, "no run without {rules:?} breaks {property}");
}

#[test]
fn nothing_is_found_while_all_rules_are_kept() {
    for mix in [Mix::Crash, Mix::Freeze, Mix::Cut] {
        let run = |seed| run_without(&[], Options { seed, nodes: None, mix, trace: false });
        for seed in 1..60 {
            assert_eq!(run(seed).result, Ok(()), "seed {seed} of {mix:?}");
        }
    }
}

#[test]
fn a_sender_is_not_heard_if_nothing_is_submitted_again() {
    breaks(&[Rule::Resubmit], Mix::Crash, "convergence");
}

#[test]
fn messages_stand_twice_if_any_number_is_sequenced() {
    breaks(&[Rule::ExactNextSeq], Mix::Freeze, "S5");
}

#[test]
fn messages_are_shown_twice_if_an_installed_log_is_shown_as_it_is() {
    breaks(&[Rule::ShowOnce], Mix::Freeze, "S5");
}

#[test]
fn messages_are_lost_if_tails_are_not_sequenced_again() {
    breaks(&[Rule::SequenceTails], Mix::Freeze, "L1");
}

#[test]
fn the_order_is_lost_if_the_highest_id_leads() {
    breaks(&[Rule::LongestLogFirst], Mix::Crash, "S3");
}

#[test]
fn an_election_hangs_if_it_has_no_end() {
    breaks(&[Rule::ElectionTimeout], Mix::Cut, "convergence");
}

#[test]
fn the_ring_stays_open_if_the_skipped_are_not_tried_again() {
    breaks(&[Rule::RetrySkipped], Mix::Cut, "convergence");
}

#[test]
fn the_configuration_goes_back_if_a_roster_that_was_only_heard_of_counts() {
    breaks(&[Rule::MembersFromLogOnly], Mix::Cut, "S9");
}

#[test]
fn nobody_comes_back_as_if_new() {
    breaks(&[Rule::RejoinWithPromise], Mix::Freeze, "convergence");
}

#[test]
fn nobody_comes_back_to_an_older_epoch() {
    breaks(&[Rule::EpochAboveReturners], Mix::Freeze, "convergence");
}

#[test]
fn rings_stay_apart_if_nobody_looks_for_the_lost() {
    breaks(&[Rule::ProbeLost], Mix::Cut, "convergence");
}

#[test]
fn a_leaver_takes_messages_along_if_it_does_not_wait() {
    breaks(&[Rule::DrainBeforeLeave], Mix::Crash, "L1");
}
